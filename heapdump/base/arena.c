#include "heapdump/base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"

#define BLOCK_SIZE (64u << 10)

const char rg_arena_nothing[] = "";

struct rg_arena_block {
	struct rg_arena_block *next;
	size_t size;
	_Alignas(16) char bytes[];
};

void rg_arena_deinit(struct rg_arena *arena)
{
	while (arena->blocks) {
		struct rg_arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
	*arena = (struct rg_arena){ 0 };
}

void rg_arena_reset(struct rg_arena *arena)
{
	struct rg_arena kept = { .blocks = arena->blocks, .failed = arena->failed };

	if (kept.blocks) {
		memset(kept.blocks->bytes, 0, arena->used);
		arena->blocks = kept.blocks->next;
		kept.blocks->next = NULL;
		rg_arena_deinit(arena);
	}
	*arena = kept;
}

enum rg_code rg_arena_end(struct rg_arena *arena, enum rg_code code, struct rg_error *err)
{
	if (!code && arena->failed)
		code = rg_nomem(err);
	rg_arena_deinit(arena);
	return code;
}

static bool add_block(struct rg_arena *arena, size_t size)
{
	struct rg_arena_block *block = calloc(1, sizeof(*block) + size);

	if (!block)
		return false;
	block->next = arena->blocks;
	block->size = size;
	arena->blocks = block;
	arena->used = 0;
	return true;
}

void *rg_arena_new(struct rg_arena *arena, size_t count, size_t size)
{
	size_t bytes;
	void *item;

	if (arena->failed || !rg_mul(count, size, &bytes) || !rg_add(bytes, 15, &bytes)) {
		arena->failed = true;
		return NULL;
	}
	bytes &= ~(size_t)15;
	if ((!arena->blocks || bytes > arena->blocks->size - arena->used) &&
		!add_block(arena, bytes > BLOCK_SIZE ? bytes : BLOCK_SIZE)) {
		arena->failed = true;
		return NULL;
	}
	item = arena->blocks->bytes + arena->used;
	arena->used += bytes;
	return item;
}

const char *rg_arena_text(struct rg_arena *arena, const char *text, size_t length)
{
	char *copy = rg_arena_new(arena, length + 1, 1);

	if (!copy)
		return rg_arena_nothing;
	memcpy(copy, text, length);
	return copy;
}

const char *rg_arena_print(struct rg_arena *arena, const char *fmt, ...)
{
	va_list args, again;
	int length;
	char *text;

	va_start(args, fmt);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	text = length < 0 ? NULL : rg_arena_new(arena, (size_t)length + 1, 1);
	if (text)
		vsnprintf(text, (size_t)length + 1, fmt, again);
	va_end(again);
	return text ? text : rg_arena_nothing;
}
