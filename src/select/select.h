/*
 * Selections: words that name objects. A type by its short or dotted name, with `*`; an address
 * (0x7f...); an object number (@812).
 */
#ifndef RG_SELECT_SELECT_H
#define RG_SELECT_SELECT_H

#include "src/graph/bitset.h"
#include "src/heap/heap.h"

/* The name of the error of a selection that is well meant, but of which there is nothing. */
#define RG_SELECT_EMPTY "no-object-of-type"

/*
 * Add what WORD names to SELECTED. LIVE: the heap was captured on the way, so that an object
 * number means nothing. RG_NOT_FOUND suggests a name that is near. O(types + objects).
 */
enum rg_code rg_select(const struct rg_heap *heap, const char *word, bool live,
	struct rg_bitset *selected, struct rg_error *err);

/*
 * Add the objects that PATH ("-": standard input) lists, one @N or 0x... a line, as --format ids
 * writes them. Blank lines and what follows a # are skipped.
 */
enum rg_code rg_select_from(const struct rg_heap *heap, const char *path, bool live,
	struct rg_bitset *selected, struct rg_error *err);

/*
 * What is of a type called TYPE and of a type of a module called MODULE, in the whole heap; NULL
 * asks nothing, and * is allowed. RG_NOT_FOUND where there is nothing.
 */
enum rg_code rg_select_filter(const struct rg_heap *heap, const char *type, const char *module,
	struct rg_bitset *selected_ret, struct rg_error *err);

#endif
