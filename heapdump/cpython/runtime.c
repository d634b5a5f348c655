#include "heapdump/cpython/runtime.h"

#include <stdio.h>
#include <string.h>

#include "heapdump/image/elf.h"

#define GC_SCAN 320 /* bytes of the collector's state in which its lists are looked for */
#define POINTER_MASK (~3ull)

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

static bool detect_in(struct rg_image *image, const struct rg_mapping *mapping,
	uint64_t *address_ret, uint32_t *version_ret)
{
	uint64_t address = rg_elf_symbol(image, mapping->start, "_PyRuntime"), version;

	if (!address)
		return false;
	version = rg_elf_symbol(image, mapping->start, "Py_Version");
	*address_ret = address;
	*version_ret = version ? rg_image_u32(image, version) : version_by_name(mapping->path);
	return true;
}

bool rg_runtime_detect(struct rg_image *image, uint64_t *address_ret, uint32_t *version_ret)
{
	/* files called like Python first: the others are many, and may only embed it */
	for (int likely = 1; likely >= 0; likely--)
		for (size_t i = 0; i < image->n_mappings; i++) {
			const struct rg_mapping *mapping = &image->mappings[i];

			if (mapping->offset == 0 && mapping->readable && mapping->path[0] == '/' &&
				(strstr(mapping->path, "python") != NULL) == likely &&
				detect_in(image, mapping, address_ret, version_ret))
				return true;
		}
	return false;
}

enum rg_code rg_runtime_find(
	struct rg_runtime *runtime, struct rg_image *image, struct rg_error *err)
{
	char text[32];

	memset(runtime, 0, sizeof(*runtime));
	if (!rg_runtime_detect(image, &runtime->address, &runtime->version)) {
		rg_fail(err, RG_BAD_DATA, "not-python",
			"not a CPython process: no _PyRuntime in "
			"its executable or libraries");
		return rg_hint(err, "see the Python processes here with: refgraph ps");
	}
	rg_version_text(runtime->version, text, sizeof(text));
	runtime->layout = runtime->version >> 24 == 3
				  ? rg_layout_find((int)(runtime->version >> 16 & 255))
				  : NULL;
	if (!runtime->layout) {
		rg_fail(err, RG_BAD_DATA, "unsupported-version",
			"CPython %s: its layout is not known to this refgraph, which reads 3.11",
			runtime->version ? text : "of unknown version");
		return rg_hint(err, "see which processes it can read with: refgraph ps");
	}
	runtime->interpreter = rg_image_u64(
		image, runtime->address + (unsigned)runtime->layout->runtime_interpreters);
	if (!rg_image_at(image, runtime->interpreter, 8))
		return rg_fail(err, RG_BAD_DATA, "no-interpreter",
			"CPython %s: no interpreter yet or any more: the process starts or ends",
			text);
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

/*
 * generation0 is a pointer into its own structure, to the first of three list heads: that
 * self-reference finds both wherever a patch release has put them. While a collection runs the
 * heads do not close (it keeps its counts in the backward links): then its own mark that it runs
 * must stand where it belongs.
 */
static bool calibrate(struct rg_image *image, const struct rg_layout *layout, uint64_t gc,
	struct rg_gc_state *state)
{
	for (uint64_t at = gc; at < gc + GC_SCAN; at += 8) {
		uint64_t first = rg_image_u64(image, at), permanent;

		if (first < gc || first >= gc + 64 || at < first + 72)
			continue;
		permanent = at - first < 100 ? at + 8 : first + 72;
		if (!are_lists(image, first, permanent) &&
			rg_image_u32(image, first + (unsigned)layout->gc_collecting_after) != 1)
			continue;
		for (unsigned i = 0; i < 3; i++)
			state->heads[i] = first + 24 * i;
		state->heads[3] = permanent;
		return true;
	}
	return false;
}

enum rg_code rg_runtime_gc(const struct rg_runtime *runtime, struct rg_image *image,
	uint64_t interpreter, struct rg_gc_state *gc_ret, struct rg_error *err)
{
	const struct rg_layout *layout = runtime->layout;
	uint64_t first;

	memset(gc_ret, 0, sizeof(*gc_ret));
	if (!calibrate(image, layout, interpreter + (unsigned)layout->interp_gc, gc_ret))
		return rg_fail(err, RG_BAD_DATA, "no-collector",
			"the collector's lists are not where CPython 3.%d has them: another build "
			"(free-threaded, debug)?",
			layout->minor);
	first = gc_ret->heads[0];
	gc_ret->enabled = rg_image_u32(image, first - (unsigned)layout->gc_enabled_before);
	gc_ret->collecting = rg_image_u32(image, first + (unsigned)layout->gc_collecting_after);
	gc_ret->garbage = rg_image_u64(image, first + (unsigned)layout->gc_garbage_after);
	gc_ret->callbacks = rg_image_u64(image, first + (unsigned)layout->gc_callbacks_after);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t stats = first + (unsigned)layout->gc_stats_after + 24 * i;

		gc_ret->thresholds[i] = rg_image_u32(image, gc_ret->heads[i] + 16);
		gc_ret->counts[i] = rg_image_u32(image, gc_ret->heads[i] + 20);
		gc_ret->collections[i] = rg_image_u64(image, stats);
		gc_ret->collected[i] = rg_image_u64(image, stats + 8);
		gc_ret->uncollectable[i] = rg_image_u64(image, stats + 16);
	}
	return RG_OK;
}
