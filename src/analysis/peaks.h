/*
 * How many objects of each type there ever were in a row of snapshots: the highest count, so that
 * growth is what is above all that was seen before, as in objgraph's growth(): what was dropped and
 * comes back below its peak is none.
 */
#ifndef RG_ANALYSIS_PEAKS_H
#define RG_ANALYSIS_PEAKS_H

#include "heapdump/base/map.h"
#include "src/heap/heap.h"

/* Of the last snapshot a type of which there are more than in any before. */
struct rg_peak {
	uint32_t type; /* row of the last heap */
	uint64_t count, over; /* how many there are; by how many more than ever before */
};

struct rg_peaks {
	struct rg_map numbers; /* hash of a type's name -> row of counts */
	uint64_t *counts; /* the highest so far */
	size_t n, capacity;
	struct rg_peak *rows; /* of the last one added; most above first */
	size_t n_rows;
};

/*
 * Count HEAP, folded unless RAW: `rows` is then what is above the peaks so far, and these are
 * raised. A zeroed struct has seen none. O(objects + types log types).
 */
enum rg_code rg_peaks_add(
	struct rg_peaks *peaks, const struct rg_heap *heap, bool raw, struct rg_error *err);
void rg_peaks_deinit(struct rg_peaks *peaks);

#endif
