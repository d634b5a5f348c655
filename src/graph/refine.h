/*
 * A name for the structure of a small graph: colour refinement (B. Weisfeiler and A. Leman, 1968)
 * over vertex colour, edge colour and direction to a fixed point. Equal for isomorphic graphs
 * whatever the order of vertices and edges; different for most others (not for all: refinement
 * cannot tell apart some regular graphs).
 */
#ifndef RG_GRAPH_REFINE_H
#define RG_GRAPH_REFINE_H

#include <stdint.h>

#include "heapdump/base/error.h"
#include "src/graph/graph.h"

/*
 * The hash of GRAPH with a colour for each vertex and each edge (EDGE_COLOUR has m entries, by
 * index, not by label). O(r (m + n log n)) time for r <= n rounds: meant for graphs of up to 32
 * vertices, right for any. 24n bytes of work.
 */
enum rg_code rg_refine_hash(const struct rg_graph *graph, const uint64_t *vertex_colour,
	const uint64_t *edge_colour, uint64_t *hash_ret, struct rg_error *err);

#endif
