/*
 * A picture as text: a tree of its nodes along its edges, with lines drawn by libsmartcols (box
 * characters where the locale has them, else ASCII).
 */
#ifndef RG_EMIT_TREE_H
#define RG_EMIT_TREE_H

#include <stdbool.h>
#include <stdio.h>

#include "heapdump/base/error.h"
#include "src/view/picture.h"

struct rg_tree_style {
	unsigned width; /* columns to fit in */
	bool back; /* from a node to those that refer to it */
	bool from_roots; /* start at the houses, not at what was asked about */
	bool stable; /* no object numbers */
	bool ascii; /* the locale has no UTF-8 */
};

/*
 * Print PICTURE as trees: from what was asked about, then from what no tree has reached. A node
 * that several references lead to is shown in full once, where it is nearest. O(n + m).
 */
enum rg_code rg_tree_print(const struct rg_picture *picture, const struct rg_tree_style *style,
	FILE *out, struct rg_error *err);

#endif
