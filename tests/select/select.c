/* Random selections on random heaps against one that asks each object by itself. */
#include "src/select/select.h"

#include "src/heap/policy.h"
#include "tests/heap.h"
#include "tests/tap.h"

#define OBJECTS 70
#define NONE UINT32_MAX

/* What is in a heap. Texts are few, so that they meet. */
static const char *const type_names[] = { "A", "B.C", "f.<locals>.C", "B" };
static const char *const modules[] = { "m", "m.n", "builtins", "C" };
static const char *const texts[] = { "", "u:1", "u:22", "a*b", "m", "it's", "zz.u:1" };
static const char *const patterns[] = { "*", "u:*", "*2*", "u:1", "a\\*b", "a*b", "m*", "C", "*.C",
	"B.C", "zz", "*e*", "static type", "it\\'s", "*:7" };
#define ANY(array, state) random_below(state, sizeof(array) / sizeof((array)[0]))

struct thing {
	uint32_t type, refcount, items, generation, name, value, place; /* or NONE */
	uint64_t size, extra;
	bool immortal, listed, made;
	uint32_t root_kind, root_name; /* or NONE */
	uint32_t to[3], n_to;
};

struct world {
	struct thing things[OBJECTS];
	uint32_t n;
	bool reaches[OBJECTS][OBJECTS]; /* by one reference or more */
	uint32_t distance[OBJECTS];
};

static uint32_t maybe(uint64_t *state, uint32_t below)
{
	return random_below(state, 3) ? random_below(state, below) : NONE;
}

static void find_ways(struct world *world)
{
	for (uint32_t i = 0; i < world->n; i++) {
		world->distance[i] = world->things[i].root_kind == NONE ? NONE : 0;
		for (uint32_t k = 0; k < world->things[i].n_to; k++)
			world->reaches[i][world->things[i].to[k]] = true;
	}
	for (uint32_t k = 0; k < world->n; k++)
		for (uint32_t i = 0; i < world->n; i++)
			for (uint32_t j = 0; j < world->n; j++)
				world->reaches[i][j] |= world->reaches[i][k] &&
							world->reaches[k][j];
	for (bool changed = true; changed;) {
		changed = false;
		for (uint32_t i = 0; i < world->n; i++)
			for (uint32_t k = 0; k < world->things[i].n_to; k++) {
				uint32_t *far = &world->distance[world->things[i].to[k]];

				if (world->distance[i] != NONE && *far > world->distance[i] + 1) {
					*far = world->distance[i] + 1;
					changed = true;
				}
			}
	}
}

static void invent(struct world *world, uint64_t *state)
{
	memset(world, 0, sizeof(*world));
	world->n = 1 + random_below(state, OBJECTS - 1);
	for (uint32_t i = 0; i < world->n; i++) {
		struct thing *thing = &world->things[i];

		*thing = (struct thing){ .type = ANY(type_names, state),
			.refcount = random_below(state, 5) == 0,
			.items = maybe(state, 4),
			.generation = random_below(state, RG_GEN_COUNT),
			.name = maybe(state, 7),
			.value = maybe(state, 7),
			.place = maybe(state, 7),
			.size = 16 + random_below(state, 2000),
			.extra = random_below(state, 3) ? 0 : 1000,
			.immortal = random_below(state, 5) == 0,
			.listed = random_below(state, 2),
			.made = random_below(state, 2),
			.root_kind = maybe(state, 3) ? NONE
						     : random_below(state, RG_ROOT_KIND_COUNT),
			.root_name = random_below(state, 7),
			.n_to = random_below(state, 3) };
		thing->refcount += thing->root_kind != NONE;
		for (uint32_t k = 0; k < thing->n_to; k++)
			thing->to[k] = random_below(state, world->n);
	}
	for (uint32_t i = 0; i < world->n; i++)
		for (uint32_t k = 0; k < world->things[i].n_to; k++)
			world->things[world->things[i].to[k]].refcount++;
	find_ways(world);
}

