/*
 * A directed multigraph in compressed sparse rows: dense 32-bit vertices, edges sorted by source.
 *
 * The edges of vertex v are offset[v] .. offset[v + 1] - 1. Invariants: offset[0] == 0, offset
 * never falls, offset[n] == m, every target < n, and n < UINT32_MAX, as UINT32_MAX is "no vertex"
 * and "no edge" everywhere in this folder. Self loops and parallel edges are ordinary edges.
 *
 * A graph owns its three arrays when it was made by a function of this folder; a caller may as
 * well point a struct at arrays of its own and then simply not deinit it.
 */
#ifndef RG_GRAPH_GRAPH_H
#define RG_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "heapdump/base/error.h"

#define RG_NO_VERTEX UINT32_MAX
#define RG_NO_EDGE UINT32_MAX

struct rg_graph {
	uint32_t n; /* vertices */
	uint32_t m; /* edges */
	uint32_t *offset; /* n + 1 */
	uint32_t *target; /* m */
	uint32_t *label; /* m: the caller's number of each edge; NULL: its own index */
};

/* Release the arrays and zero the struct; safe on a zeroed one. */
void rg_graph_deinit(struct rg_graph *graph);

/*
 * Every edge turned round. label[i] of the result is the index in GRAPH of the edge it came from;
 * the edges of a vertex are in order of their source, then of their index. O(n + m) time, no
 * memory besides the result's 4n + 8m bytes. Counting sort, prefetching ahead.
 */
enum rg_code rg_graph_reverse(
	const struct rg_graph *graph, struct rg_graph *reverse_ret, struct rg_error *err);

/*
 * The subgraph over the COUNT vertices of MEMBERS: its vertex i is members[i], its edges are those
 * between members, in GRAPH's order for each vertex, and label[i] is the index in GRAPH of edge i.
 * LOCAL_OF has an entry for each of GRAPH's n vertices, filled by the caller: local_of[members[i]]
 * == i, RG_NO_VERTEX for all that are no members. So a caller that cuts a graph into many pieces
 * pays for it once. Time and memory O(COUNT + edges that leave a member).
 */
enum rg_code rg_graph_induced(const struct rg_graph *graph, const uint32_t *members, uint32_t count,
	const uint32_t *local_of, struct rg_graph *sub_ret, struct rg_error *err);

/* Whether the invariants above hold; O(n + m). For tests and for input of unknown origin. */
bool rg_graph_check(const struct rg_graph *graph);

/* The caller's number of edge EDGE. O(1). */
static inline uint32_t rg_graph_label(const struct rg_graph *graph, uint32_t edge)
{
	return graph->label ? graph->label[edge] : edge;
}

#endif
