#include "src/view/routes.h"

#include <stdlib.h>

#include "heapdump/base/array.h"
#include "heapdump/base/units.h"
#include "src/heap/label.h"

#define ENDS 5 /* steps shown at both ends of a long unbranched way */

/* A route while it is drawn: one row for each of the routes' rows. */
struct place {
	uint32_t node; /* that stands for it, or RG_NO_ID */
	uint32_t above, below; /* unbranched steps on both sides */
	uint32_t children; /* that are drawn */
	bool drawn, skipped;
};

struct drawing {
	struct rg_draw *draw;
	const struct rg_routes *routes;
	struct place *places;
};

/* --- what is drawn ------------------------------------------------------------------------ */

/* Nodes that the way to ROW takes beside those marked; of a long one the middle is left out. */
static uint32_t nodes_of(const struct drawing *drawing, uint32_t row)
{
	uint32_t nodes = 0;

	for (; row != RG_NO_ID && !drawing->places[row].drawn;
		row = drawing->routes->rows[row].parent)
		/* a root may have a house beside the object it holds */
		nodes += drawing->routes->rows[row].parent == RG_NO_ID ? 2 : 1;
	return nodes < 2 * ENDS + 3 ? nodes : 2 * ENDS + 3;
}

/* Choose the ways that fit as a whole: half a way would look like another. */
static void mark(struct drawing *drawing, uint64_t limit)
{
	const struct rg_routes *routes = drawing->routes;
	struct rg_draw *draw = drawing->draw;
	uint32_t room = draw->budget, left_out = 0;

	for (uint32_t i = 0; i < routes->n_ends && i < limit; i++) {
		uint32_t nodes = nodes_of(drawing, routes->ends[i]);

		if (i > 0 && nodes > room) {
			left_out++;
			continue;
		}
		room -= nodes < room ? nodes : room;
		for (uint32_t row = routes->ends[i]; row != RG_NO_ID && !drawing->places[row].drawn;
			row = routes->rows[row].parent) {
			uint32_t parent = routes->rows[row].parent;

			drawing->places[row].drawn = true;
			if (parent != RG_NO_ID)
				drawing->places[parent].children++;
		}
	}
	if (left_out)
		draw->note = rg_arena_print(draw->arena, "%s not drawn (--nodes)",
			rg_units_things(left_out, "more way", "more ways", draw->arena));
}

/* A step that only leads on. */
static bool is_plain(const struct drawing *drawing, uint32_t row)
{
	return drawing->places[row].children == 1 && drawing->routes->rows[row].ends == 0;
}

/* Find the long unbranched middles. */
static void measure(struct drawing *drawing)
{
	const struct rg_routes *routes = drawing->routes;
	struct place *places = drawing->places;

	for (uint32_t row = 0; row < routes->count; row++) {
		uint32_t parent = routes->rows[row].parent;

		if (places[row].drawn && parent != RG_NO_ID && is_plain(drawing, parent))
			places[row].above = places[parent].above + 1;
	}
	for (uint32_t row = (uint32_t)routes->count; row-- > 0;) {
		uint32_t parent = routes->rows[row].parent;

		if (places[row].drawn && parent != RG_NO_ID && is_plain(drawing, parent))
			places[parent].below = places[row].below + 1;
	}
	for (uint32_t row = 0; row < routes->count; row++)
		places[row].skipped = places[row].above >= ENDS && places[row].below >= ENDS;
}

/* --- nodes -------------------------------------------------------------------------------- */

static uint32_t draw_one(struct drawing *drawing, const struct rg_route *route)
{
	struct rg_draw *draw = drawing->draw;
	uint32_t object = route->nearest == RG_NO_ID ? route->object : route->nearest;
	uint32_t node = rg_draw_object(draw, object, RG_PICTURE_NO_CLUSTER);

	if (node != RG_NO_ID && route->ends)
		draw->picture.nodes[node].asked = true;
	return node;
}

