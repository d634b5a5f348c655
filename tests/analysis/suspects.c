/*
 * Suspects of heaps whose leak is known: what accumulates is found, and neither the order in which
 * the objects stand nor how many there are changes what names it; and of random heaps, whatever
 * they are, there is an answer.
 */
#include "src/analysis/suspects.h"

#include "src/heap/policy.h"
#include "tests/heap.h"
#include "tests/tap.h"

#define OBJECTS 2000
#define REFERENCES (3 * OBJECTS)
#define ROOTS 4
#define ROWS 16
#define BIG 600 /* bytes of a thing that accumulates */

enum kind_of_type { LIST, DICT, TEXT, WORKER, EVENT, NODE, ENTRY, TYPES };

static const struct {
	const char *module, *name;
	uint32_t flags;
} types[TYPES] = {
	{ "builtins", "list", RG_TYPE_GC | RG_TYPE_SEQUENCE },
	{ "builtins", "dict", RG_TYPE_GC | RG_TYPE_DICT },
	{ "builtins", "str", RG_TYPE_STR },
	{ "app", "Worker", RG_TYPE_HEAP | RG_TYPE_GC },
	{ "app", "Event", RG_TYPE_HEAP | RG_TYPE_GC },
	{ "app", "Node", RG_TYPE_HEAP | RG_TYPE_GC },
	{ "app", "Entry", RG_TYPE_HEAP | RG_TYPE_GC },
};

/* A heap as it is meant: objects by number, wherever they are put. */
struct plan {
	uint32_t n, m, n_roots;
	struct {
		enum kind_of_type type;
		uint32_t size, refcount;
		enum rg_generation generation;
	} objects[OBJECTS];
	struct {
		uint32_t from, to;
		enum rg_kind kind;
		const char *label; /* NULL: an index */
	} references[REFERENCES];
	struct {
		uint32_t target;
		const char *name;
	} roots[ROOTS];
};

static uint32_t add_object(struct plan *plan, enum kind_of_type type, uint32_t size)
{
	plan->objects[plan->n].type = type;
	plan->objects[plan->n].size = size;
	plan->objects[plan->n].refcount = 0;
	plan->objects[plan->n].generation = RG_GEN_2;
	return plan->n++;
}

static void refer(
	struct plan *plan, uint32_t from, uint32_t to, enum rg_kind kind, const char *label)
{
	plan->references[plan->m].from = from;
	plan->references[plan->m].to = to;
	plan->references[plan->m].kind = kind;
	plan->references[plan->m++].label = label;
	plan->objects[to].refcount++;
}

static void add_root(struct plan *plan, uint32_t target, const char *name)
{
	plan->roots[plan->n_roots].target = target;
	plan->roots[plan->n_roots++].name = name;
	plan->objects[target].refcount++;
}

/* --- loading ------------------------------------------------------------------------------ */

/* The numbers below N in any order, in PLACE. */
static void shuffle(uint32_t *place, uint32_t n, uint64_t *state)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = random_below(state, i + 1);

		place[i] = place[k];
		place[k] = i;
	}
}

static void write_types(struct made *made, uint32_t *rows, uint64_t *state)
{
	uint32_t order[TYPES];

	shuffle(order, TYPES, state);
	for (uint32_t i = 0; i < TYPES; i++) {
		struct rg_type_record record = { .address = ADDRESS(100000 + order[i]),
			.basicsize = 48,
			.name = made_string(made, types[order[i]].name),
			.module = made_string(made, types[order[i]].module),
			.flags = types[order[i]].flags };

		rows[order[i]] = rg_writer_type(made->writer, &record);
	}
}

static void write_references(const struct plan *plan, struct made *made, const uint32_t *place)
{
	for (uint32_t e = 0; e < plan->m; e++) {
		const char *label = plan->references[e].label;
		struct rg_reference_record record = { .target = ADDRESS(
							      place[plan->references[e].to]),
			.label = label ? made_string(made, label) : e,
			.kind = plan->references[e].kind,
			.form = label ? RG_LABEL_STRING : RG_LABEL_INDEX };

		rg_writer_references(
			made->writer, ADDRESS(place[plan->references[e].from]), &record, 1);
	}
}

/* PLAN as a heap, its types and objects in an order of STATE's. */
static void load(const struct plan *plan, struct rg_heap *heap, uint64_t *state)
{
	uint32_t rows[TYPES], place[OBJECTS], order[OBJECTS];
	struct made made;

	made_open(&made);
	write_types(&made, rows, state);
	shuffle(place, plan->n, state);
	shuffle(order, plan->n, state);
	for (uint32_t i = 0; i < plan->n; i++) {
		uint32_t at = order[i];
		struct rg_object_record record = { .address = ADDRESS(place[at]),
			.size = plan->objects[at].size,
			.type = rows[plan->objects[at].type],
			.refcount = plan->objects[at].refcount,
			.flags = plan->objects[at].generation };

		rg_writer_object(made.writer, &record);
	}
	for (uint32_t i = 0; i < plan->n_roots; i++)
		made_root(&made, place[plan->roots[i].target], plan->roots[i].name);
	write_references(plan, &made, place);
	made_load(&made, heap);
}

