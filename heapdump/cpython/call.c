#include "heapdump/cpython/call.h"

#include "heapdump/cpython/code.h"

#define SLOTS_LIMIT (1u << 20)
/* Low bits of a slot from 3.14 on (Include/internal/pycore_stackref.h). */
enum { TAG_BITS = 3, TAG_UNCOUNTED = 1, TAG_INT = 3 };

/* Pointers of an interpreter frame are tagged like its slots where those are. */
static uint64_t untagged(const struct rg_layout *layout, uint64_t word)
{
	return layout->frame_stackpointer >= 0 ? word & ~(uint64_t)TAG_BITS : word;
}

/* Slots in use up to the address TOP of the next free one; SLOTS_LIMIT where that is absurd. */
static uint32_t slots_to(const struct rg_call *call, uint64_t top)
{
	uint64_t n = (top - call->slots) / 8;

	return top < call->slots || n > SLOTS_LIMIT ? SLOTS_LIMIT : (uint32_t)n;
}

/* How high the stack of an interpreter frame is. */
static void read_frame_top(struct rg_call *call, struct rg_walk *walk)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t pointer = rg_walk_field(walk, call->address, layout->frame_stackpointer);
	int32_t top;

	call->recorded = pointer != 0;
	if (pointer)
		call->n_slots = slots_to(call, pointer);
	if (layout->frame_stacktop < 0)
		return;
	top = (int32_t)rg_image_u32(walk->image, call->address + (unsigned)layout->frame_stacktop);
	call->recorded = top >= 0;
	if (top >= 0)
		call->n_slots = (uint32_t)top;
}

static bool read_frame(struct rg_call *call, struct rg_walk *walk)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t at = call->address;
	uint64_t instruction = rg_walk_field(walk, at, layout->frame_instruction);
	uint64_t first;
	uint8_t owner = rg_image_u8(walk->image, at + (unsigned)layout->frame_owner);

	call->previous = rg_walk_field(walk, at, layout->frame_previous);
	call->owner = owner < RG_CALL_OF_INTERPRETER ? owner : RG_CALL_OF_INTERPRETER;
	call->code = untagged(layout, rg_walk_field(walk, at, layout->frame_code));
	if (call->owner == RG_CALL_OF_INTERPRETER || !rg_walk_is(walk, call->code, "code"))
		return false;
	call->function = untagged(layout, rg_walk_field(walk, at, layout->frame_func));
	call->locals = rg_walk_field(walk, at, layout->frame_locals);
	call->object = rg_walk_field(walk, at, layout->frame_object);
	call->slots = at + (unsigned)layout->frame_localsplus;
	call->n_slots = call->n_locals = rg_code_locals(walk, call->code);
	read_frame_top(call, walk);
	first = call->code + (unsigned)layout->code_bytecode;
	call->offset = instruction > first ? instruction - first : 0;
	return true;
}

/* How high the stack of a frame object is: a pointer to its top, or from 3.10 on a count. */
static void read_object_top(struct rg_call *call, struct rg_walk *walk)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t stack = rg_walk_field(walk, call->address, layout->frameobject_valuestack);
	uint64_t top = rg_walk_field(walk, call->address, layout->frameobject_stacktop);
	int32_t depth;

	call->recorded = top != 0;
	if (layout->frameobject_stackdepth >= 0) {
		depth = (int32_t)rg_image_u32(
			walk->image, call->address + (unsigned)layout->frameobject_stackdepth);
		call->recorded = depth >= 0;
		top = stack + 8ull * (uint32_t)depth;
	}
	if (call->recorded)
		call->n_slots = slots_to(call, top);
}

static bool read_frame_object(struct rg_call *call, struct rg_walk *walk)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t at = call->address;
	int32_t instruction = (int32_t)rg_image_u32(
		walk->image, at + (unsigned)layout->frameobject_instruction);

	call->previous = rg_walk_field(walk, at, layout->frameobject_back);
	call->code = rg_walk_field(walk, at, layout->frameobject_code);
	if (!rg_walk_is(walk, call->code, "code"))
		return false;
	/* what it borrows its generator from owns it */
	call->owner = rg_walk_field(walk, at, layout->frameobject_gen) ? RG_CALL_OF_GENERATOR
								       : RG_CALL_OF_FRAME_OBJECT;
	call->slots = at + (unsigned)layout->frameobject_localsplus;
	call->n_slots = call->n_locals = rg_code_locals(walk, call->code);
	read_object_top(call, walk);
	if (instruction > 0)
		call->offset = (uint64_t)instruction * (unsigned)layout->instruction_unit;
	return true;
}

bool rg_call_read(struct rg_call *call_ret, struct rg_walk *walk, uint64_t address)
{
	*call_ret = (struct rg_call){ .address = address };
	if (!address || address & 7 ||
		!(walk->layout->frame_code >= 0 ? read_frame : read_frame_object)(call_ret, walk)) {
		*call_ret = (struct rg_call){ .previous = call_ret->previous };
		return false;
	}
	if (call_ret->n_locals > SLOTS_LIMIT)
		call_ret->n_locals = SLOTS_LIMIT;
	/* an absurd height is as good as none */
	if (call_ret->n_slots > call_ret->n_locals + SLOTS_LIMIT ||
		call_ret->n_slots < call_ret->n_locals) {
		call_ret->n_slots = call_ret->n_locals;
		call_ret->recorded = false;
	}
	return true;
}

uint64_t rg_call_slot(struct rg_walk *walk, const struct rg_call *call, uint32_t i)
{
	uint64_t word = rg_image_u64(walk->image, call->slots + 8ull * i);
	uint64_t target = untagged(walk->layout, word);

	if (walk->layout->frame_stackpointer < 0 || !(word & TAG_UNCOUNTED))
		return target;
	if ((word & TAG_BITS) == TAG_INT || !target)
		return 0;
	/* of immortal ones no reference counts, so the mark says nothing; others are borrowed */
	return rg_walk_refcount(walk, target) == UINT64_MAX ? target : 0;
}

uint64_t rg_call_of_thread(struct rg_walk *walk, uint64_t thread)
{
	const struct rg_layout *layout = walk->layout;

	if (layout->thread_frame_object >= 0)
		return rg_walk_field(walk, thread, layout->thread_frame_object);
	if (layout->thread_frame >= 0)
		return rg_walk_field(walk, thread, layout->thread_frame);
	return rg_walk_field(
		walk, rg_walk_field(walk, thread, layout->thread_cframe), layout->cframe_frame);
}

uint64_t rg_call_of_frame(struct rg_walk *walk, uint64_t frame)
{
	return walk->layout->frameobject_frame >= 0
		       ? rg_walk_field(walk, frame, walk->layout->frameobject_frame)
		       : frame;
}

uint64_t rg_call_of_generator(struct rg_walk *walk, uint64_t generator)
{
	return walk->layout->generator_frame >= 0
		       ? generator + (unsigned)walk->layout->generator_frame
		       : rg_walk_field(walk, generator, walk->layout->generator_frameobject);
}

uint64_t rg_generator_code(struct rg_walk *walk, uint64_t generator)
{
	const struct rg_layout *layout = walk->layout;

	if (layout->generator_code >= 0)
		return rg_walk_field(walk, generator, layout->generator_code);
	return untagged(layout,
		rg_walk_field(walk, rg_call_of_generator(walk, generator), layout->frame_code));
}
