/* How selections are read: what a word is, what a number means, and what is said of mistakes. */
#include "src/select/selection.h"

#include <string.h>

#include "tests/tap.h"

static const struct mistake {
	const char *text;
	unsigned column;
	const char *said; /* a part of the message */
} mistakes[] = {
	{ "", 1, "expected a field, a type or '(', found the end" },
	{ "  ", 3, "found the end" },
	{ "type=app.* annd gen=2", 12,
		"expected 'and', 'or' or the end, found 'annd' (did you mean 'and'?)" },
	{ "gen=2 AND garbage", 7, "(did you mean 'and'?)" },
	{ "gen=2 || garbage", 7, "(did you mean 'or'?)" },
	{ "gen=2 garbage", 7, "found 'garbage'" },
	{ "gen=2 and", 10, "found the end" },
	{ "gen=2 and or", 11, "found 'or'" },
	{ "not", 4, "found the end" },
	{ "! garbage", 1, "found '!' (did you mean 'not'?)" },
	{ "(gen=2", 7, "expected 'and', 'or' or ')', found the end" },
	{ "(gen=2 or (garbage)", 20, "'and', 'or' or ')'" },
	{ "gen=2)", 6, "found ')'" },
	{ "()", 2, "found ')'" },
	{ "sise>10", 1, "there is no field 'sise' (did you mean 'size'?)" },
	{ "gen=2 and refcont>3", 11, "did you mean 'refcount'?" },
	{ "vector<int>", 1, "there is no field 'vector'" },
	{ "size>", 6, "expected a size, such as 512, 10k or 1.5MiB, found the end" },
	{ "size>big", 6, "found 'big'" },
	{ "size>'10'", 6, "expected a size" },
	{ "size>10kk", 6, "found '10kk'" },
	{ "size>1.5", 6, "found '1.5'" },
	{ "size>1.k", 6, "found '1.k'" },
	{ "size>-1", 6, "found '-1'" },
	{ "size>0x10", 6, "found '0x10'" },
	{ "size>18446744073709551615", 6, "expected a size" },
	{ "size>18446744073709551616", 6, "expected a size" },
	{ "size>99999999T", 6, "expected a size" },
	{ "size=>5", 6, "found '>' (did you mean '>='?)" },
	{ "size=<5", 6, "found '<' (did you mean '<='?)" },
	{ "size>>5", 6, "found '>'" },
	{ "items>10kB", 7, "expected a number, such as 3 or 10k" },
	{ "id=@", 4, "expected a number" },
	{ "id=@3x", 4, "found '@3x'" },
	{ "address=0x10000000000000000", 9, "expected a number" },
	{ "gen=3", 5, "expected 0, 1, 2, permanent or untracked, found '3'" },
	{ "gen=untraced", 5, "(did you mean 'untracked'?)" },
	{ "gen>permanent", 5, "only 0, 1 and 2 have an order" },
	{ "type>x", 5, "a text is compared by = and != alone" },
	{ "garbage=1", 8, "a flag is not compared" },
	{ "name='x", 6, "this quote is not closed" },
	{ "\"Session", 1, "this quote is not closed" },
	{ "name='x\\'", 6, "this quote is not closed" },
	{ "Model[int, [str]", 6, "this bracket is not closed" },
	{ "value=gr\xc3\xb6\xc3\x9f"
	  "e and gr\xc3\xb6\xc3\x9f"
	  "e>1",
		17, "there is no field" },
};

/* With conditions. */
static const struct mistake conditions[] = {
	{ "count>", 7, "expected a number, such as 3 or 10k, found the end" },
	{ "type=x and count>many", 18, "found 'many'" },
	{ "rss>2Gb and total=>1k", 19, "(did you mean '>='?)" },
	{ "cuont>5", 1, "there is no field 'cuont' (did you mean 'count'?)" },
	{ "type=x and count>5 or garbage", 20, "what 'or' joins goes into parentheses" },
	{ "garbage or count>5", 12, "'count' is of all together" },
	{ "garbage and (rss>5)", 14, "'rss' is of all together" },
	{ "not total>5", 5, "'total' is of all together" },
	{ "count>1 and", 12, "found the end" },
	{ "count>1 count<3", 9, "expected 'and', 'or' or the end" },
};

