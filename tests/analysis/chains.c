/*
 * The chains of `why` and the paths of `path` on random heaps against brute force: how few of
 * their references are hard to read, lengths, that every reference of them is one, how many
 * shortest paths there are, and that each selected object is explained once.
 */
#include <stdbool.h>

#include "src/analysis/between.h"
#include "src/analysis/routes.h"
#include "src/heap/policy.h"
#include "tests/heap.h"
#include "tests/tap.h"

#define OBJECTS 9
#define REFERENCES (4 * OBJECTS)

struct puzzle {
	uint32_t n, m, from[REFERENCES], to[REFERENCES];
	bool root[OBJECTS], start[OBJECTS], end[OBJECTS], hard[REFERENCES];
	uint32_t ways[OBJECTS][OBJECTS]; /* references from one to the other */
};

static void invent(struct puzzle *puzzle, uint64_t *state)
{
	memset(puzzle, 0, sizeof(*puzzle));
	puzzle->n = 1 + random_below(state, OBJECTS);
	puzzle->m = random_below(state, 3 * puzzle->n + 1);
	for (uint32_t i = 0; i < puzzle->n; i++) {
		puzzle->root[i] = random_below(state, 5) == 0;
		puzzle->start[i] = random_below(state, 4) == 0;
		puzzle->end[i] = random_below(state, 4) == 0;
	}
	for (uint32_t e = 0; e < puzzle->m; e++) {
		puzzle->from[e] = random_below(state, puzzle->n);
		puzzle->to[e] = random_below(state, puzzle->n);
		puzzle->ways[puzzle->from[e]][puzzle->to[e]]++;
		puzzle->hard[e] = random_below(state, 4) == 0;
	}
}

static void load(const struct puzzle *puzzle, struct rg_heap *heap)
{
	struct made made;
	uint32_t type;

	made_open(&made);
	type = made_type(&made, "A", RG_TYPE_HEAP | RG_TYPE_GC);
	for (uint32_t i = 0; i < puzzle->n; i++) {
		char name[16];

		made_object(&made, i, type, 1000, RG_GEN_2);
		snprintf(name, sizeof(name), "m%u", i);
		if (puzzle->root[i])
			made_root(&made, i, name);
	}
	for (uint32_t e = 0; e < puzzle->m; e++) {
		struct rg_reference_record record = { .target = ADDRESS(puzzle->to[e]),
			.kind = puzzle->hard[e] ? RG_KIND_MRO : RG_KIND_ITEM,
			.form = RG_LABEL_INDEX,
			.label = e };

		rg_writer_references(made.writer, ADDRESS(puzzle->from[e]), &record, 1);
	}
	made_load(&made, heap);
}

/*
 * walks[k][v]: how many walks of k references lead from the sources to v. The first k at which
 * there is one is the distance, and the number of shortest paths.
 */
static void count_walks(
	const struct puzzle *puzzle, const bool *sources, uint64_t walks[OBJECTS + 2][OBJECTS])
{
	for (uint32_t v = 0; v < puzzle->n; v++)
		walks[0][v] = sources[v];
	for (uint32_t k = 1; k < OBJECTS + 2; k++)
		for (uint32_t v = 0; v < puzzle->n; v++) {
			walks[k][v] = 0;
			for (uint32_t u = 0; u < puzzle->n; u++)
				walks[k][v] += walks[k - 1][u] * puzzle->ways[u][v];
		}
}

/* Of the best chain to each object: references that are hard to read, above all of them. */
static void relax(const struct puzzle *puzzle, uint32_t cost[OBJECTS])
{
	for (uint32_t v = 0; v < puzzle->n; v++)
		cost[v] = puzzle->root[v] ? 0 : UINT32_MAX;
	for (uint32_t round = 0; round < puzzle->n; round++)
		for (uint32_t e = 0; e < puzzle->m; e++) {
			uint32_t from = cost[puzzle->from[e]], one = puzzle->hard[e] << 16 | 1;

			if (from != UINT32_MAX && from + one < cost[puzzle->to[e]])
				cost[puzzle->to[e]] = from + one;
		}
}

