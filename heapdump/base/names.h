/*
 * A set of texts, numbered from 0 in the order in which they first came. Texts are any bytes, and
 * kept as copies: two of them share a number exactly when they are equal.
 */
#ifndef RG_BASE_NAMES_H
#define RG_BASE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapdump/base/arena.h"
#include "heapdump/base/map.h"

struct rg_name {
	const char *bytes;
	size_t length;
};

/* A zeroed set is empty and valid. */
struct rg_names {
	struct rg_arena arena;
	struct rg_map numbers; /* hash -> number; the next free odd key where two hashes meet */
	struct rg_name *items;
	size_t count, capacity;
};

void rg_names_deinit(struct rg_names *names);

/* The number of the LENGTH bytes at TEXT, or RG_MAP_NONE. O(length) expected. */
uint32_t rg_names_find(const struct rg_names *names, const char *text, size_t length);

/*
 * The number of the LENGTH bytes at TEXT, added where they are new: then COUNT has grown.
 * RG_MAP_NONE when out of memory. O(length) expected.
 */
uint32_t rg_names_add(struct rg_names *names, const char *text, size_t length);

#endif
