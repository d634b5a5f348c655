#include "src/heap/heap.h"

#include <stdlib.h>
#include <string.h>

#include "src/heap/fold.h"
#include "src/heap/load.h"
#include "src/heap/normalise.h"

enum rg_code rg_heap_init(struct rg_heap *heap, const char *path, struct rg_error *err)
{
	struct rg_bytes bytes;
	enum rg_code code;

	memset(heap, 0, sizeof(*heap));
	code = rg_bytes_init(&bytes, path, err);
	return code ? code : rg_heap_init_bytes(heap, &bytes, path, err);
}

enum rg_code rg_heap_init_bytes(
	struct rg_heap *heap, struct rg_bytes *bytes, const char *name, struct rg_error *err)
{
	enum rg_code code;

	memset(heap, 0, sizeof(*heap));
	heap->bytes = *bytes;
	memset(bytes, 0, sizeof(*bytes));
	code = rg_load(heap, name, err);
	if (!code)
		code = rg_normalise(heap, err);
	if (!code)
		code = rg_fold(heap, err);
	if (code)
		rg_heap_deinit(heap);
	else
		/* only values are looked at from here on */
		rg_bytes_rest(&heap->bytes);
	return code;
}

void rg_heap_deinit(struct rg_heap *heap)
{
	free(heap->address);
	free(heap->size);
	free(heap->type);
	free(heap->refcount);
	free(heap->items);
	free(heap->extra);
	free(heap->flags);
	free(heap->owner);
	free(heap->helper);
	rg_bitset_deinit(&heap->folded);
	rg_map_deinit(&heap->modules);
	rg_addressmap_deinit(&heap->map);
	free(heap->offset);
	free(heap->target);
	free(heap->label);
	free(heap->edge);
	free(heap->strings);
	rg_map_deinit(&heap->string_numbers);
	free(heap->types);
	free(heap->values);
	free(heap->value_at);
	free(heap->roots);
	free(heap->threads);
	free(heap->frames);
	free(heap->site);
	free(heap->sites);
	free(heap->facts);
	rg_bytes_deinit(&heap->bytes);
	memset(heap, 0, sizeof(*heap));
}

bool rg_heap_check(const struct rg_heap *heap)
{
	for (uint32_t id = 0; id < heap->n_objects; id++) {
		if (id > 0 && heap->address[id - 1] >= heap->address[id])
			return false;
		if (heap->type[id] >= heap->n_types || heap->owner[id] >= heap->n_objects ||
			heap->owner[heap->owner[id]] != heap->owner[id] ||
			rg_bitset_get(&heap->folded, id) != (heap->owner[id] != id) ||
			heap->offset[id] > heap->offset[id + 1])
			return false;
	}
	for (uint32_t edge = 0; edge < heap->n_references; edge++)
		if (heap->target[edge] >= heap->n_objects ||
			RG_EDGE_KIND(heap->edge[edge]) >= RG_KIND_COUNT)
			return false;
	return heap->offset[heap->n_objects] == heap->n_references;
}

struct rg_text rg_heap_string(const struct rg_heap *heap, uint32_t number)
{
	return number < heap->n_strings ? heap->strings[number] : (struct rg_text){ "", 0 };
}

const struct rg_heap_value *rg_heap_value(
	const struct rg_heap *heap, uint32_t id, enum rg_value_kind kind)
{
	uint32_t low = heap->value_at[id / RG_VALUE_BLOCK];
	uint32_t end = heap->value_at[id / RG_VALUE_BLOCK + 1], high = end;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct rg_heap_value *value = &heap->values[middle];

		if (value->object < id || (value->object == id && value->kind < kind))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == end || heap->values[low].object != id || heap->values[low].kind != kind)
		return NULL;
	return &heap->values[low];
}

static const struct rg_heap_fact *find_fact(const struct rg_heap *heap, const char *key)
{
	size_t length = strlen(key);

	/* of two the last counts */
	for (size_t i = heap->n_facts; i-- > 0;)
		if (heap->facts[i].key.length == length &&
			memcmp(heap->facts[i].key.bytes, key, length) == 0)
			return &heap->facts[i];
	return NULL;
}

struct rg_text rg_heap_fact_text(const struct rg_heap *heap, const char *key)
{
	const struct rg_heap_fact *fact = find_fact(heap, key);

	return fact && fact->text.bytes ? fact->text : (struct rg_text){ "", 0 };
}

int64_t rg_heap_fact_number(const struct rg_heap *heap, const char *key, int64_t missing)
{
	const struct rg_heap_fact *fact = find_fact(heap, key);

	return fact && !fact->text.bytes ? fact->number : missing;
}
