/*
 * Immediate dominators: which vertex lies on every way from the sources to another. Semi-NCA
 * (L. Georgiadis, R. E. Tarjan, R. F. Werneck, "Finding dominators in practice", JGAA 10, 2006),
 * iterative, without a reverse graph: the depth-first search itself deals with every edge but
 * those that lead back or across, and with all edges to the sources.
 */
#ifndef RG_GRAPH_DOMINATORS_H
#define RG_GRAPH_DOMINATORS_H

#include <stdint.h>

#include "heapdump/base/error.h"
#include "src/graph/graph.h"

/*
 * A tree over the reached vertices, numbered from 1 on as the search met them, and a virtual root
 * with number 0, from which an edge leads to every source. A dominator has a smaller number than
 * what it dominates, so that sums over subtrees are one sweep from the last number down.
 */
struct rg_dominators {
	uint32_t count; /* numbers, 0 included: 1 where nothing is reached */
	uint32_t *number; /* n: of each vertex, 0 where no source reaches it */
	uint32_t *vertex; /* count: of each number; RG_NO_VERTEX for 0 */
	uint32_t *dominator; /* count: the number of the immediate dominator; 0 for 0 */
};

/*
 * The dominator tree of GRAPH from the N_SOURCES vertices at SOURCES (duplicates count once). What
 * they do not reach has no number, and its edges do not count. Nearly linear: O(m log n) time at
 * worst. The result has 4n + 8 count bytes; work of at most 24n bytes, and 12 for each edge that
 * leads back or across (a quarter of them in a heap). Zeroed when it fails.
 */
enum rg_code rg_dominators_init(struct rg_dominators *dominators, const struct rg_graph *graph,
	const uint32_t *sources, uint32_t n_sources, struct rg_error *err);
/* Release and zero; safe on a zeroed struct. */
void rg_dominators_deinit(struct rg_dominators *dominators);

/* Add to SUM[count], which has what each number is worth, all that it dominates. O(count). */
void rg_dominators_sum(const struct rg_dominators *dominators, uint64_t *sum);

/*
 * The tree as a graph: its vertices are numbers, its edges lead from a dominator to those that it
 * dominates immediately, in ascending order. O(count) time, 8 count bytes.
 */
enum rg_code rg_dominators_tree(
	const struct rg_dominators *dominators, struct rg_graph *tree_ret, struct rg_error *err);

#endif
