/* UTF-8 both ways: every code point, every short sequence, the three widths, cuts. */
#include "heapdump/base/utf8.h"

#include <string.h>

#include "tests/tap.h"

static bool is_scalar(uint32_t cp)
{
	return cp <= 0x10ffff && (cp < 0xd800 || cp >= 0xe000);
}

START_TEST(utf8_every_code_point)
{
	for (uint32_t cp = 0; cp <= 0x110010; cp++) {
		char bytes[4];
		size_t n = rg_utf8_put(bytes, cp), used = 0;
		bool valid = false;

		CHECK(cp, rg_utf8_get(bytes, n, &used, &valid) ==
				  (is_scalar(cp) ? cp : RG_REPLACEMENT));
		CHECK(cp, used == n && valid);
		/* cut short, it is invalid and takes one byte */
		for (size_t cut = 1; cut < n; cut++) {
			CHECK(cp, rg_utf8_get(bytes, cut, &used, &valid) == RG_REPLACEMENT);
			CHECK(cp, used == 1 && !valid);
		}
	}
}
END_TEST

/* Any three bytes: what is taken as valid is what rg_utf8_put writes for it. */
START_TEST(utf8_every_three_bytes)
{
	for (uint32_t i = 0; i < 1 << 24; i++) {
		char bytes[3] = { (char)(i >> 16), (char)(i >> 8), (char)i }, again[4];
		size_t used = 0;
		bool valid;
		uint32_t cp = rg_utf8_get(bytes, 3, &used, &valid);

		CHECK(i, used >= 1 && used <= 3);
		CHECK(i, valid ? rg_utf8_put(again, cp) == used && !memcmp(again, bytes, used)
			       : cp == RG_REPLACEMENT && used == 1);
	}
}
END_TEST

START_TEST(utf8_sequences)
{
	static const struct {
		const char *bytes;
		uint32_t cp;
		size_t used;
		bool valid;
	} cases[] = {
		{ "a", 'a', 1, true },
		{ "\xc3\xa9", 0xe9, 2, true },
		{ "\xe2\x82\xac", 0x20ac, 3, true },
		{ "\xf0\x9f\x90\x8d", 0x1f40d, 4, true },
		{ "\xef\xbf\xbd", 0xfffd, 3, true }, /* itself, not a replacement */
		{ "\x80", RG_REPLACEMENT, 1, false }, /* a continuation alone */
		{ "\xc0\x80", RG_REPLACEMENT, 1, false }, /* NUL in two bytes */
		{ "\xc1\xbf", RG_REPLACEMENT, 1, false },
		{ "\xe0\x80\xaf", RG_REPLACEMENT, 1, false }, /* overlong */
		{ "\xed\xa0\x80", RG_REPLACEMENT, 1, false }, /* a surrogate */
		{ "\xf0\x80\x80\xaf", RG_REPLACEMENT, 1, false },
		{ "\xf4\x90\x80\x80", RG_REPLACEMENT, 1, false }, /* beyond U+10FFFF */
		{ "\xf5\x80\x80\x80", RG_REPLACEMENT, 1, false },
		{ "\xff", RG_REPLACEMENT, 1, false },
		{ "\xe2\x28\xa1", RG_REPLACEMENT, 1, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t used;
		bool valid;

		ck_assert_uint_eq(
			rg_utf8_get(cases[i].bytes, strlen(cases[i].bytes), &used, &valid),
			cases[i].cp);
		ck_assert_msg(used == cases[i].used && valid == cases[i].valid, "case %zu", i);
	}
}
END_TEST

START_TEST(utf8_from_widths)
{
	const uint8_t one[] = { 'a', 0xe9, 0xff };
	const uint16_t two[] = { 'a', 0x20ac, 0xd800, 0xffff };
	const uint32_t four[] = { 0x1f40d, 0x110000, 'z' };
	char out[64];
	bool exact = false;

	ck_assert_uint_eq(rg_utf8_from(out, sizeof(out), one, 3, 1, &exact), 5);
	ck_assert_mem_eq(out, "a\xc3\xa9\xc3\xbf", 5);
	ck_assert(exact);
	ck_assert_uint_eq(rg_utf8_from(out, sizeof(out), two, 2, 2, &exact), 4);
	ck_assert(exact);
	ck_assert_uint_eq(rg_utf8_from(out, sizeof(out), two, 4, 2, &exact), 10);
	ck_assert_mem_eq(out, "a\xe2\x82\xac\xef\xbf\xbd\xef\xbf\xbf", 10);
	ck_assert(!exact);
	ck_assert_uint_eq(rg_utf8_from(out, sizeof(out), four, 3, 4, &exact), 8);
	ck_assert_mem_eq(out, "\xf0\x9f\x90\x8d\xef\xbf\xbdz", 8);
	ck_assert(!exact);
	ck_assert_uint_eq(rg_utf8_from(out, 0, four, 0, 4, &exact), 0);
	ck_assert(exact);
}
END_TEST

/* Cut at a character wherever the room ends, at any alignment of the source. */
START_TEST(utf8_from_cut_anywhere)
{
	uint8_t source[4 * 20 + 1];

	FOR_SEEDS(seed, 2000)
	{
		uint64_t state = seed;
		unsigned width = 1u << random_below(&state, 3);
		size_t count = random_below(&state, 21), size = random_below(&state, 60), at = 0;
		bool exact, valid;
		char out[60];
		size_t n;

		for (size_t i = 0; i < sizeof(source); i++)
			source[i] = random_below(&state, 2) ? 0 : (uint8_t)random_bits(&state);
		n = rg_utf8_from(out, size, source + 1, count, width, &exact);
		CHECK(seed, n <= size && (!exact || n >= count));
		while (at < n) {
			size_t used;

			rg_utf8_get(out + at, n - at, &used, &valid);
			CHECK(seed, valid);
			at += used;
		}
	}
}
END_TEST

TEST_MAIN("utf8", utf8_every_code_point, utf8_every_three_bytes, utf8_sequences, utf8_from_widths,
	utf8_from_cut_anywhere)
