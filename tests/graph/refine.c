/* Shape hashes: the same for isomorphic graphs, different for what refinement tells apart. */
#include "src/graph/refine.h"

#include <string.h>

#include "tests/graph/random.h"

/* A graph as a list of coloured edges, so that it can be rearranged. */
struct drawing {
	uint32_t n, m, from[128], to[128];
	uint64_t vertex[32], edge[128];
};

static struct drawing random_drawing(uint64_t *state)
{
	struct drawing d = { .n = 1 + random_below(state, 16) };
	uint32_t colours = 1 + random_below(state, 3);

	d.m = random_below(state, 1 + 3 * d.n);
	for (uint32_t v = 0; v < d.n; v++)
		d.vertex[v] = random_below(state, colours);
	for (uint32_t e = 0; e < d.m; e++) {
		d.from[e] = random_below(state, d.n);
		d.to[e] = random_below(state, d.n);
		d.edge[e] = random_below(state, colours);
	}
	return d;
}

static uint64_t hash_of(const struct drawing *d)
{
	struct rg_graph g = graph_of(d->n, d->m, d->from, d->to);
	uint64_t edge[128] = { 0 }, hash = 0;
	uint32_t k = 0;

	/* the colours in the order in which graph_of puts the edges */
	for (uint32_t v = 0; v < d->n; v++)
		for (uint32_t e = 0; e < d->m; e++)
			if (d->from[e] == v)
				edge[k++] = d->edge[e];
	ck_assert_int_eq(rg_refine_hash(&g, d->vertex, edge, &hash, NULL), RG_OK);
	rg_graph_deinit(&g);
	return hash;
}

/* A random order of 0 .. N - 1. */
static void shuffle(uint64_t *state, uint32_t n, uint32_t *order)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = random_below(state, i + 1);

		order[i] = order[j];
		order[j] = i;
	}
}

/* The same graph with vertices and edges in another order. */
static struct drawing rearranged(const struct drawing *d, uint64_t *state)
{
	struct drawing other = *d;
	uint32_t vertex[32], edge[128];

	shuffle(state, d->n, vertex);
	shuffle(state, d->m, edge);
	for (uint32_t v = 0; v < d->n; v++)
		other.vertex[vertex[v]] = d->vertex[v];
	for (uint32_t e = 0; e < d->m; e++) {
		other.from[edge[e]] = vertex[d->from[e]];
		other.to[edge[e]] = vertex[d->to[e]];
		other.edge[edge[e]] = d->edge[e];
	}
	return other;
}

/* Change one thing that refinement must see. */
static struct drawing changed(const struct drawing *d, uint64_t *state)
{
	struct drawing other = *d;
	uint32_t what = d->m ? random_below(state, 4) : 0;

	if (what == 0)
		other.vertex[random_below(state, d->n)] = 99;
	else if (what == 1)
		other.edge[random_below(state, d->m)] = 99;
	else if (what == 2)
		other.m--;
	else
		other.n++;
	return other;
}

START_TEST(refine_ignores_order_only)
{
	FOR_SEEDS(seed, 5000)
	{
		uint64_t state = seed;
		struct drawing d = random_drawing(&state);
		struct drawing same = rearranged(&d, &state), other = changed(&d, &state);

		CHECK(seed, hash_of(&d) == hash_of(&same));
		CHECK(seed, hash_of(&d) != hash_of(&other));
	}
}
END_TEST

static const struct drawing shapes[] = {
	{ .n = 0 },
	{ .n = 1 },
	{ .n = 1, .m = 1, .from = { 0 }, .to = { 0 } },
	{ .n = 2, .m = 2, .from = { 0, 1 }, .to = { 0, 1 } },
	{ .n = 2, .m = 2, .from = { 0, 1 }, .to = { 1, 0 } },
	{ .n = 2, .m = 2, .from = { 0, 0 }, .to = { 1, 1 } },
	/* which way round, told by a colour */
	{ .n = 2, .m = 1, .from = { 0 }, .to = { 1 }, .vertex = { 5, 6 } },
	{ .n = 2, .m = 1, .from = { 0 }, .to = { 1 }, .vertex = { 6, 5 } },
	/* a path of four and a star of four: the same counts, three rounds apart */
	{ .n = 4, .m = 3, .from = { 0, 1, 2 }, .to = { 1, 2, 3 } },
	{ .n = 4, .m = 3, .from = { 0, 0, 0 }, .to = { 1, 2, 3 } },
	{ .n = 4, .m = 3, .from = { 1, 2, 3 }, .to = { 0, 0, 0 } },
	/* a colour in the second or the third of a path: equal until refined */
	{ .n = 4, .m = 3, .from = { 0, 1, 2 }, .to = { 1, 2, 3 }, .edge = { 7, 0, 0 } },
	{ .n = 4, .m = 3, .from = { 0, 1, 2 }, .to = { 1, 2, 3 }, .edge = { 0, 7, 0 } },
};

START_TEST(refine_tells_shapes_apart)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		for (size_t k = 0; k < i; k++)
			ck_assert_msg(hash_of(&shapes[i]) != hash_of(&shapes[k]),
				"shapes %zu and %zu", i, k);
}
END_TEST

START_TEST(refine_is_a_function_of_its_input)
{
	/* signatures are compared between machines: this number may change in a release only */
	ck_assert_uint_eq(hash_of(&shapes[8]), UINT64_C(17845718550570217861));
}
END_TEST

TEST_MAIN("refine", refine_ignores_order_only, refine_tells_shapes_apart,
	refine_is_a_function_of_its_input)
