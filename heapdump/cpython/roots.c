#include "heapdump/cpython/roots.h"

#include "heapdump/cpython/readers.h"
#include "heapdump/cpython/text.h"

#define INTERPRETERS 1000
#define THREADS 100000
#define ATEXIT_SIZE 24 /* of an atexit callback: func, args, kwargs */
#define OWNED_BY_GENERATOR 1 /* owner of an interpreter frame */

static struct rg_root_record new_root(enum rg_root_kind kind)
{
	return (struct rg_root_record){ .kind = kind,
		.reference = RG_KIND_OTHER,
		.name = RG_NO_STRING,
		.label = RG_NO_STRING,
		.thread = UINT32_MAX,
		.frame = UINT32_MAX };
}

/* True the first time it is asked about ADDRESS: a list that runs into itself ends there. */
static bool is_first(struct rg_walk *walk, uint64_t address)
{
	if (rg_map_get(&walk->passed, address) != RG_MAP_NONE)
		return false;
	if (!rg_map_set(&walk->passed, address, 1))
		walk->out_of_memory = true;
	return !walk->out_of_memory && walk->room > 0;
}

/* --- the interpreter ---------------------------------------------------------------------- */

static void walk_modules(struct rg_walk *walk, uint64_t interpreter)
{
	uint64_t modules = rg_image_u64(
		walk->image, interpreter + (unsigned)walk->layout->interp_modules);
	struct rg_root_record root = new_root(RG_ROOT_MODULE);
	struct rg_entries entries;
	uint64_t name;

	if (!rg_walk_is(walk, modules, "dict") ||
		!rg_entries_of_dict(&entries, walk->image, modules))
		return;
	while (rg_entries_next(&entries, &name, &root.target)) {
		root.name = rg_walk_name(walk, name);
		rg_walk_root(walk, &root);
	}
}

static void walk_owned(struct rg_walk *walk, uint64_t address, const struct rg_owned_field *fields,
	struct rg_root_record root)
{
	for (; fields->name; fields++) {
		root.target = rg_image_u64(walk->image, address + (unsigned)fields->offset);
		root.name = rg_walk_literal(walk, fields->name);
		if (root.target)
			rg_walk_root(walk, &root);
	}
}

static void walk_atexit(struct rg_walk *walk, uint64_t state)
{
	uint64_t callbacks = rg_image_u64(walk->image, state);
	uint32_t count = rg_image_u32(walk->image, state + 8);
	struct rg_root_record root = new_root(RG_ROOT_INTERPRETER);

	root.name = rg_walk_literal(walk, "atexit");
	for (uint32_t i = 0; i < count && i < 10000; i++) {
		uint64_t callback = rg_image_u64(walk->image, callbacks + 8ull * i);

		for (unsigned at = 0; callback && at < ATEXIT_SIZE; at += 8) {
			root.target = rg_image_u64(walk->image, callback + at);
			if (root.target)
				rg_walk_root(walk, &root);
		}
	}
}

static void walk_collector(struct rg_walk *walk, uint64_t interpreter)
{
	struct rg_root_record root = new_root(RG_ROOT_INTERPRETER);
	struct rg_gc_state gc;

	if (rg_runtime_gc(walk->runtime, walk->image, interpreter, &gc, NULL))
		return;
	root.target = gc.garbage;
	root.name = rg_walk_literal(walk, "gc.garbage");
	rg_walk_root(walk, &root);
	root.target = gc.callbacks;
	root.name = rg_walk_literal(walk, "gc.callbacks");
	rg_walk_root(walk, &root);
}

/* --- threads and frames ------------------------------------------------------------------- */

/* The name that threading gives the thread IDENT, from its table of active ones. */
static uint32_t thread_name(struct rg_walk *walk, uint64_t interpreter, uint64_t ident)
{
	uint64_t modules = rg_image_u64(
		walk->image, interpreter + (unsigned)walk->layout->interp_modules);
	uint64_t module = rg_entries_lookup(walk->image, walk->layout, modules, "threading");
	uint64_t active, key, thread;
	struct rg_entries entries;

	if (!rg_walk_is(walk, module, "module"))
		return RG_NO_STRING;
	active = rg_entries_lookup(
		walk->image, walk->layout, rg_image_u64(walk->image, module + 16), "_active");
	if (!rg_walk_is(walk, active, "dict") || !rg_entries_of_dict(&entries, walk->image, active))
		return RG_NO_STRING;
	while (rg_entries_next(&entries, &key, &thread))
		if ((uint64_t)rg_int_value(walk->image, key) == ident)
			return rg_walk_name(walk, rg_instance_attribute(walk, thread, "_name"));
	return RG_NO_STRING;
}

/* The evaluation stack of a frame that is inside C code is not recorded: guess among its words. */
static void guess_stack(
	struct rg_walk *walk, uint64_t first, uint32_t size, struct rg_root_record root)
{
	walk->current = RG_NO_OBJECT;
	for (uint32_t i = 0; i < size && i < 10000; i++) {
		size_t before = walk->n_guesses;

		rg_walk_guess(walk, rg_image_u64(walk->image, first + 8ull * i));
		if (walk->n_guesses > before)
			walk->guesses[before].root = root;
	}
}

