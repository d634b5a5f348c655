/*
 * usage: acyclic SNAPSHOT
 *
 * Whether any cycle of the snapshot is left when all proposed references are removed; run by
 * breaks.py on real heaps. Prints what it saw; exit status 1 when a cycle is left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "src/analysis/cycles.h"
#include "src/graph/acyclic.h"
#include "src/heap/policy.h"

/* For each pattern whether a proposal names it: itself, or by its label where that is rolled up. */
static uint8_t *proposed_patterns(const struct rg_cycles *cycles)
{
	const struct rg_pattern *rows = cycles->patterns.rows;
	uint8_t *proposed = rg_array_new(cycles->patterns.count, 1);

	for (size_t g = 0; proposed && g < cycles->n_groups; g++)
		for (size_t i = 0; i < cycles->groups[g].n_breaks; i++) {
			const struct rg_cycle_break *cut = &cycles->groups[g].breaks[i];

			proposed[cut->pattern] = 1;
			for (size_t p = 0; cut->rolled && p < cycles->patterns.count; p++)
				if (rows[p].kind == rows[cut->pattern].kind &&
					strcmp(rows[p].label, rows[cut->pattern].label) == 0)
					proposed[p] = 1;
		}
	return proposed;
}

/* The references that the proposals remove, as a mark on each edge of the graph. */
static uint8_t *dropped_edges(struct rg_cycles *cycles)
{
	const struct rg_graph *graph = &cycles->graph;
	uint8_t *proposed = proposed_patterns(cycles);
	uint8_t *dropped = rg_array_new(graph->m, 1);

	for (uint32_t v = 0; proposed && dropped && v < graph->n; v++)
		for (uint32_t e = graph->offset[v]; e < graph->offset[v + 1]; e++)
			/* references between components have patterns of their own */
			if (cycles->components.of[v] == cycles->components.of[graph->target[e]])
				dropped[e] = proposed[rg_patterns_of(
					&cycles->patterns, v, rg_graph_label(graph, e))];
	free(proposed);
	return dropped;
}

int main(int argc, char **argv)
{
	struct rg_cycles_options options = { .edges = RG_EDGES_DATA };
	struct rg_cycles cycles;
	struct rg_heap heap;
	struct rg_error err;
	uint8_t *dropped;
	bool acyclic = false;

	if (argc != 2 || rg_heap_init(&heap, argv[1], &err) ||
		rg_cycles_init(&cycles, &heap, &options, &err)) {
		fprintf(stderr, "acyclic: %s\n", argc == 2 ? err.message : "usage: SNAPSHOT");
		return 2;
	}
	dropped = dropped_edges(&cycles);
	if (!dropped || rg_graph_acyclic(&cycles.graph, dropped, &acyclic, &err))
		return 2;
	printf("%llu cycles, %zu patterns, %s\n", (unsigned long long)cycles.cycles,
		cycles.n_groups, acyclic ? "none left" : "A CYCLE IS LEFT");
	free(dropped);
	rg_cycles_deinit(&cycles);
	rg_heap_deinit(&heap);
	return acyclic ? 0 : 1;
}
