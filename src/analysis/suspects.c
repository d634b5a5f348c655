#include "src/analysis/suspects_parts.h"

#include <stdlib.h>

#include "heapdump/base/array.h"
#include "heapdump/snapshot/standard.h"
#include "src/analysis/places.h"

#define OBJECTS 0.5 /* weight of objects of Python's own library */
#define PLAIN 0.25 /* of texts, numbers and containers; and where that library holds them, again */
#define MANY 100 /* of Python's own in its library, below which they are its own affair */
#define STEADY 0.5 /* of what came or went how much stayed, that it is growth */

const char *const rg_suspect_kinds[RG_SUSPECT_KIND_COUNT] = {
#define K(id, name) name,
	RG_SUSPECT_KINDS(K)
#undef K
};

enum rg_code rg_suspects_init(struct rg_suspects *suspects, const struct rg_heap *heap,
	const struct rg_bitset *selected, struct rg_error *err)
{
	enum rg_code code;

	*suspects = (struct rg_suspects){ .heap = heap,
		.selected = selected,
		.collecting = rg_heap_fact_number(heap, "gc.enabled", 1) != 0,
		.more_of = rg_array_new(heap->n_types, sizeof(*suspects->more_of)),
		.cycle_of = rg_array_new(heap->n_objects, sizeof(*suspects->cycle_of)) };
	code = suspects->more_of && suspects->cycle_of
		       ? rg_traits_init(&suspects->traits, heap, err)
		       : rg_nomem(err);
	if (code)
		rg_suspects_deinit(suspects);
	else
		rg_signer_init(&suspects->signer, heap, &suspects->traits);
	return code;
}

void rg_suspects_deinit(struct rg_suspects *suspects)
{
	free(suspects->rows);
	free(suspects->cycle_of);
	free(suspects->more_of);
	rg_traits_deinit(&suspects->traits);
	rg_signer_deinit(&suspects->signer);
	*suspects = (struct rg_suspects){ 0 };
}

enum rg_code rg_suspects_add(
	struct rg_suspects *suspects, const struct rg_suspect *row, struct rg_error *err)
{
	struct rg_suspect *slot = RG_PUSH(suspects->rows, suspects->count, suspects->capacity);

	if (!slot)
		return rg_nomem(err);
	*slot = *row;
	return RG_OK;
}

bool rg_suspects_is_selected(const struct rg_suspects *suspects, uint32_t id)
{
	return !suspects->selected || rg_bitset_get(suspects->selected, id);
}

/* --- what its looks say of a suspect ------------------------------------------------------ */

/* Whether nobody but Python's own library holds ID. */
static bool is_pythons(
	const struct rg_suspects *suspects, const struct rg_paths *paths, uint32_t id)
{
	const struct rg_heap *heap = suspects->heap;
	uint32_t row = rg_place_root(paths, id);
	const struct rg_heap_root *root = row == RG_NO_ID ? NULL : &heap->roots[row];
	struct rg_text name;

	if (!root)
		return false;
	name = rg_heap_string(heap, root->name);
	if (root->kind == RG_ROOT_MODULE)
		return rg_is_standard_module(name.bytes, name.length) &&
		       !rg_text_is(name, "builtins");
	return root->kind == RG_ROOT_INTERPRETER || root->kind == RG_ROOT_STATIC;
}

/* Whether instances of TYPE are of a kind that should be gone soon. */
static bool is_passing(const struct rg_suspects *suspects, uint32_t type)
{
	switch ((enum rg_trait)suspects->traits.trait[type]) {
	case RG_TRAIT_METHOD:
	case RG_TRAIT_FRAME:
	case RG_TRAIT_TRACEBACK:
	case RG_TRAIT_GENERATOR:
	case RG_TRAIT_COROUTINE:
	case RG_TRAIT_TASK:
		return true;
	default:
		return false;
	}
}

/*
 * How much the things of ROW look like a leak by what they are; OWN: with parts of the program's.
 */
double rg_suspects_plainness(const struct rg_suspects *suspects, const struct rg_suspect *row,
	bool own, const struct rg_paths *paths)
{
	uint32_t type = row->type;
	double weight = rg_text_is(suspects->heap->types[type].module, "builtins") ? PLAIN
										   : OBJECTS;

	if (suspects->traits.trait[type] == RG_TRAIT_WEAK)
		return RG_SUSPECT_PYTHONS;
	if (own || suspects->traits.own[type] || is_passing(suspects, type))
		return 1;
	if (!is_pythons(suspects, paths, row->example))
		return weight;
	return row->count < MANY ? RG_SUSPECT_PYTHONS : weight * PLAIN;
}

/* --- growth ------------------------------------------------------------------------------- */

enum rg_code rg_suspects_add_growth(
	struct rg_suspects *suspects, const struct rg_growth *growth, struct rg_error *err)
{
	enum rg_code code = RG_OK;

