/*
 * Roots: what holds objects from outside the heap. Modules by name, the interpreter's own
 * pointers, each thread's state and frames with their locals.
 */
#ifndef RG_CPYTHON_ROOTS_H
#define RG_CPYTHON_ROOTS_H

#include "heapdump/cpython/walk.h"

/* Write the roots, threads and frames of all interpreters. */
void rg_roots_walk(struct rg_walk *walk);

/* After the walk: static types, which no reference has to hold. */
void rg_roots_static(struct rg_walk *walk);

#endif
