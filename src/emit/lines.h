/* A table of smartcols as lines of text, and whether memory sufficed for it. */
#ifndef RG_EMIT_LINES_H
#define RG_EMIT_LINES_H

#include <stdbool.h>
#include <stdio.h>

struct libscols_table;

/*
 * Print TABLE on OUT, each line behind INDENT and with no blanks at its end. False when out of
 * memory, for the table or, if the caller has set errno to 0 before, for what was put into it:
 * smartcols leaves out what it cannot allocate and does not always say so, but errno does.
 */
bool rg_lines_print(struct libscols_table *table, const char *indent, FILE *out);

#endif
