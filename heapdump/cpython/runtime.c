#include "heapdump/cpython/runtime.h"

#include <stdio.h>
#include <string.h>

#include "heapdump/cpython/entries.h"
#include "heapdump/cpython/text.h"
#include "heapdump/image/elf.h"

#define GC_SCAN 320 /* bytes of the collector's state in which its lists are looked for */
#define POINTER_MASK (~3ull)
#define INTERPRETERS 1000 /* that are looked at */
#define INCREMENTAL_MINOR 14
#define VISITED_SPACE 24 /* from the callbacks to the number of the old list being visited */
#define TABLE_WORDS 8 /* by which tables of an interpreter are looked for */
#define STATS_KEPT 16 /* rows of a ring of statistics, at most */

void rg_version_text(uint32_t version, char *out, size_t size)
{
	static const char *const levels[16] = { [0xa] = "a", [0xb] = "b", [0xc] = "rc" };
	const char *level = levels[version >> 4 & 15];

	/* by a file's name: no more than that is known */
	if (!(version & 0xffff))
		snprintf(out, size, "%u.%u", version >> 24, version >> 16 & 255);
	else if (level)
		snprintf(out, size, "%u.%u.%u%s%u", version >> 24, version >> 16 & 255,
			version >> 8 & 255, level, version & 15);
	else
		snprintf(out, size, "%u.%u.%u", version >> 24, version >> 16 & 255,
			version >> 8 & 255);
}

/* Where the version is not exported (before 3.11): the 3.N in the file's name. */
static uint32_t version_by_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *found = strstr(name, "python3.");
	unsigned minor;

	if (!found || sscanf(found, "python3.%u", &minor) != 1 || minor > 99)
		return 0;
	return 0x03000000u | minor << 16;
}

/* What _PyRuntime begins with from 3.13 on: _Py_DebugOffsets. */
#define DEBUG_COOKIE "xdebugpy"
enum { DEBUG_VERSION = 8, DEBUG_FREE_THREADED = 16, DEBUG_WORDS = 111 };

static bool is_debug_offsets(const void *bytes)
{
	return bytes && memcmp(bytes, DEBUG_COOKIE, sizeof(DEBUG_COOKIE) - 1) == 0;
}

static bool detect_in(
	struct rg_runtime *runtime, struct rg_image *image, const struct rg_mapping *mapping)
{
	uint64_t address = rg_elf_symbol(image, mapping->start, "_PyRuntime"), version;

	if (!address)
		return false;
	runtime->address = address;
	runtime->binary = mapping->start;
	version = rg_elf_symbol(image, mapping->start, "Py_Version");
	runtime->version = version ? rg_image_u32(image, version) : version_by_name(mapping->path);
	if (is_debug_offsets(rg_image_at(image, address, 8))) {
		if (!version)
			runtime->version = rg_image_u32(image, address + DEBUG_VERSION);
		if (rg_image_u64(image, address + DEBUG_FREE_THREADED))
			runtime->build = "free-threaded";
	}
	/* exported only where each object counts its references twice */
	if (rg_elf_symbol(image, mapping->start, "_Py_NegativeRefcount"))
		runtime->build = "debug";
	return true;
}

bool rg_runtime_detect(struct rg_runtime *runtime, struct rg_image *image)
{
	memset(runtime, 0, sizeof(*runtime));
	/* files called like Python first: the others are many, and may only embed it */
	for (int likely = 1; likely >= 0; likely--)
		for (size_t i = 0; i < image->n_mappings; i++) {
			const struct rg_mapping *mapping = &image->mappings[i];

			if (mapping->offset == 0 && mapping->readable && mapping->path[0] == '/' &&
				(strstr(mapping->path, "python") != NULL) == likely &&
				detect_in(runtime, image, mapping))
				return true;
		}
	return false;
}

static enum rg_code refuse_version(const struct rg_runtime *runtime, struct rg_error *err)
{
	char text[32];

	rg_version_text(runtime->version, text, sizeof(text));
	rg_fail(err, RG_BAD_DATA, "unsupported-version",
		"CPython %s: its layout is not known to this refgraph, which reads 3.%d to 3.%d",
		runtime->version ? text : "of unknown version", RG_FIRST_MINOR,
		RG_FIRST_MINOR + RG_VERSIONS - 1);
	return rg_hint(err, "see which processes it can read with: refgraph ps");
}

