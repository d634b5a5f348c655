#include "heapdump/cpython/objects.h"

#include <stdlib.h>

#include "heapdump/base/array.h"

#define CHUNK_SHIFT 20
#define SLOT_SHIFT 4
#define SLOTS (1u << (CHUNK_SHIFT - SLOT_SHIFT))

void rg_objects_deinit(struct rg_objects *objects)
{
	free(objects->address);
	free(objects->type);
	free(objects->found);
	free(objects->generation);
	for (size_t i = 0; i < objects->n_chunks; i++)
		free(objects->slots[i]);
	free(objects->slots);
	rg_map_deinit(&objects->chunks);
	*objects = (struct rg_objects){ 0 };
}

/* The slots of the chunk of ADDRESS, or NULL. */
static uint32_t *chunk_of(struct rg_objects *objects, uint64_t address)
{
	/* + 1: a map has no key 0 */
	uint64_t key = (address >> CHUNK_SHIFT) + 1;
	uint32_t number;

	if (key == objects->last_key)
		return objects->last_slots;
	number = rg_map_get(&objects->chunks, key);
	if (number == RG_MAP_NONE)
		return NULL;
	objects->last_key = key;
	objects->last_slots = objects->slots[number];
	return objects->last_slots;
}

static uint32_t *make_chunk(struct rg_objects *objects, uint64_t address)
{
	uint32_t **slot = RG_PUSH(objects->slots, objects->n_chunks, objects->chunks_capacity);

	if (!slot)
		return NULL;
	*slot = calloc(SLOTS, sizeof(**slot));
	if (!*slot || !rg_map_set(&objects->chunks, (address >> CHUNK_SHIFT) + 1,
			      (uint32_t)objects->n_chunks - 1))
		return NULL;
	return *slot;
}

static uint32_t slot_index(uint64_t address)
{
	return (uint32_t)(address >> SLOT_SHIFT) & (SLOTS - 1);
}

uint32_t rg_objects_find(struct rg_objects *objects, uint64_t address)
{
	uint32_t *slots = chunk_of(objects, address);
	uint32_t number = slots ? slots[slot_index(address)] : 0;

	if (!number || objects->address[number - 1] != address)
		return RG_NO_OBJECT;
	return number - 1;
}

bool rg_objects_fits(struct rg_objects *objects, uint64_t address)
{
	const uint32_t *slots = chunk_of(objects, address);

	return !slots || !slots[slot_index(address)];
}

/* Room for one more row in every column. */
static bool reserve_row(struct rg_objects *objects)
{
	size_t capacities[4] = { objects->capacity, objects->capacity, objects->capacity,
		objects->capacity };
	size_t need = (size_t)objects->count + 1;

	if (need <= objects->capacity)
		return true;
	if (need >= RG_NO_OBJECT ||
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
	uint32_t *slots = chunk_of(objects, address), number = objects->count;

	if (!slots)
		slots = make_chunk(objects, address);
	if (!slots || !reserve_row(objects))
		return RG_NO_OBJECT;
	objects->address[number] = address;
	objects->type[number] = type;
	objects->found[number] = 0;
	objects->generation[number] = generation;
	objects->count++;
	slots[slot_index(address)] = number + 1;
	return number;
}
