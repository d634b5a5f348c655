#include "src/analysis/routes.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"
#include "src/graph/reach.h"
#include "src/heap/clarity.h"
#include "src/heap/fold.h"

#define LOOP 16 /* steps within which a pattern that comes back is a loop */

struct merging {
	struct rg_routes *routes;
	struct rg_clarity clarity;
	uint32_t *trail; /* objects of one chain, the far end first */
	struct rg_map by_step; /* parent and pattern, or root -> row */
	bool raw, failed;
	/* of all chains: who refers to whom, the roots (as targets) of each, what they reach */
	bool all;
	struct rg_graph reverse, roots;
	struct rg_bitset reached;
};

/* --- rows --------------------------------------------------------------------------------- */

static uint32_t add_route(struct merging *merging, struct rg_route route, uint64_t key)
{
	struct rg_routes *routes = merging->routes;
	struct rg_route *slot = RG_PUSH(routes->rows, routes->count, routes->capacity);

	if (!slot || !rg_map_set(&merging->by_step, key, (uint32_t)routes->count - 1)) {
		merging->failed = true;
		return RG_NO_ID;
	}
	*slot = route;
	slot->nearest = RG_NO_ID;
	return (uint32_t)routes->count - 1;
}

/*
 * What makes two roots one: of a frame its function and the local, whichever thread it is on; and
 * the type of what they hold.
 */
static uint64_t root_key(const struct rg_heap *heap, const struct rg_heap_root *root)
{
	uint64_t key = rg_mix(rg_mix(root->kind, heap->type[root->object]),
		(uint64_t)root->name << 32 | root->label);

	if (root->kind == RG_ROOT_FRAME && root->frame != RG_NO_ID)
		key = rg_mix(
			key, (uint64_t)heap->frames[root->frame].function << 8 | root->reference);
	return key | 1;
}

static uint32_t root_route(struct merging *merging, uint32_t root, uint32_t object)
{
	const struct rg_routes *routes = merging->routes;
	uint64_t key = root_key(routes->heap, &routes->heap->roots[root]);
	uint32_t row = rg_map_get(&merging->by_step, key);

	if (row != RG_MAP_NONE)
		return row;
	return add_route(merging,
		(struct rg_route){ .parent = RG_NO_ID,
			.root = root,
			.hard = rg_clarity_rank(routes->heap, &routes->heap->roots[root]),
			.pattern = RG_NO_ID,
			.object = object,
			.reference = RG_NO_ID },
		key);
}

/* The row at or above ROW that PATTERN led to, a few steps up at most. */
static uint32_t looped(const struct rg_routes *routes, uint32_t row, uint32_t pattern)
{
	for (unsigned steps = 0; row != RG_NO_ID && steps < LOOP; steps++) {
		if (routes->rows[row].pattern == pattern)
			return row;
		row = routes->rows[row].parent;
	}
	return RG_NO_ID;
}

/* A reference of which nothing is known is like no other: all would be one way. */
static bool is_nameless(const struct rg_heap *heap, uint32_t reference)
{
	return RG_EDGE_KIND(heap->edge[reference]) == RG_KIND_OTHER &&
	       RG_EDGE_FORM(heap->edge[reference]) == RG_FORM_NONE;
}

static uint32_t step_route(struct merging *merging, uint32_t parent, uint32_t from, uint32_t object,
	uint32_t reference)
{
	struct rg_routes *routes = merging->routes;
	uint32_t pattern = rg_patterns_of(&routes->patterns, from, reference), row;
	bool alone = is_nameless(routes->heap, reference);
	uint64_t key = rg_mix((uint64_t)parent << 32 | pattern, alone ? 3 + (uint64_t)object : 2) &
		       ~1ull;

	if (pattern == RG_NO_ID) {
		merging->failed = true;
		return RG_NO_ID;
	}
	row = alone ? RG_NO_ID : looped(routes, parent, pattern);
	if (row != RG_NO_ID) {
		routes->rows[row].loops = true;
		return row;
	}
	key = key ? key : 2;
	row = rg_map_get(&merging->by_step, key);
	if (row != RG_MAP_NONE)
		return row;
	return add_route(merging,
		(struct rg_route){ .parent = parent,
			.root = RG_NO_ID,
			.hard = routes->rows[parent].hard +
				rg_clarity_hard(&merging->clarity, reference),
			.pattern = pattern,
			.object = object,
			.reference = reference },
		key);
}

/* --- chains ------------------------------------------------------------------------------- */

/* The row of OBJECT, which a root reaches; its chain is walked up to what is known already. */
static uint32_t route_of(struct merging *merging, uint32_t object)
{
	const struct rg_paths *paths = merging->routes->paths;
	const struct rg_distances *distances = &paths->distances;
	uint32_t *known = merging->routes->route_of, n = 0, row = RG_NO_ID;

	for (uint32_t at = object; at != RG_NO_VERTEX && known[at] == RG_NO_ID;
		at = distances->parent[at])
		merging->trail[n++] = at;
	while (n > 0 && !merging->failed) {
		uint32_t at = merging->trail[--n], parent = distances->parent[at];

		row = parent == RG_NO_VERTEX
			      ? root_route(merging, paths->root_of[at], at)
			      : step_route(merging, known[parent], parent, at,
					rg_graph_label(&paths->graph, distances->edge[at]));
		if (row == RG_NO_ID)
			break;
		known[at] = row;
		merging->routes->rows[row].objects++;
	}
	return merging->failed ? RG_NO_ID : known[object];
}

