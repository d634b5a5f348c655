#include "heapdump/base/utf8.h"

#include <string.h>

size_t rg_utf8_put(char *out, uint32_t cp)
{
	if (cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
		cp = RG_REPLACEMENT;
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

static uint32_t invalid(size_t *used, bool *valid_ret)
{
	*used = 1;
	if (valid_ret)
		*valid_ret = false;
	return RG_REPLACEMENT;
}

uint32_t rg_utf8_get(const char *bytes, size_t length, size_t *used, bool *valid_ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)bytes[0];
	size_t need = first < 0x80   ? 1
		      : first < 0xc2 ? 0
		      : first < 0xe0 ? 2
		      : first < 0xf0 ? 3
		      : first < 0xf5 ? 4
				     : 0;
	uint32_t cp;

	if (need == 0 || need > length)
		return invalid(used, valid_ret);
	cp = need == 1 ? first : first & (0xffu >> (need + 1));
	for (size_t i = 1; i < need; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return invalid(used, valid_ret);
		cp = cp << 6 | (bytes[i] & 0x3f);
	}
	if (cp < least[need] || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
		return invalid(used, valid_ret);
	*used = need;
	if (valid_ret)
		*valid_ret = true;
	return cp;
}

size_t rg_utf8_cut(const char *text, size_t length, size_t limit)
{
	size_t end = limit;

	if (length <= limit)
		return length;
	/* at most three bytes back is the start of the character that is cut through */
	while (end > 0 && limit - end < 3 && ((unsigned char)text[end] & 0xc0) == 0x80)
		end--;
	return ((unsigned char)text[end] & 0xc0) == 0x80 ? limit : end;
}

bool rg_utf8_valid(const char *text, size_t length)
{
	bool valid = true;
	size_t used;

	for (size_t i = 0; valid && i < length; i += used) {
		used = 1;
		if ((unsigned char)text[i] >= 0x80)
			rg_utf8_get(text + i, length - i, &used, &valid);
	}
	return valid;
}

static uint32_t char_at(const void *chars, size_t i, unsigned width)
{
	const uint8_t *p = (const uint8_t *)chars + i * width;
	uint16_t two;
	uint32_t four;

	if (width == 1)
		return *p;
	if (width == 2) {
		memcpy(&two, p, 2);
		return two;
	}
	memcpy(&four, p, 4);
	return four;
}

/* How CHARS begin, as far as it is ASCII and fits; how many. */
static size_t put_ascii(char *out, size_t size, const char *chars, size_t count)
{
	size_t n = 0, most = count < size ? count : size;
	uint64_t word;

	for (; n + sizeof(word) <= most; n += sizeof(word)) {
		memcpy(&word, chars + n, sizeof(word));
		if (word & 0x8080808080808080u)
			break;
	}
	while (n < most && (signed char)chars[n] >= 0)
		n++;
	memcpy(out, chars, n);
	return n;
}

size_t rg_utf8_from(
	char *out, size_t size, const void *chars, size_t count, unsigned width, bool *exact_ret)
{
	size_t used = width == 1 ? put_ascii(out, size, chars, count) : 0;
	bool exact = true;

	for (size_t i = used; i < count; i++) {
		uint32_t cp = char_at(chars, i, width);
		char encoded[4];
		size_t n = rg_utf8_put(encoded, cp);

		if (n > size - used) {
			exact = false;
			break;
		}
		exact &= cp <= 0x10ffff && (cp < 0xd800 || cp >= 0xe000);
		memcpy(out + used, encoded, n);
		used += n;
	}
	if (exact_ret)
		*exact_ret = exact;
	return used;
}
