/*
 * pickle: what a Pickler has written and an Unpickler has made, by number, in tables of C.
 * Modules/_pickle.c of CPython.
 */
#include "heapdump/cpython/readers.h"

#include <string.h>

#define COUNT_LIMIT (1ull << 32)
#define TEXT_LIMIT 4096

/* struct PyMemoTable, and its entries: a key and a number. */
enum { TABLE_ALLOCATED = 16, TABLE_ENTRIES = 24, TABLE_SIZE = 32, ENTRY_SIZE = 16 };
/*
 * Where the fields are that its size depends on. They move in patch releases, too, so what tells
 * them apart is the size of the structure; a subclass is larger than the one it has.
 */
static const struct pickler {
	int64_t basicsize;
	int buffer;
} picklers[] = { { 144, 56 }, { 152, 64 } };

static const struct unpickler {
	int64_t basicsize;
	int line, encoding, errors, marks, marks_size;
} unpicklers[] = {
	{ 264, 144, 216, 224, 232, 248 },
	{ 272, 152, 224, 232, 240, 256 },
	{ 296, 152, 240, 248, 256, 272 },
	{ 304, 160, 248, 256, 264, 280 },
};

enum { PICKLER_MEMO = 16, UNPICKLER_MEMO = 24, UNPICKLER_MEMO_SIZE = 32 };

void rg_traverse_pickler(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t table = rg_image_u64(walk->image, address + PICKLER_MEMO);
	uint64_t count = rg_image_u64(walk->image, table + TABLE_ALLOCATED);
	uint64_t entry = rg_image_u64(walk->image, table + TABLE_ENTRIES);

	(void)type;
	for (; table && count > 0 && rg_walk_spend(walk, 1); count--, entry += ENTRY_SIZE) {
		if (!rg_image_at(walk->image, entry, ENTRY_SIZE))
			return;
		rg_walk_refer_as(walk, RG_KIND_ELEMENT, rg_image_u64(walk->image, entry), "memo",
			!walk->layout->memo_traversed);
	}
}

void rg_traverse_unpickler(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t memo = rg_image_u64(walk->image, address + UNPICKLER_MEMO);
	uint64_t count = rg_image_u64(walk->image, address + UNPICKLER_MEMO_SIZE);

	(void)type;
	for (; memo && count > 0 && rg_walk_spend(walk, 1); count--, memo += 8) {
		if (!rg_image_at(walk->image, memo, 8))
			return;
		rg_walk_refer_as(walk, RG_KIND_ELEMENT, rg_image_u64(walk->image, memo), "memo",
			!walk->layout->memo_traversed);
	}
}

/* Pickler.__sizeof__ counts its buffer, a bytes object, as sys.getsizeof() does. */
uint64_t rg_size_pickler(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t table = rg_image_u64(walk->image, address + PICKLER_MEMO);
	const struct pickler *fields = &picklers[type->basicsize >= picklers[1].basicsize];
	uint64_t buffer = rg_walk_field(walk, address, fields->buffer);
	uint64_t size = (uint64_t)type->basicsize;

	if (table)
		size += TABLE_SIZE +
			ENTRY_SIZE *
				(rg_image_u64(walk->image, table + TABLE_ALLOCATED) % COUNT_LIMIT);
	if (buffer)
		size += RG_BYTES_HEADER +
			rg_image_u64(walk->image, buffer + RG_OB_SIZE) % (1ull << 48);
	return size;
}

/* The length of a C string with its end, or 0. */
static uint64_t size_of_text(struct rg_walk *walk, uint64_t text)
{
	char bytes[TEXT_LIMIT];

	return text && rg_image_string(walk->image, text, bytes, sizeof(bytes)) ? strlen(bytes) + 1
										: 0;
}

uint64_t rg_size_unpickler(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	const struct unpickler *fields = unpicklers;
	uint64_t size = (uint64_t)type->basicsize;

	for (size_t i = 1; i < sizeof(unpicklers) / sizeof(unpicklers[0]); i++)
		if (type->basicsize >= unpicklers[i].basicsize)
			fields = &unpicklers[i];
	if (rg_image_u64(walk->image, address + UNPICKLER_MEMO))
		size += 8 *
			(rg_image_u64(walk->image, address + UNPICKLER_MEMO_SIZE) % COUNT_LIMIT);
	if (rg_walk_field(walk, address, fields->marks))
		size += 8 * (rg_walk_field(walk, address, fields->marks_size) % COUNT_LIMIT);
	size += size_of_text(walk, rg_walk_field(walk, address, fields->line));
	size += size_of_text(walk, rg_walk_field(walk, address, fields->encoding));
	return size + size_of_text(walk, rg_walk_field(walk, address, fields->errors));
}
