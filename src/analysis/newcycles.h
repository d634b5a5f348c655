/* Cycles of an earlier and of a later heap, by pattern: those of which there are more. */
#ifndef RG_ANALYSIS_NEWCYCLES_H
#define RG_ANALYSIS_NEWCYCLES_H

#include "heapdump/base/map.h"
#include "src/analysis/cycles.h"

struct rg_new_cycle {
	size_t group; /* of the later heap's cycles */
	uint64_t before, after, size_before, size_after; /* cycles, and their bytes */
};

struct rg_cycle_sum {
	uint64_t cycles, size;
};

struct rg_new_cycles {
	struct rg_new_cycle *rows; /* those of which there are more; most more bytes first */
	size_t count;
	struct rg_map numbers; /* signature -> row of sums */
	struct rg_cycle_sum *sums; /* of the earlier heap */
	size_t n_sums, capacity;
};

/*
 * The cycles of the heap AFTER in *CYCLES_RET, and those of which it has more than BEFORE, where
 * OPTIONS' selection does not count. A pattern counts as one whether it is garbage or not. Both are
 * searched at once: as long as one of them takes, and the memory of both. Zeroed when it fails.
 */
enum rg_code rg_new_cycles_init(struct rg_new_cycles *found, const struct rg_heap *before,
	const struct rg_heap *after, const struct rg_cycles_options *options,
	struct rg_cycles *cycles_ret, struct rg_error *err);
void rg_new_cycles_deinit(struct rg_new_cycles *found);

#endif
