#include "src/answer/objects.h"

#include "src/answer/rows.h"
#include "src/heap/fold.h"
#include "src/heap/label.h"
#include "src/heap/policy.h"

static const struct rg_field objects_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_objects),
	RG_FIELD_OF(rg_answer_objects, objects, RG_LIST, &rg_record_object,
		"those of the selection, as sorted"),
	RG_FIELD(rg_answer_objects, size, RG_BYTES, NULL, "footprints of all of them"),
	RG_FIELD(rg_answer_objects, folded, RG_COUNT, NULL,
		"selected, but listed as part of what they are folded into"),
};
static const struct rg_record objects_record = RG_RECORD_OF(rg_answer_objects, objects_fields);
const struct rg_answer rg_answer_objects = { "objects", &objects_record };

static const struct rg_field link_fields[] = {
	RG_FIELD_OF(rg_answer_link, reference, RG_RECORD, &rg_record_reference, "the reference"),
	RG_FIELD_OF(rg_answer_link, object, RG_RECORD, &rg_record_object, "at its other end"),
};
static const struct rg_record link_record = RG_RECORD_OF(rg_answer_link, link_fields);

static const struct rg_field show_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_show),
	RG_FIELD(rg_answer_show, selected, RG_COUNT, NULL, "objects; the first of them is shown"),
	RG_FIELD_OF(rg_answer_show, object, RG_RECORD, &rg_record_object, "the object"),
	RG_FIELD(rg_answer_show, state, RG_TEXT, NULL,
		"alive, garbage, may resurrect, uncollectable, hidden, or held from C"),
	RG_FIELD(rg_answer_show, retained, RG_OPTIONAL_BYTES, NULL,
		"what would be freed with it, itself included; null for garbage"),
	RG_FIELD(rg_answer_show, retained_objects, RG_OPTIONAL, NULL, "how many objects that are"),
	RG_FIELD_OF(rg_answer_show, in, RG_LIST, &link_record, "references to it"),
	RG_FIELD_OF(rg_answer_show, out, RG_LIST, &link_record, "references from it"),
	RG_FIELD_OF(rg_answer_show, roots, RG_ROWS, NULL, "roots that hold the object itself"),
	RG_FIELD_OF(rg_answer_show, chain, RG_RECORD, &rg_record_chain,
		"the shortest chain from a root, or null"),
	RG_FIELD_OF(rg_answer_show, cycle, RG_RECORD, &rg_record_cycle,
		"the cycle it is in, alone, or null"),
	{ "graph", RG_RECORD, offsetof(struct rg_answer_show, graph), &rg_record_graph,
		RG_OMIT_EMPTY, NULL, "with --graph: the picture as data" },
};
static const struct rg_record show_record = RG_RECORD_OF(rg_answer_show, show_fields);
const struct rg_answer rg_answer_show = { "show", &show_record };

/* --- objects ------------------------------------------------------------------------------ */

static uint64_t distance_of(
	const struct rg_paths *paths, const struct rg_heap *heap, uint32_t id, bool raw)
{
	uint32_t distance = paths->distances.distance[rg_heap_place(heap, id, raw)];

	return distance == RG_UNREACHED ? RG_NOTHING : distance;
}

enum rg_code rg_answer_objects_init(struct rg_answer_objects *answer, const struct rg_heap *heap,
	const struct rg_answer_origin *origin, const uint32_t *ids, uint64_t n,
	const struct rg_order *order, uint64_t limit, struct rg_arena *arena, struct rg_error *err)
{
	const struct rg_retained *retained = order->retained;
	struct rg_answer_object *rows;

	rg_answer_envelope_init(&answer->envelope, heap, origin, arena);
	rg_rows_objects(&answer->objects, heap, ids, n, limit, origin->raw, arena);
	rows = answer->objects.rows;
	for (uint64_t i = 0; order->paths && i < answer->objects.shown; i++)
		rows[i].distance = distance_of(order->paths, heap, ids[i], origin->raw);
	for (uint64_t i = 0; retained && i < answer->objects.shown; i++)
		if (rg_retained_number(retained, ids[i]))
			rows[i].retained = retained->bytes[rg_retained_number(retained, ids[i])];
	for (uint64_t i = 0; i < n; i++)
		answer->size += rg_heap_footprint(heap, ids[i], origin->raw);
	return arena->failed ? rg_nomem(err) : RG_OK;
}

/* --- show --------------------------------------------------------------------------------- */

/* The link by reference EDGE of the heap, FROM to TO, as it is shown on the page of ID. */
static void fill_link(struct rg_answer_link *row, const struct rg_heap *heap, uint32_t id,
	uint32_t from, uint32_t to, uint32_t edge, bool raw, struct rg_arena *arena)
{
	bool inward = to == id;
	uint32_t other = inward ? from : to, shown = raw ? other : rg_heap_stand_in(heap, other);

	/* a module and its dict: here the dict itself */
	if (shown == id)
		shown = other;
	row->reference = rg_answer_reference_new(heap, from, edge, arena);
	/* folded: what is at the end, not the helper that holds it */
	if (row->reference) {
		row->reference->from = inward ? shown : id;
		row->reference->to = inward ? id : shown;
	}
	row->object = rg_answer_object_new(heap, shown, raw, arena);
}

