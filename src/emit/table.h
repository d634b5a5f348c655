/* Rows of an answer as a table for the terminal, by libsmartcols. */
#ifndef RG_EMIT_TABLE_H
#define RG_EMIT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "heapdump/base/arena.h"
#include "heapdump/base/error.h"
#include "src/answer/answer.h"

struct rg_table_style {
	unsigned width; /* columns to fit in */
	bool stable; /* leave volatile columns out */
	bool ascii; /* the locale has no UTF-8 */
	const char *indent;
};

/*
 * Print the rows of LIST with a column for each field that has a heading (and a value in some
 * row), then how many are left out. The last text column takes what is left of the width.
 */
enum rg_code rg_table_print(const struct rg_record *record, const struct rg_list *list,
	const struct rg_table_style *style, FILE *out, struct rg_error *err);

#endif