/* A chain as END says ends on the route ROW. */
static void add_end(struct merging *merging, uint32_t row, const struct rg_route *end)
{
	const struct rg_routes *routes = merging->routes;
	struct rg_route *route = &routes->rows[row];

	route->ends++;
	route->size += rg_heap_footprint(routes->heap, end->nearest, merging->raw);
	if (route->nearest != RG_NO_ID && end->length >= route->length)
		return;
	route->nearest = end->nearest;
	route->length = end->length;
	route->holder = end->holder;
	route->last = end->last;
}

/* The shortest chain to OBJECT; false where there is none. */
static bool add_shortest(struct merging *merging, uint32_t object)
{
	const struct rg_paths *paths = merging->routes->paths;
	const struct rg_distances *distances = &paths->distances;
	struct rg_route end = { .nearest = object,
		.length = distances->distance[object],
		.holder = distances->parent[object] };
	uint32_t row;

	if (end.length == RG_UNREACHED)
		return false;
	end.last = end.length ? rg_graph_label(&paths->graph, distances->edge[object])
			      : paths->root_of[object];
	row = route_of(merging, object);
	if (row != RG_NO_ID)
		add_end(merging, row, &end);
	return true;
}

/* Count the end of a chain once an object. */
static void add_once(struct merging *merging, uint32_t row, const struct rg_route *end)
{
	struct rg_route *route;

	if (row == RG_NO_ID)
		return;
	route = &merging->routes->rows[row];
	if (route->counted == end->nearest + 1)
		return;
	route->counted = end->nearest + 1;
	route->objects++;
	add_end(merging, row, end);
}

/* A chain to OBJECT by each root, and through each referrer that is reached without it. */
static bool add_holders(struct merging *merging, uint32_t object)
{
	const struct rg_routes *routes = merging->routes;
	const struct rg_paths *paths = routes->paths;
	const struct rg_graph *reverse = &merging->reverse, *roots = &merging->roots;
	bool any = false;

	for (uint32_t e = roots->offset[object];
		paths->root_of[object] < routes->heap->n_roots && e < roots->offset[object + 1];
		e++) {
		struct rg_route end = {
			.nearest = object, .holder = RG_NO_ID, .last = roots->target[e]
		};

		any = true;
		add_once(merging, root_route(merging, end.last, object), &end);
	}
	for (uint32_t e = reverse->offset[object];
		e < reverse->offset[object + 1] && !merging->failed; e++) {
		uint32_t holder = reverse->target[e], row;
		struct rg_route end = { .nearest = object,
			.length = paths->distances.distance[holder],
			.holder = holder,
			.last = rg_graph_label(&paths->graph, rg_graph_label(reverse, e)) };

		if (end.length == RG_UNREACHED)
			continue;
		any = true;
		end.length++;
		row = route_of(merging, holder);
		if (row != RG_NO_ID)
			add_once(merging, step_route(merging, row, holder, object, end.last), &end);
	}
	return any;
}

static void merge(struct merging *merging, const struct rg_bitset *selected)
{
	struct rg_routes *routes = merging->routes;
	const struct rg_heap *heap = routes->heap;

	for (uint32_t id = 0; id < heap->n_objects && !merging->failed; id++) {
		/* a helper is part of its owner, and was not asked about */
		if (!rg_bitset_get(selected, id) || (!merging->raw && rg_heap_folded(heap, id)))
			continue;
		routes->selected++;
		if (merging->all ? add_holders(merging, id) : add_shortest(merging, id))
			continue;
		if (merging->all && rg_bitset_get(&merging->reached, id))
			routes->inner++;
		else
			routes->unreached++;
	}
	if (merging->failed)
		return;
	/* a parent stands before its children */
	for (size_t i = routes->count; i-- > 0;) {
		routes->rows[i].covers += routes->rows[i].ends;
		if (routes->rows[i].parent != RG_NO_ID)
			routes->rows[routes->rows[i].parent].covers += routes->rows[i].covers;
	}
}

/* --- order -------------------------------------------------------------------------------- */

static int by_ends(const void *a, const void *b, void *context)
{
	const struct rg_routes *routes = context;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	const struct rg_route *x = &routes->rows[i], *y = &routes->rows[k];

	if (x->ends != y->ends)
		return x->ends > y->ends ? -1 : 1;
	if (x->hard != y->hard)
		return x->hard < y->hard ? -1 : 1;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return (i > k) - (i < k);
}

static enum rg_code sort_ends(struct rg_routes *routes, struct rg_error *err)
{
	routes->ends = rg_array_new(routes->count, sizeof(*routes->ends));
	if (!routes->ends)
		return rg_nomem(err);
	for (uint32_t i = 0; i < routes->count; i++)
		if (routes->rows[i].ends)
			routes->ends[routes->n_ends++] = i;
	if (routes->n_ends)
		qsort_r(routes->ends, routes->n_ends, sizeof(*routes->ends), by_ends, routes);
	return RG_OK;
}

