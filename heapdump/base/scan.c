#include "heapdump/base/scan.h"

#include <string.h>

#include "heapdump/base/utf8.h"

/* Bytes that stand for themselves in a string: no quote, backslash, control or part of UTF-8. */
static const bool plain[256] = {
	[' '] = true,
	['!'] = true,
#define ROW(c)                                                                                     \
	[c] = true, [c + 1] = true, [c + 2] = true, [c + 3] = true, [c + 4] = true,                \
	[c + 5] = true, [c + 6] = true, [c + 7] = true
	['#'] = true,
	['$'] = true,
	['%'] = true,
	['&'] = true,
	['\''] = true,
	ROW('('),
	ROW('0'),
	ROW('8'),
	ROW('@'),
	ROW('H'),
	ROW('P'),
	['X'] = true,
	['Y'] = true,
	['Z'] = true,
	['['] = true,
	[']'] = true,
	['^'] = true,
	['_'] = true,
	ROW('`'),
	ROW('h'),
	ROW('p'),
	ROW('x'),
#undef ROW
};

struct rg_scan rg_scan_over(char *line, size_t length)
{
	return (struct rg_scan){ .start = line, .at = line, .end = line + length };
}

bool rg_scan_fail(struct rg_scan *json, const char *at, const char *expected)
{
	if (json->expected)
		return false;
	json->expected = expected;
	json->at = json->start + (at - json->start);
	return false;
}

size_t rg_scan_column(const struct rg_scan *json)
{
	return (size_t)(json->at - json->start) + 1;
}

/* The NUL at the end is no space, so this stops there. */
static void skip_space(struct rg_scan *json)
{
	while (*json->at == ' ' || *json->at == '\t' || *json->at == '\r' || *json->at == '\n')
		json->at++;
}

static bool take(struct rg_scan *json, char c, const char *expected)
{
	if (json->expected)
		return false;
	skip_space(json);
	if (*json->at != c)
		return rg_scan_fail(json, json->at, expected);
	json->at++;
	return true;
}

bool rg_scan_begin(struct rg_scan *json, char bracket)
{
	char closing = bracket == '{' ? '}' : ']';

	if (!take(json, bracket, bracket == '{' ? "an object: '{'" : "an array: '['"))
		return false;
	skip_space(json);
	if (*json->at != closing)
		return true;
	json->at++;
	return false;
}

bool rg_scan_more(struct rg_scan *json, char bracket)
{
	if (json->expected)
		return false;
	skip_space(json);
	if (*json->at == ',') {
		json->at++;
		skip_space(json);
		return true;
	}
	if (*json->at != bracket)
		return rg_scan_fail(json, json->at, bracket == '}' ? "',' or '}'" : "',' or ']'");
	json->at++;
	return false;
}

bool rg_scan_key(struct rg_scan *json, struct rg_scan_text *key_ret)
{
	if (json->expected)
		return false;
	skip_space(json);
	if (*json->at != '"')
		return rg_scan_fail(json, json->at, "a key in quotes");
	return rg_scan_string(json, key_ret) && take(json, ':', "':'");
}

char rg_scan_peek(struct rg_scan *json)
{
	skip_space(json);
	return json->expected ? '\0' : *json->at;
}