static void put_value(struct made *made, uint32_t i, enum rg_value_kind kind, const char *text)
{
	rg_writer_value(made->writer, &(struct rg_value_record){ .address = ADDRESS(i),
					      .text = text,
					      .length = (uint32_t)strlen(text),
					      .kind = kind,
					      .exact = true });
}

static void put_thing(struct made *made, const struct thing *thing, uint32_t i)
{
	rg_writer_object(made->writer,
		&(struct rg_object_record){ .address = ADDRESS(i),
			.size = thing->size,
			.refcount = thing->refcount,
			.items = thing->items == NONE ? 0 : thing->items,
			.extra = thing->extra,
			.type = thing->type,
			.flags = thing->generation | (thing->immortal ? RG_OBJECT_IMMORTAL : 0) |
				 (thing->items == NONE ? 0 : RG_OBJECT_ITEMS) |
				 (thing->extra ? RG_OBJECT_EXTRA : 0) });
	if (thing->value != NONE)
		put_value(made, i, i % 2 ? RG_VALUE_STR : RG_VALUE_NUMBER, texts[thing->value]);
	if (thing->name != NONE)
		put_value(made, i, RG_VALUE_NAME, texts[thing->name]);
	if (thing->place != NONE)
		put_value(made, i, RG_VALUE_PLACE, texts[thing->place]);
	for (uint32_t k = 0; k < thing->n_to; k++)
		rg_writer_references(made->writer, ADDRESS(i),
			&(struct rg_reference_record){
				.target = ADDRESS(thing->to[k]), .kind = RG_KIND_OTHER },
			1);
	if (thing->root_kind != NONE)
		rg_writer_root(
			made->writer, &(struct rg_root_record){ .target = ADDRESS(i),
					      .kind = (enum rg_root_kind)thing->root_kind,
					      .reference = RG_KIND_OTHER,
					      .name = made_string(made, texts[thing->root_name]),
					      .label = RG_NO_STRING,
					      .thread = UINT32_MAX,
					      .frame = UINT32_MAX });
}

static void load(const struct world *world, struct rg_heap *heap)
{
	struct made made;

	made_open(&made);
	for (uint32_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++)
		rg_writer_type(made.writer, &(struct rg_type_record){ .address = ADDRESS(1000 + i),
						    .name = made_string(&made, type_names[i]),
						    .module = made_string(&made, modules[i]) });
	for (uint32_t i = 0; i < world->n; i++)
		put_thing(&made, &world->things[i], i);
	made_load(&made, heap);
}

/* --- asking each object by itself --------------------------------------------------------- */

/* As short as can be, and recursive. */
static bool fits(const char *pattern, const char *text)
{
	if (*pattern == '*')
		return fits(pattern + 1, text) || (*text && fits(pattern, text + 1));
	if (*pattern == '\\')
		pattern++;
	return *pattern ? *pattern == *text && fits(pattern + 1, text + 1) : !*text;
}

/* A question, or two expressions and what joins them. */
struct expression {
	char kind; /* '?', '!', '&', '|' */
	uint32_t field, sign, pattern;
	uint64_t number;
	struct expression *left, *right;
};

static const char *const signs[] = { "=", "!=", "<", "<=", ">", ">=" };

struct asked {
	const struct world *world;
	const struct rg_garbage *garbage; /* tested by themselves */
	const struct rg_retained *retained;
	const struct expression *question;
	uint32_t i;
};

static bool compared(const struct expression *question, uint64_t amount)
{
	uint64_t number = question->number;
	bool answers[] = { amount == number, amount != number,
		amount<number, amount <= number, amount> number, amount >= number };

	return answers[question->sign];
}

static bool text_fits(const struct asked *asked, uint32_t text)
{
	return text != NONE && fits(patterns[asked->question->pattern], texts[text]) ==
				       (asked->question->sign == 0);
}

static bool name_holds(const struct asked *asked)
{
	uint32_t name = asked->world->things[asked->i].name;
	const char *pattern = patterns[asked->question->pattern], *dot;

	if (name == NONE)
		return false;
	dot = strrchr(texts[name], '.');
	return (fits(pattern, texts[name]) || (dot && fits(pattern, dot + 1))) ==
	       (asked->question->sign == 0);
}

