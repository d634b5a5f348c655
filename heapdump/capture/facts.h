/*
 * The facts that every snapshot of a CPython has, wherever its memory came from.
 */
#ifndef RG_CAPTURE_FACTS_H
#define RG_CAPTURE_FACTS_H

#include <time.h>

#include "heapdump/cpython/runtime.h"
#include "heapdump/snapshot/writer.h"

/* Runtime, version, SOURCE ("process", "core"), TOOL, and when it was CAPTURED. */
void rg_facts_runtime(struct rg_writer *writer, const struct rg_runtime *runtime,
	const char *source, const char *tool, time_t captured);

/* The collector's settings and counts; a warning where it was running. */
void rg_facts_gc(struct rg_writer *writer, const struct rg_gc_state *gc);

#endif
