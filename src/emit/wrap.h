/* A text in lines of a width, broken between words. */
#ifndef RG_EMIT_WRAP_H
#define RG_EMIT_WRAP_H

#include <stdio.h>

struct rg_wrap {
	unsigned width; /* columns of a line */
	unsigned indent; /* of every line but the first */
	unsigned at; /* the column that the first line stands at */
};

/* Print TEXT, escaped already, and end the line. A word wider than a line is broken. O(length). */
void rg_wrap_print(const struct rg_wrap *wrap, const char *text, FILE *out);

#endif
