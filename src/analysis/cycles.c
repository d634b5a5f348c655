#include "src/analysis/cycles.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"
#include "src/analysis/breaks.h"
#include "src/graph/refine.h"
#include "src/heap/fold.h"
#include "src/heap/policy.h"

#define CANDIDATES 64 /* cycles of a group that are looked at for the one to show */
#define CHAIN_LIMIT 10000 /* steps of a chain that are followed for that */

/* Scratch memory that one component after the other uses. */
struct grouping {
	struct rg_cycles *cycles;
	const struct rg_cycles_options *options;
	struct rg_map by_signature; /* -> group */
	uint32_t *local; /* n: number within the component, or RG_NO_ID */
	uint32_t *patterns; /* of the edges of the component */
	size_t patterns_capacity;
	uint32_t *distinct;
	size_t distinct_capacity;
	struct rg_error *err;
};

/* --- one component ------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint64_t combine(uint64_t a, uint64_t b)
{
	uint64_t both[2] = { a, b };

	return rg_hash(both, sizeof(both));
}

static bool is_selected(const struct grouping *grouping, const uint32_t *members, uint32_t n)
{
	const struct rg_bitset *selected = grouping->options->selected;

	for (uint32_t i = 0; selected && i < n; i++)
		if (rg_bitset_get(selected, members[i]))
			return true;
	return !selected;
}

/* The patterns of a component's edges: one number each, and the distinct ones sorted. */
static enum rg_code collect_patterns(struct grouping *grouping, const struct rg_graph *sub,
	const uint32_t *members, size_t *n_distinct_ret)
{
	struct rg_cycles *cycles = grouping->cycles;
	size_t n = 0;

	if (!rg_array_reserve(
		    &grouping->patterns, &grouping->patterns_capacity, sub->m, sizeof(uint32_t)) ||
		!rg_array_reserve(&grouping->distinct, &grouping->distinct_capacity, sub->m,
			sizeof(uint32_t)))
		return rg_nomem(grouping->err);
	for (uint32_t v = 0; v < sub->n; v++)
		for (uint32_t e = sub->offset[v]; e < sub->offset[v + 1]; e++) {
			uint32_t row = rg_graph_label(&cycles->graph, rg_graph_label(sub, e));
			uint32_t pattern = rg_patterns_of(&cycles->patterns, members[v], row);

			if (pattern == RG_NO_ID)
				return rg_nomem(grouping->err);
			grouping->patterns[e] = grouping->distinct[e] = pattern;
		}
	qsort(grouping->distinct, sub->m, sizeof(uint32_t), by_number);
	for (uint32_t e = 0; e < sub->m; e++)
		if (e == 0 || grouping->distinct[e] != grouping->distinct[e - 1])
			grouping->distinct[n++] = grouping->distinct[e];
	*n_distinct_ret = n;
	return RG_OK;
}

/* What names the pattern set on any machine: a sum, so that the order does not matter. */
static uint64_t signature_of(struct grouping *grouping, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += combine(grouping->cycles->patterns.rows[grouping->distinct[i]].hash, 1);
	return combine(sum, n);
}

static enum rg_code shape_of(struct grouping *grouping, const struct rg_graph *sub,
	const uint32_t *members, uint64_t signature, uint64_t *hash_ret)
{
	const struct rg_patterns *patterns = &grouping->cycles->patterns;
	uint64_t vertices[RG_SHAPE_OBJECTS], *edges;
	enum rg_code code;

	*hash_ret = signature;
	if (sub->n > RG_SHAPE_OBJECTS)
		return RG_OK;
	edges = rg_array_new(sub->m, sizeof(*edges));
	if (!edges)
		return rg_nomem(grouping->err);
	for (uint32_t v = 0; v < sub->n; v++)
		vertices[v] = patterns->type_hashes[grouping->cycles->heap->type[members[v]]];
	for (uint32_t e = 0; e < sub->m; e++)
		edges[e] = patterns->rows[grouping->patterns[e]].hash;
	code = rg_refine_hash(sub, vertices, edges, hash_ret, grouping->err);
	free(edges);
	return code;
}

