/*
 * Frames, and what keeps one: frame objects, generators, coroutines. Objects/frameobject.c,
 * Objects/genobject.c, Python/frame.c; the line table is Objects/locations.md of CPython 3.11.
 */
#include "heapdump/cpython/readers.h"

enum { FRAME_BACK = 16, FRAME_INTERPRETER = 24, FRAME_TRACE = 32, FRAME_OBJECT_HEADER = 48 };
enum { FRAME_CLEARED = 4, OWNED_BY_FRAME_OBJECT = 2 };
#define LOCALS_LIMIT (1u << 20)
#define LINETABLE_LIMIT (16u << 20)

static uint64_t pointer_at(struct rg_walk *walk, uint64_t address, int offset)
{
	return rg_image_u64(walk->image, address + (unsigned)offset);
}

uint32_t rg_frame_local_name(struct rg_walk *walk, uint64_t code, uint64_t i)
{
	uint64_t names = pointer_at(walk, code, walk->layout->code_localsplusnames);

	if (!rg_walk_is(walk, names, "tuple") || i >= rg_image_u64(walk->image, names + RG_OB_SIZE))
		return RG_NO_STRING;
	return rg_walk_name(walk,
		rg_image_u64(walk->image, names + (unsigned)walk->layout->tuple_items + 8 * i));
}

/*
 * _PyFrame_Traverse: function, code, locals and stack. Of a frame that executes the collector
 * sees no locals (its stack top is not recorded): they are the thread's.
 */
static void read_interpreter_frame(struct rg_walk *walk, uint64_t frame)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t code = pointer_at(walk, frame, layout->frame_code);
	int32_t top = (int32_t)rg_image_u32(walk->image, frame + (unsigned)layout->frame_stacktop);
	uint64_t slots = frame + (unsigned)layout->frame_localsplus;
	uint32_t locals;

	if (!rg_walk_is(walk, code, "code"))
		return;
	locals = rg_image_u32(walk->image, code + (unsigned)layout->code_nlocalsplus);
	rg_walk_refer_as(
		walk, RG_KIND_FUNC, pointer_at(walk, frame, layout->frame_func), "f_func", false);
	rg_walk_refer_as(walk, RG_KIND_CODE, code, "f_code", false);
	rg_walk_refer_as(walk, RG_KIND_OTHER, pointer_at(walk, frame, layout->frame_locals),
		"f_locals", false);
	rg_walk_refer_as(
		walk, RG_KIND_OTHER, pointer_at(walk, frame, layout->frame_object), "frame", false);
	for (int32_t i = 0; i < top && (uint32_t)i < LOCALS_LIMIT; i++) {
		uint64_t value = rg_image_u64(walk->image, slots + 8ull * (uint32_t)i);
		uint32_t name = value && (uint32_t)i < locals
					? rg_frame_local_name(walk, code, (uint32_t)i)
					: RG_NO_STRING;

		rg_walk_refer(walk, (uint32_t)i < locals ? RG_KIND_LOCAL : RG_KIND_STACK, value,
			name == RG_NO_STRING ? RG_LABEL_NONE : RG_LABEL_STRING, name, false);
	}
}

void rg_traverse_generator(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	int8_t state = (int8_t)rg_image_u8(
		walk->image, address + (unsigned)walk->layout->generator_state);

	(void)type;
	if (state < FRAME_CLEARED)
		read_interpreter_frame(walk, address + (unsigned)walk->layout->generator_frame);
}

/* A frame object owns its interpreter frame once the call is over; before, the thread does. */
void rg_traverse_frame(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t frame = rg_image_u64(walk->image, address + FRAME_INTERPRETER);

	(void)type;
	rg_walk_refer_as(walk, RG_KIND_BACK, rg_image_u64(walk->image, address + FRAME_BACK),
		"f_back", false);
	rg_walk_refer_as(walk, RG_KIND_CALLBACK, rg_image_u64(walk->image, address + FRAME_TRACE),
		"f_trace", false);
	if (rg_image_u8(walk->image, frame + (unsigned)walk->layout->frame_owner) ==
		OWNED_BY_FRAME_OBJECT)
		read_interpreter_frame(walk, frame);
}

/* Slots of a frame of CODE: locals, cells and the evaluation stack. */
static uint64_t slots_of(struct rg_walk *walk, uint64_t code)
{
	const struct rg_layout *layout = walk->layout;

	return (uint64_t)rg_image_u32(walk->image, code + (unsigned)layout->code_nlocalsplus) +
	       rg_image_u32(walk->image, code + (unsigned)layout->code_stacksize);
}

uint64_t rg_size_frame(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t frame = rg_image_u64(walk->image, address + FRAME_INTERPRETER);

	(void)type;
	return FRAME_OBJECT_HEADER + (unsigned)walk->layout->frame_localsplus +
	       8 * slots_of(walk, pointer_at(walk, frame, walk->layout->frame_code));
}

uint64_t rg_size_generator(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	const struct rg_layout *layout = walk->layout;

	(void)type;
	return (uint64_t)(layout->generator_frame + layout->frame_localsplus) +
	       8 * slots_of(walk, rg_image_u64(walk->image, address + 16));
}

/* The bytecode's units are the code object's items. */
uint64_t rg_size_code(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t units = rg_image_u64(walk->image, address + RG_OB_SIZE) % (1ull << 40);
	uint64_t extra = rg_image_u64(walk->image, address + 176);
	uint64_t size = ((uint64_t)type->basicsize + units * 2 + 7) & ~7ull;

	if (extra)
		size += 8 + 8 * rg_image_u64(walk->image, extra) % (1 << 20);
	return size;
}

/* One signed varint of the line table: six bits a byte, the sign in the lowest. */
static int64_t line_delta(const uint8_t **at, const uint8_t *end)
{
	uint64_t value = 0;
	unsigned shift = 0;

	while (*at < end && shift < 36) {
		uint8_t byte = *(*at)++;

		value |= (uint64_t)(byte & 63) << shift;
		shift += 6;
		if (!(byte & 64))
			break;
	}
	return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

/* How the line moves in the entry that starts with FIRST; AT is behind that byte. */
static int64_t entry_delta(uint8_t first, const uint8_t **at, const uint8_t *end)
{
	unsigned code = first >> 3 & 15;

	if (code >= 10 && code <= 12)
		return code - 10;
	return code == 13 || code == 14 ? line_delta(at, end) : 0;
}

uint32_t rg_frame_line(struct rg_walk *walk, uint64_t code, uint64_t instruction)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t table = pointer_at(walk, code, layout->code_linetable);
	uint64_t length = rg_image_u64(walk->image, table + RG_OB_SIZE);
	int64_t line = rg_image_u32(walk->image, code + (unsigned)layout->code_firstlineno);
	uint64_t unit = (instruction - code - (unsigned)layout->code_bytecode) / 2, covered = 0;
	const uint8_t *at, *end;

	if (!rg_walk_is(walk, table, "bytes") || length > LINETABLE_LIMIT ||
		instruction < code + (unsigned)layout->code_bytecode)
		return (uint32_t)line;
	at = rg_image_at(walk->image, table + 32, length);
	end = at ? at + length : NULL;
	while (at && at < end) {
		uint8_t first = *at++;

		line += entry_delta(first, &at, end);
		covered += (first & 7) + 1u;
		if (unit < covered)
			break;
		/* the rest of the entry: only the first byte of one has its top bit set */
		while (at < end && !(*at & 128))
			at++;
	}
	return line > 0 && line <= INT32_MAX ? (uint32_t)line : 0;
}
