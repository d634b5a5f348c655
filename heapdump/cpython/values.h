/*
 * Previews: what is written of an object's value, and the names of functions, modules, types.
 */
#ifndef RG_CPYTHON_VALUES_H
#define RG_CPYTHON_VALUES_H

#include "heapdump/cpython/walk.h"

/* Writes what is worth showing of the object at ADDRESS. */
typedef void rg_value_writer(struct rg_walk *walk, uint64_t address);

/* The one for instances of TYPE, or NULL. */
rg_value_writer *rg_values_find(const struct rg_pytype *type);

#endif
