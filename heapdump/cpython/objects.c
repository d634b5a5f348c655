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
#define COUNT_LIMIT (1u << 30) /* two bits of a slot say where in its 32 bytes the object begins */
#define PLACE 3u
#define HALF 2u /* of these bits the one that says which 16 bytes */

void rg_objects_deinit(struct rg_objects *objects)
{
	free(objects->address);
	free(objects->type);
	free(objects->found);
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
	uint32_t **region = address >> USER_SHIFT ? NULL
						  : objects->regions[address >> REGION_SHIFT];
	uint32_t *slots = region ? region[address >> CHUNK_SHIFT & (CHUNKS - 1)] : NULL;

	return slots ? &slots[address >> SLOT_SHIFT & (SLOTS - 1)] : NULL;
}

/* Where in the 32 bytes of its slot ADDRESS, a multiple of 8, is. */
static uint32_t place_of(uint64_t address)
{
	return (uint32_t)(address >> 3) & PLACE;
}

static uint32_t *make_slots(struct rg_objects *objects)
{
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
	return objects->slabs[objects->n_slabs - 1] + (objects->n_chunks++ % SLAB) * SLOTS;
}

/* The slot of ADDRESS, made where there is none; NULL when out of memory. */
static uint32_t *make_slot(struct rg_objects *objects, uint64_t address)
{
	uint32_t ***region = &objects->regions[address >> REGION_SHIFT], **slots;

	if (!*region)
		*region = rg_array_new(CHUNKS, sizeof(**region));
	if (!*region)
		return NULL;
	slots = &(*region)[address >> CHUNK_SHIFT & (CHUNKS - 1)];
	if (!*slots)
		*slots = make_slots(objects);
	return slot_of(objects, address);
}

uint32_t rg_objects_find(const struct rg_objects *objects, uint64_t address)
{
	const uint32_t *slot = slot_of(objects, address);
	uint32_t mark = slot ? *slot : 0, differ = (mark ^ place_of(address)) & PLACE;

	if (!mark)
		return RG_NO_OBJECT;
	if (!differ)
		return (mark >> 2) - 1;
	return differ & HALF ? rg_map_get(&objects->neighbours, address) : RG_NO_OBJECT;
}

bool rg_objects_fits(const struct rg_objects *objects, uint64_t address)
{
	const uint32_t *slot = slot_of(objects, address);

	if (address >> USER_SHIFT)
		return false;
	if (!slot || !*slot)
		return true;
	return (*slot ^ place_of(address)) & HALF &&
	       rg_map_get(&objects->neighbours, address) == RG_MAP_NONE &&
	       rg_map_get(&objects->neighbours, address ^ 8) == RG_MAP_NONE;
}

void rg_objects_expect(struct rg_objects *objects, size_t count)
{
	uint64_t *address = rg_pages_new(count, sizeof(*address));
	uint32_t *type = rg_pages_new(count, sizeof(*type));
	uint32_t *found = rg_pages_new(count, sizeof(*found));
	uint8_t *generation = rg_pages_new(count, 1);

	if (address && type && found && generation) {
		rg_objects_deinit(objects);
		*objects = (struct rg_objects){ .capacity = count,
			.address = address,
			.type = type,
			.found = found,
			.generation = generation };
		return;
	}
	free(address);
	free(type);
	free(found);
	free(generation);
}

/* Room for one more row in every column. */
static bool reserve_row(struct rg_objects *objects)
{
	size_t capacities[4] = { objects->capacity, objects->capacity, objects->capacity,
		objects->capacity };
	size_t need = (size_t)objects->count + 1;

	if (need <= objects->capacity)
		return true;
	if (need >= COUNT_LIMIT ||
		!rg_array_reserve(&objects->address, &capacities[0], need, sizeof(uint64_t)) ||
		!rg_array_reserve(&objects->type, &capacities[1], need, sizeof(uint32_t)) ||
		!rg_array_reserve(&objects->found, &capacities[2], need, sizeof(uint32_t)) ||
		!rg_array_reserve(&objects->generation, &capacities[3], need, 1))
		return false;
	objects->capacity = capacities[0];
	return true;
}

uint32_t rg_objects_add(
	struct rg_objects *objects, uint64_t address, uint32_t type, uint8_t generation)
{
	uint32_t *slot = make_slot(objects, address), number = objects->count;

	if (!slot || !reserve_row(objects))
		return RG_NO_OBJECT;
	if (!*slot)
		*slot = (number + 1) << 2 | place_of(address);
	else if (!rg_map_set(&objects->neighbours, address, number))
		return RG_NO_OBJECT;
	objects->address[number] = address;
	objects->type[number] = type;
	objects->found[number] = 0;
	objects->generation[number] = generation;
	objects->count++;
	return number;
}
