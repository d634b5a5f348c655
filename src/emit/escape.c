#include "src/emit/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "heapdump/base/utf8.h"

#define ELLIPSIS "\xe2\x80\xa6"

/* What an output writes in place of an ASCII character; NULL for the character itself. */
struct style {
	const char *instead[128];
};

static const struct style display_style;
static const struct style xml_style = { {
	['&'] = "&amp;",
	['<'] = "&lt;",
	['>'] = "&gt;",
	['"'] = "&quot;",
	['\''] = "&#39;",
} };
static const struct style xml_label_style = { {
	['&'] = "&amp;",
	['<'] = "&lt;",
	['>'] = "&gt;",
	['"'] = "&quot;",
	['\\'] = "\\\\",
} };
static const struct style dot_style = { { ['&'] = "&amp;", ['\\'] = "\\\\" } };
static const struct style dot_tooltip_style = { { ['&'] = "&amp;", ['\\'] = "\\\\\\\\" } };

struct range {
	uint32_t first, last;
};

/* The characters that are written as \uNNNN. */
static const struct range hidden[] = {
	{ 0x061c, 0x061c },
	{ 0x200e, 0x200f },
	{ 0x2028, 0x202e },
	{ 0x2066, 0x2069 },
	{ 0xfeff, 0xfeff },
	{ 0xfffe, 0xffff },
};

/* The characters of no column and of two, near enough: a cut is no place for the whole table. */
static const struct range marks[] = {
	{ 0x0300, 0x036f },
	{ 0x0483, 0x0489 },
	{ 0x0591, 0x05bd },
	{ 0x0610, 0x061a },
	{ 0x064b, 0x065f },
	{ 0x1ab0, 0x1aff },
	{ 0x1dc0, 0x1dff },
	{ 0x200b, 0x200d },
	{ 0x2060, 0x2064 },
	{ 0x20d0, 0x20ff },
	{ 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f },
	{ 0xe0000, 0xe0fff },
};
static const struct range wide[] = {
	{ 0x1100, 0x115f },
	{ 0x2e80, 0x303e },
	{ 0x3041, 0xa4cf },
	{ 0xa960, 0xa97f },
	{ 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f },
	{ 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f },
	{ 0x1f680, 0x1f6ff },
	{ 0x1f900, 0x1f9ff },
	{ 0x20000, 0x3fffd },
};

#define IS_IN(cp, ranges) is_in(cp, ranges, sizeof(ranges) / sizeof(*(ranges)))

static bool is_in(uint32_t cp, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return true;
	return false;
}

/* What one character becomes. */
struct unit {
	char bytes[16];
	size_t length;
	unsigned columns;
};

/* Add the ASCII characters of TEXT, each as STYLE writes it. */
static void put_ascii(struct unit *unit, const struct style *style, const char *text)
{
	for (; *text; text++) {
		const char *instead = style->instead[(unsigned char)*text];
		size_t length = instead ? strlen(instead) : 1;

		memcpy(unit->bytes + unit->length, instead ? instead : text, length);
		unit->length += length;
		unit->columns++;
	}
}

/* Make the UNIT of the character at TEXT; returns the bytes it took. LENGTH > 0. */
static size_t read_unit(
	struct unit *unit, const struct style *style, const char *text, size_t length)
{
	size_t used;
	uint32_t cp = rg_utf8_get(text, length, &used, NULL);
	char plain[8] = { (char)cp };

	unit->length = unit->columns = 0;
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
		snprintf(plain, sizeof(plain), "\\x%02x", (unsigned)cp);
	else if (IS_IN(cp, hidden))
		snprintf(plain, sizeof(plain), "\\u%04x", (unsigned)cp & 0xffff);
	else if (cp >= 0x80) {
		unit->length = rg_utf8_put(unit->bytes, cp);
		unit->columns = IS_IN(cp, marks) ? 0 : IS_IN(cp, wide) ? 2 : 1;
		return used;
	}
	put_ascii(unit, style, plain);
	return used;
}

/* A beginning of a text, and how many bytes it becomes. */
struct span {
	size_t text, bytes;
};

/*
 * The longest beginning that fits, with the ellipsis where *CUT_RET. No more marks are free than
 * there are columns, or they would make the result as long as they like.
 */
static struct span measure(
	const struct style *style, const char *text, size_t length, unsigned columns, bool *cut_ret)
{
	size_t most = columns == RG_UNCUT ? SIZE_MAX : columns, width = 0, free_marks = 0;
	struct span now = { 0 }, safe = { 0 };

	*cut_ret = false;
	while (now.text < length) {
		struct unit unit;

		now.text += read_unit(&unit, style, text + now.text, length - now.text);
		now.bytes += unit.length;
		width += unit.columns || free_marks++ < most ? unit.columns : 1;
		if (width > most) {
			*cut_ret = true;
			return safe;
		}
		if (width < most)
			safe = now;
	}
	return now;
}

