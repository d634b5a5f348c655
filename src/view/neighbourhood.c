#include "src/view/neighbourhood.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/units.h"
#include "src/analysis/patterns.h"
#include "src/heap/fold.h"
#include "src/heap/label.h"
#include "src/heap/policy.h"

#define PARALLEL 4 /* references between one pair of objects that are drawn one by one */
#define ROOTS 3 /* houses of one object */
#define KINDS_NAMED 3 /* types that a box of what was left out names */

/* References of one object that are alike, to objects not drawn yet. */
struct bundle {
	uint32_t pattern, count, shown;
	uint64_t size; /* footprints of those objects */
	uint32_t edge; /* the first of them */
	uint8_t rank; /* data first */
};

/* A box of what is left out; its edge is drawn behind those of single objects. */
struct box {
	uint32_t node, vertex;
	const char *label;
	uint64_t count;
};

struct walk {
	struct rg_draw *draw;
	const struct rg_neighbourhood *options;
	bool back; /* the direction it goes now */
	struct rg_graph forward, reverse;
	const struct rg_graph *graph; /* the one that is followed */
	struct rg_patterns patterns;
	struct rg_map pairs; /* from node, to node -> how many edges are drawn between them */
	struct rg_map numbers; /* pattern + 1 -> its bundle */
	struct rg_map seen; /* bundle and object -> whether it is still to be counted off */
	struct bundle *bundles;
	size_t n_bundles, bundles_capacity;
	struct box *boxes;
	size_t n_boxes, boxes_capacity;
	uint32_t *queue; /* objects in the order they were drawn */
	uint32_t *level; /* the distance of each of them */
	uint32_t head, tail;
	struct rg_error *err;
};

static uint32_t row_of(const struct walk *walk, uint32_t edge)
{
	uint32_t label = rg_graph_label(walk->graph, edge);

	return walk->back ? rg_graph_label(&walk->forward, label) : label;
}

/* --- modules ------------------------------------------------------------------------------ */

/* The object that stands for OBJECT in the picture. */
static uint32_t stand_in(const struct walk *walk, uint32_t object)
{
	return walk->draw->raw ? object : rg_heap_stand_in(walk->draw->heap, object);
}

/* The edges of a vertex, and of the dict that it stands for. */
struct edges {
	const struct walk *walk;
	uint32_t vertex, at, end;
	bool second; /* at the dict's */
};

static struct edges edges_of(const struct walk *walk, uint32_t vertex)
{
	return (struct edges){ walk, vertex, walk->graph->offset[vertex],
		walk->graph->offset[vertex + 1], false };
}

/* The next edge in *EDGE_RET; not those between a module and its dict. */
static bool next_edge(struct edges *edges, uint32_t *edge_ret)
{
	const struct walk *walk = edges->walk;

	for (;;) {
		uint32_t dict;

		while (edges->at < edges->end) {
			*edge_ret = edges->at++;
			if (stand_in(walk, walk->graph->target[*edge_ret]) != edges->vertex ||
				!rg_label_is_dict(walk->draw->heap, row_of(walk, *edge_ret)))
				return true;
		}
		dict = edges->second || walk->draw->raw
			       ? RG_NO_ID
			       : rg_heap_namespace(walk->draw->heap, edges->vertex);
		if (dict == RG_NO_ID)
			return false;
		edges->second = true;
		edges->at = walk->graph->offset[dict];
		edges->end = walk->graph->offset[dict + 1];
	}
}

/* --- which references count --------------------------------------------------------------- */

static enum rg_kind kind_of(const struct walk *walk, uint32_t edge)
{
	return RG_EDGE_KIND(walk->draw->heap->edge[row_of(walk, edge)]);
}

/* A key whose text stands in the labels of what it leads to anyway. */
static bool is_plain_key(const struct walk *walk, uint32_t edge, uint32_t object)
{
	return !walk->back && kind_of(walk, edge) == RG_KIND_DICTKEY &&
	       !rg_heap_tracked(walk->draw->heap, object);
}

