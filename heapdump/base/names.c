#include "heapdump/base/names.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"

void rg_names_deinit(struct rg_names *names)
{
	rg_arena_deinit(&names->arena);
	rg_map_deinit(&names->numbers);
	free(names->items);
	*names = (struct rg_names){ 0 };
}

static bool is_equal(const struct rg_name *name, const char *text, size_t length)
{
	return name->length == length && (length == 0 || memcmp(name->bytes, text, length) == 0);
}

/* The number of a text; where there is none, in *KEY_RET the key that is free for it. */
static uint32_t find(
	const struct rg_names *names, const char *text, size_t length, uint64_t *key_ret)
{
	uint64_t key = rg_hash(text, length) | 1;
	uint32_t number;

	while ((number = rg_map_get(&names->numbers, key)) != RG_MAP_NONE) {
		if (is_equal(&names->items[number], text, length))
			return number;
		key += 2;
	}
	*key_ret = key;
	return RG_MAP_NONE;
}

uint32_t rg_names_find(const struct rg_names *names, const char *text, size_t length)
{
	uint64_t key;

	return find(names, text, length, &key);
}

uint32_t rg_names_add(struct rg_names *names, const char *text, size_t length)
{
	uint64_t key;
	uint32_t number = find(names, text, length, &key);
	struct rg_name *slot;

	if (number != RG_MAP_NONE)
		return number;
	if (names->count >= RG_MAP_NONE ||
		!rg_map_set(&names->numbers, key, (uint32_t)names->count))
		return RG_MAP_NONE;
	slot = RG_PUSH(names->items, names->count, names->capacity);
	if (!slot)
		return RG_MAP_NONE;
	*slot = (struct rg_name){ rg_arena_text(&names->arena, text, length), length };
	return names->arena.failed ? RG_MAP_NONE : (uint32_t)names->count - 1;
}
