/*
 * Orders of objects: by any field that `objects` shows. One table of fields, from which --sort
 * and its "did you mean" come.
 */
#ifndef RG_ANALYSIS_ORDER_H
#define RG_ANALYSIS_ORDER_H

#include "src/analysis/paths.h"
#include "src/analysis/retained.h"
#include "src/heap/heap.h"

/* Fields: id, name. */
#define RG_ORDERS(O)                                                                               \
	O(FOOTPRINT, "footprint")                                                                  \
	O(SIZE, "size")                                                                            \
	O(REFCOUNT, "refcount")                                                                    \
	O(ITEMS, "items")                                                                          \
	O(GENERATION, "generation")                                                                \
	O(DISTANCE, "distance")                                                                    \
	O(RETAINED, "retained")                                                                    \
	O(ID, "id")                                                                                \
	O(ADDRESS, "address")                                                                      \
	O(TYPE, "type")                                                                            \
	O(MODULE, "module")                                                                        \
	O(NAME, "name")                                                                            \
	O(VALUE, "value")

enum rg_order_field {
#define O(id, name) RG_ORDER_##id,
	RG_ORDERS(O)
#undef O
		RG_ORDER_COUNT
};

struct rg_order {
	enum rg_order_field field;
	bool reverse;
	bool raw; /* footprints without folded helpers */
	const struct rg_paths *paths; /* for RG_ORDER_DISTANCE, else NULL */
	const struct rg_retained *retained; /* for RG_ORDER_RETAINED, else NULL */
};

/*
 * Sort the N objects at IDS: amounts from the largest down, places and texts from the first on,
 * what has none last; ties by number. O(n log n) time, at most 24 n bytes of
 * work.
 */
enum rg_code rg_order_sort(const struct rg_heap *heap, const struct rg_order *order, uint32_t *ids,
	uint64_t n, struct rg_error *err);

#endif
