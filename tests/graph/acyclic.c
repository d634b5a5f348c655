/* The test for cycles against the transitive closure, with and without dropped edges. */
#include "src/graph/acyclic.h"

#include "tests/graph/random.h"

START_TEST(acyclic_as_the_closure_says)
{
	uint32_t seen[2] = { 0 };

	FOR_SEEDS(seed, 5000)
	{
		uint64_t state = seed;
		struct rg_graph g = random_graph(&state, 14);
		uint8_t dropped[128];
		bool acyclic;

		CHECK(seed, rg_graph_acyclic(&g, NULL, &acyclic, NULL) == RG_OK);
		CHECK(seed, acyclic == !vertices_on_cycles(&g, NULL));
		for (uint32_t e = 0; e < g.m; e++)
			dropped[e] = random_below(&state, 2) ? 0x80 : 0;
		CHECK(seed, rg_graph_acyclic(&g, dropped, &acyclic, NULL) == RG_OK);
		CHECK(seed, acyclic == !vertices_on_cycles(&g, dropped));
		seen[acyclic]++;
		rg_graph_deinit(&g);
	}
	/* the generator makes enough of both for the test to mean something */
	ck_assert(getenv("RG_SEED") || (seen[0] > 500 && seen[1] > 500));
}
END_TEST

START_TEST(acyclic_big_shapes)
{
	struct rg_graph ring = big_ring();
	uint8_t *dropped = calloc(BIG, 1);
	bool acyclic;

	for (enum shape shape = 0; shape < N_SHAPES; shape++) {
		struct rg_graph g = big_graph(shape);

		ck_assert_int_eq(rg_graph_acyclic(&g, NULL, &acyclic, NULL), RG_OK);
		ck_assert(acyclic);
		rg_graph_deinit(&g);
	}
	ck_assert_int_eq(rg_graph_acyclic(&ring, dropped, &acyclic, NULL), RG_OK);
	ck_assert(!acyclic);
	dropped[BIG / 2] = 1;
	ck_assert_int_eq(rg_graph_acyclic(&ring, dropped, &acyclic, NULL), RG_OK);
	ck_assert(acyclic);
	free(dropped);
	rg_graph_deinit(&ring);
}
END_TEST

TEST_MAIN("acyclic", acyclic_as_the_closure_says, acyclic_big_shapes)
