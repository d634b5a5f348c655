/* How many objects of which type, and their bytes. */
#ifndef RG_ANALYSIS_TYPES_H
#define RG_ANALYSIS_TYPES_H

#include "src/graph/bitset.h"
#include "src/heap/heap.h"

struct rg_type_sum {
	uint32_t type;
	uint64_t count, size;
};

struct rg_type_sums {
	struct rg_type_sum *rows; /* most bytes first, then by number */
	size_t count;
	uint64_t objects, size;
};

/*
 * Over the members of WITHIN (NULL: all), folded unless RAW: a helper counts with its owner.
 * O(types log types + objects). Freed with rg_type_sums_deinit.
 */
enum rg_code rg_type_sums_init(struct rg_type_sums *sums, const struct rg_heap *heap,
	const struct rg_bitset *within, bool raw, struct rg_error *err);
/* The same over a list of ids. */
enum rg_code rg_type_sums_of(struct rg_type_sums *sums, const struct rg_heap *heap,
	const uint32_t *ids, size_t n, bool raw, struct rg_error *err);
void rg_type_sums_deinit(struct rg_type_sums *sums);

#endif
