/*
 * Which objects of a later snapshot of a process were in an earlier one.
 *
 * Addresses are used again, so an address alone proves nothing. A pair needs the same type and then
 * evidence: the same value or name, or references that have the same kind and lead to the same
 * place, with the same value there. A container whose content has changed altogether is another
 * one.
 */
#ifndef RG_ANALYSIS_MATCHING_H
#define RG_ANALYSIS_MATCHING_H

#include "src/heap/heap.h"

struct rg_matching {
	bool possible; /* false: the snapshots are of two processes, and nothing is matched */
	uint32_t *
		before; /* of each object of the later one: its number in the earlier, or RG_NO_ID */
	uint64_t certain, likely; /* pairs: all evidence agrees; some does, or there is none */
	uint64_t made, freed; /* objects of the later one alone, of the earlier one alone */
	uint32_t *type_before; /* of each type of the later one: that of its name, or RG_NO_ID */
};

/* O(objects + their first references). Freed with rg_matching_deinit. */
enum rg_code rg_matching_init(struct rg_matching *matching, const struct rg_heap *before,
	const struct rg_heap *after, struct rg_error *err);
void rg_matching_deinit(struct rg_matching *matching);

#endif