static enum rg_code refuse_build(const struct rg_runtime *runtime, struct rg_error *err)
{
	char text[32];

	rg_version_text(runtime->version, text, sizeof(text));
	rg_fail(err, RG_BAD_DATA, "unsupported-build",
		"CPython %s: a %s build, whose objects are laid out otherwise than those of the "
		"usual one",
		text, runtime->build);
	return rg_hint(err, "run the program with the usual build of CPython, or dump it from "
			    "inside with heapdump.h (see heapdump(3))");
}

/* What the process itself says of its layout, from 3.13 on. */
static void correct_layout(struct rg_runtime *runtime, struct rg_image *image)
{
	const uint64_t *words = runtime->address & 7
					? NULL
					: rg_image_at(image, runtime->address, 8 * DEBUG_WORDS);

	if (is_debug_offsets(words))
		rg_layout_correct(&runtime->layout, words, DEBUG_WORDS);
}

/* Of a list of interpreters the one with the number 0; the first where none says so. */
static uint64_t find_main(struct rg_runtime *runtime, struct rg_image *image)
{
	uint64_t at = runtime->interpreter;

	for (int i = 0; at && i < INTERPRETERS; i++) {
		if (rg_image_u64(image, at + (unsigned)runtime->layout.interp_id) == 0)
			return at;
		at = rg_image_u64(image, at + (unsigned)runtime->layout.interp_next);
	}
	return runtime->interpreter;
}

/* sys.hexversion, read by the layout: it must be the version that the layout is of. */
static uint32_t version_inside(struct rg_runtime *runtime, struct rg_image *image)
{
	int sys = -1;
	uint64_t value;

	for (const struct rg_owned_field *field = rg_interp_owned; field->name; field++)
		if (strcmp(field->name, "sys.__dict__") == 0)
			sys = rg_layout_interp(&runtime->layout,
				field->offset[rg_layout_column(&runtime->layout)]);
	value = rg_entries_lookup(image, &runtime->layout,
		rg_image_u64(image, runtime->main + (unsigned)sys), "hexversion");
	return value ? (uint32_t)rg_int_value(image, &runtime->layout, value) : 0;
}

/* True when a dict is at ADDRESS in which each string leads to itself; DICT is the type. */
static bool is_interned(
	const struct rg_runtime *runtime, struct rg_image *image, uint64_t dict, uint64_t address)
{
	struct rg_entries entries;
	uint64_t key, value;

	return address && rg_image_u64(image, address + RG_OB_TYPE) == dict &&
	       rg_entries_of_dict(&entries, image, &runtime->layout, address) &&
	       rg_entries_next(&entries, &key, &value) && key == value;
}

/* True when the table of static types at OFFSET has TYPE where TYPE says that it is. */
static bool has_type(
	const struct rg_runtime *runtime, struct rg_image *image, int offset, uint64_t type)
{
	const struct rg_layout *layout = &runtime->layout;
	/* in the place of the subclasses: its number in the table, from 1 on */
	uint64_t number = rg_image_u64(image, type + RG_TP_SUBCLASSES);

	return number && number <= RG_STATIC_TYPES &&
	       rg_image_u64(image, runtime->main + (unsigned)offset +
					   (number - 1) * (unsigned)layout->static_type_size +
					   (unsigned)layout->static_type_type) == type;
}

/*
 * Two tables at an interpreter's far end, which the debug offsets do not tell and a patch release
 * may move by a few words: found by what must be in them.
 */
static void settle_tables(struct rg_runtime *runtime, struct rg_image *image)
{
	struct rg_layout *layout = &runtime->layout;
	uint64_t modules = rg_image_u64(image, runtime->main + (unsigned)layout->interp_modules);
	uint64_t dict = rg_image_u64(image, modules + RG_OB_TYPE);
	int interned = layout->interp_interned, types = layout->interp_builtin_types;
	bool has_interned = false, has_types = false;

	/* at first where the layout has them, then ever further to both sides */
	for (int i = 0; i <= 2 * TABLE_WORDS; i++) {
		int by = (i & 1 ? -8 : 8) * ((i + 1) / 2);

		if (interned >= 0 && !has_interned &&
			is_interned(runtime, image, dict,
				rg_image_u64(image, runtime->main + (unsigned)(interned + by)))) {
			layout->interp_interned = interned + by;
			has_interned = true;
		}
		if (types >= 0 && !has_types && has_type(runtime, image, types + by, dict)) {
			layout->interp_builtin_types = types + by;
			layout->interp_extension_types += layout->interp_extension_types < 0 ? 0
											     : by;
			has_types = true;
		}
	}
}

