/*
 * Cycles of random heaps against brute force: the components, their grouping, and that nothing
 * cyclic is left when the proposed references are removed.
 */
#include <stdbool.h>

#include "src/analysis/cycles.h"
#include "src/heap/policy.h"
#include "tests/heap.h"
#include "tests/tap.h"

#define OBJECTS 12
#define LABELS 4

struct edge {
	uint32_t from, to, label;
	bool item;
};

struct puzzle {
	uint32_t n, m, types[OBJECTS];
	struct edge edges[4 * OBJECTS];
	bool reach[OBJECTS][OBJECTS];
};

static void close_reach(struct puzzle *puzzle)
{
	memset(puzzle->reach, 0, sizeof(puzzle->reach));
	for (uint32_t e = 0; e < puzzle->m; e++)
		puzzle->reach[puzzle->edges[e].from][puzzle->edges[e].to] = true;
	for (uint32_t k = 0; k < puzzle->n; k++)
		for (uint32_t i = 0; i < puzzle->n; i++)
			for (uint32_t j = 0; j < puzzle->n; j++)
				puzzle->reach[i][j] |= puzzle->reach[i][k] && puzzle->reach[k][j];
}

static void invent(struct puzzle *puzzle, uint64_t *state)
{
	puzzle->n = 1 + random_below(state, OBJECTS);
	puzzle->m = random_below(state, 3 * puzzle->n + 1);
	for (uint32_t i = 0; i < puzzle->n; i++)
		puzzle->types[i] = random_below(state, 3);
	for (uint32_t e = 0; e < puzzle->m; e++)
		puzzle->edges[e] = (struct edge){ random_below(state, puzzle->n),
			random_below(state, puzzle->n), random_below(state, LABELS),
			random_below(state, 4) == 0 };
	close_reach(puzzle);
}

/* All objects are held by a root, so that none is garbage. */
static void load(const struct puzzle *puzzle, struct rg_heap *heap)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	uint32_t types[3], labels[LABELS];
	struct made made;

	made_open(&made);
	types[0] = made_type(&made, "A", RG_TYPE_HEAP | RG_TYPE_GC);
	types[1] = made_type(&made, "B", RG_TYPE_HEAP | RG_TYPE_GC);
	types[2] = made_type(&made, "L", RG_TYPE_GC | RG_TYPE_SEQUENCE);
	for (uint32_t i = 0; i < LABELS; i++)
		labels[i] = made_string(&made, names[i]);
	for (uint32_t i = 0; i < puzzle->n; i++) {
		made_object(&made, i, types[puzzle->types[i]], 1000, RG_GEN_2);
		made_root(&made, i, "m");
	}
	for (uint32_t e = 0; e < puzzle->m; e++) {
		const struct edge *edge = &puzzle->edges[e];
		struct rg_reference_record record = { .target = ADDRESS(edge->to),
			.kind = edge->item ? RG_KIND_ITEM : RG_KIND_ATTR,
			.form = edge->item ? RG_LABEL_INDEX : RG_LABEL_STRING,
			.label = edge->item ? e : labels[edge->label] };

		rg_writer_references(made.writer, ADDRESS(edge->from), &record, 1);
	}
	made_load(&made, heap);
}

static uint32_t in_cycles(const struct puzzle *puzzle)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < puzzle->n; i++)
		count += puzzle->reach[i][i];
	return count;
}

/* True when a proposal of the group names the reference. */
static bool is_broken(struct rg_cycles *cycles, uint32_t from, uint32_t row)
{
	const struct rg_pattern *rows = cycles->patterns.rows;
	uint32_t pattern = rg_patterns_of(&cycles->patterns, from, row);

	for (size_t g = 0; g < cycles->n_groups; g++)
		for (size_t i = 0; i < cycles->groups[g].n_breaks; i++) {
			const struct rg_cycle_break *cut = &cycles->groups[g].breaks[i];

			rows = cycles->patterns.rows;
			if (cut->pattern == pattern ||
				(cut->rolled && rows[cut->pattern].kind == rows[pattern].kind &&
					strcmp(rows[cut->pattern].label, rows[pattern].label) == 0))
				return true;
		}
	return false;
}

static void check_rest(const struct puzzle *puzzle, struct rg_cycles *cycles, uint64_t seed)
{
	const struct rg_heap *heap = cycles->heap;
	struct puzzle rest = *puzzle;

	rest.m = 0;
	for (uint32_t id = 0; id < heap->n_objects; id++)
		for (uint32_t row = heap->offset[id]; row < heap->offset[id + 1]; row++)
			if (!is_broken(cycles, id, row))
				rest.edges[rest.m++] = (struct edge){ .from = id,
					.to = heap->target[row] };
	close_reach(&rest);
	CHECK(seed, in_cycles(&rest) == 0);
}

/* The objects of each component are those that reach each other. */
static void check_components(
	const struct puzzle *puzzle, const struct rg_cycles *cycles, uint64_t seed)
{
	for (size_t g = 0; g < cycles->n_groups; g++)
		for (size_t c = 0; c < cycles->groups[g].n_components; c++) {
			uint32_t n;
			const uint32_t *members = rg_cycle_members(
				cycles, cycles->groups[g].components[c], &n);

			for (uint32_t i = 0; i < puzzle->n; i++) {
				bool inside = false, want = puzzle->reach[i][members[0]] &&
							    puzzle->reach[members[0]][i];

				for (uint32_t k = 0; k < n; k++)
					inside |= members[k] == i;
				CHECK(seed, inside == want);
			}
		}
}

START_TEST(random_heaps)
{
	struct rg_cycles_options options = { .edges = RG_EDGES_DATA };

	FOR_SEEDS(seed, 400)
	{
		uint64_t state = seed;
		struct puzzle puzzle;
		struct rg_cycles cycles;
		struct rg_heap heap;
		struct rg_error err;

		invent(&puzzle, &state);
		load(&puzzle, &heap);
		ck_assert_int_eq(rg_cycles_init(&cycles, &heap, &options, &err), RG_OK);
		CHECK(seed, cycles.objects == in_cycles(&puzzle));
		check_components(&puzzle, &cycles, seed);
		check_rest(&puzzle, &cycles, seed);
		rg_cycles_deinit(&cycles);
		rg_heap_deinit(&heap);
	}
}
END_TEST

TEST_MAIN("cycles", random_heaps)
