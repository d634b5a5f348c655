/* Objects without references: str, bytes, int, arrays. Their lengths and sizes. */
#include "heapdump/cpython/readers.h"

enum { STR_STATE = 32, LONG_HEADER = 24, ALLOCATED = 24, ARRAY_DESCR = 40 };
/* a str's cached UTF-8: where it is, and how long */
enum { STR_UTF8_LENGTH = 48, STR_UTF8 = 56, STR_DATA = 72, STR_SIZE = 80 };

void rg_traverse_length(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	(void)type;
	walk->items = rg_image_u64(walk->image, address + RG_OB_SIZE);
}

/* unicode.__sizeof__: the characters, and a UTF-8 form of them if one was made. */
uint64_t rg_size_str(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint32_t state = rg_image_u32(walk->image, address + STR_STATE);
	uint64_t length = rg_image_u64(walk->image, address + RG_OB_SIZE) % (1ull << 48);
	unsigned width = state >> 2 & 7;
	bool compact = state >> 5 & 1, ascii = state >> 6 & 1;
	uint64_t size, data, utf8;

	(void)type;
	if (compact && ascii)
		return (uint64_t)walk->layout->str_ascii_header + length + 1;
	size = compact ? (uint64_t)walk->layout->str_compact_header : STR_SIZE;
	size += (length + 1) * width;
	utf8 = rg_image_u64(walk->image, address + STR_UTF8);
	data = rg_image_u64(walk->image, address + STR_DATA);
	/* an ASCII str that is not compact shares its characters as UTF-8 */
	if (utf8 && (compact || utf8 != data))
		size += rg_image_u64(walk->image, address + STR_UTF8_LENGTH) + 1;
	return size;
}

/* int.__sizeof__ ignores what a subclass adds. */
uint64_t rg_size_int(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	int64_t digits = (int64_t)rg_image_u64(walk->image, address + RG_OB_SIZE);

	(void)type;
	/* room for one digit at least */
	return LONG_HEADER + 4 * ((digits < 0      ? 0 - (uint64_t)digits
					  : digits ? (uint64_t)digits
						   : 1) %
					 (1ull << 48));
}

uint64_t rg_size_bytearray(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	return (uint64_t)type->basicsize +
	       rg_image_u64(walk->image, address + ALLOCATED) % (1ull << 48);
}

uint64_t rg_size_array(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t descr = rg_image_u64(walk->image, address + ARRAY_DESCR);
	uint64_t allocated = rg_image_u64(walk->image, address + 32) % (1ull << 40);

	/* struct arraydescr: typecode, itemsize */
	return (uint64_t)type->basicsize + allocated * rg_image_u32(walk->image, descr + 4);
}
