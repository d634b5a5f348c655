/*
 * Pointers at fixed places in the C types of CPython: one table a version, which its layout row
 * names. A type with any row in it is complete: nothing of its own part of the body is guessed.
 */
#ifndef RG_CPYTHON_FIELDS_H
#define RG_CPYTHON_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapdump/cpython/layout.h"
#include "heapdump/snapshot/format.h"

struct rg_field_row {
	const char *type; /* tp_name; NULL ends a table. The rows of a type stand together */
	int16_t offset[RG_VERSIONS];
	enum rg_kind kind;
	bool untraversed; /* owned, but tp_traverse does not visit it */
	const char *label; /* or NULL */
};

/* The rows of the C type NAME in a version: how many, first in *ROWS_RET. */
size_t rg_fields_find(const char *name, const struct rg_field_row **rows_ret);

#endif
