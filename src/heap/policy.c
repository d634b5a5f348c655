#include "src/heap/policy.h"

#include <stdlib.h>

#include "heapdump/base/array.h"
#include "src/heap/fold.h"

struct build {
	const struct rg_heap *heap;
	unsigned edges;
	bool raw;
	const struct rg_bitset *within;
	struct rg_graph *graph;
	bool store;
	uint32_t at;
};

static bool wanted(const struct build *build, uint32_t id)
{
	return !build->within || rg_bitset_get(build->within, id);
}

/* The references of one row; a folded target is its owner's, and followed by the caller. */
static void add_references(struct build *build, uint32_t id)
{
	const struct rg_heap *heap = build->heap;

	for (uint32_t edge = heap->offset[id]; edge < heap->offset[id + 1]; edge++) {
		uint32_t target = heap->target[edge];

		if (!rg_policy_follows(build->edges, heap->edge[edge]) || !wanted(build, target)
			|| (!build->raw && rg_heap_folded(heap, target)))
			continue;
		if (build->store) {
			build->graph->target[build->at] = target;
			build->graph->label[build->at] = edge;
		}
		build->at++;
	}
}

/* True when the helper's own references are followed: the reference to it is of the policy. */
static bool follows_helper(const struct build *build, uint32_t id, uint32_t helper)
{
	const struct rg_heap *heap = build->heap;

	for (uint32_t edge = heap->offset[id]; edge < heap->offset[id + 1]; edge++)
		if (heap->target[edge] == helper
			&& rg_policy_follows(build->edges, heap->edge[edge]))
			return true;
	return false;
}

static void add_all(struct build *build)
{
	const struct rg_heap *heap = build->heap;

	build->at = 0;
	for (uint32_t id = 0; id < heap->n_objects; id++) {
		uint32_t helper = build->raw ? RG_NO_ID : rg_heap_helper(heap, id);

		if (build->store)
			build->graph->offset[id] = build->at;
		if (!wanted(build, id) || (!build->raw && rg_heap_folded(heap, id)))
			continue;
		add_references(build, id);
		if (helper != RG_NO_ID && follows_helper(build, id, helper))
			add_references(build, helper);
	}
	if (build->store)
		build->graph->offset[heap->n_objects] = build->at;
}

enum rg_code rg_policy_graph(const struct rg_heap *heap, unsigned edges, bool raw,
	const struct rg_bitset *within, struct rg_graph *graph_ret, struct rg_error *err)
{
	struct rg_graph graph = { .n = heap->n_objects };
	struct build build = { .heap = heap, .edges = edges, .raw = raw, .within = within,
		.graph = &graph };

	add_all(&build);
	graph.m = build.at;
	graph.offset = rg_array_new((size_t)graph.n + 1, sizeof(*graph.offset));
	graph.target = rg_array_new(graph.m, sizeof(*graph.target));
	graph.label = rg_array_new(graph.m, sizeof(*graph.label));
	if (!graph.offset || !graph.target || !graph.label) {
		rg_graph_deinit(&graph);
		return rg_nomem(err);
	}
	build.store = true;
	add_all(&build);
	*graph_ret = graph;
	return RG_OK;
}

uint32_t rg_policy_source(const struct rg_heap *heap, uint32_t reference)
{
	uint32_t low = 0, high = heap->n_objects;

	/* the last row that starts at or before the reference */
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (heap->offset[middle] <= reference)
			low = middle;
		else
			high = middle;
	}
	return low;
}
