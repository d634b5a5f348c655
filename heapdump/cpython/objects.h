/*
 * The objects a walk has found: dense numbers in the order of discovery, by address.
 *
 * Addresses map to numbers through one slot for each 32 bytes of the 1 MiB chunks that hold
 * objects. No two objects share 16 bytes, as the header alone is as large, and hardly ever 32: the
 * second of two such, as instances of `object` are, is in a map. O(1) a look-up, 4 bytes for 32
 * bytes of heap.
 */
#ifndef RG_CPYTHON_OBJECTS_H
#define RG_CPYTHON_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapdump/base/map.h"

#define RG_NO_OBJECT UINT32_MAX
#define RG_REGIONS (1u << 11) /* of 64 GiB, in the 47 bits of a process's addresses */

/* How far the walk is with an object, beside its generation. */
enum { RG_OBJECTS_LISTED = 1 << 3, RG_OBJECTS_READ = 1 << 4 };

struct rg_objects {
	uint32_t count;
	size_t capacity;
	uint64_t *address;
	uint32_t *type; /* its number in the type table */
	uint32_t *found; /* references found to it so far */
	uint8_t *generation; /* enum rg_generation, and RG_OBJECTS_* */

	struct rg_map
		neighbours; /* address -> number of what shares a slot with one found before */
	uint32_t **regions[RG_REGIONS]; /* address >> 36, then >> 20 -> the slots of that 1 MiB */
	uint32_t **slabs; /* what the slots are parts of */
	size_t n_slabs, slabs_capacity, n_chunks;
};

/* A zeroed struct is empty and valid. */
void rg_objects_deinit(struct rg_objects *objects);

/* Of an empty struct: have room for COUNT objects at hand, if there is the memory. */
void rg_objects_expect(struct rg_objects *objects, size_t count);

/* The number of the object at ADDRESS, a multiple of 8, or RG_NO_OBJECT. */
uint32_t rg_objects_find(const struct rg_objects *objects, uint64_t address);

/* False where another object begins so near ADDRESS that they would overlap. */
bool rg_objects_fits(const struct rg_objects *objects, uint64_t address);

/*
 * Add an object that rg_objects_find does not know and that fits; RG_NO_OBJECT when out of memory.
 */
uint32_t rg_objects_add(
	struct rg_objects *objects, uint64_t address, uint32_t type, uint8_t generation);

#endif
