/*
 * Strongly connected components: Pearce's variant of Tarjan's algorithm (D. J. Pearce, "A
 * space-efficient algorithm for finding strongly connected components", IPL 116, 2016), iterative,
 * one record a vertex, both stacks in one array.
 */
#ifndef RG_GRAPH_COMPONENTS_H
#define RG_GRAPH_COMPONENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "heapdump/base/error.h"
#include "src/graph/graph.h"

/*
 * A partition of the vertices. Component numbers are a topological order: an edge between two
 * components goes from the smaller number to the larger. Every component has a member.
 */
struct rg_components {
	uint32_t count;
	uint32_t *of; /* n: the component of each vertex */
	uint32_t *offset; /* count + 1 */
	uint32_t *member; /* n: component c has member[offset[c]] .. member[offset[c + 1] - 1],
				 * ascending */
};

/*
 * The components of GRAPH. O(n + m) time; at most 20n bytes of work, of which 4n become the
 * result's `of`; the result has 8n + 4 count bytes. Zeroed when it fails.
 */
enum rg_code rg_components_init(
	struct rg_components *components, const struct rg_graph *graph, struct rg_error *err);
/* Release and zero; safe on a zeroed struct. */
void rg_components_deinit(struct rg_components *components);

/*
 * Whether COMPONENT is a cycle: more than one vertex, or a vertex with an edge to itself.
 * O(1), or for a single vertex the number of its edges.
 */
bool rg_component_is_cycle(
	const struct rg_components *components, const struct rg_graph *graph, uint32_t component);

#endif