/* --- strings ------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits at P, or -1; a NUL ends them, so nothing is read past the end. */
static int32_t four_digits(const char *p)
{
	int32_t value = 0;

	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(p[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* \uXXXX at *P, with the other half of a pair: its code point; a surrogate where it is alone. */
static int32_t unicode_escape(const char **p)
{
	int32_t first = four_digits(*p + 2), second;

	if (first < 0)
		return -1;
	*p += 6;
	if (first < 0xd800 || first > 0xdbff || (*p)[0] != '\\' || (*p)[1] != 'u')
		return first;
	second = four_digits(*p + 2);
	if (second < 0xdc00 || second > 0xdfff)
		return first;
	*p += 6;
	return 0x10000 + (first - 0xd800) * 0x400 + (second - 0xdc00);
}

/* The escape at *P: its code point, or -1. */
static int32_t escape(const char **p)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if ((*p)[1] == 'u')
		return unicode_escape(p);
	found = (*p)[1] ? strchr(names, (*p)[1]) : NULL;
	if (!found)
		return -1;
	*p += 2;
	return values[found - names];
}

/* The character or escape at *P that is not plain; to OUT, which is moved behind it. */
static bool decode(struct rg_scan *json, const char **p, char **out, bool *exact)
{
	size_t used = 1;
	bool valid = true;
	int32_t cp;

	if (**p == '\\') {
		const char *at = *p;

		cp = escape(p);
		if (cp < 0)
			return rg_scan_fail(json, at, "an escape of JSON, as \\n or \\u00e9");
		*exact &= cp < 0xd800 || cp > 0xdfff;
		*out += rg_utf8_put(*out, (uint32_t)cp);
		return true;
	}
	if (*p == json->end)
		return rg_scan_fail(json, *p, "the end of the string: '\"'");
	if ((unsigned char)**p < 0x20)
		return rg_scan_fail(json, *p, "a control character to be escaped, as \\u001b");
	if ((unsigned char)**p >= 0x80)
		rg_utf8_get(*p, (size_t)(json->end - *p), &used, &valid);
	if (!valid)
		return rg_scan_fail(json, *p, "UTF-8; other bytes are written as {\"hex\":\"ff\"}");
	if (*out != *p)
		memmove(*out, *p, used);
	*out += used;
	*p += used;
	return true;
}

bool rg_scan_string(struct rg_scan *json, struct rg_scan_text *text_ret)
{
	const char *p;
	char *start, *out;
	bool exact = true;

	if (!take(json, '"', "a text in quotes"))
		return false;
	start = json->at;
	for (p = start; plain[(unsigned char)*p]; p++)
		;
	for (out = json->at + (p - start); *p != '"';) {
		if (plain[(unsigned char)*p])
			*out++ = *p++;
		else if (!decode(json, &p, &out, &exact))
			return false;
	}
	json->at += p - start + 1;
	*text_ret = (struct rg_scan_text){ start, (size_t)(out - start), exact };
	return true;
}

/* --- numbers and words -------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits to VALUE; false where there are none, one 0 too many in front, or too many for 64 bits. */
static bool digits(char **at, uint64_t *value)
{
	char *p = *at;

	*value = 0;
	if (!is_digit(*p) || (*p == '0' && is_digit(p[1])))
		return false;
	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(*value, 10u, value) ||
			__builtin_add_overflow(*value, (uint64_t)(*p - '0'), value))
			return false;
	*at = p;
	return *p != '.' && *p != 'e' && *p != 'E';
}

bool rg_scan_u64(struct rg_scan *json, uint64_t *value_ret)
{
	char *p;

	if (json->expected)
		return false;
	skip_space(json);
	p = json->at;
	if (!digits(&p, value_ret))
		return rg_scan_fail(
			json, json->at, "a whole number from 0 to 18446744073709551615");
	json->at = p;
	return true;
}

bool rg_scan_i64(struct rg_scan *json, int64_t *value_ret)
{
	uint64_t limit = INT64_MAX, value;
	bool negative;
	char *p;

	if (json->expected)
		return false;
	skip_space(json);
	negative = *json->at == '-';
	p = json->at + negative;
	if (!digits(&p, &value) || value > limit + negative)
		return rg_scan_fail(json, json->at, "a whole number of 64 bits");
	*value_ret = (int64_t)(negative ? -value : value);
	json->at = p;
	return true;
}

bool rg_scan_number(struct rg_scan *json, struct rg_scan_text *text_ret)
{
	char *p;

	if (json->expected)
		return false;
	skip_space(json);
	p = json->at + (*json->at == '-');
	if (!is_digit(*p) || (*p == '0' && is_digit(p[1])))
		return rg_scan_fail(json, json->at, "a number");
	while (is_digit(*p))
		p++;
	if (*p == '.') {
		if (!is_digit(*++p))
			return rg_scan_fail(json, p, "a digit");
		while (is_digit(*p))
			p++;
	}
	if (*p == 'e' || *p == 'E') {
		p += p[1] == '+' || p[1] == '-' ? 2 : 1;
		if (!is_digit(*p))
			return rg_scan_fail(json, p, "a digit");
		while (is_digit(*p))
			p++;
	}
	*text_ret = (struct rg_scan_text){ json->at, (size_t)(p - json->at), true };
	json->at = p;
	return true;
}

static bool word(struct rg_scan *json, const char *name, size_t length)
{
	if (json->expected || strncmp(json->at, name, length) != 0)
		return false;
	json->at += length;
	return true;
}

bool rg_scan_bool(struct rg_scan *json, bool *value_ret)
{
	char c = rg_scan_peek(json);

	if (!(c == 't' && word(json, "true", 4)) && !(c == 'f' && word(json, "false", 5)))
		return rg_scan_fail(json, json->at, "true or false");
	*value_ret = c == 't';
	return true;
}

/* --- passing over ------------------------------------------------------------------------- */

static bool skip_string(struct rg_scan *json)
{
	struct rg_scan_text text;

	return rg_scan_string(json, &text);
}

/* One value that is no object and no array. */
static bool skip_scalar(struct rg_scan *json)
{
	struct rg_scan_text text;
	char c = rg_scan_peek(json);

	if (c == '"')
		return skip_string(json);
	if (c == '-' || is_digit(c))
		return rg_scan_number(json, &text);
	if ((c == 't' && word(json, "true", 4)) || (c == 'f' && word(json, "false", 5)) ||
		(c == 'n' && word(json, "null", 4)))
		return true;
	return rg_scan_fail(json, json->at, "a value");
}

bool rg_scan_skip(struct rg_scan *json)
{
	char closing[RG_SCAN_DEPTH];
	struct rg_scan_text key;
	unsigned depth = 0;

	for (;;) {
		char c = rg_scan_peek(json);
		bool more;

		if (c == '{' || c == '[') {
			if (depth == RG_SCAN_DEPTH)
				return rg_scan_fail(
					json, json->at, "values nested at most 64 deep");
			closing[depth++] = c == '{' ? '}' : ']';
			more = rg_scan_begin(json, c);
			depth -= !more;
		} else {
			more = false;
			if (!skip_scalar(json))
				return false;
		}
		while (!more && depth > 0 && rg_scan_ok(json)) {
			more = rg_scan_more(json, closing[depth - 1]);
			depth -= !more;
		}
		if (!rg_scan_ok(json))
			return false;
		if (depth == 0)
			return true;
		if (closing[depth - 1] == '}' && !rg_scan_key(json, &key))
			return false;
	}
}

bool rg_scan_finish(struct rg_scan *json)
{
	if (json->expected)
		return false;
	skip_space(json);
	return json->at == json->end || rg_scan_fail(json, json->at, "the end of the line");
}
