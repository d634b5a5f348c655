/* Escaping: each dangerous character, every byte, random bytes; cuts; size. */
#include "src/emit/escape.h"

#include <string.h>

#include "tests/emit/hostile.h"

typedef const char *escape_function(struct rg_arena *, const char *, size_t, unsigned);

static escape_function *const functions[] = { rg_escape_display, rg_escape_xml, rg_escape_xml_label,
	rg_escape_dot, rg_escape_dot_tooltip };

#define N_FUNCTIONS (sizeof(functions) / sizeof(*functions))

/* Safe for every output: one line of XML's characters that does not steer what shows it. */
static bool is_safe(const char *text)
{
	size_t length = strlen(text);

	if (!is_xml_text(text, length))
		return false;
	for (size_t at = 0, used; at < length; at += used) {
		uint32_t cp = rg_utf8_get(text + at, length - at, &used, NULL);

		if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x61c || cp == 0x200e ||
			cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) ||
			(cp >= 0x2066 && cp <= 0x2069))
			return false;
	}
	return true;
}

static size_t characters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += (*text & 0xc0) != 0x80;
	return count;
}

START_TEST(escape_display_cases)
{
	static const struct {
		const char *text;
		unsigned columns;
		const char *expected;
	} cases[] = {
		{ "", 0, "" },
		{ "", 5, "" },
		{ "plain", 0, "plain" },
		{ "plain", 5, "plain" },
		{ "plain", 4, "pla…" },
		{ "plain", 1, "…" },
		{ "a\\b\"<&>'", 0, "a\\b\"<&>'" },
		{ "\x1b[0m", 0, "\\x1b[0m" },
		{ "a\nb", 0, "a\\x0ab" },
		{ "a\nb", 6, "a\\x0ab" },
		{ "a\nb", 5, "a…" },
		{ "a\nb", 4, "a…" },
		{ "\x7f", 0, "\\x7f" },
		{ "\xc2\x9b", 0, "\\x9b" },
		{ "\xc2\xa0", 0, "\xc2\xa0" },
		{ "\xff"
		  "a\xc0\x80",
			0, "\ufffda\ufffd\ufffd" },
		{ "\xed\xa0\x80", 0, "\ufffd\ufffd\ufffd" },
		{ "\xe2\x80\xaex", 0, "\\u202ex" },
		{ "\xe2\x81\xa6", 0, "\\u2066" },
		{ "\xe2\x80\x8f", 0, "\\u200f" },
		{ "\xe2\x80\xa8", 0, "\\u2028" },
		{ "\xd8\x9c", 0, "\\u061c" },
		{ "\xef\xbf\xbe", 0, "\\ufffe" },
		{ "\xef\xbb\xbf", 0, "\\ufeff" },
		{ "\xf0\x9f\xbf\xbe", 0, "\xf0\x9f\xbf\xbe" },
		{ "漢字", 4, "漢字" },
		{ "漢字", 3, "漢…" },
		{ "漢字x", 4, "漢…" },
		{ "e\xcc\x81x", 2, "e\xcc\x81x" },
		{ "e\xcc\x81xy", 2, "e\xcc\x81…" },
	};
	struct rg_arena arena = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_msg(!strcmp(rg_escape_display(&arena, cases[i].text,
					      strlen(cases[i].text), cases[i].columns),
				      cases[i].expected),
			"case %zu", i);
	rg_arena_deinit(&arena);
}
END_TEST

