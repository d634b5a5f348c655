/*
 * Capture from a core file: core -> image -> walker -> writer.
 */
#ifndef RG_CAPTURE_CORE_H
#define RG_CAPTURE_CORE_H

#include <stdbool.h>
#include <stdio.h>

#include "heapdump/base/error.h"

struct rg_core_capture {
	/* asked for */
	const char *path;
	const char *sysroot; /* where the binaries of the core's machine are, or NULL: here */
	bool values; /* previews of values, not names alone */
	bool force; /* even where memory or disk is short */
	const char *tool; /* "refgraph 0.1.0", kept as a fact */
	/* told of each warning, which is kept as a fact too; or NULL */
	void (*warn)(void *context, const char *text);
	void *context;
	/* told afterwards */
	int pid; /* of the process, 0 where the core does not say */
};

/*
 * Write a snapshot of the core file CAPTURE->path to STREAM. Two captures of one file are equal.
 * RG_BAD_DATA: no core, not a Python that is understood, binaries of another build, or cut where
 * the heap is; RG_SYSTEM: it cannot be read; RG_LIMIT: there may not be the memory or the disk.
 */
enum rg_code rg_core_capture_write(
	struct rg_core_capture *capture, FILE *stream, struct rg_error *err);

#endif