/* What leads from anything to everything, and says nothing: shown from what was asked about. */
static bool is_beside_the_point(const struct walk *walk, uint32_t edge, uint32_t level)
{
	enum rg_kind kind = kind_of(walk, edge);

	if (walk->options->whole || level == 0)
		return false;
	if (walk->back)
		return kind == RG_KIND_TYPE || kind == RG_KIND_MRO || kind == RG_KIND_BASE;
	return rg_kind_table[kind].class == RG_CLASS_TYPE ||
	       rg_kind_table[kind].class == RG_CLASS_CODE;
}

static bool is_wanted(const struct walk *walk, uint32_t edge, uint32_t level)
{
	const struct rg_neighbourhood *options = walk->options;
	uint32_t object = stand_in(walk, walk->graph->target[edge]);

	return (!options->only || rg_bitset_get(options->only, object)) &&
	       (!options->avoid || !rg_bitset_get(options->avoid, object)) &&
	       !is_plain_key(walk, edge, object) && !is_beside_the_point(walk, edge, level);
}

/* Modules end a neighbourhood, and so does what an object merely belongs to. */
static bool is_end(const struct walk *walk, uint32_t object, uint32_t edge)
{
	const struct rg_heap_type *type = rg_heap_type(walk->draw->heap, object);
	enum rg_kind_class class = rg_kind_table[kind_of(walk, edge)].class;

	if (walk->options->whole)
		return false;
	return type->flags & RG_TYPE_MODULE || class == RG_CLASS_WEAK ||
	       (!walk->back && (class == RG_CLASS_TYPE || class == RG_CLASS_CODE));
}

static uint32_t pattern_of(struct walk *walk, uint32_t vertex, uint32_t edge)
{
	uint32_t from = walk->back ? walk->graph->target[edge] : vertex;

	return rg_patterns_of(&walk->patterns, from, row_of(walk, edge));
}

/* --- nodes -------------------------------------------------------------------------------- */

static uint32_t draw_node(struct walk *walk, uint32_t object)
{
	struct rg_draw *draw = walk->draw;
	uint32_t row = rg_draw_object(draw, object, RG_PICTURE_NO_CLUSTER);

	if (row != RG_NO_ID && rg_heap_type(draw->heap, object)->flags & RG_TYPE_MODULE) {
		draw->picture.nodes[row].kind = RG_PICTURE_ROOT;
		draw->has_root = true;
	}
	return row;
}

static uint32_t draw_object(struct walk *walk, uint32_t object, uint32_t level, bool ends)
{
	uint32_t row = draw_node(walk, object);

	if (row != RG_NO_ID && !ends) {
		walk->level[walk->tail] = level;
		walk->queue[walk->tail++] = object;
	}
	return row;
}

static int by_rank(const void *a, const void *b)
{
	const struct bundle *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->edge > y->edge) - (x->edge < y->edge);
}

static uint64_t member(uint32_t pattern, uint32_t object)
{
	return ((uint64_t)pattern << 32 | object) + 1;
}

static int by_count(const void *a, const void *b)
{
	const struct bundle *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return by_rank(a, b);
}

/* Sort the neighbours of VERTEX that are not drawn yet into bundles; how many there are. */
static uint64_t bundle_up(struct walk *walk, uint32_t vertex, uint32_t level)
{
	struct edges edges = edges_of(walk, vertex);
	uint64_t total = 0;
	uint32_t e;

	walk->n_bundles = 0;
	rg_map_deinit(&walk->numbers);
	rg_map_deinit(&walk->seen);
	while (next_edge(&edges, &e)) {
		uint32_t pattern, number, object = stand_in(walk, walk->graph->target[e]);
		struct bundle *bundle;
		uint64_t size;

		if (!is_wanted(walk, e, level) || rg_draw_find(walk->draw, object) != RG_NO_ID)
			continue;
		pattern = pattern_of(walk, vertex, e);
		/* several references to one object are one neighbour */
		if (rg_map_get(&walk->seen, member(pattern, object)) != RG_MAP_NONE)
			continue;
		if (!rg_map_set(&walk->seen, member(pattern, object), 1)) {
			walk->draw->failed = true;
			return 0;
		}
		number = rg_map_get(&walk->numbers, (uint64_t)pattern + 1);
		size = rg_heap_footprint(walk->draw->heap, object, walk->draw->raw);
		total++;
		if (number != RG_MAP_NONE) {
			walk->bundles[number].count++;
			walk->bundles[number].size += size;
			continue;
		}
		bundle = RG_PUSH(walk->bundles, walk->n_bundles, walk->bundles_capacity);
		if (pattern == RG_NO_ID || !bundle ||
			!rg_map_set(&walk->numbers, (uint64_t)pattern + 1,
				(uint32_t)walk->n_bundles - 1)) {
			walk->draw->failed = true;
			return 0;
		}
		*bundle = (struct bundle){ .pattern = pattern,
			.count = 1,
			.size = size,
			.edge = e,
			.rank = (uint8_t)rg_kind_table[kind_of(walk, e)].class };
	}
	if (walk->n_bundles)
		qsort(walk->bundles, walk->n_bundles, sizeof(*walk->bundles), by_rank);
	return total;
}

