/* The map of addresses against an array of the same keys. */
#include "heapdump/base/map.h"

#include <time.h>

#include "heapdump/base/hash.h"
#include "tests/tap.h"

START_TEST(map_empty)
{
	struct rg_map map = { 0 };

	ck_assert_uint_eq(rg_map_get(&map, 0), RG_MAP_NONE);
	ck_assert_uint_eq(rg_map_get(&map, 8), RG_MAP_NONE);
	ck_assert(!rg_map_set(&map, 0, 1));
	rg_map_deinit(&map);
	rg_map_deinit(&map);
}
END_TEST

/* Keys 1 .. 2000 by some step: numbers as set last, others none. */
START_TEST(map_as_the_array_says)
{
	FOR_SEEDS(seed, 200)
	{
		uint64_t state = seed, step = 1ull << random_below(&state, 50);
		uint32_t known[2001];
		struct rg_map map = { 0 };
		size_t used = 0;

		for (uint32_t i = 0; i <= 2000; i++)
			known[i] = RG_MAP_NONE;
		for (uint32_t n = random_below(&state, 4000); n; n--) {
			uint32_t key = 1 + random_below(&state, 2000);
			uint32_t value = random_below(&state, UINT32_MAX);

			used += known[key] == RG_MAP_NONE;
			known[key] = value;
			CHECK(seed, rg_map_set(&map, key * step, value));
		}
		CHECK(seed, map.used == used && map.used * 2 <= map.size + !map.size);
		for (uint32_t key = 0; key <= 2000; key++) {
			CHECK(seed, rg_map_get(&map, key * step) == known[key]);
			CHECK(seed, rg_map_get(&map, key * step + 2001 * step) == RG_MAP_NONE);
		}
		rg_map_deinit(&map);
	}
}
END_TEST

START_TEST(map_extreme_keys)
{
	struct rg_map map = { 0 };

	ck_assert(rg_map_set(&map, UINT64_MAX, 1) && rg_map_set(&map, 1, 0));
	ck_assert(rg_map_set(&map, 1ull << 63, UINT32_MAX - 1));
	ck_assert_uint_eq(rg_map_get(&map, UINT64_MAX), 1);
	ck_assert_uint_eq(rg_map_get(&map, 1), 0);
	ck_assert_uint_eq(rg_map_get(&map, 1ull << 63), UINT32_MAX - 1);
	ck_assert_uint_eq(rg_map_get(&map, 2), RG_MAP_NONE);
	rg_map_deinit(&map);
}
END_TEST

/* The number that ODD times makes 1, modulo 2^64: each step doubles the bits that are right. */
static uint64_t inverse(uint64_t odd)
{
	uint64_t x = odd;

	for (int i = 0; i < 5; i++)
		x *= 2 - odd * x;
	return x;
}

/* The key that rg_mix(key, 0) makes HASH of. */
static uint64_t key_of(uint64_t hash)
{
	uint64_t h = hash ^ hash >> 32;

	h *= inverse(0x94d049bb133111ebu);
	h ^= h >> 29 ^ h >> 58;
	h *= inverse(0xc4ceb9fe1a85ec53u);
	h ^= h >> 32;
	return h * inverse(0xff51afd7ed558ccdu) ^ 0x9e3779b97f4a7c15u;
}

/* Keys that all meet in a map without a seed, where they would take minutes. */
START_TEST(map_of_chosen_keys)
{
	struct rg_map map = { 0 };
	clock_t start = clock();

	ck_assert_uint_eq(rg_mix(key_of(12345), 0), 12345);
	for (uint64_t i = 1; i <= 300000; i++)
		CHECK(i, rg_map_set(&map, key_of(i << 32), (uint32_t)i));
	for (uint64_t i = 1; i <= 300000; i++)
		CHECK(i, rg_map_get(&map, key_of(i << 32)) == i);
	ck_assert_int_lt((clock() - start) / CLOCKS_PER_SEC, 5);
	rg_map_deinit(&map);
}
END_TEST

TEST_MAIN("map", map_empty, map_as_the_array_says, map_extreme_keys, map_of_chosen_keys)
