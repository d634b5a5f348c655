#include "src/heap/policy.h"

#include "heapdump/base/array.h"
#include "src/heap/clarity.h"
#include "src/heap/fold.h"

struct build {
	const struct rg_heap *heap;
	const struct rg_policy *policy;
	/* what is done with the edge AT, which is the reference ROW of the heap */
	void (*each)(struct build *build, uint32_t row);
	uint32_t at;
	struct rg_graph *graph;
	const struct rg_clarity *clarity;
	struct rg_bitset *marks;
	uint32_t *edge;
};

static void store(struct build *build, uint32_t row)
{
	build->graph->target[build->at] = build->heap->target[row];
	if (build->graph->label)
		build->graph->label[build->at] = row;
}

static void mark_hard(struct build *build, uint32_t row)
{
	if (rg_clarity_hard(build->clarity, row))
		rg_bitset_set(build->marks, build->at);
}

static void find_row(struct build *build, uint32_t row)
{
	uint32_t target = build->heap->target[row];

	/* a row may be the number of a later edge */
	if (build->edge[target] != build->at || rg_bitset_get(build->marks, target))
		return;
	build->edge[target] = row;
	rg_bitset_set(build->marks, target);
}

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
		build->each(build, edge);
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

		if (build->graph)
			build->graph->offset[id] = build->at;
		if (!wanted(build, id) || (!raw && rg_heap_folded(heap, id)))
			continue;
		add_references(build, id, id);
		if (helper != RG_NO_ID && follows_helper(build, id, helper))
			add_references(build, id, helper);
	}
	if (build->graph)
		build->graph->offset[heap->n_objects] = build->at;
}

/* ITEMS with the memory of COUNT; what lies behind has never been touched. */
static uint32_t *shrunk(uint32_t *items, uint32_t count)
{
	uint32_t *small = realloc(items, (count ? count : 1) * sizeof(*items));

	return small ? small : items;
}

enum rg_code rg_policy_graph(const struct rg_heap *heap, const struct rg_policy *policy,
	struct rg_graph *graph_ret, struct rg_error *err)
{
	struct rg_graph graph = { .n = heap->n_objects };
	struct build build = { .heap = heap, .policy = policy, .each = store, .graph = &graph };

	/* at most an edge a reference: to count them first would take as long as to store them */
	graph.offset = rg_array_new((size_t)graph.n + 1, sizeof(*graph.offset));
	graph.target = rg_array_new(heap->n_references, sizeof(*graph.target));
	if (!policy->unlabelled)
		graph.label = rg_array_new(heap->n_references, sizeof(*graph.label));
	if (!graph.offset || !graph.target || (!graph.label && !policy->unlabelled)) {
		rg_graph_deinit(&graph);
		return rg_nomem(err);
	}
	add_all(&build);
	graph.m = build.at;
	graph.target = shrunk(graph.target, graph.m);
	if (graph.label)
		graph.label = shrunk(graph.label, graph.m);
	*graph_ret = graph;
	return RG_OK;
}

enum rg_code rg_policy_hard(const struct rg_heap *heap, const struct rg_policy *policy,
	struct rg_bitset *hard_ret, struct rg_error *err)
{
	struct build build = {
		.heap = heap, .policy = policy, .each = mark_hard, .marks = hard_ret
	};
	struct rg_clarity clarity;
	enum rg_code code = rg_clarity_init(&clarity, heap, err);

	if (code)
		return code;
	code = rg_bitset_init(hard_ret, heap->n_references, err);
	if (!code) {
		build.clarity = &clarity;
		add_all(&build);
	}
	rg_clarity_deinit(&clarity);
	return code;
}

enum rg_code rg_policy_rows(const struct rg_heap *heap, const struct rg_policy *policy,
	uint32_t *edge, struct rg_error *err)
{
	struct build build = { .heap = heap, .policy = policy, .each = find_row, .edge = edge };
	struct rg_bitset found;
	enum rg_code code = rg_bitset_init(&found, heap->n_objects, err);

	if (code)
		return code;
	build.marks = &found;
	add_all(&build);
	rg_bitset_deinit(&found);
	return RG_OK;
}

const char *rg_policy_name(unsigned edges)
{
	if (edges == RG_EDGES_DATA)
		return "data";
	return edges == RG_EDGES_STRONG ? "strong" : "all";
}
