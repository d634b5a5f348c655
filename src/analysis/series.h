/*
 * How many objects of which type there were, capture by capture. Memory is bounded however long it
 * goes on: of RG_SERIES_MOST samples every second one is dropped, and from then on half as many
 * are kept; the first and the newest always are there. Of a type whose count never changes only
 * that is kept. Types are told by their names: two that share one are counted together.
 */
#ifndef RG_ANALYSIS_SERIES_H
#define RG_ANALYSIS_SERIES_H

#include "heapdump/base/names.h"
#include "src/analysis/types.h"

#define RG_SERIES_MOST 400 /* samples */
#define RG_SERIES_TYPES 20000 /* further ones are not counted each, as they differ all the time */

struct rg_series_sample {
	double time; /* seconds since the first */
	uint64_t rss, objects, size; /* of the process; of what is counted */
};

struct rg_series_type {
	const char *name, *module;
	uint64_t *counts; /* one a sample; NULL where all are `first` */
	uint64_t first, last, size_first, size_last; /* in the first and the newest sample */
};

/* A zeroed series is empty and valid. */
struct rg_series {
	struct rg_series_sample samples[RG_SERIES_MOST];
	size_t n; /* samples that are kept */
	uint64_t taken, stride; /* how many were; every STRIDE-th is kept, 0 for each */
	struct rg_names names; /* of the types, by number */
	struct rg_series_type *types;
	size_t n_types, types_capacity;
};

/*
 * Add a capture: SUMS are of HEAP, SAMPLE's objects and size are set from them. O(types). After a
 * failure, for want of memory, the series is good for nothing but rg_series_deinit.
 */
enum rg_code rg_series_add(struct rg_series *series, const struct rg_heap *heap,
	const struct rg_type_sums *sums, struct rg_series_sample sample, struct rg_error *err);
void rg_series_deinit(struct rg_series *series);

/* How many of TYPE there were in sample I. */
static inline uint64_t rg_series_count(const struct rg_series_type *type, size_t i)
{
	return type->counts ? type->counts[i] : type->first;
}

#endif
