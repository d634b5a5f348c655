#include "src/analysis/groups.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"
#include "heapdump/base/map.h"
#include "heapdump/base/units.h"
#include "src/heap/fold.h"
#include "src/heap/label.h"
#include "src/heap/policy.h"

#define MEMBERS 8 /* of the set of referrers, or of labels, that are told apart */
#define LEAST_SIZE 16

const struct rg_grouping_info rg_groupings[RG_GROUPING_COUNT] = {
#define G(id, name, summary) { name, summary },
	RG_GROUPINGS(G)
#undef G
};

/* --- sets of what refers to an object ------------------------------------------------------ */

/* The smallest few of a set of numbers, ascending, each with an edge that stands for it. */
struct few {
	uint64_t numbers[MEMBERS];
	uint32_t edges[MEMBERS];
	unsigned n;
	bool more;
};

static void few_add(struct few *few, uint64_t number, uint32_t edge)
{
	unsigned at = few->n;

	for (unsigned i = 0; i < few->n; i++)
		if (few->numbers[i] == number)
			return;
	if (few->n == MEMBERS) {
		few->more = true;
		if (number > few->numbers[MEMBERS - 1])
			return;
		at = --few->n;
	}
	for (; at > 0 && few->numbers[at - 1] > number; at--) {
		few->numbers[at] = few->numbers[at - 1];
		few->edges[at] = few->edges[at - 1];
	}
	few->numbers[at] = number;
	few->edges[at] = edge;
	few->n++;
}

static uint64_t few_hash(const struct few *few)
{
	uint64_t hash = few->more;

	for (unsigned i = 0; i < few->n; i++)
		hash = rg_mix(hash, few->numbers[i]);
	return hash;
}

/* The reference's row in the heap, of an edge of the reverse graph. */
static uint32_t row_of(const struct rg_groups *groups, uint32_t edge)
{
	return rg_graph_label(&groups->forward, rg_graph_label(&groups->reverse, edge));
}

/* A number for the label of a reference, the same for all that are alike. */
static uint64_t label_number(const struct rg_heap *heap, uint32_t from, uint32_t row)
{
	uint64_t kind = RG_EDGE_KIND(heap->edge[row]);
	const struct rg_heap_value *key;

	if (RG_EDGE_FORM(heap->edge[row]) == RG_FORM_NONE || rg_label_is_general(heap, from, row))
		return kind;
	if (RG_EDGE_FORM(heap->edge[row]) != RG_FORM_OBJECT)
		return rg_mix(kind, heap->label[row]);
	key = rg_heap_value(heap, heap->label[row], RG_VALUE_STR);
	return rg_mix(kind, key ? rg_hash(key->text.bytes, key->text.length) : heap->label[row]);
}

static struct few referrers_of(const struct rg_groups *groups, uint32_t id, bool labels)
{
	const struct rg_graph *reverse = &groups->reverse;
	const struct rg_heap *heap = groups->heap;
	struct few few = { .n = 0 };

	for (uint32_t e = reverse->offset[id]; e < reverse->offset[id + 1]; e++) {
		uint32_t from = reverse->target[e];

		few_add(&few,
			labels ? label_number(heap, from, row_of(groups, e)) : heap->type[from], e);
	}
	return few;
}

static const char *referrers_label(
	const struct rg_groups *groups, uint32_t id, bool labels, struct rg_arena *arena)
{
	const struct rg_heap *heap = groups->heap;
	struct few few = referrers_of(groups, id, labels);
	const char *text = few.n ? "" : "(nothing)";

	for (unsigned i = 0; i < few.n; i++) {
		uint32_t from = groups->reverse.target[few.edges[i]];
		uint32_t row = row_of(groups, few.edges[i]);
		const char *one = labels ? rg_label_pattern(heap, from, row, arena)
					 : rg_label_type(heap, heap->type[from], arena);

		if (!*one)
			one = rg_kind_table[RG_EDGE_KIND(heap->edge[row])].name;
		text = rg_arena_print(arena, "%s%s%s", text, i ? ", " : "", one);
	}
	return few.more ? rg_arena_print(arena, "%s, …", text) : text;
}

/* --- keys --------------------------------------------------------------------------------- */

/* The class of SIZE bytes: the power of two that it fits in. */
static uint64_t size_class(uint64_t size)
{
	uint64_t limit = LEAST_SIZE;

	while (limit < size && limit < UINT64_MAX / 2)
		limit *= 2;
	return limit;
}

static uint64_t site_key(const struct rg_heap *heap, uint32_t id)
{
	uint32_t site = rg_heap_site(heap, id);

	return site == RG_NO_SITE ? UINT64_MAX
				  : rg_mix(heap->sites[site].file, heap->sites[site].line);
}

static uint64_t key_of(
	const struct rg_groups *groups, enum rg_grouping grouping, uint32_t id, bool raw)
{
	const struct rg_heap *heap = groups->heap;
	struct rg_text module = rg_heap_type(heap, id)->module;
	struct few few;

	switch (grouping) {
	case RG_GROUP_TYPE:
		return heap->type[id];
	case RG_GROUP_MODULE:
		return rg_hash(module.bytes, module.length);
	case RG_GROUP_GENERATION:
		return rg_heap_generation(heap, id);
	case RG_GROUP_SIZE:
		return size_class(rg_heap_footprint(heap, id, raw));
	case RG_GROUP_OWNER:
		return (uint64_t)heap->type[groups->owner[id]] << 1 | (groups->owner[id] != id);
	case RG_GROUP_SITE:
		return site_key(heap, id);
	case RG_GROUP_TRACEBACK:
		return rg_heap_site(heap, id);
	default:
		few = referrers_of(groups, id, grouping == RG_GROUP_VIA);
		return few_hash(&few);
	}
}

