#include "src/graph/graph.h"

#include <stdlib.h>

#include "heapdump/base/pages.h"

void rg_graph_deinit(struct rg_graph *graph)
{
	free(graph->offset);
	free(graph->target);
	free(graph->label);
	*graph = (struct rg_graph){ 0 };
}

/* Allocate the arrays for N vertices and M edges, OFFSETS being n + 1 or more. */
static enum rg_code graph_alloc(
	struct rg_graph *graph, uint32_t n, uint32_t m, size_t offsets, struct rg_error *err)
{
	*graph = (struct rg_graph){ .n = n, .m = m };
	graph->offset = rg_pages_new(offsets, sizeof(uint32_t));
	graph->target = rg_pages_new(m, sizeof(uint32_t));
	graph->label = rg_pages_new(m, sizeof(uint32_t));
	if (graph->offset && graph->target && graph->label)
		return RG_OK;
	rg_graph_deinit(graph);
	return rg_nomem(err);
}

/* In SLOT[v + 1] of n + 2, the place of the first edge into v. */
static void count_sources(const struct rg_graph *graph, uint32_t *slot)
{
	const uint32_t *target = graph->target;

	for (uint32_t e = 0; e < graph->m; e++) {
		if (graph->m - e > 32)
			__builtin_prefetch(&slot[(size_t)target[e + 32] + 2], 1);
		slot[(size_t)target[e] + 2]++;
	}
	for (size_t v = 0; v < graph->n; v++)
		slot[v + 2] += slot[v + 1];
}

enum rg_code rg_graph_reverse(
	const struct rg_graph *graph, struct rg_graph *reverse_ret, struct rg_error *err)
{
	const uint32_t *target = graph->target;
	uint32_t *next, m = graph->m;
	struct rg_graph reverse;

	/* one slot more than offsets: counting at v + 2 and placing at v + 1 leaves the offsets */
	if (graph_alloc(&reverse, graph->n, m, (size_t)graph->n + 2, err) != RG_OK)
		return RG_NOMEM;
	count_sources(graph, reverse.offset);
	next = reverse.offset + 1;
	for (uint32_t v = 0; v < graph->n; v++) {
		for (uint32_t e = graph->offset[v]; e < graph->offset[v + 1]; e++) {
			uint32_t slot;

			if (m - e > 48)
				__builtin_prefetch(&next[target[e + 48]]);
			if (m - e > 16) {
				__builtin_prefetch(&reverse.target[next[target[e + 16]]], 1);
				__builtin_prefetch(&reverse.label[next[target[e + 16]]], 1);
			}
			slot = next[target[e]]++;
			reverse.target[slot] = v;
			reverse.label[slot] = e;
		}
	}
	*reverse_ret = reverse;
	return RG_OK;
}

/* How many edges stay between the members. */
static uint32_t count_inside(const struct rg_graph *graph, const uint32_t *members, uint32_t count,
	const uint32_t *local_of)
{
	uint32_t edges = 0;

	for (uint32_t i = 0; i < count; i++)
		for (uint32_t e = graph->offset[members[i]]; e < graph->offset[members[i] + 1]; e++)
			edges += local_of[graph->target[e]] != RG_NO_VERTEX;
	return edges;
}

enum rg_code rg_graph_induced(const struct rg_graph *graph, const uint32_t *members, uint32_t count,
	const uint32_t *local_of, struct rg_graph *sub_ret, struct rg_error *err)
{
	uint32_t edges = count_inside(graph, members, count, local_of), k = 0;
	struct rg_graph sub;

	if (graph_alloc(&sub, count, edges, (size_t)count + 1, err) != RG_OK)
		return RG_NOMEM;
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t e = graph->offset[members[i]]; e < graph->offset[members[i] + 1];
			e++) {
			uint32_t local = local_of[graph->target[e]];

			if (local == RG_NO_VERTEX)
				continue;
			sub.target[k] = local;
			sub.label[k++] = e;
		}
		sub.offset[i + 1] = k;
	}
	*sub_ret = sub;
	return RG_OK;
}

bool rg_graph_check(const struct rg_graph *graph)
{
	if (graph->n == UINT32_MAX || !graph->offset || (graph->m && !graph->target))
		return false;
	if (graph->offset[0] != 0 || graph->offset[graph->n] != graph->m)
		return false;
	for (uint32_t v = 0; v < graph->n; v++)
		if (graph->offset[v] > graph->offset[v + 1])
			return false;
	for (uint32_t e = 0; e < graph->m; e++)
		if (graph->target[e] >= graph->n)
			return false;
	return true;
}