static enum rg_code start(struct merging *merging, const struct rg_heap *heap,
	const struct rg_paths *paths, struct rg_error *err)
{
	struct rg_routes *routes = merging->routes;
	enum rg_code code;

	memset(routes, 0, sizeof(*routes));
	routes->heap = heap;
	routes->paths = paths;
	code = rg_patterns_init(&routes->patterns, heap, err);
	if (!code)
		code = rg_clarity_init(&merging->clarity, heap, err);
	routes->route_of = rg_array_new(heap->n_objects, sizeof(*routes->route_of));
	merging->trail = rg_array_new(heap->n_objects, sizeof(*merging->trail));
	if (!code && (!routes->route_of || !merging->trail))
		code = rg_nomem(err);
	if (!code)
		memset(routes->route_of, 0xff, heap->n_objects * sizeof(*routes->route_of));
	return code;
}

/* Merge unless CODE says that the start has failed; release what was for that. */
static enum rg_code finish(struct merging *merging, const struct rg_bitset *selected,
	enum rg_code code, struct rg_error *err)
{
	if (!code) {
		merge(merging, selected);
		code = merging->failed ? rg_nomem(err) : sort_ends(merging->routes, err);
	}
	free(merging->trail);
	rg_clarity_deinit(&merging->clarity);
	rg_map_deinit(&merging->by_step);
	rg_graph_deinit(&merging->reverse);
	rg_graph_deinit(&merging->roots);
	rg_bitset_deinit(&merging->reached);
	if (code)
		rg_routes_deinit(merging->routes);
	return code;
}

enum rg_code rg_routes_init(struct rg_routes *routes, const struct rg_heap *heap,
	const struct rg_paths *paths, const struct rg_bitset *selected, bool raw,
	struct rg_error *err)
{
	struct merging merging = { .routes = routes, .raw = raw };

	return finish(&merging, selected, start(&merging, heap, paths, err), err);
}

/* The roots of each object, as the edges of a graph whose targets are rows of roots. */
static enum rg_code find_roots(
	struct merging *merging, const struct rg_heap *heap, struct rg_error *err)
{
	struct rg_graph *roots = &merging->roots;

	roots->offset = rg_array_new((size_t)heap->n_objects + 2, sizeof(*roots->offset));
	roots->target = rg_array_new(heap->n_roots, sizeof(*roots->target));
	if (!roots->offset || !roots->target)
		return rg_nomem(err);
	/* a counting sort: offset[v + 1] is where v's next one goes, and so ends where v's end */
	for (size_t i = 0; i < heap->n_roots; i++)
		roots->offset[heap->owner[heap->roots[i].object] + 2]++;
	for (uint32_t v = 0; v < heap->n_objects; v++)
		roots->offset[v + 2] += roots->offset[v + 1];
	for (size_t i = 0; i < heap->n_roots; i++)
		roots->target[roots->offset[heap->owner[heap->roots[i].object] + 1]++] =
			(uint32_t)i;
	return RG_OK;
}

enum rg_code rg_routes_init_all(struct rg_routes *routes, const struct rg_heap *heap,
	const struct rg_paths *paths, const struct rg_bitset *selected, bool raw,
	struct rg_error *err)
{
	struct merging merging = { .routes = routes, .raw = raw, .all = true };
	enum rg_code code = start(&merging, heap, paths, err);

	if (!code)
		code = rg_graph_reverse(&paths->graph, &merging.reverse, err);
	if (!code)
		code = find_roots(&merging, heap, err);
	if (!code)
		code = rg_bitset_init(&merging.reached, heap->n_objects, err);
	if (!code)
		code = rg_reach(
			&paths->graph, paths->sources, paths->n_sources, &merging.reached, err);
	return finish(&merging, selected, code, err);
}

enum rg_code rg_routes_chain(const struct rg_routes *routes, uint32_t row,
	struct rg_path_step **steps_ret, uint32_t *count_ret, uint32_t *root_ret,
	struct rg_error *err)
{
	const struct rg_route *route = &routes->rows[row];
	struct rg_path_step *steps = rg_array_new((size_t)route->length + 1, sizeof(*steps));
	uint32_t at = route->holder;

	if (!steps)
		return rg_nomem(err);
	steps[route->length] = (struct rg_path_step){ route->nearest,
		route->length ? route->last : RG_NO_ID };
	for (uint32_t i = route->length; i-- > 0; at = routes->paths->distances.parent[at])
		steps[i] = (struct rg_path_step){ at, rg_paths_step(routes->paths, at) };
	*steps_ret = steps;
	*count_ret = route->length + 1;
	*root_ret = route->length ? routes->paths->root_of[steps[0].object] : route->last;
	return RG_OK;
}

void rg_routes_deinit(struct rg_routes *routes)
{
	rg_patterns_deinit(&routes->patterns);
	free(routes->rows);
	free(routes->ends);
	free(routes->route_of);
	memset(routes, 0, sizeof(*routes));
}
