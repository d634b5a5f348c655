/* The answer of `garbage`. */
#ifndef RG_ANSWER_GARBAGE_H
#define RG_ANSWER_GARBAGE_H

#include "src/analysis/cycles.h"
#include "src/answer/common.h"

struct rg_answer_garbage_set {
	uint64_t tracked, objects, size, cycles;
	struct rg_list types;
};

struct rg_answer_garbage {
	struct rg_answer_envelope envelope;
	struct rg_answer_garbage_set *collectable, *may_resurrect, *hidden, *uncollectable,
		*unreached;
	struct rg_list types, heads;
};

extern const struct rg_answer rg_answer_garbage;

enum rg_code rg_answer_garbage_init(struct rg_answer_garbage *answer,
	const struct rg_cycles *cycles, const struct rg_answer_origin *origin, uint64_t limit,
	struct rg_arena *arena, struct rg_error *err);

#endif