static bool type_holds(const struct asked *asked)
{
	uint32_t type = asked->world->things[asked->i].type;
	const char *name = type_names[type], *dot = strrchr(name, '.');
	const char *pattern = patterns[asked->question->pattern];
	char full[100];

	snprintf(full, sizeof(full), "%s.%s", modules[type], name);
	return (fits(pattern, name) || fits(pattern, dot ? dot + 1 : name) ||
		       fits(pattern, full)) == (asked->question->sign == 0);
}

static bool module_holds(const struct asked *asked)
{
	return fits(patterns[asked->question->pattern],
		       modules[asked->world->things[asked->i].type]) ==
	       (asked->question->sign == 0);
}

static bool root_holds(const struct asked *asked)
{
	const struct thing *thing = &asked->world->things[asked->i];
	const char *pattern = patterns[asked->question->pattern];
	const char *name = texts[thing->root_name];
	char label[100];

	if (thing->root_kind == NONE)
		return false;
	snprintf(label, sizeof(label),
		thing->root_kind == RG_ROOT_MODULE        ? "module %s"
		: thing->root_kind == RG_ROOT_FRAME       ? "frame"
		: thing->root_kind == RG_ROOT_THREAD      ? "thread: %s"
		: thing->root_kind == RG_ROOT_INTERPRETER ? "interpreter: %s"
		: thing->root_kind == RG_ROOT_STATIC      ? "static type %s"
		: *name                                   ? "%s"
							  : "held from C",
		name);
	return (fits(pattern, rg_root_names[thing->root_kind]) || fits(pattern, name) ||
		       fits(pattern, label)) == (asked->question->sign == 0);
}

static bool retained_holds(const struct asked *asked)
{
	uint32_t number = rg_retained_number(asked->retained, asked->i);

	return number && compared(asked->question, asked->retained->bytes[number]);
}

static bool generation_holds(const struct asked *asked)
{
	uint32_t generation = asked->world->things[asked->i].generation;

	return compared(asked->question, generation) &&
	       (asked->question->sign < 2 || generation <= RG_GEN_2);
}

#define THING (&asked->world->things[asked->i])
#define FIELDS(F)                                                                                  \
	F("type", 't', type_holds(asked))                                                          \
	F("module", 't', module_holds(asked))                                                      \
	F("root", 't', root_holds(asked))                                                          \
	F("name", 't', name_holds(asked))                                                          \
	F("value", 't', text_fits(asked, THING->value))                                            \
	F("site", 't', text_fits(asked, THING->place))                                             \
	F("size", 's', compared(asked->question, THING->size))                                     \
	F("footprint", 's', compared(asked->question, THING->size + THING->extra))                 \
	F("retained", 's', retained_holds(asked))                                                  \
	F("items", 'n', THING->items != NONE && compared(asked->question, THING->items))           \
	F("refcount", 'n', !THING->immortal && compared(asked->question, THING->refcount))         \
	F("distance", 'n',                                                                         \
		asked->world->distance[asked->i] != NONE &&                                        \
			compared(asked->question, asked->world->distance[asked->i]))               \
	F("gen", 'g', generation_holds(asked))                                                     \
	F("generation", 'g', generation_holds(asked))                                              \
	F("id", 'i', compared(asked->question, asked->i))                                          \
	F("address", 'a', compared(asked->question, ADDRESS(asked->i)))                            \
	F("tracked", ' ', THING->generation != RG_GEN_UNTRACKED)                                   \
	F("immortal", ' ', THING->immortal)                                                        \
	F("root", ' ', THING->root_kind != NONE)                                                   \
	F("cycle", ' ', asked->world->reaches[asked->i][asked->i])                                 \
	F("garbage", ' ', rg_bitset_get(&asked->garbage->dead, asked->i))                          \
	F("hidden", ' ', rg_bitset_get(&asked->garbage->hidden, asked->i))                         \
	F("unreached", ' ', rg_bitset_get(&asked->garbage->unreached, asked->i))                   \
	F("listed", ' ', THING->listed)                                                            \
	F("new", ' ', THING->made)

