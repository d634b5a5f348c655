/*
 * The reference cycles of a heap, grouped by pattern and shape, each group with the references
 * to break.
 *
 * Cycles are strongly connected components: over data references among the living, over all
 * strong references among the dead (no giant component can form there).
 */
#ifndef RG_ANALYSIS_CYCLES_H
#define RG_ANALYSIS_CYCLES_H

#include "src/analysis/garbage.h"
#include "src/analysis/paths.h"
#include "src/analysis/patterns.h"
#include "src/graph/components.h"
#include "src/heap/heap.h"

#define RG_SHAPE_OBJECTS 32 /* larger cycles have no exact shape */

/* A pattern to break, summed over the cycles of its group. */
struct rg_cycle_break {
	uint32_t pattern;
	uint64_t count, up, leaves; /* references, upward ones; objects still in cycles */
	uint32_t from, edge; /* one example */
	bool rolled; /* of many type pairs: the label says which */
};

struct rg_cycle_shape {
	uint64_t hash, alike, objects, references, size;
};

/* Cycles made of the same set of reference patterns. */
struct rg_cycle_group {
	uint64_t signature;
	bool garbage;
	uint64_t alike, objects_min, objects_max, objects_all, size_all, finalizers;
	uint32_t *patterns, n_patterns; /* sorted by number */
	uint32_t *components; /* those of the group */
	size_t n_components, components_capacity;
	struct rg_cycle_shape *shapes; /* most alike first */
	size_t n_shapes, shapes_capacity;
	struct rg_cycle_break *breaks; /* most upward references first */
	size_t n_breaks, breaks_capacity;
	uint32_t component, entry; /* the one to show, and its member nearest a root */
};

struct rg_cycles {
	const struct rg_heap *heap;
	bool raw;
	struct rg_graph graph;
	struct rg_components components;
	struct rg_garbage garbage;
	struct rg_paths paths;
	struct rg_patterns patterns;
	struct rg_cycle_group *groups; /* most bytes first */
	size_t n_groups, groups_capacity;
	uint64_t cycles, objects, size, largest;
};

struct rg_cycles_options {
	unsigned edges; /* among the living: RG_EDGES_* */
	bool raw;
	const struct rg_bitset *selected; /* only cycles with a member in it; NULL: all */
};

/* O(objects + references) and, for each group, what rg_cut_init takes. Zeroed on failure. */
enum rg_code rg_cycles_init(struct rg_cycles *cycles, const struct rg_heap *heap,
	const struct rg_cycles_options *options, struct rg_error *err);
void rg_cycles_deinit(struct rg_cycles *cycles);

/*
 * The members of all these cycles, in a new set, where the dead are known (rg_garbage). What is
 * folded is in none; `selected` is not looked at. O(objects + references).
 */
enum rg_code rg_cycles_members(struct rg_bitset *members_ret, const struct rg_heap *heap,
	const struct rg_cycles_options *options, const struct rg_bitset *dead,
	struct rg_error *err);

/* The members of a component, in id order. */
static inline const uint32_t *rg_cycle_members(
	const struct rg_cycles *cycles, uint32_t component, uint32_t *count_ret)
{
	const struct rg_components *components = &cycles->components;

	*count_ret = components->offset[component + 1] - components->offset[component];
	return components->member + components->offset[component];
}

#endif
