/* The answers of `info`, `types` and `generations`. */
#ifndef RG_ANSWER_SUMMARY_H
#define RG_ANSWER_SUMMARY_H

#include "src/analysis/cycles.h"
#include "src/analysis/types.h"
#include "src/answer/common.h"

struct rg_answer_gc {
	bool enabled;
	struct rg_list thresholds, counts, stats;
};

struct rg_answer_gc_stat {
	uint64_t collections, collected, uncollectable;
};

struct rg_answer_runtime {
	const char *version, *argv;
	uint64_t pid, inner_pid, rss;
	struct rg_answer_gc *gc;
};

struct rg_answer_root_count {
	const char *kind;
	uint64_t count;
};

struct rg_answer_file {
	uint64_t size;
	double bytes_per_object;
};

struct rg_answer_info {
	struct rg_answer_envelope envelope;
	struct rg_answer_runtime *runtime;
	struct rg_list generations, roots;
	struct rg_answer_file *file;
};

struct rg_answer_types {
	struct rg_answer_envelope envelope;
	struct rg_list types;
	const char *heaviest; /* its type that a class statement made, or NULL */
};

struct rg_answer_generation_row {
	const char *generation;
	uint64_t objects, size, cycles, threshold, count;
	struct rg_list types;
};

struct rg_answer_generations {
	struct rg_answer_envelope envelope;
	struct rg_list generations;
};

extern const struct rg_record rg_record_generation_row, rg_record_root_count;
extern const struct rg_answer rg_answer_info, rg_answer_types, rg_answer_generations;

enum rg_code rg_answer_info_init(struct rg_answer_info *answer, const struct rg_heap *heap,
	const struct rg_answer_origin *origin, struct rg_arena *arena, struct rg_error *err);

enum rg_code rg_answer_types_init(struct rg_answer_types *answer, const struct rg_heap *heap,
	const struct rg_answer_origin *origin, const struct rg_bitset *selected, uint64_t limit,
	struct rg_arena *arena, struct rg_error *err);

/* The same by other groupings, a mask of 1 << enum rg_grouping. */
enum rg_code rg_answer_types_by(struct rg_answer_types *answer, const struct rg_heap *heap,
	unsigned by, const struct rg_answer_origin *origin, const struct rg_bitset *selected,
	uint64_t limit, struct rg_arena *arena, struct rg_error *err);

/* A cycle counts in the oldest generation it has a member in. */
enum rg_code rg_answer_generations_init(struct rg_answer_generations *answer,
	const struct rg_cycles *cycles, const struct rg_answer_origin *origin, uint64_t limit,
	struct rg_arena *arena, struct rg_error *err);

#endif