/* --- looking ------------------------------------------------------------------------------ */

/* What is said of a heap, without numbers that its order decides. */
struct outcome {
	uint32_t n;
	struct {
		enum rg_suspect_kind kind;
		enum rg_cause cause;
		uint64_t signature, count, bytes, objects;
		char type[16];
	} rows[ROWS];
};

static void find(struct rg_suspects *suspects, const struct rg_heap *heap)
{
	struct rg_cycles_options options = { .edges = RG_EDGES_ALL };
	struct rg_cycles cycles;
	struct rg_audit audit;
	struct rg_retained retained;
	struct rg_error err;

	ck_assert_int_eq(rg_suspects_init(suspects, heap, NULL, &err), RG_OK);
	ck_assert_int_eq(rg_cycles_init(&cycles, heap, &options, &err), RG_OK);
	ck_assert_int_eq(rg_suspects_add_cycles(suspects, &cycles, NULL, &err), RG_OK);
	rg_cycles_deinit(&cycles);
	ck_assert_int_eq(rg_audit_init(&audit, heap, NULL, &err), RG_OK);
	ck_assert_int_eq(rg_suspects_add_audit(suspects, &audit, &err), RG_OK);
	rg_audit_deinit(&audit);
	ck_assert_int_eq(rg_retained_init(&retained, heap, false, false, &err), RG_OK);
	ck_assert_int_eq(rg_suspects_add_retained(suspects, &retained, &err), RG_OK);
	rg_retained_deinit(&retained);
	rg_suspects_sort(suspects);
}

static void look(const struct plan *plan, uint64_t *state, struct outcome *outcome)
{
	struct rg_heap heap;
	struct rg_suspects suspects;

	memset(outcome, 0, sizeof(*outcome));
	load(plan, &heap, state);
	find(&suspects, &heap);
	for (size_t i = 0; i < suspects.count && i < ROWS; i++) {
		const struct rg_suspect *row = &suspects.rows[i];
		struct rg_text name = heap.types[row->type].name;

		ck_assert(row->example < heap.n_objects && row->count && row->signature.whole);
		ck_assert(!i || row[-1].weight >= row->weight);
		outcome->rows[i].kind = row->kind;
		outcome->rows[i].cause = row->cause;
		outcome->rows[i].signature = row->signature.whole;
		outcome->rows[i].count = row->count;
		outcome->rows[i].bytes = row->bytes;
		outcome->rows[i].objects = row->objects;
		memcpy(outcome->rows[i].type, name.bytes, name.length < 15 ? name.length : 15);
		outcome->n++;
	}
	rg_suspects_deinit(&suspects);
	rg_heap_deinit(&heap);
}

/* What PLAN is said to have, which is the same in any order. */
static void look_twice(
	uint64_t seed, const struct plan *plan, uint64_t *state, struct outcome *outcome)
{
	struct outcome again;

	look(plan, state, outcome);
	look(plan, state, &again);
	CHECK(seed, memcmp(outcome, &again, sizeof(again)) == 0);
}

static bool is(const struct outcome *outcome, uint32_t row, const char *type, enum rg_cause cause,
	uint64_t count)
{
	return row < outcome->n && outcome->rows[row].kind == RG_SUSPECT_RETAINER &&
	       outcome->rows[row].cause == cause && outcome->rows[row].count == count &&
	       strcmp(outcome->rows[row].type, type) == 0;
}

/* --- heaps whose leak is known ------------------------------------------------------------ */

/* WORKERS in a list, EACH with a history of so many events. Returns its bytes. */
static uint64_t plan_registry(struct plan *plan, uint32_t workers, uint32_t each)
{
	uint32_t top = add_object(plan, WORKER, 60), list = add_object(plan, LIST, 80);

	add_root(plan, top, "app.registry");
	refer(plan, top, list, RG_KIND_ATTR, "WORKERS");
	for (uint32_t w = 0; w < workers; w++) {
		uint32_t worker = add_object(plan, WORKER, 60);
		uint32_t history = add_object(plan, LIST, 80);

		refer(plan, list, worker, RG_KIND_ITEM, NULL);
		refer(plan, worker, history, RG_KIND_ATTR, "history");
		for (uint32_t i = 0; i < each; i++)
			refer(plan, history, add_object(plan, EVENT, BIG), RG_KIND_ITEM, NULL);
	}
	return 80 + workers * (uint64_t)(140 + each * BIG);
}

