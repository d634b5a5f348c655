/*
 * Distances against relaxation to a fixed point, and the rule that breaks ties; with late edges the
 * pair of late edges and length against the same.
 */
#include "src/graph/distances.h"

#include "tests/graph/random.h"

/* Distances by relaxing every edge n times. */
static void relax(const struct rg_graph *g, const uint32_t *sources, uint32_t n_sources,
	uint32_t distance[32])
{
	for (uint32_t v = 0; v < g->n; v++)
		distance[v] = RG_UNREACHED;
	for (uint32_t i = 0; i < n_sources; i++)
		distance[sources[i]] = 0;
	for (uint32_t round = 0; round < g->n; round++)
		for (uint32_t v = 0; v < g->n; v++)
			for (uint32_t e = g->offset[v]; e < g->offset[v + 1]; e++)
				if (distance[v] != RG_UNREACHED &&
					distance[v] + 1 < distance[g->target[e]])
					distance[g->target[e]] = distance[v] + 1;
}

/* Whether V was reached the way its record says. */
static bool way_holds(const struct rg_graph *g, const struct rg_distances *d, uint32_t v)
{
	uint32_t parent = d->parent[v], edge = d->edge[v];

	if (d->distance[v] == 0 || d->distance[v] == RG_UNREACHED)
		return parent == RG_NO_VERTEX && edge == RG_NO_EDGE;
	return parent < g->n && d->distance[parent] + 1 == d->distance[v] &&
	       g->offset[parent] <= edge && edge < g->offset[parent + 1] && g->target[edge] == v;
}

/* The place in SOURCES where the way to V starts. */
static uint32_t start_of(const struct rg_distances *d, const uint32_t *sources, uint32_t v)
{
	uint32_t i = 0;

	while (d->parent[v] != RG_NO_VERTEX)
		v = d->parent[v];
	while (sources[i] != v)
		i++;
	return i;
}

/* No shorter or equally short way into V comes from an earlier source. */
static void check_ties(const struct rg_graph *g, const struct rg_distances *d,
	const uint32_t *sources, uint64_t seed)
{
	for (uint32_t v = 0; v < g->n; v++) {
		for (uint32_t e = g->offset[v]; e < g->offset[v + 1]; e++) {
			uint32_t to = g->target[e];

			if (d->distance[v] == RG_UNREACHED || d->distance[to] != d->distance[v] + 1)
				continue;
			CHECK(seed, start_of(d, sources, to) <= start_of(d, sources, v));
			CHECK(seed, d->parent[to] != v || d->edge[to] <= e);
		}
	}
}

START_TEST(distances_as_relaxation_says)
{
	FOR_SEEDS(seed, 4000)
	{
		uint64_t state = seed;
		struct rg_graph g = random_graph(&state, 14);
		uint32_t sources[4], expected[32], reached = 0;
		uint32_t n_sources = g.n ? random_below(&state, 5) : 0;
		struct rg_distances d;

		for (uint32_t i = 0; i < n_sources; i++)
			sources[i] = random_below(&state, g.n);
		relax(&g, sources, n_sources, expected);
		CHECK(seed, rg_distances_init(&d, &g, sources, n_sources, NULL) == RG_OK);
		for (uint32_t v = 0; v < g.n; v++) {
			CHECK(seed, d.distance[v] == expected[v]);
			CHECK(seed, way_holds(&g, &d, v));
			reached += expected[v] != RG_UNREACHED;
		}
		CHECK(seed, d.reached == reached);
		check_ties(&g, &d, sources, seed);
		rg_distances_deinit(&d);
		rg_graph_deinit(&g);
	}
}
END_TEST

/* Late edges in the upper half and all edges in the lower of the best way to each vertex. */
static void relax_late(const struct rg_graph *g, const uint32_t *sources, uint32_t n_sources,
	const struct rg_distances_late *late, uint64_t cost[32])
{
	for (uint32_t v = 0; v < g->n; v++)
		cost[v] = UINT64_MAX;
	for (uint32_t i = 0; i < n_sources; i++)
		if (!rg_bitset_get(late->walls, sources[i]) &&
			(uint64_t)late->sources[i] << 32 < cost[sources[i]])
			cost[sources[i]] = (uint64_t)late->sources[i] << 32;
	for (uint32_t round = 0; round < g->n; round++)
		for (uint32_t v = 0; v < g->n; v++)
			for (uint32_t e = g->offset[v];
				cost[v] != UINT64_MAX && e < g->offset[v + 1]; e++) {
				uint64_t one = (uint64_t)rg_bitset_get(late->edges, e) << 32 | 1;

				if (!rg_bitset_get(late->walls, g->target[e]) &&
					cost[v] + one < cost[g->target[e]])
					cost[g->target[e]] = cost[v] + one;
			}
}