/* How many of each bundle are drawn one by one: the small ones whole, the large ones in part. */
static void share_out(struct walk *walk, uint64_t total, uint64_t slots)
{
	/* a box for one more would take the place of that one */
	bool all = total <= slots + 1;

	for (size_t i = 0; i < walk->n_bundles; i++)
		walk->bundles[i].shown = all ? walk->bundles[i].count : 0;
	if (all)
		return;
	/* one more of each, round by round: few enough rounds, as slots are few */
	for (bool more = true; more && slots > 0;) {
		more = false;
		for (size_t i = 0; i < walk->n_bundles && slots > 0; i++) {
			struct bundle *bundle = &walk->bundles[i];

			if (bundle->shown == bundle->count ||
				(bundle->count > walk->options->breadth &&
					bundle->shown >= walk->options->alike))
				continue;
			bundle->shown++;
			slots--;
			more = true;
		}
	}
}

/* A node for each object that is drawn by itself; the bundles keep those that are left. */
static void draw_bundled(struct walk *walk, uint32_t vertex, uint32_t level)
{
	struct edges edges = edges_of(walk, vertex);
	uint32_t first_new = walk->draw->picture.n_nodes, e;

	while (next_edge(&edges, &e)) {
		uint32_t object = stand_in(walk, walk->graph->target[e]);
		uint32_t drawn = rg_draw_find(walk->draw, object), pattern;
		struct bundle *bundle;

		if (!is_wanted(walk, e, level) || (drawn != RG_NO_ID && drawn < first_new))
			continue;
		pattern = pattern_of(walk, vertex, e);
		if (rg_map_get(&walk->seen, member(pattern, object)) != 1)
			continue;
		bundle = &walk->bundles[rg_map_get(&walk->numbers, (uint64_t)pattern + 1)];
		if (drawn == RG_NO_ID && bundle->shown > 0) {
			drawn = draw_object(walk, object, level + 1, is_end(walk, object, e));
			bundle->shown--;
		}
		if (drawn == RG_NO_ID)
			continue;
		/* counted off once, though its references are many */
		if (!rg_map_set(&walk->seen, member(pattern, object), 0))
			walk->draw->failed = true;
		bundle->count--;
		bundle->size -= rg_heap_footprint(walk->draw->heap, object, walk->draw->raw);
	}
}

/* After sorting, the map from patterns leads astray: set it right. */
static void renumber(struct walk *walk)
{
	for (size_t i = 0; i < walk->n_bundles; i++)
		if (!rg_map_set(
			    &walk->numbers, (uint64_t)walk->bundles[i].pattern + 1, (uint32_t)i))
			walk->draw->failed = true;
}

/* --- what is left out --------------------------------------------------------------------- */

/* The object at the far end of a bundle. */
static const char *far_type(const struct walk *walk, const struct bundle *bundle)
{
	const struct rg_pattern *pattern = &walk->patterns.rows[bundle->pattern];
	uint32_t type = walk->back ? pattern->from_type : pattern->to_type;
	struct rg_text name = walk->draw->heap->types[type].name;

	return rg_arena_text(walk->draw->arena, name.bytes, name.length);
}

static void add_box(struct walk *walk, struct box box)
{
	struct box *slot = RG_PUSH(walk->boxes, walk->n_boxes, walk->boxes_capacity);

	/* the picture outlives the patterns */
	box.label = rg_arena_print(walk->draw->arena, "%s", box.label + (*box.label == '.'));
	if (slot)
		*slot = box;
	else
		walk->draw->failed = true;
	walk->draw->picture.nodes[box.node].alike = box.count;
}

