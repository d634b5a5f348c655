/*
 * Reading untrusted bytes: a cursor never leaves its bounds.
 *
 * A read past the end, or a varint that does not fit, sets `bad` and yields zero; so a reader
 * may read a whole record and ask rg_cursor_ok once. A bad cursor stays bad and at its end.
 * Numbers are little-endian. Nothing is owned: the bytes belong to the caller.
 */
#ifndef RG_BASE_CURSOR_H
#define RG_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rg_cursor {
	const uint8_t *at, *end;
	bool bad;
};

static inline struct rg_cursor rg_cursor_over(const void *bytes, size_t length)
{
	/* no bytes may be at NULL, to which nothing can be added */
	const uint8_t *at = bytes ? bytes : (const uint8_t *)"";

	return (struct rg_cursor){ .at = at, .end = at + length };
}

static inline bool rg_cursor_ok(const struct rg_cursor *cursor)
{
	return !cursor->bad;
}

static inline size_t rg_cursor_left(const struct rg_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

static inline void rg_cursor_fail(struct rg_cursor *cursor)
{
	cursor->bad = true;
	cursor->at = cursor->end;
}

/* The next LENGTH bytes, or NULL. */
static inline const uint8_t *rg_cursor_bytes(struct rg_cursor *cursor, uint64_t length)
{
	const uint8_t *bytes = cursor->at;

	if (length > rg_cursor_left(cursor)) {
		rg_cursor_fail(cursor);
		return NULL;
	}
	cursor->at += length;
	return bytes;
}

static inline uint8_t rg_cursor_u8(struct rg_cursor *cursor)
{
	const uint8_t *p = rg_cursor_bytes(cursor, 1);

	return p ? *p : 0;
}

static inline uint16_t rg_cursor_u16(struct rg_cursor *cursor)
{
	const uint8_t *p = rg_cursor_bytes(cursor, 2);
	uint16_t value = 0;

	if (p)
		memcpy(&value, p, sizeof(value));
	return value;
}

static inline uint32_t rg_cursor_u32(struct rg_cursor *cursor)
{
	const uint8_t *p = rg_cursor_bytes(cursor, 4);
	uint32_t value = 0;

	if (p)
		memcpy(&value, p, sizeof(value));
	return value;
}

static inline uint64_t rg_cursor_u64(struct rg_cursor *cursor)
{
	const uint8_t *p = rg_cursor_bytes(cursor, 8);
	uint64_t value = 0;

	if (p)
		memcpy(&value, p, sizeof(value));
	return value;
}

/* An unsigned LEB128 number of at most 64 bits. */
static inline uint64_t rg_cursor_varint(struct rg_cursor *cursor)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = rg_cursor_u8(cursor);

		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return cursor->bad ? 0 : value;
	}
	rg_cursor_fail(cursor);
	return 0;
}

/* A varint that must fit 32 bits. */
static inline uint32_t rg_cursor_varint32(struct rg_cursor *cursor)
{
	uint64_t value = rg_cursor_varint(cursor);

	if (value <= UINT32_MAX)
		return (uint32_t)value;
	rg_cursor_fail(cursor);
	return 0;
}

/* A signed number, zigzag in a varint. */
static inline int64_t rg_cursor_zigzag(struct rg_cursor *cursor)
{
	uint64_t value = rg_cursor_varint(cursor);

	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

#endif
