/* More facts of an object, by name: what --extra puts on the nodes of a picture. */
#ifndef RG_VIEW_EXTRA_H
#define RG_VIEW_EXTRA_H

#include "heapdump/base/arena.h"
#include "src/heap/heap.h"

/* RG_USAGE where one of FIELDS, separated by commas, is no field; NULL is fine. */
enum rg_code rg_extra_check(const char *fields, struct rg_error *err);

/* "refcount 3 · generation 2": FIELDS of an object; "" for none. */
const char *rg_extra_text(
	const struct rg_heap *heap, uint32_t id, const char *fields, struct rg_arena *arena);

#endif
