#include "src/view/dominated.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/units.h"
#include "src/heap/fold.h"
#include "src/heap/label.h"

#define FIRST 3 /* tops that are shown however small */
#define LAST 3 /* steps of a chain that name its end */

/* A node whose own part of the tree is still to be drawn. */
struct place {
	uint32_t number, node, depth;
};

struct drawing {
	struct rg_draw *draw;
	const struct rg_retained *retained;
	const struct rg_dominated *options;
	struct place *waiting; /* a heap: most retained on top */
	size_t count, capacity;
	struct rg_error *err;
};

/* Several of one type, or of any, that stand as one box. */
struct group {
	uint32_t type;
	uint64_t count, bytes;
};

/* "1.2 MiB · 45.0 % · 60,000 objects" */
static const char *facts_of(const struct drawing *drawing, uint64_t bytes, uint64_t objects)
{
	const struct rg_retained *retained = drawing->retained;
	struct rg_arena *arena = drawing->draw->arena;
	double all = retained->bytes[0] ? (double)retained->bytes[0] : 1;

	return rg_arena_print(arena, "%s · %s%s%s", rg_units_bytes(bytes, arena),
		rg_units_share((double)bytes / all, arena), objects > 1 ? " · " : "",
		objects > 1 ? rg_units_things(objects, "object", "objects", arena) : "");
}

static bool comes_before(
	const struct drawing *drawing, const struct place *a, const struct place *b)
{
	const uint64_t *bytes = drawing->retained->bytes;

	if (bytes[a->number] != bytes[b->number])
		return bytes[a->number] > bytes[b->number];
	return a->number < b->number;
}

static void wait_for(struct drawing *drawing, struct place place)
{
	struct place *slot = RG_PUSH(drawing->waiting, drawing->count, drawing->capacity);
	size_t at = drawing->count - 1;

	if (!slot) {
		drawing->draw->failed = true;
		return;
	}
	for (; at > 0 && comes_before(drawing, &place, &drawing->waiting[(at - 1) / 2]);
		at = (at - 1) / 2)
		drawing->waiting[at] = drawing->waiting[(at - 1) / 2];
	drawing->waiting[at] = place;
}

/* What retains most of what waits. */
static struct place take_next(struct drawing *drawing)
{
	struct place first = drawing->waiting[0], last = drawing->waiting[--drawing->count];
	size_t at = 0, below;

	while ((below = 2 * at + 1) < drawing->count) {
		if (below + 1 < drawing->count &&
			comes_before(
				drawing, &drawing->waiting[below + 1], &drawing->waiting[below]))
			below++;
		if (!comes_before(drawing, &drawing->waiting[below], &last))
			break;
		drawing->waiting[at] = drawing->waiting[below];
		at = below;
	}
	drawing->waiting[at] = last;
	return first;
}

/* The node of NUMBER, whose own part of the tree is to follow. */
static uint32_t draw_one(struct drawing *drawing, uint32_t number, uint32_t depth)
{
	const struct rg_retained *retained = drawing->retained;
	struct rg_draw *draw = drawing->draw;
	uint32_t id = rg_retained_object(retained, number);
	uint32_t node = rg_draw_object(draw, id, RG_PICTURE_NO_CLUSTER);

	if (node == RG_NO_ID)
		return node;
	draw->picture.nodes[node].facts = facts_of(
		drawing, retained->bytes[number], retained->objects[number]);
	wait_for(drawing, (struct place){ number, node, depth });
	return node;
}

/* The reference by which the dominator itself holds NUMBER; "…" where others are between. */
static const char *label_of(const struct drawing *drawing, uint32_t number, uint32_t *edge_ret)
{
	const struct rg_retained *retained = drawing->retained;
	const struct rg_distances *distances = &retained->paths.distances;
	uint32_t id = rg_retained_object(retained, number);
	uint32_t up = rg_retained_object(retained, retained->dominators.dominator[number]);

	*edge_ret = RG_PICTURE_NO_OBJECT;
	if (distances->edge[id] == RG_NO_EDGE || distances->parent[id] != up)
		return "…";
	*edge_ret = rg_graph_label(&retained->paths.graph, distances->edge[id]);
	return rg_draw_label(drawing->draw, *edge_ret);
}

/* Groups of the COUNT numbers by type, those with most bytes first. */
static struct group *group_by_type(
	struct drawing *drawing, const uint32_t *numbers, uint32_t count, size_t *n_ret)
{
	const struct rg_retained *retained = drawing->retained;
	struct rg_map rows = { 0 };
	struct group *groups = NULL, *group;
	size_t n = 0, capacity = 0;

