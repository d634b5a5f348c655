/*
 * Code objects: the slots of a call of one, their names, and the line of an instruction.
 * Objects/codeobject.c; the tables of lines are Objects/lnotab_notes.txt (to 3.10) and
 * Objects/locations.md (InternalDocs/code_objects.md) of CPython.
 */
#ifndef RG_CPYTHON_CODE_H
#define RG_CPYTHON_CODE_H

#include "heapdump/cpython/walk.h"

/* Slots of locals, cells and free variables in a call of CODE, and of its evaluation stack. */
uint32_t rg_code_locals(struct rg_walk *walk, uint64_t code);
uint32_t rg_code_stack(struct rg_walk *walk, uint64_t code);

/* String number of the name of local I, or RG_NO_STRING. */
uint32_t rg_code_local_name(struct rg_walk *walk, uint64_t code, uint32_t i);

/* The line of the instruction OFFSET bytes behind the first; 0 where it has none. Linear. */
uint32_t rg_code_line(struct rg_walk *walk, uint64_t code, uint64_t offset);

#endif
