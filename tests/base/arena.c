/* Arenas: what they hand out is zeroed, aligned and apart, before a reset and after it. */
#include "heapdump/base/arena.h"

#include <string.h>

#include "tests/tap.h"

#define ITEMS 500

/* ITEMS of sizes up to more than a block, each filled once it was seen to be zeroed. */
static void fill(uint64_t seed, struct rg_arena *arena, uint64_t *state)
{
	char *items[ITEMS];
	size_t sizes[ITEMS];

	for (int i = 0; i < ITEMS; i++) {
		sizes[i] = random_bits(state) % (i % 50 ? 300 : 100000);
		items[i] = rg_arena_new(arena, sizes[i], 1);
		CHECK(seed, items[i] && (uintptr_t)items[i] % 16 == 0);
		for (size_t k = 0; k < sizes[i]; k++)
			CHECK(seed, items[i][k] == 0);
		memset(items[i], 1 + i % 255, sizes[i]);
	}
	for (int i = 0; i < ITEMS; i++)
		for (size_t k = 0; k < sizes[i]; k++)
			CHECK(seed, items[i][k] == (char)(1 + i % 255));
}

START_TEST(arena_hands_out_zeroes)
{
	FOR_SEEDS(seed, 20)
	{
		struct rg_arena arena = { 0 };
		uint64_t state = seed;

		rg_arena_reset(&arena);
		for (int round = 0; round < 5; round++) {
			fill(seed, &arena, &state);
			rg_arena_reset(&arena);
		}
		rg_arena_deinit(&arena);
	}
}
END_TEST

START_TEST(arena_remembers_that_it_failed)
{
	volatile size_t count = SIZE_MAX / 2;
	struct rg_arena arena = { 0 };
	struct rg_error err;

	ck_assert_ptr_nonnull(rg_arena_new(&arena, 1, 1));
	ck_assert_ptr_null(rg_arena_new(&arena, count, 8));
	rg_arena_reset(&arena);
	ck_assert_ptr_null(rg_arena_new(&arena, 1, 1));
	ck_assert_str_eq(rg_arena_text(&arena, "text", 4), "");
	ck_assert_int_eq(rg_arena_end(&arena, RG_OK, &err), RG_NOMEM);
}
END_TEST

TEST_MAIN("arena", arena_hands_out_zeroes, arena_remembers_that_it_failed)
