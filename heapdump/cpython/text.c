#include "heapdump/cpython/text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/utf8.h"

#define SHORT_FLOAT 24 /* a sign, 15 digits, a point, and some more */
#define STR_LENGTH 16
#define STR_STATE 32
#define FLOAT_VALUE 16

struct rg_str_state rg_str_state(struct rg_image *image, uint64_t address)
{
	uint32_t bits = rg_image_u32(image, address + STR_STATE);

	return (struct rg_str_state){ bits & 3, bits >> 2 & 7, bits >> 5 & 1, bits >> 6 & 1 };
}

/* Where the characters of the str are, or 0. */
static uint64_t characters(struct rg_image *image, const struct rg_layout *layout, uint64_t address,
	struct rg_str_state state)
{
	if (state.compact && state.ascii)
		return address + (unsigned)layout->str_ascii_header;
	if (state.compact)
		return address + (unsigned)layout->str_compact_header;
	/* a subclass of str keeps its characters elsewhere */
	return rg_image_u64(image, address + (unsigned)layout->str_data);
}

size_t rg_text_str(struct rg_image *image, const struct rg_layout *layout, uint64_t address,
	char *out, size_t size, bool *exact_ret)
{
	uint64_t length = rg_image_u64(image, address + STR_LENGTH), count = length;
	struct rg_str_state state = rg_str_state(image, address);
	bool valid = state.kind == 1 || state.kind == 2 || state.kind == 4;
	const void *chars;
	size_t used;
	bool exact;

	if (count > size)
		count = size;
	chars = valid ? rg_image_at(image, characters(image, layout, address, state),
				count * state.kind)
		      : NULL;
	if (!chars) {
		if (exact_ret)
			*exact_ret = false;
		return 0;
	}
	used = rg_utf8_from(out, size, chars, count, state.kind, &exact);
	if (exact_ret)
		*exact_ret = exact && count == length;
	return used;
}

bool rg_text_equals(
	struct rg_image *image, const struct rg_layout *layout, uint64_t address, const char *text)
{
	size_t length = strlen(text);
	char found[128];

	return length < sizeof(found) && rg_image_u64(image, address + STR_LENGTH) == length &&
	       rg_text_str(image, layout, address, found, sizeof(found), NULL) == length &&
	       memcmp(found, text, length) == 0;
}

bool rg_text_is_name(struct rg_image *image, const struct rg_layout *layout, uint64_t address)
{
	struct rg_str_state state = rg_str_state(image, address);
	char text[101];
	size_t length;

	if (!state.interned || !state.ascii ||
		rg_image_u64(image, address + STR_LENGTH) >= sizeof(text))
		return false;
	length = rg_text_str(image, layout, address, text, sizeof(text), NULL);
	for (size_t i = 0; i < length; i++)
		if (!isalpha((unsigned char)text[i]) && text[i] != '_' &&
			(i == 0 || !isdigit((unsigned char)text[i])))
			return false;
	return length > 0;
}

/* The magnitude of an int of at most four digits of 30 bits. */
static unsigned __int128 magnitude(
	struct rg_image *image, const struct rg_layout *layout, uint64_t address, uint64_t digits)
{
	uint64_t at = address + (unsigned)layout->int_digits;
	unsigned __int128 value = 0;

	for (uint64_t i = digits; i-- > 0;)
		value = value << 30 | rg_image_u32(image, at + 4 * i);
	return value;
}

uint64_t rg_int_digits(struct rg_image *image, const struct rg_layout *layout, uint64_t address,
	bool *negative_ret)
{
	int64_t size;

	if (layout->int_tag >= 0) {
		/* two bits of sign (0 positive, 1 zero, 2 negative), a flag, the count */
		uint64_t tag = rg_image_u64(image, address + (unsigned)layout->int_tag);

		*negative_ret = (tag & 3) == 2;
		return tag >> 3;
	}
	size = (int64_t)rg_image_u64(image, address + RG_OB_SIZE);
	*negative_ret = size < 0;
	return size < 0 ? 0 - (uint64_t)size : (uint64_t)size;
}

