/*
 * A map from non-zero 64-bit keys (addresses) to 32-bit numbers: open addressing, linear probing,
 * at most half full. Nobody can choose keys that meet in it: each map has a seed of its own, and so
 * an order of its slots that means nothing.
 */
#ifndef RG_BASE_MAP_H
#define RG_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rg_map {
	uint64_t *keys; /* 0: free */
	uint32_t *values;
	size_t size, used; /* size: a power of two, or 0 */
	uint64_t seed; /* 0 as long as it is empty */
};

#define RG_MAP_NONE UINT32_MAX

/* A zeroed map is empty and valid. */
void rg_map_deinit(struct rg_map *map);

/* The number of KEY, or RG_MAP_NONE. O(1) expected. */
uint32_t rg_map_get(const struct rg_map *map, uint64_t key);

/* Set the number of KEY; false when out of memory. */
bool rg_map_set(struct rg_map *map, uint64_t key, uint32_t value);

#endif
