/* The bitset against an array of bytes, at sizes around the word boundary. */
#include "src/graph/bitset.h"

#include "tests/graph/random.h"

/* Do something random to both; whether they say the same. */
static bool step(struct rg_bitset *set, uint8_t *model, uint32_t i, uint32_t what)
{
	bool had = model[i];

	switch (what) {
	case 0:
		rg_bitset_set(set, i);
		model[i] = 1;
		break;
	case 1:
		rg_bitset_clear(set, i);
		model[i] = 0;
		break;
	case 2:
		model[i] = 1;
		return rg_bitset_add(set, i) == !had;
	}
	return rg_bitset_get(set, i) == model[i];
}

START_TEST(bitset_is_a_set)
{
	FOR_SEEDS(seed, 1000)
	{
		uint64_t state = seed;
		uint32_t n = 1 + random_below(&state, 200), count = 0;
		uint8_t model[200] = { 0 };
		struct rg_bitset set;

		CHECK(seed, rg_bitset_init(&set, n, NULL) == RG_OK);
		for (int i = 0; i < 300; i++)
			CHECK(seed, step(&set, model, random_below(&state, n),
					    random_below(&state, 3)));
		for (uint32_t i = 0; i < n; i++) {
			CHECK(seed, rg_bitset_get(&set, i) == model[i]);
			count += model[i];
		}
		CHECK(seed, rg_bitset_count(&set) == count);
		rg_bitset_deinit(&set);
	}
}
END_TEST

START_TEST(bitset_of_nothing)
{
	struct rg_bitset set;

	ck_assert_int_eq(rg_bitset_init(&set, 0, NULL), RG_OK);
	ck_assert_uint_eq(rg_bitset_count(&set), 0);
	rg_bitset_deinit(&set);
	rg_bitset_deinit(&set);
	ck_assert_uint_eq(rg_bitset_words(64), 1);
	ck_assert_uint_eq(rg_bitset_words(65), 2);
	ck_assert_uint_eq(rg_bitset_words(UINT32_MAX), (size_t)1 << 26);
}
END_TEST

TEST_MAIN("bitset", bitset_is_a_set, bitset_of_nothing)
