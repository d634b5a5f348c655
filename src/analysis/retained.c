#include "src/analysis/retained.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/pages.h"
#include "src/analysis/held.h"
#include "src/graph/reach.h"
#include "src/heap/fold.h"
#include "src/heap/policy.h"

#define HUNDREDTH 100 /* of all that is reached: what is big */

/* --- the tree ----------------------------------------------------------------------------- */

static enum rg_code add_source(
	struct rg_retained *retained, size_t *capacity, uint32_t id, struct rg_error *err)
{
	uint32_t *slot = RG_PUSH(retained->sources, retained->n_sources, *capacity);

	if (!slot)
		return rg_nomem(err);
	*slot = id;
	return RG_OK;
}

/* Of what the sources so far do not reach: what C code holds. */
static enum rg_code find_held(struct rg_retained *retained, size_t *capacity, struct rg_error *err)
{
	uint32_t n = retained->heap->n_objects;
	struct rg_bitset reached = { 0 }, held = { 0 };
	enum rg_code code = rg_bitset_init(&reached, n, err);

	if (!code)
		code = rg_reach(&retained->paths.graph, retained->sources, retained->n_sources,
			&reached, err);
	if (!code)
		code = rg_held_find(retained->heap, &reached, retained->raw, &held, err);
	for (uint32_t id = 0; !code && id < n; id++)
		if (rg_bitset_get(&held, id))
			code = add_source(retained, capacity, id, err);
	rg_bitset_deinit(&reached);
	rg_bitset_deinit(&held);
	return code;
}

/* What a tree hangs from: the objects of roots, as chains have them, and what is never freed. */
static enum rg_code find_sources(struct rg_retained *retained, struct rg_error *err)
{
	const struct rg_heap *heap = retained->heap;
	const struct rg_paths *paths = &retained->paths;
	size_t capacity = 0;
	enum rg_code code = RG_OK;

	for (uint32_t i = 0; !code && i < paths->n_sources; i++)
		code = add_source(retained, &capacity, paths->sources[i], err);
	for (uint32_t id = 0; !code && id < heap->n_objects; id++)
		if (heap->flags[id] & RG_OBJECT_IMMORTAL &&
			rg_heap_place(heap, id, retained->raw) == id)
			code = add_source(retained, &capacity, id, err);
	return code ? code : find_held(retained, &capacity, err);
}

static enum rg_code sum_up(struct rg_retained *retained, struct rg_error *err)
{
	const struct rg_dominators *dominators = &retained->dominators;
	uint32_t count = dominators->count;

	retained->bytes = rg_pages_new(count, sizeof(*retained->bytes));
	retained->objects = rg_pages_new(count, sizeof(*retained->objects));
	if (!retained->bytes || !retained->objects)
		return rg_nomem(err);
	for (uint32_t i = 1; i < count; i++) {
		retained->bytes[i] = rg_heap_footprint(
			retained->heap, dominators->vertex[i], retained->raw);
		retained->objects[i] = 1;
	}
	rg_dominators_sum(dominators, retained->bytes);
	for (uint32_t i = count - 1; i > 0; i--)
		retained->objects[dominators->dominator[i]] += retained->objects[i];
	retained->big = retained->bytes[0] / HUNDREDTH + 1;
	return RG_OK;
}

/* Each step's memory is the next one's: the dominators come before the distances. */
static enum rg_code find_tree(struct rg_retained *retained, bool sets, struct rg_error *err)
{
	enum rg_code code = rg_paths_start(&retained->paths, retained->heap, retained->raw, err);

	if (!code)
		code = find_sources(retained, err);
	if (!code)
		code = rg_dominators_init(&retained->dominators, &retained->paths.graph,
			retained->sources, retained->n_sources, err);
	if (!code)
		code = rg_paths_finish(&retained->paths, retained->heap, retained->raw, sets, err);
	return code;
}

enum rg_code rg_retained_init(struct rg_retained *retained, const struct rg_heap *heap, bool raw,
	bool sets, struct rg_error *err)
{
	enum rg_code code;

	*retained = (struct rg_retained){ .heap = heap, .raw = raw };
	code = find_tree(retained, sets, err);
	if (!code)
		code = sum_up(retained, err);
	if (!code)
		code = rg_dominators_tree(&retained->dominators, &retained->tree, err);
	if (code)
		rg_retained_deinit(retained);
	return code;
}