START_TEST(escape_of_each_output)
{
	static const char text[] = "<a&\"'\\N\x01";
	struct rg_arena arena = { 0 };

	ck_assert_str_eq(rg_escape_xml(&arena, text, 8, 0), "&lt;a&amp;&quot;&#39;\\N\\x01");
	ck_assert_str_eq(rg_escape_xml_label(&arena, text, 8, 0), "&lt;a&amp;&quot;'\\\\N\\\\x01");
	ck_assert_str_eq(rg_escape_xml_label(&arena, "", 0, 0), " ");
	ck_assert_str_eq(rg_escape_dot(&arena, text, 8, 0), "<a&amp;\"'\\\\N\\\\x01");
	ck_assert_str_eq(
		rg_escape_dot_tooltip(&arena, text, 8, 0), "<a&amp;\"'\\\\\\\\N\\\\\\\\x01");
	/* a cut never leaves half of a sequence, nor counts what an output needs for one */
	ck_assert_str_eq(rg_escape_xml(&arena, "&&&&", 4, 3), "&amp;&amp;…");
	ck_assert_str_eq(rg_escape_dot(&arena, "a\0b", 3, 0), "a\\\\x00b");
	rg_arena_deinit(&arena);
}
END_TEST

START_TEST(escape_every_byte_and_pair)
{
	struct rg_arena arena = { 0 };

	for (unsigned i = 0; i < 65536; i++) {
		char pair[2] = { (char)(i >> 8), (char)i };

		for (size_t f = 0; f < N_FUNCTIONS; f++) {
			CHECK(i, is_safe(functions[f](&arena, pair, 1, 0)));
			CHECK(i, is_safe(functions[f](&arena, pair, 2, 0)));
		}
		if (i % 256 == 255)
			rg_arena_deinit(&arena);
	}
}
END_TEST

/* As wide as asked, marks and wide ones aside; cut only when too wide; else the whole. */
START_TEST(escape_cuts)
{
	FOR_SEEDS(seed, 20000)
	{
		uint64_t state = seed;
		struct rg_arena arena = { 0 };
		unsigned columns = 1 + random_below(&state, 40);
		char text[40];
		const char *whole, *cut;
		size_t length;

		random_text(&state, text, sizeof(text));
		whole = rg_escape_display(&arena, text, strlen(text), RG_UNCUT);
		cut = rg_escape_display(&arena, text, strlen(text), columns);
		length = strlen(cut);
		CHECK(seed, is_safe(cut) && characters(cut) <= 2 * columns);
		if (strcmp(cut, whole)) {
			CHECK(seed, 2 * characters(whole) > columns && length >= 3);
			CHECK(seed, !strcmp(cut + length - 3, "…"));
			CHECK(seed, !strncmp(cut, whole, length - 3));
		}
		rg_arena_deinit(&arena);
	}
}
END_TEST

/* What a reader of the XML gets is what a terminal shows. */
START_TEST(escape_xml_reads_back)
{
	FOR_SEEDS(seed, 20000)
	{
		uint64_t state = seed;
		struct rg_arena arena = { 0 };
		char text[60], *again;
		const char *xml;

		random_text(&state, text, sizeof(text));
		xml = rg_escape_xml(&arena, text, strlen(text), RG_UNCUT);
		CHECK(seed, is_well_formed(xml, strlen(xml)) && !strpbrk(xml, "<>\"'"));
		again = resolved(xml);
		CHECK(seed, !strcmp(again, rg_escape_display(&arena, text, strlen(text), 0)));
		free(again);
		rg_arena_deinit(&arena);
	}
}
END_TEST

START_TEST(escape_a_megabyte)
{
	size_t length = 1 << 20;
	char *text = malloc(length);
	struct rg_arena arena = { 0 };

	for (int byte = 0; byte < 256; byte += 51) {
		memset(text, byte, length);
		for (size_t f = 0; f < N_FUNCTIONS; f++) {
			ck_assert_uint_ge(strlen(functions[f](&arena, text, length, 0)), length);
			ck_assert_uint_le(strlen(functions[f](&arena, text, length, 40)), 400);
		}
		rg_arena_deinit(&arena);
	}
	/* marks without end take columns in the end */
	for (size_t i = 0; i < length; i += 2)
		memcpy(text + i, "\xcc\x81", 2);
	ck_assert_uint_le(strlen(rg_escape_display(&arena, text, length, 40)), 400);
	rg_arena_deinit(&arena);
	free(text);
}
END_TEST

TEST_MAIN("escape", escape_display_cases, escape_of_each_output, escape_every_byte_and_pair,
	escape_cuts, escape_xml_reads_back, escape_a_megabyte)
