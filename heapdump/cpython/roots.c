#include "heapdump/cpython/roots.h"

#include <stdio.h>

#include "heapdump/base/array.h"
#include "heapdump/cpython/call.h"
#include "heapdump/cpython/code.h"
#include "heapdump/cpython/readers.h"
#include "heapdump/cpython/text.h"

#define INTERPRETERS 1000
#define THREADS 100000
#define BUILTIN_TYPES 400
#define ATEXIT_SIZE 24 /* of an atexit callback: func, args, kwargs */

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

/* The name of a root of INTERPRETER: a sub-interpreter's says so. */
static uint32_t name_in(struct rg_walk *walk, uint64_t interpreter, const char *name)
{
	char text[128];
	int length;

	if (interpreter == walk->runtime->main)
		return rg_walk_literal(walk, name);
	length = snprintf(text, sizeof(text), "interpreter %lld: %s",
		(long long)rg_walk_field(walk, interpreter, walk->layout->interp_id), name);
	return rg_writer_string(walk->writer, text, (size_t)length);
}

/* Those of a sub-interpreter are told by its own sys.modules: their names are taken. */
static void walk_modules(struct rg_walk *walk, uint64_t interpreter)
{
	uint64_t modules = rg_image_u64(
		walk->image, interpreter + (unsigned)walk->layout->interp_modules);
	struct rg_root_record root = new_root(RG_ROOT_MODULE);
	struct rg_entries entries;
	uint64_t name;

	if (interpreter != walk->runtime->main)
		return;
	if (!rg_walk_is(walk, modules, "dict") ||
		!rg_entries_of_dict(&entries, walk->image, walk->layout, modules))
		return;
	while (rg_entries_next(&entries, &name, &root.target)) {
		root.name = rg_walk_name(walk, name);
		rg_walk_root(walk, &root);
	}
}

static void walk_owned(struct rg_walk *walk, uint64_t interpreter, uint64_t address,
	const struct rg_owned_field *fields, struct rg_root_record root)
{
	unsigned column = rg_layout_column(walk->layout);
	bool interp = fields == rg_interp_owned;

	for (; fields->name; fields++) {
		int offset = fields->offset[column];

		root.target = rg_walk_field(
			walk, address, interp ? rg_layout_interp(walk->layout, offset) : offset);
		root.name = name_in(walk, interpreter, fields->name);
		if (root.target)
			rg_walk_root(walk, &root);
	}
}

/*
 * To 3.13 an array of C structures, to 3.9 in the state of the module; later a list, one of the
 * interpreter's own pointers.
 */
static void walk_atexit(struct rg_walk *walk, uint64_t interpreter)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t callbacks = rg_walk_field(walk, interpreter, layout->interp_atexit);
	uint32_t count = (uint32_t)rg_walk_field(walk, interpreter, layout->interp_atexit_count);
	uint64_t module = rg_walk_field(walk, interpreter, layout->interp_atexit_module);
	struct rg_root_record root = new_root(RG_ROOT_INTERPRETER);

	if (module) {
		uint64_t state = rg_walk_field(walk, module, layout->module_state);

		callbacks = rg_image_u64(walk->image, state);
		count = rg_image_u32(walk->image, state + 8);
	}
	root.name = name_in(walk, interpreter, "atexit");
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
	root.name = name_in(walk, interpreter, "gc.garbage");
	rg_walk_root(walk, &root);
	root.target = gc.callbacks;
	root.name = name_in(walk, interpreter, "gc.callbacks");
	rg_walk_root(walk, &root);
}

/* The table of interned strings is a dict that the collector knows, from 3.14 on. */
static void walk_interned(struct rg_walk *walk, uint64_t interpreter)
{
	struct rg_root_record root = new_root(RG_ROOT_INTERPRETER);

	root.target = rg_walk_field(walk, interpreter, walk->layout->interp_interned);
	root.name = name_in(walk, interpreter, "interned strings");
	if (!rg_walk_is(walk, root.target, "dict"))
		return;
	if (!rg_map_set(&walk->shared->borrowers, root.target, 1))
		walk->out_of_memory = true;
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
	if (!rg_walk_is(walk, active, "dict") ||
		!rg_entries_of_dict(&entries, walk->image, walk->layout, active))
		return RG_NO_STRING;
	while (rg_entries_next(&entries, &key, &thread))
		if ((uint64_t)rg_int_value(walk->image, walk->layout, key) == ident)
			return rg_walk_name(walk, rg_instance_attribute(walk, thread, "_name"));
	return RG_NO_STRING;
}