/* "4,620 × Session", with the bytes of those that were asked about. */
static uint32_t draw_many(struct drawing *drawing, const struct rg_route *route)
{
	struct rg_draw *draw = drawing->draw;
	const struct rg_heap_type *type = rg_heap_type(draw->heap, route->object);
	uint64_t count = route->ends > route->objects ? route->ends : route->objects;
	uint32_t node = rg_draw_node(draw, RG_PICTURE_AGGREGATE, RG_PICTURE_NO_CLUSTER,
		rg_arena_print(draw->arena, "%s × %.*s", rg_units_count(count, draw->arena),
			(int)type->name.length, type->name.bytes),
		!route->ends
			? route->loops ? "again and again" : ""
			: rg_arena_print(draw->arena, "%s%s%s",
				  route->ends == count
					  ? ""
					  : rg_arena_print(draw->arena, "%s of them selected · ",
						    rg_units_count(route->ends, draw->arena)),
				  rg_units_bytes(route->size, draw->arena),
				  route->loops ? " · again and again" : ""));

	if (node == RG_NO_ID)
		return node;
	draw->picture.nodes[node].alike = count;
	draw->picture.nodes[node].asked = route->ends > 0;
	return node;
}

static bool is_pass_through(const struct drawing *drawing, uint32_t row)
{
	const struct rg_route *route = &drawing->routes->rows[row];

	/* what a module's dict holds is the module's attribute */
	return !drawing->draw->raw && route->reference != RG_NO_ID && !route->ends &&
	       rg_label_is_dict(drawing->draw->heap, route->reference);
}

/* The house, and behind it the object where that is another node. */
static uint32_t draw_start(struct drawing *drawing, const struct rg_route *route)
{
	struct rg_draw *draw = drawing->draw;
	const struct rg_heap_root *root = &draw->heap->roots[route->root];
	uint32_t house = rg_draw_root(draw, root, route->object), node;

	if (rg_draw_find(draw, route->object) == house) {
		if (house != RG_NO_ID && route->ends)
			draw->picture.nodes[house].asked = true;
		return house;
	}
	node = route->objects > 1 ? draw_many(drawing, route) : draw_one(drawing, route);
	rg_draw_edge(draw, house, node, rg_draw_root_label(draw, root), route->objects);
	return node;
}

static void draw_step(struct drawing *drawing, uint32_t row)
{
	const struct rg_route *route = &drawing->routes->rows[row];
	struct place *places = drawing->places;
	struct rg_draw *draw = drawing->draw;
	uint32_t from = places[route->parent].node;
	const struct rg_pattern *pattern = &drawing->routes->patterns.rows[route->pattern];
	struct rg_picture_edge *edge;
	const char *label;

	if (places[row].skipped) {
		/* the first of them stands for all */
		places[row].node =
			places[route->parent].skipped
				? from
				: rg_draw_gap(draw, from,
					  places[row].above + places[row].below - 2 * ENDS + 1);
		return;
	}
	if (is_pass_through(drawing, row)) {
		places[row].node = from;
		return;
	}
	places[row].node = route->objects > 1 ? draw_many(drawing, route)
					      : draw_one(drawing, route);
	label = route->objects > 1 ? pattern->label + (*pattern->label == '.')
				   : rg_draw_label(draw, route->reference);
	edge = rg_draw_edge(draw, from, places[row].node, label, route->objects);
	if (edge && route->objects == 1)
		edge->reference = route->reference;
}

static const char *title_of(struct rg_draw *draw, const struct rg_routes *routes)
{
	const struct rg_route *first;

	if (routes->selected != 1 || !routes->n_ends)
		return "Why are these objects alive?";
	first = &routes->rows[routes->ends[0]];
	return rg_arena_print(draw->arena, "Why is this %s alive?",
		rg_label_type(draw->heap, draw->heap->type[first->nearest], draw->arena));
}

enum rg_code rg_view_routes(
	struct rg_draw *draw, const struct rg_routes *routes, uint64_t limit, struct rg_error *err)
{
	struct drawing drawing = { .draw = draw, .routes = routes };

	drawing.places = rg_array_new(routes->count, sizeof(*drawing.places));
	if (!drawing.places)
		return rg_nomem(err);
	mark(&drawing, limit);
	measure(&drawing);
	for (uint32_t row = 0; row < routes->count; row++) {
		drawing.places[row].node = RG_NO_ID;
		if (!drawing.places[row].drawn)
			continue;
		if (routes->rows[row].parent == RG_NO_ID)
			drawing.places[row].node = draw_start(&drawing, &routes->rows[row]);
		else
			draw_step(&drawing, row);
	}
	free(drawing.places);
	rg_draw_finish(draw, "why", title_of(draw, routes), false);
	return draw->failed ? rg_nomem(err) : RG_OK;
}
