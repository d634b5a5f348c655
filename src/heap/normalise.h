/*
 * What a reference means, decided by who owns it: the values of an instance's __dict__ are its
 * attributes, those of a module's or a class's dict are theirs; a reference to oneself that
 * leads to a module or type is an owner, and so is any back to an event loop: that is to its tasks
 * what a module is to its functions, and as data would make one cycle of all it runs. So an answer
 * is the same whether Python has made a __dict__ or keeps the values in line.
 */
#ifndef RG_HEAP_NORMALISE_H
#define RG_HEAP_NORMALISE_H

#include "src/heap/heap.h"

/* Rewrite kinds and labels of a freshly loaded heap. O(objects + references). */
enum rg_code rg_normalise(struct rg_heap *heap, struct rg_error *err);

#endif
