/*
 * A picture laid out and drawn by graphviz.
 *
 * The time of a layout cannot be told from the size of a graph, and graphviz may crash and does
 * leak: it works in a child process with a limit on its processor time. A picture that takes too
 * long is tried once more in a simpler form (RG_DOT_SIMPLE). What graphviz has to say becomes part
 * of the error, or is dropped; nothing is printed. OUT is written only when all is well.
 *
 * The caller must not reap children it did not start while this runs.
 */
#ifndef RG_EMIT_RENDER_H
#define RG_EMIT_RENDER_H

#include <stdio.h>

#include "heapdump/base/error.h"
#include "src/view/picture.h"

enum rg_render_format {
	RG_RENDER_SVG,
	RG_RENDER_PNG,
	RG_RENDER_DOT, /* not laid out; in a child all the same, as libcgraph can crash for memory */
	RG_RENDER_FORMATS, /* how many there are */
};

/* Processor time for the two forms, in seconds; with FULL 0 the simple one is the first. */
struct rg_render_limits {
	unsigned full, simple;
};

#define RG_RENDER_LIMITS ((struct rg_render_limits){ .full = 10, .simple = 10 })

/*
 * Draw PICTURE as a well-formed SVG document with role and name for screen readers, flushed.
 * Fails with RG_LIMIT where the layout takes more than ten seconds in both forms, with RG_SYSTEM
 * where graphviz, the system or OUT fails; the hint then says what to do instead.
 */
enum rg_code rg_render_svg(const struct rg_picture *picture, FILE *out, struct rg_error *err);

/* The same in any FORMAT and within LIMITS. */
enum rg_code rg_render(const struct rg_picture *picture, enum rg_render_format format,
	struct rg_render_limits limits, FILE *out, struct rg_error *err);

#endif