	for (uint32_t i = 0; i < count && !drawing->draw->failed; i++) {
		uint32_t id = rg_retained_object(retained, numbers[i]);
		uint32_t type = retained->heap->type[rg_heap_stand_in(retained->heap, id)];
		uint32_t row = rg_map_get(&rows, (uint64_t)type + 1);

		if (row == RG_MAP_NONE) {
			row = (uint32_t)n;
			group = RG_PUSH(groups, n, capacity);
			if (!group || !rg_map_set(&rows, (uint64_t)type + 1, row)) {
				drawing->draw->failed = true;
				break;
			}
			*group = (struct group){ .type = type };
		}
		groups[row].count += !rg_holder_stands_aside(retained, numbers[i]);
		groups[row].bytes += retained->bytes[numbers[i]];
	}
	rg_map_deinit(&rows);
	*n_ret = n;
	return groups;
}

static int most_bytes(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return (x->type > y->type) - (x->type < y->type);
}

static void draw_group(struct drawing *drawing, uint32_t node, const struct group *group)
{
	struct rg_draw *draw = drawing->draw;
	const struct rg_heap_type *type = &draw->heap->types[group->type];
	uint32_t box = rg_draw_node(draw, RG_PICTURE_AGGREGATE, RG_PICTURE_NO_CLUSTER,
		rg_arena_print(draw->arena, "%s × %.*s", rg_units_count(group->count, draw->arena),
			(int)type->name.length, type->name.bytes),
		facts_of(drawing, group->bytes, 0));

	if (box != RG_NO_ID)
		draw->picture.nodes[box].alike = group->count;
	rg_draw_edge(draw, node, box, "", group->count);
}

static void draw_rest(struct drawing *drawing, uint32_t node, const struct group *rest)
{
	struct rg_draw *draw = drawing->draw;
	uint32_t box = rg_draw_node(draw, RG_PICTURE_REST, RG_PICTURE_NO_CLUSTER,
		rg_arena_print(draw->arena, "… %s more", rg_units_count(rest->count, draw->arena)),
		facts_of(drawing, rest->bytes, 0));

	if (box != RG_NO_ID)
		draw->picture.nodes[box].alike = rest->count;
	rg_draw_edge(draw, node, box, "", rest->count);
}

/* What is not shown one by one, in ROOM boxes; what is next to nothing of ALL in the last. */
static void draw_others(struct drawing *drawing, uint32_t node, const uint32_t *numbers,
	uint32_t count, uint32_t room, uint64_t all)
{
	struct group rest = { 0 };
	size_t n;
	struct group *groups = group_by_type(drawing, numbers, count, &n);

	if (n)
		qsort(groups, n, sizeof(*groups), most_bytes);
	for (size_t i = 0; i < n; i++) {
		if (groups[i].count > 1 && room > 1 && groups[i].bytes >= all / 20) {
			draw_group(drawing, node, &groups[i]);
			room--;
			continue;
		}
		rest.count += groups[i].count;
		rest.bytes += groups[i].bytes;
	}
	if (rest.count)
		draw_rest(drawing, node, &rest);
	free(groups);
}

/* How many of the N numbers are shown one by one: the big ones, or all where they are few. */
static uint32_t count_shown(const struct drawing *drawing, const struct rg_retained_list *list)
{
	uint32_t breadth = drawing->options->breadth, n = 0, few = breadth < 3 ? breadth : 3;

	if (list->count <= breadth)
		return list->count;
	while (n < breadth && drawing->retained->bytes[list->numbers[n]] >= drawing->retained->big)
		n++;
	return n < few ? few : n;
}

static enum rg_code draw_below(struct drawing *drawing, struct place place)
{
	struct rg_draw *draw = drawing->draw;
	struct rg_retained_list list;
	uint32_t shown;
	enum rg_code code = rg_retained_children(
		drawing->retained, place.number, &list, drawing->err);

	if (code)
		return code;
	shown = count_shown(drawing, &list);
	for (uint32_t i = 0; i < shown && draw->budget > 1; i++) {
		uint32_t reference;
		const char *label = label_of(drawing, list.numbers[i], &reference);
		uint32_t node = draw_one(drawing, list.numbers[i], place.depth + 1);
		struct rg_picture_edge *edge = rg_draw_edge(draw, place.node, node, label, 1);

		if (edge)
			edge->reference = reference;
		if (i + 1 < shown && draw->budget <= 1)
			shown = i + 1;
	}
	if (shown < list.count)
		draw_others(drawing, place.node, list.numbers + shown, list.count - shown,
			drawing->options->breadth > shown ? drawing->options->breadth - shown : 1,
			drawing->retained->bytes[place.number]);
	free(list.numbers);
	return RG_OK;
}

