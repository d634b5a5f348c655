#include "src/view/cycle.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/units.h"
#include "src/heap/label.h"

#define SIBLINGS 3 /* references of one pattern that are drawn one by one */
#define REPEATS 2 /* of a cycle that does not fit: nodes reached by one pattern */

/* One component while it is drawn. */
struct drawing {
	struct rg_draw *draw;
	const struct rg_cycles *cycles;
	const struct rg_cycle_group *group;
	uint32_t cluster;
	uint32_t share; /* nodes this component may take */
	bool large; /* it does not fit: draw each kind of reference a few times only */
	struct rg_map drawn; /* pattern + 1 -> how many references of it led to a new node */
	uint32_t *queue, head, tail;
	struct rg_error *err;
};

static const char *edge_label(struct drawing *drawing, uint32_t row)
{
	const char *label = rg_label_reference(drawing->cycles->heap, row, drawing->draw->arena);

	return *label == '.' ? label + 1 : label;
}

static bool is_cut(const struct drawing *drawing, uint32_t pattern)
{
	const struct rg_pattern *rows = drawing->cycles->patterns.rows;

	/* by kind and label: a proposal may stand for several pairs of types */
	for (size_t i = 0; i < drawing->group->n_breaks; i++) {
		const struct rg_pattern *cut = &rows[drawing->group->breaks[i].pattern];

		if (cut->kind == rows[pattern].kind && strcmp(cut->label, rows[pattern].label) == 0)
			return true;
	}
	return false;
}

static uint32_t pattern_of(struct drawing *drawing, uint32_t from, uint32_t edge)
{
	return rg_patterns_of((struct rg_patterns *)&drawing->cycles->patterns, from,
		rg_graph_label(&drawing->cycles->graph, edge));
}

static bool inside(const struct drawing *drawing, uint32_t id)
{
	return drawing->cycles->components.of[id] == drawing->group->component;
}

/* How many references of VERTEX have the pattern of EDGE, and the place of EDGE among them. */
static uint32_t siblings(
	struct drawing *drawing, uint32_t vertex, uint32_t edge, uint32_t *place_ret)
{
	const struct rg_graph *graph = &drawing->cycles->graph;
	uint32_t pattern = pattern_of(drawing, vertex, edge), count = 0;

	for (uint32_t e = graph->offset[vertex]; e < graph->offset[vertex + 1]; e++) {
		if (e == edge)
			*place_ret = count;
		count += inside(drawing, graph->target[e]) &&
			 pattern_of(drawing, vertex, e) == pattern;
	}
	return count;
}

/* Count a node reached by PATTERN; false when enough of them are drawn. */
static bool admit(struct drawing *drawing, uint32_t pattern)
{
	uint32_t count = rg_map_get(&drawing->drawn, (uint64_t)pattern + 1);

	count = count == RG_MAP_NONE ? 1 : count + 1;
	if (drawing->share == 0 || (drawing->large && count > REPEATS))
		return false;
	if (!rg_map_set(&drawing->drawn, (uint64_t)pattern + 1, count))
		drawing->draw->failed = true;
	drawing->share--;
	return true;
}

/* The references of a shown member: to new members while there is room, siblings folded. */
static void spread(struct drawing *drawing, uint32_t vertex)
{
	const struct rg_graph *graph = &drawing->cycles->graph;
	uint32_t first = graph->offset[vertex], end = graph->offset[vertex + 1];

	/* a vertex with very many references: its first ones stand for them */
	for (uint32_t e = first; e < end && e < first + 200; e++) {
		uint32_t target = graph->target[e], place = 0, count;

		if (!inside(drawing, target) || rg_draw_find(drawing->draw, target) != RG_NO_ID)
			continue;
		count = end - first > 2000 ? end - first : siblings(drawing, vertex, e, &place);
		if (count > SIBLINGS && place > 0)
			continue;
		if (!admit(drawing, pattern_of(drawing, vertex, e)))
			continue;
		if (rg_draw_object(drawing->draw, target, drawing->cluster) != RG_NO_ID)
			drawing->queue[drawing->tail++] = target;
	}
}

