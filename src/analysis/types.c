#include "src/analysis/types.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "src/heap/fold.h"

static int most_bytes(const void *a, const void *b)
{
	const struct rg_type_sum *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return (x->type > y->type) - (x->type < y->type);
}

static bool start(struct rg_type_sums *sums, const struct rg_heap *heap)
{
	memset(sums, 0, sizeof(*sums));
	sums->rows = rg_array_new(heap->n_types, sizeof(*sums->rows));
	for (size_t i = 0; sums->rows && i < heap->n_types; i++)
		sums->rows[i].type = (uint32_t)i;
	return sums->rows != NULL;
}

static void add(struct rg_type_sums *sums, const struct rg_heap *heap, uint32_t id, bool raw)
{
	struct rg_type_sum *row = &sums->rows[heap->type[id]];
	uint64_t size = rg_heap_footprint(heap, id, raw);

	row->count++;
	row->size += size;
	sums->objects++;
	sums->size += size;
}

static void finish(struct rg_type_sums *sums, const struct rg_heap *heap)
{
	for (size_t i = 0; i < heap->n_types; i++)
		if (sums->rows[i].count)
			sums->rows[sums->count++] = sums->rows[i];
	if (sums->count)
		qsort(sums->rows, sums->count, sizeof(*sums->rows), most_bytes);
}

enum rg_code rg_type_sums_init(struct rg_type_sums *sums, const struct rg_heap *heap,
	const struct rg_bitset *within, bool raw, struct rg_error *err)
{
	if (!start(sums, heap))
		return rg_nomem(err);
	for (uint32_t id = 0; id < heap->n_objects; id++)
		if ((raw || !rg_heap_folded(heap, id)) && (!within || rg_bitset_get(within, id)))
			add(sums, heap, id, raw);
	finish(sums, heap);
	return RG_OK;
}

enum rg_code rg_type_sums_of(struct rg_type_sums *sums, const struct rg_heap *heap,
	const uint32_t *ids, size_t n, bool raw, struct rg_error *err)
{
	if (!start(sums, heap))
		return rg_nomem(err);
	for (size_t i = 0; i < n; i++)
		add(sums, heap, ids[i], raw);
	finish(sums, heap);
	return RG_OK;
}

void rg_type_sums_deinit(struct rg_type_sums *sums)
{
	free(sums->rows);
	memset(sums, 0, sizeof(*sums));
}
