#include "src/answer/garbage.h"

#include <stdlib.h>

#include "heapdump/base/array.h"
#include "src/answer/rows.h"

static const struct rg_field set_fields[] = {
	RG_FIELD(rg_answer_garbage_set, tracked, RG_COUNT, NULL,
		"objects in the collector's generations 0 to 2"),
	RG_FIELD(rg_answer_garbage_set, objects, RG_COUNT, NULL, "with the untracked ones"),
	RG_FIELD(rg_answer_garbage_set, size, RG_BYTES, NULL, "their bytes"),
	RG_FIELD(rg_answer_garbage_set, cycles, RG_COUNT, NULL, "reference cycles among them"),
	RG_FIELD_OF(rg_answer_garbage_set, types, RG_LIST, &rg_record_type, "most bytes first"),
};
static const struct rg_record set_record = RG_RECORD_OF(rg_answer_garbage_set, set_fields);

static const struct rg_field garbage_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_garbage),
	RG_FIELD_OF(rg_answer_garbage, collectable, RG_RECORD, &set_record,
		"what the next full collection frees; gc.collect() returns tracked, less what "
		"finalizers such as a generator's close free before it counts"),
	RG_FIELD_OF(rg_answer_garbage, may_resurrect, RG_RECORD, &set_record,
		"dead, but a __del__ that has not run can bring it back"),
	RG_FIELD_OF(rg_answer_garbage, hidden, RG_RECORD, &set_record,
		"held by itself alone, through references that the collector cannot see"),
	RG_FIELD_OF(rg_answer_garbage, uncollectable, RG_RECORD, &set_record,
		"dead, but a type's tp_del forbids to free it"),
	RG_FIELD_OF(rg_answer_garbage, unreached, RG_RECORD, &set_record,
		"reached by no named root: held from C"),
	RG_FIELD_OF(rg_answer_garbage, types, RG_LIST, &rg_record_type,
		"of the collectable and those that may be resurrected"),
	RG_FIELD_OF(rg_answer_garbage, heads, RG_LIST, &rg_record_object,
		"garbage that no other garbage refers to"),
};
static const struct rg_record garbage_record = RG_RECORD_OF(rg_answer_garbage, garbage_fields);
const struct rg_answer rg_answer_garbage = { "garbage", &garbage_record };

static uint64_t count_cycles(const struct rg_cycles *cycles, const struct rg_bitset *set)
{
	uint64_t count = 0;

	for (size_t g = 0; g < cycles->n_groups; g++)
		for (size_t i = 0; i < cycles->groups[g].n_components; i++) {
			uint32_t n;
			const uint32_t *members = rg_cycle_members(
				cycles, cycles->groups[g].components[i], &n);

			count += rg_bitset_get(set, members[0]);
		}
	return count;
}

static struct rg_answer_garbage_set *set_new(const struct rg_cycles *cycles,
	const struct rg_bitset *set, uint64_t limit, struct rg_arena *arena, struct rg_error *err)
{
	const struct rg_heap *heap = cycles->heap;
	struct rg_answer_garbage_set *to = rg_arena_new(arena, 1, sizeof(*to));
	struct rg_type_sums sums;

	if (!to || rg_type_sums_init(&sums, heap, set, true, err))
		return NULL;
	for (uint32_t id = 0; id < heap->n_objects; id++)
		to->tracked += rg_bitset_get(set, id) && rg_heap_generation(heap, id) <= RG_GEN_2;
	to->objects = sums.objects;
	to->size = sums.size;
	to->cycles = count_cycles(cycles, set);
	rg_rows_types(&to->types, heap, &sums, sums.size, limit, arena);
	rg_type_sums_deinit(&sums);
	return to;
}

/* Mark what a dead object refers to, other than itself. */
static void mark_referred(
	const struct rg_heap *heap, const struct rg_bitset *dead, struct rg_bitset *referred)
{
	for (uint32_t id = 0; id < heap->n_objects; id++)
		for (uint32_t edge = heap->offset[id];
			rg_bitset_get(dead, id) && edge < heap->offset[id + 1]; edge++)
			if (heap->target[edge] != id &&
				rg_kind_table[RG_EDGE_KIND(heap->edge[edge])].class !=
					RG_CLASS_WEAK)
				rg_bitset_set(referred, heap->target[edge]);
}

/* The dead that no other dead object refers to: a member of each source component would do too. */
static enum rg_code fill_heads(struct rg_answer_garbage *answer, const struct rg_cycles *cycles,
	uint64_t limit, struct rg_arena *arena, struct rg_error *err)
{
	const struct rg_heap *heap = cycles->heap;
	const struct rg_bitset *dead = &cycles->garbage.dead;
	uint32_t *ids = rg_array_new(heap->n_objects, sizeof(*ids)), n = 0;
	struct rg_bitset referred = { 0 };
	enum rg_code code = ids ? rg_bitset_init(&referred, heap->n_objects, err) : rg_nomem(err);

	if (!code) {
		mark_referred(heap, dead, &referred);
		for (uint32_t id = 0; id < heap->n_objects; id++)
			if (rg_bitset_get(dead, id) && !rg_bitset_get(&referred, id))
				ids[n++] = id;
		rg_rows_objects(&answer->heads, heap, ids, n, limit, false, arena);
	}
	rg_bitset_deinit(&referred);
	free(ids);
	return code;
}

static enum rg_code fill_types(struct rg_answer_garbage *answer, const struct rg_cycles *cycles,
	uint64_t limit, struct rg_arena *arena, struct rg_error *err)
{
	struct rg_type_sums sums;
	enum rg_code code = rg_type_sums_init(
		&sums, cycles->heap, &cycles->garbage.dead, true, err);

	if (code)
		return code;
	rg_rows_types(&answer->types, cycles->heap, &sums, sums.size, limit, arena);
	rg_type_sums_deinit(&sums);
	return RG_OK;
}

enum rg_code rg_answer_garbage_init(struct rg_answer_garbage *answer,
	const struct rg_cycles *cycles, const struct rg_answer_origin *origin, uint64_t limit,
	struct rg_arena *arena, struct rg_error *err)
{
	const struct rg_garbage *garbage = &cycles->garbage;
	enum rg_code code;

	rg_answer_envelope_init(&answer->envelope, cycles->heap, origin, arena);
	answer->collectable = set_new(cycles, &garbage->collectable, limit, arena, err);
	answer->may_resurrect = set_new(cycles, &garbage->may_resurrect, limit, arena, err);
	answer->hidden = set_new(cycles, &garbage->hidden, limit, arena, err);
	answer->uncollectable = set_new(cycles, &garbage->uncollectable, limit, arena, err);
	answer->unreached = set_new(cycles, &garbage->unreached, limit, arena, err);
	if (!answer->collectable || !answer->may_resurrect || !answer->hidden ||
		!answer->uncollectable || !answer->unreached)
		return rg_nomem(err);
	code = fill_types(answer, cycles, limit, arena, err);
	if (!code)
		code = fill_heads(answer, cycles, limit, arena, err);
	return !code && arena->failed ? rg_nomem(err) : code;
}