static bool is_reference(const struct rg_heap *heap, uint32_t from, uint32_t to, uint32_t row)
{
	return row >= heap->offset[from] && row < heap->offset[from + 1] && heap->target[row] == to;
}

/* --- why ---------------------------------------------------------------------------------- */

static void check_chain(uint64_t seed, const struct puzzle *puzzle, const struct rg_heap *heap,
	const struct rg_paths *paths, uint32_t id, uint32_t cost)
{
	struct rg_path_step *steps;
	struct rg_error err;
	uint32_t count, hard = 0;

	CHECK(seed, rg_paths_chain(paths, id, &steps, &count, &err) == RG_OK);
	CHECK(seed, count == (cost == UINT32_MAX ? 0 : (cost & 0xffff) + 1));
	if (!count)
		return;
	for (uint32_t i = 1; i < count; i++)
		hard += RG_EDGE_KIND(heap->edge[steps[i].reference]) == RG_KIND_MRO;
	CHECK(seed, hard == cost >> 16);
	CHECK(seed, puzzle->root[steps[0].object] && steps[count - 1].object == id);
	for (uint32_t i = 1; i < count; i++)
		CHECK(seed, is_reference(heap, steps[i - 1].object, steps[i].object,
				    steps[i].reference));
	free(steps);
}

/* Distances proper, and that the search in two steps is the one in one. */
static void check_forms(uint64_t seed, const struct puzzle *puzzle, const struct rg_heap *heap,
	const struct rg_paths *paths)
{
	uint64_t walks[OBJECTS + 2][OBJECTS];
	struct rg_paths nearest, stepwise;
	struct rg_error err;

	count_walks(puzzle, puzzle->root, walks);
	CHECK(seed, rg_paths_init_shortest(&nearest, heap, false, &err) == RG_OK);
	CHECK(seed, rg_paths_start(&stepwise, heap, false, &err) == RG_OK);
	CHECK(seed, rg_paths_finish(&stepwise, heap, false, true, &err) == RG_OK);
	for (uint32_t v = 0; v < puzzle->n; v++) {
		uint32_t distance = 0, edge = paths->distances.edge[v], same;

		while (distance < OBJECTS + 2 && !walks[distance][v])
			distance++;
		distance = distance == OBJECTS + 2 ? RG_UNREACHED : distance;
		CHECK(seed, nearest.distances.distance[v] == distance);
		CHECK(seed, rg_paths_distance(heap, false, v, &same, &err) == RG_OK &&
				    same == distance);
		CHECK(seed, stepwise.distances.parent[v] == paths->distances.parent[v]);
		CHECK(seed,
			stepwise.distances.edge[v] ==
				(edge == RG_NO_EDGE ? edge : rg_graph_label(&paths->graph, edge)));
	}
	rg_paths_deinit(&nearest);
	rg_paths_deinit(&stepwise);
}

START_TEST(why)
{
	FOR_SEEDS(seed, 2000)
	{
		uint64_t state = seed, ends = 0, selected = 0;
		uint32_t cost[OBJECTS];
		struct puzzle puzzle;
		struct rg_routes routes;
		struct rg_bitset set;
		struct rg_paths paths;
		struct rg_heap heap;
		struct rg_error err;

		invent(&puzzle, &state);
		load(&puzzle, &heap);
		relax(&puzzle, cost);
		CHECK(seed, rg_paths_init_around(&paths, &heap, false, NULL, &err) == RG_OK);
		CHECK(seed, rg_bitset_init(&set, heap.n_objects, &err) == RG_OK);
		for (uint32_t v = 0; v < puzzle.n; v++) {
			check_chain(seed, &puzzle, &heap, &paths, v, cost[v]);
			if (puzzle.end[v]) {
				rg_bitset_set(&set, v);
				selected++;
			}
		}
		check_forms(seed, &puzzle, &heap, &paths);
		CHECK(seed, rg_routes_init(&routes, &heap, &paths, &set, false, &err) == RG_OK);
		for (uint32_t i = 0; i < routes.n_ends; i++) {
			const struct rg_route *route = &routes.rows[routes.ends[i]];

			ends += route->ends;
			CHECK(seed, puzzle.end[route->nearest] && route->covers >= route->ends);
			CHECK(seed, route->parent == RG_NO_ID || route->parent < routes.ends[i]);
		}
		CHECK(seed, routes.selected == selected && ends + routes.unreached == selected);
		rg_routes_deinit(&routes);
		rg_bitset_deinit(&set);
		rg_paths_deinit(&paths);
		rg_heap_deinit(&heap);
	}
}
END_TEST