	for (size_t i = 0; i < growth->n_types; i++)
		if (growth->types[i].after_type != RG_NO_ID)
			suspects->more_of[suspects->traits.alike[growth->types[i].after_type]] =
				(int64_t)(growth->types[i].after - growth->types[i].before);
	for (size_t i = 0; !code && i < growth->n_paths && suspects->count < RG_SUSPECT_LOOKED_AT;
		i++) {
		const struct rg_grown_path *path = &growth->paths[i];
		uint32_t type = suspects->heap->type[path->example];
		bool held = growth->chains.distances.distance[path->example] == RG_UNREACHED;
		struct rg_suspect row = { .kind = RG_SUSPECT_GROWTH,
			.cause = held ? RG_CAUSE_C : RG_CAUSE_COLLECTION,
			.bytes = (uint64_t)path->below,
			.objects = path->after - path->before,
			.count = path->after,
			.type = type,
			.example = path->example,
			.container = growth->chains.distances.parent[path->example],
			.cycle = RG_NO_CYCLE,
			.more = (int64_t)(path->after - path->before),
			.more_bytes = path->below };

		if (path->steady < STEADY || suspects->traits.trait[type] == RG_TRAIT_WEAK ||
			!rg_suspects_is_selected(suspects, path->example) ||
			(row.more < RG_SUSPECT_GROWN && row.more_bytes < RG_SUSPECT_GROWN_BYTES))
			continue;
		row.weight = (double)row.more_bytes * path->steady *
			     rg_suspects_plainness(suspects, &row, false, &growth->chains);
		code = rg_signature_chain(
			&suspects->signer, &growth->chains, row.example, &row.signature, err);
		if (!code)
			code = rg_suspects_add(suspects, &row, err);
	}
	return code;
}

/* --- what C code holds -------------------------------------------------------------------- */

/* Of what roots reach: that nothing else holds is found where memory is. */
enum rg_code rg_suspects_add_audit(
	struct rg_suspects *suspects, const struct rg_audit *audit, struct rg_error *err)
{
	const struct rg_heap *heap = suspects->heap;
	uint32_t *example = rg_array_new(heap->n_types, sizeof(*example));
	enum rg_code code = example ? RG_OK : rg_nomem(err);

	for (size_t i = audit->n_suspects; example && i-- > 0;)
		if (!rg_audit_is_alone(audit, audit->suspects[i]) &&
			rg_suspects_is_selected(suspects, audit->suspects[i]))
			example[heap->type[audit->suspects[i]]] = audit->suspects[i] + 1;
	for (size_t i = 0; !code && i < audit->n_types; i++) {
		const struct rg_audit_type *type = &audit->types[i];
		uint64_t count = type->objects - type->alone;
		struct rg_suspect row = { .kind = RG_SUSPECT_HELD_FROM_C,
			.cause = RG_CAUSE_C,
			.signature.whole = rg_signature_kind(
				rg_suspect_kinds[RG_SUSPECT_HELD_FROM_C],
				suspects->traits.hash[type->type]),
			.bytes = count ? type->size / type->objects * count : 0,
			.objects = count,
			.count = count,
			.type = type->type,
			.container = RG_NO_ID,
			.cycle = RG_NO_CYCLE };

		if (!count || !example[type->type])
			continue;
		row.example = example[type->type] - 1;
		row.weight = (double)row.bytes *
			     (suspects->traits.own[type->type] ? 1 : RG_SUSPECT_PYTHONS);
		code = rg_suspects_add(suspects, &row, err);
	}
	free(example);
	return code;
}

/* --- order -------------------------------------------------------------------------------- */

static int by_weight(const void *a, const void *b)
{
	const struct rg_suspect *x = a, *y = b;
	bool grew_x = x->kind == RG_SUSPECT_GROWTH, grew_y = y->kind == RG_SUSPECT_GROWTH;

	if (grew_x != grew_y)
		return grew_x ? -1 : 1;
	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return (x->signature.whole > y->signature.whole) -
	       (x->signature.whole < y->signature.whole);
}

/*
 * True where ROW is held through the things of ABOVE, or both through the same ones: as many tasks
 * and as many buffers of the sessions of one dict.
 */
static bool is_part(const struct rg_suspect *row, const struct rg_suspect *above)
{
	uint64_t less = row->count < above->count ? row->count : above->count;
	uint64_t more = row->count < above->count ? above->count : row->count;

	if (row->kind != above->kind)
		return false;
	return rg_signature_passes(&row->signature, above->signature.whole) ||
	       (row->container != RG_NO_ID && row->container == above->container &&
		       row->count == above->count) ||
	       (row->signature.many && row->signature.many == above->signature.many &&
		       more - less <= more / 10);
}

/* What is part of a heavier one is told with that. */
static bool join_above(struct rg_suspect *rows, size_t count, const struct rg_suspect *row)
{
	/* of cycles and classes there may be very many: what has no chain is part of none */
	if (!row->signature.n_ways && row->container == RG_NO_ID)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!is_part(row, &rows[i]))
			continue;
		rows[i].bytes += row->bytes;
		rows[i].objects += row->objects;
		return true;
	}
	return false;
}

static void join_all(struct rg_suspects *suspects)
{
	size_t kept = 0;

	for (size_t i = 0; i < suspects->count; i++)
		if (!join_above(suspects->rows, kept, &suspects->rows[i]))
			suspects->rows[kept++] = suspects->rows[i];
	suspects->count = kept;
}

/* What is a suspect whatever it weighs. */
static bool is_asked(const struct rg_suspects *suspects, const struct rg_suspect *row)
{
	if (row->kind == RG_SUSPECT_GARBAGE)
		return (suspects->all_cycles || suspects->all_garbage) &&
		       suspects->traits.own[row->type];
	return row->kind == RG_SUSPECT_GROWTH ||
	       (row->kind == RG_SUSPECT_CYCLE && suspects->all_cycles);
}

void rg_suspects_sort(struct rg_suspects *suspects)
{
	size_t kept = 0;

	for (size_t i = 0; i < suspects->count; i++) {
		const struct rg_suspect *row = &suspects->rows[i];

		if (is_asked(suspects, row) || row->weight >= (double)suspects->enough)
			suspects->rows[kept++] = *row;
	}
	suspects->count = kept;
	if (kept)
		qsort(suspects->rows, kept, sizeof(*suspects->rows), by_weight);
	join_all(suspects);
}
