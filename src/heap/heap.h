/*
 * A loaded heap: columns over dense object ids in ascending address order, and its references
 * as one CSR graph. Everything else in src/ works on this; nothing here is changed after
 * loading. Owned by the heap, freed by rg_heap_deinit; texts point into the snapshot's bytes.
 */
#ifndef RG_HEAP_HEAP_H
#define RG_HEAP_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "heapdump/base/error.h"
#include "heapdump/base/file.h"
#include "heapdump/base/map.h"
#include "heapdump/snapshot/format.h"
#include "src/graph/addressmap.h"
#include "src/graph/bitset.h"

/* A text of the heap: not terminated, UTF-8 by claim only. */
struct rg_text {
	const char *bytes;
	uint32_t length;
};

static inline bool rg_text_is(struct rg_text text, const char *word)
{
	size_t length = strlen(word);

	return text.length == length && memcmp(text.bytes, word, length) == 0;
}

struct rg_heap_type {
	uint64_t address;
	struct rg_text name, module;
	uint32_t flags;
	uint64_t basicsize, itemsize;
};

struct rg_heap_value {
	struct rg_text text;
	uint32_t object;
	uint8_t kind; /* enum rg_value_kind */
	bool exact;
};

struct rg_heap_root {
	uint32_t object, name, label, thread, frame; /* strings and rows, or UINT32_MAX */
	uint8_t kind; /* enum rg_root_kind */
	uint8_t reference; /* enum rg_kind */
};

struct rg_heap_thread {
	uint64_t native_id;
	uint32_t name;
};

struct rg_heap_fact {
	struct rg_text key, text;
	int64_t number; /* where text.bytes is NULL */
};

/* A reference's kind byte: kind, label form, and whether the collector's traversal skips it. */
#define RG_EDGE_KIND(byte) ((enum rg_kind)((byte)&31))
#define RG_EDGE_FORM(byte) ((enum rg_edge_form)((byte) >> 5 & 3))
#define RG_EDGE_UNTRAVERSED 0x80
enum rg_edge_form { RG_FORM_NONE, RG_FORM_INDEX, RG_FORM_STRING, RG_FORM_OBJECT };

struct rg_heap {
	struct rg_bytes bytes;
	uint64_t fingerprint;
	bool complete;
	char damage[160]; /* why the snapshot is not complete, or "" */

	/* one row an object */
	uint32_t n_objects;
	uint64_t *address, *size;
	uint32_t *type, *refcount, *items, *extra; /* items: RG_NO_ITEMS where there are none */
	uint8_t *flags; /* RG_OBJECT_* */
	uint32_t *owner; /* who folds it, or itself; see fold.h */
	uint32_t *helper; /* what is folded into it, or RG_NO_ID */
	struct rg_bitset folded; /* those whose owner is another */
	uint32_t *site; /* where it was allocated, or RG_NO_SITE; NULL: known of none */
	struct rg_map modules; /* dict of a module + 1, where it is not folded -> the module */
	struct rg_addressmap map;

	/* one row a reference, in the order of their source */
	uint32_t n_references;
	uint32_t *offset, *target, *label;
	uint8_t *edge;

	struct rg_text *strings;
	size_t n_strings, strings_capacity;
	struct rg_map string_numbers; /* hash of the text -> number */
	struct rg_heap_type *types;
	size_t n_types, types_capacity;
	struct rg_heap_value *values; /* sorted by object, then kind */
	size_t n_values;
	uint32_t *value_at; /* the first of every RG_VALUE_BLOCK objects, and the end */
	struct rg_heap_root *roots; /* sorted by kind, as a chain prefers them */
	size_t n_roots, roots_capacity;
	struct rg_heap_thread *threads;
	size_t n_threads, threads_capacity;
	struct rg_frame_record *frames;
	size_t n_frames, frames_capacity;
	struct rg_site_record *sites; /* a site's caller stands before it */
	size_t n_sites, sites_capacity;
	struct rg_heap_fact *facts;
	size_t n_facts, facts_capacity;

	uint64_t dangling; /* references that led to no object of the snapshot */
	uint64_t total_size;
};

#define RG_NO_ITEMS UINT32_MAX
#define RG_VALUE_BLOCK 32 /* objects whose values are looked for together */

/*
 * Load the snapshot at PATH ("-": standard input). RG_BAD_DATA where it is none; a damaged tail
 * is left out and told in `damage`. O(objects + references).
 */
enum rg_code rg_heap_init(struct rg_heap *heap, const char *path, struct rg_error *err);

/* The same from BYTES, which become the heap's (on failure too); NAME is for messages. */
enum rg_code rg_heap_init_bytes(
	struct rg_heap *heap, struct rg_bytes *bytes, const char *name, struct rg_error *err);
void rg_heap_deinit(struct rg_heap *heap);

/* The heap's invariants; for tests. */
bool rg_heap_check(const struct rg_heap *heap);

static inline enum rg_generation rg_heap_generation(const struct rg_heap *heap, uint32_t id)
{
	return (enum rg_generation)(heap->flags[id] & RG_OBJECT_GENERATION);
}

static inline bool rg_heap_tracked(const struct rg_heap *heap, uint32_t id)
{
	return rg_heap_generation(heap, id) != RG_GEN_UNTRACKED;
}

static inline const struct rg_heap_type *rg_heap_type(const struct rg_heap *heap, uint32_t id)
{
	return &heap->types[heap->type[id]];
}

/* Where an object was allocated, or RG_NO_SITE. */
static inline uint32_t rg_heap_site(const struct rg_heap *heap, uint32_t id)
{
	return heap->site ? heap->site[id] : RG_NO_SITE;
}

/* A string of the table; empty for a number that is none. */
struct rg_text rg_heap_string(const struct rg_heap *heap, uint32_t number);

/* The value preview of KIND of an object, or NULL. O(1): of one block's values a search. */
const struct rg_heap_value *rg_heap_value(
	const struct rg_heap *heap, uint32_t id, enum rg_value_kind kind);

/* A fact by name: its text ("" when missing), its number (or MISSING). */
struct rg_text rg_heap_fact_text(const struct rg_heap *heap, const char *key);
int64_t rg_heap_fact_number(const struct rg_heap *heap, const char *key, int64_t missing);

#endif
