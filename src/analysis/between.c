#include "src/analysis/between.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "src/heap/fold.h"
#include "src/heap/policy.h"

struct search {
	const struct rg_heap *heap;
	bool raw;
	struct rg_graph graph, reverse;
	struct rg_distances distances;
	uint8_t *target; /* of each object: whether paths may end there */
	uint64_t *ways; /* of each object: shortest paths from the sources, saturated */
	uint32_t *order; /* objects by distance, then number */
	struct rg_between *between;
};

/* --- distances ---------------------------------------------------------------------------- */

/* The sources as a list, and the targets marked; what is folded is none. */
static uint32_t list_ends(struct search *search, const struct rg_bitset *from,
	const struct rg_bitset *to, uint32_t *sources)
{
	const struct rg_heap *heap = search->heap;
	uint32_t n = 0;

	for (uint32_t id = 0; id < heap->n_objects; id++) {
		if (!search->raw && rg_heap_folded(heap, id))
			continue;
		if (rg_bitset_get(from, id))
			sources[n++] = id;
		search->target[id] = rg_bitset_get(to, id);
	}
	return n;
}

static enum rg_code prepare(struct search *search, unsigned edges, const struct rg_bitset *from,
	const struct rg_bitset *to, struct rg_error *err)
{
	struct rg_policy policy = { .edges = edges, .raw = search->raw };
	uint32_t n = search->heap->n_objects;
	uint32_t *sources = rg_array_new(n, sizeof(*sources));
	enum rg_code code = rg_policy_graph(search->heap, &policy, &search->graph, err);

	search->target = rg_array_new(n, sizeof(*search->target));
	search->ways = rg_array_new(n, sizeof(*search->ways));
	search->order = rg_array_new(n, sizeof(*search->order));
	if (!code && (!sources || !search->target || !search->ways || !search->order))
		code = rg_nomem(err);
	if (!code)
		code = rg_distances_init(&search->distances, &search->graph, sources,
			list_ends(search, from, to, sources), err);
	free(sources);
	return code ? code : rg_graph_reverse(&search->graph, &search->reverse, err);
}

/*
 * The length of the shortest path: one more than the distance of the nearest that leads to a
 * target.
 */
static bool measure(struct search *search)
{
	const uint32_t *distance = search->distances.distance;
	uint32_t best = RG_UNREACHED;

	for (uint32_t v = 0; v < search->graph.n; v++)
		for (uint32_t e = search->reverse.offset[v];
			search->target[v] && e < search->reverse.offset[v + 1]; e++)
			if (distance[search->reverse.target[e]] < best)
				best = distance[search->reverse.target[e]];
	if (best == RG_UNREACHED)
		return false;
	search->between->length = best + 1;
	return true;
}

/* --- counting ----------------------------------------------------------------------------- */

static uint64_t plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Objects nearer than the targets, by distance: a counting sort. Returns how many. */
static uint32_t sort_layers(struct search *search, struct rg_error *err)
{
	uint32_t length = search->between->length, n = 0;
	const uint32_t *distance = search->distances.distance;
	uint32_t *start = rg_array_new((size_t)length + 1, sizeof(*start));

	if (!start) {
		rg_nomem(err);
		return RG_NO_ID;
	}
	for (uint32_t v = 0; v < search->graph.n; v++)
		if (distance[v] < length) {
			start[distance[v] + 1]++;
			n++;
		}
	for (uint32_t d = 0; d < length; d++)
		start[d + 1] += start[d];
	for (uint32_t v = 0; v < search->graph.n; v++)
		if (distance[v] < length)
			search->order[start[distance[v]]++] = v;
	free(start);
	return n;
}

/* ways[v] for all before the last layer, then the sum over what leads to a target. */
static enum rg_code count(struct search *search, struct rg_error *err)
{
	const struct rg_graph *graph = &search->graph;
	const uint32_t *distance = search->distances.distance;
	uint32_t n = sort_layers(search, err), last = search->between->length - 1;

	if (n == RG_NO_ID)
		return RG_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t v = search->order[i];

		if (distance[v] == 0)
			search->ways[v] = 1;
		for (uint32_t e = graph->offset[v]; e < graph->offset[v + 1]; e++) {
			uint32_t to = graph->target[e];

			if (distance[v] == last) {
				if (search->target[to])
					search->between->shortest = plus(
						search->between->shortest, search->ways[v]);
			} else if (distance[to] == distance[v] + 1) {
				search->ways[to] = plus(search->ways[to], search->ways[v]);
			}
		}
	}
	return RG_OK;
}

