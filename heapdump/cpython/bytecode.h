/*
 * A look at bytecode, for one question: can a function hand out its first argument?
 */
#ifndef RG_CPYTHON_BYTECODE_H
#define RG_CPYTHON_BYTECODE_H

#include "heapdump/cpython/walk.h"

/*
 * True when the function at ADDRESS only reads attributes of its first argument and calls methods
 * of what those are: then a __del__ can neither bring its object back nor take its cycles apart.
 * False where it passes, stores, changes or returns it, calls a method of it, or is not
 * understood. Linear in the code. Opcodes: Lib/opcode.py and
 * Include/internal/pycore_opcode.h of CPython 3.11.
 */
bool rg_bytecode_keeps_self(struct rg_walk *walk, uint64_t address);

#endif
