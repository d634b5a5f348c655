/*
 * Random small multigraphs and big regular ones for the tests of src/graph.
 */
#ifndef RG_TESTS_GRAPH_RANDOM_H
#define RG_TESTS_GRAPH_RANDOM_H

#include "src/graph/graph.h"
#include "tests/tap.h"

#define BIG 1000000u

/* The graph of M edges from[i] -> to[i] over N vertices, in that order for each vertex. */
static inline struct rg_graph graph_of(
	uint32_t n, uint32_t m, const uint32_t *from, const uint32_t *to)
{
	struct rg_graph g = { .n = n, .m = m };
	uint32_t k = 0;

	g.offset = calloc((size_t)n + 1, sizeof(uint32_t));
	g.target = calloc((size_t)m + 1, sizeof(uint32_t));
	for (uint32_t v = 0; v < n; v++) {
		for (uint32_t i = 0; i < m; i++)
			if (from[i] == v)
				g.target[k++] = to[i];
		g.offset[v + 1] = k;
	}
	return g;
}

/* 0 .. MAX_N <= 32 vertices; from no edges to dense; with self loops and parallel edges. */
static inline struct rg_graph random_graph(uint64_t *state, uint32_t max_n)
{
	uint32_t n = random_below(state, max_n + 1), from[128], to[128];
	uint32_t m = n ? random_below(state, 1 + n * (1 + random_below(state, 4))) : 0;

	for (uint32_t i = 0; i < m; i++) {
		from[i] = random_below(state, n);
		to[i] = random_below(state, n);
		/* now and then the same edge again */
		if (i && !random_below(state, 8)) {
			from[i] = from[i - 1];
			to[i] = to[i - 1];
		}
	}
	return graph_of(n, m, from, to);
}

/* As random_graph, 1 .. MAX_N <= 30 vertices, with a random tour through all of them. */
static inline struct rg_graph random_strong_graph(uint64_t *state, uint32_t max_n)
{
	uint32_t n = 1 + random_below(state, max_n), from[160], to[160], m, tour[32];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = random_below(state, i + 1);

		tour[i] = tour[j];
		tour[j] = i;
	}
	for (m = 0; m < n; m++) {
		from[m] = tour[m];
		to[m] = tour[(m + 1) % n];
	}
	for (uint32_t extra = random_below(state, 1 + 3 * n); extra; extra--, m++) {
		from[m] = random_below(state, n);
		to[m] = random_below(state, n);
	}
	return graph_of(n, m, from, to);
}

/* reach[v] bit w: a way of at least one edge leads from v to w, along edges not in DROPPED. */
static inline void transitive_closure(
	const struct rg_graph *g, const uint8_t *dropped, uint32_t reach[32])
{
	for (uint32_t v = 0; v < g->n; v++) {
		reach[v] = 0;
		for (uint32_t e = g->offset[v]; e < g->offset[v + 1]; e++)
			if (!dropped || !dropped[e])
				reach[v] |= 1u << g->target[e];
	}
	for (uint32_t k = 0; k < g->n; k++)
		for (uint32_t v = 0; v < g->n; v++)
			if (reach[v] >> k & 1)
				reach[v] |= reach[k];
}

/* How many vertices are on a cycle of edges not in DROPPED. */
static inline uint32_t vertices_on_cycles(const struct rg_graph *g, const uint8_t *dropped)
{
	uint32_t reach[32], count = 0;

	transitive_closure(g, dropped, reach);
	for (uint32_t v = 0; v < g->n; v++)
		count += reach[v] >> v & 1;
	return count;
}

/* Big shapes: 0 -> 1 -> ... -> BIG - 1; all others -> 0; 0 -> all others. */
enum shape { CHAIN, HUB, STAR, N_SHAPES };

static inline struct rg_graph big_graph(enum shape shape)
{
	struct rg_graph g = { .n = BIG, .m = BIG - 1 };

	g.offset = calloc((size_t)g.n + 1, sizeof(uint32_t));
	g.target = calloc(g.m, sizeof(uint32_t));
	for (uint32_t v = 0; v < g.n; v++) {
		uint32_t edges = shape == CHAIN ? v < g.m : shape == HUB ? v > 0 : v ? 0 : g.m;

		g.offset[v + 1] = g.offset[v] + edges;
	}
	for (uint32_t e = 0; e < g.m; e++)
		g.target[e] = shape == HUB ? 0 : e + 1;
	return g;
}

/* 0 -> 1 -> ... -> BIG - 1 -> 0. */
static inline struct rg_graph big_ring(void)
{
	struct rg_graph g = { .n = BIG, .m = BIG };

	g.offset = calloc((size_t)g.n + 1, sizeof(uint32_t));
	g.target = calloc(g.m, sizeof(uint32_t));
	for (uint32_t v = 0; v < g.n; v++) {
		g.offset[v + 1] = v + 1;
		g.target[v] = (v + 1) % g.n;
	}
	return g;
}

#endif
