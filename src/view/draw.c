#include "src/view/draw.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/units.h"
#include "src/graph/components.h"
#include "src/heap/fold.h"
#include "src/heap/label.h"
#include "src/view/extra.h"

#define CHAIN_ENDS 4 /* objects shown at each end of a long chain */
#define FAN_OUT 4 /* items from which on a container is said to fan out */

void rg_draw_init(struct rg_draw *draw, const struct rg_heap *heap, bool raw, bool stable,
	uint64_t nodes, struct rg_arena *arena)
{
	*draw = (struct rg_draw){ .heap = heap, .raw = raw, .stable = stable, .arena = arena };
	draw->budget = nodes == 0             ? RG_DRAW_NODES
		       : nodes < RG_DRAW_MOST ? (uint32_t)nodes
					      : RG_DRAW_MOST;
}

void rg_draw_deinit(struct rg_draw *draw)
{
	free(draw->picture.nodes);
	free(draw->picture.edges);
	free(draw->picture.clusters);
	rg_map_deinit(&draw->rows);
	memset(draw, 0, sizeof(*draw));
}

/* --- nodes -------------------------------------------------------------------------------- */

uint32_t rg_draw_node(struct rg_draw *draw, enum rg_picture_kind kind, uint32_t cluster,
	const char *title, const char *facts)
{
	size_t count = draw->picture.n_nodes;
	struct rg_picture_node *node;

	if (draw->budget == 0)
		return RG_NO_ID;
	node = RG_PUSH(draw->picture.nodes, count, draw->nodes_capacity);
	if (!node) {
		draw->failed = true;
		return RG_NO_ID;
	}
	draw->budget--;
	draw->picture.n_nodes = (uint32_t)count;
	*node = (struct rg_picture_node){ .kind = kind,
		.cluster = cluster,
		.object = RG_PICTURE_NO_OBJECT,
		.title = title,
		.facts = facts,
		.tooltip = title,
		.alike = 1 };
	draw->has_root |= kind == RG_PICTURE_ROOT;
	draw->has_aggregate |= kind == RG_PICTURE_AGGREGATE;
	draw->has_rest |= kind == RG_PICTURE_REST;
	return (uint32_t)count - 1;
}

/* "Session", "function on_done", "module app.cache". */
static const char *title_of(struct rg_draw *draw, uint32_t id)
{
	const struct rg_heap_type *type = rg_heap_type(draw->heap, id);
	const char *name = rg_label_name(draw->heap, id, draw->arena);
	const char *dot;

	if (!name)
		return rg_arena_text(draw->arena, type->name.bytes, type->name.length);
	/* f.<locals>.g: the last part says it, the tooltip has the whole */
	dot = strrchr(name, '.');
	if (type->flags & RG_TYPE_MODULE)
		dot = NULL;
	return rg_arena_print(draw->arena, "%.*s %s", (int)type->name.length, type->name.bytes,
		dot ? dot + 1 : name);
}

/* The facts of a node, joined by dots: place or items or value, and the size. */
static const char *facts_of(struct rg_draw *draw, uint32_t id)
{
	const struct rg_heap *heap = draw->heap;
	struct rg_arena *arena = draw->arena;
	const char *place = rg_label_place(heap, id, arena), *first = NULL;
	const char *size = rg_units_bytes(rg_heap_footprint(heap, id, draw->raw), arena);
	const char *more = rg_extra_text(heap, id, draw->extra, arena);
	bool finalizer = rg_heap_type(heap, id)->flags & RG_TYPE_FINALIZER;

	if (place)
		first = rg_label_short(place);
	else if (heap->items[id] != RG_NO_ITEMS && !(rg_heap_type(heap, id)->flags & RG_TYPE_STR))
		first = rg_units_things(heap->items[id], "item", "items", arena);
	else
		first = rg_label_value(heap, id, NULL, arena);
	return rg_arena_print(arena, "%s%s%s%s%s%s", first ? first : "", first ? " · " : "", size,
		finalizer ? " · __del__" : "", *more ? " · " : "", more);
}

