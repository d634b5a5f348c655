/*
 * Orders of objects: by any field that `objects` shows. One table of fields, from which --sort
 * and its "did you mean" come.
 */
#ifndef RG_ANALYSIS_ORDER_H
#define RG_ANALYSIS_ORDER_H

#include "src/analysis/paths.h"
#include "src/heap/heap.h"

enum rg_order_field {
	RG_ORDER_FOOTPRINT,
	RG_ORDER_SIZE,
	RG_ORDER_REFCOUNT,
	RG_ORDER_ITEMS,
	RG_ORDER_GENERATION,
	RG_ORDER_DISTANCE,
	RG_ORDER_ID,
	RG_ORDER_ADDRESS,
	RG_ORDER_TYPE,
	RG_ORDER_MODULE,
	RG_ORDER_NAME,
	RG_ORDER_VALUE,
	RG_ORDER_COUNT,
};

/* The fields' names, in the order of the enum; ends with NULL. */
extern const char *const rg_order_names[RG_ORDER_COUNT + 1];

struct rg_order {
	enum rg_order_field field;
	bool reverse;
	bool raw; /* footprints without folded helpers */
	const struct rg_paths *paths; /* for RG_ORDER_DISTANCE, else NULL */
};

/*
 * Sort the N objects at IDS: amounts from the largest down, places and texts from the first on,
 * what has none last; ties by number. O(n log n) time, at most 24 n bytes of
 * work.
 */
enum rg_code rg_order_sort(const struct rg_heap *heap, const struct rg_order *order, uint32_t *ids,
	uint64_t n, struct rg_error *err);

#endif
