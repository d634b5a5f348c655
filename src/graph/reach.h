/* What can be reached from a list of vertices: a search with an explicit stack and a bitset. */
#ifndef RG_GRAPH_REACH_H
#define RG_GRAPH_REACH_H

#include <stdint.h>

#include "heapdump/base/error.h"
#include "src/graph/bitset.h"
#include "src/graph/graph.h"

/*
 * Add to MARKED, an initialised set of graph->n, every vertex reachable from the N_SOURCES vertices
 * at SOURCES, themselves included. What is already marked is a wall: it is not entered, not even
 * when it is a source. So marking from A and then from B adds what only B reaches, and a caller
 * can mark vertices that no way may go through. O(vertices and edges newly entered + n_sources)
 * time; the stack grows to at most 4 bytes a vertex entered, rounded up to a power of two. When it
 * fails, MARKED holds a part of the answer.
 */
enum rg_code rg_reach(const struct rg_graph *graph, const uint32_t *sources, uint32_t n_sources,
	struct rg_bitset *marked, struct rg_error *err);

#endif