void rg_retained_deinit(struct rg_retained *retained)
{
	rg_paths_deinit(&retained->paths);
	rg_dominators_deinit(&retained->dominators);
	rg_graph_deinit(&retained->tree);
	free(retained->bytes);
	free(retained->objects);
	free(retained->sources);
	memset(retained, 0, sizeof(*retained));
}

/* --- lists -------------------------------------------------------------------------------- */

static int by_retained(const void *a, const void *b, void *context)
{
	const struct rg_retained *retained = context;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (retained->bytes[x] != retained->bytes[y])
		return retained->bytes[x] > retained->bytes[y] ? -1 : 1;
	return (x > y) - (x < y);
}

void rg_retained_sort(const struct rg_retained *retained, struct rg_retained_list *list)
{
	if (list->count)
		qsort_r(list->numbers, list->count, sizeof(*list->numbers), by_retained,
			(void *)(uintptr_t)retained);
}

enum rg_code rg_retained_members(const struct rg_retained *retained,
	const struct rg_bitset *selected, struct rg_retained_list *list_ret, struct rg_error *err)
{
	uint32_t most = selected ? rg_bitset_count(selected) : retained->dominators.count;
	struct rg_retained_list list = { .numbers = rg_array_new(most, sizeof(*list.numbers)) };

	if (!list.numbers)
		return rg_nomem(err);
	for (uint32_t i = 1; i < retained->dominators.count; i++)
		if (!selected || rg_bitset_get(selected, rg_retained_object(retained, i)))
			list.numbers[list.count++] = i;
	rg_retained_sort(retained, &list);
	*list_ret = list;
	return RG_OK;
}

enum rg_code rg_retained_children(const struct rg_retained *retained, uint32_t number,
	struct rg_retained_list *list_ret, struct rg_error *err)
{
	uint32_t first = retained->tree.offset[number];
	struct rg_retained_list list = { .count = retained->tree.offset[number + 1] - first };

	list.numbers = rg_array_new(list.count, sizeof(*list.numbers));
	if (!list.numbers)
		return rg_nomem(err);
	if (list.count)
		memcpy(list.numbers, retained->tree.target + first,
			list.count * sizeof(*list.numbers));
	rg_retained_sort(retained, &list);
	*list_ret = list;
	return RG_OK;
}

/* --- sets --------------------------------------------------------------------------------- */

/* The members of SELECTED that are in the tree, helpers as what they are folded into. */
static enum rg_code find_members(struct rg_retained_set *set, const struct rg_retained *retained,
	const struct rg_bitset *selected, struct rg_bitset *members, struct rg_error *err)
{
	const struct rg_heap *heap = retained->heap;
	enum rg_code code = rg_bitset_init(members, heap->n_objects, err);

	for (uint32_t id = 0; !code && id < heap->n_objects; id++) {
		uint32_t owner = rg_heap_place(heap, id, retained->raw);

		if (!rg_bitset_get(selected, id))
			continue;
		if (!rg_retained_number(retained, owner)) {
			set->unreached += owner == id;
		} else if (rg_bitset_add(members, owner)) {
			set->objects++;
			set->size += rg_heap_footprint(heap, owner, retained->raw);
		}
	}
	return code;
}

/* What is reached, but not when MEMBERS are walls: they are freed, and what they alone hold. */
static enum rg_code find_freed(struct rg_retained_set *set, const struct rg_retained *retained,
	const struct rg_bitset *members, struct rg_error *err)
{
	const struct rg_heap *heap = retained->heap;
	struct rg_bitset kept;
	enum rg_code code = rg_bitset_init(&kept, heap->n_objects, err);

	if (code)
		return code;
	memcpy(kept.words, members->words, rg_bitset_words(kept.n) * sizeof(*kept.words));
	code = rg_reach(&retained->paths.graph, retained->sources, retained->n_sources, &kept, err);
	for (uint32_t i = 1; !code && i < retained->dominators.count; i++) {
		uint32_t id = rg_retained_object(retained, i);

		if (rg_bitset_get(&kept, id) && !rg_bitset_get(members, id))
			continue;
		rg_bitset_set(&set->freed, id);
		set->retained_objects++;
		set->retained += rg_heap_footprint(heap, id, retained->raw);
	}
	rg_bitset_deinit(&kept);
	return code;
}

