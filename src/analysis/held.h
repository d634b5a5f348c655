/*
 * Held from C: what no root reaches although it is alive. An object with more references than were
 * found is held by code that a snapshot does not see; what refers to it is unreached as well, and
 * garbage is explained by itself.
 */
#ifndef RG_ANALYSIS_HELD_H
#define RG_ANALYSIS_HELD_H

#include "src/graph/bitset.h"
#include "src/heap/heap.h"

/*
 * The objects that C code holds of those not in REACHED, a new set; with what is folded standing
 * for its owner in both, unless RAW. O(objects + references of what is not reached).
 */
enum rg_code rg_held_find(const struct rg_heap *heap, const struct rg_bitset *reached, bool raw,
	struct rg_bitset *held_ret, struct rg_error *err);

/* What C code holds of one type. */
struct rg_held_type {
	uint64_t objects;
	uint64_t bytes; /* of them and of what hangs on them, each thing counted once */
	uint32_t example; /* one of them, where there are any */
};

/* The same by type, but for what is immortal: TYPES is zeroed, one for each type of the heap. */
enum rg_code rg_held_by_type(const struct rg_heap *heap, const struct rg_bitset *reached, bool raw,
	struct rg_held_type *types, struct rg_error *err);

#endif