static void draw_boxes(struct walk *walk)
{
	for (size_t i = 0; i < walk->n_boxes; i++) {
		const struct box *box = &walk->boxes[i];
		uint32_t row = rg_draw_find(walk->draw, box->vertex);

		rg_draw_edge(walk->draw, walk->back ? box->node : row, walk->back ? row : box->node,
			box->label, box->count);
	}
	walk->n_boxes = 0;
}

/* All that is left of one bundle: "9,990 × Session". */
static void draw_alike(struct walk *walk, uint32_t vertex, const struct bundle *bundle)
{
	struct rg_draw *draw = walk->draw;
	uint32_t box = rg_draw_node(draw, RG_PICTURE_AGGREGATE, RG_PICTURE_NO_CLUSTER,
		rg_arena_print(draw->arena, "%s × %s", rg_units_count(bundle->count, draw->arena),
			far_type(walk, bundle)),
		rg_arena_print(
			draw->arena, "more · %s", rg_units_bytes(bundle->size, draw->arena)));

	if (box != RG_NO_ID)
		add_box(walk, (struct box){ box, vertex, walk->patterns.rows[bundle->pattern].label,
				      bundle->count });
}

/* All that is left of many bundles: "11 more references", and of which types most of them are. */
static void draw_rest(struct walk *walk, uint32_t vertex, uint64_t count, size_t bundles)
{
	struct rg_draw *draw = walk->draw;
	const char *facts = "";
	unsigned named = 0;
	uint32_t box;

	qsort(walk->bundles, walk->n_bundles, sizeof(*walk->bundles), by_count);
	for (size_t i = 0; i < walk->n_bundles && i < KINDS_NAMED && walk->bundles[i].count; i++) {
		facts = rg_arena_print(draw->arena, "%s%s%s × %s", facts, named ? ", " : "",
			rg_units_count(walk->bundles[i].count, draw->arena),
			far_type(walk, &walk->bundles[i]));
		named++;
	}
	box = rg_draw_node(draw, RG_PICTURE_REST, RG_PICTURE_NO_CLUSTER,
		rg_arena_print(
			draw->arena, "%s more references", rg_units_count(count, draw->arena)),
		bundles > named ? rg_arena_print(draw->arena, "%s, …", facts) : facts);
	if (box != RG_NO_ID)
		add_box(walk, (struct box){ box, vertex, "", count });
}

static void draw_left_out(struct walk *walk, uint32_t vertex)
{
	uint64_t left = 0;
	size_t bundles = 0, last = 0;

	for (size_t i = 0; i < walk->n_bundles; i++) {
		left += walk->bundles[i].count;
		if (walk->bundles[i].count) {
			bundles++;
			last = i;
		}
	}
	if (bundles > 2) {
		draw_rest(walk, vertex, left, bundles);
		return;
	}
	for (size_t i = 0; i <= last && bundles; i++)
		if (walk->bundles[i].count)
			draw_alike(walk, vertex, &walk->bundles[i]);
}

/* --- the walk ----------------------------------------------------------------------------- */

/* Slots of the next object: its breadth, or its share of the nodes that this level may take. */
static uint32_t slots_of(const struct walk *walk)
{
	uint32_t waiting = walk->tail - walk->head + 1;
	uint32_t share = walk->draw->budget / waiting;

	if (share < 2)
		share = 2;
	return share < walk->options->breadth ? share : walk->options->breadth;
}

static void expand(struct walk *walk, uint32_t vertex, uint32_t level)
{
	uint64_t total = bundle_up(walk, vertex, level);

	if (!walk->draw->failed)
		renumber(walk);
	if (walk->draw->failed)
		return;
	share_out(walk, total, slots_of(walk));
	draw_bundled(walk, vertex, level);
	draw_left_out(walk, vertex);
}

