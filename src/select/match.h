/* Patterns of names and values: `*` stands for any bytes, a backslash takes the next as it is. */
#ifndef RG_SELECT_MATCH_H
#define RG_SELECT_MATCH_H

#include "src/heap/heap.h"

/* Whether PATTERN fits all of TEXT. FOLD ignores the case. O(pattern * length), no recursion. */
bool rg_match(const char *pattern, struct rg_text text, bool fold);

/* The last part of a qualified name, which is what people type. */
struct rg_text rg_match_last_part(struct rg_text name);

/* Whether it fits a type's qualified name, the last part of that, or the name with the module. */
bool rg_match_type(const struct rg_heap_type *type, const char *pattern, bool fold);

/*
 * No type, or no module of a type, is called PATTERN: RG_NOT_FOUND with the name that is nearest;
 * of a type that no object is of it says that.
 */
enum rg_code rg_match_no_type(
	const struct rg_heap *heap, const char *pattern, struct rg_error *err);
enum rg_code rg_match_no_module(
	const struct rg_heap *heap, const char *pattern, struct rg_error *err);

#endif