/* References of one shown member to members that are not drawn, folded by pattern. */
static void draw_rest(struct drawing *drawing, uint32_t vertex)
{
	const struct rg_graph *graph = &drawing->cycles->graph;
	struct rg_draw *draw = drawing->draw;

	for (uint32_t e = graph->offset[vertex]; e < graph->offset[vertex + 1]; e++) {
		uint32_t target = graph->target[e], pattern, count = 0, row;
		const struct rg_pattern *info;
		struct rg_picture_edge *edge;

		if (!inside(drawing, target) || rg_draw_find(draw, target) != RG_NO_ID)
			continue;
		pattern = pattern_of(drawing, vertex, e);
		for (uint32_t k = graph->offset[vertex]; k < graph->offset[vertex + 1]; k++) {
			bool alike = inside(drawing, graph->target[k]) &&
				     rg_draw_find(draw, graph->target[k]) == RG_NO_ID &&
				     pattern_of(drawing, vertex, k) == pattern;

			/* the first of them draws for all */
			if (alike && k < e)
				break;
			count += alike;
		}
		if (count == 0)
			continue;
		info = &drawing->cycles->patterns.rows[pattern];
		row = rg_draw_node(draw, count > 1 ? RG_PICTURE_AGGREGATE : RG_PICTURE_REST,
			drawing->cluster,
			rg_arena_print(draw->arena, "%s%.*s",
				count > 1 ? rg_arena_print(draw->arena, "%s × ",
						    rg_units_count(count, draw->arena))
					  : "… ",
				(int)draw->heap->types[info->to_type].name.length,
				draw->heap->types[info->to_type].name.bytes),
			"more of the cycle");
		if (row != RG_NO_ID)
			draw->picture.nodes[row].alike = count;
		edge = rg_draw_edge(draw, rg_draw_find(draw, vertex), row,
			count > 1 ? info->label : edge_label(drawing, rg_graph_label(graph, e)),
			count);
		if (edge && is_cut(drawing, pattern))
			draw->has_cut = edge->cut = true;
		if (draw->budget == 0)
			return;
		if (graph->offset[vertex + 1] - graph->offset[vertex] > 2000)
			return;
	}
}

/* Every reference between two drawn members. */
static void draw_inner_edges(struct drawing *drawing)
{
	const struct rg_graph *graph = &drawing->cycles->graph;
	struct rg_draw *draw = drawing->draw;

	for (uint32_t i = 0; i < drawing->tail; i++) {
		uint32_t vertex = drawing->queue[i];

		for (uint32_t e = graph->offset[vertex]; e < graph->offset[vertex + 1]; e++) {
			uint32_t to = inside(drawing, graph->target[e])
					      ? rg_draw_find(draw, graph->target[e])
					      : RG_NO_ID;
			struct rg_picture_edge *edge = rg_draw_edge(draw,
				rg_draw_find(draw, vertex), to,
				to == RG_NO_ID ? "" : edge_label(drawing, rg_graph_label(graph, e)),
				1);

			if (!edge)
				continue;
			edge->reference = rg_graph_label(graph, e);
			if (is_cut(drawing, pattern_of(drawing, vertex, e)))
				draw->has_cut = edge->cut = true;
		}
	}
}

static const char *caption_of(struct drawing *drawing, uint32_t rank)
{
	const struct rg_cycle_group *group = drawing->group;
	struct rg_arena *arena = drawing->draw->arena;
	uint32_t n;
	uint64_t size = group->size_all / group->alike;

	rg_cycle_members(drawing->cycles, group->component, &n);
	return rg_arena_print(arena, "%s %u · %s · %s%s%s",
		group->garbage ? "garbage cycle" : "cycle", rank,
		rg_units_things(n, "object", "objects", arena), rg_units_bytes(size, arena),
		group->alike > 1 ? " · " : "",
		group->alike > 1 ? rg_arena_print(arena, "%s more like it",
					   rg_units_count(group->alike - 1, arena))
				 : "");
}

