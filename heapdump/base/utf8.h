/*
 * Text of a heap: from CPython's three string widths to UTF-8, and a check of what claims to be
 * UTF-8. Lone surrogates and invalid bytes become U+FFFD, and the result says so.
 */
#ifndef RG_BASE_UTF8_H
#define RG_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_REPLACEMENT 0xfffd

/* Write code point CP (a surrogate or > U+10FFFF is replaced) at OUT: 1 to 4 bytes, its length. */
size_t rg_utf8_put(char *out, uint32_t cp);

/*
 * The code point at BYTES of LENGTH > 0 bytes, and in *USED the bytes it took; an invalid
 * sequence is U+FFFD and takes one byte. *VALID_RET (may be NULL) says which it was.
 */
uint32_t rg_utf8_get(const char *bytes, size_t length, size_t *used, bool *valid_ret);

/* The length of TEXT cut to at most LIMIT bytes, at the end of a character. */
size_t rg_utf8_cut(const char *text, size_t length, size_t limit);

/* Whether all of TEXT is UTF-8. */
bool rg_utf8_valid(const char *text, size_t length);

/*
 * COUNT characters of WIDTH 1, 2 or 4 bytes at CHARS as UTF-8 in OUT of SIZE bytes, cut at a
 * character when it does not fit. Returns the bytes written; *EXACT_RET is false when a
 * character was replaced or cut.
 */
size_t rg_utf8_from(
	char *out, size_t size, const void *chars, size_t count, unsigned width, bool *exact_ret);

#endif
