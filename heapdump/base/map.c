#include "heapdump/base/map.h"

#include <stdlib.h>

#include "heapdump/base/hash.h"

void rg_map_deinit(struct rg_map *map)
{
	free(map->keys);
	free(map->values);
	*map = (struct rg_map){ 0 };
}

/* The slot of KEY, or the free one where it would go. */
static size_t slot_of(const struct rg_map *map, uint64_t key)
{
	size_t i = rg_mix(key ^ map->seed, map->seed) & (map->size - 1);

	while (map->keys[i] && map->keys[i] != key)
		i = (i + 1) & (map->size - 1);
	return i;
}

uint32_t rg_map_get(const struct rg_map *map, uint64_t key)
{
	size_t i;

	if (!map->size || !key)
		return RG_MAP_NONE;
	i = slot_of(map, key);
	return map->keys[i] ? map->values[i] : RG_MAP_NONE;
}

static bool grow(struct rg_map *map)
{
	struct rg_map larger = { .size = map->size ? map->size * 2 : 64,
		.used = map->used,
		.seed = map->seed ? map->seed : rg_hash_seed() };

	larger.keys = calloc(larger.size, sizeof(*larger.keys));
	larger.values = calloc(larger.size, sizeof(*larger.values));
	if (!larger.keys || !larger.values) {
		rg_map_deinit(&larger);
		return false;
	}
	for (size_t i = 0; i < map->size; i++) {
		if (map->keys[i]) {
			size_t to = slot_of(&larger, map->keys[i]);

			larger.keys[to] = map->keys[i];
			larger.values[to] = map->values[i];
		}
	}
	rg_map_deinit(map);
	*map = larger;
	return true;
}

bool rg_map_set(struct rg_map *map, uint64_t key, uint32_t value)
{
	size_t i;

	if (!key || ((map->used + 1) * 2 > map->size && !grow(map)))
		return false;
	i = slot_of(map, key);
	map->used += map->keys[i] == 0;
	map->keys[i] = key;
	map->values[i] = value;
	return true;
}