/* VALUE in decimal, cut at SIZE. */
static size_t put_digits(unsigned __int128 value, bool negative, char *out, size_t size)
{
	char reversed[48];
	size_t n = 0, used = 0;
	uint64_t small;

	for (; value > UINT64_MAX; value /= 10)
		reversed[n++] = (char)('0' + (int)(value % 10));
	small = (uint64_t)value;
	do
		reversed[n++] = (char)('0' + (int)(small % 10));
	while ((small /= 10) != 0);
	if (negative)
		reversed[n++] = '-';
	while (n > 0 && used < size)
		out[used++] = reversed[--n];
	return used;
}

size_t rg_text_int(struct rg_image *image, const struct rg_layout *layout, uint64_t address,
	char *out, size_t size, bool *exact_ret)
{
	bool negative;
	uint64_t digits = rg_int_digits(image, layout, address, &negative);

	*exact_ret = digits <= 4;
	if (digits > 4)
		return (size_t)snprintf(out, size, "%sint of about %llu bits",
			negative ? "negative " : "", (unsigned long long)digits * 30);
	return put_digits(magnitude(image, layout, address, digits), negative, out, size);
}

int64_t rg_int_value(struct rg_image *image, const struct rg_layout *layout, uint64_t address)
{
	bool negative;
	uint64_t digits = rg_int_digits(image, layout, address, &negative);
	unsigned __int128 value = digits <= 3 ? magnitude(image, layout, address, digits) : 0;

	if (value > INT64_MAX)
		return 0;
	return negative ? -(int64_t)value : (int64_t)value;
}

/*
 * VALUE as a whole number and at most three decimals, if it is one of so few digits that no shorter
 * text reads back as it (DBL_DIG): most are. The length, or 0.
 */
static size_t put_short_float(double value, char *out, size_t size)
{
	double scaled = value * 1000, rounded = rint(scaled);
	unsigned decimals;
	size_t length;

	if (!(fabs(rounded) < 1e15) || rounded / 1000 != value || (value == 0 && signbit(value)) ||
		size < SHORT_FLOAT)
		return 0;
	length = put_digits((uint64_t)llabs((long long)rounded) / 1000, value < 0, out, size);
	decimals = (unsigned)(llabs((long long)rounded) % 1000);
	out[length++] = '.';
	for (unsigned unit = 100; unit == 100 || decimals > 0; unit /= 10) {
		out[length++] = (char)('0' + decimals / unit);
		decimals %= unit;
	}
	return length;
}

/* The shortest decimal digits that read back as VALUE, in DIGITS; the exponent of the first. */
static int shortest_digits(double value, char digits[20])
{
	/* 15 always suffice where nothing is lost of the 53 bits; 17 always suffice */
	int precision = isnormal(value) ? 15 : 1, used = 0;
	char text[40];

	for (; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision - 1, value);
		if (strtod(text, NULL) == value)
			break;
	}
	for (const char *c = text; *c && *c != 'e'; c++)
		if (*c != '.')
			digits[used++] = *c;
	while (used > 1 && digits[used - 1] == '0')
		used--;
	digits[used] = '\0';
	return atoi(strchr(text, 'e') + 1);
}

/* As repr() has it: with an exponent where there would be more than 16 digits or 4 zeros. */
size_t rg_text_float(struct rg_image *image, uint64_t address, char *out, size_t size)
{
	uint64_t bits = rg_image_u64(image, address + FLOAT_VALUE);
	const char *sign;
	char digits[20];
	size_t short_length;
	int length, exponent, n;
	double value;

	memcpy(&value, &bits, sizeof(value));
	short_length = put_short_float(value, out, size);
	if (short_length)
		return short_length;
	sign = signbit(value) && !isnan(value) ? "-" : "";
	if (!isfinite(value))
		return (size_t)snprintf(out, size, "%s%s", sign, isnan(value) ? "nan" : "inf");
	exponent = shortest_digits(fabs(value), digits);
	n = (int)strlen(digits);
	if (exponent < -4 || exponent >= 16)
		length = snprintf(out, size, "%s%c%s%se%+03d", sign, digits[0], n > 1 ? "." : "",
			digits + 1, exponent);
	else if (exponent < 0)
		length = snprintf(out, size, "%s0.%.*s%s", sign, -exponent - 1, "000", digits);
	else if (n > exponent + 1)
		length = snprintf(
			out, size, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
	else
		length = snprintf(
			out, size, "%s%s%.*s.0", sign, digits, exponent + 1 - n, "000000000000000");
	return (size_t)length < size ? (size_t)length : size - 1;
}