/* What the roots reach of the objects that are no walls. */
static void reach(const struct puzzle *puzzle, const bool *walls, bool reached[OBJECTS])
{
	for (uint32_t v = 0; v < puzzle->n; v++)
		reached[v] = puzzle->root[v] && !walls[v];
	for (uint32_t round = 0; round < puzzle->n; round++)
		for (uint32_t e = 0; e < puzzle->m; e++)
			if (reached[puzzle->from[e]] && !walls[puzzle->to[e]])
				reached[puzzle->to[e]] = true;
}

/* A chain that no selected object is on but the last. */
static void check_route(uint64_t seed, const struct puzzle *puzzle, const struct rg_heap *heap,
	const struct rg_routes *routes, uint32_t row)
{
	const struct rg_route *route = &routes->rows[row];
	struct rg_path_step *steps;
	struct rg_error err;
	uint32_t count, root;

	CHECK(seed, rg_routes_chain(routes, row, &steps, &count, &root, &err) == RG_OK);
	CHECK(seed, heap->roots[root].object == steps[0].object && count == route->length + 1);
	CHECK(seed, steps[count - 1].object == route->nearest && puzzle->end[route->nearest]);
	for (uint32_t i = 0; i + 1 < count; i++)
		CHECK(seed, !puzzle->end[steps[i].object] &&
				    is_reference(heap, steps[i].object, steps[i + 1].object,
					    steps[i + 1].reference));
	free(steps);
}

/* Roots and references that would each hold V, were it not for the others. */
static uint32_t holders_of(const struct puzzle *puzzle, const bool *around, uint32_t v)
{
	uint32_t holders = puzzle->root[v];

	for (uint32_t e = 0; e < puzzle->m; e++)
		holders += puzzle->to[e] == v && around[puzzle->from[e]];
	return holders;
}

static void check_all(uint64_t seed, const struct puzzle *puzzle, const struct rg_heap *heap,
	const struct rg_bitset *selected)
{
	bool around[OBJECTS], reached[OBJECTS], nothing[OBJECTS] = { false };
	uint64_t inner = 0, unreached = 0, held = 0, most = 0, ends = 0;
	struct rg_routes routes;
	struct rg_paths paths;
	struct rg_error err;

	reach(puzzle, puzzle->end, around);
	reach(puzzle, nothing, reached);
	for (uint32_t v = 0; v < puzzle->n; v++) {
		uint32_t holders = puzzle->end[v] ? holders_of(puzzle, around, v) : 0;

		held += holders > 0;
		most += holders;
		inner += puzzle->end[v] && !holders && reached[v];
		unreached += puzzle->end[v] && !reached[v];
	}
	CHECK(seed, rg_paths_init_around(&paths, heap, false, selected, &err) == RG_OK);
	CHECK(seed, rg_routes_init_all(&routes, heap, &paths, selected, false, &err) == RG_OK);
	for (uint32_t i = 0; i < routes.n_ends; i++) {
		ends += routes.rows[routes.ends[i]].ends;
		check_route(seed, puzzle, heap, &routes, routes.ends[i]);
	}
	CHECK(seed, routes.inner == inner && routes.unreached == unreached);
	CHECK(seed, ends >= held && ends <= most);
	rg_routes_deinit(&routes);
	rg_paths_deinit(&paths);
}