/* The evaluation stack of a frame that is inside C code is not recorded: guess among its words. */
static void guess_stack(
	struct rg_walk *walk, uint64_t first, uint32_t size, struct rg_root_record root)
{
	walk->current = 0;
	for (uint32_t i = 0; i < size && i < 10000; i++) {
		size_t before = walk->n_guesses;

		rg_walk_guess(walk, rg_image_u64(walk->image, first + 8ull * i));
		if (walk->n_guesses > before)
			walk->guesses[before].root = root;
	}
}

/* What the thread owns through one call: its function, locals and stack. */
static void walk_call_roots(
	struct rg_walk *walk, const struct rg_call *call, struct rg_root_record root)
{
	const struct {
		uint64_t target;
		enum rg_kind kind;
		const char *name;
	} owned[] = {
		{ call->function, RG_KIND_FUNC, "function" },
		{ call->code, RG_KIND_CODE, "code" },
		{ call->locals, RG_KIND_OTHER, "f_locals" },
		{ call->object, RG_KIND_OTHER, "frame object" },
	};
	bool of_generator = call->owner == RG_CALL_OF_GENERATOR;

	/* a suspended generator's call belongs to it; of a running one only the locals are ours */
	for (size_t i = 0; !of_generator && i < sizeof(owned) / sizeof(owned[0]); i++) {
		root.target = owned[i].target;
		root.reference = owned[i].kind;
		root.label = rg_walk_literal(walk, owned[i].name);
		if (root.target)
			rg_walk_root(walk, &root);
	}
	for (uint32_t i = 0; i < call->n_slots && rg_walk_spend(walk, 1); i++) {
		root.target = rg_call_slot(walk, call, i);
		root.reference = i < call->n_locals ? RG_KIND_LOCAL : RG_KIND_STACK;
		root.label = i < call->n_locals ? rg_code_local_name(walk, call->code, i)
						: RG_NO_STRING;
		if (root.target && (!of_generator || !call->recorded))
			rg_walk_root(walk, &root);
	}
	root.reference = RG_KIND_GUESS;
	root.label = RG_NO_STRING;
	if (!call->recorded)
		guess_stack(walk, call->slots + 8ull * call->n_slots,
			rg_code_stack(walk, call->code), root);
}

/* To 3.10 a thread owns the frame object, which owns the rest; of a generator's, not even that. */
static void walk_frame_object_root(
	struct rg_walk *walk, const struct rg_call *call, struct rg_root_record root)
{
	root.target = call->address;
	root.label = rg_walk_literal(walk, "frame object");
	if (call->owner != RG_CALL_OF_GENERATOR)
		rg_walk_root(walk, &root);
}

static void walk_call(struct rg_walk *walk, const struct rg_call *call, uint32_t thread)
{
	const struct rg_layout *layout = walk->layout;
	struct rg_root_record root = new_root(RG_ROOT_FRAME);
	struct rg_frame_record record = {
		.thread = thread,
		.function = rg_walk_name(
			walk, rg_walk_field(walk, call->code, layout->code_qualname)),
		.file = rg_walk_name(walk, rg_walk_field(walk, call->code, layout->code_filename)),
		.line = rg_code_line(walk, call->code, call->offset),
	};

	root.thread = thread;
	root.frame = rg_writer_frame(walk->writer, &record);
	if (layout->thread_frame_object >= 0)
		walk_frame_object_root(walk, call, root);
	else
		walk_call_roots(walk, call, root);
}

/* From the newest call to the oldest, past those of C code. */
static void walk_calls(struct rg_walk *walk, uint64_t thread, uint32_t number)
{
	uint64_t at = rg_call_of_thread(walk, thread);
	struct rg_call call;

	while (at && is_first(walk, at)) {
		if (rg_call_read(&call, walk, at))
			walk_call(walk, &call, number);
		at = call.previous;
	}
}

