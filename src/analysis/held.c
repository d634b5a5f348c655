#include "src/analysis/held.h"

#include <stdlib.h>

#include "heapdump/base/array.h"
#include "heapdump/base/pages.h"
#include "src/heap/fold.h"
#include "src/heap/policy.h"

/* The references of ID that keep something alive, counted at their targets. */
static void count_found(const struct rg_heap *heap, uint32_t id, uint32_t *found)
{
	for (uint32_t edge = heap->offset[id]; edge < heap->offset[id + 1]; edge++)
		if (rg_policy_follows(RG_EDGES_ALL, heap->edge[edge]))
			found[heap->target[edge]]++;
}

enum rg_code rg_held_find(const struct rg_heap *heap, const struct rg_bitset *reached, bool raw,
	struct rg_bitset *held_ret, struct rg_error *err)
{
	uint32_t *found = rg_pages_new(heap->n_objects, sizeof(*found));
	enum rg_code code = found ? rg_bitset_init(held_ret, heap->n_objects, err) : rg_nomem(err);

	for (uint32_t id = 0; !code && id < heap->n_objects; id++)
		if (!rg_bitset_get(reached, rg_heap_place(heap, id, raw)))
			count_found(heap, id, found);
	for (uint32_t id = 0; !code && id < heap->n_objects; id++)
		if (!rg_bitset_get(reached, rg_heap_place(heap, id, raw)) &&
			heap->refcount[id] > found[id])
			rg_bitset_set(held_ret, rg_heap_place(heap, id, raw));
	free(found);
	return code;
}

/* What hangs on held objects, taken one after the other. */
struct hanging {
	const struct rg_heap *heap;
	struct rg_bitset taken; /* objects, no helper standing for its owner */
	uint32_t *stack;
	size_t n, capacity;
};

static bool take(struct hanging *hanging, uint32_t id)
{
	uint32_t *slot;

	if (!rg_bitset_add(&hanging->taken, id))
		return true;
	slot = RG_PUSH(hanging->stack, hanging->n, hanging->capacity);
	if (slot)
		*slot = id;
	return slot != NULL;
}

/* Bytes of ID and of what hangs on it and was not taken yet; false when out of memory. */
static bool sum_hanging(struct hanging *hanging, uint32_t id, uint64_t *bytes)
{
	const struct rg_heap *heap = hanging->heap;
	bool good = take(hanging, id);

	while (good && hanging->n) {
		uint32_t at = hanging->stack[--hanging->n];

		*bytes += heap->size[at] + heap->extra[at];
		for (uint32_t e = heap->offset[at]; good && e < heap->offset[at + 1]; e++)
			if (rg_policy_follows(RG_EDGES_ALL, heap->edge[e]))
				good = take(hanging, heap->target[e]);
	}
	return good;
}

enum rg_code rg_held_by_type(const struct rg_heap *heap, const struct rg_bitset *reached, bool raw,
	struct rg_held_type *types, struct rg_error *err)
{
	struct hanging hanging = { .heap = heap };
	struct rg_bitset held = { 0 };
	enum rg_code code = rg_held_find(heap, reached, raw, &held, err);

	if (!code)
		code = rg_bitset_init(&hanging.taken, heap->n_objects, err);
	for (uint32_t id = 0; !code && id < heap->n_objects; id++)
		if (rg_bitset_get(reached, rg_heap_place(heap, id, raw)))
			rg_bitset_set(&hanging.taken, id);
	for (uint32_t id = 0; !code && id < heap->n_objects; id++) {
		struct rg_held_type *type = &types[heap->type[id]];

		if (!rg_bitset_get(&held, id) || heap->flags[id] & RG_OBJECT_IMMORTAL)
			continue;
		type->objects++;
		type->example = id;
		if (!sum_hanging(&hanging, id, &type->bytes))
			code = rg_nomem(err);
	}
	free(hanging.stack);
	rg_bitset_deinit(&hanging.taken);
	rg_bitset_deinit(&held);
	return code;
}