/* --- the first paths ---------------------------------------------------------------------- */

/*
 * One path being made, from its end backwards. A place's edges are narrowed when it is first left,
 * to those that lead one step nearer: so each step taken is one of a path that is kept, however
 * many other referrers a hub has.
 */
struct trail {
	uint32_t *vertex, *next; /* of each place: the object, and its next edge backwards */
	uint32_t *end; /* of each object: where its narrowed edges end; 0: not narrowed yet */
};

/* Put object V, whose predecessors are at distance BEFORE, at place AT. */
static void enter(
	struct search *search, struct trail *trail, uint32_t at, uint32_t v, uint32_t before)
{
	struct rg_graph *reverse = &search->reverse;
	uint32_t end = reverse->offset[v];

	trail->vertex[at] = v;
	trail->next[at] = end;
	if (trail->end[v])
		return;
	for (uint32_t e = end; e < reverse->offset[v + 1]; e++)
		if (search->distances.distance[reverse->target[e]] == before) {
			reverse->target[end] = reverse->target[e];
			reverse->label[end++] = reverse->label[e];
		}
	trail->end[v] = end;
}

/* Copy the trail of edges as a path. */
static void keep(struct search *search, const struct trail *trail)
{
	struct rg_between *between = search->between;
	struct rg_path_step *steps = between->steps +
				     (size_t)between->n_paths * (between->length + 1);

	for (uint32_t i = 0; i <= between->length; i++) {
		uint32_t edge = i ? rg_graph_label(&search->reverse, trail->next[i] - 1) : 0;

		steps[i].object = trail->vertex[i];
		steps[i].reference = i ? rg_graph_label(&search->graph, edge) : RG_NO_ID;
	}
	between->n_paths++;
}

/* The paths that end at TARGET, depth first backwards; every one of them ends at a source. */
static void walk_back(struct search *search, uint32_t target, struct trail *trail, uint64_t limit)
{
	uint32_t length = search->between->length, at = length;

	enter(search, trail, at, target, at - 1);
	while (search->between->n_paths < limit) {
		uint32_t v = trail->vertex[at], e = trail->next[at];

		if (e == trail->end[v]) {
			if (at++ == length)
				return;
			continue;
		}
		trail->next[at]++;
		trail->vertex[--at] = search->reverse.target[e];
		if (at == 0)
			keep(search, trail), at++;
		else
			enter(search, trail, at, trail->vertex[at], at - 1);
	}
}

static enum rg_code collect(struct search *search, uint64_t limit, struct rg_error *err)
{
	struct rg_between *between = search->between;
	size_t places = (size_t)between->length + 1;
	struct trail trail = { rg_array_new(places, sizeof(uint32_t)),
		rg_array_new(places, sizeof(uint32_t)),
		rg_array_new(search->graph.n, sizeof(uint32_t)) };

	bool fits;

	if (limit > between->shortest)
		limit = between->shortest;
	if (limit > RG_BETWEEN_STEPS / places)
		limit = RG_BETWEEN_STEPS / places > 1 ? RG_BETWEEN_STEPS / places : 1;
	between->steps = rg_array_new(limit * places, sizeof(*between->steps));
	fits = trail.vertex && trail.next && trail.end && between->steps;

	for (uint32_t v = 0; fits && v < search->graph.n && between->n_paths < limit; v++)
		if (search->target[v])
			walk_back(search, v, &trail, limit);
	free(trail.vertex);
	free(trail.next);
	free(trail.end);
	return fits ? RG_OK : rg_nomem(err);
}

enum rg_code rg_between_init(struct rg_between *between, const struct rg_heap *heap, unsigned edges,
	bool raw, const struct rg_bitset *from, const struct rg_bitset *to, uint64_t limit,
	struct rg_error *err)
{
	struct search search = { .heap = heap, .raw = raw, .between = between };
	enum rg_code code;

	memset(between, 0, sizeof(*between));
	code = prepare(&search, edges, from, to, err);
	if (!code && measure(&search)) {
		code = count(&search, err);
		if (!code)
			code = collect(&search, limit, err);
	}
	rg_graph_deinit(&search.graph);
	rg_graph_deinit(&search.reverse);
	rg_distances_deinit(&search.distances);
	free(search.target);
	free(search.ways);
	free(search.order);
	if (code)
		rg_between_deinit(between);
	return code;
}

void rg_between_deinit(struct rg_between *between)
{
	free(between->steps);
	memset(between, 0, sizeof(*between));
}
