/* The answer of `diff`. */
#ifndef RG_ANSWER_DIFF_H
#define RG_ANSWER_DIFF_H

#include "src/analysis/growth.h"
#include "src/analysis/newcycles.h"
#include "src/analysis/peaks.h"
#include "src/answer/common.h"

#define RG_DIFF_MOST 3 /* snapshots that are in memory at once: the first, the second, the last */

struct rg_answer_matching {
	uint64_t certain, likely, made, freed; /* RG_NOTHING where the processes differ */
};

struct rg_answer_grown_type {
	const char *type, *module;
	uint64_t before, after, made, freed, size_before, size_after;
	int64_t delta, size_delta;
};

struct rg_answer_grown_path {
	const char *signature, *path, *type;
	uint64_t before, after;
	int64_t delta, size_delta;
	double steady;
	struct rg_answer_chain *chain;
};

/* A pattern of cycles of which there are more. */
struct rg_answer_new_cycle {
	const char *signature, *gist, *held_by;
	uint64_t before, after;
	int64_t delta, size_delta;
	bool garbage;
	struct rg_list breaks;
};

struct rg_answer_peak {
	const char *type, *module;
	uint64_t count, over;
};

struct rg_answer_diff {
	struct rg_answer_envelope envelope; /* of the last snapshot */
	struct rg_list sources; /* of all of them */
	struct rg_answer_matching *matching;
	int64_t delta, size_delta; /* of the whole heap */
	struct rg_list types, growth;
	struct rg_list cycles; /* patterns of which there are more */
	struct rg_list peaks; /* of several snapshots: types that are above all counts before */
	struct rg_list
		survivors; /* of three snapshots: in the second and third, not in the first */
	bool has_survivors;
};

extern const struct rg_answer rg_answer_diff;
extern const struct rg_record rg_record_grown_type, rg_record_grown_path, rg_record_new_cycle,
	rg_record_peak;

/* The row of a pattern, while the later heap's CYCLES are in memory; false where that fails. */
bool rg_answer_new_cycle_fill(struct rg_answer_new_cycle *row, const struct rg_new_cycle *cycle,
	const struct rg_cycles *cycles, struct rg_arena *arena, struct rg_error *err);

/* What is compared: snapshots, the earliest first, and what was found of the first and the last. */
struct rg_diff {
	const struct rg_answer_source *sources; /* of all the snapshots */
	uint64_t n_sources;
	const struct rg_heap *heaps[RG_DIFF_MOST];
	const struct rg_answer_origin *origins[RG_DIFF_MOST];
	int n;
	const struct rg_matching *matching;
	const struct rg_growth *growth;
	const struct rg_type_sums *survivors; /* or NULL */
	struct rg_list cycles; /* of rg_answer_new_cycle */
	const struct rg_peaks *peaks; /* or NULL */
	bool all; /* growth that is not remarkable too */
	bool raw;
};

enum rg_code rg_answer_diff_init(struct rg_answer_diff *answer, const struct rg_diff *diff,
	uint64_t limit, struct rg_arena *arena, struct rg_error *err);

#endif
