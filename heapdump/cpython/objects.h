/*
 * The objects a walk has found: dense numbers in the order of discovery, by address.
 *
 * Addresses map to numbers through one slot for each 16 bytes of the 1 MiB chunks that hold
 * objects (no two objects share 16 bytes: the header alone is as large). O(1) a look-up, 4 bytes
 * for 16 bytes of heap.
 */
#ifndef RG_CPYTHON_OBJECTS_H
#define RG_CPYTHON_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapdump/base/map.h"

#define RG_NO_OBJECT UINT32_MAX

struct rg_objects {
	uint32_t count;
	size_t capacity;
	uint64_t *address;
	uint32_t *type; /* its number in the type table */
	uint32_t *found; /* references found to it so far */
	uint8_t *generation; /* enum rg_generation */

	struct rg_map chunks; /* address >> 20 -> number of the chunk */
	uint32_t **slots; /* of each chunk: object number + 1, or 0 */
	size_t n_chunks, chunks_capacity;
	uint64_t last_key; /* the chunk looked up last */
	uint32_t *last_slots;
};

/* A zeroed struct is empty and valid. */
void rg_objects_deinit(struct rg_objects *objects);

/* The number of the object at ADDRESS, or RG_NO_OBJECT. */
uint32_t rg_objects_find(struct rg_objects *objects, uint64_t address);

/* False where another object begins so near ADDRESS that they would overlap. */
bool rg_objects_fits(struct rg_objects *objects, uint64_t address);

/* Add an object that rg_objects_find does not know and that fits; RG_NO_OBJECT when out of memory. */
uint32_t rg_objects_add(
	struct rg_objects *objects, uint64_t address, uint32_t type, uint8_t generation);

#endif
