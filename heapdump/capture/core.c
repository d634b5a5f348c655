#include "heapdump/capture/core.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heapdump/capture/facts.h"
#include "heapdump/capture/room.h"
#include "heapdump/cpython/passes.h"
#include "heapdump/image/coreimage.h"

#define SHIFT 3 /* CPython's objects are 8-aligned at least */
#define LIST 2000 /* bytes of a warning's text for the names of files */
#define LINES 100 /* files that are told of, one a line */

/* A core file that is open, and what was found in it. */
struct opened {
	struct rg_core core;
	struct rg_coreimage memory;
	struct rg_runtime runtime;
	struct rg_gc_state gc;
};

/* --- refusals ----------------------------------------------------------------------------- */

/* An error about the memory of a core, which does not know whose it was. */
static enum rg_code at_core(struct rg_error *err, const struct rg_core *core)
{
	char text[sizeof(err->message)];

	if (!err)
		return RG_BAD_DATA;
	memcpy(text, err->message, sizeof(text));
	snprintf(err->message, sizeof(err->message), "%.150s: core of '%s' (pid %d): %.*s",
		core->path, core->name, core->pid, 200, text);
	err->hint[0] = '\0';
	return rg_at_file(err, core->path, RG_NO_OFFSET);
}

static enum rg_code refuse_cut(const struct rg_core *core, const char *lost, struct rg_error *err)
{
	rg_fail(err, RG_BAD_DATA, "cut-core",
		"%s: the core is cut, %llu of %llu bytes are there, and %s is in the rest",
		core->path, (unsigned long long)core->size, (unsigned long long)core->expected,
		lost);
	rg_hint(err, "write it again where there is room, with: ulimit -c unlimited");
	return rg_at_file(err, core->path, core->size);
}

static bool is_lacking(const struct rg_core_binary *binary)
{
	return binary->state == RG_BINARY_MISSING || binary->state == RG_BINARY_WRONG;
}

/* Tell of all files that are lacking, one a line, unless they are fewer than LEAST. */
static void tell_lacking(
	const struct rg_core_capture *capture, const struct opened *opened, size_t least)
{
	const struct rg_coreimage *memory = &opened->memory;
	size_t lacking = 0, told = 0;
	char text[400];

	for (size_t i = 0; i < memory->n_binaries; i++)
		lacking += is_lacking(&memory->binaries[i]);
	for (size_t i = 0; capture->warn && lacking >= least && i < memory->n_binaries; i++) {
		if (!is_lacking(&memory->binaries[i]) || told++ >= LINES)
			continue;
		rg_coreimage_describe(memory, &memory->binaries[i], text, sizeof(text));
		capture->warn(capture->context, text);
	}
	if (told > LINES) {
		snprintf(text, sizeof(text), "and %zu files more", told - LINES);
		capture->warn(capture->context, text);
	}
}

/* BINARY is lacking, and nothing can be read without it. */
static enum rg_code refuse_lacking(const struct rg_core_capture *capture,
	const struct opened *opened, const struct rg_core_binary *binary, struct rg_error *err)
{
	bool wrong = binary->state == RG_BINARY_WRONG;
	char text[400];

	tell_lacking(capture, opened, 2);
	rg_coreimage_describe(&opened->memory, binary, text, sizeof(text));
	rg_fail(err, RG_BAD_DATA, wrong ? "wrong-binary" : "missing-binary", "%.60s: %s",
		opened->core.path, text);
	rg_hint(err, "put the binaries of the core's machine below a folder, with their paths, and "
		     "name it with --sysroot DIR");
	return rg_at_file(err, opened->core.path, RG_NO_OFFSET);
}

/* The first of the binaries in STATE, or NULL. */
static const struct rg_core_binary *first_in(const struct opened *opened, int state)
{
	for (size_t i = 0; i < opened->memory.n_binaries; i++)
		if ((int)opened->memory.binaries[i].state == state)
			return &opened->memory.binaries[i];
	return NULL;
}

