/*
 * Frames, and what keeps one: frame objects, generators, coroutines. Objects/frameobject.c,
 * Objects/genobject.c, Python/frame.c of CPython.
 */
#include "heapdump/cpython/call.h"
#include "heapdump/cpython/code.h"
#include "heapdump/cpython/readers.h"

#define OPCACHE_ENTRY 32 /* sizeof(_PyOpcache), to 3.10 */

/* The slots in use: locals by name, then the stack. */
static void read_slots(struct rg_walk *walk, const struct rg_call *call)
{
	for (uint32_t i = 0; i < call->n_slots && rg_walk_spend(walk, 1); i++) {
		uint64_t value = rg_call_slot(walk, call, i);
		uint32_t name = value && i < call->n_locals
					? rg_code_local_name(walk, call->code, i)
					: RG_NO_STRING;

		rg_walk_refer(walk, i < call->n_locals ? RG_KIND_LOCAL : RG_KIND_STACK, value,
			name == RG_NO_STRING ? RG_LABEL_NONE : RG_LABEL_STRING, name, false);
	}
}

/*
 * _PyFrame_Traverse: function, code, locals and stack. Of a frame that executes the collector
 * sees no locals (its stack top is not recorded): they are the thread's.
 */
static void read_interpreter_frame(struct rg_walk *walk, uint64_t frame)
{
	struct rg_call call;

	if (!rg_call_read(&call, walk, frame))
		return;
	rg_walk_refer_as(walk, RG_KIND_FUNC, call.function, "f_func", false);
	rg_walk_refer_as(walk, RG_KIND_CODE, call.code, "f_code", false);
	rg_walk_refer_as(walk, RG_KIND_OTHER, call.locals, "f_locals", false);
	rg_walk_refer_as(walk, RG_KIND_OTHER, call.object, "frame", false);
	if (call.recorded)
		read_slots(walk, &call);
}

void rg_traverse_generator(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	const struct rg_layout *layout = walk->layout;
	int8_t state;

	(void)type;
	/* fields.def has the frame object of older ones */
	if (layout->generator_frame < 0)
		return;
	state = (int8_t)rg_image_u8(walk->image, address + (unsigned)layout->generator_state);
	if (state < layout->generator_cleared)
		read_interpreter_frame(walk, rg_call_of_generator(walk, address));
	else if (layout->generator_code < 0)
		rg_walk_refer_as(walk, RG_KIND_CODE, rg_generator_code(walk, address), "gi_code",
			layout->frame_stackpointer < 0);
}

/* To 3.10 a frame object holds all of a call; while it executes, its stack can but be guessed. */
static void read_frame_object(struct rg_walk *walk, const struct rg_call *call)
{
	read_slots(walk, call);
	for (uint32_t i = 0; !call->recorded && i < rg_code_stack(walk, call->code); i++)
		rg_walk_guess(
			walk, rg_image_u64(walk->image, call->slots + 8ull * (call->n_slots + i)));
}

/* A frame object owns its interpreter frame once the call is over; before, the thread does. */
void rg_traverse_frame(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	struct rg_call call;

	(void)type;
	if (!rg_call_read(&call, walk, rg_call_of_frame(walk, address)))
		return;
	if (walk->layout->frameobject_frame < 0)
		read_frame_object(walk, &call);
	else if (call.owner == RG_CALL_OF_FRAME_OBJECT)
		read_interpreter_frame(walk, call.address);
}

/* --- sizes -------------------------------------------------------------------------------- */

/* Slots of a frame of CODE: locals, cells and the evaluation stack. */
static uint64_t slots_of(struct rg_walk *walk, uint64_t code)
{
	return (uint64_t)rg_code_locals(walk, code) + rg_code_stack(walk, code);
}

/* One slot is part of the frame object itself: of its embedded call, or to 3.10 of its own. */
uint64_t rg_size_frame(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t frame = rg_call_of_frame(walk, address);
	struct rg_call call;
	uint64_t size = (unsigned)layout->frameobject_size - 8;

	(void)type;
	if (layout->frame_localsplus >= 0)
		size += (unsigned)layout->frame_localsplus;
	return rg_call_read(&call, walk, frame) ? size + 8 * slots_of(walk, call.code) : size;
}

/* From 3.11 on a generator has the call in its own body. */
uint64_t rg_size_generator(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	const struct rg_layout *layout = walk->layout;

	if (layout->generator_frame < 0)
		return (uint64_t)type->basicsize;
	return (uint64_t)(layout->generator_frame + layout->frame_localsplus) +
	       8 * slots_of(walk, rg_generator_code(walk, address));
}

/* To 3.10: which of the arguments are cells, and what global names were found to be. */
static uint64_t size_of_caches(struct rg_walk *walk, uint64_t address)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t cells = rg_walk_field(walk, address, layout->code_cellvars), size = 0;

	if (cells && rg_walk_field(walk, address, layout->code_cell2arg))
		size += 8 * (rg_walk_field(walk, cells, RG_OB_SIZE) % (1 << 20));
	if (rg_walk_field(walk, address, layout->code_opcache)) {
		uint64_t bytecode = rg_walk_field(walk, address, layout->code_string);
		uint8_t entries = rg_image_u8(
			walk->image, address + (unsigned)layout->code_opcache_size);

		size += rg_walk_field(walk, bytecode, RG_OB_SIZE) % (1ull << 40) / 2;
		size += (uint64_t)entries * OPCACHE_ENTRY;
	}
	return size;
}

/* From 3.11 on the bytecode's units are the code object's items. */
uint64_t rg_size_code(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t extra = rg_walk_field(walk, address, walk->layout->code_extra);
	uint64_t size = (uint64_t)type->basicsize;

	if (type->itemsize)
		size += rg_image_u64(walk->image, address + RG_OB_SIZE) % (1ull << 40) *
			(uint64_t)type->itemsize;
	size = (size + 7) & ~7ull;
	if (extra)
		size += 8 + 8 * (rg_image_u64(walk->image, extra) % (1 << 20));
	return size + size_of_caches(walk, address);
}