/* --- groups ------------------------------------------------------------------------------- */

static struct rg_cycle_group *group_of(
	struct grouping *grouping, uint64_t signature, bool garbage, size_t n_patterns)
{
	struct rg_cycles *cycles = grouping->cycles;
	uint64_t key = combine(signature, garbage) | 1;
	uint32_t number = rg_map_get(&grouping->by_signature, key);
	struct rg_cycle_group *group;

	if (number != RG_MAP_NONE)
		return &cycles->groups[number];
	group = RG_PUSH(cycles->groups, cycles->n_groups, cycles->groups_capacity);
	if (!group)
		return NULL;
	*group = (struct rg_cycle_group){
		.signature = signature, .garbage = garbage, .objects_min = UINT64_MAX
	};
	group->patterns = rg_array_new(n_patterns, sizeof(uint32_t));
	if (!group->patterns ||
		!rg_map_set(&grouping->by_signature, key, (uint32_t)cycles->n_groups - 1))
		return NULL;
	memcpy(group->patterns, grouping->distinct, n_patterns * sizeof(uint32_t));
	group->n_patterns = (uint32_t)n_patterns;
	return group;
}

static struct rg_cycle_shape *shape_in(struct rg_cycle_group *group, uint64_t hash)
{
	struct rg_cycle_shape *slot;

	for (size_t i = 0; i < group->n_shapes; i++)
		if (group->shapes[i].hash == hash)
			return &group->shapes[i];
	slot = RG_PUSH(group->shapes, group->n_shapes, group->shapes_capacity);
	if (slot)
		*slot = (struct rg_cycle_shape){ .hash = hash };
	return slot;
}

/* Bytes and finalizers of the members. */
static void sum_members(struct rg_cycles *cycles, struct rg_cycle_group *group,
	const uint32_t *members, uint32_t n, uint64_t *size_ret)
{
	const struct rg_heap *heap = cycles->heap;

	*size_ret = 0;
	for (uint32_t i = 0; i < n; i++) {
		*size_ret += rg_heap_footprint(heap, members[i], cycles->raw);
		group->finalizers += (rg_heap_type(heap, members[i])->flags & RG_TYPE_FINALIZER) !=
				     0;
	}
	group->size_all += *size_ret;
	group->objects_all += n;
	group->objects_min = n < group->objects_min ? n : group->objects_min;
	group->objects_max = n > group->objects_max ? n : group->objects_max;
	group->alike++;
	cycles->cycles++;
	cycles->objects += n;
	cycles->size += *size_ret;
	cycles->largest = n > cycles->largest ? n : cycles->largest;
}

static enum rg_code add_component(struct grouping *grouping, uint32_t component,
	const struct rg_graph *sub, const uint32_t *members)
{
	struct rg_cycles *cycles = grouping->cycles;
	struct rg_cycle_group *group;
	struct rg_cycle_shape *shape;
	uint64_t signature, hash, size;
	size_t n_distinct = 0;
	uint32_t *slot;
	enum rg_code code = collect_patterns(grouping, sub, members, &n_distinct);

	if (code)
		return code;
	signature = signature_of(grouping, n_distinct);
	code = shape_of(grouping, sub, members, signature, &hash);
	if (code)
		return code;
	group = group_of(
		grouping, signature, rg_bitset_get(&cycles->garbage.dead, members[0]), n_distinct);
	slot = group ? RG_PUSH(group->components, group->n_components, group->components_capacity)
		     : NULL;
	shape = slot ? shape_in(group, hash) : NULL;
	if (!shape)
		return rg_nomem(grouping->err);
	*slot = component;
	sum_members(cycles, group, members, sub->n, &size);
	shape->alike++;
	/* of cycles too large for an exact shape the largest stands for all */
	if (sub->n > shape->objects) {
		shape->objects = sub->n;
		shape->references = sub->m;
		shape->size = size;
	}
	return RG_OK;
}

