/* The cursor: bounds, numbers at their limits, and that a bad one stays bad. */
#include "heapdump/base/cursor.h"

#include "tests/tap.h"

/* Write VALUE as a varint at OUT: its length. */
static size_t write_varint(uint8_t *out, uint64_t value)
{
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		out[n++] = (uint8_t)(value | 0x80);
	out[n++] = (uint8_t)value;
	return n;
}

START_TEST(cursor_varint_comes_back)
{
	FOR_SEEDS(seed, 20000)
	{
		uint64_t state = seed, value = random_number(&state);
		uint8_t bytes[10];
		size_t n = write_varint(bytes, value);
		struct rg_cursor cursor = rg_cursor_over(bytes, n);

		CHECK(seed, rg_cursor_varint(&cursor) == value && rg_cursor_ok(&cursor));
		CHECK(seed, rg_cursor_left(&cursor) == 0);
		cursor = rg_cursor_over(bytes, n);
		CHECK(seed, rg_cursor_varint32(&cursor) == (value <= UINT32_MAX ? value : 0));
		CHECK(seed, rg_cursor_ok(&cursor) == (value <= UINT32_MAX));
		/* cut short */
		for (size_t cut = 0; cut < n; cut++) {
			cursor = rg_cursor_over(bytes, cut);
			CHECK(seed, rg_cursor_varint(&cursor) == 0 && !rg_cursor_ok(&cursor));
		}
	}
}
END_TEST

START_TEST(cursor_varint_limits)
{
	static const struct {
		const char *bytes;
		size_t length;
		uint64_t value;
		bool good;
	} cases[] = {
		{ "\0", 1, 0, true },
		{ "\xac\x02", 2, 300, true },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, UINT64_MAX, true },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, 0, false },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81", 10, 0, false },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00", 11, 0, false },
		{ "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10, 0, true },
		{ "", 0, 0, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rg_cursor cursor = rg_cursor_over(cases[i].bytes, cases[i].length);

		ck_assert_msg(rg_cursor_varint(&cursor) == cases[i].value, "case %zu", i);
		ck_assert_msg(rg_cursor_ok(&cursor) == cases[i].good, "case %zu", i);
	}
}
END_TEST

START_TEST(cursor_zigzag)
{
	static const struct {
		uint64_t coded;
		int64_t value;
	} cases[] = { { 0, 0 }, { 1, -1 }, { 2, 1 }, { 3, -2 }, { UINT64_MAX - 1, INT64_MAX },
		{ UINT64_MAX, INT64_MIN } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t bytes[10];
		struct rg_cursor cursor = rg_cursor_over(
			bytes, write_varint(bytes, cases[i].coded));

		ck_assert_int_eq(rg_cursor_zigzag(&cursor), cases[i].value);
	}
}
END_TEST

START_TEST(cursor_fixed_numbers)
{
	const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 };
	struct rg_cursor cursor = rg_cursor_over(bytes, sizeof(bytes));

	ck_assert_uint_eq(rg_cursor_u8(&cursor), 1);
	ck_assert_uint_eq(rg_cursor_u32(&cursor), 0x05040302);
	ck_assert_uint_eq(rg_cursor_u64(&cursor), 0x0d0c0b0a09080706);
	ck_assert(rg_cursor_ok(&cursor) && rg_cursor_left(&cursor) == 0);
	ck_assert_uint_eq(rg_cursor_u8(&cursor), 0);
	ck_assert(!rg_cursor_ok(&cursor));
}
END_TEST

/* After a failure nothing is read any more, though there were bytes left. */
START_TEST(cursor_bad_stays_bad)
{
	const uint8_t bytes[100] = { 1 };
	struct rg_cursor cursor = rg_cursor_over(bytes, sizeof(bytes));

	ck_assert_ptr_null(rg_cursor_bytes(&cursor, 101));
	ck_assert(!rg_cursor_ok(&cursor) && rg_cursor_left(&cursor) == 0);
	ck_assert_uint_eq(rg_cursor_u8(&cursor), 0);
	ck_assert_uint_eq(rg_cursor_u32(&cursor), 0);
	ck_assert_uint_eq(rg_cursor_u64(&cursor), 0);
	ck_assert_uint_eq(rg_cursor_varint(&cursor), 0);
	ck_assert_int_eq(rg_cursor_zigzag(&cursor), 0);
	ck_assert(!rg_cursor_ok(&cursor));
	cursor = rg_cursor_over(bytes, sizeof(bytes));
	ck_assert_ptr_null(rg_cursor_bytes(&cursor, UINT64_MAX));
	ck_assert(!rg_cursor_ok(&cursor));
}
END_TEST

TEST_MAIN("cursor", cursor_varint_comes_back, cursor_varint_limits, cursor_zigzag,
	cursor_fixed_numbers, cursor_bad_stays_bad)
