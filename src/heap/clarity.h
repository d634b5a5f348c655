/*
 * What people understand of a chain: modules, instances, attributes, items and locals. What the
 * interpreter does for itself (type slots, the import system, words found in C memory) is hard to
 * read, and a chain goes through it only where there is no other. ONE table each of kinds of
 * reference, of attributes and of roots says what is hard.
 */
#ifndef RG_HEAP_CLARITY_H
#define RG_HEAP_CLARITY_H

#include "src/graph/bitset.h"
#include "src/heap/heap.h"

struct rg_clarity {
	const struct rg_heap *heap;
	struct rg_bitset strings; /* names of attributes that are hard to read */
};

/* O(strings). Zeroed when it fails. */
enum rg_code rg_clarity_init(
	struct rg_clarity *clarity, const struct rg_heap *heap, struct rg_error *err);
void rg_clarity_deinit(struct rg_clarity *clarity);

/* Whether the reference of row EDGE is hard to read. O(1). */
bool rg_clarity_hard(const struct rg_clarity *clarity, uint32_t edge);

#define RG_CLARITY_RANKS 3

/*
 * How hard a root is to read: 0 for modules and locals; 1, as one hard reference, for what the
 * interpreter and the import system hold; 2 for what was only found in the memory of C code.
 */
unsigned rg_clarity_rank(const struct rg_heap *heap, const struct rg_heap_root *root);

#endif
