#include "src/graph/distances.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/pages.h"

/* A search at work: the result's arrays, and the vertices in the order they were reached. */
struct search {
	const uint32_t *offset, *target;
	struct rg_distances *d;
	uint32_t *queue; /* n */
	uint32_t head, tail;
};

/* Call for what the vertices next in the queue will need: they lie anywhere in memory. */
static inline void look_ahead(const struct search *s)
{
	uint32_t left = s->tail - s->head;

	if (left > 24)
		__builtin_prefetch(&s->offset[s->queue[s->head + 24]]);
	if (left > 12)
		__builtin_prefetch(&s->target[s->offset[s->queue[s->head + 12]]]);
	if (left > 5) {
		uint32_t v = s->queue[s->head + 5], e = s->offset[v], end = s->offset[v + 1];

		if (end - e > 16)
			end = e + 16;
		for (; e < end; e++)
			__builtin_prefetch(&s->d->distance[s->target[e]], 1);
	}
}

/* Reach TO by EDGE from FROM. */
static inline void reach(struct search *s, uint32_t to, uint32_t from, uint32_t edge, uint32_t far)
{
	s->d->distance[to] = far;
	s->d->parent[to] = from;
	s->d->edge[to] = edge;
	s->queue[s->tail++] = to;
}

static void search_run(struct search *search)
{
	struct search s = *search;
	uint32_t *distance = s.d->distance;

	while (s.head < s.tail) {
		uint32_t v, far;

		look_ahead(&s);
		v = s.queue[s.head++];
		far = distance[v] + 1;
		for (uint32_t e = s.offset[v]; e < s.offset[v + 1]; e++)
			if (distance[s.target[e]] == RG_UNREACHED)
				reach(&s, s.target[e], v, e, far);
	}
	*search = s;
}

/* Allocate the result, all unreached. */
static enum rg_code distances_alloc(
	struct rg_distances *distances, uint32_t n, struct rg_error *err)
{
	size_t bytes = (size_t)n * sizeof(uint32_t);

	*distances = (struct rg_distances){
		.distance = rg_pages_new(n, sizeof(uint32_t)),
		.parent = rg_pages_new(n, sizeof(uint32_t)),
		.edge = rg_pages_new(n, sizeof(uint32_t)),
	};
	if (!distances->distance || !distances->parent || !distances->edge) {
		rg_distances_deinit(distances);
		return rg_nomem(err);
	}
	memset(distances->distance, 0xff, bytes);
	memset(distances->parent, 0xff, bytes);
	memset(distances->edge, 0xff, bytes);
	return RG_OK;
}

static enum rg_code search_init(struct search *s, struct rg_distances *distances,
	const struct rg_graph *graph, struct rg_error *err)
{
	*s = (struct search){ .offset = graph->offset, .target = graph->target, .d = distances };
	if (distances_alloc(distances, graph->n, err) != RG_OK)
		return RG_NOMEM;
	s->queue = rg_pages_new(graph->n, sizeof(uint32_t));
	if (!s->queue) {
		rg_distances_deinit(distances);
		return rg_nomem(err);
	}
	return RG_OK;
}

enum rg_code rg_distances_init(struct rg_distances *distances, const struct rg_graph *graph,
	const uint32_t *sources, uint32_t n_sources, struct rg_error *err)
{
	struct search s;

	if (search_init(&s, distances, graph, err) != RG_OK)
		return RG_NOMEM;
	for (uint32_t i = 0; i < n_sources; i++)
		if (distances->distance[sources[i]] == RG_UNREACHED)
			reach(&s, sources[i], RG_NO_VERTEX, RG_NO_EDGE, 0);
	search_run(&s);
	distances->reached = s.tail;
	free(s.queue);
	return RG_OK;
}

/* --- late edges --------------------------------------------------------------------------- */

/* Follow the edges of V that are late, or those that are not. */
static void expand(struct search *s, uint32_t v, const struct rg_bitset *late, bool wanted)
{
	uint32_t far = s->d->distance[v] + 1;

	for (uint32_t e = s->offset[v]; e < s->offset[v + 1]; e++)
		if (s->d->distance[s->target[e]] == RG_UNREACHED &&
			rg_bitset_get(late, e) == wanted)
			reach(s, s->target[e], v, e, far);
}

/*
 * One level: the vertices from DONORS up to s->head were reached with one late edge less, nearest
 * first. Their late edges lead into this level, whose queue so stays in order too.
 */
static void search_level(struct search *s, const struct rg_bitset *late, uint32_t donors)
{
	uint32_t end = s->head;

	while (donors < end || s->head < s->tail) {
		look_ahead(s);
		if (donors < end &&
			(s->head == s->tail || s->d->distance[s->queue[donors]] <=
						       s->d->distance[s->queue[s->head]]))
			expand(s, s->queue[donors++], late, true);
		else
			expand(s, s->queue[s->head++], late, false);
	}
}

static void set_walls(
	struct rg_distances *distances, const struct rg_bitset *walls, uint32_t distance)
{
	for (uint32_t v = 0; walls && v < walls->n; v++)
		if (rg_bitset_get(walls, v))
			distances->distance[v] = distance;
}

enum rg_code rg_distances_init_late(struct rg_distances *distances, const struct rg_graph *graph,
	const uint32_t *sources, uint32_t n_sources, const struct rg_distances_late *late,
	struct rg_error *err)
{
	uint32_t donors = 0, last = 0;
	struct search s;

	if (search_init(&s, distances, graph, err) != RG_OK)
		return RG_NOMEM;
	/* what has a distance is not entered */
	set_walls(distances, late->walls, 0);
	for (uint32_t i = 0; i < n_sources; i++)
		last = late->sources[i] > last ? late->sources[i] : last;
	for (uint32_t level = 0; level <= last || donors < s.head; level++) {
		uint32_t start = s.head;

		for (uint32_t i = 0; level <= last && i < n_sources; i++)
			if (late->sources[i] == level &&
				distances->distance[sources[i]] == RG_UNREACHED)
				reach(&s, sources[i], RG_NO_VERTEX, RG_NO_EDGE, 0);
		search_level(&s, late->edges, donors);
		donors = start;
	}
	set_walls(distances, late->walls, RG_UNREACHED);
	distances->reached = s.tail;
	free(s.queue);
	return RG_OK;
}

void rg_distances_deinit(struct rg_distances *distances)
{
	free(distances->distance);
	free(distances->parent);
	free(distances->edge);
	*distances = (struct rg_distances){ 0 };
}