/* Threads hang in a list, the newest first; number them from the oldest, the main thread. */
static void walk_threads(struct rg_walk *walk, uint64_t interpreter)
{
	const struct rg_layout *layout = walk->layout;
	struct rg_image *image = walk->image;
	uint64_t thread = rg_image_u64(image, interpreter + (unsigned)layout->interp_threads);
	uint64_t last = 0, *slot;

	for (int i = 0; thread && i < THREADS; i++) {
		last = thread;
		thread = rg_image_u64(image, thread + (unsigned)layout->thread_next);
	}
	/* `prev` is the first field */
	for (; last && is_first(walk, last); last = rg_image_u64(image, last)) {
		struct rg_thread_record record = {
			.ident = rg_image_u64(image, last + (unsigned)layout->thread_ident),
			.native_id = rg_walk_field(walk, last, layout->thread_native_id),
		};
		struct rg_root_record root = new_root(RG_ROOT_THREAD);

		record.name = thread_name(walk, interpreter, record.ident);
		root.thread = rg_writer_thread(walk->writer, &record);
		slot = RG_PUSH(walk->threads, walk->n_threads, walk->threads_capacity);
		if (slot)
			*slot = record.ident;
		walk_owned(walk, interpreter, last, rg_thread_owned, root);
		walk_calls(walk, last, root.thread);
	}
}

/*
 * From 3.12 on each interpreter has its own dict and subclasses of a builtin type; those of the
 * main one are shown as the type's.
 */
static void walk_builtin_types(struct rg_walk *walk, uint64_t interpreter)
{
	const struct rg_layout *layout = walk->layout;
	struct rg_root_record root = new_root(RG_ROOT_INTERPRETER);
	uint64_t at = interpreter + (unsigned)layout->interp_builtin_types;

	if (layout->static_type_size < 0 || interpreter == walk->runtime->main)
		return;
	root.name = name_in(walk, interpreter, "builtin types");
	for (int i = 0; i < BUILTIN_TYPES && rg_walk_field(walk, at, layout->static_type_type);
		i++, at += (unsigned)layout->static_type_size) {
		root.target = rg_walk_field(walk, at, layout->static_type_dict);
		rg_walk_root(walk, &root);
		root.target = rg_walk_field(walk, at, layout->static_type_subclasses);
		if (root.target)
			rg_walk_root(walk, &root);
	}
}

static void walk_interpreter(struct rg_walk *walk, uint64_t interpreter)
{
	walk_modules(walk, interpreter);
	walk_threads(walk, interpreter);
	walk_owned(walk, interpreter, interpreter, rg_interp_owned, new_root(RG_ROOT_INTERPRETER));
	walk_builtin_types(walk, interpreter);
	walk_atexit(walk, interpreter);
	walk_collector(walk, interpreter);
	walk_interned(walk, interpreter);
}

/* The newest is the first of the list: go back from the main one, whose thread is the first. */
void rg_roots_walk(struct rg_walk *walk)
{
	uint64_t interpreters[INTERPRETERS];
	uint64_t at = walk->runtime->interpreter;
	int n = 0;

	for (; at && n < INTERPRETERS && is_first(walk, at);
		at = rg_walk_field(walk, at, walk->layout->interp_next))
		interpreters[n++] = at;
	while (n > 0)
		walk_interpreter(walk, interpreters[--n]);
}

void rg_roots_static(struct rg_walk *walk)
{
	struct rg_root_record root = new_root(RG_ROOT_STATIC);

	for (size_t i = 0; i < walk->shared->types.count; i++) {
		const struct rg_pytype *type = walk->shared->types.rows[i];

		root.target = type->address;
		if (!type->valid || type->tp_flags & RG_TPFLAG_HEAP ||
			rg_objects_find(walk->objects, type->address) == RG_NO_OBJECT)
			continue;
		root.name = rg_writer_string(
			walk->writer, type->name, __builtin_strlen(type->name));
		rg_walk_root(walk, &root);
	}
}