/* The cycles alike that the same object holds, as one box. */
static void draw_alike(struct drawing *drawing, uint32_t holder)
{
	const struct rg_cycles *cycles = drawing->cycles;
	const struct rg_cycle_group *group = drawing->group;
	const uint32_t *parent = cycles->paths.distances.parent;
	struct rg_draw *draw = drawing->draw;
	const struct rg_heap_type *type = rg_heap_type(cycles->heap, group->entry);
	uint64_t together = 0;
	uint32_t row;

	for (size_t i = 0; i < group->n_components && group->alike > 1; i++) {
		uint32_t n;
		const uint32_t *members = rg_cycle_members(cycles, group->components[i], &n);
		bool same = false;

		if (group->components[i] == group->component)
			continue;
		for (uint32_t k = 0; k < n; k++)
			same |= parent[members[k]] == parent[group->entry];
		together += same;
	}
	if (together == 0 || parent[group->entry] == RG_NO_ID || holder == RG_NO_ID)
		return;
	row = rg_draw_node(draw, RG_PICTURE_AGGREGATE, RG_PICTURE_NO_CLUSTER,
		rg_arena_print(draw->arena, "%s × %.*s", rg_units_count(together, draw->arena),
			(int)type->name.length, type->name.bytes),
		rg_arena_print(draw->arena, "the same cycle · %s",
			rg_units_bytes(group->size_all / group->alike * together, draw->arena)));
	if (row != RG_NO_ID)
		draw->picture.nodes[row].alike = together;
	rg_draw_edge(draw, holder, row,
		rg_arena_print(draw->arena, "%s more", rg_units_count(together, draw->arena)),
		together);
}

static enum rg_code draw_group(struct drawing *drawing, uint32_t rank)
{
	struct rg_draw *draw = drawing->draw;
	uint32_t entry = drawing->group->entry, holder, n;
	enum rg_code code;

	rg_cycle_members(drawing->cycles, drawing->group->component, &n);
	drawing->large = n > drawing->share;
	drawing->queue = rg_array_new(n, sizeof(uint32_t));
	if (!drawing->queue)
		return rg_nomem(drawing->err);
	drawing->cluster = rg_draw_cluster(draw, caption_of(drawing, rank));
	code = rg_draw_chain(
		draw, &drawing->cycles->paths, entry, drawing->cluster, &holder, drawing->err);
	if (!code && rg_draw_object(draw, entry, drawing->cluster) != RG_NO_ID) {
		draw->picture.nodes[rg_draw_find(draw, entry)].asked = true;
		drawing->queue[drawing->tail++] = entry;
		while (drawing->head < drawing->tail)
			spread(drawing, drawing->queue[drawing->head++]);
		draw_inner_edges(drawing);
		for (uint32_t i = 0; i < drawing->tail; i++)
			draw_rest(drawing, drawing->queue[i]);
		draw_alike(drawing, holder);
	}
	free(drawing->queue);
	rg_map_deinit(&drawing->drawn);
	return !code && draw->failed ? rg_nomem(drawing->err) : code;
}

enum rg_code rg_view_cycles(
	struct rg_draw *draw, const struct rg_cycles *cycles, uint64_t groups, struct rg_error *err)
{
	uint64_t n = cycles->n_groups < groups ? cycles->n_groups : groups;
	uint32_t share = n ? (uint32_t)(draw->budget / n) : 0;
	enum rg_code code = RG_OK;

	for (uint64_t i = 0; !code && i < n && draw->budget > 0; i++) {
		/* half for the cycle, the rest for who holds it and what is left out */
		struct drawing drawing = { .draw = draw,
			.cycles = cycles,
			.group = &cycles->groups[i],
			.share = share / 2,
			.err = err };

		code = draw_group(&drawing, (uint32_t)i + 1);
	}
	rg_draw_finish(draw, "cycles",
		n == 0   ? "No reference cycles"
		: n == 1 ? "What is in this cycle, and who holds it?"
			 : rg_arena_print(
				   draw->arena, "What is in these cycles, and who holds them?"),
		true);
	return code;
}
