/*
 * Chains from the roots to every object, over all references that keep something alive: of those
 * with the fewest references that are hard to read (clarity.h) a shortest one. Roots come in the
 * order a chain prefers them. Distances from the roots, for who asks for no chain.
 */
#ifndef RG_ANALYSIS_PATHS_H
#define RG_ANALYSIS_PATHS_H

#include "src/graph/bitset.h"
#include "src/graph/distances.h"
#include "src/heap/heap.h"

struct rg_paths {
	struct rg_graph
		graph; /* rg_graph_label() of it makes a row of the heap of distances.edge */
	struct rg_distances distances; /* along the chains, unless of rg_paths_init_shortest */
	uint32_t *root_of; /* for each object the row of the best root on it, or RG_NO_ID */
	uint32_t *sources, n_sources; /* the objects that roots hold, those easy to read first */
	uint8_t *ranks; /* of each source, as rg_clarity_rank says */
};

/*
 * The graph, the roots, and the search around WALLS (NULL: none), objects that no chain may go
 * through or lead to; the graph is that of all objects. What is folded counts with what it is
 * folded into. O(objects + references). Zeroed when it fails.
 */
enum rg_code rg_paths_init_around(struct rg_paths *paths, const struct rg_heap *heap, bool raw,
	const struct rg_bitset *walls, struct rg_error *err);

/* The same with nothing but the length of a chain counting: distances proper. */
enum rg_code rg_paths_init_shortest(
	struct rg_paths *paths, const struct rg_heap *heap, bool raw, struct rg_error *err);

/*
 * References from the nearest root to ID in *DISTANCE_RET, however they read; RG_UNREACHED where
 * there is none. O(objects + references), with a graph of its own.
 */
enum rg_code rg_paths_distance(const struct rg_heap *heap, bool raw, uint32_t id,
	uint32_t *distance_ret, struct rg_error *err);

/*
 * The same as the first in two steps, for who wants memory in between: the graph, without labels,
 * and the roots; then the search over it, which keeps the graph or lets it go.
 */
enum rg_code rg_paths_start(
	struct rg_paths *paths, const struct rg_heap *heap, bool raw, struct rg_error *err);
enum rg_code rg_paths_finish(struct rg_paths *paths, const struct rg_heap *heap, bool raw,
	bool keep, struct rg_error *err);
void rg_paths_deinit(struct rg_paths *paths);

/* One object on a chain and the reference (row of the heap) that led to it. */
struct rg_path_step {
	uint32_t object, reference; /* reference: RG_NO_ID at the root */
};

/* The reference (row of the heap) by which a chain comes to ID; RG_NO_ID at a root. O(1). */
static inline uint32_t rg_paths_step(const struct rg_paths *paths, uint32_t id)
{
	uint32_t edge = paths->distances.edge[id];

	return edge == RG_NO_EDGE ? RG_NO_ID : rg_graph_label(&paths->graph, edge);
}

/*
 * The chain from a root to ID in *STEPS_RET, root first, freed by the caller; its length, 0 when
 * no root reaches it.
 */
enum rg_code rg_paths_chain(const struct rg_paths *paths, uint32_t id,
	struct rg_path_step **steps_ret, uint32_t *count_ret, struct rg_error *err);

#endif