static const char *traceback_label(
	const struct rg_heap *heap, uint32_t site, struct rg_arena *arena)
{
	const char *text = "";

	for (; site != RG_NO_SITE; site = heap->sites[site].caller)
		text = rg_arena_print(arena, "%s%s%s", text, *text ? " < " : "",
			rg_label_site(heap, site, arena));
	return *text ? text : NULL;
}

const char *rg_groups_label(const struct rg_groups *groups, enum rg_grouping grouping, uint32_t id,
	struct rg_arena *arena)
{
	const struct rg_heap *heap = groups->heap;
	struct rg_text module = rg_heap_type(heap, id)->module;
	uint32_t owner;

	switch (grouping) {
	case RG_GROUP_TYPE:
		return rg_label_type(heap, heap->type[id], arena);
	case RG_GROUP_MODULE:
		return rg_arena_text(arena, module.bytes, module.length);
	case RG_GROUP_GENERATION:
		return rg_generation_names[rg_heap_generation(heap, id)];
	case RG_GROUP_SIZE:
		return rg_arena_print(arena, "up to %s",
			rg_units_bytes(
				size_class(rg_heap_footprint(heap, id, !groups->folded)), arena));
	case RG_GROUP_OWNER:
		owner = groups->owner[id];
		return owner == id ? rg_label_type(heap, heap->type[id], arena)
				   : rg_arena_print(arena, "dict of %s",
					     rg_label_type(heap, heap->type[owner], arena));
	case RG_GROUP_SITE:
		return rg_label_site(heap, rg_heap_site(heap, id), arena);
	case RG_GROUP_TRACEBACK:
		return traceback_label(heap, rg_heap_site(heap, id), arena);
	default:
		return referrers_label(groups, id, grouping == RG_GROUP_VIA, arena);
	}
}

/* --- groups ------------------------------------------------------------------------------- */

static int most_bytes(const void *a, const void *b)
{
	const struct rg_group *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

/* Who refers to each object, for the groupings that ask it. */
static enum rg_code find_referrers(struct rg_groups *groups, bool raw, struct rg_error *err)
{
	struct rg_policy policy = { .edges = RG_EDGES_ALL, .raw = raw };
	enum rg_code code = rg_policy_graph(groups->heap, &policy, &groups->forward, err);

	return code ? code : rg_graph_reverse(&groups->forward, &groups->reverse, err);
}

/* Whose __dict__ each object is; itself where it is nobody's. */
static enum rg_code find_owners(struct rg_groups *groups, struct rg_error *err)
{
	const struct rg_heap *heap = groups->heap;

	groups->owner = rg_array_new(heap->n_objects, sizeof(*groups->owner));
	if (!groups->owner)
		return rg_nomem(err);
	for (uint32_t id = 0; id < heap->n_objects; id++)
		groups->owner[id] = id;
	for (uint32_t id = 0; id < heap->n_objects; id++)
		for (uint32_t row = heap->offset[id]; row < heap->offset[id + 1]; row++)
			if (rg_label_is_dict(heap, row))
				groups->owner[heap->target[row]] = id;
	return RG_OK;
}

static enum rg_code add(struct rg_groups *groups, struct rg_map *numbers, uint64_t key, uint32_t id,
	uint64_t size, struct rg_error *err)
{
	uint32_t number = rg_map_get(numbers, key + (key == 0));
	struct rg_group *row;

	if (number == RG_MAP_NONE) {
		number = (uint32_t)groups->n;
		row = RG_PUSH(groups->rows, groups->n, groups->capacity);
		if (!row || !rg_map_set(numbers, key + (key == 0), number))
			return rg_nomem(err);
		*row = (struct rg_group){ .first = id };
	}
	groups->rows[number].count++;
	groups->rows[number].size += size;
	groups->size += size;
	return RG_OK;
}

static enum rg_code group(struct rg_groups *groups, unsigned by, const struct rg_bitset *within,
	bool raw, struct rg_error *err)
{
	const struct rg_heap *heap = groups->heap;
	struct rg_map numbers = { 0 };
	enum rg_code code = RG_OK;

	for (uint32_t id = 0; !code && id < heap->n_objects; id++) {
		uint64_t key = 0;

		if ((!raw && rg_heap_folded(heap, id)) || (within && !rg_bitset_get(within, id)))
			continue;
		for (int grouping = 0; grouping < RG_GROUPING_COUNT; grouping++)
			if (by >> grouping & 1)
				key = rg_mix(
					key, key_of(groups, (enum rg_grouping)grouping, id, raw));
		code = add(groups, &numbers, key, id, rg_heap_footprint(heap, id, raw), err);
	}
	rg_map_deinit(&numbers);
	if (!code && groups->n)
		qsort(groups->rows, groups->n, sizeof(*groups->rows), most_bytes);
	return code;
}

enum rg_code rg_groups_init(struct rg_groups *groups, const struct rg_heap *heap, unsigned by,
	const struct rg_bitset *within, bool raw, struct rg_error *err)
{
	enum rg_code code = RG_OK;

	*groups = (struct rg_groups){ .heap = heap, .folded = !raw };
	if (by & (1u << RG_GROUP_REFERRERS | 1u << RG_GROUP_VIA))
		code = find_referrers(groups, raw, err);
	if (!code && by & 1u << RG_GROUP_OWNER)
		code = find_owners(groups, err);
	return code ? code : group(groups, by, within, raw, err);
}

void rg_groups_deinit(struct rg_groups *groups)
{
	rg_graph_deinit(&groups->forward);
	rg_graph_deinit(&groups->reverse);
	free(groups->owner);
	free(groups->rows);
	*groups = (struct rg_groups){ 0 };
}
