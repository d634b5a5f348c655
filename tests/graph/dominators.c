/*
 * Dominators against their definition: take a vertex away, and see what can no longer be reached;
 * and the shapes that break recursion.
 */
#include "src/graph/dominators.h"

#include "tests/graph/random.h"

#define MOST 60 /* vertices of a random graph: a set of them is one word */

/* What the definition says: for each vertex those that are lost without it. */
struct truth {
	uint64_t edges[MOST], sources; /* as sets */
	uint64_t reached, lost[MOST];
};

struct puzzle {
	struct rg_graph graph;
	uint32_t sources[MOST], n_sources;
};

/*
 * Up to MOST vertices in a few clumps with few edges from one to the next, which makes the tree
 * deep: with self loops, parallel edges, sources that lead to each other, and vertices that nothing
 * reaches and that point at what is reached.
 */
static struct puzzle invent(uint64_t *state)
{
	uint32_t n = 1 + random_below(state, MOST), from[4 * MOST], to[4 * MOST];
	uint32_t m = random_below(state, 1 + n * (1 + random_below(state, 4)));
	uint32_t near = 1 + random_below(state, n);
	struct puzzle puzzle = { .n_sources = random_below(state, n < 4 ? n + 1 : 4) };

	for (uint32_t i = 0; i < m; i++) {
		from[i] = random_below(state, n);
		to[i] = random_below(state, 3) ? (from[i] + random_below(state, near)) % n
					       : random_below(state, n);
		if (i && !random_below(state, 8)) {
			from[i] = from[i - 1];
			to[i] = to[i - 1];
		}
	}
	puzzle.graph = graph_of(n, m, from, to);
	for (uint32_t i = 0; i < puzzle.n_sources; i++)
		puzzle.sources[i] = random_below(state, n);
	return puzzle;
}

/* What can be reached when the vertices in GONE are not there. */
static uint64_t reach_without(const struct truth *truth, uint32_t n, uint64_t gone)
{
	uint64_t reached = truth->sources & ~gone, before;

	do {
		before = reached;
		for (uint32_t v = 0; v < n; v++)
			if (reached >> v & 1)
				reached |= truth->edges[v] & ~gone;
	} while (reached != before);
	return reached;
}

static struct truth solve(const struct puzzle *puzzle)
{
	const struct rg_graph *g = &puzzle->graph;
	struct truth truth = { 0 };

	for (uint32_t v = 0; v < g->n; v++)
		for (uint32_t e = g->offset[v]; e < g->offset[v + 1]; e++)
			truth.edges[v] |= 1ull << g->target[e];
	for (uint32_t i = 0; i < puzzle->n_sources; i++)
		truth.sources |= 1ull << puzzle->sources[i];
	truth.reached = reach_without(&truth, g->n, 0);
	for (uint32_t v = 0; v < g->n; v++)
		truth.lost[v] = truth.reached & ~reach_without(&truth, g->n, 1ull << v);
	return truth;
}

/* The immediate dominator by definition: lost with V, and V with the fewest of those. */
static uint32_t nearest(const struct truth *truth, uint32_t n, uint32_t v)
{
	uint32_t found = RG_NO_VERTEX;

	for (uint32_t u = 0; u < n; u++)
		if (u != v && truth->lost[u] >> v & 1 &&
			(found == RG_NO_VERTEX || __builtin_popcountll(truth->lost[u]) <
							  __builtin_popcountll(truth->lost[found])))
			found = u;
	return found;
}

static void check_numbers(
	const struct rg_dominators *d, const struct truth *truth, uint32_t n, uint64_t seed)
{
	CHECK(seed, d->count == 1 + (uint32_t)__builtin_popcountll(truth->reached));
	CHECK(seed, d->vertex[0] == RG_NO_VERTEX && d->dominator[0] == 0);
	for (uint32_t v = 0; v < n; v++) {
		CHECK(seed, !d->number[v] == !(truth->reached >> v & 1));
		CHECK(seed, !d->number[v] || d->vertex[d->number[v]] == v);
	}
	for (uint32_t i = 1; i < d->count; i++)
		CHECK(seed, d->dominator[i] < i);
}

static void check_dominators(
	const struct rg_dominators *d, const struct truth *truth, uint32_t n, uint64_t seed)
{
	uint64_t sum[MOST + 1];

	for (uint32_t i = 0; i < d->count; i++)
		/* sums of different powers would wrap: sizes as odd as an object's */
		sum[i] = i ? 7 + 13 * (uint64_t)d->vertex[i] : 0;
	rg_dominators_sum(d, sum);
	for (uint32_t i = 1; i < d->count; i++) {
		uint64_t retained = 0;

		CHECK(seed, d->vertex[d->dominator[i]] == nearest(truth, n, d->vertex[i]));
		for (uint32_t v = 0; v < n; v++)
			if (truth->lost[d->vertex[i]] >> v & 1)
				retained += 7 + 13 * (uint64_t)v;
		CHECK(seed, sum[i] == retained);
	}
}

