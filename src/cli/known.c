#include "src/cli/known.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/file.h"

#define DIGITS 16
#define SHOWN 30 /* bytes of a wrong line that a message shows */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/*
 * The signature that the line from AT to END starts with, 0 of an empty one; false if it is wrong.
 */
static bool parse_line(const char *at, const char *end, uint64_t *signature_ret)
{
	uint64_t value = 0;
	int digits = 0;

	while (at < end && is_space(*at))
		at++;
	for (; at < end && digits <= DIGITS && isxdigit((unsigned char)*at); at++, digits++)
		value = value << 4 |
			(uint64_t)(isdigit((unsigned char)*at) ? *at - '0' : (*at | 32) - 'a' + 10);
	while (at < end && is_space(*at))
		at++;
	*signature_ret = value;
	return (digits == 0 || digits == DIGITS) && (at == end || *at == '#');
}

static enum rg_code bad_line(
	const char *path, unsigned long line, const char *at, const char *end, struct rg_error *err)
{
	char shown[SHOWN + 1];
	size_t n = 0;

	for (; at < end && n < SHOWN; at++)
		shown[n++] = isprint((unsigned char)*at) ? *at : '?';
	shown[n] = '\0';
	rg_fail(err, RG_BAD_DATA, "bad-signature", "%s: line %lu is no signature: '%s'", path, line,
		shown);
	rg_hint(err, "a line is 16 hexadecimal digits, then # and what you like; "
		     "refgraph leaks SOURCE --format known writes such a list");
	return rg_at_file(err, path, RG_NO_OFFSET);
}

static enum rg_code parse(struct rg_known *known, const char *path, const struct rg_bytes *bytes,
	struct rg_error *err)
{
	const char *at = (const char *)bytes->data, *end = at + bytes->size;

	for (unsigned long line = 1; at < end; line++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		uint64_t signature, *slot;

		if (!stop)
			stop = end;
		if (!parse_line(at, stop, &signature))
			return bad_line(path, line, at, stop, err);
		slot = signature ? RG_PUSH(known->signatures, known->count, known->capacity) : NULL;
		if (signature && !slot)
			return rg_nomem(err);
		if (slot)
			*slot = signature;
		at = stop + (stop < end);
	}
	return RG_OK;
}

enum rg_code rg_known_init(struct rg_known *known, const char *path, struct rg_error *err)
{
	struct rg_bytes bytes;
	enum rg_code code;

	*known = (struct rg_known){ 0 };
	if (!path)
		return RG_OK;
	code = rg_bytes_init(&bytes, path, err);
	if (code) {
		rg_hint(err, "make one: refgraph leaks SOURCE --format known > FILE");
		return code;
	}
	code = parse(known, path, &bytes, err);
	rg_bytes_deinit(&bytes);
	if (code)
		rg_known_deinit(known);
	else if (known->count)
		qsort(known->signatures, known->count, sizeof(*known->signatures), by_number);
	return code;
}

void rg_known_deinit(struct rg_known *known)
{
	free(known->signatures);
	*known = (struct rg_known){ 0 };
}

bool rg_known_has(const struct rg_known *known, uint64_t signature)
{
	return known->count &&
	       bsearch(&signature, known->signatures, known->count, sizeof(signature), by_number);
}
