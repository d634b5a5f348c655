#include "src/analysis/series.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "src/heap/label.h"

/* Keep every second sample. */
static void thin(struct rg_series *series)
{
	size_t n = (series->n + 1) / 2;

	for (size_t i = 0; i < n; i++)
		series->samples[i] = series->samples[2 * i];
	for (size_t t = 0; t < series->n_types; t++)
		for (size_t i = 0; series->types[t].counts && i < n; i++)
			series->types[t].counts[i] = series->types[t].counts[2 * i];
	series->n = n;
	series->stride *= 2;
}

/* The place of the next sample: that of the newest, if it is not to be kept. */
static size_t place(struct rg_series *series)
{
	if (series->taken == 0)
		series->stride = 1;
	if (series->taken > 0 && (series->taken - 1) % series->stride != 0)
		return series->n - 1;
	if (series->n == RG_SERIES_MOST)
		thin(series);
	return series->n++;
}

/* The row of a type of HEAP, made where there is none yet; NULL where none is. */
static struct rg_series_type *row_of(
	struct rg_series *series, const struct rg_heap *heap, uint32_t type, struct rg_arena *arena)
{
	const char *name = rg_label_type(heap, type, arena);
	struct rg_text module = heap->types[type].module;
	uint32_t number = rg_names_find(&series->names, name, strlen(name));
	struct rg_series_type *row;

	if (number != RG_MAP_NONE)
		return &series->types[number];
	if (arena->failed || series->n_types == RG_SERIES_TYPES)
		return NULL;
	number = rg_names_add(&series->names, name, strlen(name));
	row = number == RG_MAP_NONE
		      ? NULL
		      : RG_PUSH(series->types, series->n_types, series->types_capacity);
	if (!row) {
		arena->failed = true;
		return NULL;
	}
	*row = (struct rg_series_type){ .name = series->names.items[number].bytes,
		.module = rg_arena_text(&series->names.arena, module.bytes, module.length) };
	return row;
}

/* Keep the newest count of TYPE as sample AT. */
static bool keep(struct rg_series_type *type, size_t at)
{
	if (at == 0) {
		type->first = type->last;
		type->size_first = type->size_last;
	}
	if (!type->counts && type->last == type->first)
		return true;
	if (!type->counts) {
		type->counts = rg_array_new(RG_SERIES_MOST, sizeof(*type->counts));
		for (size_t i = 0; type->counts && i < at; i++)
			type->counts[i] = type->first;
	}
	if (type->counts)
		type->counts[at] = type->last;
	return type->counts != NULL;
}

enum rg_code rg_series_add(struct rg_series *series, const struct rg_heap *heap,
	const struct rg_type_sums *sums, struct rg_series_sample sample, struct rg_error *err)
{
	size_t at = place(series);
	struct rg_arena arena = { 0 };
	bool kept = true;

	sample.objects = sums->objects;
	sample.size = sums->size;
	series->samples[at] = sample;
	series->taken++;
	for (size_t i = 0; i < series->n_types; i++)
		series->types[i].last = series->types[i].size_last = 0;
	for (size_t i = 0; !arena.failed && i < sums->count; i++) {
		const struct rg_type_sum *sum = &sums->rows[i];
		struct rg_series_type *row = row_of(series, heap, sum->type, &arena);

		if (!row)
			continue;
		row->last += sum->count;
		row->size_last += sum->size;
	}
	for (size_t i = 0; kept && i < series->n_types; i++)
		kept = keep(&series->types[i], at);
	arena.failed |= !kept || series->names.arena.failed;
	return rg_arena_end(&arena, RG_OK, err);
}

void rg_series_deinit(struct rg_series *series)
{
	for (size_t i = 0; i < series->n_types; i++)
		free(series->types[i].counts);
	free(series->types);
	rg_names_deinit(&series->names);
	memset(series, 0, sizeof(*series));
}