/* Why no runtime was found, if the core itself is the reason; else what ERR says already. */
static enum rg_code explain(
	const struct rg_core_capture *capture, struct opened *opened, struct rg_error *err)
{
	const struct rg_core_binary *missing = first_in(opened, RG_BINARY_MISSING);
	const struct rg_core *core = &opened->core;

	if (opened->runtime.address &&
		!rg_coreimage_holds(&opened->memory, opened->runtime.address)) {
		if (rg_core_is_cut(core))
			return refuse_cut(core, "the state of the interpreter", err);
		rg_fail(err, RG_BAD_DATA, "no-heap",
			"%s: the core was written without the memory that the process changed",
			core->path);
		rg_hint(err,
			"write it with bit 0 of /proc/PID/coredump_filter set, as it is unless "
			"changed");
		return rg_at_file(err, core->path, RG_NO_OFFSET);
	}
	if (!opened->runtime.address && missing)
		return refuse_lacking(capture, opened, missing, err);
	if (!opened->runtime.address && rg_core_is_cut(core) && core->n_mapped == 0)
		return refuse_cut(core, "the list of its files", err);
	return at_core(err, core);
}

/* A core that is cut may have lost objects: every list of the collector must still close. */
static enum rg_code check_lists(struct opened *opened, struct rg_error *err)
{
	struct rg_image *image = &opened->memory.image;
	uint64_t steps = opened->core.size / 16;

	for (unsigned i = 0; i < 4; i++) {
		uint64_t head = opened->gc.heads[i], at = head;

		do {
			if (!rg_image_at(image, at, 16) || steps-- == 0)
				return refuse_cut(&opened->core, "a part of the heap", err);
			at = rg_image_u64(image, at) & ~3ull;
		} while (at != head);
	}
	return RG_OK;
}

/* --- opening ------------------------------------------------------------------------------ */

static enum rg_code find_heap(
	const struct rg_core_capture *capture, struct opened *opened, struct rg_error *err)
{
	const struct rg_core_binary *binary = first_in(opened, RG_BINARY_WRONG);
	struct rg_image *image = &opened->memory.image;
	enum rg_code code;

	if (binary)
		return refuse_lacking(capture, opened, binary, err);
	code = rg_runtime_find(&opened->runtime, image, err);
	/* without its own read-only data its version and the names of all types are lost */
	binary = opened->runtime.address
			 ? rg_coreimage_binary(&opened->memory, opened->runtime.address)
			 : NULL;
	if (binary && binary->state == RG_BINARY_MISSING)
		return refuse_lacking(capture, opened, binary, err);
	if (code)
		return code == RG_BAD_DATA ? explain(capture, opened, err) : code;
	code = rg_runtime_gc(
		&opened->runtime, image, opened->runtime.interpreter, &opened->gc, err);
	if (code == RG_BAD_DATA && rg_core_is_cut(&opened->core))
		return refuse_cut(&opened->core, "a part of the heap", err);
	if (code)
		return code == RG_BAD_DATA ? at_core(err, &opened->core) : code;
	return rg_core_is_cut(&opened->core) ? check_lists(opened, err) : RG_OK;
}

static void close_core(struct opened *opened)
{
	rg_coreimage_deinit(&opened->memory);
	rg_core_close(&opened->core);
}

static enum rg_code open_core(
	struct opened *opened, const struct rg_core_capture *capture, struct rg_error *err)
{
	enum rg_code code;

	memset(opened, 0, sizeof(*opened));
	code = rg_core_open(&opened->core, capture->path, err);
	if (!code)
		code = rg_coreimage_init(&opened->memory, &opened->core, capture->sysroot, err);
	if (!code)
		code = find_heap(capture, opened, err);
	if (code)
		close_core(opened);
	return code;
}

/*
 * Hold what the reading may need against what there is: no more than what the file has on disk
 * can be the process's private memory.
 */
static enum rg_code check_room(const struct rg_core *core, FILE *stream, struct rg_error *err)
{
	struct rg_room_need need = { 0 };
	enum rg_code code;
	struct stat st;

