/*
 * The CPython runtime in an image: where it is, which version, and the collector's state.
 *
 * Found by the symbol _PyRuntime and checked before it is believed: the list heads of the
 * collector are calibrated against the process, since patch releases move them.
 */
#ifndef RG_CPYTHON_RUNTIME_H
#define RG_CPYTHON_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "heapdump/base/error.h"
#include "heapdump/cpython/layout.h"
#include "heapdump/image/image.h"

struct rg_gc_state {
	uint64_t address; /* of struct _gc_runtime_state */
	uint64_t heads
		[4]; /* generations 0, 1, 2, permanent; of an incremental one 0, 2, 2, permanent */
	uint64_t counted[3]; /* the heads in the order of gc.get_count() */
	bool incremental;
	uint64_t garbage, callbacks; /* the lists, or 0 */
	bool enabled, collecting;
	uint32_t thresholds[3], counts[3];
	uint64_t collections[3], collected[3], uncollectable[3];
};

struct rg_runtime {
	uint64_t address; /* of _PyRuntime */
	uint64_t binary; /* where the file that holds it is mapped */
	uint32_t version; /* as Py_Version: 0x030b02f0; its low 16 bits 0 where not known */
	const char *build; /* of a kind that is not read ("debug"), or NULL */
	struct rg_layout layout;
	uint64_t interpreter; /* the first of the list: the newest */
	uint64_t main; /* the one that the program began with */
};

/* "3.11.2" of a version number, in OUT of at least 16 bytes. */
void rg_version_text(uint32_t version, char *out, size_t size);

/* True when IMAGE holds a CPython: its address, version (0 when unknown) and build are set. */
bool rg_runtime_detect(struct rg_runtime *runtime, struct rg_image *image);

/* Find and check the runtime. RG_BAD_DATA: not Python, a version that is not supported. */
enum rg_code rg_runtime_find(
	struct rg_runtime *runtime, struct rg_image *image, struct rg_error *err);

/* The collector of one interpreter. RG_BAD_DATA when its lists are not found. */
enum rg_code rg_runtime_gc(const struct rg_runtime *runtime, struct rg_image *image,
	uint64_t interpreter, struct rg_gc_state *gc_ret, struct rg_error *err);

#endif
