#include "src/analysis/growth.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"
#include "src/analysis/held.h"
#include "src/analysis/routes.h"
#include "src/analysis/signature.h"
#include "src/analysis/traits.h"
#include "src/heap/fold.h"

#define HUNDREDTH 100 /* of the heaviest, below which growth is not remarkable */
#define HELD 0x68656c64 /* what keys of what C code holds are mixed from */
#define DEPTH 64 /* steps that a path is followed to what it hangs on */

struct work {
	struct rg_growth *growth;
	const struct rg_heap *before, *after;
	const struct rg_matching *matching;
	uint32_t *row_before, *row_after; /* of each type its row */
	bool raw;
	struct rg_error *err;
};

/* --- types -------------------------------------------------------------------------------- */

/*
 * A row for each name of a type: those of the later heap, then those that are no more. ALIKE: of
 * each type of the earlier heap the first of its name.
 */
static void fill_rows(struct work *work, const uint32_t *alike)
{
	struct rg_grown_type *rows = work->growth->types;
	size_t n = 0;

	memset(work->row_before, 0xff, work->before->n_types * sizeof(*work->row_before));
	for (uint32_t i = 0; i < work->after->n_types; i++) {
		uint32_t known = work->matching->type_before[i];

		known = known == RG_MAP_NONE ? RG_NO_ID : alike[known];
		if (known != RG_NO_ID && work->row_before[known] != RG_NO_ID) {
			work->row_after[i] = work->row_before[known];
			continue;
		}
		work->row_after[i] = (uint32_t)n;
		if (known != RG_NO_ID)
			work->row_before[known] = (uint32_t)n;
		rows[n++] = (struct rg_grown_type){ .before_type = known, .after_type = i };
	}
	for (uint32_t i = 0; i < work->before->n_types; i++)
		if (work->row_before[alike[i]] == RG_NO_ID) {
			work->row_before[alike[i]] = (uint32_t)n;
			rows[n++] = (struct rg_grown_type){ .before_type = i,
				.after_type = RG_NO_ID };
		} else {
			work->row_before[i] = work->row_before[alike[i]];
		}
	work->growth->n_types = n;
}

static enum rg_code make_rows(struct work *work)
{
	struct rg_traits traits;
	enum rg_code code = rg_traits_init(&traits, work->before, work->err);

	if (!code)
		fill_rows(work, traits.alike);
	rg_traits_deinit(&traits);
	return code;
}

static bool is_counted(const struct rg_heap *heap, uint32_t id, bool raw)
{
	return raw || !rg_heap_folded(heap, id);
}

static void count_types(struct work *work)
{
	struct rg_grown_type *rows = work->growth->types;
	bool possible = work->matching->possible;

	for (uint32_t id = 0; id < work->before->n_objects; id++)
		if (is_counted(work->before, id, work->raw)) {
			struct rg_grown_type *row = &rows[work->row_before[work->before->type[id]]];

			row->before++;
			row->freed += possible;
			row->size_before += rg_heap_footprint(work->before, id, work->raw);
		}
	for (uint32_t id = 0; id < work->after->n_objects; id++)
		if (is_counted(work->after, id, work->raw)) {
			struct rg_grown_type *row = &rows[work->row_after[work->after->type[id]]];
			bool known = work->matching->before[id] != RG_NO_ID;

			row->after++;
			row->made += possible && !known;
			/* it is not freed after all; folding may have changed */
			row->freed -= known && row->freed > 0;
			row->size_after += rg_heap_footprint(work->after, id, work->raw);
		}
}

static int64_t more_bytes(const struct rg_grown_type *row)
{
	return (int64_t)(row->size_after - row->size_before);
}

static int by_bytes(const void *a, const void *b)
{
	const struct rg_grown_type *x = a, *y = b;
	int64_t p = more_bytes(x), q = more_bytes(y);

	if (p != q)
		return p > q ? -1 : 1;
	if (x->made != y->made)
		return x->made > y->made ? -1 : 1;
	return (x->after_type > y->after_type) - (x->after_type < y->after_type);
}

static void sort_types(struct rg_growth *growth)
{
	size_t kept = 0;

	for (size_t i = 0; i < growth->n_types; i++) {
		const struct rg_grown_type *row = &growth->types[i];

		if (row->before != row->after || row->size_before != row->size_after || row->made ||
			row->freed)
			growth->types[kept++] = *row;
	}
	growth->n_types = kept;
	if (kept)
		qsort(growth->types, kept, sizeof(*growth->types), by_bytes);
}