	if (stat(core->path, &st) == 0)
		need = rg_room_need_of((uint64_t)st.st_blocks * 512);
	need.target = 0;
	code = rg_room_check_memory("", 0, getpid(), &need, err);
	if (!code)
		code = rg_room_check_disk(fileno(stream), &need, err);
	if (code) {
		char text[sizeof(err->message)];

		memcpy(text, err->message, sizeof(text));
		snprintf(err->message, sizeof(err->message), "%.150s: %.*s", core->path, 200, text);
		rg_at_file(err, core->path, RG_NO_OFFSET);
	}
	return code;
}

/* --- facts -------------------------------------------------------------------------------- */

static void warn(struct rg_writer *writer, const struct rg_core_capture *capture, const char *name,
	const char *text)
{
	rg_writer_fact_text(writer, name, text);
	if (capture->warn)
		capture->warn(capture->context, text);
}

static void write_warnings(struct rg_writer *writer, const struct rg_core_capture *capture,
	const struct opened *opened)
{
	char files[LIST], text[LIST + 200];

	/* that one is among the facts of the collector */
	if (opened->gc.collecting && capture->warn)
		capture->warn(capture->context, "a collection was running");
	if (rg_core_is_cut(&opened->core)) {
		snprintf(text, sizeof(text),
			"the core is cut, %llu of %llu bytes are there: untracked objects and "
			"values may be missing",
			(unsigned long long)opened->core.size,
			(unsigned long long)opened->core.expected);
		warn(writer, capture, "warning.core-cut", text);
	}
	if (rg_coreimage_list(&opened->memory, RG_BINARY_MISSING, files, sizeof(files))) {
		snprintf(text, sizeof(text),
			"files that the core needs are not here, objects of their types may be "
			"missing: %s (--sysroot DIR)",
			files);
		rg_writer_fact_text(writer, "warning.core-missing-binary", text);
		tell_lacking(capture, opened, 1);
		if (capture->warn)
			capture->warn(capture->context,
				"objects of the types in those files may be missing (--sysroot "
				"DIR)");
	}
	if (rg_coreimage_list(&opened->memory, RG_BINARY_UNSURE, files, sizeof(files))) {
		snprintf(text, sizeof(text),
			"no build-id in the core tells whether these files are of the same build: "
			"%s",
			files);
		warn(writer, capture, "warning.core-unsure-binary", text);
	}
}

static void write_facts(struct rg_writer *writer, const struct rg_core_capture *capture,
	const struct opened *opened)
{
	const struct rg_core *core = &opened->core;

	rg_facts_runtime(writer, &opened->runtime, "core", capture->tool, core->written);
	if (core->pid)
		rg_writer_fact_number(writer, "pid", core->pid);
	/* a command line may hold a password */
	if (capture->values && core->command[0])
		rg_writer_fact_text(writer, "argv", core->command);
	if (core->signal)
		rg_writer_fact_number(writer, "core.signal", core->signal);
	rg_facts_gc(writer, &opened->gc);
	write_warnings(writer, capture, opened);
}

enum rg_code rg_core_capture_write(
	struct rg_core_capture *capture, FILE *stream, struct rg_error *err)
{
	struct opened opened;
	struct rg_writer *writer;
	enum rg_code code = open_core(&opened, capture, err);

	if (code)
		return code;
	code = capture->force ? RG_OK : check_room(&opened.core, stream, err);
	if (code) {
		close_core(&opened);
		return code;
	}
	capture->pid = opened.core.pid;
	writer = rg_writer_create(stream, SHIFT);
	if (!writer) {
		close_core(&opened);
		return rg_nomem(err);
	}
	write_facts(writer, capture, &opened);
	rg_writer_flush(writer);
	code = rg_walk_heap(&opened.memory.image, &opened.runtime, writer,
		&(struct rg_walk_options){ .values = capture->values, .sites = true }, err);
	if (code == RG_BAD_DATA)
		at_core(err, &opened.core);
	if (!code)
		code = rg_writer_finish(writer, err);
	rg_writer_destroy(writer);
	close_core(&opened);
	return code;
}