START_TEST(all_ways)
{
	FOR_SEEDS(seed, 2000)
	{
		uint64_t state = seed;
		bool around[OBJECTS];
		struct rg_bitset set;
		struct puzzle puzzle;
		struct rg_paths paths;
		struct rg_heap heap;
		struct rg_error err;

		invent(&puzzle, &state);
		load(&puzzle, &heap);
		CHECK(seed, rg_bitset_init(&set, heap.n_objects, &err) == RG_OK);
		for (uint32_t v = 0; v < puzzle.n; v++)
			if (puzzle.end[v])
				rg_bitset_set(&set, v);
		check_all(seed, &puzzle, &heap, &set);
		reach(&puzzle, puzzle.end, around);
		CHECK(seed, rg_paths_init_around(&paths, &heap, false, &set, &err) == RG_OK);
		for (uint32_t v = 0; v < puzzle.n; v++)
			CHECK(seed, around[v] == (paths.distances.distance[v] != RG_UNREACHED));
		rg_bitset_deinit(&set);
		rg_paths_deinit(&paths);
		rg_heap_deinit(&heap);
	}
}
END_TEST

/* --- path --------------------------------------------------------------------------------- */

static void check_paths(uint64_t seed, const struct puzzle *puzzle, const struct rg_heap *heap,
	const struct rg_between *between, uint64_t limit)
{
	uint64_t wanted = between->shortest < limit ? between->shortest : limit;

	CHECK(seed, between->n_paths == wanted);
	for (uint32_t i = 0; i < between->n_paths; i++) {
		const struct rg_path_step *steps = rg_between_path(between, i);

		CHECK(seed, puzzle->start[steps[0].object] && steps[0].reference == RG_NO_ID);
		CHECK(seed, puzzle->end[steps[between->length].object]);
		for (uint32_t k = 1; k <= between->length; k++)
			CHECK(seed, is_reference(heap, steps[k - 1].object, steps[k].object,
					    steps[k].reference));
		/* no path twice */
		for (uint32_t k = 0; k < i; k++)
			CHECK(seed, memcmp(rg_between_path(between, k), steps,
					    (between->length + 1) * sizeof(*steps)) != 0);
	}
}

START_TEST(path)
{
	FOR_SEEDS(seed, 2000)
	{
		uint64_t state = seed, walks[OBJECTS + 2][OBJECTS], ways = 0;
		uint64_t limit = 1 + random_below(&state, 20);
		struct rg_between between;
		struct rg_bitset from, to;
		struct puzzle puzzle;
		struct rg_heap heap;
		struct rg_error err;
		uint32_t length = 0;

		invent(&puzzle, &state);
		load(&puzzle, &heap);
		count_walks(&puzzle, puzzle.start, walks);
		for (length = 1; length < OBJECTS + 2 && !ways; length++)
			for (uint32_t v = 0; v < puzzle.n; v++)
				ways += puzzle.end[v] ? walks[length][v] : 0;
		CHECK(seed, rg_bitset_init(&from, heap.n_objects, &err) == RG_OK);
		CHECK(seed, rg_bitset_init(&to, heap.n_objects, &err) == RG_OK);
		for (uint32_t v = 0; v < puzzle.n; v++) {
			if (puzzle.start[v])
				rg_bitset_set(&from, v);
			if (puzzle.end[v])
				rg_bitset_set(&to, v);
		}
		CHECK(seed, rg_between_init(&between, &heap, RG_EDGES_ALL, false, &from, &to, limit,
				    &err) == RG_OK);
		CHECK(seed, between.shortest == ways);
		if (ways)
			CHECK(seed, between.length == length - 1);
		check_paths(seed, &puzzle, &heap, &between, limit);
		rg_between_deinit(&between);
		rg_bitset_deinit(&from);
		rg_bitset_deinit(&to);
		rg_heap_deinit(&heap);
	}
}
END_TEST

/* --- large -------------------------------------------------------------------------------- */

