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

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapdump/base/map.h"

#define RG_NO_OBJECT UINT32_MAX
#define RG_OBJECTS_MARGIN 8192u /* numbers that two threads may leave unused */
#define RG_OBJECTS_LIMIT ((1u << 30) - 2)
#define RG_CACHE_LINE 128 /* two, which are fetched together */
#define RG_REGIONS (1u << 11) /* of 64 GiB, in the 47 bits of a process's addresses */

/* How far the walk is with an object, beside its generation. */
enum { RG_OBJECTS_LISTED = 1 << 3, RG_OBJECTS_READ = 1 << 4 };

/*
 * Up to two threads find objects at once. What the first one finds is numbered from 0 up, the
 * second's from the last number down.
 */
enum { RG_LANES = 2 };

struct rg_objects {
	size_t capacity;
	uint64_t *address;
	uint32_t *found[RG_LANES]; /* references found to it so far, by either */
	uint8_t *generation; /* enum rg_generation, and RG_OBJECTS_* */

	struct rg_map
		neighbours; /* address -> number of what shares a slot with one found before */
	uint32_t **regions[RG_REGIONS]; /* address >> 36, then >> 20 -> the slots of that 1 MiB */
	uint32_t **slabs; /* what the slots are parts of */
	size_t n_slabs, slabs_capacity, n_chunks;
	bool out_of_memory;
	pthread_mutex_t *lock; /* of what is behind `generation`; NULL while there is one thread */

	/* how many each lane has found, far from what the other one reads, and from one another */
	struct {
		uint32_t count;
	} __attribute__((aligned(RG_CACHE_LINE))) lanes[RG_LANES];
};

/* A zeroed struct is empty and valid. */
void rg_objects_deinit(struct rg_objects *objects);

/* Of an empty struct: have room for COUNT objects at hand, if there is the memory. */
void rg_objects_expect(struct rg_objects *objects, size_t count);

/*
 * Have LOCK guard what two threads cannot do at once. There must be room for all objects there may
 * be, COUNT, and RG_OBJECTS_MARGIN; false where there is not, or no memory.
 */
bool rg_objects_share(struct rg_objects *objects, pthread_mutex_t *lock, size_t count);

/* The second thread has ended. */
void rg_objects_unshare(struct rg_objects *objects);

/* The number of the object at ADDRESS, a multiple of 8, or RG_NO_OBJECT. */
uint32_t rg_objects_find(const struct rg_objects *objects, uint64_t address);

/*
 * Add an object that rg_objects_find did not know. RG_NO_OBJECT where another one begins so near
 * that they would overlap, or when out of memory, which sets that. *FRESH_RET is false where
 * another thread came first: the number is then what it gave.
 */
uint32_t rg_objects_add(struct rg_objects *objects, unsigned lane, uint64_t address,
	uint8_t generation, bool *fresh_ret);

/* The number of the object that LANE found as its Ith. */
static inline uint32_t rg_objects_of(const struct rg_objects *objects, unsigned lane, uint32_t i)
{
	return lane ? (uint32_t)objects->capacity - 1 - i : i;
}

/* References found to object NUMBER. */
static inline uint32_t rg_objects_found(const struct rg_objects *objects, uint32_t number)
{
	return objects->found[0][number] + (objects->found[1] ? objects->found[1][number] : 0);
}

#endif