static void check_tree(const struct rg_dominators *d, uint64_t seed)
{
	struct rg_graph tree;
	uint32_t edges = 0;

	CHECK(seed, rg_dominators_tree(d, &tree, NULL) == RG_OK);
	CHECK(seed, tree.n == d->count && tree.m == d->count - 1 && rg_graph_check(&tree));
	for (uint32_t v = 0; v < tree.n; v++)
		for (uint32_t e = tree.offset[v]; e < tree.offset[v + 1]; e++, edges++) {
			CHECK(seed, d->dominator[tree.target[e]] == v);
			CHECK(seed, e == tree.offset[v] || tree.target[e - 1] < tree.target[e]);
		}
	CHECK(seed, edges == tree.m);
	rg_graph_deinit(&tree);
}

START_TEST(dominators_as_the_definition_says)
{
	uint32_t disturbed = 0, deep = 0;

	FOR_SEEDS(seed, 10000)
	{
		uint64_t state = seed;
		struct puzzle puzzle = invent(&state);
		struct truth truth = solve(&puzzle);
		struct rg_dominators d;
		uint32_t n = puzzle.graph.n;

		CHECK(seed, rg_dominators_init(&d, &puzzle.graph, puzzle.sources, puzzle.n_sources,
				    NULL) == RG_OK);
		check_numbers(&d, &truth, n, seed);
		check_dominators(&d, &truth, n, seed);
		check_tree(&d, seed);
		for (uint32_t v = 0; v < n; v++)
			if (!(truth.reached >> v & 1) && truth.edges[v] & truth.reached)
				disturbed++;
		for (uint32_t i = 1; i < d.count; i++)
			deep += d.dominator[i] != 0 && d.dominator[d.dominator[i]] != 0;
		rg_dominators_deinit(&d);
		rg_graph_deinit(&puzzle.graph);
	}
	/* the graphs had what they are to have */
	ck_assert(getenv("RG_SEED") || (disturbed > 10000 && deep > 10000));
}
END_TEST

START_TEST(dominators_of_big_shapes)
{
	static const uint32_t below[N_SHAPES] = { BIG, 1, BIG }; /* dominated by vertex 0 */

	for (enum shape shape = 0; shape < N_SHAPES; shape++) {
		struct rg_graph g = big_graph(shape);
		uint32_t *sources = calloc(BIG, sizeof(*sources)), n = shape == HUB ? BIG : 1;
		uint64_t *sum = malloc(((size_t)BIG + 1) * sizeof(*sum));
		struct rg_dominators d;

		for (uint32_t v = 0; v < n; v++)
			sources[v] = v;
		ck_assert_int_eq(rg_dominators_init(&d, &g, sources, n, NULL), RG_OK);
		ck_assert_uint_eq(d.count, BIG + 1);
		for (uint32_t i = 0; i < d.count; i++)
			sum[i] = i > 0;
		rg_dominators_sum(&d, sum);
		ck_assert_uint_eq(sum[0], BIG);
		ck_assert_uint_eq(sum[d.number[0]], below[shape]);
		free(sum);
		free(sources);
		rg_dominators_deinit(&d);
		rg_graph_deinit(&g);
	}
}
END_TEST

/* A chain in which every vertex also leads back: each pair climbs the whole chain, but once. */
START_TEST(dominators_of_a_chain_with_ways_back)
{
	struct rg_graph g = { .n = BIG, .m = 2 * BIG - 2 };
	struct rg_dominators d;
	uint32_t source = 0, e = 0;

	g.offset = calloc((size_t)g.n + 1, sizeof(uint32_t));
	g.target = calloc(g.m, sizeof(uint32_t));
	for (uint32_t v = 0; v < BIG; v++) {
		if (v + 1 < BIG)
			g.target[e++] = v + 1;
		if (v > 0)
			g.target[e++] = v % 2 ? v - 1 : v / 2;
		g.offset[v + 1] = e;
	}
	ck_assert_int_eq(rg_dominators_init(&d, &g, &source, 1, NULL), RG_OK);
	ck_assert_uint_eq(d.count, BIG + 1);
	for (uint32_t i = 1; i < d.count; i++)
		CHECK(0, d.dominator[i] == i - 1);
	rg_dominators_deinit(&d);
	rg_graph_deinit(&g);
}
END_TEST

TEST_MAIN("dominators", dominators_as_the_definition_says, dominators_of_big_shapes,
	dominators_of_a_chain_with_ways_back)
