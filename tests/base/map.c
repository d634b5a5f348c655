/* The map of addresses against an array of the same keys. */
#include "heapdump/base/map.h"

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

TEST_MAIN("map", map_empty, map_as_the_array_says, map_extreme_keys)
