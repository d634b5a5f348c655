/*
 * What C code holds: pointers in its variables and on its stacks to objects that have more
 * references than all of Python explains.
 *
 * Only a search: such a word may be left over from before. But an object that it leads to is held
 * by something in C, and this is the best that can be said of where. Linear in the size of the
 * interpreters, of the data of the libraries, and of the stacks.
 */
#ifndef RG_CPYTHON_NATIVE_H
#define RG_CPYTHON_NATIVE_H

#include "heapdump/cpython/walk.h"

/* After all else has been read: write the roots that are found so. */
void rg_native_walk(struct rg_walk *walk);

#endif