static const char *escape(struct rg_arena *arena, const struct style *style, const char *text,
	size_t length, unsigned columns)
{
	bool cut;
	struct span span = measure(style, text, length, columns, &cut);
	char *result = rg_arena_new(arena, span.bytes + sizeof(ELLIPSIS), 1), *out = result;

	if (!result)
		return "";
	for (size_t at = 0; at < span.text;) {
		struct unit unit;

		at += read_unit(&unit, style, text + at, length - at);
		memcpy(out, unit.bytes, unit.length);
		out += unit.length;
	}
	if (cut)
		memcpy(out, ELLIPSIS, strlen(ELLIPSIS));
	return result;
}

const char *rg_escape_display(
	struct rg_arena *arena, const char *text, size_t length, unsigned columns)
{
	return escape(arena, &display_style, text, length, columns);
}

const char *rg_escape_xml(struct rg_arena *arena, const char *text, size_t length, unsigned columns)
{
	return escape(arena, &xml_style, text, length, columns);
}

const char *rg_escape_xml_label(
	struct rg_arena *arena, const char *text, size_t length, unsigned columns)
{
	return length ? escape(arena, &xml_label_style, text, length, columns) : " ";
}

const char *rg_escape_dot(struct rg_arena *arena, const char *text, size_t length, unsigned columns)
{
	return escape(arena, &dot_style, text, length, columns);
}

const char *rg_escape_dot_tooltip(
	struct rg_arena *arena, const char *text, size_t length, unsigned columns)
{
	return escape(arena, &dot_tooltip_style, text, length, columns);
}

unsigned rg_escape_columns(const char *text)
{
	size_t length = strlen(text);
	unsigned width = 0;

	for (size_t at = 0; at < length;) {
		struct unit unit;

		at += read_unit(&unit, &display_style, text + at, length - at);
		width += unit.columns;
	}
	return width;
}

size_t rg_escape_fitting(const char *text, size_t length, unsigned columns, unsigned *columns_ret)
{
	size_t at = 0;
	unsigned width = 0;

	while (at < length) {
		struct unit unit;
		size_t used = read_unit(&unit, &display_style, text + at, length - at);

		if (at && width + unit.columns > columns)
			break;
		at += used;
		width += unit.columns;
	}
	*columns_ret = width;
	return at;
}

const char *rg_escape_middle(
	struct rg_arena *arena, const char *text, size_t length, unsigned columns)
{
	const char *whole = rg_escape_display(arena, text, length, RG_UNCUT);
	const char *head, *tail = whole + strlen(whole);
	unsigned room, free_marks = 0, width = 0;

	if (rg_escape_columns(whole) <= columns)
		return whole;
	head = rg_escape_display(arena, text, length, columns / 3);
	room = columns - rg_escape_columns(head);
	while (tail > whole) {
		const char *before = tail - 1;
		struct unit unit;

		/* back to where a character starts */
		while (before > whole && (*before & 0xc0) == 0x80)
			before--;
		read_unit(&unit, &display_style, before, (size_t)(tail - before));
		width += unit.columns || free_marks++ < room ? unit.columns : 1;
		if (width > room)
			break;
		tail = before;
	}
	return rg_arena_print(arena, "%s%s", head, tail);
}

/* What is drawn with, and what is nearest to it in ASCII. */
static const struct likeness {
	uint32_t cp;
	const char *ascii;
} likenesses[] = {
	{ 0x00b7, "-" }, /* middle dot */
	{ 0x00d7, "x" }, /* times */
	{ 0x2013, "-" }, /* en dash */
	{ 0x2014, "-" }, /* em dash */
	{ 0x2026, "..." }, /* ellipsis */
	{ 0x2190, "<-" }, /* arrows */
	{ 0x2192, "->" },
	{ 0x2500, "-" }, /* the lines of trees */
	{ 0x2502, "|" },
	{ 0x2514, "`" },
	{ 0x251c, "|" },
	{ 0x2588, "#" }, /* a bar */
	{ 0x2605, "*" }, /* star */
	{ 0x2702, "8<" }, /* scissors */
	{ 0xfffd, "?" },
};

static size_t put_likeness(char *out, uint32_t cp)
{
	for (size_t i = 0; i < sizeof(likenesses) / sizeof(likenesses[0]); i++)
		if (likenesses[i].cp == cp)
			return (size_t)(stpcpy(out, likenesses[i].ascii) - out);
	return (size_t)sprintf(out, cp > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)cp);
}

const char *rg_escape_ascii(struct rg_arena *arena, const char *text)
{
	size_t length = strlen(text), used;
	/* two bytes become six at most, others grow less */
	char *result = rg_arena_new(arena, 3 * length + 1, 1), *out = result;

	if (!result)
		return "";
	for (size_t at = 0; at < length; at += used) {
		uint32_t cp = rg_utf8_get(text + at, length - at, &used, NULL);

		if (cp < 0x80)
			*out++ = (char)cp;
		else
			out += put_likeness(out, cp);
	}
	return result;
}
