#include "src/heap/fold.h"

#include <stdlib.h>

#include "heapdump/base/array.h"

static bool is_dict_kind(enum rg_kind kind)
{
	return kind == RG_KIND_DICT || kind == RG_KIND_CLASSDICT || kind == RG_KIND_MODDICT;
}

/* The modules of sys.modules by their dicts, but for those that are folded. */
static bool note_modules(struct rg_heap *heap)
{
	for (size_t i = 0; i < heap->n_roots; i++) {
		uint32_t module = heap->roots[i].object;

		for (uint32_t e = heap->offset[module];
			heap->roots[i].kind == RG_ROOT_MODULE && e < heap->offset[module + 1]; e++)
			if (RG_EDGE_KIND(heap->edge[e]) == RG_KIND_MODDICT &&
				heap->owner[heap->target[e]] == heap->target[e] &&
				!rg_map_set(&heap->modules, (uint64_t)heap->target[e] + 1, module))
				return false;
	}
	return true;
}

enum rg_code rg_fold(struct rg_heap *heap, struct rg_error *err)
{
	uint32_t n = heap->n_objects;

	heap->owner = rg_array_new(n, sizeof(*heap->owner));
	heap->helper = rg_array_new(n, sizeof(*heap->helper));
	if (!heap->owner || !heap->helper || rg_bitset_init(&heap->folded, n, err))
		return rg_nomem(err);
	for (uint32_t id = 0; id < n; id++) {
		heap->owner[id] = id;
		heap->helper[id] = RG_NO_ID;
	}
	/* one owner at most can refer to an object with one reference */
	for (uint32_t id = 0; id < n; id++)
		for (uint32_t edge = heap->offset[id]; edge < heap->offset[id + 1]; edge++) {
			uint32_t target = heap->target[edge];

			if (is_dict_kind(RG_EDGE_KIND(heap->edge[edge])) && target != id &&
				heap->refcount[target] == 1 &&
				heap->types[heap->type[target]].flags & RG_TYPE_DICT &&
				heap->owner[target] == target && heap->owner[id] == id)
				heap->owner[target] = id;
		}
	/* a hostile file may chain owners: one level is kept */
	for (uint32_t id = 0; id < n; id++)
		if (heap->owner[heap->owner[id]] != heap->owner[id])
			heap->owner[id] = id;
	for (uint32_t id = n; id-- > 0;)
		if (heap->owner[id] != id) {
			heap->helper[heap->owner[id]] = id;
			rg_bitset_set(&heap->folded, id);
		}
	return note_modules(heap) ? RG_OK : rg_nomem(err);
}

uint32_t rg_heap_stand_in(const struct rg_heap *heap, uint32_t id)
{
	uint32_t module = rg_map_get(&heap->modules, (uint64_t)id + 1);

	return module == RG_MAP_NONE ? id : module;
}

uint32_t rg_heap_namespace(const struct rg_heap *heap, uint32_t module)
{
	for (uint32_t edge = heap->offset[module]; edge < heap->offset[module + 1]; edge++)
		if (RG_EDGE_KIND(heap->edge[edge]) == RG_KIND_MODDICT &&
			rg_heap_stand_in(heap, heap->target[edge]) == module)
			return heap->target[edge] == module ? RG_NO_ID : heap->target[edge];
	return RG_NO_ID;
}

uint64_t rg_heap_footprint(const struct rg_heap *heap, uint32_t id, bool raw)
{
	uint32_t helper;
	uint64_t size = heap->size[id];

	if (raw)
		return size;
	helper = rg_heap_helper(heap, id);
	if (helper != RG_NO_ID)
		size += heap->size[helper] + heap->extra[helper];
	return size + heap->extra[id];
}
