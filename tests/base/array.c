/* Arrays that grow, and sizes that would not fit. */
#include "heapdump/base/array.h"

#include "tests/tap.h"

START_TEST(array_push_keeps_what_is_there)
{
	uint64_t *items = NULL;
	size_t count = 0, capacity = 0, grown = 0;

	for (uint64_t i = 0; i < 100000; i++) {
		size_t before = capacity;
		uint64_t *item = RG_PUSH(items, count, capacity);

		ck_assert_ptr_nonnull(item);
		*item = i;
		grown += before != capacity;
	}
	ck_assert_uint_eq(count, 100000);
	ck_assert_uint_le(grown, 20);
	for (uint64_t i = 0; i < count; i++)
		CHECK(i, items[i] == i);
	free(items);
}
END_TEST

START_TEST(array_counts_of_other_types)
{
	char *items = NULL;
	uint32_t count = 0;
	size_t capacity = 0;

	for (int i = 0; i < 1000; i++)
		*RG_PUSH(items, count, capacity) = (char)i;
	ck_assert_uint_eq(count, 1000);
	ck_assert_int_eq(items[999], (char)999);
	free(items);
}
END_TEST

START_TEST(array_reserve_refuses_what_does_not_fit)
{
	static const struct {
		size_t need, size;
	} cases[] = { { SIZE_MAX, 1 }, { SIZE_MAX, 8 }, { SIZE_MAX / 2 + 2, 1 },
		{ SIZE_MAX / 8 + 2, 8 }, { 1ull << 62, 16 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *items = malloc(16), *before = items;
		size_t capacity = 16;

		items[15] = 'x';
		ck_assert_msg(!rg_array_reserve(&items, &capacity, cases[i].need, cases[i].size),
			"case %zu", i);
		ck_assert(items == before && capacity == 16 && items[15] == 'x');
		free(items);
	}
}
END_TEST

START_TEST(array_reserve_enough_is_no_work)
{
	int *items = NULL;
	size_t capacity = 0;

	ck_assert(rg_array_reserve(&items, &capacity, 0, sizeof(*items)));
	ck_assert_ptr_null(items);
	ck_assert(rg_array_reserve(&items, &capacity, 5, sizeof(*items)));
	ck_assert_uint_ge(capacity, 5);
	free(items);
}
END_TEST

START_TEST(array_new_is_zeroed)
{
	uint64_t *items = rg_array_new(1000, sizeof(*items));
	void *none = rg_array_new(0, 8);

	for (size_t i = 0; i < 1000; i++)
		CHECK(i, items[i] == 0);
	ck_assert_ptr_nonnull(none);
	free(items);
	free(none);
}
END_TEST

START_TEST(array_checked_sizes)
{
	size_t n = 7;

	ck_assert(rg_mul(SIZE_MAX / 2, 2, &n) && n == SIZE_MAX - 1);
	ck_assert(!rg_mul(SIZE_MAX / 2 + 1, 2, &n));
	ck_assert(rg_mul(0, SIZE_MAX, &n) && n == 0);
	ck_assert(rg_add(SIZE_MAX - 1, 1, &n) && n == SIZE_MAX);
	ck_assert(!rg_add(SIZE_MAX, 1, &n));
}
END_TEST

TEST_MAIN("array", array_push_keeps_what_is_there, array_counts_of_other_types,
	array_reserve_refuses_what_does_not_fit, array_reserve_enough_is_no_work,
	array_new_is_zeroed, array_checked_sizes)
