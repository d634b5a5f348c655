/*
 * Routes: the shortest chains to many objects, merged. Two chains run together as long as they
 * start at the same root and their references have the same patterns, indices and keys
 * generalised; a pattern that comes back (a list of children of children) loops to where it was
 * first. So a million objects that leak in three ways have three routes. A reference without kind
 * and label, as dumps of ids alone have them, runs together with no other.
 *
 * Or not the shortest chain to each object, but one through each of its holders.
 */
#ifndef RG_ANALYSIS_ROUTES_H
#define RG_ANALYSIS_ROUTES_H

#include "src/analysis/paths.h"
#include "src/analysis/patterns.h"
#include "src/graph/bitset.h"

/* A place on a route. Rows are in an order in which each stands behind its parent. */
struct rg_route {
	uint32_t parent; /* its row, or RG_NO_ID at a root */
	uint32_t root; /* at a root: the row of the heap's */
	uint32_t pattern; /* of the reference that leads here; RG_NO_ID at a root */
	uint32_t object, reference; /* one example, nearest: the object and how it is reached */
	uint32_t objects; /* how many different ones are here on chains to the selected */
	uint32_t hard; /* references up to here that are hard to read, by the example */
	uint32_t nearest; /* of the selected that end here the nearest, or RG_NO_ID */
	uint32_t length; /* references from the root to NEAREST */
	uint32_t holder,
		last; /* what refers to it, or RG_NO_ID at a root; how: a row of the heap */
	uint64_t ends; /* selected objects whose chain ends here */
	uint64_t covers; /* selected objects whose chain passes here or ends here */
	uint64_t size; /* footprints of those that end here */
	bool loops; /* chains come back here */
	uint32_t counted; /* of all routes: the object counted last, + 1 */
};

struct rg_routes {
	const struct rg_heap *heap;
	const struct rg_paths *paths;
	struct rg_patterns patterns;
	struct rg_route *rows;
	size_t count, capacity;
	uint32_t *
		ends; /* rows where chains end: most objects first, then easy to read, then short */
	uint32_t n_ends;
	uint32_t *route_of; /* of each object on a chain its row, or RG_NO_ID */
	uint64_t selected, unreached; /* objects; those that no root reaches */
	uint64_t inner; /* those that roots reach, but on no route here */
};

/*
 * The routes to the objects of SELECTED, but for what is folded, unless RAW. O(objects + steps of
 * the chains, each counted once).
 */
enum rg_code rg_routes_init(struct rg_routes *routes, const struct rg_heap *heap,
	const struct rg_paths *paths, const struct rg_bitset *selected, bool raw,
	struct rg_error *err);

/*
 * All the routes to the objects of SELECTED: to each a chain through every root that holds it, and
 * through every referrer that PATHS, which go around SELECTED at least, lead to: each of these
 * would hold it if the others did not. An object is on as many routes as it has such holders that
 * differ, and counts once on each. What only others of the selection hold is `inner`.
 * O(objects + references + steps of the chains), 8 bytes a reference of work.
 */
enum rg_code rg_routes_init_all(struct rg_routes *routes, const struct rg_heap *heap,
	const struct rg_paths *paths, const struct rg_bitset *selected, bool raw,
	struct rg_error *err);
void rg_routes_deinit(struct rg_routes *routes);

/*
 * The chain to the nearest object of the route ROW, root first: steps that the caller frees, their
 * number, and the row of the heap's root.
 */
enum rg_code rg_routes_chain(const struct rg_routes *routes, uint32_t row,
	struct rg_path_step **steps_ret, uint32_t *count_ret, uint32_t *root_ret,
	struct rg_error *err);

#endif