enum rg_code rg_runtime_find(
	struct rg_runtime *runtime, struct rg_image *image, struct rg_error *err)
{
	char text[32];
	uint32_t inside;

	if (!rg_runtime_detect(runtime, image)) {
		rg_fail(err, RG_BAD_DATA, "not-python",
			"not a CPython process: no _PyRuntime in "
			"its executable or libraries");
		return rg_hint(err, "see the Python processes here with: refgraph ps");
	}
	if (runtime->build)
		return refuse_build(runtime, err);
	if (runtime->version >> 24 != 3 ||
		!rg_layout_init(&runtime->layout, (int)(runtime->version >> 16 & 255)))
		return refuse_version(runtime, err);
	correct_layout(runtime, image);
	rg_version_text(runtime->version, text, sizeof(text));
	runtime->interpreter = rg_image_u64(
		image, runtime->address + (unsigned)runtime->layout.runtime_interpreters);
	if (!rg_image_at(image, runtime->interpreter, 8))
		return rg_fail(err, RG_BAD_DATA, "no-interpreter",
			"CPython %s: no interpreter yet or any more: the process starts or ends",
			text);
	runtime->main = find_main(runtime, image);
	settle_tables(runtime, image);
	inside = version_inside(runtime, image);
	if (inside >> 16 == runtime->version >> 16)
		runtime->version = inside;
	return RG_OK;
}

/* True when the list head at ADDRESS closes in both directions. */
static bool is_list(struct rg_image *image, uint64_t address)
{
	uint64_t next = rg_image_u64(image, address) & POINTER_MASK;
	uint64_t previous = rg_image_u64(image, address + 8) & POINTER_MASK;

	return next && previous && (rg_image_u64(image, next + 8) & POINTER_MASK) == address &&
	       (rg_image_u64(image, previous) & POINTER_MASK) == address;
}

/* True when the three list heads at FIRST and the permanent one close. */
static bool are_lists(struct rg_image *image, uint64_t first, uint64_t permanent)
{
	return is_list(image, first) && is_list(image, first + 24) && is_list(image, first + 48) &&
	       is_list(image, permanent);
}

/* The statistics of a generation: to 3.14 a row in the state, then the last of a ring of rows. */
static uint64_t find_stats(
	struct rg_image *image, const struct rg_layout *layout, uint64_t gc, unsigned generation)
{
	uint64_t at = gc + (unsigned)layout->gc_stats;
	int index = layout->gc_stats_young_index;

	if (layout->gc_stats_old < 0)
		return at + (unsigned)layout->gc_stat_size * generation;
	at = rg_image_u64(image, at);
	if (generation > 0) {
		at += (unsigned)layout->gc_stats_old +
		      (unsigned)layout->gc_stats_old_size * (generation - 1);
		index = layout->gc_stats_old_index;
	}
	return at + (unsigned)layout->gc_stat_size *
			    (rg_image_u8(image, at + (unsigned)index) % STATS_KEPT);
}

static void read_stats(
	struct rg_image *image, uint64_t stats, struct rg_gc_state *state, unsigned generation)
{
	state->collections[generation] = rg_image_u64(image, stats);
	state->collected[generation] = rg_image_u64(image, stats + 8);
	state->uncollectable[generation] = rg_image_u64(image, stats + 16);
}

/*
 * Take the lists of the collector whose state is at GC. The permanent generation tells apart a
 * state that is shifted by the alignment of its lists (a patch release of 3.13).
 */
static void set_heads(
	struct rg_gc_state *state, const struct rg_layout *layout, uint64_t gc, uint64_t first)
{
	for (unsigned i = 0; i < 3; i++)
		state->heads[i] = state->counted[i] = first + 24 * i;
	state->heads[3] = gc + (unsigned)layout->gc_permanent;
	state->address = gc;
}