/* Words that count nothing are types, as ever. */
static const struct until {
	const char *text;
	size_t steps, conditions;
	enum rg_select_sum_kind sum; /* of the last */
	uint64_t number;
} untils[] = {
	{ "count>10", 0, 1, RG_SUM_COUNT, 10 },
	{ "count", 1, 0, 0, 0 },
	{ "type=app.* and count>=10k", 1, 1, RG_SUM_COUNT, 10000 },
	{ "total>100MiB and Session and gen=2", 3, 1, RG_SUM_TOTAL, 100 << 20 },
	{ "Session and count>3 and gen=2 and rss<1k", 3, 2, RG_SUM_RSS, 1000 },
	{ "(Session or Request) and count>3", 3, 1, RG_SUM_COUNT, 3 },
	{ "Session or Request", 3, 0, 0, 0 },
};

START_TEST(waited_for)
{
	for (size_t i = 0; i < sizeof(untils) / sizeof(untils[0]); i++) {
		const struct until *until = &untils[i];
		struct rg_selection selection;

		ck_assert_msg(
			!rg_selection_init_until(&selection, until->text, NULL), "%s", until->text);
		ck_assert_uint_eq(selection.n_steps, until->steps);
		ck_assert_uint_eq(selection.n_conditions, until->conditions);
		if (until->conditions) {
			size_t last = until->conditions - 1;

			ck_assert_int_eq(selection.conditions[last].sum, until->sum);
			ck_assert_uint_eq(selection.conditions[last].number, until->number);
		}
		rg_selection_deinit(&selection);
	}
}
END_TEST

START_TEST(errors_of_conditions)
{
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		const struct mistake *mistake = &conditions[i];
		struct rg_selection selection;
		struct rg_error err;
		char where[300];

		rg_error_init(&err);
		ck_assert_msg(rg_selection_init_until(&selection, mistake->text, &err) == RG_USAGE,
			"'%s' was read", mistake->text);
		snprintf(where, sizeof(where), "'%s': column %u: ", mistake->text, mistake->column);
		ck_assert_msg(strncmp(err.message, where, strlen(where)) == 0 &&
				      strstr(err.message, mistake->said),
			"%s: %s", mistake->text, err.message);
	}
}
END_TEST

START_TEST(errors)
{
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		const struct mistake *mistake = &mistakes[i];
		struct rg_selection selection;
		struct rg_error err;
		char where[300];

		rg_error_init(&err);
		ck_assert_msg(rg_selection_init(&selection, mistake->text, &err) == RG_USAGE,
			"'%s' was read", mistake->text);
		snprintf(where, sizeof(where), "'%s': column %u: ", mistake->text, mistake->column);
		ck_assert_msg(strncmp(err.message, where, strlen(where)) == 0 &&
				      strstr(err.message, mistake->said),
			"%s: %s", mistake->text, err.message);
		/* the caret is below the same place, counted in bytes */
		ck_assert_uint_le(err.caret, strlen(mistake->text) + 1);
		ck_assert_uint_ge(err.caret, mistake->column);
		ck_assert_ptr_null(selection.steps);
	}
}
END_TEST

/* Of a long one the message quotes what is around the place, and the caret points into that. */
START_TEST(long_errors)
{
	for (size_t before = 1; before < 300; before++) {
		struct rg_selection selection;
		char text[700] = "type=", *at = text + 5;
		struct rg_error err;

		for (size_t i = 0; i < before; i++)
			at = stpcpy(at, i % 7 ? "a" : "\xc3\xa4");
		at = stpcpy(at, " ? ");
		memset(at, 'b', 200);
		ck_assert_int_eq(rg_selection_init(&selection, text, &err), RG_USAGE);
		ck_assert_msg(err.message[err.caret] == '?' && strstr(err.message, "found '?'"),
			"%zu: %u in %s", before, err.caret, err.message);
		ck_assert_uint_lt(strlen(err.message), sizeof(err.message) - 1);
	}
}
END_TEST