/* "main().heap", "….CACHE['u:81']": what holds an object, the end of a long chain. */
static const char *path_of(struct drawing *drawing, uint32_t id)
{
	const struct rg_paths *paths = &drawing->retained->paths;
	struct rg_draw *draw = drawing->draw;
	struct rg_path_step *steps;
	uint32_t count, first;
	const char *text = "";

	if (rg_paths_chain(paths, id, &steps, &count, drawing->err)) {
		draw->failed = true;
		return text;
	}
	first = count > LAST ? count - LAST : 1;
	if (count)
		text = first > 1 ? "…"
				 : rg_label_root_path(draw->heap,
					   &draw->heap->roots[paths->root_of[steps[0].object]],
					   draw->arena);
	for (uint32_t i = first; i < count; i++)
		if (i + 1 == count || !rg_label_is_dict(draw->heap, steps[i].reference))
			text = rg_arena_print(draw->arena, "%s%s", text,
				rg_label_reference(draw->heap, steps[i].reference, draw->arena));
	free(steps);
	return text;
}

/* A top says what holds it; what a root holds is a house. Modules say it by their name. */
static void name_top(struct drawing *drawing, uint32_t number, uint32_t node)
{
	const struct rg_retained *retained = drawing->retained;
	struct rg_draw *draw = drawing->draw;
	struct rg_picture_node *row = &draw->picture.nodes[node];
	uint32_t id = rg_retained_object(retained, number);
	uint32_t shown = rg_heap_stand_in(draw->heap, id);
	const char *path;

	if (retained->paths.root_of[id] < draw->heap->n_roots || shown != id) {
		row->kind = RG_PICTURE_ROOT;
		draw->has_root = true;
	}
	if (rg_heap_type(draw->heap, shown)->flags & RG_TYPE_MODULE) {
		/* its dict stands for it, where functions hold that as well */
		row->title = rg_arena_print(
			draw->arena, "module %s", rg_label_name(draw->heap, shown, draw->arena));
		return;
	}
	path = path_of(drawing, id);
	if (*path)
		row->title = rg_arena_print(draw->arena, "%s → %s", path, row->title);
}

/* Of the COUNT tops that are not shown those of one type that are big together, in ROOM boxes. */
static void draw_crowds(
	struct drawing *drawing, const uint32_t *tops, uint32_t count, uint32_t room)
{
	size_t n;
	struct group *groups = group_by_type(drawing, tops, count, &n);

	if (n)
		qsort(groups, n, sizeof(*groups), most_bytes);
	for (size_t i = 0; i < n && i < room; i++)
		if (groups[i].count > 1 && groups[i].bytes >= drawing->retained->big)
			draw_group(drawing, RG_NO_ID, &groups[i]);
	free(groups);
}

/* True where the top NUMBER, one of N, is shown by itself, with SHOWN before it. */
static bool is_shown(const struct drawing *drawing, uint32_t number, uint32_t n, uint32_t shown)
{
	const struct rg_retained *retained = drawing->retained;

	if (shown >= drawing->options->breadth)
		return false;
	/* of many that were asked about a few stand for all */
	if (drawing->options->asked)
		return n <= drawing->options->breadth || shown < FIRST;
	return (shown < FIRST || retained->bytes[number] >= retained->big) &&
	       !rg_holder_is_code(retained, number);
}

static enum rg_code draw_all(struct drawing *drawing, const uint32_t *tops, uint32_t n)
{
	enum rg_code code = RG_OK;
	uint32_t *others = rg_array_new(n, sizeof(*others)), n_others = 0, shown = 0;

	if (!others)
		return rg_nomem(drawing->err);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t node = RG_NO_ID;

		if (is_shown(drawing, tops[i], n, shown))
			node = draw_one(drawing, tops[i], 0);
		if (node == RG_NO_ID) {
			others[n_others++] = tops[i];
			continue;
		}
		shown++;
		drawing->draw->picture.nodes[node].asked = drawing->options->asked;
		name_top(drawing, tops[i], node);
	}
	if (drawing->options->asked)
		draw_others(drawing, RG_NO_ID, others, n_others, drawing->options->breadth, 0);
	else
		draw_crowds(drawing, others, n_others, drawing->options->breadth);
	free(others);
	while (!code && drawing->count > 0 && !drawing->draw->failed) {
		struct place place = take_next(drawing);

		if (place.depth < drawing->options->depth)
			code = draw_below(drawing, place);
	}
	return code;
}

enum rg_code rg_view_dominated(struct rg_draw *draw, const struct rg_retained *retained,
	const struct rg_dominated *options, const uint32_t *tops, uint32_t n, struct rg_error *err)
{
	struct drawing drawing = {
		.draw = draw, .retained = retained, .options = options, .err = err
	};
	enum rg_code code = draw_all(&drawing, tops, n);

	free(drawing.waiting);
	if (code)
		return code;
	draw->picture.sideways = true;
	rg_draw_finish(draw, "retained",
		options->asked ? "What would be freed with it?" : "What keeps most memory alive?",
		false);
	return draw->failed ? rg_nomem(err) : RG_OK;
}
