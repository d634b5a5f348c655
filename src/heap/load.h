/* Loading in two passes over the blocks: rows first, then references between known ids. */
#ifndef RG_HEAP_LOAD_H
#define RG_HEAP_LOAD_H

#include "src/heap/heap.h"

/* Fill the columns and tables from heap->bytes. */
enum rg_code rg_load(struct rg_heap *heap, const char *file, struct rg_error *err);

#endif
