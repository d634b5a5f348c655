#include "src/analysis/suspects_parts.h"

#include <stdlib.h>

#include "heapdump/base/array.h"

#define HUNDREDTH 100 /* of what is no code: what a suspect weighs at least */
#define LEAST 8192 /* bytes, and never less */
#define YOUNG 4 /* an old container that has young things */
#define CLASSES 64 /* of one name */
#define CLIMB 64 /* steps up the dominators, from what grew to what holds it */

/* True where the number FROM is in what HOLDER dominates, a few steps up at most. */
static bool is_below(const struct rg_retained *retained, uint32_t from, uint32_t holder)
{
	for (int i = 0; i < CLIMB && from; i++) {
		if (from == holder)
			return true;
		from = retained->dominators.dominator[from];
	}
	return false;
}

/* The growth that is in what HOLDER retains, heaviest first, or NULL. */
static struct rg_suspect *growth_below(struct rg_suspects *suspects,
	const struct rg_retained *retained, const struct rg_holder *holder, uint64_t signature)
{
	struct rg_suspect *found = NULL;

	for (size_t i = 0; i < suspects->count; i++) {
		struct rg_suspect *row = &suspects->rows[i];

		if (row->kind == RG_SUSPECT_GROWTH && (!found || row->weight > found->weight) &&
			(row->signature.whole == signature ||
				is_below(retained, rg_retained_number(retained, row->example),
					holder->number)))
			found = row;
	}
	return found;
}

static enum rg_suspect_kind kind_of(const struct rg_suspects *suspects,
	const struct rg_paths *paths, enum rg_cause cause, const struct rg_path_step *steps,
	uint32_t count)
{
	if (!count || suspects->heap->roots[paths->root_of[steps[0].object]].kind == RG_ROOT_HELD)
		return RG_SUSPECT_HELD_FROM_C;
	return cause == RG_CAUSE_CLASSES ? RG_SUSPECT_CLASSES : RG_SUSPECT_RETAINER;
}

static double weigh(const struct rg_suspects *suspects, const struct rg_retained *retained,
	const struct rg_accumulation *found, const struct rg_suspect *row)
{
	bool own = found->own && 2 * found->own >= found->count;
	double looks = rg_suspects_plainness(suspects, row, own, &retained->paths);
	double weight = (double)row->bytes * rg_causes[row->cause].weight * looks;
	bool grows = found->young && found->young < found->objects;

	/* what says nothing by itself says no more by being new */
	return grows && looks > RG_SUSPECT_PYTHONS ? YOUNG * weight : weight;
}

/* The row of types that the class ID is; that of its metatype where it has none. */
static uint32_t class_of(const struct rg_suspects *suspects, uint32_t id)
{
	const struct rg_heap *heap = suspects->heap;

	for (uint32_t i = 0; i < heap->n_types; i++)
		if (heap->types[i].address == heap->address[id])
			return i;
	return heap->type[id];
}

static enum rg_code fill_place(struct rg_suspects *suspects, struct rg_suspect *row,
	const struct rg_retained *retained, const struct rg_accumulation *found,
	struct rg_error *err)
{
	struct rg_path_step *steps;
	uint32_t count;
	enum rg_code code = rg_paths_chain(&retained->paths, found->example, &steps, &count, err);

	if (code)
		return code;
	*row = (struct rg_suspect){ .bytes = found->bytes,
		.objects = found->objects,
		.count = found->count,
		.young = found->young,
		.type = found->type,
		.example = found->example,
		.container = found->container,
		.cycle = (size_t)suspects->cycle_of[found->example] - 1 };
	row->cause = rg_cause_of(suspects->heap, &suspects->traits, found, steps, count);
	if (suspects->traits.trait[row->type] == RG_TRAIT_CLASS)
		row->type = class_of(suspects, row->example);
	row->kind = kind_of(suspects, &retained->paths, row->cause, steps, count);
	free(steps);
	if (row->kind == RG_SUSPECT_HELD_FROM_C) {
		row->cause = RG_CAUSE_C;
		row->signature.whole = rg_signature_kind(
			rg_suspect_kinds[row->kind], suspects->traits.hash[row->type]);
	} else {
		code = rg_signature_chain(
			&suspects->signer, &retained->paths, row->example, &row->signature, err);
	}
	row->weight = weigh(suspects, retained, found, row);
	return code;
}

/* What grew is told as growth, with what the place says of it; of several places with their sum. */
static void merge_growth(const struct rg_suspects *suspects, struct rg_suspect *growth,
	const struct rg_suspect *place)
{
	struct rg_suspect merged = *place;
	int64_t more = suspects->more_of[suspects->traits.alike[place->type]];

	if (growth->placed) {
		growth->bytes += place->bytes;
		growth->objects += place->objects;
		growth->count += place->count;
		growth->young += place->young;
		return;
	}
	merged.kind = RG_SUSPECT_GROWTH;
	merged.placed = true;
	/* what grew may be another part of it: the keys of a cache, and these are in them */
	merged.more = more > 0 && growth->type != place->type ? more : growth->more;
	merged.more_bytes = growth->more_bytes;
	merged.weight = growth->weight;
	*growth = merged;
}

