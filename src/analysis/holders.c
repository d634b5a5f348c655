#include "src/analysis/holders.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "src/analysis/routes.h"
#include "src/heap/fold.h"
#include "src/heap/label.h"

#define CODE 5 /* times as much as is big: a module or class that is no mere code */
#define MANY 16 /* small ones, that are a drop */
#define STEPS 24 /* down which one big part in another is followed */
#define PERIOD 8 /* links of a chain that are alike in turns, at most */

/* --- code --------------------------------------------------------------------------------- */

/* Flags of the type of NUMBER; of the dict of a module the module's. */
static uint32_t flags_of(const struct rg_retained *retained, uint32_t number)
{
	uint32_t id = rg_retained_object(retained, number);

	return rg_heap_type(retained->heap, rg_heap_stand_in(retained->heap, id))->flags;
}

static bool is_module_or_class(const struct rg_retained *retained, uint32_t number)
{
	return flags_of(retained, number) & (RG_TYPE_MODULE | RG_TYPE_METATYPE);
}

/* A big part of NUMBER: one that is neither module nor class where there is such, or 0. */
static uint32_t big_part(const struct rg_retained *retained, uint32_t number)
{
	const struct rg_graph *tree = &retained->tree;
	uint32_t found = 0;

	for (uint32_t e = tree->offset[number]; e < tree->offset[number + 1]; e++) {
		if (retained->bytes[tree->target[e]] < retained->big)
			continue;
		found = tree->target[e];
		if (!is_module_or_class(retained, found))
			return found;
	}
	return found;
}

bool rg_holder_is_code(const struct rg_retained *retained, uint32_t number)
{
	if (retained->bytes[number] >= CODE * retained->big)
		return false;
	/* a module may hold its dict alone, and that a class */
	while (number && is_module_or_class(retained, number))
		number = big_part(retained, number);
	return number == 0;
}

bool rg_holder_stands_aside(const struct rg_retained *retained, uint32_t number)
{
	uint32_t id = rg_retained_object(retained, number);
	uint32_t dict = rg_heap_type(retained->heap, id)->flags & RG_TYPE_MODULE
				? rg_heap_namespace(retained->heap, id)
				: RG_NO_ID;

	return dict != RG_NO_ID &&
	       retained->dominators.dominator[rg_retained_number(retained, dict)] != number;
}

/* --- drops -------------------------------------------------------------------------------- */

/* The type that most of the bytes are in that NUMBER dominates. */
static enum rg_code find_alike(const struct rg_retained *retained, uint32_t number,
	struct rg_drop *drop, struct rg_error *err)
{
	const struct rg_heap *heap = retained->heap;
	const struct rg_graph *tree = &retained->tree;
	uint32_t first = tree->offset[number], end = tree->offset[number + 1];
	uint64_t *bytes;

	if (first == end)
		return RG_OK;
	bytes = rg_array_new(heap->n_types, sizeof(*bytes));
	if (!bytes)
		return rg_nomem(err);
	for (uint32_t e = first; e < end; e++) {
		uint32_t type = rg_retained_type(retained, tree->target[e]);

		bytes[type] += retained->bytes[tree->target[e]];
		if (bytes[type] > drop->alike_bytes) {
			drop->alike_bytes = bytes[type];
			drop->type = type;
		}
	}
	for (uint32_t e = first; e < end; e++)
		drop->alike += rg_retained_type(retained, tree->target[e]) == drop->type;
	free(bytes);
	return RG_OK;
}

static void measure(const struct rg_retained *retained, uint32_t number, struct rg_drop *drop)
{
	const struct rg_graph *tree = &retained->tree;

	*drop = (struct rg_drop){ .bytes = retained->bytes[number] };
	for (uint32_t e = tree->offset[number]; e < tree->offset[number + 1]; e++) {
		uint32_t child = tree->target[e];

		if (!drop->largest || retained->bytes[child] > retained->bytes[drop->largest])
			drop->largest = child;
		if (retained->bytes[child] < retained->big)
			drop->small++;
		else
			drop->bytes -= retained->bytes[child];
	}
}

enum rg_code rg_drop_of(const struct rg_retained *retained, uint32_t number,
	struct rg_drop *drop_ret, struct rg_error *err)
{
	measure(retained, number, drop_ret);
	return find_alike(retained, number, drop_ret, err);
}

struct dropping {
	uint64_t bytes;
	uint32_t number;
};

