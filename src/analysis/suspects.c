#include "src/analysis/suspects.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"
#include "heapdump/snapshot/standard.h"
#include "src/analysis/places.h"
#include "src/heap/fold.h"
#include "src/heap/policy.h"

#define HUNDREDTH 100 /* of what is no code: what a suspect weighs at least */
#define LEAST 8192 /* bytes, and never less */
#define LOOKED_AT 200 /* places, the largest first */
#define OBJECTS 0.5 /* weight of objects of Python's own library */
#define PLAIN 0.25 /* of texts, numbers and containers; and where that library holds them, again */
#define PYTHONS (1.0 / 16) /* of what says nothing by itself */
#define MANY 100 /* of Python's own in its library, below which they are its own affair */
#define YOUNG 4 /* an old container that has young things */
#define CLASSES 64 /* of one name */
#define GROWN 8 /* things more, or */
#define GROWN_BYTES 65536 /* bytes more, that are growth */
#define STEADY 0.5 /* of what came or went how much stayed, that it is growth */
#define CLIMB 64 /* steps up the dominators, from what grew to what holds it */

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

static enum rg_code add(
	struct rg_suspects *suspects, const struct rg_suspect *row, struct rg_error *err)
{
	struct rg_suspect *slot = RG_PUSH(suspects->rows, suspects->count, suspects->capacity);

	if (!slot)
		return rg_nomem(err);
	*slot = *row;
	return RG_OK;
}

/* The signature of what no chain names: its kind and a hash. */
static bool is_selected(const struct rg_suspects *suspects, uint32_t id)
{
	return !suspects->selected || rg_bitset_get(suspects->selected, id);
}

/* --- growth ------------------------------------------------------------------------------- */

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
static double plainness(const struct rg_suspects *suspects, const struct rg_suspect *row, bool own,
	const struct rg_paths *paths)
{
	uint32_t type = row->type;
	double weight = rg_text_is(suspects->heap->types[type].module, "builtins") ? PLAIN
										   : OBJECTS;

	if (suspects->traits.trait[type] == RG_TRAIT_WEAK)
		return PYTHONS;
	if (own || suspects->traits.own[type] || is_passing(suspects, type))
		return 1;
	if (!is_pythons(suspects, paths, row->example))
		return weight;
	return row->count < MANY ? PYTHONS : weight * PLAIN;
}

enum rg_code rg_suspects_add_growth(
	struct rg_suspects *suspects, const struct rg_growth *growth, struct rg_error *err)
{
	enum rg_code code = RG_OK;

	for (size_t i = 0; i < growth->n_types; i++)
		if (growth->types[i].after_type != RG_NO_ID)
			suspects->more_of[suspects->traits.alike[growth->types[i].after_type]] =
				(int64_t)(growth->types[i].after - growth->types[i].before);
	for (size_t i = 0; !code && i < growth->n_paths && suspects->count < LOOKED_AT; i++) {
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
			!is_selected(suspects, path->example) ||
			(row.more < GROWN && row.more_bytes < GROWN_BYTES))
			continue;
		row.weight = (double)row.more_bytes * path->steady *
			     plainness(suspects, &row, false, &growth->chains);
		code = rg_signature_chain(
			&suspects->signer, &growth->chains, row.example, &row.signature, err);
		if (!code)
			code = add(suspects, &row, err);
	}
	return code;
}

/* --- cycles ------------------------------------------------------------------------------- */

/* For each component how many references lead into it from outside. */
static uint32_t *count_holders(const struct rg_cycles *cycles)
{
	const struct rg_heap *heap = cycles->heap;
	const uint32_t *of = cycles->components.of;
	uint32_t *holders = rg_array_new(cycles->components.count, sizeof(*holders));

	for (uint32_t id = 0; holders && id < heap->n_objects; id++)
		for (uint32_t e = heap->offset[id]; e < heap->offset[id + 1]; e++) {
			uint32_t to = of[heap->owner[heap->target[e]]];

			if (rg_policy_follows(RG_EDGES_ALL, heap->edge[e]))
				holders[to] += to != of[heap->owner[id]];
		}
	return holders;
}