static const struct number {
	const char *text;
	uint64_t number;
} numbers[] = {
	{ "size=0", 0 },
	{ "size=512", 512 },
	{ "size=10B", 10 },
	{ "size=10k", 10000 },
	{ "size=10kB", 10000 },
	{ "size=10K", 10000 },
	{ "size=10KiB", 10240 },
	{ "size=10ki", 10240 },
	{ "size=1MiB", 1048576 },
	{ "size=1.5GB", 1500000000 },
	{ "size=1.5gib", 1610612736 },
	{ "size=0.5k", 500 },
	{ "size=1.1KiB", 1126 },
	{ "size=2T", 2000000000000 },
	{ "size=1.9999999999k", 1999 },
	{ "size=18446744073709551614", UINT64_MAX - 1 },
	{ "footprint==007", 7 },
	{ "items=1k", 1000 },
	{ "distance=3", 3 },
	{ "refcount=2M", 2000000 },
	{ "gen=2", RG_GEN_2 },
	{ "generation=untracked", RG_GEN_UNTRACKED },
	{ "gen=permanent", RG_GEN_PERMANENT },
	{ "id=@812", 812 },
	{ "id=812", 812 },
	{ "id=0x10", 16 },
	{ "address=0x7f2A10c0", 0x7f2a10c0 },
	{ "address=0xffffffffffffffff", UINT64_MAX },
};

START_TEST(amounts)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct rg_selection selection;
		struct rg_error err;

		ck_assert_msg(rg_selection_init(&selection, numbers[i].text, &err) == RG_OK, "%s",
			err.message);
		ck_assert_uint_eq(selection.n_steps, 1);
		ck_assert_msg(selection.steps[0].test.number == numbers[i].number, "%s is %" PRIu64,
			numbers[i].text, selection.steps[0].test.number);
		rg_selection_deinit(&selection);
	}
}
END_TEST

/* One question: the field that it is about, or '@' or 'x', and the text in it. */
static const struct word {
	const char *text, *field, *value;
	enum rg_select_compare compare;
} words[] = {
	{ "Session", "type", "Session", RG_EQ },
	{ "app.cache.*", "type", "app.cache.*", RG_EQ },
	{ "type", "type", "type", RG_EQ },
	{ " module ", "type", "module", RG_EQ },
	{ "list", "type", "list", RG_EQ },
	{ "*", "type", "*", RG_EQ },
	{ "'cycle'", "type", "cycle", RG_EQ },
	{ "itertools.cycle", "type", "itertools.cycle", RG_EQ },
	{ "f.<locals>.C", "type", "f.<locals>.C", RG_EQ },
	{ "Model[int, str]", "type", "Model[int, str]", RG_EQ },
	{ "M[a[b], 'c and d=(']", "type", "M[a[b], 'c and d=(']", RG_EQ },
	{ "a-b/c:d,e", "type", "a-b/c:d,e", RG_EQ },
	{ "\"vector<int>\"", "type", "vector<int>", RG_EQ },
	{ "type='vector<int>'", "type", "vector<int>", RG_EQ },
	{ "type != x]", "type", "x]", RG_NE },
	{ "name=<lambda>", "name", "<lambda>", RG_EQ },
	{ "name=f.<locals>.<lambda>", "name", "f.<locals>.<lambda>", RG_EQ },
	{ "value='it\\'s \\*'", "value", "it\\'s \\*", RG_EQ },
	{ "value=and", "value", "and", RG_EQ },
	{ "root", "root", "root", RG_ALONE },
	{ "root='module *'", "root", "module *", RG_EQ },
	{ "cycle", "cycle", "cycle", RG_ALONE },
	{ "((garbage))", "garbage", "garbage", RG_ALONE },
	{ "@812", "@", "@812", RG_ALONE },
	{ "0x7f00", "x", "0x7f00", RG_ALONE },
	{ "size<=3", "size", NULL, RG_LE },
	{ "size < 3", "size", NULL, RG_LT },
	{ "gen>=1", "gen", NULL, RG_GE },
};

