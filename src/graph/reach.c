#include "src/graph/reach.h"

#include <stdlib.h>

#include "heapdump/base/array.h"

/* Vertices marked but not yet left. */
struct stack {
	uint32_t *items;
	size_t count, capacity;
};

/* Mark what the edges of VERTEX lead to, and remember what is new. */
static bool expand(const struct rg_graph *graph, uint32_t vertex, struct rg_bitset *marked,
	struct stack *stack)
{
	uint32_t first = graph->offset[vertex], end = graph->offset[vertex + 1];

	/* room for all of them at once would be the edges' number: a hub's is far above its need */
	for (uint32_t e = first; e < end; e++) {
		uint32_t to = graph->target[e], *slot;

		if (!rg_bitset_add(marked, to))
			continue;
		slot = RG_PUSH(stack->items, stack->count, stack->capacity);
		if (!slot)
			return false;
		*slot = to;
		__builtin_prefetch(&graph->offset[to]);
	}
	return true;
}

enum rg_code rg_reach(const struct rg_graph *graph, const uint32_t *sources, uint32_t n_sources,
	struct rg_bitset *marked, struct rg_error *err)
{
	struct stack stack = { 0 };
	bool fits = true;

	for (uint32_t i = 0; i < n_sources && fits; i++) {
		if (!rg_bitset_add(marked, sources[i]))
			continue;
		fits = expand(graph, sources[i], marked, &stack);
		while (stack.count && fits)
			fits = expand(graph, stack.items[--stack.count], marked, &stack);
	}
	free(stack.items);
	return fits ? RG_OK : rg_nomem(err);
}
