/*
 * Reading JSON (RFC 8259) as it stands in memory, one value after the other, without a tree.
 *
 * The document is one line in a buffer of the caller's, which is written to: texts are unescaped
 * where they stand, and stay valid as long as the buffer. The byte at `end` must be a NUL. Values
 * are read in the order in which they come:
 *
 *	for (bool more = rg_scan_begin(json, '{'); more; more = rg_scan_more(json, '}'))
 *		if (rg_scan_key(json, &key))
 *			rg_scan_u64(json, &number);
 *
 * The first mistake sticks: `expected` says what should stand at `at`, and every later call fails.
 * What is not read is passed over by rg_scan_skip: nothing here recurses. O(bytes).
 */
#ifndef RG_BASE_SCAN_H
#define RG_BASE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_SCAN_DEPTH 64u /* how deep the values may nest that are passed over */

struct rg_scan {
	char *start, *at, *end;
	const char *expected; /* a static text, or NULL while all is well */
};

/* A text of the document: UTF-8, not terminated, NULs possible. */
struct rg_scan_text {
	const char *bytes;
	size_t length;
	bool exact; /* false where a lone surrogate became U+FFFD */
};

struct rg_scan rg_scan_over(char *line, size_t length);

static inline bool rg_scan_ok(const struct rg_scan *json)
{
	return !json->expected;
}

/* Say that EXPECTED should stand at AT; the first one stays. Returns false. */
bool rg_scan_fail(struct rg_scan *json, const char *at, const char *expected);

/* Where the document went wrong, in bytes, from 1 on. */
size_t rg_scan_column(const struct rg_scan *json);

/* Enter an object ('{') or array ('['): true when it has a first member. */
bool rg_scan_begin(struct rg_scan *json, char bracket);

/* Behind a member: true when another follows, false behind the closing BRACKET. */
bool rg_scan_more(struct rg_scan *json, char bracket);

/* The key of an object's member, and its colon. */
bool rg_scan_key(struct rg_scan *json, struct rg_scan_text *key_ret);

/* The first byte of the value that comes next: '"', '{', '[', '-', a digit, 't', 'f', 'n'. */
char rg_scan_peek(struct rg_scan *json);

bool rg_scan_string(struct rg_scan *json, struct rg_scan_text *text_ret);
bool rg_scan_bool(struct rg_scan *json, bool *value_ret);

/* A whole number of 64 bits: a fraction, an exponent or a larger one is a mistake. */
bool rg_scan_u64(struct rg_scan *json, uint64_t *value_ret);
bool rg_scan_i64(struct rg_scan *json, int64_t *value_ret);

/* Any number, as it stands there. */
bool rg_scan_number(struct rg_scan *json, struct rg_scan_text *text_ret);

/* Pass over one value of any kind, nested at most RG_SCAN_DEPTH deep. */
bool rg_scan_skip(struct rg_scan *json);

/* True when nothing but space is left. */
bool rg_scan_finish(struct rg_scan *json);

#endif
