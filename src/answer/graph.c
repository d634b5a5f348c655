#include "src/answer/graph.h"

#include "src/heap/label.h"

static const struct rg_field node_fields[] = {
	RG_FIELD(rg_answer_node, node, RG_ID, NULL, "its number, which edges name"),
	RG_FIELD(rg_answer_node, role, RG_TEXT, NULL, "asked, root, member, folded or ordinary"),
	RG_FIELD(rg_answer_node, title, RG_TEXT, NULL, "what the picture calls it"),
	RG_FIELD(rg_answer_node, facts, RG_TEXT, NULL, "what it says of it"),
	RG_FIELD(rg_answer_node, alike, RG_COUNT, NULL, "how many objects it stands for"),
	RG_FIELD_FLAGGED(rg_answer_node, highlighted, RG_FLAG, RG_OMIT_EMPTY, NULL,
		"one of those that --highlight selects"),
	RG_FIELD_OF(rg_answer_node, object, RG_INLINE, &rg_record_object,
		"of a node that is one object: what is known of it"),
};
static const struct rg_record node_record = RG_RECORD_OF(rg_answer_node, node_fields);

static const struct rg_field edge_fields[] = {
	RG_FIELD_FLAGGED(rg_answer_edge, from, RG_ID, RG_VOLATILE, NULL,
		"number of the source; null where that is no single object"),
	RG_FIELD_FLAGGED(rg_answer_edge, to, RG_ID, RG_VOLATILE, NULL,
		"number of the target; null where that is no single object"),
	RG_FIELD(rg_answer_edge, from_node, RG_ID, NULL, "the source's node"),
	RG_FIELD(rg_answer_edge, to_node, RG_ID, NULL, "the target's node"),
	RG_FIELD(rg_answer_edge, kind, RG_TEXT, NULL,
		"what kind of reference; null where it stands for several, or for a root's"),
	RG_FIELD(rg_answer_edge, label, RG_TEXT, NULL, "as Python writes it"),
	RG_FIELD(rg_answer_edge, alike, RG_COUNT, NULL, "how many references it stands for"),
};
static const struct rg_record edge_record = RG_RECORD_OF(rg_answer_edge, edge_fields);

static const struct rg_field left_out_fields[] = {
	RG_FIELD(rg_answer_left_out, objects, RG_COUNT, NULL, "objects of the heap not shown"),
	RG_FIELD(rg_answer_left_out, references, RG_COUNT, NULL, "references not shown"),
};
static const struct rg_record left_out_record = RG_RECORD_OF(rg_answer_left_out, left_out_fields);

static const struct rg_field graph_fields[] = {
	RG_FIELD_OF(rg_answer_graph, nodes, RG_LIST, &node_record, "what is drawn"),
	RG_FIELD_OF(rg_answer_graph, edges, RG_LIST, &edge_record, "between them"),
	RG_FIELD_OF(rg_answer_graph, left_out, RG_RECORD, &left_out_record, "and what is not"),
};
const struct rg_record rg_record_graph = RG_RECORD_OF(rg_answer_graph, graph_fields);

static const char *role_of(const struct rg_picture_node *node)
{
	if (node->asked)
		return "asked";
	if (node->kind == RG_PICTURE_ROOT)
		return "root";
	if (node->kind == RG_PICTURE_AGGREGATE || node->kind == RG_PICTURE_REST)
		return "folded";
	return node->cluster == RG_PICTURE_NO_CLUSTER ? "ordinary" : "member";
}

/* The nodes; how many single objects are among them. */
static uint64_t fill_nodes(struct rg_answer_graph *graph, const struct rg_heap *heap,
	const struct rg_picture *picture, bool raw, struct rg_arena *arena)
{
	struct rg_answer_node *rows = rg_answer_rows(
		&graph->nodes, picture->n_nodes, picture->n_nodes, sizeof(*rows), arena);
	uint64_t objects = 0;

	for (uint32_t i = 0; rows && i < picture->n_nodes; i++) {
		const struct rg_picture_node *node = &picture->nodes[i];

		rows[i] = (struct rg_answer_node){ .node = i,
			.role = role_of(node),
			.title = node->title,
			.facts = node->facts,
			.alike = node->alike,
			.highlighted = node->highlighted };
		if (node->object == RG_PICTURE_NO_OBJECT)
			continue;
		rows[i].object = rg_answer_object_new(heap, node->object, raw, arena);
		objects++;
	}
	return objects;
}

static struct rg_answer_edge edge_of(const struct rg_heap *heap, const struct rg_picture *picture,
	const struct rg_picture_edge *edge, struct rg_arena *arena)
{
	bool single = edge->reference != RG_PICTURE_NO_OBJECT && edge->alike == 1;

	return (struct rg_answer_edge){ .from = picture->nodes[edge->from].object,
		.to = picture->nodes[edge->to].object,
		.from_node = edge->from,
		.to_node = edge->to,
		.kind = single ? rg_kind_table[RG_EDGE_KIND(heap->edge[edge->reference])].name
			       : NULL,
		.label = single ? rg_label_reference(heap, edge->reference, arena) : edge->label,
		.alike = edge->alike };
}

struct rg_answer_graph *rg_answer_graph_new(const struct rg_heap *heap,
	const struct rg_picture *picture, bool raw, struct rg_arena *arena)
{
	struct rg_answer_graph *graph = rg_arena_new(arena, 1, sizeof(*graph));
	struct rg_answer_edge *edges;

	if (!graph)
		return NULL;
	graph->left_out = rg_arena_new(arena, 1, sizeof(*graph->left_out));
	edges = rg_answer_rows(
		&graph->edges, picture->n_edges, picture->n_edges, sizeof(*edges), arena);
	if (!graph->left_out || !edges)
		return NULL;
	graph->left_out->objects = heap->n_objects - fill_nodes(graph, heap, picture, raw, arena);
	graph->left_out->references = heap->n_references;
	for (uint32_t i = 0; i < picture->n_edges; i++) {
		const struct rg_picture_edge *edge = &picture->edges[i];

		edges[i] = edge_of(heap, picture, edge, arena);
		if (graph->left_out->references >= edge->alike)
			graph->left_out->references -= edge->alike;
	}
	return graph;
}
