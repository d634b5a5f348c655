/*
 * Reading one object: what it refers to is found, and it is written with its references.
 */
#ifndef RG_CPYTHON_READING_H
#define RG_CPYTHON_READING_H

#include "heapdump/cpython/walk.h"

/*
 * Read object NUMBER. What refers to nothing is read when it is found; all else that is new is left
 * to the passes, and so is NUMBER itself where Python code is asked and the other thread still runs.
 * Linear in its references.
 */
void rg_reading_object(struct rg_walk *walk, uint32_t number);

#endif
