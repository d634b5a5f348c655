#include "heapdump/cpython/code.h"

#include "heapdump/cpython/readers.h"

#define NAMES 3 /* tuples of names that follow each other, to 3.10 */
#define LINETABLE_LIMIT (16u << 20)
#define SLOTS_LIMIT (1u << 20)
#define BYTES_DATA 32
#define NO_LINE (-128) /* in place of a step, in 3.10 */

/* The length of the tuple at ADDRESS; 0 where there is none. */
static uint32_t tuple_length(struct rg_walk *walk, uint64_t address)
{
	uint64_t length = rg_walk_is(walk, address, "tuple")
				  ? rg_image_u64(walk->image, address + RG_OB_SIZE)
				  : 0;

	return length < SLOTS_LIMIT ? (uint32_t)length : 0;
}

/* The tuples that name the slots in their order, and how many slots each names. */
static void name_tuples(
	struct rg_walk *walk, uint64_t code, uint64_t tuples[NAMES], uint32_t counts[NAMES])
{
	const struct rg_layout *layout = walk->layout;
	const int offsets[NAMES] = { layout->code_varnames, layout->code_cellvars,
		layout->code_freevars };

	for (unsigned i = 0; i < NAMES; i++) {
		tuples[i] = rg_walk_field(walk, code, offsets[i]);
		counts[i] = tuple_length(walk, tuples[i]);
	}
	if (layout->code_localsplusnames >= 0) {
		tuples[0] = rg_walk_field(walk, code, layout->code_localsplusnames);
		counts[0] = tuple_length(walk, tuples[0]);
	}
}

uint32_t rg_code_locals(struct rg_walk *walk, uint64_t code)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t tuples[NAMES];
	uint32_t counts[NAMES];

	if (layout->code_nlocalsplus >= 0)
		return rg_image_u32(walk->image, code + (unsigned)layout->code_nlocalsplus);
	name_tuples(walk, code, tuples, counts);
	return rg_image_u32(walk->image, code + (unsigned)layout->code_nlocals) % SLOTS_LIMIT +
	       counts[1] + counts[2];
}

uint32_t rg_code_stack(struct rg_walk *walk, uint64_t code)
{
	return rg_image_u32(walk->image, code + (unsigned)walk->layout->code_stacksize);
}

uint32_t rg_code_local_name(struct rg_walk *walk, uint64_t code, uint32_t i)
{
	uint64_t tuples[NAMES];
	uint32_t counts[NAMES];

	name_tuples(walk, code, tuples, counts);
	for (unsigned n = 0; n < NAMES; i -= counts[n], n++)
		if (i < counts[n])
			return rg_walk_name(
				walk, rg_image_u64(walk->image,
					      tuples[n] + (unsigned)walk->layout->tuple_items +
						      8ull * i));
	return RG_NO_STRING;
}

/* --- lines -------------------------------------------------------------------------------- */

/* A table of lines, read from its start. */
struct lines {
	const uint8_t *at, *end;
	int64_t line;
};

/* Pairs of a step in bytes and one in lines, each before the other's effect: lnotab. */
static int64_t line_by_steps(struct lines lines, uint64_t offset)
{
	for (uint64_t address = 0; lines.end - lines.at >= 2; lines.at += 2) {
		address += lines.at[0];
		if (address > offset)
			break;
		lines.line += (int8_t)lines.at[1];
	}
	return lines.line;
}

/* The same pairs, where a step in lines is that of the bytes it stands with (3.10). */
static int64_t line_by_ranges(struct lines lines, uint64_t offset)
{
	for (uint64_t address = 0; lines.end - lines.at >= 2; lines.at += 2) {
		int8_t step = (int8_t)lines.at[1];

		address += lines.at[0];
		if (step != NO_LINE)
			lines.line += step;
		if (offset < address)
			return step == NO_LINE ? 0 : lines.line;
	}
	return lines.line;
}

/* One signed varint of a table of locations: six bits a byte, the sign in the lowest. */
static int64_t read_varint(struct lines *lines)
{
	uint64_t value = 0;
	unsigned shift = 0;

	while (lines->at < lines->end && shift < 36) {
		uint8_t byte = *lines->at++;

		value |= (uint64_t)(byte & 63) << shift;
		shift += 6;
		if (!(byte & 64))
			break;
	}
	return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

/* How the line moves in the entry that starts with FIRST; LINES is behind that byte. */
static int64_t location_step(uint8_t first, struct lines *lines)
{
	unsigned form = first >> 3 & 15;

	if (form >= 10 && form <= 12)
		return form - 10;
	return form == 13 || form == 14 ? read_varint(lines) : 0;
}

static int64_t line_by_locations(struct lines lines, uint64_t offset)
{
	uint64_t covered = 0;

	while (lines.at < lines.end) {
		uint8_t first = *lines.at++;

		lines.line += location_step(first, &lines);
		covered += 2 * ((first & 7) + 1u);
		if (offset < covered)
			break;
		/* the rest of the entry: only the first byte of one has its top bit set */
		while (lines.at < lines.end && !(*lines.at & 128))
			lines.at++;
	}
	return lines.line;
}

uint32_t rg_code_line(struct rg_walk *walk, uint64_t code, uint64_t offset)
{
	static int64_t (*const readers[])(struct lines, uint64_t) = {
		[RG_LINES_STEPS] = line_by_steps,
		[RG_LINES_RANGES] = line_by_ranges,
		[RG_LINES_LOCATIONS] = line_by_locations,
	};
	const struct rg_layout *layout = walk->layout;
	uint64_t table = rg_walk_field(walk, code, layout->code_linetable);
	uint64_t length = rg_image_u64(walk->image, table + RG_OB_SIZE);
	struct lines lines = { .line = rg_image_u32(
				       walk->image, code + (unsigned)layout->code_firstlineno) };
	int64_t line;

	if (!rg_walk_is(walk, table, "bytes") || length > LINETABLE_LIMIT)
		return (uint32_t)lines.line;
	lines.at = rg_image_at(walk->image, table + BYTES_DATA, length);
	if (!lines.at)
		return (uint32_t)lines.line;
	lines.end = lines.at + length;
	line = readers[layout->line_table](lines, offset);
	return line > 0 && line <= INT32_MAX ? (uint32_t)line : 0;
}
