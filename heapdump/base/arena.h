/*
 * An arena: many small allocations that are freed together. What it hands out is zeroed and
 * stays valid until rg_arena_deinit. Running out of memory sticks in `failed`: nothing more is
 * handed out then, and a caller may build a whole answer before asking.
 */
#ifndef RG_BASE_ARENA_H
#define RG_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "heapdump/base/error.h"

struct rg_arena_block;

struct rg_arena {
	struct rg_arena_block *blocks;
	size_t used; /* of the newest block */
	bool failed;
};

/* A zeroed arena is empty and valid. */
void rg_arena_deinit(struct rg_arena *arena);

/* Free what was handed out, for more of the same: one block is kept. O(bytes handed out). */
void rg_arena_reset(struct rg_arena *arena);

/* The same behind work that ended with CODE: that, or RG_NOMEM in ERR where ARENA ran out. */
enum rg_code rg_arena_end(struct rg_arena *arena, enum rg_code code, struct rg_error *err);

/* COUNT zeroed items of SIZE bytes, 16-aligned; NULL when out of memory. */
void *rg_arena_new(struct rg_arena *arena, size_t count, size_t size);

/* The "" that stands for a text for which there was no memory. */
extern const char rg_arena_nothing[];

/* LENGTH bytes as a terminated string; rg_arena_nothing when out of memory. Never NULL. */
const char *rg_arena_text(struct rg_arena *arena, const char *text, size_t length);

/* A formatted string; rg_arena_nothing when out of memory. Never NULL. */
const char *rg_arena_print(struct rg_arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
