/*
 * Where objects were allocated: what tracemalloc has noted, if the program traces.
 *
 * Its tables are read where they lie. To 3.11 they are static variables (Modules/_tracemalloc.c),
 * which are known by what they hold; from 3.12 on a part of _PyRuntime (Python/tracemalloc.c). Both
 * are hash tables of chains (Python/hashtable.c) from the address of a piece of memory to its size
 * and traceback. Linear in the pieces of memory that are traced.
 */
#ifndef RG_CPYTHON_SITES_H
#define RG_CPYTHON_SITES_H

#include "heapdump/cpython/walk.h"

/* After all objects have been read: write the sites, and the allocations of objects. */
void rg_sites_walk(struct rg_walk *walk);

#endif
