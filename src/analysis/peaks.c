#include "src/analysis/peaks.h"

#include <stdlib.h>

#include "heapdump/base/array.h"
#include "src/analysis/traits.h"
#include "src/heap/fold.h"

/* Of each type, as the first of its name, how many objects there are. */
static uint64_t *count_types(const struct rg_heap *heap, const struct rg_traits *traits, bool raw)
{
	uint64_t *counts = rg_array_new(heap->n_types, sizeof(*counts));

	for (uint32_t id = 0; counts && id < heap->n_objects; id++)
		if (raw || !rg_heap_folded(heap, id))
			counts[traits->alike[heap->type[id]]]++;
	return counts;
}

/* The highest count of the types that have the name of HASH so far. */
static uint64_t *peak_of(struct rg_peaks *peaks, uint64_t hash)
{
	uint32_t number = rg_map_get(&peaks->numbers, hash);
	uint64_t *slot;

	if (number != RG_MAP_NONE)
		return &peaks->counts[number];
	slot = RG_PUSH(peaks->counts, peaks->n, peaks->capacity);
	if (!slot || !rg_map_set(&peaks->numbers, hash, (uint32_t)peaks->n - 1))
		return NULL;
	*slot = 0;
	return slot;
}

static int by_over(const void *a, const void *b)
{
	const struct rg_peak *x = a, *y = b;

	if (x->over != y->over)
		return x->over > y->over ? -1 : 1;
	return (x->type > y->type) - (x->type < y->type);
}

enum rg_code rg_peaks_add(
	struct rg_peaks *peaks, const struct rg_heap *heap, bool raw, struct rg_error *err)
{
	struct rg_traits traits;
	uint64_t *counts = NULL;
	enum rg_code code = rg_traits_init(&traits, heap, err);

	free(peaks->rows);
	peaks->n_rows = 0;
	peaks->rows = rg_array_new(heap->n_types, sizeof(*peaks->rows));
	if (!code)
		counts = count_types(heap, &traits, raw);
	if (!code && (!counts || !peaks->rows))
		code = rg_nomem(err);
	for (uint32_t i = 0; !code && i < heap->n_types; i++) {
		uint64_t *peak = counts[i] ? peak_of(peaks, traits.hash[i]) : NULL;

		if (counts[i] && !peak)
			code = rg_nomem(err);
		if (!peak || *peak >= counts[i])
			continue;
		peaks->rows[peaks->n_rows++] = (struct rg_peak){ i, counts[i], counts[i] - *peak };
		*peak = counts[i];
	}
	if (!code && peaks->n_rows)
		qsort(peaks->rows, peaks->n_rows, sizeof(*peaks->rows), by_over);
	free(counts);
	rg_traits_deinit(&traits);
	return code;
}

void rg_peaks_deinit(struct rg_peaks *peaks)
{
	rg_map_deinit(&peaks->numbers);
	free(peaks->counts);
	free(peaks->rows);
	*peaks = (struct rg_peaks){ 0 };
}
