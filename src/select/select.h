/*
 * Selections: words that name objects. A type by its short or dotted name, with `*`; an address
 * (0x7f...); an object number (@812).
 */
#ifndef RG_SELECT_SELECT_H
#define RG_SELECT_SELECT_H

#include "src/graph/bitset.h"
#include "src/heap/heap.h"

/*
 * Add what WORD names to SELECTED. LIVE: the heap was captured on the way, so that an object
 * number means nothing. RG_NOT_FOUND suggests a name that is near. O(types + objects).
 */
enum rg_code rg_select(const struct rg_heap *heap, const char *word, bool live,
	struct rg_bitset *selected, struct rg_error *err);

#endif
