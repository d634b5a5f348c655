/*
 * Retained sizes: what would be freed if an object went, as the sum of footprints over its subtree
 * of the dominator tree. The tree hangs from the roots, from what is immortal, and from what C code
 * holds where no root shows it, over all references that keep something alive (paths.h).
 * Garbage is in no tree: it holds nothing.
 */
#ifndef RG_ANALYSIS_RETAINED_H
#define RG_ANALYSIS_RETAINED_H

#include "src/analysis/paths.h"
#include "src/graph/bitset.h"
#include "src/graph/dominators.h"
#include "src/heap/heap.h"

struct rg_retained {
	const struct rg_heap *heap;
	struct rg_paths paths;
	bool raw;
	struct rg_dominators dominators;
	struct rg_graph tree; /* over the dominators' numbers */
	uint64_t *bytes; /* by number: retained; of 0: of all that is reached */
	uint32_t *objects; /* by number: how many; a helper counts with its owner */
	uint32_t *sources, n_sources; /* what the tree hangs from */
	uint64_t big; /* bytes from which on something is big: 1 % of all, at least 1 */
};

/*
 * HEAP must outlive it; SETS: rg_retained_set_init will be called. O(objects + references), nearly.
 * 48 bytes an object, and for sets 4 more and 8 a reference. Zeroed when it fails.
 */
enum rg_code rg_retained_init(struct rg_retained *retained, const struct rg_heap *heap, bool raw,
	bool sets, struct rg_error *err);
void rg_retained_deinit(struct rg_retained *retained);

/* The number of an object in the tree: 0 where it is garbage, or folded. O(1). */
static inline uint32_t rg_retained_number(const struct rg_retained *retained, uint32_t id)
{
	return retained->dominators.number[id];
}

/* The object of a number; RG_NO_ID for 0. O(1). */
static inline uint32_t rg_retained_object(const struct rg_retained *retained, uint32_t number)
{
	return retained->dominators.vertex[number];
}

static inline uint32_t rg_retained_type(const struct rg_retained *retained, uint32_t number)
{
	return retained->heap->type[rg_retained_object(retained, number)];
}

/* Numbers of a tree, most retained bytes first, then by number. Freed with free(). */
struct rg_retained_list {
	uint32_t *numbers;
	uint32_t count;
};

/* Put LIST in that order. O(count log count). */
void rg_retained_sort(const struct rg_retained *retained, struct rg_retained_list *list);

/* Those among SELECTED (NULL: all) that are in the tree. O(objects log objects). */
enum rg_code rg_retained_members(const struct rg_retained *retained,
	const struct rg_bitset *selected, struct rg_retained_list *list_ret, struct rg_error *err);

/* The immediately dominated of NUMBER. O(those, with a logarithm). */
enum rg_code rg_retained_children(const struct rg_retained *retained, uint32_t number,
	struct rg_retained_list *list_ret, struct rg_error *err);

/* A set of objects: what would be freed if all of them went. */
struct rg_retained_set {
	uint64_t objects, size; /* of the set, as far as roots reach it; footprints */
	uint64_t unreached; /* selected, but reached by no root */
	uint64_t retained_objects, retained; /* freed, the set itself included */
	uint32_t common; /* the nearest object that alone holds all of the set, or RG_NO_ID */
	struct rg_bitset freed; /* objects; helpers only when raw */
};

/*
 * What the roots no longer reach without SELECTED; a helper counts as what it is folded into.
 * O(objects + references), however many are selected. Zeroed when it fails.
 */
enum rg_code rg_retained_set_init(struct rg_retained_set *set, const struct rg_retained *retained,
	const struct rg_bitset *selected, struct rg_error *err);
void rg_retained_set_deinit(struct rg_retained_set *set);

struct rg_retained_type {
	uint32_t type;
	uint64_t count, size, retained;
};

struct rg_retained_types {
	struct rg_retained_type *rows; /* most retained first, then by number */
	size_t count;
};

/*
 * By type, over all that roots reach: what the instances retain, an object counted once: only the
 * topmost instances of a type add to its row. O(objects + types log types).
 */
enum rg_code rg_retained_types_init(
	struct rg_retained_types *types, const struct rg_retained *retained, struct rg_error *err);
void rg_retained_types_deinit(struct rg_retained_types *types);

#endif
