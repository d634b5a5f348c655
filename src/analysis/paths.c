#include "src/analysis/paths.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "src/heap/clarity.h"
#include "src/heap/policy.h"

#define SKIPPED (RG_NO_ID - 1)

/*
 * A module's dict is a root of its own in frames (as f_locals) and in the interpreter: leave it to
 * the module, whose name says more.
 */
static void skip_module_dicts(const struct rg_heap *heap, uint32_t *root_of)
{
	for (size_t i = 0; i < heap->n_roots; i++) {
		uint32_t module = heap->roots[i].object;

		for (uint32_t edge = heap->offset[module];
			heap->roots[i].kind == RG_ROOT_MODULE && edge < heap->offset[module + 1];
			edge++)
			if (RG_EDGE_KIND(heap->edge[edge]) == RG_KIND_MODDICT)
				root_of[heap->target[edge]] = SKIPPED;
	}
}

/* The roots of RANK are sorted: the first on an object is the best. */
static void add_sources(struct rg_paths *paths, const struct rg_heap *heap, unsigned rank)
{
	for (size_t i = 0; i < heap->n_roots; i++) {
		uint32_t object = heap->owner[heap->roots[i].object];

		if (paths->root_of[object] != RG_NO_ID ||
			rg_clarity_rank(heap, &heap->roots[i]) != rank)
			continue;
		paths->root_of[object] = (uint32_t)i;
		paths->ranks[paths->n_sources] = (uint8_t)rank;
		paths->sources[paths->n_sources++] = object;
	}
}

static enum rg_code find_sources(
	struct rg_paths *paths, const struct rg_heap *heap, struct rg_error *err)
{
	paths->sources = rg_array_new(heap->n_roots, sizeof(*paths->sources));
	paths->ranks = rg_array_new(heap->n_roots, sizeof(*paths->ranks));
	paths->root_of = malloc(((size_t)heap->n_objects + 1) * sizeof(*paths->root_of));
	if (!paths->sources || !paths->ranks || !paths->root_of)
		return rg_nomem(err);
	memset(paths->root_of, 0xff, heap->n_objects * sizeof(*paths->root_of));
	skip_module_dicts(heap, paths->root_of);
	for (unsigned rank = 0; rank < RG_CLARITY_RANKS; rank++)
		add_sources(paths, heap, rank);
	return RG_OK;
}

static enum rg_code start(struct rg_paths *paths, const struct rg_heap *heap,
	const struct rg_policy *policy, struct rg_error *err)
{
	enum rg_code code;

	memset(paths, 0, sizeof(*paths));
	code = rg_policy_graph(heap, policy, &paths->graph, err);
	if (!code)
		code = find_sources(paths, heap, err);
	if (code)
		rg_paths_deinit(paths);
	return code;
}

/* The chains over the graph of POLICY; the paths are released where it fails. */
static enum rg_code search(struct rg_paths *paths, const struct rg_heap *heap,
	const struct rg_policy *policy, const struct rg_bitset *walls, struct rg_error *err)
{
	struct rg_bitset hard = { 0 };
	struct rg_distances_late late = { &hard, paths->ranks, walls };
	enum rg_code code = rg_policy_hard(heap, policy, &hard, err);

	if (!code)
		code = rg_distances_init_late(&paths->distances, &paths->graph, paths->sources,
			paths->n_sources, &late, err);
	rg_bitset_deinit(&hard);
	if (code)
		rg_paths_deinit(paths);
	return code;
}

enum rg_code rg_paths_init_around(struct rg_paths *paths, const struct rg_heap *heap, bool raw,
	const struct rg_bitset *walls, struct rg_error *err)
{
	struct rg_policy policy = { .edges = RG_EDGES_ALL, .raw = raw };
	enum rg_code code = start(paths, heap, &policy, err);

	return code ? code : search(paths, heap, &policy, walls, err);
}

enum rg_code rg_paths_init_shortest(
	struct rg_paths *paths, const struct rg_heap *heap, bool raw, struct rg_error *err)
{
	struct rg_policy policy = { .edges = RG_EDGES_ALL, .raw = raw };
	enum rg_code code = start(paths, heap, &policy, err);

	if (code)
		return code;
	code = rg_distances_init(
		&paths->distances, &paths->graph, paths->sources, paths->n_sources, err);
	if (code)
		rg_paths_deinit(paths);
	return code;
}

enum rg_code rg_paths_start(
	struct rg_paths *paths, const struct rg_heap *heap, bool raw, struct rg_error *err)
{
	struct rg_policy policy = { .edges = RG_EDGES_ALL, .raw = raw, .unlabelled = true };

	return start(paths, heap, &policy, err);
}

enum rg_code rg_paths_distance(const struct rg_heap *heap, bool raw, uint32_t id,
	uint32_t *distance_ret, struct rg_error *err)
{
	struct rg_distances distances = { 0 };
	struct rg_paths paths;
	enum rg_code code = rg_paths_start(&paths, heap, raw, err);

	if (code)
		return code;
	code = rg_distances_init(&distances, &paths.graph, paths.sources, paths.n_sources, err);
	if (!code)
		*distance_ret = distances.distance[id];
	rg_distances_deinit(&distances);
	rg_paths_deinit(&paths);
	return code;
}

enum rg_code rg_paths_finish(struct rg_paths *paths, const struct rg_heap *heap, bool raw,
	bool keep, struct rg_error *err)
{
	struct rg_policy policy = { .edges = RG_EDGES_ALL, .raw = raw, .unlabelled = true };
	enum rg_code code = search(paths, heap, &policy, NULL, err);

	if (code)
		return code;
	/* without labels an edge is taken for its row in the heap: make it one */
	code = rg_policy_rows(heap, &policy, paths->distances.edge, err);
	if (code)
		rg_paths_deinit(paths);
	else if (!keep)
		rg_graph_deinit(&paths->graph);
	return code;
}

void rg_paths_deinit(struct rg_paths *paths)
{
	rg_graph_deinit(&paths->graph);
	rg_distances_deinit(&paths->distances);
	free(paths->root_of);
	free(paths->sources);
	free(paths->ranks);
	memset(paths, 0, sizeof(*paths));
}

enum rg_code rg_paths_chain(const struct rg_paths *paths, uint32_t id,
	struct rg_path_step **steps_ret, uint32_t *count_ret, struct rg_error *err)
{
	const struct rg_distances *distances = &paths->distances;
	uint32_t length = distances->distance[id], at = id;
	struct rg_path_step *steps;

	*steps_ret = NULL;
	*count_ret = 0;
	if (length == RG_UNREACHED)
		return RG_OK;
	steps = rg_array_new((size_t)length + 1, sizeof(*steps));
	if (!steps)
		return rg_nomem(err);
	for (uint32_t i = length + 1; i-- > 0; at = distances->parent[at])
		steps[i] = (struct rg_path_step){ at, rg_paths_step(paths, at) };
	*steps_ret = steps;
	*count_ret = length + 1;
	return RG_OK;
}