static const struct field {
	const char *name;
	char kind;
} fields[] = {
#define F(name, kind, holds) { name, kind },
	FIELDS(F)
#undef F
};

static bool question_holds(const struct asked *asked)
{
	const bool answers[] = {
#define F(name, kind, holds) holds,
		FIELDS(F)
#undef F
	};

	return answers[asked->question->field];
}

static bool holds(const struct asked *asked, const struct expression *expression)
{
	struct asked question = *asked;

	question.question = expression;
	switch (expression->kind) {
	case '!':
		return !holds(asked, expression->left);
	case '&':
		return holds(asked, expression->left) && holds(asked, expression->right);
	case '|':
		return holds(asked, expression->left) || holds(asked, expression->right);
	default:
		return question_holds(&question);
	}
}

/* --- inventing and writing it ------------------------------------------------------------- */

static void invent_question(struct expression *question, uint32_t n, uint64_t *state)
{
	char kind;

	question->kind = '?';
	question->field = ANY(fields, state);
	kind = fields[question->field].kind;
	question->sign = random_below(state, kind == 't' ? 2 : 6);
	question->pattern = ANY(patterns, state);
	/* a type or module that there is not is an error */
	if (question->field < 2)
		question->pattern = random_below(state, 2) ? 0 : 7;
	question->number = kind == 's'   ? random_below(state, 2500)
			   : kind == 'g' ? random_below(state, question->sign < 2 ? 5 : 3)
			   : kind == 'n' ? random_below(state, 5)
					 : random_below(state, n + 1);
	if (kind == 'a')
		question->number = ADDRESS(question->number);
}

static struct expression *invent_expression(
	struct rg_arena *arena, unsigned depth, uint32_t n, uint64_t *state)
{
	struct expression *expression = rg_arena_new(arena, 1, sizeof(*expression));
	uint32_t kind = depth ? random_below(state, 6) : 5;

	if (kind > 3) {
		invent_question(expression, n, state);
		return expression;
	}
	expression->kind = "!&|&"[kind];
	expression->left = invent_expression(arena, depth - 1, n, state);
	if (kind)
		expression->right = invent_expression(arena, depth - 1, n, state);
	return expression;
}

static const char *blank(uint64_t *state)
{
	return random_below(state, 3) ? "" : " \t";
}

static const char *write_question(
	struct rg_arena *arena, const struct expression *question, uint64_t *state)
{
	const char *name = fields[question->field].name;
	char kind = fields[question->field].kind, mark = random_below(state, 2) ? '"' : '\'';
	const char *before, *pattern = patterns[question->pattern];

	if (kind == ' ')
		return name;
	before = rg_arena_print(
		arena, "%s%s%s%s", name, blank(state), signs[question->sign], blank(state));
	if (kind == 't')
		return strpbrk(pattern, " '\"\\") || random_below(state, 2)
			       ? rg_arena_print(arena, "%s%c%s%c", before, mark, pattern, mark)
			       : rg_arena_print(arena, "%s%s", before, pattern);
	if (kind == 'g')
		return rg_arena_print(arena, "%s%s", before, rg_generation_names[question->number]);
	return rg_arena_print(arena,
		kind == 'a'                                  ? "%s0x%llx"
		: kind == 'i' && random_below(state, 2)      ? "%s@%llu"
		: kind == 's' && question->number % 100 == 0 ? "%s0.%05lluM"
							     : "%s%llu",
		before,
		(unsigned long long)(kind == 's' && question->number % 100 == 0
					     ? question->number / 10
					     : question->number));
}

/* BINDS: 0 for |, 1 for &, 2 for !; what binds less tightly than its place is in parentheses. */
static const char *write_expression(
	struct rg_arena *arena, const struct expression *expression, int place, uint64_t *state)
{
	int binds = expression->kind == '|' ? 0 : expression->kind == '&' ? 1 : 2;
	const char *text;

