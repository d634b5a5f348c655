/* Addresses to ids against bsearch, on heaps of every density and on hostile addresses. */
#include "src/graph/addressmap.h"

#include <malloc.h>

#include "tests/graph/random.h"

#define MAX 6000u

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Sort, and leave out what is there twice: how many are left. */
static uint32_t sort_unique(uint64_t *addresses, uint32_t count)
{
	uint32_t kept = 0;

	qsort(addresses, count, sizeof(*addresses), compare);
	for (uint32_t i = 0; i < count; i++)
		if (!kept || addresses[i] != addresses[kept - 1])
			addresses[kept++] = addresses[i];
	return kept;
}

/* Add to ADDRESSES, at COUNT, a region of one of several kinds: the new count. */
static uint32_t add_region(uint64_t *state, uint64_t *addresses, uint32_t count)
{
	/* just below, at and above the borders of the directory, and anywhere */
	static const uint64_t bases[] = { 0, 0x400000, 0x3ffff000, 0x7f00000ff000, 0xfffffffff000,
		0x1000000000000, 0xfffffffffffff000 };
	static const uint64_t steps[] = { 8, 16, 24, 48, 64, 4096, 1 << 20, 1 << 30, 1ull << 48 };
	uint32_t pick = random_below(state, sizeof(bases) / sizeof(*bases) + 1);
	uint64_t at = pick < sizeof(bases) / sizeof(*bases) ? bases[pick] : random_bits(state);
	uint64_t step = steps[random_below(state, sizeof(steps) / sizeof(*steps))];
	uint32_t more = random_below(state, 1000);

	for (uint32_t i = 0; i < more && count < MAX; i++) {
		addresses[count++] = at & ~(uint64_t)7;
		at += step * (1 + random_below(state, 3));
	}
	return count;
}

/* Whether the map says of ADDRESS what bsearch says. */
static bool agrees(const struct rg_addressmap *map, uint64_t address)
{
	const uint64_t *at = bsearch(
		&address, map->addresses, map->n, sizeof(*map->addresses), compare);
	uint32_t expected = at ? (uint32_t)(at - map->addresses) : RG_NO_ID;

	return rg_addressmap_find(map, address) == expected;
}

/* Ask for all addresses, what is beside them, and anything. */
static void check_map(const struct rg_addressmap *map, uint64_t *state, uint64_t seed)
{
	static const uint64_t beside[] = { 0, 1, 7, 8, 15, 16, 1024, 1 << 20, 1 << 30 };

	for (uint32_t i = 0; i < map->n; i++) {
		for (size_t k = 0; k < sizeof(beside) / sizeof(*beside); k++) {
			CHECK(seed, agrees(map, map->addresses[i] + beside[k]));
			CHECK(seed, agrees(map, map->addresses[i] - beside[k]));
		}
		CHECK(seed, agrees(map, random_bits(state) >> random_below(state, 64)));
	}
	CHECK(seed, agrees(map, 0) && agrees(map, UINT64_MAX) && agrees(map, UINT64_MAX >> 16));
}

START_TEST(addressmap_as_bsearch_says)
{
	uint64_t *addresses = calloc(MAX, sizeof(*addresses));
	uint32_t dense = 0, shared = 0;

	FOR_SEEDS(seed, 300)
	{
		uint64_t state = seed;
		uint32_t count = 0, regions = random_below(&state, 7);
		struct rg_addressmap map;

		for (uint32_t i = 0; i < regions; i++)
			count = add_region(&state, addresses, count);
		count = sort_unique(addresses, count);
		CHECK(seed, rg_addressmap_init(&map, addresses, count, NULL) == RG_OK);
		check_map(&map, &state, seed);
		dense += malloc_usable_size(map.words) >= 16384;
		shared += map.shared;
		rg_addressmap_deinit(&map);
	}
	ck_assert(getenv("RG_SEED") || (dense > 10 && shared > 30));
	free(addresses);
}
END_TEST

START_TEST(addressmap_of_a_pool)
{
	uint64_t *addresses = calloc(BIG, sizeof(*addresses));
	struct rg_addressmap map;

	/* 48-byte objects, every seventh 8 off: as statics are */
	for (uint32_t i = 0; i < BIG; i++)
		addresses[i] = 0x7f1234000000 + 48ull * i + (i % 7 ? 0 : 8);
	ck_assert_int_eq(rg_addressmap_init(&map, addresses, BIG, NULL), RG_OK);
	ck_assert(!map.shared);
	for (uint32_t i = 0; i < BIG; i++) {
		CHECK(0, rg_addressmap_find(&map, addresses[i]) == i);
		CHECK(0, rg_addressmap_find(&map, addresses[i] ^ 8) == RG_NO_ID);
		CHECK(0, rg_addressmap_find(&map, addresses[i] + 16) == RG_NO_ID);
	}
	rg_addressmap_deinit(&map);
	free(addresses);
}
END_TEST

static size_t memory_of(const struct rg_addressmap *map)
{
	return malloc_usable_size(map->top) + malloc_usable_size(map->tables) +
	       malloc_usable_size(map->words) + malloc_usable_size(map->few);
}

START_TEST(addressmap_stays_small)
{
	/* strides that put one object, or just enough for a level, in each MiB, GiB, and beyond */
	static const uint64_t strides[] = { 16, 4096, 1 << 20, 1 << 24, 1 << 30, 1ull << 44 };
	uint32_t n = 200000;
	uint64_t *addresses = calloc(n, sizeof(*addresses)), state = 1;

	for (size_t k = 0; k < sizeof(strides) / sizeof(*strides); k++) {
		struct rg_addressmap map;

		for (uint32_t i = 0; i < n; i++)
			addresses[i] = strides[k] * i;
		ck_assert_int_eq(
			rg_addressmap_init(&map, addresses, sort_unique(addresses, n), NULL),
			RG_OK);
		ck_assert_uint_le(memory_of(&map), (2u << 20) + 136ull * n);
		for (uint32_t i = 0; i < map.n; i += 1 + random_below(&state, 50))
			CHECK(k, agrees(&map, addresses[i]) && agrees(&map, addresses[i] + 8));
		rg_addressmap_deinit(&map);
	}
	free(addresses);
}
END_TEST

START_TEST(addressmap_refuses_disorder)
{
	uint64_t twice[] = { 16, 32, 32 }, falling[] = { 16, 48, 32 };
	struct rg_addressmap map;
	struct rg_error err;

	ck_assert_int_eq(rg_addressmap_init(&map, twice, 3, &err), RG_BAD_DATA);
	ck_assert_str_eq(err.name, "unsorted-addresses");
	ck_assert_int_eq(rg_addressmap_init(&map, falling, 3, &err), RG_BAD_DATA);
	ck_assert_str_eq(err.message, "address 0x20 of object 2 does not come after 0x30");
	rg_addressmap_deinit(&map);
	ck_assert_int_eq(rg_addressmap_init(&map, NULL, 0, &err), RG_OK);
	ck_assert_uint_eq(rg_addressmap_find(&map, 16), RG_NO_ID);
	rg_addressmap_deinit(&map);
}
END_TEST

TEST_MAIN("addressmap", addressmap_as_bsearch_says, addressmap_of_a_pool, addressmap_stays_small,
	addressmap_refuses_disorder)