static enum rg_code add_place(struct rg_suspects *suspects, struct rg_accumulating *work,
	const struct rg_holder *holder, struct rg_error *err)
{
	struct rg_accumulation found;
	struct rg_suspect row, *growth;
	enum rg_code code = rg_accumulation_find(work, holder, &found, err);

	if (code || !found.selected)
		return code;
	code = fill_place(suspects, &row, work->retained, &found, err);
	if (code)
		return code;
	growth = growth_below(suspects, work->retained, holder, row.signature.whole);
	if (!growth)
		return rg_suspects_add(suspects, &row, err);
	merge_growth(suspects, growth, &row);
	return RG_OK;
}

static enum rg_code add_places(struct rg_suspects *suspects, struct rg_accumulating *work,
	const struct rg_holders *holders, struct rg_error *err)
{
	enum rg_code code = RG_OK;

	for (uint32_t i = 0; !code && i < holders->count && i < RG_SUSPECT_LOOKED_AT; i++)
		code = add_place(suspects, work, &holders->rows[i], err);
	return code;
}

/* Of the first N rows cycles, and what C code holds, that are part of a place are told with it. */
static void drop_seen(struct rg_suspects *suspects, const struct rg_bitset *seen, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < suspects->count; i++) {
		const struct rg_suspect *row = &suspects->rows[i];
		bool part = (row->kind == RG_SUSPECT_CYCLE && !suspects->all_cycles) ||
			    row->kind == RG_SUSPECT_HELD_FROM_C;

		if (i >= n || !part || !rg_bitset_get(seen, row->example))
			suspects->rows[kept++] = *row;
	}
	suspects->count = kept;
}

/* --- classes ------------------------------------------------------------------------------ */

struct classes {
	uint64_t count, bytes, objects;
	uint32_t example;
};

/* By name, the classes that are no part of a place: their objects, and what those retain. */
static void sum_classes(const struct rg_suspects *suspects, const struct rg_retained *retained,
	const struct rg_bitset *seen, struct classes *sums)
{
	const struct rg_heap *heap = suspects->heap;

	for (uint32_t type = 0; type < heap->n_types; type++) {
		uint32_t id = rg_addressmap_find(&heap->map, heap->types[type].address);
		uint32_t number = id == RG_NO_ID ? 0 : rg_retained_number(retained, id);
		struct classes *sum = &sums[suspects->traits.alike[type]];

		if (!number || !suspects->traits.own[type] || rg_bitset_get(seen, id) ||
			!rg_suspects_is_selected(suspects, id))
			continue;
		if (!sum->count++)
			sum->example = id;
		sum->bytes += retained->bytes[number];
		sum->objects += retained->objects[number];
	}
}

static enum rg_code add_classes(struct rg_suspects *suspects, const struct rg_retained *retained,
	const struct rg_bitset *seen, struct rg_error *err)
{
	size_t n_types = suspects->heap->n_types;
	struct classes *sums = rg_array_new(n_types, sizeof(*sums));
	enum rg_code code = sums ? RG_OK : rg_nomem(err);

	if (!code)
		sum_classes(suspects, retained, seen, sums);
	for (uint32_t i = 0; !code && i < n_types; i++) {
		struct rg_suspect row = { .kind = RG_SUSPECT_CLASSES,
			.cause = RG_CAUSE_CLASSES,
			.signature.whole = rg_signature_kind(
				rg_suspect_kinds[RG_SUSPECT_CLASSES], suspects->traits.hash[i]),
			.bytes = sums[i].bytes,
			.objects = sums[i].objects,
			.count = sums[i].count,
			.type = i,
			.example = sums[i].example,
			.container = RG_NO_ID,
			.cycle = RG_NO_CYCLE,
			.weight = (double)sums[i].bytes * rg_causes[RG_CAUSE_CLASSES].weight };

		if (row.count >= CLASSES)
			code = rg_suspects_add(suspects, &row, err);
	}
	free(sums);
	return code;
}

enum rg_code rg_suspects_add_retained(
	struct rg_suspects *suspects, const struct rg_retained *retained, struct rg_error *err)
{
	struct rg_holders holders = { 0 };
	struct rg_accumulating work = { 0 };
	size_t before = suspects->count;
	enum rg_code code = rg_holders_init(&holders, retained, err);

	suspects->reached = retained->bytes[0];
	suspects->enough = (suspects->reached - holders.modules.bytes - holders.classes.bytes) /
			   HUNDREDTH;
	if (suspects->enough < LEAST)
		suspects->enough = LEAST;
	if (!code)
		code = rg_accumulating_init(&work, retained, &suspects->traits, &suspects->signer,
			suspects->selected, err);
	if (!code)
		code = add_places(suspects, &work, &holders, err);
	if (!code) {
		drop_seen(suspects, &work.seen, before);
		code = add_classes(suspects, retained, &work.seen, err);
	}
	rg_accumulating_deinit(&work);
	rg_holders_deinit(&holders);
	return code;
}
