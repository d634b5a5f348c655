/*
 * What grew from one snapshot to another: by type, and by path. A path is the shortest chain from a
 * root with indices and keys generalised, as `why` merges them; its hash is the same in any run of
 * the program, so growth is told even where no object of the one is in the other.
 */
#ifndef RG_ANALYSIS_GROWTH_H
#define RG_ANALYSIS_GROWTH_H

#include "src/analysis/matching.h"
#include "src/analysis/paths.h"
#include "src/analysis/types.h"

struct rg_grown_type {
	uint32_t before_type, after_type; /* rows, or RG_NO_ID where there is none of the name */
	uint64_t before, after, size_before, size_after; /* objects and bytes */
	uint64_t made, freed;
};

struct rg_grown_path {
	uint64_t key, parent; /* hashes of the path, and of the one that is a step shorter */
	bool is_key; /* it leads to keys of a dict */
	uint32_t example; /* the object of the later snapshot nearest to a root */
	uint64_t before, after, size_before, size_after;
	int64_t below; /* bytes by which what hangs on it grew, itself included */
	double steady; /* 0..1: of the type's objects that came and went, how many stayed */
	double weight; /* what the rows are sorted by: bytes, as far as they stay */
};

struct rg_growth {
	struct rg_grown_type *types; /* those that changed, most bytes more first */
	size_t n_types;
	struct rg_grown_path *paths; /* those that grew and hang on none that did: see below */
	size_t n_paths, paths_capacity;
	size_t n_remarkable; /* of these, the first ones: they weigh at least 1 % of the first */
	struct rg_paths chains; /* of the later snapshot, for its examples */
};

/*
 * A path is not listed but counted with the one it hangs on when that grew, too: of a leaked object
 * its holder is told, not all of its parts. What stayed weighs more than what comes and goes. What C
 * code holds is on no path: it is told by its type, in a row without a chain.
 *
 * MATCHING is of the same two. Folded unless RAW. O(objects + references + steps of the chains to
 * objects of types that grew). Freed with rg_growth_deinit.
 */
enum rg_code rg_growth_init(struct rg_growth *growth, const struct rg_heap *before,
	const struct rg_heap *after, const struct rg_matching *matching, bool raw,
	struct rg_error *err);
void rg_growth_deinit(struct rg_growth *growth);

/*
 * Of three snapshots, the earliest first: by type, what is in the second and the third and not in
 * the first. O(objects of all). Freed with rg_type_sums_deinit.
 */
enum rg_code rg_growth_survivors(struct rg_type_sums *sums, const struct rg_heap *const heaps[3],
	bool raw, struct rg_error *err);

#endif
