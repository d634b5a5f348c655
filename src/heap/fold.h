/*
 * Folding: a helper that only its owner refers to is part of it. An instance's __dict__ (a
 * class's, a module's) is folded into the object when nobody else holds it.
 */
#ifndef RG_HEAP_FOLD_H
#define RG_HEAP_FOLD_H

#include "src/heap/heap.h"

/* Fill heap->owner. O(objects + references). */
enum rg_code rg_fold(struct rg_heap *heap, struct rg_error *err);

static inline bool rg_heap_folded(const struct rg_heap *heap, uint32_t id)
{
	return heap->owner[id] != id;
}

/* The helper that is folded into the object, or RG_NO_ID. */
uint32_t rg_heap_helper(const struct rg_heap *heap, uint32_t id);

/*
 * Bytes of an object with its helper and with storage that sys.getsizeof() does not count; of
 * the object alone when RAW.
 */
uint64_t rg_heap_footprint(const struct rg_heap *heap, uint32_t id, bool raw);

#endif