static void fill_out(struct rg_list *list, const struct rg_heap *heap, const struct rg_graph *graph,
	uint32_t id, uint64_t limit, bool raw, struct rg_arena *arena)
{
	uint32_t first = graph->offset[id];
	uint64_t n = graph->offset[id + 1] - first;
	struct rg_answer_link *rows = rg_answer_rows(
		list, n < limit ? n : limit, n, sizeof(*rows), arena);

	for (uint32_t i = 0; rows && i < list->shown; i++)
		fill_link(&rows[i], heap, id, id, graph->target[first + i],
			rg_graph_label(graph, first + i), raw, arena);
}

/* One object: going through all edges costs less than to turn them round. */
static void fill_in(struct rg_list *list, const struct rg_heap *heap, const struct rg_graph *graph,
	uint32_t id, uint64_t limit, bool raw, struct rg_arena *arena)
{
	uint64_t n = 0, filled = 0;
	struct rg_answer_link *rows;

	for (uint32_t e = 0; e < graph->m; e++)
		n += graph->target[e] == id;
	rows = rg_answer_rows(list, n < limit ? n : limit, n, sizeof(*rows), arena);
	for (uint32_t v = 0; rows && v < graph->n && filled < list->shown; v++)
		for (uint32_t e = graph->offset[v];
			e < graph->offset[v + 1] && filled < list->shown; e++)
			if (graph->target[e] == id)
				fill_link(&rows[filled++], heap, id, v, id,
					rg_graph_label(graph, e), raw, arena);
}

enum rg_code rg_answer_show_links(struct rg_answer_show *answer, const struct rg_heap *heap,
	uint32_t id, uint64_t limit, bool raw, struct rg_arena *arena, struct rg_error *err)
{
	struct rg_policy policy = { .edges = RG_EDGES_ALL | 1u << RG_CLASS_WEAK, .raw = raw };
	struct rg_graph graph;
	uint32_t distance;
	enum rg_code code = rg_paths_distance(
		heap, raw, rg_heap_place(heap, id, raw), &distance, err);

	if (!code)
		code = rg_policy_graph(heap, &policy, &graph, err);
	if (code)
		return code;
	answer->distance = distance == RG_UNREACHED ? RG_NOTHING : distance;
	fill_out(&answer->out, heap, &graph, id, limit, raw, arena);
	fill_in(&answer->in, heap, &graph, id, limit, raw, arena);
	rg_graph_deinit(&graph);
	return RG_OK;
}

enum rg_code rg_answer_show_retained(struct rg_answer_show *answer, const struct rg_heap *heap,
	uint32_t id, bool raw, struct rg_error *err)
{
	struct rg_retained retained;
	enum rg_code code = rg_retained_init(&retained, heap, raw, false, err);
	uint32_t number;

	if (code)
		return code;
	number = rg_retained_number(&retained, id);
	answer->retained = number ? retained.bytes[number] : RG_NOTHING;
	answer->retained_objects = number ? retained.objects[number] : RG_NOTHING;
	rg_retained_deinit(&retained);
	return RG_OK;
}

static void fill_roots(struct rg_answer_show *answer, const struct rg_heap *heap, uint32_t id,
	uint64_t limit, bool raw, struct rg_arena *arena)
{
	const char **rows;
	uint64_t n = 0, of = 0;

	for (size_t i = 0; i < heap->n_roots; i++)
		of += rg_heap_place(heap, heap->roots[i].object, raw) == id;
	rows = rg_answer_rows(&answer->roots, of < limit ? of : limit, of, sizeof(*rows), arena);
	for (size_t i = 0; rows && i < heap->n_roots && n < answer->roots.shown; i++)
		if (rg_heap_place(heap, heap->roots[i].object, raw) == id)
			rows[n++] = rg_label_root(heap, &heap->roots[i], arena);
}

static const char *state_of(const struct rg_cycles *cycles, uint32_t id)
{
	const struct rg_garbage *garbage = &cycles->garbage;

	if (rg_bitset_get(&garbage->may_resurrect, id))
		return "may resurrect";
	if (rg_bitset_get(&garbage->uncollectable, id))
		return "uncollectable";
	if (rg_bitset_get(&garbage->dead, id))
		return "garbage";
	if (rg_bitset_get(&garbage->hidden, id))
		return "hidden";
	return cycles->paths.distances.distance[id] == RG_UNREACHED ? "held from C" : "alive";
}

enum rg_code rg_answer_show_init(struct rg_answer_show *answer, const struct rg_cycles *cycles,
	const struct rg_answer_origin *origin, uint32_t id, uint64_t limit, struct rg_arena *arena,
	struct rg_error *err)
{
	const struct rg_heap *heap = cycles->heap;

	rg_answer_envelope_init(&answer->envelope, heap, origin, arena);
	answer->object = rg_answer_object_new(heap, id, origin->raw, arena);
	if (answer->object)
		answer->object->distance = answer->distance;
	answer->state = state_of(cycles, id);
	fill_roots(answer, heap, id, limit, origin->raw, arena);
	answer->chain = rg_chain_new(heap, &cycles->paths, id, origin->raw, arena, err);
	if (cycles->n_groups)
		answer->cycle = rg_answer_cycle_new(cycles, 0, arena, err);
	return arena->failed ? rg_nomem(err) : RG_OK;
}
