/*
 * What a full collection would free, found out without collecting: trial deletion over the
 * captured refcounts (Modules/gcmodule.c: update_refs, subtract_refs, move_unreachable), and
 * what is dead or held from C beyond what the collector can see.
 */
#ifndef RG_ANALYSIS_GARBAGE_H
#define RG_ANALYSIS_GARBAGE_H

#include "src/graph/bitset.h"
#include "src/heap/heap.h"

/* Sets of object ids; the first five do not overlap. */
struct rg_garbage {
	struct rg_bitset collectable; /* freed by the next full collection, untracked ones too */
	struct rg_bitset may_resurrect; /* dead, but a __del__ in Python that has not run yet can
					 * bring it back: those objects and what they reach */
	struct rg_bitset uncollectable; /* dead, but its type's tp_del forbids to free it */
	struct rg_bitset hidden; /* unreached, its refcounts explained from inside, yet not
					 * seen by the collector */
	struct rg_bitset unreached; /* held from C: by no root that we know, with references
					 * that nothing explains, and what only those hold */
	struct rg_bitset dead; /* all that trial deletion finds, tracked or not */
	uint32_t deficits; /* objects with more references than their refcount */
};

/* O(objects + references). Zeroed when it fails. */
enum rg_code rg_garbage_init(
	struct rg_garbage *garbage, const struct rg_heap *heap, struct rg_error *err);
void rg_garbage_deinit(struct rg_garbage *garbage);

#endif