/* One more reference between two drawn objects; beyond a few they become one thick edge. */
static void draw_reference(struct walk *walk, uint32_t vertex, uint32_t edge)
{
	struct rg_draw *draw = walk->draw;
	bool back = walk->back;
	uint32_t near = rg_draw_find(draw, vertex);
	uint32_t far = rg_draw_find(draw, stand_in(walk, walk->graph->target[edge]));
	uint32_t row = row_of(walk, edge);
	uint64_t pair = (back ? (uint64_t)far << 32 | near : (uint64_t)near << 32 | far) + 1;
	uint32_t drawn = rg_map_get(&walk->pairs, pair);
	struct rg_picture_edge *drawing;

	/* what refers to itself has been there when the other direction was drawn */
	if (walk->options->both && !back && near == far)
		return;
	if (drawn != RG_MAP_NONE && drawn >> 16 >= PARALLEL) {
		drawing = &draw->picture.edges[drawn & 0xffff];
		drawing->alike++;
		drawing->weak &= rg_kind_table[kind_of(walk, edge)].class == RG_CLASS_WEAK;
		drawing->label = rg_arena_print(
			draw->arena, "… %s more", rg_units_count(drawing->alike, draw->arena));
		return;
	}
	drawing = rg_draw_edge(
		draw, back ? far : near, back ? near : far, rg_draw_label(draw, row), 1);
	if (!drawing)
		return;
	drawing->reference = row;
	drawing->weak = rg_kind_table[kind_of(walk, edge)].class == RG_CLASS_WEAK;
	draw->has_weak |= drawing->weak;
	drawn = (drawn == RG_MAP_NONE ? 0 : drawn >> 16) + 1;
	if (!rg_map_set(&walk->pairs, pair, drawn << 16 | ((draw->picture.n_edges - 1) & 0xffff)))
		draw->failed = true;
}

static void draw_references(struct walk *walk)
{
	for (uint32_t i = 0; i < walk->head; i++) {
		uint32_t vertex = walk->queue[i], level = walk->level[i], e;
		struct edges edges = edges_of(walk, vertex);

		while (level < walk->options->depth && next_edge(&edges, &e) &&
			walk->draw->picture.n_edges < 2 * RG_DRAW_MOST)
			if (rg_draw_find(walk->draw, stand_in(walk, walk->graph->target[e])) !=
					RG_NO_ID &&
				is_wanted(walk, e, level))
				draw_reference(walk, vertex, e);
	}
}

/* Frames, threads and the interpreter, which are no objects, hold objects too. */
static void draw_roots(struct walk *walk, uint32_t vertex)
{
	const struct rg_heap *heap = walk->draw->heap;
	uint32_t row = rg_draw_find(walk->draw, vertex), rest;
	uint64_t drawn = 0;

	for (size_t i = 0; i < heap->n_roots; i++) {
		const struct rg_heap_root *root = &heap->roots[i];
		uint32_t object = rg_heap_place(heap, root->object, walk->draw->raw), house;

		if (root->kind == RG_ROOT_MODULE || root->kind == RG_ROOT_STATIC ||
			stand_in(walk, object) != vertex)
			continue;
		if (drawn++ >= ROOTS)
			continue;
		house = rg_draw_root(walk->draw, root, vertex);
		rg_draw_edge(walk->draw, house, row, rg_draw_root_label(walk->draw, root), 1);
	}
	if (drawn <= ROOTS)
		return;
	rest = rg_draw_node(walk->draw, RG_PICTURE_REST, RG_PICTURE_NO_CLUSTER,
		rg_arena_print(walk->draw->arena, "%s more %s",
			rg_units_count(drawn - ROOTS, walk->draw->arena),
			drawn - ROOTS == 1 ? "root" : "roots"),
		"");
	rg_draw_edge(walk->draw, rest, row, "", drawn - ROOTS);
}

/* Whether VERTEX has neighbours that are not drawn. */
static bool goes_on(const struct walk *walk, uint32_t vertex, uint32_t level)
{
	struct edges edges = edges_of(walk, vertex);
	uint32_t e;

	while (next_edge(&edges, &e))
		if (is_wanted(walk, e, level) &&
			rg_draw_find(walk->draw, stand_in(walk, walk->graph->target[e])) ==
				RG_NO_ID)
			return true;
	return false;
}

/* There was no room for the neighbours of VERTEX: it must not look as if it had none. */
static void say_more(struct walk *walk, uint32_t vertex)
{
	struct rg_picture_node *node = &walk->draw->picture.nodes[rg_draw_find(walk->draw, vertex)];

	node->facts = rg_arena_print(walk->draw->arena, "%s · … (--nodes)", node->facts);
}