static enum rg_code group_components(struct grouping *grouping)
{
	struct rg_cycles *cycles = grouping->cycles;
	enum rg_code code = RG_OK;

	memset(grouping->local, 0xff, cycles->heap->n_objects * sizeof(uint32_t));
	for (uint32_t c = 0; !code && c < cycles->components.count; c++) {
		struct rg_graph sub = { 0 };
		const uint32_t *members;
		uint32_t n;

		members = rg_cycle_members(cycles, c, &n);
		if (!rg_component_is_cycle(&cycles->components, &cycles->graph, c) ||
			!is_selected(grouping, members, n))
			continue;
		for (uint32_t i = 0; i < n; i++)
			grouping->local[members[i]] = i;
		code = rg_graph_induced(
			&cycles->graph, members, n, grouping->local, &sub, grouping->err);
		for (uint32_t i = 0; i < n; i++)
			grouping->local[members[i]] = RG_NO_ID;
		if (!code)
			code = add_component(grouping, c, &sub, members);
		rg_graph_deinit(&sub);
	}
	return code;
}

/* --- order and the whole ------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
	const struct rg_cycle_group *x = a, *y = b;

	if (x->size_all != y->size_all)
		return x->size_all > y->size_all ? -1 : 1;
	if (x->signature != y->signature)
		return x->signature < y->signature ? -1 : 1;
	return x->garbage - y->garbage;
}

static int by_alike(const void *a, const void *b)
{
	const struct rg_cycle_shape *x = a, *y = b;

	if (x->alike != y->alike)
		return x->alike > y->alike ? -1 : 1;
	return (x->hash > y->hash) - (x->hash < y->hash);
}

/* The member nearest a root; the first where no root reaches. */
uint32_t rg_cycle_entry(const struct rg_cycles *cycles, uint32_t component)
{
	const uint32_t *distance = cycles->paths.distances.distance;
	uint32_t n, best;
	const uint32_t *members = rg_cycle_members(cycles, component, &n);

	best = members[0];
	for (uint32_t i = 1; i < n; i++)
		if (distance[members[i]] < distance[best])
			best = members[i];
	return best;
}

/* The kind of root that a chain to ID starts from; one past the last where there is none. */
static unsigned root_kind(const struct rg_cycles *cycles, uint32_t id)
{
	const struct rg_distances *distances = &cycles->paths.distances;
	uint32_t steps = distances->distance[id];

	if (steps == RG_UNREACHED || steps > CHAIN_LIMIT)
		return RG_ROOT_KIND_COUNT;
	while (steps-- > 0)
		id = distances->parent[id];
	return cycles->heap->roots[cycles->paths.root_of[id]].kind;
}

/*
 * Of the largest cycles of a group show one that a module holds rather than a frame: what a local
 * refers to for a moment says less than what keeps it for good.
 */
static void choose_shown(struct rg_cycles *cycles, struct rg_cycle_group *group)
{
	unsigned best = RG_ROOT_KIND_COUNT + 1;
	size_t tried = 0;

	for (size_t i = 0; i < group->n_components && tried < CANDIDATES; i++) {
		uint32_t n, entry = rg_cycle_entry(cycles, group->components[i]);
		unsigned kind = root_kind(cycles, entry);

		rg_cycle_members(cycles, group->components[i], &n);
		if (n != group->objects_max)
			continue;
		tried++;
		if (kind < best) {
			best = kind;
			group->component = group->components[i];
			group->entry = entry;
		}
	}
}

static void order(struct rg_cycles *cycles)
{
	for (size_t i = 0; i < cycles->n_groups; i++) {
		struct rg_cycle_group *group = &cycles->groups[i];

		qsort(group->shapes, group->n_shapes, sizeof(*group->shapes), by_alike);
		choose_shown(cycles, group);
	}
	if (cycles->n_groups)
		qsort(cycles->groups, cycles->n_groups, sizeof(*cycles->groups), by_size);
}

