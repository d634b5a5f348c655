/*
 * Previews: what is written of an object's value, and the names of functions, modules, types.
 */
#ifndef RG_CPYTHON_VALUES_H
#define RG_CPYTHON_VALUES_H

#include "heapdump/cpython/walk.h"

/* Write what is worth showing of the object at ADDRESS, by its type. */
void rg_values_write(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type);

#endif