/*
 * generation0 is a pointer into its own structure, to the first of three list heads: that
 * self-reference finds both wherever a patch release has put them. While a collection runs the
 * heads do not close (it keeps its counts in the backward links): then its own mark that it runs
 * must stand where it belongs.
 */
static bool calibrate(struct rg_image *image, const struct rg_layout *layout, uint64_t from,
	struct rg_gc_state *state)
{
	for (uint64_t at = from; at < from + GC_SCAN; at += 8) {
		uint64_t first = rg_image_u64(image, at);
		uint64_t gc = at - (unsigned)layout->gc_generation0;

		if (first < gc || first >= gc + 64 || at < first + 72)
			continue;
		if (!are_lists(image, first, gc + (unsigned)layout->gc_permanent) &&
			rg_image_u32(image, gc + (unsigned)layout->gc_collecting) != 1)
			continue;
		set_heads(state, layout, gc, first);
		return true;
	}
	return false;
}

/*
 * The incremental collector of 3.14.0 to 3.14.4 has no generation0: a young list and two old ones
 * stand where the three generations are. gc.get_objects() has both old ones as generation 2, and
 * gc.get_count() that first which is being visited.
 */
static bool calibrate_incremental(struct rg_image *image, const struct rg_layout *layout,
	uint64_t gc, struct rg_gc_state *state)
{
	uint64_t first = gc + (unsigned)layout->gc_generations;

	if (layout->minor != INCREMENTAL_MINOR ||
		!are_lists(image, first, gc + (unsigned)layout->gc_permanent))
		return false;
	set_heads(state, layout, gc, first);
	state->incremental = true;
	if (rg_image_u32(image, gc + (unsigned)layout->gc_callbacks + VISITED_SPACE) == 1) {
		state->counted[1] = first + 48;
		state->counted[2] = first + 24;
	}
	return true;
}

/* The collector of INTERPRETER where the layout has it, or a little before or behind. */
static bool find_collector(const struct rg_runtime *runtime, struct rg_image *image,
	uint64_t interpreter, struct rg_gc_state *state)
{
	const struct rg_layout *layout = &runtime->layout;
	/* to 3.8 all interpreters share one */
	uint64_t gc = layout->interp_gc >= 0 ? interpreter + (unsigned)layout->interp_gc
					     : runtime->address + (unsigned)layout->runtime_gc;

	if (calibrate(image, layout, gc, state) || calibrate_incremental(image, layout, gc, state))
		return true;
	return calibrate(image, layout, gc > GC_SCAN ? gc - GC_SCAN : 0, state) ||
	       calibrate(image, layout, gc + GC_SCAN, state);
}

enum rg_code rg_runtime_gc(const struct rg_runtime *runtime, struct rg_image *image,
	uint64_t interpreter, struct rg_gc_state *gc_ret, struct rg_error *err)
{
	const struct rg_layout *layout = &runtime->layout;
	uint64_t gc;

	memset(gc_ret, 0, sizeof(*gc_ret));
	if (!find_collector(runtime, image, interpreter, gc_ret))
		return rg_fail(err, RG_BAD_DATA, "no-collector",
			"the collector's lists are not where CPython 3.%d has them: another build "
			"of it?",
			layout->minor);
	gc = gc_ret->address;
	gc_ret->enabled = rg_image_u32(image, gc + (unsigned)layout->gc_enabled);
	gc_ret->collecting = rg_image_u32(image, gc + (unsigned)layout->gc_collecting);
	gc_ret->garbage = rg_image_u64(image, gc + (unsigned)layout->gc_garbage);
	gc_ret->callbacks = rg_image_u64(image, gc + (unsigned)layout->gc_callbacks);
	for (unsigned i = 0; i < 3; i++) {
		gc_ret->thresholds[i] = rg_image_u32(image, gc_ret->heads[i] + 16);
		gc_ret->counts[i] = rg_image_u32(image, gc_ret->counted[i] + 20);
		read_stats(image,
			find_stats(image, layout, gc, i) + (unsigned)layout->gc_stat_collections,
			gc_ret, i);
	}
	return RG_OK;
}