static const char *tooltip_of(struct rg_draw *draw, uint32_t id)
{
	const char *type = rg_label_type(draw->heap, draw->heap->type[id], draw->arena);
	const char *name = rg_label_name(draw->heap, id, draw->arena);

	if (draw->stable)
		return name ? rg_arena_print(draw->arena, "%s %s", type, name) : type;
	return rg_arena_print(draw->arena, "@%u %s%s%s at 0x%llx, generation %s", id, type,
		name ? " " : "", name ? name : "", (unsigned long long)draw->heap->address[id],
		rg_generation_names[rg_heap_generation(draw->heap, id)]);
}

uint32_t rg_draw_find(const struct rg_draw *draw, uint32_t id)
{
	uint32_t row = rg_map_get(&draw->rows, (uint64_t)id + 1);

	return row == RG_MAP_NONE ? RG_NO_ID : row;
}

uint32_t rg_draw_object(struct rg_draw *draw, uint32_t id, uint32_t cluster)
{
	uint32_t row = rg_draw_find(draw, id);
	bool fans;

	if (row != RG_NO_ID)
		return row;
	fans = cluster == RG_PICTURE_NO_CLUSTER && draw->heap->items[id] != RG_NO_ITEMS &&
	       draw->heap->items[id] >= FAN_OUT &&
	       draw->heap->offset[id + 1] - draw->heap->offset[id] >= FAN_OUT;
	row = rg_draw_node(draw, fans ? RG_PICTURE_CONTAINER : RG_PICTURE_ORDINARY, cluster,
		title_of(draw, id), facts_of(draw, id));
	if (row == RG_NO_ID)
		return RG_NO_ID;
	draw->picture.nodes[row].object = id;
	draw->picture.nodes[row].tooltip = tooltip_of(draw, id);
	if (draw->highlighted && rg_bitset_get(draw->highlighted, id))
		draw->has_highlight = draw->picture.nodes[row].highlighted = true;
	if (!rg_map_set(&draw->rows, (uint64_t)id + 1, row))
		draw->failed = true;
	return row;
}

/* --- edges and clusters ------------------------------------------------------------------- */

struct rg_picture_edge *rg_draw_edge(
	struct rg_draw *draw, uint32_t from, uint32_t to, const char *label, uint64_t alike)
{
	size_t count = draw->picture.n_edges;
	struct rg_picture_edge *edge;

	if (from == RG_NO_ID || to == RG_NO_ID)
		return NULL;
	edge = RG_PUSH(draw->picture.edges, count, draw->edges_capacity);
	if (!edge) {
		draw->failed = true;
		return NULL;
	}
	draw->picture.n_edges = (uint32_t)count;
	*edge = (struct rg_picture_edge){ .from = from,
		.to = to,
		.label = label,
		.alike = alike,
		.tooltip = label,
		.reference = RG_PICTURE_NO_OBJECT };
	return edge;
}

uint32_t rg_draw_cluster(struct rg_draw *draw, const char *caption)
{
	size_t count = draw->picture.n_clusters;
	struct rg_picture_cluster *cluster = RG_PUSH(
		draw->picture.clusters, count, draw->clusters_capacity);

	if (!cluster) {
		draw->failed = true;
		return RG_PICTURE_NO_CLUSTER;
	}
	draw->picture.n_clusters = (uint32_t)count;
	*cluster = (struct rg_picture_cluster){ caption, caption };
	return (uint32_t)count - 1;
}

/* --- chains ------------------------------------------------------------------------------- */

/* The house at the top: a module is its own; of a frame or the interpreter it is a node. */
uint32_t rg_draw_root(struct rg_draw *draw, const struct rg_heap_root *root, uint32_t id)
{
	const struct rg_heap *heap = draw->heap;
	const char *label = rg_label_root(heap, root, draw->arena), *comma, *colon;
	uint32_t row;

	if (root->kind == RG_ROOT_MODULE || root->kind == RG_ROOT_STATIC) {
		row = rg_draw_object(draw, id, RG_PICTURE_NO_CLUSTER);
		if (row != RG_NO_ID) {
			draw->picture.nodes[row].kind = RG_PICTURE_ROOT;
			draw->picture.nodes[row].title = label;
			draw->picture.nodes[row].facts = root->kind == RG_ROOT_MODULE
								 ? "root: sys.modules"
								 : "root: static";
			draw->has_root = true;
		}
		return row;
	}
	comma = strrchr(label, ',');
	colon = strstr(label, ": ");
	row = rg_draw_node(draw, RG_PICTURE_ROOT, RG_PICTURE_NO_CLUSTER,
		colon ? rg_arena_text(draw->arena, label, (size_t)(colon - label)) : label,
		colon && comma > colon && root->kind == RG_ROOT_FRAME
			? rg_label_short(rg_arena_text(
				  draw->arena, colon + 2, (size_t)(comma - colon - 2)))
		: colon ? colon + 2
			: "root");
	if (row != RG_NO_ID)
		draw->picture.nodes[row].tooltip = label;
	return row;
}

