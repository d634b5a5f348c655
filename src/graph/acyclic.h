/*
 * Whether a graph has a cycle at all: cheaper than its components, and on a part of its edges.
 * A. B. Kahn, "Topological sorting of large networks", CACM 5 (11), 1962.
 */
#ifndef RG_GRAPH_ACYCLIC_H
#define RG_GRAPH_ACYCLIC_H

#include <stdbool.h>
#include <stdint.h>

#include "heapdump/base/error.h"
#include "src/graph/graph.h"

/*
 * Whether GRAPH is without cycles (a self loop is one) when the edges with dropped[edge] != 0 are
 * ignored; DROPPED (m bytes) may be NULL: all edges count. O(n + m) time, 8n bytes of work.
 */
enum rg_code rg_graph_acyclic(const struct rg_graph *graph, const uint8_t *dropped,
	bool *acyclic_ret, struct rg_error *err);

#endif
