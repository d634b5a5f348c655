#include "src/graph/refine.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"

/* An edge to itself is a direction of its own: else two loops would look like a cycle of two. */
enum direction { OUTWARD = 1, INWARD = 2, ITSELF = 3 };

/* Three arrays of n: the colours, the next colours, and a copy of them for sorting. */
struct refine {
	uint64_t *colour, *next, *sorted;
};

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Sort the N colours into sorted[]: how many there are. */
static uint32_t count_colours(struct refine *r, uint32_t n)
{
	uint32_t count = n > 0;

	memcpy(r->sorted, r->colour, n * sizeof(*r->sorted));
	qsort(r->sorted, n, sizeof(*r->sorted), compare);
	for (uint32_t i = 1; i < n; i++)
		count += r->sorted[i] != r->sorted[i - 1];
	return count;
}

/* What a neighbour of colour COLOUR across an edge of EDGE_COLOUR adds to a vertex. */
static uint64_t seen(uint64_t edge_colour, enum direction direction, uint64_t colour)
{
	return rg_mix(rg_mix(edge_colour, direction), colour);
}

/* One round: each vertex takes in its neighbours. A sum, so that their order does not matter. */
static void refine_round(
	struct refine *r, const struct rg_graph *graph, const uint64_t *edge_colour)
{
	uint64_t *was = r->colour;

	memset(r->next, 0, graph->n * sizeof(*r->next));
	for (uint32_t v = 0; v < graph->n; v++) {
		for (uint32_t e = graph->offset[v]; e < graph->offset[v + 1]; e++) {
			uint32_t to = graph->target[e];

			if (to == v) {
				r->next[v] += seen(edge_colour[e], ITSELF, was[v]);
				continue;
			}
			r->next[v] += seen(edge_colour[e], OUTWARD, was[to]);
			r->next[to] += seen(edge_colour[e], INWARD, was[v]);
		}
	}
	/* with the old colour in it, a round can only split colours, never join them */
	for (uint32_t v = 0; v < graph->n; v++)
		r->next[v] = rg_mix(was[v], r->next[v]);
	r->colour = r->next;
	r->next = was;
}

enum rg_code rg_refine_hash(const struct rg_graph *graph, const uint64_t *vertex_colour,
	const uint64_t *edge_colour, uint64_t *hash_ret, struct rg_error *err)
{
	uint64_t *room = rg_array_new((size_t)graph->n * 3, sizeof(*room));
	uint64_t counts[2] = { graph->n, graph->m };
	struct refine r;
	uint32_t before, colours;

	if (!room)
		return rg_nomem(err);
	r = (struct refine){ room, room + graph->n, room + (size_t)graph->n * 2 };
	for (uint32_t v = 0; v < graph->n; v++)
		r.colour[v] = vertex_colour[v];
	colours = count_colours(&r, graph->n);
	/* one round more than splits anything: the edges between the final colours are in it */
	do {
		before = colours;
		refine_round(&r, graph, edge_colour);
		colours = count_colours(&r, graph->n);
	} while (colours > before);
	*hash_ret = rg_hash_with(
		rg_hash(counts, sizeof(counts)), r.sorted, graph->n * sizeof(*r.sorted));
	free(room);
	return RG_OK;
}
