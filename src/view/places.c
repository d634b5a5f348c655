#include "src/view/places.h"

#include "heapdump/base/units.h"
#include "src/analysis/places.h"
#include "src/heap/label.h"

#define NODES 3 /* that a place may take: a house, a container, the things */

struct drawing {
	struct rg_draw *draw;
	const struct rg_paths *paths;
	uint32_t nobody; /* the node that stands for what holds nothing, or RG_NO_ID */
};

static uint32_t draw_things(struct drawing *drawing, const struct rg_place *place)
{
	uint32_t node = rg_draw_node(drawing->draw,
		place->count > 1 ? RG_PICTURE_AGGREGATE : RG_PICTURE_ORDINARY,
		RG_PICTURE_NO_CLUSTER, place->title, place->facts);

	if (node == RG_NO_ID)
		return node;
	drawing->draw->picture.nodes[node].change = place->change;
	drawing->draw->picture.nodes[node].alike = place->count;
	drawing->draw->picture.nodes[node].asked = place->change == RG_PICTURE_NO_CHANGE;
	drawing->draw->has_grown |= place->change == RG_PICTURE_GROWN;
	drawing->draw->has_freed |= place->change == RG_PICTURE_FREED;
	return node;
}

/* What holds that which nothing with a name holds: one dashed node for all. */
static uint32_t draw_nobody(struct drawing *drawing, const struct rg_place *place)
{
	bool gone = place->example == RG_NO_ID;

	if (drawing->nobody == RG_NO_ID)
		drawing->nobody = rg_draw_node(drawing->draw, RG_PICTURE_REST,
			RG_PICTURE_NO_CLUSTER, gone ? "no more" : "no named root",
			gone ? "freed meanwhile" : "garbage, or held from C");
	return drawing->nobody;
}

/* The house of the root of ID. */
static uint32_t draw_house(struct drawing *drawing, uint32_t id)
{
	const struct rg_distances *distances = &drawing->paths->distances;
	uint32_t source = id, root = rg_place_root(drawing->paths, id), node;

	while (distances->parent[source] != RG_NO_VERTEX)
		source = distances->parent[source];
	node = rg_draw_find(drawing->draw, source);
	return node != RG_NO_ID
		       ? node
		       : rg_draw_root(drawing->draw, &drawing->draw->heap->roots[root], source);
}

/* What the things are in, behind its house; the house itself where they hang on that. */
static uint32_t draw_container(struct drawing *drawing, uint32_t id)
{
	struct rg_draw *draw = drawing->draw;
	uint32_t house = draw_house(drawing, id), node = rg_draw_find(draw, id);
	const char *way;

	if (node != RG_NO_ID)
		return node;
	way = rg_place_way(draw->heap, drawing->paths, id, false, draw->arena);
	node = rg_draw_object(draw, id, RG_PICTURE_NO_CLUSTER);
	rg_draw_edge(draw, house, node, way + (*way == '.'), 1);
	return node;
}

static void draw_place(struct drawing *drawing, const struct rg_place *place)
{
	struct rg_draw *draw = drawing->draw;
	const struct rg_distances *distances = &drawing->paths->distances;
	uint32_t holder, things, container;
	const char *label = "";

	if (place->alone || place->example == RG_NO_ID ||
		rg_place_root(drawing->paths, place->example) == RG_NO_ID) {
		holder = draw_nobody(drawing, place);
	} else if (distances->parent[place->example] == RG_NO_VERTEX) {
		holder = draw_house(drawing, place->example);
	} else {
		container = distances->parent[place->example];
		holder = draw_container(drawing, container);
		label = rg_label_pattern(draw->heap, container,
			rg_graph_label(&drawing->paths->graph, distances->edge[place->example]),
			draw->arena);
	}
	things = draw_things(drawing, place);
	rg_draw_edge(draw, holder, things, label + (*label == '.'), place->count);
}

enum rg_code rg_view_places(struct rg_draw *draw, const struct rg_paths *paths,
	const struct rg_place *places, uint32_t n, const char *title, const char *heavy,
	struct rg_error *err)
{
	struct drawing drawing = { draw, paths, RG_NO_ID };
	uint32_t shown = 0;

	while (shown < n && (shown == 0 || draw->budget > NODES))
		draw_place(&drawing, &places[shown++]);
	if (shown < n)
		rg_draw_node(draw, RG_PICTURE_REST, RG_PICTURE_NO_CLUSTER,
			rg_arena_print(
				draw->arena, "… %s more", rg_units_count(n - shown, draw->arena)),
			"smaller ones");
	draw->heavy = heavy;
	draw->picture.sideways = true;
	rg_draw_finish(draw, "places", title, false);
	return draw->failed ? rg_nomem(err) : RG_OK;
}
