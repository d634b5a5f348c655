#include "src/select/selection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/suggest.h"
#include "heapdump/base/utf8.h"
#include "src/select/lexer.h"

#define QUOTED 120u /* bytes of a selection that a message quotes */
#define FOUND 40 /* bytes of a word that it quotes */

struct parser {
	struct rg_selection *selection;
	const char *text;
	struct rg_token token; /* the one at hand */
	unsigned nested, pushed;
	bool conditions; /* may be there */
	bool either; /* an "or" was read outside of parentheses */
	struct rg_error *err;
};

/* --- what is wrong ------------------------------------------------------------------------ */

static bool is_inside(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The first byte of the character that the byte at AT is of; AT where it is no UTF-8. */
static size_t character(const char *text, size_t at)
{
	size_t from = at;

	while (from > 0 && at - from < 3 && is_inside(text[from]))
		from--;
	return is_inside(text[from]) ? at : from;
}

/* The selection in quotes, of a long one what is around AT; a caret is to stand below AT. */
static unsigned quote(const char *text, size_t at, char out[QUOTED + 16])
{
	size_t length = strlen(text), from = 0, end = length;

	if (length > QUOTED) {
		from = at > QUOTED / 2 ? character(text, at - QUOTED / 2) : 0;
		end = length - from > QUOTED ? character(text, from + QUOTED) : length;
	}
	snprintf(out, QUOTED + 16, "'%s%.*s%s'", from ? "…" : "", (int)(end - from), text + from,
		end < length ? "…" : "");
	return (unsigned)(1 + (from ? strlen("…") : 0) + at - from);
}

/* One line about the place AT: WHAT, and what was meant, or NULL. */
static enum rg_code fail_at(
	struct parser *parser, const char *at, const char *what, const char *meant)
{
	size_t place = character(parser->text, (size_t)(at - parser->text));
	char quoted[QUOTED + 16];
	unsigned caret = quote(parser->text, place, quoted), column = 1;

	for (size_t i = 0; i < place; i++)
		column += !is_inside(parser->text[i]);
	rg_fail(parser->err, RG_USAGE, "bad-selection", "%s: column %u: %s%s%s%s", quoted, column,
		what, meant ? " (did you mean '" : "", meant ? meant : "", meant ? "'?)" : "");
	if (parser->err)
		parser->err->caret = caret;
	return rg_hint(
		parser->err, "how selections are written is told by: refgraph help selections");
}

/* The token at hand is not what was expected. */
static enum rg_code expected(struct parser *parser, const char *what, const char *meant)
{
	const struct rg_token *token = &parser->token;
	char text[200];
	int length = (int)(token->length > FOUND ? rg_utf8_cut(token->text, token->length, FOUND)
						 : token->length);

	if (token->kind == RG_TOKEN_UNENDED)
		return fail_at(parser, token->at,
			*token->at == '[' ? "this bracket is not closed"
					  : "this quote is not closed",
			NULL);
	if (token->kind == RG_TOKEN_END)
		snprintf(text, sizeof(text), "expected %s, found the end", what);
	else
		snprintf(text, sizeof(text), "expected %s, found '%.*s%s'", what, length,
			token->text, (size_t)length < token->length ? "…" : "");
	return fail_at(parser, token->at, text, meant);
}

/*
 * The nearest of COUNT names to a token, or NULL. Nothing is allocated: a message is always whole.
 */
static const char *nearest(const struct rg_token *token, const char *const *names, size_t count)
{
	char word[FOUND + 1];

	if (token->length > FOUND)
		return NULL;
	snprintf(word, sizeof(word), "%.*s", (int)token->length, token->text);
	return rg_suggest(word, names, count);
}

const struct rg_select_sum rg_select_sums[RG_SUMS] = {
	[RG_SUM_COUNT] = { "count", RG_SELECT_COUNT, "how many objects are selected" },
	[RG_SUM_TOTAL] = { "total", RG_SELECT_BYTES, "their bytes together" },
	[RG_SUM_RSS] = { "rss", RG_SELECT_BYTES, "what the process has of memory" },
};

/* The sum that a token names, or RG_SUMS. */
static enum rg_select_sum_kind find_sum(const struct rg_token *token)
{
	enum rg_select_sum_kind sum = 0;

	while (sum < RG_SUMS && !rg_token_is(token, rg_select_sums[sum].name))
		sum++;
	return sum;
}

static enum rg_code no_such_field(struct parser *parser, const struct rg_token *word)
{
	const char *names[2 * RG_SELECT_FIELDS + RG_SUMS];
	char text[100];
	size_t n = 0;

	if (parser->conditions && find_sum(word) < RG_SUMS) {
		snprintf(text, sizeof(text),
			"'%.*s' is of all together: outside of parentheses, joined by 'and' alone",
			(int)word->length, word->text);
		return fail_at(parser, word->at, text, NULL);
	}
	for (size_t i = 0; parser->conditions && i < RG_SUMS; i++)
		names[n++] = rg_select_sums[i].name;
	for (size_t i = 0; i < RG_SELECT_FIELDS; i++) {
		names[n++] = rg_select_fields[i].name;
		if (rg_select_fields[i].other)
			names[n++] = rg_select_fields[i].other;
	}
	snprintf(text, sizeof(text), "there is no field '%.*s'",
		(int)rg_utf8_cut(word->text, word->length, FOUND), word->text);
	return fail_at(parser, word->at, text, nearest(word, names, n));
}

/* --- steps -------------------------------------------------------------------------------- */

static void advance(struct parser *parser, bool value)
{
	parser->token = rg_token_next(parser->token.end, value);
}

static enum rg_code push(struct parser *parser, const struct rg_step *step)
{
	struct rg_selection *selection = parser->selection;
	struct rg_step *to = RG_PUSH(
		selection->steps, selection->n_steps, selection->steps_capacity);

	if (!to)
		return rg_nomem(parser->err);
	*to = *step;
	if (step->kind == RG_STEP_AND || step->kind == RG_STEP_OR)
		parser->pushed--;
	else if (step->kind != RG_STEP_NOT)
		parser->pushed++;
	if (parser->pushed > selection->depth)
		selection->depth = parser->pushed;
	return RG_OK;
}

/* Push a question, which is at the token AT. */
static enum rg_code push_question(
	struct parser *parser, const struct rg_token *at, struct rg_step step)
{
	struct rg_selection *selection = parser->selection;
	const struct rg_select_field *field = step.test.field;
	unsigned needs = step.kind == RG_STEP_NUMBER     ? RG_NEEDS_NUMBERS
			 : !field                        ? 0
			 : step.test.compare == RG_ALONE ? field->needs_alone
							 : field->needs;

	if (selection->n_tests++ == RG_SELECTION_TESTS)
		return fail_at(
			parser, at->at, "more than 256 questions: list objects by --from", NULL);
	selection->needs |= needs;
	selection->exact &= step.kind != RG_STEP_TEST || needs == RG_NEEDS_LIST;
	return push(parser, &step);
}

/* --- values ------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What "k", "MiB" or "" at AT, the rest of a word, multiplies by; 0 where it is no unit. */
static uint64_t unit(const char *at, size_t length, bool bytes)
{
	static const char letters[] = "kmgt";
	const char *letter = length ? strchr(letters, *at | 0x20) : NULL;
	uint64_t factor = 1, base = 1000;

	if (length && letter) {
		at++;
		length--;
		if (length && *at == 'i') {
			base = 1024;
			at++;
			length--;
		}
		for (long i = 0; i <= letter - letters; i++)
			factor *= base;
	}
	if (length && bytes && (*at | 0x20) == 'b')
		length--;
	return length ? 0 : factor;
}

/* Digits, a fraction where a unit follows, and the unit; rounded down to a whole number. */
static bool parse_amount(const struct rg_token *token, bool bytes, uint64_t *number_ret)
{
	const char *at = token->text, *end = at + token->length;
	uint64_t whole = 0, part = 0, parts = 1, factor;
	bool fraction = false;

	if (at == end || !is_digit(*at))
		return false;
	for (; at < end && is_digit(*at); at++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
			__builtin_add_overflow(whole, *at - '0', &whole))
			return false;
	if (at + 1 < end && *at == '.' && is_digit(at[1])) {
		fraction = true;
		for (at++; at < end && is_digit(*at); at++)
			if (parts < 1000000) {
				part = 10 * part + (uint64_t)(*at - '0');
				parts *= 10;
			}
	}
	factor = unit(at, (size_t)(end - at), bytes);
	if (!factor || (fraction && factor == 1) || __builtin_mul_overflow(whole, factor, &whole))
		return false;
	/* at most 1024^4 times a million: it fits */
	return !__builtin_add_overflow(whole, part * factor / parts, number_ret) &&
	       *number_ret != RG_SELECT_NOTHING;
}

/* The digit C of a base of 10 or 16, or that base. */
static unsigned digit_of(char c, unsigned base)
{
	if (is_digit(c))
		return (unsigned)(c - '0');
	c |= 0x20;
	return base == 16 && c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : base;
}

/* A plain number, 0x... or @N. */
static bool parse_place(const struct rg_token *token, uint64_t *number_ret)
{
	const char *at = token->text, *end = at + token->length;
	unsigned base = 10;
	uint64_t number = 0;

	if (token->length > 2 && at[0] == '0' && at[1] == 'x') {
		base = 16;
		at += 2;
	} else if (token->length > 1 && *at == '@') {
		at++;
	}
	for (; at < end; at++) {
		unsigned digit = digit_of(*at, base);

		if (digit == base || number > (UINT64_MAX - digit) / base)
			return false;
		number = number * base + digit;
	}
	*number_ret = number;
	return token->length > 0;
}

static enum rg_code parse_generation(struct parser *parser, struct rg_select_test *test)
{
	const struct rg_token *token = &parser->token;

	for (unsigned i = 0; i < RG_GEN_COUNT; i++)
		if (rg_token_is(token, rg_generation_names[i])) {
			test->number = i;
			if (i <= RG_GEN_2 || test->compare <= RG_NE)
				return RG_OK;
			return fail_at(
				parser, token->at, "only 0, 1 and 2 have an order: write =", NULL);
		}
	return expected(parser, "0, 1, 2, permanent or untracked",
		token->kind == RG_TOKEN_WORD && !is_digit(*token->text)
			? nearest(token, rg_generation_names, RG_GEN_COUNT)
			: NULL);
}

static enum rg_code parse_value(struct parser *parser, struct rg_select_test *test)
{
	const struct rg_token *token = &parser->token;
	bool word = token->kind == RG_TOKEN_WORD;

	switch (test->field->type) {
	case RG_SELECT_TEXT:
		if (!word && token->kind != RG_TOKEN_QUOTED)
			return expected(parser, "a text, with * for any characters", NULL);
		test->text = rg_arena_text(&parser->selection->arena, token->text, token->length);
		return RG_OK;
	case RG_SELECT_COUNT:
		if (word && parse_amount(token, false, &test->number))
			return RG_OK;
		return expected(parser, "a number, such as 3 or 10k", NULL);
	case RG_SELECT_BYTES:
		if (word && parse_amount(token, true, &test->number))
			return RG_OK;
		return expected(parser, "a size, such as 512, 10k or 1.5MiB", NULL);
	case RG_SELECT_PLACE:
		if (word && parse_place(token, &test->number))
			return RG_OK;
		return expected(parser, "a number, such as 812 or 0x7f2a10c0", NULL);
	default:
		return parse_generation(parser, test);
	}
}

/* --- the grammar -------------------------------------------------------------------------- */

static const struct rg_select_field *find_field(const struct rg_token *token)
{
	for (size_t i = 0; i < RG_SELECT_FIELDS; i++)
		if (rg_token_is(token, rg_select_fields[i].name) ||
			(rg_select_fields[i].other &&
				rg_token_is(token, rg_select_fields[i].other)))
			return &rg_select_fields[i];
	return NULL;
}

/* Behind =, what looks like =< or => was meant to be one operator. */
static enum rg_code swapped(struct parser *parser, enum rg_select_compare before)
{
	enum rg_select_compare behind = parser->token.compare;
	const char *meant = behind == RG_LT ? "<=" : behind == RG_GT ? ">=" : NULL;

	return expected(parser, "a value", before == RG_EQ ? meant : NULL);
}

/* The VALUE that TEST compares with, behind the operator at hand. */
static enum rg_code parse_operand(struct parser *parser, struct rg_select_test *test)
{
	enum rg_code code;

	advance(parser, true);
	if (parser->token.kind == RG_TOKEN_OPERATOR)
		return swapped(parser, test->compare);
	code = parse_value(parser, test);
	if (!code)
		advance(parser, false);
	return code;
}

/* FIELD OPERATOR VALUE; the operator is at hand. */
static enum rg_code parse_comparison(struct parser *parser, const struct rg_token *word)
{
	struct rg_select_test test = { .compare = parser->token.compare };
	const char *at = parser->token.at;
	enum rg_code code;

	test.field = find_field(word);
	if (!test.field)
		return no_such_field(parser, word);
	if (test.field->type == RG_SELECT_FLAG)
		return fail_at(parser, at,
			"a flag is not compared: write it alone, or 'not' before it", NULL);
	if (test.field->type == RG_SELECT_TEXT && test.compare > RG_NE)
		return fail_at(parser, at, "a text is compared by = and != alone", NULL);
	code = parse_operand(parser, &test);
	if (code)
		return code;
	return push_question(parser, word, (struct rg_step){ RG_STEP_TEST, test });
}

/* Whether a condition begins here: SUM OPERATOR. */
static bool is_condition(const struct parser *parser)
{
	return parser->conditions && !parser->nested && !parser->either &&
	       find_sum(&parser->token) < RG_SUMS &&
	       rg_token_next(parser->token.end, false).kind == RG_TOKEN_OPERATOR;
}

/* SUM OPERATOR VALUE; the sum is at hand. */
static enum rg_code parse_condition(struct parser *parser)
{
	struct rg_selection *selection = parser->selection;
	struct rg_token word = parser->token;
	struct rg_select_field like = { .type = rg_select_sums[find_sum(&word)].type };
	struct rg_select_test test = { .field = &like };
	enum rg_code code;

	if (selection->n_conditions == RG_SELECTION_CONDITIONS)
		return fail_at(parser, word.at, "more than 8 conditions", NULL);
	advance(parser, false);
	test.compare = parser->token.compare;
	code = parse_operand(parser, &test);
	if (code)
		return code;
	selection->conditions[selection->n_conditions++] =
		(struct rg_select_condition){ find_sum(&word), test.compare, test.number };
	return RG_OK;
}

/* @812, 0x7f2a10c0, a field that stands alone, or the name of a type. */
static enum rg_code push_word(struct parser *parser, const struct rg_token *word)
{
	const struct rg_select_field *field = find_field(word);
	struct rg_step step = { .kind = RG_STEP_TEST,
		.test = { .field = rg_select_fields, .compare = RG_EQ } };

	if (field && field->alone)
		step.test = (struct rg_select_test){ .field = field };
	else if (word->kind == RG_TOKEN_WORD && *word->text == '@')
		step = (struct rg_step){ .kind = RG_STEP_NUMBER };
	else if (word->kind == RG_TOKEN_WORD && strncmp(word->text, "0x", 2) == 0)
		step = (struct rg_step){ .kind = RG_STEP_ADDRESS };
	step.test.text = rg_arena_text(&parser->selection->arena, word->text, word->length);
	parser->selection->type = step.test.compare == RG_EQ;
	return push_question(parser, word, step);
}

static enum rg_code parse_question(struct parser *parser)
{
	static const char *const keywords[] = { "and", "or", "not" };
	struct rg_token word = parser->token;

	if (word.kind != RG_TOKEN_WORD && word.kind != RG_TOKEN_QUOTED)
		return expected(parser, "a field, a type or '('",
			word.kind == RG_TOKEN_BAD && *word.text == '!' ? "not" : NULL);
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (rg_token_is(&word, keywords[i]))
			return expected(parser, "a field, a type or '('", NULL);
	advance(parser, false);
	if (word.kind == RG_TOKEN_WORD && parser->token.kind == RG_TOKEN_OPERATOR)
		return parse_comparison(parser, &word);
	return push_word(parser, &word);
}

static enum rg_code parse_all(struct parser *parser);

static enum rg_code parse_any(struct parser *parser)
{
	enum rg_code code = parse_all(parser);

	while (!code && rg_token_is(&parser->token, "or")) {
		if (!parser->nested && parser->selection->n_conditions)
			return fail_at(parser, parser->token.at,
				"beside count, total or rss what 'or' joins goes into parentheses",
				NULL);
		parser->either |= !parser->nested;
		advance(parser, false);
		code = parse_all(parser);
		if (!code)
			code = push(parser, &(struct rg_step){ .kind = RG_STEP_OR });
	}
	return code;
}

/* What is wrong behind a question. */
static enum rg_code expected_more(struct parser *parser)
{
	static const char *const spelt[] = { "and", "or", "AND", "OR", "&&", "||" };
	const char *meant = NULL;

	if (parser->token.kind == RG_TOKEN_WORD)
		meant = nearest(&parser->token, spelt, sizeof(spelt) / sizeof(spelt[0]));
	for (size_t i = 2; meant && i < sizeof(spelt) / sizeof(spelt[0]); i++)
		if (meant == spelt[i])
			meant = spelt[i % 2];
	return expected(
		parser, parser->nested ? "'and', 'or' or ')'" : "'and', 'or' or the end", meant);
}

static enum rg_code parse_nested(struct parser *parser)
{
	struct rg_token open = parser->token;
	enum rg_code code;

	if (parser->nested == RG_SELECTION_DEPTH)
		return fail_at(parser, open.at, "more than 32 parentheses are open here", NULL);
	parser->nested++;
	advance(parser, false);
	code = parse_any(parser);
	if (!code && parser->token.kind != RG_TOKEN_CLOSE)
		code = expected_more(parser);
	if (code)
		return code;
	parser->nested--;
	advance(parser, false);
	return RG_OK;
}

static enum rg_code parse_one(struct parser *parser)
{
	bool negated = false;
	enum rg_code code;

	for (; rg_token_is(&parser->token, "not"); negated = !negated)
		advance(parser, false);
	code = parser->token.kind == RG_TOKEN_OPEN ? parse_nested(parser) : parse_question(parser);
	if (code || !negated)
		return code;
	parser->selection->exact = false;
	return push(parser, &(struct rg_step){ .kind = RG_STEP_NOT });
}

static enum rg_code parse_all(struct parser *parser)
{
	enum rg_code code;
	bool any = false;

	for (;;) {
		bool condition = is_condition(parser);

		code = condition ? parse_condition(parser) : parse_one(parser);
		if (!code && !condition && any)
			code = push(parser, &(struct rg_step){ .kind = RG_STEP_AND });
		if (code || !rg_token_is(&parser->token, "and"))
			return code;
		any |= !condition;
		parser->selection->exact = false;
		advance(parser, false);
	}
}

static enum rg_code parse(
	struct rg_selection *selection, const char *text, bool conditions, struct rg_error *err)
{
	struct parser parser = {
		.selection = selection, .text = text, .conditions = conditions, .err = err
	};
	enum rg_code code;

	memset(selection, 0, sizeof(*selection));
	selection->exact = true;
	parser.token = rg_token_next(text, false);
	code = parse_any(&parser);
	if (!code && parser.token.kind != RG_TOKEN_END)
		code = expected_more(&parser);
	selection->type &= selection->n_steps == 1;
	if (!code && selection->arena.failed)
		code = rg_nomem(err);
	if (code)
		rg_selection_deinit(selection);
	return code;
}

enum rg_code rg_selection_init(
	struct rg_selection *selection, const char *text, struct rg_error *err)
{
	return parse(selection, text, false, err);
}

enum rg_code rg_selection_init_until(
	struct rg_selection *selection, const char *text, struct rg_error *err)
{
	return parse(selection, text, true, err);
}

void rg_selection_deinit(struct rg_selection *selection)
{
	free(selection->steps);
	rg_arena_deinit(&selection->arena);
	memset(selection, 0, sizeof(*selection));
}