START_TEST(meanings)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct word *word = &words[i];
		struct rg_selection selection;
		const struct rg_step *step;
		struct rg_error err;
		const char *field;

		ck_assert_msg(rg_selection_init(&selection, word->text, &err) == RG_OK, "%s",
			err.message);
		ck_assert_uint_eq(selection.n_steps, 1);
		ck_assert_uint_eq(selection.depth, 1);
		step = &selection.steps[0];
		field = step->kind == RG_STEP_NUMBER    ? "@"
			: step->kind == RG_STEP_ADDRESS ? "x"
							: step->test.field->name;
		ck_assert_msg(strcmp(field, word->field) == 0, "%s: %s", word->text, field);
		ck_assert_msg(step->test.compare == word->compare, "%s", word->text);
		ck_assert(!word->value == !step->test.text);
		if (word->value)
			ck_assert_str_eq(step->test.text, word->value);
		ck_assert(selection.exact == (*field == '@' || *field == 'x'));
		rg_selection_deinit(&selection);
	}
}
END_TEST

/* What is nested too deep, or too long, is refused; all else is read. */
START_TEST(bounds)
{
	char text[20000], *at;

	for (unsigned depth = 0; depth < 100; depth++) {
		struct rg_selection selection;
		struct rg_error err;
		bool fits = depth <= RG_SELECTION_DEPTH;

		at = text;
		for (unsigned i = 0; i < depth; i++)
			at = stpcpy(at, i % 2 ? "(gen=1 or " : "not (garbage and ");
		at = stpcpy(at, "root");
		for (unsigned i = 0; i < depth; i++)
			at = stpcpy(at, ")");
		ck_assert(rg_selection_init(&selection, text, &err) == (fits ? RG_OK : RG_USAGE));
		ck_assert_uint_eq(selection.depth, fits ? depth + 1 : 0);
		if (!fits)
			ck_assert_ptr_nonnull(strstr(err.message, "more than 32 parentheses"));
		rg_selection_deinit(&selection);
	}
	for (unsigned tests = 250; tests < 260; tests++) {
		struct rg_selection selection;
		struct rg_error err;
		bool fits = tests <= RG_SELECTION_TESTS;

		at = stpcpy(text, "not not not root");
		for (unsigned i = 1; i < tests; i++)
			at = stpcpy(at, i % 2 ? " and not @1" : " or size>1");
		ck_assert(rg_selection_init(&selection, text, &err) == (fits ? RG_OK : RG_USAGE));
		ck_assert_uint_le(selection.depth, 3);
		rg_selection_deinit(&selection);
	}
}
END_TEST

/* What rows of the table must be like for all that is made of them. */
START_TEST(table)
{
	for (size_t i = 0; i < RG_SELECT_FIELDS; i++) {
		const struct rg_select_field *field = &rg_select_fields[i];
		bool flag = field->type == RG_SELECT_FLAG, text = field->type == RG_SELECT_TEXT;

		ck_assert(field->name && field->summary && *field->summary);
		ck_assert_msg(field->alone == (field->holds != NULL), "%s", field->name);
		ck_assert_msg(!flag || field->alone, "%s", field->name);
		ck_assert_msg(text == (field->texts != NULL), "%s", field->name);
		ck_assert_msg((!flag && !text) == (field->amount != NULL), "%s", field->name);
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(field->name, rg_select_fields[k].name);
	}
	/* a name alone is a pattern of the first, and --module one of the second */
	ck_assert_str_eq(rg_select_fields[0].name, "type");
	ck_assert_str_eq(rg_select_fields[1].name, "module");
}
END_TEST

TEST_MAIN("selection", waited_for, errors_of_conditions, errors, long_errors, amounts, meanings,
	bounds, table)