/* --- paths -------------------------------------------------------------------------------- */

/* The hash of the way to each row of ROUTES. */
static uint64_t *hash_routes(const struct rg_routes *routes)
{
	uint64_t *hashes = rg_array_new(routes->count, sizeof(*hashes));

	for (size_t i = 0; hashes && i < routes->count; i++) {
		const struct rg_route *route = &routes->rows[i];

		hashes[i] = route->parent == RG_NO_ID
				    ? rg_signature_root(
					      routes->heap, &routes->heap->roots[route->root])
				    : rg_mix(hashes[route->parent],
					      routes->patterns.rows[route->pattern].hash);
	}
	return hashes;
}

static bool leads_to_keys(const struct rg_routes *routes, const struct rg_route *route)
{
	return route->pattern != RG_NO_ID &&
	       routes->patterns.rows[route->pattern].kind == RG_KIND_DICTKEY;
}

/* The path of KEY, made if there is none yet; NULL when out of memory. */
static struct rg_grown_path *path_of(struct work *work, struct rg_map *numbers, uint64_t key)
{
	struct rg_growth *growth = work->growth;
	uint32_t number = rg_map_get(numbers, key);
	struct rg_grown_path *path;

	if (number != RG_MAP_NONE)
		return &growth->paths[number];
	path = RG_PUSH(growth->paths, growth->n_paths, growth->paths_capacity);
	if (!path || !rg_map_set(numbers, key, (uint32_t)growth->n_paths - 1))
		return NULL;
	*path = (struct rg_grown_path){ .key = key, .example = RG_NO_ID };
	return path;
}

/* There are COUNT objects of SIZE bytes on PATH in one of the two heaps. */
static void count_in(struct rg_grown_path *path, bool after, uint64_t count, uint64_t size)
{
	*(after ? &path->after : &path->before) += count;
	*(after ? &path->size_after : &path->size_before) += size;
}

static enum rg_code add_ends(
	struct work *work, const struct rg_routes *routes, struct rg_map *numbers, bool after)
{
	uint64_t *hashes = hash_routes(routes);

	for (uint32_t i = 0; hashes && i < routes->n_ends; i++) {
		const struct rg_route *route = &routes->rows[routes->ends[i]];
		struct rg_grown_path *path = path_of(work, numbers, hashes[routes->ends[i]] | 1);

		if (!path) {
			free(hashes);
			return rg_nomem(work->err);
		}
		path->parent = route->parent == RG_NO_ID ? 0 : hashes[route->parent] | 1;
		path->is_key = leads_to_keys(routes, route);
		count_in(path, after, route->ends, route->size);
		if (after)
			path->example = route->nearest;
	}
	free(hashes);
	return hashes ? RG_OK : rg_nomem(work->err);
}

/* What C code holds and no path leads to: by type, with what hangs on it. */
static enum rg_code add_held(struct work *work, const struct rg_paths *paths, const uint32_t *rows,
	struct rg_map *numbers, bool after)
{
	const struct rg_heap *heap = after ? work->after : work->before;
	struct rg_held_type *types = rg_array_new(heap->n_types, sizeof(*types));
	struct rg_bitset reached = { 0 };
	enum rg_code code = rg_bitset_init(&reached, heap->n_objects, work->err);

	for (uint32_t id = 0; !code && id < heap->n_objects; id++)
		if (paths->distances.distance[id] != RG_UNREACHED)
			rg_bitset_set(&reached, id);
	if (!code)
		code = types ? rg_held_by_type(heap, &reached, work->raw, types, work->err)
			     : rg_nomem(work->err);
	for (uint32_t i = 0; !code && i < heap->n_types; i++) {
		struct rg_grown_path *path;

		if (!types[i].objects)
			continue;
		path = path_of(work, numbers, rg_mix(HELD, rows[i]) | 1);
		if (!path) {
			code = rg_nomem(work->err);
			break;
		}
		count_in(path, after, types[i].objects, types[i].bytes);
		if (after)
			path->example = types[i].example;
	}
	rg_bitset_deinit(&reached);
	free(types);
	return code;
}

/* The objects of HEAP of types of which there are more now. */
static enum rg_code select_grown(
	struct work *work, const struct rg_heap *heap, const uint32_t *rows, struct rg_bitset *set)
{
	enum rg_code code = rg_bitset_init(set, heap->n_objects, work->err);

