/* The answer of `cycles`. */
#ifndef RG_ANSWER_CYCLES_H
#define RG_ANSWER_CYCLES_H

#include "src/analysis/cycles.h"
#include "src/answer/common.h"

struct rg_answer_pattern {
	const char *from_type, *kind, *label, *to_type;
};

struct rg_answer_shape {
	const char *shape;
	uint64_t alike, objects, references, size;
};

struct rg_answer_break {
	const char *kind, *label, *from_type, *to_type, *expression, *advice;
	uint64_t count, leaves;
	double up;
	struct rg_answer_reference *example;
};

struct rg_answer_cycle {
	const char *signature;
	struct rg_list pattern, shapes, types, generations, breaks, members;
	uint64_t alike, objects_min, objects_max, objects_all, size_all, finalizers;
	bool garbage, hidden;
	struct rg_answer_chain *held_by;
	/* for the table alone */
	uint64_t rank;
	const char *gist, *state, *each, *holder;
	uint32_t entry;
};

struct rg_answer_cycle_totals {
	struct rg_answer_totals heap;
	uint64_t cycles, cyclic_objects, cyclic_size, largest;
};

struct rg_answer_cycles {
	struct rg_answer_source *source;
	struct rg_answer_policy *policy;
	struct rg_answer_cycle_totals *totals;
	struct rg_list cycles;
};

extern const struct rg_record rg_record_cycle, rg_record_break;
extern const struct rg_answer rg_answer_cycles;

/* One group of CYCLES as a row, which may outlive them; NULL where that fails. */
struct rg_answer_cycle *rg_answer_cycle_new(
	const struct rg_cycles *cycles, size_t group, struct rg_arena *arena, struct rg_error *err);

/* Make the answer: at most LIMIT groups. */
enum rg_code rg_answer_cycles_init(struct rg_answer_cycles *answer, const struct rg_cycles *cycles,
	const struct rg_answer_origin *origin, uint64_t limit, struct rg_arena *arena,
	struct rg_error *err);

#endif
