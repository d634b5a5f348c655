#include "src/analysis/traits.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"
#include "heapdump/base/map.h"
#include "heapdump/snapshot/standard.h"

/* Types of Python's by name: C and Python have the same ones in several modules. */
static const struct {
	const char *name;
	enum rg_trait trait;
} known[] = {
	{ "method", RG_TRAIT_METHOD },
	{ "function", RG_TRAIT_FUNCTION },
	{ "cell", RG_TRAIT_CELL },
	{ "frame", RG_TRAIT_FRAME },
	{ "traceback", RG_TRAIT_TRACEBACK },
	{ "generator", RG_TRAIT_GENERATOR },
	{ "async_generator", RG_TRAIT_GENERATOR },
	{ "coroutine", RG_TRAIT_COROUTINE },
	{ "Task", RG_TRAIT_TASK },
	{ "Future", RG_TRAIT_TASK },
	{ "_lru_cache_wrapper", RG_TRAIT_CACHE },
	{ "_local", RG_TRAIT_LOCAL },
	{ "ReferenceType", RG_TRAIT_WEAK },
	{ "KeyedRef", RG_TRAIT_WEAK },
};

static enum rg_trait trait_of(const struct rg_heap_type *type)
{
	if (type->flags & RG_TYPE_METATYPE)
		return RG_TRAIT_CLASS;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (rg_text_is(type->name, known[i].name))
			return known[i].trait;
	return RG_TRAIT_NONE;
}

static enum rg_code find_alike(
	struct rg_traits *traits, const struct rg_heap *heap, struct rg_error *err)
{
	struct rg_map first = { 0 };
	bool stored = true;

	for (uint32_t i = 0; stored && i < heap->n_types; i++) {
		const struct rg_heap_type *type = &heap->types[i];
		uint64_t hash = rg_hash(type->module.bytes, type->module.length);
		uint32_t known_row;

		traits->hash[i] = rg_hash_with(hash, type->name.bytes, type->name.length) | 1;
		known_row = rg_map_get(&first, traits->hash[i]);
		traits->alike[i] = known_row == RG_MAP_NONE ? i : known_row;
		if (known_row == RG_MAP_NONE)
			stored = rg_map_set(&first, traits->hash[i], i);
	}
	rg_map_deinit(&first);
	return stored ? RG_OK : rg_nomem(err);
}

enum rg_code rg_traits_init(
	struct rg_traits *traits, const struct rg_heap *heap, struct rg_error *err)
{
	enum rg_code code;

	*traits = (struct rg_traits){ .trait = rg_array_new(heap->n_types, sizeof(*traits->trait)),
		.own = rg_array_new(heap->n_types, sizeof(*traits->own)),
		.alike = rg_array_new(heap->n_types, sizeof(*traits->alike)),
		.hash = rg_array_new(heap->n_types, sizeof(*traits->hash)) };
	if (!traits->trait || !traits->own || !traits->alike || !traits->hash) {
		rg_traits_deinit(traits);
		return rg_nomem(err);
	}
	for (size_t i = 0; i < heap->n_types; i++) {
		struct rg_text module = heap->types[i].module;

		traits->own[i] = !rg_is_standard_module(module.bytes, module.length);
		if (!traits->own[i] || heap->types[i].flags & RG_TYPE_METATYPE)
			traits->trait[i] = (uint8_t)trait_of(&heap->types[i]);
	}
	code = find_alike(traits, heap, err);
	if (code)
		rg_traits_deinit(traits);
	return code;
}

void rg_traits_deinit(struct rg_traits *traits)
{
	free(traits->trait);
	free(traits->own);
	free(traits->alike);
	free(traits->hash);
	*traits = (struct rg_traits){ 0 };
}