	for (uint32_t id = 0; !code && id < heap->n_objects; id++) {
		const struct rg_grown_type *row = &work->growth->types[rows[heap->type[id]]];

		if (is_counted(heap, id, work->raw) &&
			(row->after > row->before || row->size_after > row->size_before))
			rg_bitset_set(set, id);
	}
	return code;
}

static enum rg_code add_paths(struct work *work, const struct rg_heap *heap, const uint32_t *rows,
	struct rg_paths *paths, struct rg_map *numbers, bool after)
{
	struct rg_routes routes = { 0 };
	struct rg_bitset set = { 0 };
	enum rg_code code = rg_paths_start(paths, heap, work->raw, work->err);

	/* of the chains only the way up is kept: the graphs of both take much memory */
	if (!code)
		code = rg_paths_finish(paths, heap, work->raw, false, work->err);
	if (!code)
		code = select_grown(work, heap, rows, &set);
	if (!code)
		code = rg_routes_init(&routes, heap, paths, &set, work->raw, work->err);
	if (!code)
		code = add_ends(work, &routes, numbers, after);
	if (!code)
		code = add_held(work, paths, rows, numbers, after);
	rg_routes_deinit(&routes);
	rg_bitset_deinit(&set);
	return code;
}

static int by_growth(const void *a, const void *b)
{
	const struct rg_grown_path *x = a, *y = b;
	double p = x->weight, q = y->weight;

	if (p != q)
		return p > q ? -1 : 1;
	return (x->example > y->example) - (x->example < y->example);
}

static bool has_more(const struct rg_grown_path *path)
{
	return path->after > path->before;
}

/* The path that PATH hangs on, by one that grew after the other. */
static struct rg_grown_path *top_of(
	struct rg_growth *growth, const struct rg_map *numbers, struct rg_grown_path *path)
{
	for (int i = 0; i < DEPTH; i++) {
		uint32_t number = path->parent ? rg_map_get(numbers, path->parent) : RG_MAP_NONE;

		if (number == RG_MAP_NONE || !has_more(&growth->paths[number]) ||
			&growth->paths[number] == path)
			break;
		path = &growth->paths[number];
	}
	return path;
}

static const struct rg_grown_type *type_of(
	const struct work *work, const struct rg_grown_path *path)
{
	return &work->growth->types[work->row_after[work->after->type[path->example]]];
}

/*
 * A path has not grown by more than all of its type: while a dict is small its keys name fields,
 * and what they led to was on other paths.
 */
static void bound(const struct work *work, struct rg_grown_path *path)
{
	const struct rg_grown_type *row = type_of(work, path);
	uint64_t most = row->after > row->before ? row->after - row->before : 0;

	if (path->after > path->before + most)
		path->before = path->after - most;
}

/* What of the objects of the path's type that came or went has stayed; 1 where nothing is known. */
static double steadiness(const struct work *work, const struct rg_grown_path *path)
{
	const struct rg_grown_type *row = type_of(work, path);
	uint64_t moved = row->made + row->freed;

	return row->after > row->before && moved
		       ? (double)(row->after - row->before) / (double)moved
		       : 1;
}

/* The sibling that most bytes of what PARENT holds more of hang on: entries are values and keys. */
static bool find_siblings(struct rg_growth *growth, struct rg_map *largest)
{
	bool stored = true;

	for (size_t i = 0; stored && i < growth->n_paths; i++) {
		const struct rg_grown_path *path = &growth->paths[i];
		uint32_t known = path->parent ? rg_map_get(largest, path->parent) : RG_MAP_NONE;

		if (path->parent && path->example != RG_NO_ID && has_more(path) &&
			path->below > 0 &&
			(known == RG_MAP_NONE || growth->paths[known].below < path->below))
			stored = rg_map_set(largest, path->parent, (uint32_t)i);
	}
	return stored;
}

/*
 * What PATH is told with: a key with the value that came with it, and a container that is only
 * larger with what came into it; itself where there is no such.
 */
static struct rg_grown_path *told_with(
	struct rg_growth *growth, const struct rg_map *largest, struct rg_grown_path *path)
{
	uint32_t sibling = path->parent ? rg_map_get(largest, path->parent) : RG_MAP_NONE;
	uint32_t child = rg_map_get(largest, path->key);

	if (!has_more(path))
		return child == RG_MAP_NONE ? path : &growth->paths[child];
	if (sibling != RG_MAP_NONE && (path->is_key || growth->paths[sibling].is_key))
		return &growth->paths[sibling];
	return path;
}

static enum rg_code join_paths(struct work *work)
{
	struct rg_growth *growth = work->growth;
	struct rg_map largest = { 0 };
	bool stored = find_siblings(growth, &largest);