/* What the reference from a frame to its local is called. */
const char *rg_draw_root_label(struct rg_draw *draw, const struct rg_heap_root *root)
{
	const char *path = rg_label_root_path(draw->heap, root, draw->arena);
	const char *dot = root->kind == RG_ROOT_FRAME ? strrchr(path, '.') : NULL;

	return dot ? dot + 1 : "";
}

const char *rg_draw_label(struct rg_draw *draw, uint32_t reference)
{
	const char *label = rg_label_reference(draw->heap, reference, draw->arena);

	return *label == '.' ? label + 1 : label;
}

/* Everything between the two shown ends of a long chain, as one dashed node. */
uint32_t rg_draw_gap(struct rg_draw *draw, uint32_t from, uint32_t skipped)
{
	uint32_t row = rg_draw_node(draw, RG_PICTURE_REST, RG_PICTURE_NO_CLUSTER,
		rg_arena_print(draw->arena, "… %s more …", rg_units_count(skipped, draw->arena)),
		"of the chain");

	rg_draw_edge(draw, from, row, "", 1);
	return row;
}

/* True when another chain drew the same reference. */
static bool is_drawn(const struct rg_draw *draw, uint32_t from, uint32_t to, uint32_t reference)
{
	const struct rg_picture *picture = &draw->picture;

	for (uint32_t i = 0; i < picture->n_edges; i++)
		if (picture->edges[i].from == from && picture->edges[i].to == to &&
			picture->edges[i].reference == reference)
			return true;
	return false;
}

enum rg_code rg_draw_chain(struct rg_draw *draw, const struct rg_paths *paths, uint32_t id,
	uint32_t cluster, uint32_t *holder_ret, struct rg_error *err)
{
	struct rg_path_step *steps;
	uint32_t count, from, row;
	const struct rg_heap_root *root;
	const char *label = "";
	enum rg_code code = rg_paths_chain(paths, id, &steps, &count, err);

	*holder_ret = RG_NO_ID;
	if (code || !count)
		return code;
	root = &draw->heap->roots[paths->root_of[steps[0].object]];
	from = rg_draw_root(draw, root, steps[0].object);
	if (rg_draw_find(draw, steps[0].object) == RG_NO_ID)
		label = rg_draw_root_label(draw, root);
	for (uint32_t i = rg_draw_find(draw, steps[0].object) == RG_NO_ID ? 0 : 1; i < count; i++) {
		struct rg_picture_edge *edge;
		bool gap = i == CHAIN_ENDS && count > 2 * CHAIN_ENDS + 1;

		if (gap) {
			from = rg_draw_gap(draw, from, count - 2 * CHAIN_ENDS);
			i = count - CHAIN_ENDS;
		}
		/* what a module's dict holds is the module's attribute */
		if (i > 0 && i + 1 < count && rg_label_is_dict(draw->heap, steps[i].reference))
			continue;
		row = rg_draw_object(
			draw, steps[i].object, i + 1 == count ? cluster : RG_PICTURE_NO_CLUSTER);
		if (i > 0)
			label = rg_draw_label(draw, steps[i].reference);
		edge = rg_draw_edge(draw, from, row, label, 1);
		if (edge && i > 0)
			edge->reference = steps[i].reference;
		if (i + 1 == count)
			*holder_ret = from;
		from = row;
	}
	free(steps);
	return draw->failed ? rg_nomem(err) : RG_OK;
}

