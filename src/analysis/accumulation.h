/*
 * Where memory accumulates below a place that retains much: the things that are many, what they
 * are in, and what else is there.
 */
#ifndef RG_ANALYSIS_ACCUMULATION_H
#define RG_ANALYSIS_ACCUMULATION_H

#include "src/analysis/holders.h"
#include "src/analysis/signature.h"
#include "src/analysis/traits.h"

struct rg_accumulation {
	/* the things that are many, alike by type; of a chain of links its links */
	uint64_t count;
	uint32_t type; /* of one; they may be of several types of that name */
	uint64_t types; /* how many those are */
	uint32_t example; /* object: one that is held as most are */
	uint32_t container; /* object: what the example is in; RG_NO_ID where C holds it */
	bool chain; /* each holds the next */
	/* of all that the place retains */
	uint64_t bytes, objects;
	uint64_t own; /* objects of types of the program's */
	uint64_t young; /* objects of a younger generation than what they are in */
	uint64_t traits[RG_TRAIT_COUNT]; /* objects */
	bool selected; /* a selected one is among them */
};

struct rg_accumulating {
	const struct rg_retained *retained;
	const struct rg_traits *traits;
	struct rg_signer *signer;
	const struct rg_bitset *selected; /* or NULL: all */
	struct rg_bitset seen; /* objects of the places that were looked at */
	/* scratch */
	uint64_t *bytes_of; /* by type; zero between levels */
	uint32_t *level, *next, *best; /* numbers */
	uint32_t n_level, n_next, n_best;
	size_t level_capacity, next_capacity, best_capacity;
};

/* RETAINED, TRAITS, SIGNER and SELECTED must outlive it. O(objects / 64 + types). */
enum rg_code rg_accumulating_init(struct rg_accumulating *work, const struct rg_retained *retained,
	const struct rg_traits *traits, struct rg_signer *signer, const struct rg_bitset *selected,
	struct rg_error *err);
void rg_accumulating_deinit(struct rg_accumulating *work);

/*
 * Down the dominator tree from HOLDER, always to those alike by type that most of the bytes are in;
 * where they become many at once, they are what accumulates (a registry of 50 workers that have a
 * history of 2,000 events each: the events). O(what the holder dominates).
 */
enum rg_code rg_accumulation_find(struct rg_accumulating *work, const struct rg_holder *holder,
	struct rg_accumulation *found_ret, struct rg_error *err);

#endif