	for (size_t i = 0; stored && i < growth->n_paths; i++) {
		struct rg_grown_path *path = &growth->paths[i];
		struct rg_grown_path *whole = told_with(growth, &largest, path);

		if (whole == path || path->below <= 0)
			continue;
		whole->below += path->below;
		path->below = 0;
	}
	rg_map_deinit(&largest);
	return stored ? RG_OK : rg_nomem(work->err);
}

/* Sum up what hangs on each path that has grown, and keep those that hang on none. */
static enum rg_code sort_paths(struct work *work, const struct rg_map *numbers)
{
	struct rg_growth *growth = work->growth;
	size_t kept = 0;
	enum rg_code code;

	for (size_t i = 0; i < growth->n_paths; i++) {
		struct rg_grown_path *path = &growth->paths[i];
		int64_t more = (int64_t)(path->size_after - path->size_before);

		if (path->example != RG_NO_ID && more > 0)
			top_of(growth, numbers, path)->below += more;
	}
	code = join_paths(work);
	for (size_t i = 0; i < growth->n_paths; i++) {
		struct rg_grown_path *path = &growth->paths[i];

		if (path->below <= 0 || path->example == RG_NO_ID)
			continue;
		bound(work, path);
		path->steady = steadiness(work, path);
		path->weight = (double)path->below * path->steady;
		growth->paths[kept++] = *path;
	}
	growth->n_paths = kept;
	if (kept)
		qsort(growth->paths, kept, sizeof(*growth->paths), by_growth);
	while (growth->n_remarkable < kept &&
		HUNDREDTH * growth->paths[growth->n_remarkable].weight >= growth->paths[0].weight)
		growth->n_remarkable++;
	return code;
}

static enum rg_code find_paths(struct work *work)
{
	struct rg_map numbers = { 0 };
	struct rg_paths before = { 0 };
	enum rg_code code = add_paths(
		work, work->before, work->row_before, &before, &numbers, false);

	rg_paths_deinit(&before);
	if (!code)
		code = add_paths(
			work, work->after, work->row_after, &work->growth->chains, &numbers, true);
	if (!code)
		code = sort_paths(work, &numbers);
	rg_map_deinit(&numbers);
	return code;
}

enum rg_code rg_growth_init(struct rg_growth *growth, const struct rg_heap *before,
	const struct rg_heap *after, const struct rg_matching *matching, bool raw,
	struct rg_error *err)
{
	struct work work = { growth, before, after, matching, NULL, NULL, raw, err };
	enum rg_code code = RG_OK;

	*growth = (struct rg_growth){ 0 };
	growth->types = rg_array_new(before->n_types + after->n_types, sizeof(*growth->types));
	work.row_before = rg_array_new(before->n_types, sizeof(*work.row_before));
	work.row_after = rg_array_new(after->n_types, sizeof(*work.row_after));
	if (!growth->types || !work.row_before || !work.row_after)
		code = rg_nomem(err);
	if (!code)
		code = make_rows(&work);
	if (!code) {
		count_types(&work);
		code = find_paths(&work);
	}
	if (!code)
		sort_types(growth);
	free(work.row_before);
	free(work.row_after);
	return code;
}

void rg_growth_deinit(struct rg_growth *growth)
{
	free(growth->types);
	free(growth->paths);
	rg_paths_deinit(&growth->chains);
	*growth = (struct rg_growth){ 0 };
}

/* --- survivors ---------------------------------------------------------------------------- */

enum rg_code rg_growth_survivors(struct rg_type_sums *sums, const struct rg_heap *const heaps[3],
	bool raw, struct rg_error *err)
{
	struct rg_matching early = { 0 }, late = { 0 };
	struct rg_bitset set = { 0 };
	enum rg_code code = rg_matching_init(&early, heaps[0], heaps[1], err);

	if (!code)
		code = rg_matching_init(&late, heaps[1], heaps[2], err);
	if (!code)
		code = rg_bitset_init(&set, heaps[2]->n_objects, err);
	for (uint32_t id = 0; !code && id < heaps[2]->n_objects; id++)
		if (late.before[id] != RG_NO_ID && early.before[late.before[id]] == RG_NO_ID)
			rg_bitset_set(&set, id);
	if (!code)
		code = rg_type_sums_init(sums, heaps[2], &set, raw, err);
	rg_bitset_deinit(&set);
	rg_matching_deinit(&early);
	rg_matching_deinit(&late);
	return code;
}