	if (expression->kind == '?')
		text = write_question(arena, expression, state);
	else if (expression->kind == '!')
		text = rg_arena_print(
			arena, "not %s", write_expression(arena, expression->left, 2, state));
	else
		text = rg_arena_print(arena, "%s %s %s",
			write_expression(arena, expression->left, binds, state),
			binds ? "and" : "or",
			write_expression(arena, expression->right, binds, state));
	if (binds < place || random_below(state, 8) == 0)
		text = rg_arena_print(arena, "(%s%s%s)", blank(state), text, blank(state));
	return text;
}

static void write_list(const struct world *world, char path[64])
{
	int fd;
	FILE *file;

	strcpy(path, "/tmp/refgraph-test-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	file = fdopen(fd, "w");
	fprintf(file, "# a list\n\n");
	for (uint32_t i = 0; i < world->n; i++)
		if (world->things[i].listed)
			fprintf(file, i % 2 ? "@%llu\n" : "0x%llx # an address\n",
				i % 2 ? (unsigned long long)i : ADDRESS(i));
	ck_assert_int_eq(fclose(file), 0);
}

static void check_one(const struct world *world, struct rg_selector *selector,
	const struct asked *analyses, uint64_t seed, uint64_t *state)
{
	struct rg_arena arena = { 0 };
	struct expression *expression = invent_expression(&arena, 5, world->n, state);
	const char *text = write_expression(&arena, expression, 0, state);
	struct rg_bitset selected;
	struct rg_error err;

	ck_assert_int_eq(rg_bitset_init(&selected, world->n, &err), RG_OK);
	if (rg_select(selector, text, &selected, &err))
		ck_abort_msg("%s: RG_SEED=%" PRIu64, err.message, seed);
	for (uint32_t i = 0; i < world->n; i++) {
		struct asked asked = *analyses;

		asked.i = i;

		if (rg_bitset_get(&selected, i) != holds(&asked, expression))
			ck_abort_msg("%s: object %u: RG_SEED=%" PRIu64, text, i, seed);
	}
	rg_bitset_deinit(&selected);
	rg_arena_deinit(&arena);
}

START_TEST(random_selections)
{
	FOR_SEEDS(seed, 300)
	{
		struct rg_select_options options = { .raw = seed % 2, .edges = RG_EDGES_DATA };
		uint64_t state = seed;
		struct rg_selector selector;
		struct asked asked;
		struct rg_garbage garbage;
		struct rg_retained retained;
		struct rg_heap heap;
		struct rg_error err;
		struct world *world = malloc(sizeof(*world));
		struct rg_bitset made;
		char path[64];

		invent(world, &state);
		/* footprints of what is raw are sizes */
		for (uint32_t i = 0; options.raw && i < world->n; i++)
			world->things[i].extra = 0;
		load(world, &heap);
		write_list(world, path);
		options.from = path;
		ck_assert_int_eq(rg_bitset_init(&made, world->n, &err), RG_OK);
		for (uint32_t i = 0; i < world->n; i++)
			if (world->things[i].made)
				rg_bitset_set(&made, i);
		options.made = &made;
		ck_assert_int_eq(rg_garbage_init(&garbage, &heap, &err), RG_OK);
		ck_assert_int_eq(
			rg_retained_init(&retained, &heap, options.raw, false, &err), RG_OK);
		rg_selector_init(&selector, &heap, &options);
		asked = (struct asked){ world, &garbage, &retained, NULL, 0 };
		for (unsigned i = 0; i < 40; i++)
			check_one(world, &selector, &asked, seed, &state);
		rg_selector_deinit(&selector);
		rg_garbage_deinit(&garbage);
		rg_retained_deinit(&retained);
		rg_heap_deinit(&heap);
		rg_bitset_deinit(&made);
		unlink(path);
		free(world);
	}
}
END_TEST

/* --- what is folded ----------------------------------------------------------------------- */

static void check_selects(struct rg_selector *selector, const char *text, uint64_t wanted)
{
	struct rg_bitset selected;
	struct rg_error err;

	ck_assert_int_eq(rg_bitset_init(&selected, selector->heap->n_objects, &err), RG_OK);
	ck_assert_msg(rg_select(selector, text, &selected, &err) == RG_OK, "%s", err.message);
	ck_assert_msg(*selected.words == wanted, "%s: %" PRIx64, text, *selected.words);
	rg_bitset_deinit(&selected);
}

/* An instance, its __dict__, and what that refers to, which refers back: 0 -> 1 -> 2 -> 0. */
static void load_folded(struct rg_heap *heap)
{
	static const enum rg_kind kinds[] = { RG_KIND_DICT, RG_KIND_ATTR, RG_KIND_ATTR };
	struct made made;
	uint32_t plain, dict;

	made_open(&made);
	plain = made_type(&made, "T", RG_TYPE_HEAP | RG_TYPE_GC);
	dict = made_type(&made, "dict", RG_TYPE_GC | RG_TYPE_DICT);
	for (uint32_t i = 0; i < 3; i++)
		made_object(&made, i, i == 1 ? dict : plain, i ? 1 : 2, RG_GEN_1);
	for (uint32_t i = 0; i < 3; i++) {
		struct rg_reference_record record = { .target = ADDRESS((i + 1) % 3),
			.kind = kinds[i] };

		rg_writer_references(made.writer, ADDRESS(i), &record, 1);
	}
	made_root(&made, 0, "m");
	made_load(&made, heap);
	ck_assert_uint_eq(heap->owner[1], 0);
}

/* A helper is where its owner is: in a cycle, at a root, as far away; raw it is by itself. */
START_TEST(helpers)
{
	struct rg_select_options options = { .edges = RG_EDGES_DATA };
	struct rg_selector selector;
	struct rg_heap heap;

	load_folded(&heap);
	for (int raw = 0; raw < 2; raw++) {
		options.raw = raw;
		rg_selector_init(&selector, &heap, &options);
		check_selects(&selector, "cycle", 7);
		check_selects(&selector, "root", raw ? 1 : 3);
		check_selects(&selector, "root=m*", raw ? 1 : 3);
		check_selects(&selector, "distance=1", raw ? 2 : 4);
		check_selects(&selector, "distance=0", raw ? 1 : 3);
		check_selects(&selector, "footprint>48", raw ? 0 : 1);
		check_selects(&selector, "dict or T and distance>0", raw ? 6 : 6);
		rg_selector_deinit(&selector);
	}
	rg_heap_deinit(&heap);
}
END_TEST

/* What names nothing is an error wherever it stands; what selects nothing is none. */
START_TEST(nothing)
{
	static const struct {
		const char *text, *name;
	} rows[] = {
		{ "Tt", "no-such-type" },
		{ "type!=Tt and gen=1", "no-such-type" },
		{ "gen=1 or module=tset", "no-such-module" },
		{ "gen=1 and @3", "no-such-id" },
		{ "not 0x10", "no-such-address" },
		{ "listed", "no-list" },
		{ "new", "no-earlier" },
		{ "T and gen=2", NULL },
		{ "name=none", NULL },
	};
	struct rg_select_options options = { .edges = RG_EDGES_DATA };
	struct rg_selector selector;
	struct rg_bitset selected;
	struct rg_heap heap;
	struct rg_error err;

	load_folded(&heap);
	rg_selector_init(&selector, &heap, &options);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(rg_bitset_init(&selected, heap.n_objects, &err), RG_OK);
		rg_error_init(&err);
		rg_select(&selector, rows[i].text, &selected, &err);
		ck_assert_str_eq(err.name, rows[i].name ? rows[i].name : "");
		ck_assert_uint_eq(rg_bitset_count(&selected), 0);
		rg_bitset_deinit(&selected);
	}
	selector.options.live = true;
	ck_assert_int_eq(rg_select(&selector, "gen=1 or id=1", NULL, &err), RG_USAGE);
	ck_assert_str_eq(err.name, "id-of-a-pid");
	rg_selector_deinit(&selector);
	rg_heap_deinit(&heap);
}
END_TEST

TEST_MAIN("select", random_selections, helpers, nothing)