/* What the thread owns through one frame: its function, locals and stack. */
static void walk_frame_roots(
	struct rg_walk *walk, uint64_t frame, uint64_t code, struct rg_root_record root)
{
	const struct rg_layout *layout = walk->layout;
	struct rg_image *image = walk->image;
	uint32_t locals = rg_image_u32(image, code + (unsigned)layout->code_nlocalsplus);
	int32_t top = (int32_t)rg_image_u32(image, frame + (unsigned)layout->frame_stacktop);
	uint8_t owner = rg_image_u8(image, frame + (unsigned)layout->frame_owner);
	uint64_t slots = frame + (unsigned)layout->frame_localsplus;
	uint32_t end = top > (int32_t)locals ? (uint32_t)top : locals;
	const struct {
		int offset;
		enum rg_kind kind;
		const char *name;
	} owned[] = {
		{ layout->frame_func, RG_KIND_FUNC, "function" },
		{ layout->frame_code, RG_KIND_CODE, "code" },
		{ layout->frame_locals, RG_KIND_OTHER, "f_locals" },
		{ layout->frame_object, RG_KIND_OTHER, "frame object" },
	};

	/* a suspended generator's frame belongs to it; of a running one only the locals are ours */
	for (size_t i = 0; owner != OWNED_BY_GENERATOR && i < 4; i++) {
		root.target = rg_image_u64(image, frame + (unsigned)owned[i].offset);
		root.reference = owned[i].kind;
		root.label = rg_walk_literal(walk, owned[i].name);
		if (root.target)
			rg_walk_root(walk, &root);
	}
	for (uint32_t i = 0; i < end && i < 1u << 20 && rg_walk_spend(walk, 1); i++) {
		root.target = rg_image_u64(image, slots + 8ull * i);
		root.reference = i < locals ? RG_KIND_LOCAL : RG_KIND_STACK;
		root.label = i < locals ? rg_frame_local_name(walk, code, i) : RG_NO_STRING;
		if (root.target && (owner != OWNED_BY_GENERATOR || top < 0))
			rg_walk_root(walk, &root);
	}
	root.reference = RG_KIND_GUESS;
	root.label = RG_NO_STRING;
	if (top < 0)
		guess_stack(walk, slots + 8ull * locals,
			rg_image_u32(image, code + (unsigned)layout->code_stacksize), root);
}

static void walk_frames(struct rg_walk *walk, uint64_t thread, uint32_t number)
{
	const struct rg_layout *layout = walk->layout;
	struct rg_image *image = walk->image;
	uint64_t cframe = rg_image_u64(image, thread + (unsigned)layout->thread_cframe);
	uint64_t frame = rg_image_u64(image, cframe + (unsigned)layout->cframe_frame);

	while (frame && is_first(walk, frame)) {
		uint64_t code = rg_image_u64(image, frame + (unsigned)layout->frame_code);
		struct rg_root_record root = new_root(RG_ROOT_FRAME);
		struct rg_frame_record record = { .thread = number };

		if (!rg_walk_is(walk, code, "code"))
			break;
		record.function = rg_walk_name(
			walk, rg_image_u64(image, code + (unsigned)layout->code_qualname));
		record.file = rg_walk_name(
			walk, rg_image_u64(image, code + (unsigned)layout->code_filename));
		record.line = rg_frame_line(walk, code,
			rg_image_u64(image, frame + (unsigned)layout->frame_instruction));
		root.thread = number;
		root.frame = rg_writer_frame(walk->writer, &record);
		walk_frame_roots(walk, frame, code, root);
		frame = rg_image_u64(image, frame + (unsigned)layout->frame_previous);
	}
}

/* Threads hang in a list, the newest first; number them from the oldest, the main thread. */
static void walk_threads(struct rg_walk *walk, uint64_t interpreter)
{
	const struct rg_layout *layout = walk->layout;
	struct rg_image *image = walk->image;
	uint64_t thread = rg_image_u64(image, interpreter + (unsigned)layout->interp_threads);
	uint64_t last = 0;

	for (int i = 0; thread && i < THREADS; i++) {
		last = thread;
		thread = rg_image_u64(image, thread + (unsigned)layout->thread_next);
	}
	/* `prev` is the first field */
	for (; last && is_first(walk, last); last = rg_image_u64(image, last)) {
		struct rg_thread_record record = {
			.ident = rg_image_u64(image, last + (unsigned)layout->thread_ident),
			.native_id = rg_image_u64(image, last + (unsigned)layout->thread_native_id),
		};
		struct rg_root_record root = new_root(RG_ROOT_THREAD);

		record.name = thread_name(walk, interpreter, record.ident);
		root.thread = rg_writer_thread(walk->writer, &record);
		walk_owned(walk, last, layout->thread_owned, root);
		walk_frames(walk, last, root.thread);
	}
}

void rg_roots_walk(struct rg_walk *walk)
{
	uint64_t interpreter = walk->runtime->interpreter;

	for (int i = 0; interpreter && i < INTERPRETERS && is_first(walk, interpreter); i++) {
		walk_modules(walk, interpreter);
		walk_threads(walk, interpreter);
		walk_owned(walk, interpreter, walk->layout->interp_owned,
			new_root(RG_ROOT_INTERPRETER));
		walk_atexit(walk, interpreter + (unsigned)walk->layout->interp_atexit);
		walk_collector(walk, interpreter);
		interpreter = rg_image_u64(
			walk->image, interpreter + (unsigned)walk->layout->interp_next);
	}
}

void rg_roots_static(struct rg_walk *walk)
{
	struct rg_root_record root = new_root(RG_ROOT_STATIC);

	for (size_t i = 0; i < walk->types.count; i++) {
		const struct rg_pytype *type = &walk->types.rows[i];

		root.target = type->address;
		if (!type->valid || type->tp_flags & RG_TPFLAG_HEAP ||
			rg_objects_find(&walk->objects, type->address) == RG_NO_OBJECT)
			continue;
		root.name = rg_writer_string(
			walk->writer, type->name, __builtin_strlen(type->name));
		rg_walk_root(walk, &root);
	}
}
