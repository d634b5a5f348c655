/* Reverse and induced graphs against edge by edge models, and the check of invariants. */
#include "src/graph/graph.h"

#include "tests/graph/random.h"

/* The source of edge E. */
static uint32_t source_of(const struct rg_graph *g, uint32_t e)
{
	uint32_t v = 0;

	while (g->offset[v + 1] <= e)
		v++;
	return v;
}

static void check_reverse(const struct rg_graph *g, const struct rg_graph *r, uint64_t seed)
{
	uint32_t seen[128] = { 0 };

	CHECK(seed, rg_graph_check(r) && r->n == g->n && r->m == g->m);
	for (uint32_t v = 0; v < r->n; v++) {
		for (uint32_t i = r->offset[v]; i < r->offset[v + 1]; i++) {
			uint32_t e = rg_graph_label(r, i);

			CHECK(seed, g->target[e] == v && source_of(g, e) == r->target[i]);
			/* by index is also by source */
			CHECK(seed, i == r->offset[v] || r->label[i - 1] < e);
			CHECK(seed, seen[e]++ == 0);
		}
	}
}

START_TEST(reverse_has_each_edge_turned)
{
	FOR_SEEDS(seed, 3000)
	{
		uint64_t state = seed;
		struct rg_graph g = random_graph(&state, 14), r;

		CHECK(seed, rg_graph_check(&g));
		CHECK(seed, rg_graph_reverse(&g, &r, NULL) == RG_OK);
		check_reverse(&g, &r, seed);
		rg_graph_deinit(&r);
		rg_graph_deinit(&g);
	}
}
END_TEST

/* Edge by edge: what is in the subgraph, in order, is what joins two members. */
static void check_induced(const struct rg_graph *g, const struct rg_graph *sub,
	const uint32_t *members, const uint32_t *local_of, uint64_t seed)
{
	CHECK(seed, rg_graph_check(sub));
	for (uint32_t i = 0; i < sub->n; i++) {
		uint32_t k = sub->offset[i];

		for (uint32_t e = g->offset[members[i]]; e < g->offset[members[i] + 1]; e++) {
			if (local_of[g->target[e]] == RG_NO_VERTEX)
				continue;
			CHECK(seed, k < sub->offset[i + 1] && rg_graph_label(sub, k) == e);
			CHECK(seed, members[sub->target[k]] == g->target[e]);
			k++;
		}
		CHECK(seed, k == sub->offset[i + 1]);
	}
}

START_TEST(induced_has_the_edges_between_members)
{
	FOR_SEEDS(seed, 3000)
	{
		uint64_t state = seed;
		struct rg_graph g = random_graph(&state, 14), sub;
		uint32_t members[32], local_of[32], count = 0;

		/* members in falling order: a list, not a set */
		for (uint32_t v = g.n; v-- > 0;) {
			local_of[v] = random_below(&state, 3) ? count : RG_NO_VERTEX;
			if (local_of[v] != RG_NO_VERTEX)
				members[count++] = v;
		}
		CHECK(seed, rg_graph_induced(&g, members, count, local_of, &sub, NULL) == RG_OK);
		CHECK(seed, sub.n == count);
		check_induced(&g, &sub, members, local_of, seed);
		rg_graph_deinit(&sub);
		rg_graph_deinit(&g);
	}
}
END_TEST

START_TEST(check_refuses_broken_graphs)
{
	uint32_t offset[] = { 0, 1, 2 }, target[] = { 1, 0 };
	struct rg_graph g = { .n = 2, .m = 2, .offset = offset, .target = target };

	ck_assert(rg_graph_check(&g));
	target[1] = 2;
	ck_assert_msg(!rg_graph_check(&g), "a target past the vertices");
	target[1] = 0;
	offset[1] = 3;
	ck_assert_msg(!rg_graph_check(&g), "offsets that fall");
	offset[1] = 1;
	offset[0] = 1;
	ck_assert_msg(!rg_graph_check(&g), "a first offset of 1");
	offset[0] = 0;
	g.m = 1;
	ck_assert_msg(!rg_graph_check(&g), "fewer edges than offsets say");
	g.m = 2;
	g.target = NULL;
	ck_assert_msg(!rg_graph_check(&g), "no targets");
}
END_TEST

START_TEST(reverse_of_big_shapes)
{
	for (enum shape shape = 0; shape < N_SHAPES; shape++) {
		struct rg_graph g = big_graph(shape), r, back;

		ck_assert(rg_graph_check(&g));
		ck_assert_int_eq(rg_graph_reverse(&g, &r, NULL), RG_OK);
		ck_assert_int_eq(rg_graph_reverse(&r, &back, NULL), RG_OK);
		ck_assert(rg_graph_check(&r) && rg_graph_check(&back));
		for (uint32_t e = 0; e < g.m; e++)
			CHECK(0, back.target[e] == g.target[e]);
		for (uint32_t v = 0; v <= g.n; v++)
			CHECK(0, back.offset[v] == g.offset[v]);
		rg_graph_deinit(&back);
		rg_graph_deinit(&r);
		rg_graph_deinit(&g);
	}
}
END_TEST

TEST_MAIN("graph", reverse_has_each_edge_turned, induced_has_the_edges_between_members,
	check_refuses_broken_graphs, reverse_of_big_shapes)
