/* The objects of a walk by address, against a search through all: near to one another and far. */
#include "heapdump/cpython/objects.h"

#include "tests/tap.h"

#define MOST 400

/* Anywhere in a few pages on both sides of a region's border, or far away. */
static uint64_t random_address(uint64_t *state)
{
	static const uint64_t bases[] = { 0x1000, 0xffffff000, 0x7f12345fff00, 0x7fffffffff00 };
	uint64_t bits = random_bits(state);

	return bits % 50 ? bases[bits % 4] + (bits >> 8) % 0x600 / 8 * 8 : bits >> 10 & ~7ull;
}

static uint32_t search(const uint64_t *addresses, uint32_t count, uint64_t address)
{
	for (uint32_t i = 0; i < count; i++)
		if (addresses[i] == address)
			return i;
	return RG_NO_OBJECT;
}

/* Whether an object may begin at ADDRESS: none does in the same 16 bytes. */
static bool may_begin(const uint64_t *addresses, uint32_t count, uint64_t address)
{
	for (uint32_t i = 0; i < count; i++)
		if (addresses[i] >> 4 == address >> 4)
			return false;
	return !(address >> 47);
}

START_TEST(objects_as_a_search_says)
{
	uint64_t addresses[MOST], beside = 0;

	FOR_SEEDS(seed, 200)
	{
		uint64_t state = seed;
		struct rg_objects objects = { 0 };

		if (seed % 2)
			rg_objects_expect(&objects, seed % 3 ? 10 : MOST);
		for (int i = 0; i < 2 * MOST; i++) {
			uint64_t address = random_address(&state);
			uint32_t known = search(addresses, objects.count, address);
			bool fits = may_begin(addresses, objects.count, address);

			CHECK(seed, rg_objects_find(&objects, address) == known);
			CHECK(seed, rg_objects_fits(&objects, address) == fits);
			if (!fits || objects.count == MOST)
				continue;
			addresses[objects.count] = address;
			CHECK(seed, rg_objects_add(&objects, address, 7, 2) == objects.count - 1);
			CHECK(seed, rg_objects_find(&objects, address) == objects.count - 1);
		}
		beside += objects.neighbours.used;
		for (uint32_t i = 0; i < objects.count; i++)
			CHECK(seed, objects.address[i] == addresses[i] && objects.type[i] == 7 &&
					    objects.generation[i] == 2 && !objects.found[i]);
		rg_objects_deinit(&objects);
	}
	ck_assert(getenv("RG_SEED") || beside > 1000);
}
END_TEST

TEST_MAIN("objects", objects_as_a_search_says)
