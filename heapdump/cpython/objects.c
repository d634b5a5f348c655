#include "heapdump/cpython/objects.h"

#include <stdlib.h>

#include "heapdump/base/array.h"
#include "heapdump/base/pages.h"

#define REGION_SHIFT 36
#define CHUNK_SHIFT 20
#define CHUNKS (1u << (REGION_SHIFT - CHUNK_SHIFT))
#define SLOT_SHIFT 5
#define SLOTS (1u << (CHUNK_SHIFT - SLOT_SHIFT))
#define SLAB 64u /* chunks whose slots are one piece of memory */
#define USER_SHIFT 47 /* addresses of a process are below 1 << this */
#define PAGE 4096u
#define SELDOM (RG_OBJECTS_MARGIN / RG_LANES)
#define PLACE 3u /* the bits of a slot that say where in its 32 bytes the object begins */
#define HALF 2u /* of these bits the one that says which 16 bytes */

void rg_objects_deinit(struct rg_objects *objects)
{
	free(objects->address);
	for (unsigned lane = 0; lane < RG_LANES; lane++)
		free(objects->found[lane]);
	free(objects->generation);
	for (size_t i = 0; i < RG_REGIONS; i++)
		free(objects->regions[i]);
	for (size_t i = 0; i < objects->n_slabs; i++)
		free(objects->slabs[i]);
	free(objects->slabs);
	rg_map_deinit(&objects->neighbours);
	*objects = (struct rg_objects){ 0 };
}

/* The slot of ADDRESS, or NULL. */
static uint32_t *slot_of(const struct rg_objects *objects, uint64_t address)
{
	uint32_t **region = address >> USER_SHIFT
				    ? NULL
				    : __atomic_load_n(&objects->regions[address >> REGION_SHIFT],
					      __ATOMIC_ACQUIRE);
	uint32_t *slots = region ? __atomic_load_n(&region[address >> CHUNK_SHIFT & (CHUNKS - 1)],
					   __ATOMIC_ACQUIRE)
				 : NULL;

	return slots ? &slots[address >> SLOT_SHIFT & (SLOTS - 1)] : NULL;
}

static void lock(const struct rg_objects *objects)
{
	if (objects->lock)
		pthread_mutex_lock(objects->lock);
}

static void unlock(const struct rg_objects *objects)
{
	if (objects->lock)
		pthread_mutex_unlock(objects->lock);
}

static uint32_t neighbour(const struct rg_objects *objects, uint64_t address)
{
	uint32_t number;

	lock(objects);
	number = rg_map_get(&objects->neighbours, address);
	unlock(objects);
	return number;
}

/* Where in the 32 bytes of its slot ADDRESS, a multiple of 8, is. */
static uint32_t place_of(uint64_t address)
{
	return (uint32_t)(address >> 3) & PLACE;
}

static uint32_t *make_slots(struct rg_objects *objects)
{
	uint32_t *slots;

	if (objects->n_chunks % SLAB == 0) {
		uint32_t **slab = RG_PUSH(
			objects->slabs, objects->n_slabs, objects->slabs_capacity);

		if (!slab)
			return NULL;
		*slab = rg_pages_new(SLAB * SLOTS, sizeof(**slab));
		if (!*slab) {
			objects->n_slabs--;
			return NULL;
		}
	}
	slots = objects->slabs[objects->n_slabs - 1] + (objects->n_chunks++ % SLAB) * SLOTS;
	/* a page that is read before it is written is given twice, and the threads stopped for it */
	for (unsigned i = 0; i < SLOTS; i += PAGE / sizeof(*slots))
		*(volatile uint32_t *)&slots[i] = 0;
	return slots;
}

/* The slot of ADDRESS, made where there is none; NULL when out of memory. */
static uint32_t *make_slot(struct rg_objects *objects, uint64_t address)
{
	uint32_t ***region = &objects->regions[address >> REGION_SHIFT], **slots, *made;
	uint32_t *slot = slot_of(objects, address);

	if (slot)
		return slot;
	lock(objects);
	if (!*region)
		__atomic_store_n(region, rg_array_new(CHUNKS, sizeof(**region)), __ATOMIC_RELEASE);
	slots = *region ? &(*region)[address >> CHUNK_SHIFT & (CHUNKS - 1)] : NULL;
	if (slots && !*slots) {
		made = make_slots(objects);
		__atomic_store_n(slots, made, __ATOMIC_RELEASE);
	}
	unlock(objects);
	return slot_of(objects, address);
}

uint32_t rg_objects_find(const struct rg_objects *objects, uint64_t address)
{
	const uint32_t *slot = slot_of(objects, address);
	uint32_t mark = slot ? __atomic_load_n(slot, __ATOMIC_ACQUIRE) : 0;
	uint32_t differ = (mark ^ place_of(address)) & PLACE;

	if (!mark)
		return RG_NO_OBJECT;
	if (!differ)
		return (mark >> 2) - 1;
	return differ & HALF ? neighbour(objects, address) : RG_NO_OBJECT;
}