/* The largest number whose subtree has all MEMBERS: those that have are a chain from 0 down. */
static enum rg_code find_common(struct rg_retained_set *set, const struct rg_retained *retained,
	const struct rg_bitset *members, struct rg_error *err)
{
	const struct rg_dominators *dominators = &retained->dominators;
	uint32_t *counts = rg_pages_new(dominators->count, sizeof(*counts)), found = 0;

	if (!counts)
		return rg_nomem(err);
	for (uint32_t i = dominators->count - 1; i > 0; i--) {
		if (rg_bitset_get(members, dominators->vertex[i]))
			counts[i]++;
		/* a single member is not said to hold itself */
		if (!found && counts[i] == set->objects && set->objects)
			found = set->objects == 1 ? dominators->dominator[i] : i;
		counts[dominators->dominator[i]] += counts[i];
	}
	set->common = rg_retained_object(retained, found);
	free(counts);
	return RG_OK;
}

enum rg_code rg_retained_set_init(struct rg_retained_set *set, const struct rg_retained *retained,
	const struct rg_bitset *selected, struct rg_error *err)
{
	struct rg_bitset members = { 0 };
	enum rg_code code;

	memset(set, 0, sizeof(*set));
	code = rg_bitset_init(&set->freed, retained->heap->n_objects, err);
	if (!code)
		code = find_members(set, retained, selected, &members, err);
	if (!code)
		code = find_freed(set, retained, &members, err);
	if (!code)
		code = find_common(set, retained, &members, err);
	rg_bitset_deinit(&members);
	if (code)
		rg_retained_set_deinit(set);
	return code;
}

void rg_retained_set_deinit(struct rg_retained_set *set)
{
	rg_bitset_deinit(&set->freed);
	memset(set, 0, sizeof(*set));
}

/* --- types -------------------------------------------------------------------------------- */

struct frame {
	uint32_t number, next; /* its next edge */
};

static int by_type_retained(const void *a, const void *b)
{
	const struct rg_retained_type *x = a, *y = b;

	if (x->retained != y->retained)
		return x->retained > y->retained ? -1 : 1;
	return (x->type > y->type) - (x->type < y->type);
}

static void add_instance(struct rg_retained_types *types, const struct rg_retained *retained,
	uint32_t number, bool topmost)
{
	struct rg_retained_type *row = &types->rows[rg_retained_type(retained, number)];

	row->count++;
	row->size += rg_heap_footprint(
		retained->heap, rg_retained_object(retained, number), retained->raw);
	if (topmost)
		row->retained += retained->bytes[number];
}

/* Down the tree; open[type] counts its instances on the path, so that the topmost is known. */
static void sum_types(struct rg_retained_types *types, const struct rg_retained *retained,
	struct frame *path, uint32_t *open)
{
	const struct rg_graph *tree = &retained->tree;
	uint32_t depth = 1;

	path[0] = (struct frame){ 0, tree->offset[0] };
	while (depth > 0) {
		struct frame *at = &path[depth - 1];
		uint32_t child;

		if (at->next == tree->offset[at->number + 1]) {
			if (at->number)
				open[rg_retained_type(retained, at->number)]--;
			depth--;
			continue;
		}
		child = tree->target[at->next++];
		add_instance(
			types, retained, child, open[rg_retained_type(retained, child)]++ == 0);
		path[depth++] = (struct frame){ child, tree->offset[child] };
	}
}

enum rg_code rg_retained_types_init(
	struct rg_retained_types *types, const struct rg_retained *retained, struct rg_error *err)
{
	size_t n_types = retained->heap->n_types;
	struct frame *path = rg_pages_new(retained->dominators.count, sizeof(*path));
	uint32_t *open = rg_array_new(n_types, sizeof(*open));

	*types = (struct rg_retained_types){ .rows = rg_array_new(n_types, sizeof(*types->rows)) };
	if (!path || !open || !types->rows) {
		free(path);
		free(open);
		rg_retained_types_deinit(types);
		return rg_nomem(err);
	}
	for (size_t i = 0; i < n_types; i++)
		types->rows[i].type = (uint32_t)i;
	sum_types(types, retained, path, open);
	free(path);
	free(open);
	for (size_t i = 0; i < n_types; i++)
		if (types->rows[i].count)
			types->rows[types->count++] = types->rows[i];
	if (types->count)
		qsort(types->rows, types->count, sizeof(*types->rows), by_type_retained);
	return RG_OK;
}

void rg_retained_types_deinit(struct rg_retained_types *types)
{
	free(types->rows);
	memset(types, 0, sizeof(*types));
}
