/*
 * Pointers at fixed places in the C types of CPython: the rows of fields.def, a column a version.
 * A type with any row in it is complete: nothing of its own part of the body is guessed.
 */
#ifndef RG_CPYTHON_FIELDS_H
#define RG_CPYTHON_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapdump/cpython/layout.h"
#include "heapdump/snapshot/format.h"

struct rg_field_row {
	const char *type; /* tp_name. The rows of a type stand together */
	const char *label; /* or NULL */
	int16_t offset
		[RG_VERSIONS]; /* in bytes; RG_NO_FIELD where that version has no such field */
	enum rg_kind kind;
	bool untraversed; /* owned or borrowed, but tp_traverse does not visit it */
};

/*
 * The rows of the C type NAME: how many, first in *ROWS_RET. A row whose offset in the column of
 * the version (rg_layout_column()) is RG_NO_FIELD is no field of it.
 */
size_t rg_fields_find(const char *name, const struct rg_field_row **rows_ret);

#endif
