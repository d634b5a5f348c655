/*
 * idoms GRAPH DOMINATORS: the immediate dominator of each vertex, for comparison with a program
 * that found them otherwise. Both files are arrays of 32-bit numbers: N, M, N_SOURCES, N + 1
 * offsets, M targets, the sources; and for each vertex its dominator, NONE where that is the
 * virtual root, UNREACHED where there is none.
 */
#include <stdio.h>
#include <stdlib.h>

#include "src/graph/dominators.h"

#define NONE UINT32_MAX
#define UNREACHED (UINT32_MAX - 1)

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "idoms: %s\n", what);
	exit(1);
}

static uint32_t *read_numbers(FILE *file, size_t count)
{
	uint32_t *numbers = calloc(count + 1, sizeof(*numbers));

	if (!numbers || fread(numbers, sizeof(*numbers), count, file) != count)
		die("the graph cannot be read");
	return numbers;
}

static uint32_t dominator_of(const struct rg_dominators *d, uint32_t vertex)
{
	uint32_t number = d->number[vertex];

	if (!number)
		return UNREACHED;
	return d->dominator[number] ? d->vertex[d->dominator[number]] : NONE;
}

int main(int argc, char **argv)
{
	FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL;
	FILE *out = argc == 3 ? fopen(argv[2], "wb") : NULL;
	struct rg_dominators d;
	struct rg_graph graph;
	uint32_t *head, *sources;

	if (!in || !out)
		die("usage: idoms GRAPH DOMINATORS");
	head = read_numbers(in, 3);
	graph = (struct rg_graph){ .n = head[0], .m = head[1] };
	graph.offset = read_numbers(in, (size_t)graph.n + 1);
	graph.target = read_numbers(in, graph.m);
	sources = read_numbers(in, head[2]);
	if (!rg_graph_check(&graph) ||
		rg_dominators_init(&d, &graph, sources, head[2], NULL) != RG_OK)
		die("no dominators");
	for (uint32_t v = 0; v < graph.n; v++) {
		uint32_t found = dominator_of(&d, v);

		if (fwrite(&found, sizeof(found), 1, out) != 1)
			die("the dominators cannot be written");
	}
	if (fclose(out))
		die("the dominators cannot be written");
	rg_dominators_deinit(&d);
	rg_graph_deinit(&graph);
	fclose(in);
	free(head);
	free(sources);
	return 0;
}
