#include "src/graph/acyclic.h"

#include <stdlib.h>

#include "heapdump/base/pages.h"

/* Whether edge E counts. */
static inline bool counts(const uint8_t *dropped, uint32_t e)
{
	return !dropped || !dropped[e];
}

/* Take away vertices without in-edges, over and over: how many could be taken. */
static uint32_t peel(
	const struct rg_graph *graph, const uint8_t *dropped, uint32_t *degree, uint32_t *queue)
{
	uint32_t head = 0, tail = 0;

	for (uint32_t e = 0; e < graph->m; e++)
		degree[graph->target[e]] += counts(dropped, e);
	for (uint32_t v = 0; v < graph->n; v++)
		if (!degree[v])
			queue[tail++] = v;
	while (head < tail) {
		uint32_t v = queue[head++];

		for (uint32_t e = graph->offset[v]; e < graph->offset[v + 1]; e++)
			if (counts(dropped, e) && --degree[graph->target[e]] == 0)
				queue[tail++] = graph->target[e];
	}
	return tail;
}

enum rg_code rg_graph_acyclic(const struct rg_graph *graph, const uint8_t *dropped,
	bool *acyclic_ret, struct rg_error *err)
{
	uint32_t *degree = rg_pages_new(graph->n, sizeof(*degree));
	uint32_t *queue = rg_pages_new(graph->n, sizeof(*queue));
	enum rg_code code = RG_OK;

	if (degree && queue)
		*acyclic_ret = peel(graph, dropped, degree, queue) == graph->n;
	else
		code = rg_nomem(err);
	free(degree);
	free(queue);
	return code;
}
