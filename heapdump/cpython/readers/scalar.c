/* Objects without references: str, bytes, int, arrays. Their lengths and sizes. */
#include "heapdump/cpython/readers.h"
#include "heapdump/cpython/text.h"

enum { ALLOCATED = 24, ARRAY_DESCR = 40, WCHAR = 4 };

void rg_traverse_length(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	(void)type;
	walk->items = rg_image_u64(walk->image, address + RG_OB_SIZE);
}

/* To 3.11 a str may have its characters as wchar_t besides, unless those are the characters. */
static uint64_t size_of_wide(
	struct rg_walk *walk, uint64_t address, uint64_t data, struct rg_str_state state)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t wide = rg_walk_field(walk, address, layout->str_wstr);
	uint64_t length;

	if (!wide || (state.kind && wide == data))
		return 0;
	length = state.compact && state.ascii
			 ? rg_image_u64(walk->image, address + RG_OB_SIZE)
			 : rg_walk_field(walk, address, layout->str_wstr_length);
	return (length % (1ull << 48) + 1) * WCHAR;
}

/* unicode.__sizeof__: the characters, and a UTF-8 form of them if one was made. */
uint64_t rg_size_str(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	const struct rg_layout *layout = walk->layout;
	struct rg_str_state state = rg_str_state(walk->image, address);
	uint64_t length = rg_image_u64(walk->image, address + RG_OB_SIZE) % (1ull << 48);
	uint64_t size, data, utf8;

	(void)type;
	if (state.compact && state.ascii) {
		size = (uint64_t)layout->str_ascii_header;
		return size + length + 1 + size_of_wide(walk, address, address + size, state);
	}
	size = (uint64_t)(state.compact ? layout->str_compact_header : layout->str_size);
	data = state.compact ? address + size : rg_walk_field(walk, address, layout->str_data);
	size += data ? (length + 1) * state.kind : 0;
	utf8 = rg_walk_field(walk, address, layout->str_utf8);
	/* an ASCII str that is not compact shares its characters as UTF-8 */
	if (utf8 && utf8 != data)
		size += rg_walk_field(walk, address, layout->str_utf8_length) % (1ull << 48) + 1;
	return size + size_of_wide(walk, address, data, state);
}

/* int.__sizeof__ ignores what a subclass adds; from 3.11 on 0 has room for a digit, too. */
uint64_t rg_size_int(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	const struct rg_layout *layout = walk->layout;
	bool negative;
	uint64_t digits = rg_int_digits(walk->image, layout, address, &negative) % (1ull << 48);

	(void)type;
	if (digits < (unsigned)layout->int_least_digits)
		digits = (unsigned)layout->int_least_digits;
	return (unsigned)layout->int_digits + 4 * digits;
}

/* From 3.15 on its bytes are a bytes object of their own. */
uint64_t rg_size_bytearray(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t allocated = rg_image_u64(walk->image, address + ALLOCATED) % (1ull << 48);
	uint64_t size = (uint64_t)type->basicsize + allocated;

	return walk->layout->bytearray_bytes >= 0 && allocated ? size + RG_BYTES_HEADER : size;
}

uint64_t rg_size_array(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t descr = rg_image_u64(walk->image, address + ARRAY_DESCR);
	uint64_t allocated = rg_image_u64(walk->image, address + 32) % (1ull << 40);

	/* struct arraydescr: typecode, itemsize */
	return (uint64_t)type->basicsize + allocated * rg_image_u32(walk->image, descr + 4);
}