/* A ladder: every rung doubles the number of paths, which no list could hold. */
START_TEST(many_paths)
{
	const uint32_t rungs = 80;
	struct rg_between between;
	struct rg_bitset from, to;
	struct rg_heap heap;
	struct rg_error err;
	struct made made;
	uint32_t type;

	made_open(&made);
	type = made_type(&made, "A", RG_TYPE_HEAP | RG_TYPE_GC);
	for (uint32_t i = 0; i <= rungs; i++)
		made_object(&made, i, type, 1000, RG_GEN_2);
	for (uint32_t i = 0; i < rungs; i++) {
		struct rg_reference_record two[] = {
			{ ADDRESS(i + 1), 0, RG_KIND_ITEM, RG_LABEL_INDEX, false, false },
			{ ADDRESS(i + 1), 1, RG_KIND_ITEM, RG_LABEL_INDEX, false, false },
		};

		rg_writer_references(made.writer, ADDRESS(i), two, 2);
	}
	made_load(&made, &heap);
	ck_assert_int_eq(rg_bitset_init(&from, heap.n_objects, &err), RG_OK);
	ck_assert_int_eq(rg_bitset_init(&to, heap.n_objects, &err), RG_OK);
	rg_bitset_set(&from, 0);
	rg_bitset_set(&to, 63);
	ck_assert_int_eq(
		rg_between_init(&between, &heap, RG_EDGES_ALL, false, &from, &to, 7, &err), RG_OK);
	ck_assert_uint_eq(between.shortest, 1ull << 63);
	ck_assert_uint_eq(between.length, 63);
	ck_assert_uint_eq(between.n_paths, 7);
	rg_between_deinit(&between);
	/* more than a number can tell: it stays at the largest */
	rg_bitset_clear(&to, 63);
	rg_bitset_set(&to, rungs);
	ck_assert_int_eq(
		rg_between_init(&between, &heap, RG_EDGES_ALL, false, &from, &to, 7, &err), RG_OK);
	ck_assert(between.shortest == UINT64_MAX);
	rg_between_deinit(&between);
	rg_bitset_deinit(&from);
	rg_bitset_deinit(&to);
	rg_heap_deinit(&heap);
}
END_TEST

/* A list of a million nodes that leak: one way, that comes back to itself. */
START_TEST(long_list)
{
	const uint32_t nodes = 1000000;
	struct rg_routes routes;
	struct rg_bitset set;
	struct rg_paths paths;
	struct rg_heap heap;
	struct rg_error err;
	struct made made;
	uint32_t type, label;

	made_open(&made);
	type = made_type(&made, "Node", RG_TYPE_HEAP | RG_TYPE_GC);
	label = made_string(&made, "next");
	for (uint32_t i = 0; i < nodes; i++) {
		struct rg_reference_record next = { ADDRESS(i + 1), label, RG_KIND_ATTR,
			RG_LABEL_STRING, false, false };

		made_object(&made, i, type, 1, RG_GEN_2);
		if (i + 1 < nodes)
			rg_writer_references(made.writer, ADDRESS(i), &next, 1);
	}
	made_root(&made, 0, "app");
	made_load(&made, &heap);
	ck_assert_int_eq(rg_paths_init_around(&paths, &heap, false, NULL, &err), RG_OK);
	ck_assert_int_eq(rg_bitset_init(&set, heap.n_objects, &err), RG_OK);
	for (uint32_t i = 0; i < nodes; i++)
		rg_bitset_set(&set, i);
	ck_assert_int_eq(rg_routes_init(&routes, &heap, &paths, &set, false, &err), RG_OK);
	ck_assert_uint_eq(routes.n_ends, 2);
	ck_assert_uint_eq(routes.rows[routes.ends[0]].ends, nodes - 1);
	ck_assert(routes.rows[routes.ends[0]].loops);
	ck_assert_uint_eq(routes.rows[routes.ends[0]].nearest, 1);
	rg_routes_deinit(&routes);
	rg_bitset_deinit(&set);
	rg_paths_deinit(&paths);
	rg_heap_deinit(&heap);
}
END_TEST

TEST_MAIN("chains", why, all_ways, path, many_paths, long_list)
