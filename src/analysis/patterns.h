/*
 * Reference patterns: owner type, kind and generalised label of a reference, and the type it
 * leads to. Equal patterns have one number; types count by name, so that a pattern is the same
 * on any machine.
 */
#ifndef RG_ANALYSIS_PATTERNS_H
#define RG_ANALYSIS_PATTERNS_H

#include "heapdump/base/arena.h"
#include "heapdump/base/map.h"
#include "src/heap/heap.h"

struct rg_pattern {
	uint32_t from_type, to_type; /* rows of types: the first met with their names */
	enum rg_kind kind;
	const char *label;
	uint64_t hash; /* of names, kind and label */
	bool reluctant; /* an item of a container, a closure's tuple: cut it last */
};

struct rg_patterns {
	const struct rg_heap *heap;
	struct rg_arena arena; /* labels of the rows */
	struct rg_arena draft; /* the label of what may be a new row */
	struct rg_pattern *rows;
	size_t count, capacity;
	struct rg_map by_hash, by_reference; /* by_reference: what was seen already */
	uint64_t *type_hashes; /* of module and name of each type */
};

enum rg_code rg_patterns_init(
	struct rg_patterns *patterns, const struct rg_heap *heap, struct rg_error *err);
void rg_patterns_deinit(struct rg_patterns *patterns);

/* The number of the pattern of reference EDGE from FROM; RG_NO_ID when out of memory. */
uint32_t rg_patterns_of(struct rg_patterns *patterns, uint32_t from, uint32_t edge);

#endif
