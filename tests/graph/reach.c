/* Marking against a fixed point over the edges, with walls. */
#include "src/graph/reach.h"

#include "tests/graph/random.h"

/* MARKED as bits, and what sources reach without passing a wall. */
static uint32_t reach_model(const struct rg_graph *g, uint32_t sources, uint32_t walls)
{
	uint32_t marked = sources & ~walls, before;

	do {
		before = marked;
		for (uint32_t v = 0; v < g->n; v++)
			for (uint32_t e = g->offset[v]; e < g->offset[v + 1]; e++)
				if (marked >> v & 1)
					marked |= 1u << g->target[e] & ~walls;
	} while (marked != before);
	return marked | walls;
}

START_TEST(reach_stops_at_walls)
{
	FOR_SEEDS(seed, 4000)
	{
		uint64_t state = seed;
		struct rg_graph g = random_graph(&state, 14);
		uint32_t sources[4], n_sources = g.n ? random_below(&state, 5) : 0;
		uint32_t from = 0, walls = 0, expected;
		struct rg_bitset marked;

		CHECK(seed, rg_bitset_init(&marked, g.n, NULL) == RG_OK);
		for (uint32_t i = 0; i < n_sources; i++) {
			sources[i] = random_below(&state, g.n);
			from |= 1u << sources[i];
		}
		for (uint32_t v = 0; v < g.n; v++) {
			if (random_below(&state, 5))
				continue;
			walls |= 1u << v;
			rg_bitset_set(&marked, v);
		}
		expected = reach_model(&g, from, walls);
		CHECK(seed, rg_reach(&g, sources, n_sources, &marked, NULL) == RG_OK);
		for (uint32_t v = 0; v < g.n; v++)
			CHECK(seed, rg_bitset_get(&marked, v) == (expected >> v & 1));
		rg_bitset_deinit(&marked);
		rg_graph_deinit(&g);
	}
}
END_TEST

START_TEST(reach_big_shapes)
{
	static const uint32_t expected[N_SHAPES] = { BIG, 1, BIG };
	uint32_t source = 0;

	for (enum shape shape = 0; shape < N_SHAPES; shape++) {
		struct rg_graph g = big_graph(shape);
		struct rg_bitset marked;

		ck_assert_int_eq(rg_bitset_init(&marked, g.n, NULL), RG_OK);
		ck_assert_int_eq(rg_reach(&g, &source, 1, &marked, NULL), RG_OK);
		ck_assert_uint_eq(rg_bitset_count(&marked), expected[shape]);
		rg_bitset_deinit(&marked);
		rg_graph_deinit(&g);
	}
}
END_TEST

TEST_MAIN("reach", reach_stops_at_walls, reach_big_shapes)