/* Start from OBJECT, if it was drawn; a module and its dict are one. */
static void ask(struct walk *walk, uint32_t object)
{
	if (rg_draw_find(walk->draw, object) == RG_NO_ID)
		return;
	for (uint32_t i = 0; i < walk->tail; i++)
		if (walk->queue[i] == object)
			return;
	walk->level[walk->tail] = 0;
	walk->queue[walk->tail++] = object;
}

/* Follow the references in one direction from the N objects ASKED. */
static void run(struct walk *walk, bool back, const uint32_t *asked, uint64_t n)
{
	walk->back = back;
	walk->graph = back ? &walk->reverse : &walk->forward;
	walk->head = walk->tail = 0;
	for (uint64_t i = 0; i < n; i++)
		ask(walk, stand_in(walk, asked[i]));
	while (walk->head < walk->tail && !walk->draw->failed) {
		uint32_t vertex = walk->queue[walk->head], level = walk->level[walk->head];

		walk->head++;
		if (walk->back)
			draw_roots(walk, vertex);
		if (level < walk->options->depth && walk->draw->budget > 0)
			expand(walk, vertex, level);
		else if (level < walk->options->depth && goes_on(walk, vertex, level))
			say_more(walk, vertex);
	}
	draw_references(walk);
	draw_boxes(walk);
}

static enum rg_code prepare(struct walk *walk)
{
	const struct rg_heap *heap = walk->draw->heap;
	struct rg_policy policy = { .edges = walk->options->edges, .raw = walk->draw->raw };
	enum rg_code code = rg_patterns_init(&walk->patterns, heap, walk->err);

	if (!code)
		code = rg_policy_graph(heap, &policy, &walk->forward, walk->err);
	if (!code && (walk->options->back || walk->options->both))
		code = rg_graph_reverse(&walk->forward, &walk->reverse, walk->err);
	walk->queue = rg_array_new((size_t)walk->draw->budget + 1, sizeof(*walk->queue));
	walk->level = rg_array_new((size_t)walk->draw->budget + 1, sizeof(*walk->level));
	return !code && (!walk->queue || !walk->level) ? rg_nomem(walk->err) : code;
}

static const char *title_of(const struct walk *walk, const uint32_t *asked, uint64_t n)
{
	struct rg_draw *draw = walk->draw;
	bool back = walk->options->back;
	const char *type;

	if (walk->options->both)
		return "Who is next to this object?";
	if (n != 1)
		return back ? "Who refers to these objects?" : "What do these objects refer to?";
	type = rg_label_type(draw->heap, draw->heap->type[asked[0]], draw->arena);
	return rg_arena_print(
		draw->arena, back ? "Who refers to this %s?" : "What does this %s refer to?", type);
}

enum rg_code rg_view_neighbourhood(struct rg_draw *draw, const struct rg_neighbourhood *options,
	const uint32_t *asked, uint64_t n, struct rg_error *err)
{
	struct walk walk = { .draw = draw, .options = options, .err = err };
	enum rg_code code = prepare(&walk);

	for (uint64_t i = 0; !code && i < n; i++) {
		uint32_t row = draw_node(&walk, stand_in(&walk, asked[i]));

		if (row != RG_NO_ID)
			draw->picture.nodes[row].asked = true;
	}
	if (!code && (options->back || options->both))
		run(&walk, true, asked, n);
	if (!code && (!options->back || options->both))
		run(&walk, false, asked, n);
	if (!code)
		code = rg_draw_mark_cycles(draw, err);
	rg_draw_finish(draw, options->back ? "backrefs" : "refs", title_of(&walk, asked, n), false);
	rg_patterns_deinit(&walk.patterns);
	rg_graph_deinit(&walk.forward);
	rg_graph_deinit(&walk.reverse);
	rg_map_deinit(&walk.pairs);
	rg_map_deinit(&walk.numbers);
	rg_map_deinit(&walk.seen);
	free(walk.bundles);
	free(walk.boxes);
	free(walk.queue);
	free(walk.level);
	return !code && draw->failed ? rg_nomem(err) : code;
}
