/*
 * One call of a Python function: that a thread executes, or that a generator or a frame object
 * keeps. From 3.11 on an interpreter frame (Include/internal/pycore_frame.h,
 * pycore_interpframe.h), before that the frame object itself (Include/cpython/frameobject.h).
 */
#ifndef RG_CPYTHON_CALL_H
#define RG_CPYTHON_CALL_H

#include "heapdump/cpython/walk.h"

/* Who owns what a call refers to. */
enum rg_call_owner {
	RG_CALL_OF_THREAD,
	RG_CALL_OF_GENERATOR,
	RG_CALL_OF_FRAME_OBJECT,
	RG_CALL_OF_INTERPRETER, /* no Python code: where C begins to call Python */
};

struct rg_call {
	uint64_t address, code, previous;
	uint64_t function, locals, object; /* what it owns besides, or 0: to 3.10 all 0 */
	uint64_t slots; /* address of the first */
	uint32_t n_locals; /* slots of locals, cells and free variables; the stack is behind them */
	uint32_t n_slots; /* slots that are known to be in use; n_locals where the stack is not */
	bool recorded; /* how high the stack is was written down: not while it executes */
	enum rg_call_owner owner;
	uint64_t offset; /* of the instruction it stands at, bytes behind the first */
};

/* Read the call at ADDRESS; false where it has no code object: all but previous is 0 then. */
bool rg_call_read(struct rg_call *call_ret, struct rg_walk *walk, uint64_t address);

/* The object in slot I, or 0 where it is empty or borrows from another slot. */
uint64_t rg_call_slot(struct rg_walk *walk, const struct rg_call *call, uint32_t i);

/* The call that THREAD executes, or 0. */
uint64_t rg_call_of_thread(struct rg_walk *walk, uint64_t thread);

/* The call that a frame object or a generator keeps or stands for, or 0. */
uint64_t rg_call_of_frame(struct rg_walk *walk, uint64_t frame);
uint64_t rg_call_of_generator(struct rg_walk *walk, uint64_t generator);

/* The code object of a generator, whose call may be over; or 0. */
uint64_t rg_generator_code(struct rg_walk *walk, uint64_t generator);

#endif
