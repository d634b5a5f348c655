/* Causes: what a suspect looks like, by what accumulates and how it is held, and what to do. */
#ifndef RG_ANALYSIS_CAUSES_H
#define RG_ANALYSIS_CAUSES_H

#include "src/analysis/accumulation.h"

enum rg_cause {
	RG_CAUSE_CACHE,
	RG_CAUSE_COLLECTION,
	RG_CAUSE_LISTENER,
	RG_CAUSE_CLOSURE,
	RG_CAUSE_TRACEBACK,
	RG_CAUSE_FRAME,
	RG_CAUSE_GENERATOR,
	RG_CAUSE_TASK,
	RG_CAUSE_LRU,
	RG_CAUSE_LOCAL,
	RG_CAUSE_CLASS_ATTRIBUTE,
	RG_CAUSE_CHAIN,
	RG_CAUSE_BIG,
	RG_CAUSE_CLASSES,
	RG_CAUSE_CYCLE,
	RG_CAUSE_DISABLED,
	RG_CAUSE_FINALIZER,
	RG_CAUSE_UNCOLLECTABLE,
	RG_CAUSE_HIDDEN,
	RG_CAUSE_GARBAGE,
	RG_CAUSE_C,
	RG_CAUSE_COUNT
};

struct rg_cause_text {
	const char *name; /* for scripts */
	const char *what; /* "a cache without a bound" */
	const char *advice; /* what to do, as an imperative */
	double weight; /* how much it looks like a leak, beside others of as many bytes */
};
extern const struct rg_cause_text rg_causes[RG_CAUSE_COUNT];

/*
 * Of the accumulation FOUND, held by the COUNT steps of a chain (the example last). O(1): only the
 * last steps are looked at.
 */
enum rg_cause rg_cause_of(const struct rg_heap *heap, const struct rg_traits *traits,
	const struct rg_accumulation *found, const struct rg_path_step *steps, uint32_t count);

#endif