/* Whose components the cycles are. */
static enum rg_code find_components(struct rg_cycles *cycles,
	const struct rg_cycles_options *options, const struct rg_bitset *dead, struct rg_error *err)
{
	struct rg_policy policy = { .edges = options->edges,
		.raw = options->raw,
		.dead = dead,
		.dead_edges = RG_EDGES_STRONG };
	enum rg_code code = rg_policy_graph(cycles->heap, &policy, &cycles->graph, err);

	return code ? code : rg_components_init(&cycles->components, &cycles->graph, err);
}

enum rg_code rg_cycles_members(struct rg_bitset *members_ret, const struct rg_heap *heap,
	const struct rg_cycles_options *options, const struct rg_bitset *dead, struct rg_error *err)
{
	struct rg_cycles cycles = { .heap = heap };
	struct rg_bitset members = { 0 };
	enum rg_code code = find_components(&cycles, options, dead, err);

	if (!code)
		code = rg_bitset_init(&members, heap->n_objects, err);
	for (uint32_t c = 0; !code && c < cycles.components.count; c++) {
		uint32_t n;
		const uint32_t *rows = rg_cycle_members(&cycles, c, &n);

		if (rg_component_is_cycle(&cycles.components, &cycles.graph, c))
			for (uint32_t i = 0; i < n; i++)
				rg_bitset_set(&members, rows[i]);
	}
	rg_cycles_deinit(&cycles);
	if (!code)
		*members_ret = members;
	return code;
}

static enum rg_code build_graphs(
	struct rg_cycles *cycles, const struct rg_cycles_options *options, struct rg_error *err)
{
	enum rg_code code = rg_garbage_init(&cycles->garbage, cycles->heap, err);

	/* of the chains only the way up is kept: two graphs at once take much memory */
	if (!code)
		code = rg_paths_start(&cycles->paths, cycles->heap, options->raw, err);
	if (!code)
		code = rg_paths_finish(&cycles->paths, cycles->heap, options->raw, false, err);
	if (!code)
		code = find_components(cycles, options, &cycles->garbage.dead, err);
	return code ? code : rg_patterns_init(&cycles->patterns, cycles->heap, err);
}

enum rg_code rg_cycles_init(struct rg_cycles *cycles, const struct rg_heap *heap,
	const struct rg_cycles_options *options, struct rg_error *err)
{
	struct grouping grouping = { .cycles = cycles, .options = options, .err = err };
	enum rg_code code;

	memset(cycles, 0, sizeof(*cycles));
	cycles->heap = heap;
	cycles->raw = options->raw;
	code = build_graphs(cycles, options, err);
	grouping.local = code ? NULL : rg_array_new(heap->n_objects, sizeof(uint32_t));
	if (!code && !grouping.local)
		code = rg_nomem(err);
	if (!code)
		code = group_components(&grouping);
	if (!code) {
		order(cycles);
		code = rg_breaks_find(cycles, grouping.local, err);
	}
	free(grouping.local);
	free(grouping.patterns);
	free(grouping.distinct);
	rg_map_deinit(&grouping.by_signature);
	if (code)
		rg_cycles_deinit(cycles);
	return code;
}

void rg_cycles_deinit(struct rg_cycles *cycles)
{
	for (size_t i = 0; i < cycles->n_groups; i++) {
		free(cycles->groups[i].patterns);
		free(cycles->groups[i].components);
		free(cycles->groups[i].shapes);
		free(cycles->groups[i].breaks);
	}
	free(cycles->groups);
	rg_graph_deinit(&cycles->graph);
	rg_components_deinit(&cycles->components);
	rg_garbage_deinit(&cycles->garbage);
	rg_paths_deinit(&cycles->paths);
	rg_patterns_deinit(&cycles->patterns);
	memset(cycles, 0, sizeof(*cycles));
}