START_TEST(registry)
{
	static struct plan plan;
	uint64_t name = 0;

	FOR_SEEDS(seed, 60)
	{
		uint64_t state = seed, bytes;
		uint32_t workers = 2 + random_below(&state, 18);
		uint32_t each = workers + 1 + random_below(&state, 50);
		struct outcome outcome;

		memset(&plan, 0, sizeof(plan));
		bytes = plan_registry(&plan, workers, each);
		look_twice(seed, &plan, &state, &outcome);
		CHECK(seed, outcome.n == 1);
		CHECK(seed, is(&outcome, 0, "Event", RG_CAUSE_COLLECTION, workers * each));
		CHECK(seed,
			outcome.rows[0].bytes >= bytes - 80 && outcome.rows[0].bytes <= bytes + 60);
		/* however many there are, it is the same leak */
		CHECK(seed, !name || outcome.rows[0].signature == name);
		name = outcome.rows[0].signature;
	}
}
END_TEST

START_TEST(linked)
{
	static struct plan plan;
	uint64_t name = 0;

	FOR_SEEDS(seed, 60)
	{
		uint64_t state = seed;
		uint32_t top, last, links = 30 + random_below(&state, 500);
		struct outcome outcome;

		memset(&plan, 0, sizeof(plan));
		top = last = add_object(&plan, WORKER, 60);
		add_root(&plan, top, "app.history");
		for (uint32_t i = 0; i < links; i++) {
			uint32_t node = add_object(&plan, NODE, BIG);

			refer(&plan, last, node, RG_KIND_ATTR, i ? "previous" : "LAST");
			refer(&plan, node, add_object(&plan, TEXT, 50), RG_KIND_ATTR, "text");
			last = node;
		}
		look_twice(seed, &plan, &state, &outcome);
		CHECK(seed, outcome.n == 1);
		CHECK(seed, is(&outcome, 0, "Node", RG_CAUSE_CHAIN, links));
		CHECK(seed, !name || outcome.rows[0].signature == name);
		name = outcome.rows[0].signature;
	}
}
END_TEST

static void plan_cache(struct plan *plan, const char *module, uint32_t entries)
{
	uint32_t top = add_object(plan, WORKER, 60), dict = add_object(plan, DICT, 200);

	add_root(plan, top, module);
	refer(plan, top, dict, RG_KIND_ATTR, "CACHE");
	for (uint32_t i = 0; i < entries; i++) {
		uint32_t entry = add_object(plan, ENTRY, BIG);

		refer(plan, dict, entry, RG_KIND_KEY, NULL);
		refer(plan, entry, add_object(plan, TEXT, 100), RG_KIND_ATTR, "value");
	}
}

START_TEST(two_caches)
{
	static struct plan plan;

	FOR_SEEDS(seed, 60)
	{
		uint64_t state = seed;
		uint32_t less = 40 + random_below(&state, 200);
		uint32_t more = less + 1 + random_below(&state, 200);
		struct outcome outcome;

		memset(&plan, 0, sizeof(plan));
		plan_cache(&plan, "app.users", less);
		plan_cache(&plan, "app.pages", more);
		look_twice(seed, &plan, &state, &outcome);
		CHECK(seed, outcome.n == 2);
		CHECK(seed, is(&outcome, 0, "Entry", RG_CAUSE_CACHE, more));
		CHECK(seed, is(&outcome, 1, "Entry", RG_CAUSE_CACHE, less));
		CHECK(seed, outcome.rows[0].signature != outcome.rows[1].signature);
		CHECK(seed, outcome.rows[0].objects >= 2 * more);
	}
}
END_TEST

/* --- any heap ----------------------------------------------------------------------------- */

START_TEST(anything)
{
	static const char *const labels[] = { NULL, "a", "b", "c" };
	static const enum rg_kind kinds[] = { RG_KIND_ITEM, RG_KIND_ATTR, RG_KIND_KEY,
		RG_KIND_DICTKEY, RG_KIND_DICT, RG_KIND_SELF, RG_KIND_TYPE, RG_KIND_WEAK,
		RG_KIND_GUESS };
	static struct plan plan;

	FOR_SEEDS(seed, 600)
	{
		uint64_t state = seed;
		uint32_t n = random_below(&state, 60);
		struct outcome outcome;

		memset(&plan, 0, sizeof(plan));
		for (uint32_t i = 0; i < n; i++) {
			add_object(&plan, random_below(&state, TYPES), random_below(&state, 20000));
			plan.objects[i].generation = random_below(&state, RG_GEN_COUNT);
		}
		for (uint32_t e = n ? random_below(&state, 3 * n) : 0; e > 0; e--)
			refer(&plan, random_below(&state, n), random_below(&state, n),
				kinds[random_below(&state, 9)], labels[random_below(&state, 4)]);
		for (uint32_t r = n ? random_below(&state, ROOTS + 1) : 0; r > 0; r--)
			add_root(&plan, random_below(&state, n), "app");
		for (uint32_t i = 0; i < n; i++)
			plan.objects[i].refcount += random_below(&state, 8) == 0;
		look(&plan, &state, &outcome);
	}
}
END_TEST

TEST_MAIN("suspects", registry, linked, two_caches, anything)
