/*
 * What a type says about its instances, as far as leaks go: whether the program wrote it, and
 * whether its instances are of the kind that should be gone soon.
 */
#ifndef RG_ANALYSIS_TRAITS_H
#define RG_ANALYSIS_TRAITS_H

#include <stdbool.h>
#include <stdint.h>

#include "src/heap/heap.h"

enum rg_trait {
	RG_TRAIT_NONE,
	RG_TRAIT_METHOD, /* bound to its object */
	RG_TRAIT_FUNCTION,
	RG_TRAIT_CELL, /* of a closure */
	RG_TRAIT_FRAME,
	RG_TRAIT_TRACEBACK,
	RG_TRAIT_GENERATOR,
	RG_TRAIT_COROUTINE,
	RG_TRAIT_TASK, /* of asyncio, or a future */
	RG_TRAIT_CACHE, /* functools.lru_cache */
	RG_TRAIT_LOCAL, /* threading.local */
	RG_TRAIT_CLASS,
	RG_TRAIT_WEAK, /* a weak reference: it grows with what it is to */
	RG_TRAIT_COUNT
};

struct rg_traits {
	uint8_t *trait; /* of each type: enum rg_trait */
	bool *own; /* of each type: the program's, not Python's */
	uint32_t *alike; /* of each type: the first of its name and module */
	uint64_t *hash; /* of each type: of its name and module, the same on any machine */
};

/* O(types). Freed with rg_traits_deinit. */
enum rg_code rg_traits_init(
	struct rg_traits *traits, const struct rg_heap *heap, struct rg_error *err);
void rg_traits_deinit(struct rg_traits *traits);

#endif