struct weighing {
	struct rg_suspects *suspects;
	const struct rg_cycles *cycles;
	const uint32_t *holders;
	const struct rg_new_cycle **appeared; /* of each group how it grew, or NULL */
	struct rg_bitset claimed; /* dead objects that were counted */
	uint32_t *stack;
	uint32_t n_stack;
	size_t stack_capacity;
};

/* The bytes of what hangs on the dead ID, and was counted with nothing else. */
static bool add_hanging(struct weighing *weighing, uint32_t id, struct rg_suspect *row)
{
	const struct rg_graph *graph = &weighing->cycles->graph;

	for (;;) {
		for (uint32_t e = graph->offset[id]; e < graph->offset[id + 1]; e++) {
			if (!rg_bitset_add(&weighing->claimed, graph->target[e]))
				continue;
			if (!rg_array_reserve(&weighing->stack, &weighing->stack_capacity,
				    (size_t)weighing->n_stack + 1, sizeof(uint32_t)))
				return false;
			weighing->stack[weighing->n_stack++] = graph->target[e];
			row->bytes += rg_heap_footprint(
				weighing->suspects->heap, graph->target[e], weighing->cycles->raw);
			row->objects++;
		}
		if (!weighing->n_stack)
			return true;
		id = weighing->stack[--weighing->n_stack];
	}
}

static bool in_set(const struct weighing *weighing, const struct rg_bitset *set, size_t group)
{
	return rg_bitset_get(set, weighing->cycles->groups[group].entry);
}

static enum rg_cause cause_of_garbage(const struct weighing *weighing, size_t group)
{
	const struct rg_garbage *garbage = &weighing->cycles->garbage;

	if (in_set(weighing, &garbage->hidden, group))
		return RG_CAUSE_HIDDEN;
	if (in_set(weighing, &garbage->uncollectable, group))
		return RG_CAUSE_UNCOLLECTABLE;
	if (!weighing->suspects->collecting)
		return RG_CAUSE_DISABLED;
	return weighing->cycles->groups[group].finalizers ? RG_CAUSE_FINALIZER : RG_CAUSE_GARBAGE;
}

/* The type of the program's own that a cycle of GROUP has, or the type of its entry. */
static uint32_t main_type_of(const struct weighing *weighing, size_t group, bool *own_ret)
{
	const struct rg_suspects *suspects = weighing->suspects;
	const struct rg_cycle_group *row = &weighing->cycles->groups[group];
	uint32_t n;
	const uint32_t *members = rg_cycle_members(weighing->cycles, row->component, &n);

	*own_ret = true;
	for (uint32_t i = 0; i < n; i++)
		if (suspects->traits.own[suspects->heap->type[members[i]]])
			return suspects->heap->type[members[i]];
	*own_ret = false;
	return suspects->heap->type[row->entry];
}

/* Whether one reference keeps each of most of the group's cycles alive. */
static bool has_one_holder(const struct weighing *weighing, const struct rg_cycle_group *group)
{
	size_t single = 0;

	for (size_t i = 0; i < group->n_components; i++)
		single += weighing->holders[group->components[i]] == 1;
	return 2 * single > group->n_components;
}

/* Count what hangs on the members, which themselves are claimed already. */
static enum rg_code weigh_garbage(
	struct weighing *weighing, size_t group, struct rg_suspect *row, struct rg_error *err)
{
	const struct rg_cycle_group *from = &weighing->cycles->groups[group];

	for (size_t i = 0; i < from->n_components; i++) {
		uint32_t n;
		const uint32_t *members = rg_cycle_members(
			weighing->cycles, from->components[i], &n);

		for (uint32_t k = 0; k < n; k++)
			if (!add_hanging(weighing, members[k], row))
				return rg_nomem(err);
	}
	return RG_OK;
}

/* A few cycles more are none: they come and go. */
static void note_growth(struct rg_suspect *row, const struct rg_new_cycle *appeared)
{
	int64_t more = appeared ? (int64_t)(appeared->after - appeared->before) : 0;
	int64_t bytes = appeared ? (int64_t)(appeared->size_after - appeared->size_before) : 0;

	if (more < GROWN && bytes < GROWN_BYTES)
		return;
	row->more = more;
	row->more_bytes = bytes;
}

