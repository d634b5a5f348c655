/* The answer of `why`. */
#ifndef RG_ANSWER_WHY_H
#define RG_ANSWER_WHY_H

#include "src/analysis/paths.h"
#include "src/answer/common.h"
#include "src/graph/bitset.h"

struct rg_answer_why {
	struct rg_answer_envelope envelope;
	uint64_t selected, unreached; /* objects; those that no root reaches */
	struct rg_list chains;
	struct rg_answer_graph *graph; /* where it was asked for */
	uint32_t first; /* the object of the first chain, or RG_NO_ID */
};

extern const struct rg_answer rg_answer_why;

/* One chain for each selected object, those nearest a root first; at most LIMIT. */
enum rg_code rg_answer_why_init(struct rg_answer_why *answer, const struct rg_heap *heap,
	const struct rg_paths *paths, const struct rg_bitset *selected,
	const struct rg_answer_origin *origin, uint64_t limit, struct rg_arena *arena,
	struct rg_error *err);

#endif
