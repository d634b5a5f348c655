/*
 * The walk over a CPython heap: from the collector's lists and the roots to every object that
 * can be reached, each written to the snapshot with its references.
 *
 * No recursion: objects are numbered as they are found. A shared image is read by two threads: one
 * takes the collector's lists from their beginning, the other one from their end, until they meet;
 * each reads what it finds besides, at once where the collector knows nothing of it, the rest when
 * both lists are done. What is written does not depend on who came first, but for its order. Linear
 * in objects and references.
 */
#ifndef RG_CPYTHON_PASSES_H
#define RG_CPYTHON_PASSES_H

#include "heapdump/cpython/walk.h"

/* What is written beside objects and references. */
struct rg_walk_options {
	bool values; /* previews of values, not names alone */
	bool sites; /* where objects were allocated, if the program traces that */
	const struct rg_inside *inside; /* from within, what no table knows; or NULL */
};

/* Walk IMAGE and write all but the END block. */
enum rg_code rg_walk_heap(struct rg_image *image, const struct rg_runtime *runtime,
	struct rg_writer *writer, const struct rg_walk_options *options, struct rg_error *err);

#endif
