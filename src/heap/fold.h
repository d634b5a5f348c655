/*
 * Folding: a helper that only its owner refers to is part of it. An instance's __dict__ (a
 * class's, a module's) is folded into the object when nobody else holds it.
 */
#ifndef RG_HEAP_FOLD_H
#define RG_HEAP_FOLD_H

#include "src/heap/heap.h"

/* Fill heap->owner, heap->helper, heap->folded and heap->modules. O(objects + references). */
enum rg_code rg_fold(struct rg_heap *heap, struct rg_error *err);

static inline bool rg_heap_folded(const struct rg_heap *heap, uint32_t id)
{
	return rg_bitset_get(&heap->folded, id);
}

/* Where an object is among those that are shown: in what it is folded into, unless RAW. */
static inline uint32_t rg_heap_place(const struct rg_heap *heap, uint32_t id, bool raw)
{
	return raw ? id : heap->owner[id];
}

/* The helper that is folded into the object (of several the first), or RG_NO_ID. O(1). */
static inline uint32_t rg_heap_helper(const struct rg_heap *heap, uint32_t id)
{
	return heap->helper[id];
}

/*
 * What stands for an object where people look: for the dict of a module that module. Functions
 * hold it as their globals, so that it is not folded, and its own name says nothing.
 */
uint32_t rg_heap_stand_in(const struct rg_heap *heap, uint32_t id);

/* The dict that a module stands for, or RG_NO_ID. */
uint32_t rg_heap_namespace(const struct rg_heap *heap, uint32_t module);

/*
 * Bytes of an object with its helper and with storage that sys.getsizeof() does not count; of
 * the object alone when RAW.
 */
uint64_t rg_heap_footprint(const struct rg_heap *heap, uint32_t id, bool raw);

#endif