static enum rg_code add_group(struct weighing *weighing, size_t group, struct rg_error *err)
{
	struct rg_suspects *suspects = weighing->suspects;
	const struct rg_cycle_group *from = &weighing->cycles->groups[group];
	bool own,
		dead = from->garbage || in_set(weighing, &weighing->cycles->garbage.hidden, group);
	struct rg_suspect row = { .kind = dead ? RG_SUSPECT_GARBAGE : RG_SUSPECT_CYCLE,
		.cause = dead ? cause_of_garbage(weighing, group) : RG_CAUSE_CYCLE,
		.signature.whole = from->signature,
		.bytes = from->size_all,
		.objects = from->objects_all,
		.count = from->alike,
		.type = main_type_of(weighing, group, &own),
		.example = from->entry,
		.container = RG_NO_ID,
		.cycle = group };
	enum rg_code code = RG_OK;

	if (!dead && (!own || (!suspects->all_cycles && !has_one_holder(weighing, from))))
		return RG_OK;
	if (dead)
		code = weigh_garbage(weighing, group, &row, err);
	row.weight = (double)row.bytes * rg_causes[row.cause].weight * (own ? 1 : PYTHONS);
	note_growth(&row, weighing->appeared[group]);
	return code ? code : add(suspects, &row, err);
}

/* Note the cycles' members: of which group each is, and that what is dead is counted. */
static void note_members(struct weighing *weighing)
{
	const struct rg_cycles *cycles = weighing->cycles;

	for (size_t g = 0; g < cycles->n_groups; g++)
		for (size_t i = 0; i < cycles->groups[g].n_components; i++) {
			uint32_t n;
			const uint32_t *members = rg_cycle_members(
				cycles, cycles->groups[g].components[i], &n);

			for (uint32_t k = 0; k < n; k++) {
				weighing->suspects->cycle_of[members[k]] = (uint32_t)g + 1;
				rg_bitset_set(&weighing->claimed, members[k]);
			}
		}
}

enum rg_code rg_suspects_add_cycles(struct rg_suspects *suspects, const struct rg_cycles *cycles,
	const struct rg_new_cycles *appeared, struct rg_error *err)
{
	uint32_t *holders = count_holders(cycles);
	const struct rg_new_cycle **appeared_of = rg_array_new(
		cycles->n_groups, sizeof(*appeared_of));
	struct weighing weighing = {
		.suspects = suspects, .cycles = cycles, .holders = holders, .appeared = appeared_of
	};
	enum rg_code code = rg_bitset_init(&weighing.claimed, suspects->heap->n_objects, err);

	if (!code && (!holders || !appeared_of))
		code = rg_nomem(err);
	for (size_t i = 0; !code && appeared && i < appeared->count; i++)
		appeared_of[appeared->rows[i].group] = &appeared->rows[i];
	if (!code)
		note_members(&weighing);
	for (size_t g = 0; !code && g < cycles->n_groups; g++)
		code = add_group(&weighing, g, err);
	free(holders);
	free(appeared_of);
	free(weighing.stack);
	rg_bitset_deinit(&weighing.claimed);
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
			is_selected(suspects, audit->suspects[i]))
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
		row.weight = (double)row.bytes * (suspects->traits.own[type->type] ? 1 : PYTHONS);
		code = add(suspects, &row, err);
	}
	free(example);
	return code;
}

/* --- places that retain much -------------------------------------------------------------- */

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
	double looks = plainness(suspects, row, own, &retained->paths);
	double weight = (double)row->bytes * rg_causes[row->cause].weight * looks;
	bool grows = found->young && found->young < found->objects;

	/* what says nothing by itself says no more by being new */
	return grows && looks > PYTHONS ? YOUNG * weight : weight;
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
		return add(suspects, &row, err);
	merge_growth(suspects, growth, &row);
	return RG_OK;
}

static enum rg_code add_places(struct rg_suspects *suspects, struct rg_accumulating *work,
	const struct rg_holders *holders, struct rg_error *err)
{
	enum rg_code code = RG_OK;

	for (uint32_t i = 0; !code && i < holders->count && i < LOOKED_AT; i++)
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
			!is_selected(suspects, id))
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
			code = add(suspects, &row, err);
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