static int by_drop(const void *a, const void *b)
{
	const struct dropping *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

enum rg_code rg_drops_list(
	const struct rg_retained *retained, struct rg_retained_list *list_ret, struct rg_error *err)
{
	struct dropping *rows = NULL, *row;
	size_t count = 0, capacity = 0;
	struct rg_retained_list list = { 0 };

	for (uint32_t i = 1; i < retained->dominators.count; i++) {
		struct rg_drop drop;

		if (retained->bytes[i] < retained->big)
			continue;
		measure(retained, i, &drop);
		if (drop.bytes < retained->big || drop.small < MANY ||
			rg_holder_is_code(retained, i))
			continue;
		row = RG_PUSH(rows, count, capacity);
		if (!row) {
			free(rows);
			return rg_nomem(err);
		}
		*row = (struct dropping){ drop.bytes, i };
	}
	if (count)
		qsort(rows, count, sizeof(*rows), by_drop);
	list.numbers = rg_array_new(count, sizeof(*list.numbers));
	if (!list.numbers) {
		free(rows);
		return rg_nomem(err);
	}
	for (; list.count < count; list.count++)
		list.numbers[list.count] = rows[list.count].number;
	free(rows);
	*list_ret = list;
	return RG_OK;
}

/* --- holders ------------------------------------------------------------------------------ */

/* True where the reference by which NUMBER is held says its name: no index, no key of data. */
static bool is_named(const struct rg_retained *retained, uint32_t number)
{
	const struct rg_distances *distances = &retained->paths.distances;
	uint32_t id = rg_retained_object(retained, number), edge = distances->edge[id];

	if (edge == RG_NO_EDGE)
		return false;
	return !rg_label_is_general(retained->heap, distances->parent[id],
		rg_graph_label(&retained->paths.graph, edge));
}

/*
 * The part of NUMBER that has at least three quarters of it, or 0. Where others that have names are
 * big too, they are to be told beside it.
 */
static uint32_t main_part(const struct rg_retained *retained, uint32_t number)
{
	const struct rg_graph *tree = &retained->tree;
	uint64_t enough = retained->bytes[number] - retained->bytes[number] / 4;
	uint32_t found = 0, named = 0;

	for (uint32_t e = tree->offset[number]; e < tree->offset[number + 1]; e++) {
		if (retained->bytes[tree->target[e]] >= enough)
			found = tree->target[e];
		else if (retained->bytes[tree->target[e]] >= retained->big)
			named += is_named(retained, tree->target[e]);
	}
	return found && named && is_named(retained, found) ? 0 : found;
}

/*
 * The head of a chain: of the COUNT numbers of TRAIL, each the main part of the one before, the
 * first of those at the end whose types take turns; the last where they take none.
 */
static uint32_t head_of_chain(
	const struct rg_retained *retained, const uint32_t *trail, uint32_t count)
{
	uint32_t last = count - 1;

	for (uint32_t period = 1; period <= PERIOD && 2 * period < count; period++) {
		uint32_t first = last - period;

		while (first != UINT32_MAX &&
			rg_retained_type(retained, trail[first]) ==
				rg_retained_type(retained, trail[first + period]))
			first--;
		/* twice round at least, or it is chance */
		if (last - first >= 2 * period + period)
			return trail[first + 1];
	}
	return trail[last];
}

/* Where nearly all of NUMBER is: down its main parts, to the head of a chain at most. */
static uint32_t follow(const struct rg_retained *retained, uint32_t number)
{
	uint32_t trail[STEPS], count = 0;

	while (number && count < STEPS) {
		trail[count++] = number;
		number = main_part(retained, number);
	}
	return number ? head_of_chain(retained, trail, count) : trail[count - 1];
}

struct opening {
	const struct rg_retained *retained;
	struct rg_holders *holders;
	uint32_t *waiting; /* numbers not looked at yet */
	size_t n_waiting, capacity;
	struct rg_retained_list list;
	size_t list_capacity;
	bool failed;
};

static void wait_for(struct opening *opening, uint32_t number)
{
	uint32_t *slot = RG_PUSH(opening->waiting, opening->n_waiting, opening->capacity);

	opening->failed |= !slot;
	if (slot)
		*slot = number;
}

static void list_one(struct opening *opening, uint32_t number)
{
	uint32_t *slot = RG_PUSH(
		opening->list.numbers, opening->list.count, opening->list_capacity);

	opening->failed |= !slot;
	if (slot)
		*slot = number;
}

/* A node of a tree or list of its own kind; dicts are records of all kinds. */
static bool is_link(const struct rg_retained *retained, uint32_t number, uint32_t part)
{
	uint32_t type = rg_retained_type(retained, number);

	return type == rg_retained_type(retained, part) &&
	       !(retained->heap->types[type].flags & RG_TYPE_DICT);
}

/* What is left of a module or class without parts of BYTES and OBJECTS is code. */
static void add_code(struct rg_holders *holders, const struct rg_retained *retained,
	uint32_t number, uint64_t bytes, uint64_t objects)
{
	struct rg_holder *row = flags_of(retained, number) & RG_TYPE_MODULE ? &holders->modules
									    : &holders->classes;

	row->count += !rg_holder_stands_aside(retained, number);
	row->bytes += retained->bytes[number] - bytes;
	row->objects += retained->objects[number] - objects;
}

/*
 * A crowd: of what a module or class dominates, many small ones of one type that no reference names
 * and that are big together. Two of its containers hold each, so that neither dominates them.
 */
struct crowd {
	uint32_t type, count;
	uint64_t bytes, objects;
};

/* Texts, numbers, functions and classes are a module's own affair. */
static bool may_be_crowd(const struct rg_retained *retained, uint32_t number)
{
	const struct rg_heap_type *type =
		&retained->heap->types[rg_retained_type(retained, number)];

	return retained->bytes[number] < retained->big && !is_named(retained, number) &&
	       !(type->flags & (RG_TYPE_FUNCTION | RG_TYPE_METATYPE | RG_TYPE_MODULE)) &&
	       !rg_text_is(type->module, "builtins");
}

static bool is_in_crowd(
	const struct rg_retained *retained, const struct crowd *crowd, uint32_t number)
{
	return crowd->count && rg_retained_type(retained, number) == crowd->type &&
	       may_be_crowd(retained, number);
}

/* The largest crowd of NUMBER; without members where there is none. False when out of memory. */
static bool find_crowd(const struct rg_retained *retained, uint32_t number, struct crowd *crowd_ret)
{
	const struct rg_graph *tree = &retained->tree;
	struct crowd *sums = rg_array_new(retained->heap->n_types, sizeof(*sums)), best = { 0 };

	for (uint32_t e = tree->offset[number]; sums && e < tree->offset[number + 1]; e++) {
		uint32_t child = tree->target[e], type = rg_retained_type(retained, child);

		if (!may_be_crowd(retained, child))
			continue;
		sums[type].type = type;
		sums[type].count++;
		sums[type].bytes += retained->bytes[child];
		sums[type].objects += retained->objects[child];
		if (sums[type].bytes > best.bytes)
			best = sums[type];
	}
	*crowd_ret = best.count >= MANY && best.bytes >= retained->big ? best : (struct crowd){ 0 };
	free(sums);
	return sums != NULL;
}

/* A part that NUMBER, if it is split, is told by. */
static bool is_part(const struct rg_retained *retained, uint32_t part)
{
	return retained->bytes[part] >= retained->big && is_named(retained, part);
}

/* Go on with the parts of NUMBER, and with its CROWD, which routes put together. */
static void take_parts(struct opening *opening, uint32_t number, const struct crowd *crowd)
{
	const struct rg_graph *tree = &opening->retained->tree;

	for (uint32_t e = tree->offset[number]; e < tree->offset[number + 1]; e++)
		if (is_part(opening->retained, tree->target[e]))
			wait_for(opening, tree->target[e]);
		else if (is_in_crowd(opening->retained, crowd, tree->target[e]))
			list_one(opening, tree->target[e]);
}

/*
 * Its big parts instead of NUMBER: of a module or class all that have names, and a crowd; of other
 * objects where there are several, and they are most of it.
 */
static bool split(struct opening *opening, uint32_t number)
{
	const struct rg_retained *retained = opening->retained;
	const struct rg_graph *tree = &retained->tree;
	bool code = is_module_or_class(retained, number);
	struct crowd crowd = { 0 };
	uint64_t bytes, objects, whole = retained->bytes[number];
	uint32_t parts;

	if (code && whole >= retained->big && !find_crowd(retained, number, &crowd))
		opening->failed = true;
	bytes = crowd.bytes;
	objects = crowd.objects;
	parts = crowd.count > 0;
	for (uint32_t e = tree->offset[number]; e < tree->offset[number + 1]; e++) {
		uint32_t part = tree->target[e];

		if (!is_part(retained, part))
			continue;
		if (is_link(retained, number, part))
			return false;
		bytes += retained->bytes[part];
		objects += retained->objects[part];
		parts++;
	}
	if (bytes < whole - whole / 2 && (!code || whole - bytes >= CODE * retained->big))
		return false;
	if (parts < (code ? 1 : 2))
		return false;
	take_parts(opening, number, &crowd);
	if (code)
		add_code(opening->holders, retained, number, bytes, objects);
	return true;
}

static void open_all(struct opening *opening)
{
	const struct rg_retained *retained = opening->retained;
	const struct rg_graph *tree = &retained->tree;

	for (uint32_t e = tree->offset[0]; e < tree->offset[1]; e++)
		if (retained->bytes[tree->target[e]] >= retained->big)
			wait_for(opening, tree->target[e]);
		else
			list_one(opening, tree->target[e]);
	while (opening->n_waiting > 0 && !opening->failed) {
		uint32_t number = follow(retained, opening->waiting[--opening->n_waiting]);

		if (!split(opening, number))
			list_one(opening, number);
	}
}

static bool is_small(const struct rg_retained *retained, uint32_t number)
{
	return retained->bytes[number] < retained->big;
}

/* The routes to what is small in LIST. */
static enum rg_code find_routes(struct rg_routes *routes, const struct rg_retained *retained,
	const struct rg_retained_list *list, struct rg_error *err)
{
	struct rg_bitset small;
	enum rg_code code = rg_bitset_init(&small, retained->heap->n_objects, err);

	if (code)
		return code;
	for (uint32_t i = 0; i < list->count; i++)
		if (is_small(retained, list->numbers[i]))
			rg_bitset_set(&small, rg_retained_object(retained, list->numbers[i]));
	code = rg_routes_init(routes, retained->heap, &retained->paths, &small, retained->raw, err);
	rg_bitset_deinit(&small);
	return code;
}

static void add_holder(struct rg_holder *row, const struct rg_retained *retained, uint32_t number)
{
	if (!row->count)
		row->number = number;
	row->count++;
	row->bytes += retained->bytes[number];
	row->objects += retained->objects[number];
	row->size += rg_heap_footprint(
		retained->heap, rg_retained_object(retained, number), retained->raw);
}

/* Rows for LIST, which is sorted: what is small by its route, all else alone. */
static enum rg_code merge(struct rg_holders *holders, const struct rg_retained *retained,
	const struct rg_routes *routes, const struct rg_retained_list *list, struct rg_error *err)
{
	/* + 1; 0: none yet; behind the routes the types of what is on none */
	uint32_t *row_of = rg_array_new(routes->count + retained->heap->n_types, sizeof(*row_of));

	holders->rows = rg_array_new(list->count, sizeof(*holders->rows));
	if (!row_of || !holders->rows) {
		free(row_of);
		return rg_nomem(err);
	}
	for (uint32_t i = 0; i < list->count; i++) {
		uint32_t number = list->numbers[i], row = holders->count;
		uint32_t group = routes->route_of[rg_retained_object(retained, number)];

		if (rg_holder_is_code(retained, number)) {
			add_code(holders, retained, number, 0, 0);
			continue;
		}
		if (group == RG_NO_ID)
			group = (uint32_t)routes->count + rg_retained_type(retained, number);
		if (is_small(retained, number)) {
			if (!row_of[group])
				row_of[group] = row + 1;
			row = row_of[group] - 1;
		}
		holders->count += row == holders->count;
		add_holder(&holders->rows[row], retained, number);
	}
	free(row_of);
	return RG_OK;
}

static int by_bytes(const void *a, const void *b)
{
	const struct rg_holder *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

enum rg_code rg_holders_init(
	struct rg_holders *holders, const struct rg_retained *retained, struct rg_error *err)
{
	struct opening opening = { .retained = retained, .holders = holders };
	struct rg_routes routes = { 0 };
	enum rg_code code;

	memset(holders, 0, sizeof(*holders));
	open_all(&opening);
	free(opening.waiting);
	rg_retained_sort(retained, &opening.list);
	code = opening.failed ? rg_nomem(err) : find_routes(&routes, retained, &opening.list, err);
	if (!code)
		code = merge(holders, retained, &routes, &opening.list, err);
	if (!code && holders->count)
		qsort(holders->rows, holders->count, sizeof(*holders->rows), by_bytes);
	rg_routes_deinit(&routes);
	free(opening.list.numbers);
	if (code)
		rg_holders_deinit(holders);
	return code;
}

void rg_holders_deinit(struct rg_holders *holders)
{
	free(holders->rows);
	memset(holders, 0, sizeof(*holders));
}