void rg_draw_steps(struct rg_draw *draw, const struct rg_path_step *steps, uint32_t count)
{
	uint32_t from = rg_draw_object(draw, steps[0].object, RG_PICTURE_NO_CLUSTER);

	for (uint32_t i = 1; i < count; i++) {
		uint32_t row;
		struct rg_picture_edge *edge;

		if (i == CHAIN_ENDS && count > 2 * CHAIN_ENDS + 1) {
			from = rg_draw_gap(draw, from, count - 2 * CHAIN_ENDS);
			i = count - CHAIN_ENDS;
		}
		row = rg_draw_object(draw, steps[i].object, RG_PICTURE_NO_CLUSTER);
		if (!is_drawn(draw, from, row, steps[i].reference)) {
			edge = rg_draw_edge(
				draw, from, row, rg_draw_label(draw, steps[i].reference), 1);
			if (edge)
				edge->reference = steps[i].reference;
		}
		from = row;
	}
}

/* --- the whole ---------------------------------------------------------------------------- */

/* The picture as a graph of its own; its weak references hold nothing. */
static enum rg_code graph_of(
	const struct rg_picture *picture, struct rg_graph *graph, struct rg_error *err)
{
	graph->n = picture->n_nodes;
	graph->offset = rg_array_new((size_t)graph->n + 2, sizeof(*graph->offset));
	graph->target = rg_array_new(picture->n_edges, sizeof(*graph->target));
	if (!graph->offset || !graph->target)
		return rg_nomem(err);
	for (uint32_t i = 0; i < picture->n_edges; i++)
		if (!picture->edges[i].weak) {
			graph->offset[picture->edges[i].from + 2]++;
			graph->m++;
		}
	for (uint32_t v = 0; v < graph->n; v++)
		graph->offset[v + 1] += graph->offset[v];
	for (uint32_t i = 0; i < picture->n_edges; i++)
		if (!picture->edges[i].weak)
			graph->target[graph->offset[picture->edges[i].from + 1]++] =
				picture->edges[i].to;
	return RG_OK;
}

enum rg_code rg_draw_mark_cycles(struct rg_draw *draw, struct rg_error *err)
{
	struct rg_picture *picture = &draw->picture;
	struct rg_components components = { 0 };
	struct rg_graph graph = { 0 };
	enum rg_code code = graph_of(picture, &graph, err);

	if (!code)
		code = rg_components_init(&components, &graph, err);
	for (uint32_t i = 0; !code && i < picture->n_edges; i++) {
		struct rg_picture_edge *edge = &picture->edges[i];

		edge->cyclic = !edge->weak && components.of[edge->from] == components.of[edge->to];
		draw->has_cyclic |= edge->cyclic;
	}
	rg_components_deinit(&components);
	rg_graph_deinit(&graph);
	return code;
}

void rg_draw_finish(struct rg_draw *draw, const char *name, const char *title, bool cycles)
{
	const struct rg_heap *heap = draw->heap;
	struct rg_text runtime = rg_heap_fact_text(heap, "runtime");
	int64_t pid = rg_heap_fact_number(heap, "pid", -1);
	const char *source = draw->stable || pid < 0
				     ? "snapshot"
				     : rg_arena_print(draw->arena, "pid %lld", (long long)pid);

	draw->picture.name = name;
	draw->picture.title = title;
	draw->picture.note = draw->note;
	draw->picture.subtitle = rg_arena_print(draw->arena,
		"%s%s%.*s · %u of %s objects shown%s%s", source, runtime.length ? " · " : "",
		(int)runtime.length, runtime.bytes, (unsigned)draw->rows.used,
		rg_units_count(heap->n_objects, draw->arena), draw->note ? " · " : "",
		draw->note ? draw->note : "");
	draw->picture.legend = rg_arena_print(draw->arena, "%s%s%s%sheavy border: %s%s%s%s%s%s%s",
		draw->has_grown ? "▲ grown · " : "", draw->has_freed ? "▼ dashed: freed · " : "",
		cycles ? "orange: cycle · " : "", draw->has_cut ? "✂ dashed: break this · " : "",
		draw->heavy ? draw->heavy
		: cycles    ? "nearest a root"
			    : "the object asked about",
		draw->has_root ? " · house: root" : "",
		draw->has_aggregate ? " · 3-D box: several alike" : "",
		draw->has_rest ? " · dashed box: more" : "",
		draw->has_cyclic ? " · orange: in a cycle" : "",
		draw->has_weak ? " · dotted: weak" : "",
		draw->has_highlight ? " · ★ highlighted" : "");
}
