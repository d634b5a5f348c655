#include "src/heap/policy.h"

#include "heapdump/base/array.h"
#include "src/heap/fold.h"

struct build {
	const struct rg_heap *heap;
	const struct rg_policy *policy;
	struct rg_graph *graph;
	bool store;
	uint32_t at;
};

static bool wanted(const struct build *build, uint32_t id)
{
	return !build->policy->within || rg_bitset_get(build->policy->within, id);
}

/* True when POLICY follows the reference of row EDGE from OWNER. */
static bool follows(const struct build *build, uint32_t owner, uint32_t edge)
{
	const struct rg_policy *policy = build->policy;
	uint8_t byte = build->heap->edge[edge];
	unsigned edges = policy->edges;

	if (policy->dead) {
		bool dead = rg_bitset_get(policy->dead, owner);

		if (dead != rg_bitset_get(policy->dead, build->heap->target[edge]))
			return false;
		edges = dead ? policy->dead_edges : edges;
	}
	return rg_policy_follows(edges, byte) && !(policy->traversed && byte & RG_EDGE_UNTRAVERSED);
}

/* The references of one row, on behalf of OWNER; a folded target is its owner's. */
static void add_references(struct build *build, uint32_t owner, uint32_t id)
{
	const struct rg_heap *heap = build->heap;

	for (uint32_t edge = heap->offset[id]; edge < heap->offset[id + 1]; edge++) {
		uint32_t target = heap->target[edge];

		if (!follows(build, owner, edge) || !wanted(build, target) ||
			(!build->policy->raw && rg_heap_folded(heap, target)))
			continue;
		if (build->store) {
			build->graph->target[build->at] = target;
			if (build->graph->label)
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
		if (heap->target[edge] == helper && follows(build, id, edge))
			return true;
	return false;
}

static void add_all(struct build *build)
{
	const struct rg_heap *heap = build->heap;
	bool raw = build->policy->raw;

	build->at = 0;
	for (uint32_t id = 0; id < heap->n_objects; id++) {
		uint32_t helper = raw ? RG_NO_ID : rg_heap_helper(heap, id);

		if (build->store)
			build->graph->offset[id] = build->at;
		if (!wanted(build, id) || (!raw && rg_heap_folded(heap, id)))
			continue;
		add_references(build, id, id);
		if (helper != RG_NO_ID && follows_helper(build, id, helper))
			add_references(build, id, helper);
	}
	if (build->store)
		build->graph->offset[heap->n_objects] = build->at;
}

enum rg_code rg_policy_graph(const struct rg_heap *heap, const struct rg_policy *policy,
	struct rg_graph *graph_ret, struct rg_error *err)
{
	struct rg_graph graph = { .n = heap->n_objects };
	struct build build = { .heap = heap, .policy = policy, .graph = &graph };

	add_all(&build);
	graph.m = build.at;
	graph.offset = rg_array_new((size_t)graph.n + 1, sizeof(*graph.offset));
	graph.target = rg_array_new(graph.m, sizeof(*graph.target));
	if (!policy->unlabelled)
		graph.label = rg_array_new(graph.m, sizeof(*graph.label));
	if (!graph.offset || !graph.target || (!graph.label && !policy->unlabelled)) {
		rg_graph_deinit(&graph);
		return rg_nomem(err);
	}
	build.store = true;
	add_all(&build);
	*graph_ret = graph;
	return RG_OK;
}

/* The rows of ID, on behalf of OWNER; from the last back, so that the first of several stays. */
static void find_rows(const struct build *build, uint32_t owner, uint32_t id,
	const uint32_t *parent, uint32_t *edge)
{
	const struct rg_heap *heap = build->heap;

	for (uint32_t row = heap->offset[id + 1]; row-- > heap->offset[id];)
		if (parent[heap->target[row]] == owner && edge[heap->target[row]] != RG_NO_EDGE &&
			follows(build, owner, row))
			edge[heap->target[row]] = row;
}

void rg_policy_rows(const struct rg_heap *heap, const struct rg_policy *policy,
	const uint32_t *parent, uint32_t *edge)
{
	struct build build = { .heap = heap, .policy = policy };

	for (uint32_t id = 0; id < heap->n_objects; id++) {
		uint32_t helper = policy->raw ? RG_NO_ID : rg_heap_helper(heap, id);

		if (!policy->raw && rg_heap_folded(heap, id))
			continue;
		if (helper != RG_NO_ID && follows_helper(&build, id, helper))
			find_rows(&build, id, helper, parent, edge);
		find_rows(&build, id, id, parent, edge);
	}
}

const char *rg_policy_name(unsigned edges)
{
	if (edges == RG_EDGES_DATA)
		return "data";
	return edges == RG_EDGES_STRONG ? "strong" : "all";
}