/* The same, summed up along the way that was found. */
static uint64_t cost_of(const struct rg_distances *d, const uint32_t *sources, uint32_t n_sources,
	const struct rg_distances_late *late, uint32_t v)
{
	uint64_t cost = 0, best = UINT64_MAX;

	for (; d->parent[v] != RG_NO_VERTEX; v = d->parent[v])
		cost += (uint64_t)rg_bitset_get(late->edges, d->edge[v]) << 32 | 1;
	for (uint32_t i = 0; i < n_sources; i++)
		if (sources[i] == v && late->sources[i] < best)
			best = late->sources[i];
	return cost + (best << 32);
}

START_TEST(late_edges_as_relaxation_says)
{
	FOR_SEEDS(seed, 4000)
	{
		uint64_t state = seed, expected[32];
		struct rg_graph g = random_graph(&state, 14);
		uint32_t sources[4], n_sources = g.n ? random_below(&state, 5) : 0, reached = 0;
		uint8_t ranks[4];
		struct rg_bitset edges, walls;
		struct rg_distances_late late = { &edges, ranks, &walls };
		struct rg_distances d;

		CHECK(seed, rg_bitset_init(&edges, g.m, NULL) == RG_OK);
		CHECK(seed, rg_bitset_init(&walls, g.n, NULL) == RG_OK);
		for (uint32_t v = 0; v < g.n; v++)
			if (random_below(&state, 8) == 0)
				rg_bitset_set(&walls, v);
		for (uint32_t e = 0; e < g.m; e++)
			if (random_below(&state, 3) == 0)
				rg_bitset_set(&edges, e);
		for (uint32_t i = 0; i < n_sources; i++) {
			sources[i] = random_below(&state, g.n);
			ranks[i] = (uint8_t)random_below(&state, 4);
		}
		relax_late(&g, sources, n_sources, &late, expected);
		CHECK(seed,
			rg_distances_init_late(&d, &g, sources, n_sources, &late, NULL) == RG_OK);
		for (uint32_t v = 0; v < g.n; v++) {
			bool known = expected[v] != UINT64_MAX;

			CHECK(seed, known == (d.distance[v] != RG_UNREACHED));
			CHECK(seed, way_holds(&g, &d, v));
			CHECK(seed, !known || d.distance[v] == (uint32_t)expected[v]);
			CHECK(seed,
				!known || cost_of(&d, sources, n_sources, &late, v) == expected[v]);
			reached += known;
		}
		CHECK(seed, d.reached == reached);
		rg_distances_deinit(&d);
		rg_bitset_deinit(&edges);
		rg_bitset_deinit(&walls);
		rg_graph_deinit(&g);
	}
}
END_TEST

/* A path of a million edges all of which are late: a level each, and linear all the same. */
START_TEST(late_edges_of_big_shapes)
{
	uint32_t source = 0;
	uint8_t rank = 3;

	for (enum shape shape = 0; shape < N_SHAPES; shape++) {
		struct rg_graph g = big_graph(shape);
		struct rg_bitset edges;
		struct rg_distances_late late = { &edges, &rank, NULL };
		struct rg_distances plain, d;

		ck_assert_int_eq(rg_bitset_init(&edges, g.m, NULL), RG_OK);
		for (uint32_t e = 0; e < g.m; e++)
			rg_bitset_set(&edges, e);
		ck_assert_int_eq(rg_distances_init(&plain, &g, &source, 1, NULL), RG_OK);
		ck_assert_int_eq(rg_distances_init_late(&d, &g, &source, 1, &late, NULL), RG_OK);
		ck_assert_uint_eq(d.reached, plain.reached);
		ck_assert_mem_eq(d.distance, plain.distance, g.n * sizeof(*d.distance));
		rg_distances_deinit(&plain);
		rg_distances_deinit(&d);
		rg_bitset_deinit(&edges);
		rg_graph_deinit(&g);
	}
}
END_TEST

START_TEST(distances_of_big_shapes)
{
	static const uint32_t last[N_SHAPES] = { BIG - 1, 0, 1 };
	static const uint32_t reached[N_SHAPES] = { BIG, 1, BIG };
	uint32_t source = 0;

	for (enum shape shape = 0; shape < N_SHAPES; shape++) {
		struct rg_graph g = big_graph(shape);
		struct rg_distances d;

		ck_assert_int_eq(rg_distances_init(&d, &g, &source, 1, NULL), RG_OK);
		ck_assert_uint_eq(d.reached, reached[shape]);
		if (shape != HUB)
			ck_assert_uint_eq(d.distance[BIG - 1], last[shape]);
		rg_distances_deinit(&d);
		rg_graph_deinit(&g);
	}
}
END_TEST

TEST_MAIN("distances", distances_as_relaxation_says, late_edges_as_relaxation_says,
	late_edges_of_big_shapes, distances_of_big_shapes)
