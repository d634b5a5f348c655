/*
 * Distances in edges from a list of vertices, and by which edge each vertex was first reached:
 * breadth-first search (E. F. Moore, "The shortest path through a maze", 1959), prefetching ahead.
 */
#ifndef RG_GRAPH_DISTANCES_H
#define RG_GRAPH_DISTANCES_H

#include <stdint.h>

#include "heapdump/base/error.h"
#include "src/graph/bitset.h"
#include "src/graph/graph.h"

#define RG_UNREACHED UINT32_MAX

/*
 * Where distance[v] is neither 0 nor RG_UNREACHED: edge[v] goes from parent[v] to v, and
 * distance[parent[v]] + 1 == distance[v]. Following parent[] ends at a source.
 */
struct rg_distances {
	uint32_t *distance; /* n: edges from the nearest source, or RG_UNREACHED */
	uint32_t *parent; /* n: a vertex; RG_NO_VERTEX for a source and where unreached */
	uint32_t *edge; /* n: index in the graph; RG_NO_EDGE for a source and where unreached */
	uint32_t reached; /* vertices with a distance, the sources included */
};

/*
 * Distances from the N_SOURCES vertices at SOURCES (duplicates count once). Deterministic: of two
 * shortest ways the one that starts at the earlier source wins, then the one through the vertex
 * reached earlier, then the smaller edge index. O(n + m) time, 4n bytes of work, 12n bytes of
 * result. Zeroed when it fails.
 */
enum rg_code rg_distances_init(struct rg_distances *distances, const struct rg_graph *graph,
	const uint32_t *sources, uint32_t n_sources, struct rg_error *err);

/* What a search puts off, and where it does not go. */
struct rg_distances_late {
	const struct rg_bitset *edges; /* m */
	const uint8_t *sources; /* of each source how late it is: as after so many late edges */
	const struct rg_bitset *walls; /* n: vertices that are not entered; NULL: none */
};

/*
 * The same, but what is LATE is followed only where nothing else leads: each vertex is reached by a
 * way of the fewest late edges, and by a shortest of these; distance[v] counts all edges of that
 * way. So one that ends in a long detour wins over a short way through a late edge. It is the
 * search above, level by level of late edges: within a level two queues that are in order already
 * are merged. Deterministic. O(n + m) time, 4n bytes of work. Zeroed when it fails.
 */
enum rg_code rg_distances_init_late(struct rg_distances *distances, const struct rg_graph *graph,
	const uint32_t *sources, uint32_t n_sources, const struct rg_distances_late *late,
	struct rg_error *err);
/* Release and zero; safe on a zeroed struct. */
void rg_distances_deinit(struct rg_distances *distances);

#endif
