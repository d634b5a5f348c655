/*
 * A picture in the language of graphviz. What a reader of the drawing relies on:
 *
 *	node			id n<row>, cluster id cluster_<row>, edge id e<row>
 *	house			a root
 *	3-D box			several alike
 *	dashed box		what was left out
 *	orange frame and edges	a reference cycle and its inner references
 *	heavy border		what was asked about
 *	dashed heavy edge, "✂"	a reference to break
 *	thick grey edge		several references, the thicker the more
 *
 * The same picture gives the same bytes.
 */
#ifndef RG_EMIT_DOT_H
#define RG_EMIT_DOT_H

#include <stdio.h>

#include "heapdump/base/error.h"
#include "src/view/picture.h"

enum rg_dot_form {
	RG_DOT_FULL,
	RG_DOT_SIMPLE, /* much faster to lay out: edges are bent lines, with labels beside them */
};

struct Agraph_s;

/* RG_BAD_DATA where a node or edge of PICTURE refers to a row that is not there. O(n + m). */
enum rg_code rg_dot_check(const struct rg_picture *picture, struct rg_error *err);

/*
 * PICTURE, which is checked, as a graph of libcgraph, which the caller closes with agclose. Like
 * all of libcgraph not to be called in two threads at a time.
 */
enum rg_code rg_dot_build(const struct rg_picture *picture, enum rg_dot_form form,
	struct Agraph_s **graph_ret, struct rg_error *err);

/* Write PICTURE, which is checked, as DOT, flushed. */
enum rg_code rg_dot_write(const struct rg_picture *picture, FILE *out, struct rg_error *err);

#endif
