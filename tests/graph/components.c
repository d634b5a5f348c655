/* Components against the transitive closure, and the shapes that break recursion. */
#include "src/graph/components.h"

#include "tests/graph/random.h"

/* The partition, its order and what is a cycle, against reachability. */
static void check_partition(const struct rg_graph *g, const struct rg_components *c, uint64_t seed)
{
	uint32_t reach[32];

	transitive_closure(g, NULL, reach);
	for (uint32_t v = 0; v < g->n; v++) {
		CHECK(seed, c->of[v] < c->count);
		CHECK(seed, rg_component_is_cycle(c, g, c->of[v]) == (reach[v] >> v & 1));
		for (uint32_t w = 0; w < g->n; w++) {
			bool there = reach[v] >> w & 1, back = reach[w] >> v & 1;

			CHECK(seed, (c->of[v] == c->of[w]) == (v == w || (there && back)));
			CHECK(seed, !there || c->of[v] <= c->of[w]);
		}
	}
}

/* The members: each vertex once, in its own component, ascending; no component empty. */
static void check_members(const struct rg_graph *g, const struct rg_components *c, uint64_t seed)
{
	CHECK(seed, c->offset[0] == 0 && c->offset[c->count] == g->n);
	for (uint32_t i = 0; i < c->count; i++) {
		CHECK(seed, c->offset[i] < c->offset[i + 1]);
		for (uint32_t k = c->offset[i]; k < c->offset[i + 1]; k++) {
			CHECK(seed, c->of[c->member[k]] == i);
			CHECK(seed, k == c->offset[i] || c->member[k - 1] < c->member[k]);
		}
	}
}

START_TEST(components_as_the_closure_says)
{
	FOR_SEEDS(seed, 5000)
	{
		uint64_t state = seed;
		struct rg_graph g = random_graph(&state, 14);
		struct rg_components c;

		CHECK(seed, rg_components_init(&c, &g, NULL) == RG_OK);
		check_partition(&g, &c, seed);
		check_members(&g, &c, seed);
		rg_components_deinit(&c);
		rg_graph_deinit(&g);
	}
}
END_TEST

START_TEST(components_of_big_shapes)
{
	for (enum shape shape = 0; shape < N_SHAPES; shape++) {
		struct rg_graph g = big_graph(shape);
		struct rg_components c;

		ck_assert_int_eq(rg_components_init(&c, &g, NULL), RG_OK);
		ck_assert_uint_eq(c.count, BIG);
		for (uint32_t v = 0; v < g.n; v++)
			for (uint32_t e = g.offset[v]; e < g.offset[v + 1]; e++)
				CHECK(0, c.of[v] < c.of[g.target[e]]);
		check_members(&g, &c, 0);
		rg_components_deinit(&c);
		rg_graph_deinit(&g);
	}
}
END_TEST

START_TEST(components_of_a_big_ring)
{
	struct rg_graph g = big_ring();
	struct rg_components c;

	ck_assert_int_eq(rg_components_init(&c, &g, NULL), RG_OK);
	ck_assert_uint_eq(c.count, 1);
	ck_assert(rg_component_is_cycle(&c, &g, 0));
	check_members(&g, &c, 0);
	rg_components_deinit(&c);
	rg_graph_deinit(&g);
}
END_TEST

TEST_MAIN("components", components_as_the_closure_says, components_of_big_shapes,
	components_of_a_big_ring)
