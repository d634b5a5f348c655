/*
 * Shortest paths from some objects to others: breadth-first search forwards, the number of
 * shortest paths counted over the layers without walking them, and the first of them backwards
 * from the nearest target.
 */
#ifndef RG_ANALYSIS_BETWEEN_H
#define RG_ANALYSIS_BETWEEN_H

#include "src/analysis/paths.h"
#include "src/graph/bitset.h"

#define RG_BETWEEN_STEPS 100000u /* that are kept of all paths, unless one alone has more */

struct rg_between {
	uint64_t shortest; /* how many shortest paths there are, at most UINT64_MAX; 0: none */
	uint32_t length; /* references on each, at least 1 */
	uint32_t n_paths; /* that follow, each of length + 1 steps */
	struct rg_path_step *steps;
};

/*
 * The shortest paths of at least one reference from an object of FROM to one of TO, over the
 * references of classes EDGES; at most LIMIT of them are kept, and no more than RG_BETWEEN_STEPS
 * allow, in the order of the objects' numbers. Two references between the same objects make two
 * paths. O(objects + references + steps that are kept).
 */
enum rg_code rg_between_init(struct rg_between *between, const struct rg_heap *heap, unsigned edges,
	bool raw, const struct rg_bitset *from, const struct rg_bitset *to, uint64_t limit,
	struct rg_error *err);
void rg_between_deinit(struct rg_between *between);

/* The steps of path NUMBER, the first without a reference. */
static inline const struct rg_path_step *rg_between_path(
	const struct rg_between *between, uint32_t number)
{
	return between->steps + (size_t)number * (between->length + 1);
}

#endif