void rg_objects_expect(struct rg_objects *objects, size_t count)
{
	uint64_t *address = rg_pages_new(count, sizeof(*address));
	uint32_t *found = rg_pages_new(count, sizeof(*found));
	uint8_t *generation = rg_pages_new(count, 1);

	if (address && found && generation) {
		rg_objects_deinit(objects);
		*objects = (struct rg_objects){ .capacity = count,
			.address = address,
			.found = { found },
			.generation = generation };
		return;
	}
	free(address);
	free(found);
	free(generation);
}

bool rg_objects_share(struct rg_objects *objects, pthread_mutex_t *lock, size_t count)
{
	if (count + RG_OBJECTS_MARGIN > objects->capacity)
		return false;
	objects->found[1] = rg_pages_new(objects->capacity, sizeof(**objects->found));
	if (objects->found[1])
		objects->lock = lock;
	return objects->lock != NULL;
}

void rg_objects_unshare(struct rg_objects *objects)
{
	objects->lock = NULL;
}

/* Room for one more row in every column, while there is one thread. */
static bool reserve_row(struct rg_objects *objects)
{
	size_t capacities[3] = { objects->capacity, objects->capacity, objects->capacity };
	size_t need = (size_t)objects->lanes[0].count + objects->lanes[1].count + 1;

	if (need <= objects->capacity)
		return true;
	/* the second lane's numbers are counted from the end */
	if (need > RG_OBJECTS_LIMIT || objects->found[1] ||
		!rg_array_reserve(&objects->address, &capacities[0], need, sizeof(uint64_t)) ||
		!rg_array_reserve(&objects->found[0], &capacities[1], need, sizeof(uint32_t)) ||
		!rg_array_reserve(&objects->generation, &capacities[2], need, 1))
		return false;
	objects->capacity = capacities[0];
	return true;
}

/*
 * True when the two lanes are about to meet. It is looked at now and then only, for the other thread
 * writes there.
 */
static bool is_full(const struct rg_objects *objects, uint32_t count)
{
	size_t both;

	if (count % SELDOM)
		return false;
	both = (size_t)__atomic_load_n(&objects->lanes[0].count, __ATOMIC_RELAXED) +
	       __atomic_load_n(&objects->lanes[1].count, __ATOMIC_RELAXED);
	return both + RG_OBJECTS_MARGIN > objects->capacity;
}

/* Put MARK into SLOT, if that is free: 0, else what is there. */
static uint32_t claim_slot(const struct rg_objects *objects, uint32_t *slot, uint32_t mark)
{
	uint32_t known = 0;

	if (objects->lock)
		__atomic_compare_exchange_n(
			slot, &known, mark, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	else if (*slot)
		known = *slot;
	else
		*slot = mark;
	return known;
}

/* For both threads to see. */
static void run_out(struct rg_objects *objects)
{
	__atomic_store_n(&objects->out_of_memory, true, __ATOMIC_RELAXED);
}

/*
 * NUMBER for ADDRESS, beside another object that its slot is about, or what it has already;
 * RG_NO_OBJECT where it would overlap that or a third.
 */
static uint32_t claim_neighbour(struct rg_objects *objects, uint64_t address, uint32_t number)
{
	uint32_t known;

	lock(objects);
	known = rg_map_get(&objects->neighbours, address);
	if (known == RG_MAP_NONE && rg_map_get(&objects->neighbours, address ^ 8) == RG_MAP_NONE) {
		known = number;
		if (!rg_map_set(&objects->neighbours, address, number)) {
			run_out(objects);
			known = RG_NO_OBJECT;
		}
	}
	unlock(objects);
	return known;
}

/* The number that ADDRESS gets in SLOT, NUMBER if nobody came first; or RG_NO_OBJECT. */
static uint32_t claim(struct rg_objects *objects, uint32_t *slot, uint64_t address, uint32_t number)
{
	uint32_t mark = (number + 1) << 2 | place_of(address);
	uint32_t known = claim_slot(objects, slot, mark), differ = (known ^ mark) & PLACE;

	if (!known)
		return number;
	if (!differ)
		return (known >> 2) - 1;
	return differ & HALF ? claim_neighbour(objects, address, number) : RG_NO_OBJECT;
}

/* Room for one more object of LANE. */
static bool has_room(struct rg_objects *objects, unsigned lane)
{
	return objects->lock ? !is_full(objects, objects->lanes[lane].count) : reserve_row(objects);
}

uint32_t rg_objects_add(struct rg_objects *objects, unsigned lane, uint64_t address,
	uint8_t generation, bool *fresh_ret)
{
	uint32_t *count = &objects->lanes[lane].count, number, known;
	uint32_t *slot = address >> USER_SHIFT ? NULL : make_slot(objects, address);

	*fresh_ret = false;
	if (address >> USER_SHIFT)
		return RG_NO_OBJECT;
	if (!slot || !has_room(objects, lane)) {
		run_out(objects);
		return RG_NO_OBJECT;
	}
	number = rg_objects_of(objects, lane, *count);
	objects->address[number] = address;
	objects->found[lane][number] = 0;
	objects->generation[number] = generation;
	known = claim(objects, slot, address, number);
	*fresh_ret = known == number;
	__atomic_store_n(count, *count + *fresh_ret, __ATOMIC_RELAXED);
	return known;
}
