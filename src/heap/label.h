/*
 * Texts of a heap as Python writes them: labels of references, values of objects, names of roots
 * and chains. Nothing is escaped here; all memory is the arena's.
 */
#ifndef RG_HEAP_LABEL_H
#define RG_HEAP_LABEL_H

#include "heapdump/base/arena.h"
#include "src/heap/heap.h"

/* ".request", "['u:81']", "[0]", ".__closure__"; "" where there is none. */
const char *rg_label_reference(const struct rg_heap *heap, uint32_t edge, struct rg_arena *arena);

/*
 * True where the label of reference EDGE of FROM is one of many alike: an index, or a key that
 * names no field. A key that is an identifier names one, unless the dict has too many for a record.
 */
bool rg_label_is_general(const struct rg_heap *heap, uint32_t from, uint32_t edge);

/* The label with what differs from one object to the next generalised away: "[...]". */
const char *rg_label_pattern(
	const struct rg_heap *heap, uint32_t from, uint32_t edge, struct rg_arena *arena);

/* True for the reference to an object's __dict__, which an expression in Python leaves out. */
bool rg_label_is_dict(const struct rg_heap *heap, uint32_t edge);

/* repr() of a str, bytes or number by its preview; NULL where there is none. */
const char *rg_label_value(
	const struct rg_heap *heap, uint32_t id, bool *exact_ret, struct rg_arena *arena);

/* "module.Type" of a row of types, without the module of builtins. */
const char *rg_label_type(const struct rg_heap *heap, uint32_t type, struct rg_arena *arena);

/* The name of a function, module or type, or NULL; and where it was written, or NULL. */
const char *rg_label_name(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena);
const char *rg_label_place(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena);

/* "app/web.py:88": the last two parts of a place or site; points into it. */
const char *rg_label_short(const char *place);

/* "file:line" of a site of the heap; NULL for RG_NO_SITE. */
const char *rg_label_site(const struct rg_heap *heap, uint32_t site, struct rg_arena *arena);

/* "module app.cache", "thread 1 (MainThread): app/web.py:88 handle(), local 'req'". */
const char *rg_label_root(
	const struct rg_heap *heap, const struct rg_heap_root *root, struct rg_arena *arena);

/* What a chain from the root starts with: "sys.modules['app.cache']", "handle().req". */
const char *rg_label_root_path(
	const struct rg_heap *heap, const struct rg_heap_root *root, struct rg_arena *arena);

#endif
