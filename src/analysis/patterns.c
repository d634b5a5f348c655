#include "src/analysis/patterns.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"
#include "src/heap/label.h"

enum rg_code rg_patterns_init(
	struct rg_patterns *patterns, const struct rg_heap *heap, struct rg_error *err)
{
	memset(patterns, 0, sizeof(*patterns));
	patterns->heap = heap;
	patterns->type_hashes = rg_array_new(heap->n_types, sizeof(*patterns->type_hashes));
	if (!patterns->type_hashes)
		return rg_nomem(err);
	for (size_t i = 0; i < heap->n_types; i++) {
		const struct rg_heap_type *type = &heap->types[i];

		patterns->type_hashes[i] = rg_hash_with(
			rg_hash(type->module.bytes, type->module.length), type->name.bytes,
			type->name.length);
	}
	return RG_OK;
}

void rg_patterns_deinit(struct rg_patterns *patterns)
{
	rg_arena_deinit(&patterns->arena);
	rg_arena_deinit(&patterns->draft);
	free(patterns->rows);
	rg_map_deinit(&patterns->by_hash);
	rg_map_deinit(&patterns->by_reference);
	free(patterns->type_hashes);
	memset(patterns, 0, sizeof(*patterns));
}

static bool has_flag(const struct rg_heap *heap, uint32_t type, uint32_t flags)
{
	return heap->types[type].flags & flags;
}

/* What nobody would cut: a place in a container, a closure's tuple and its cells. */
static bool is_reluctant(const struct rg_heap *heap, const struct rg_pattern *pattern)
{
	switch (pattern->kind) {
	case RG_KIND_ITEM:
	case RG_KIND_ELEMENT:
	case RG_KIND_DICTKEY:
	case RG_KIND_CLOSURE:
	case RG_KIND_TYPE:
	case RG_KIND_MRO:
	case RG_KIND_BASE:
	case RG_KIND_CLASSDICT:
	case RG_KIND_MODDICT:
	case RG_KIND_DICT:
		return true;
	case RG_KIND_KEY:
		/* a key that names a field is as good as an attribute */
		return strstr(pattern->label, "…") != NULL;
	case RG_KIND_SLOT:
	case RG_KIND_OTHER:
		/* a field of a C type cannot be made weak */
		return !has_flag(heap, pattern->from_type, RG_TYPE_HEAP);
	default:
		return has_flag(heap, pattern->from_type, RG_TYPE_SEQUENCE);
	}
}

static uint32_t add_pattern(struct rg_patterns *patterns, struct rg_pattern pattern)
{
	uint32_t number = rg_map_get(&patterns->by_hash, pattern.hash | 1);
	struct rg_pattern *slot;

	if (number != RG_MAP_NONE)
		return number;
	slot = RG_PUSH(patterns->rows, patterns->count, patterns->capacity);
	if (!slot)
		return RG_NO_ID;
	pattern.label = rg_arena_text(&patterns->arena, pattern.label, strlen(pattern.label));
	pattern.reluctant = is_reluctant(patterns->heap, &pattern);
	*slot = pattern;
	number = (uint32_t)patterns->count - 1;
	return rg_map_set(&patterns->by_hash, pattern.hash | 1, number) ? number : RG_NO_ID;
}

/* Everything that decides the pattern, before any text is made; general labels are all alike. */
static uint64_t reference_key(const struct rg_heap *heap, uint32_t from, uint32_t edge)
{
	uint8_t byte = heap->edge[edge] & (uint8_t)~RG_EDGE_UNTRAVERSED;
	bool general = rg_label_is_general(heap, from, edge);
	uint32_t label = general || RG_EDGE_FORM(byte) == RG_FORM_NONE ? 0 : heap->label[edge];

	return rg_mix(rg_mix(heap->type[from], heap->type[heap->target[edge]]),
		       (uint64_t)general << 40 | (uint64_t)byte << 32 | label) |
	       1;
}

uint32_t rg_patterns_of(struct rg_patterns *patterns, uint32_t from, uint32_t edge)
{
	const struct rg_heap *heap = patterns->heap;
	uint64_t key = reference_key(heap, from, edge), ends[3];
	uint32_t number = rg_map_get(&patterns->by_reference, key);
	struct rg_pattern pattern;

	if (number != RG_MAP_NONE)
		return number;
	pattern = (struct rg_pattern){ .from_type = heap->type[from],
		.to_type = heap->type[heap->target[edge]],
		.kind = RG_EDGE_KIND(heap->edge[edge]),
		.label = rg_label_pattern(heap, from, edge, &patterns->draft) };
	ends[0] = patterns->type_hashes[pattern.from_type];
	ends[1] = patterns->type_hashes[pattern.to_type];
	/* kinds by name: a number may change from one format to the next */
	ends[2] = rg_hash(
		rg_kind_table[pattern.kind].name, strlen(rg_kind_table[pattern.kind].name));
	pattern.hash = rg_hash_with(
		rg_hash(ends, sizeof(ends)), pattern.label, strlen(pattern.label));
	number = patterns->draft.failed ? RG_NO_ID : add_pattern(patterns, pattern);
	rg_arena_reset(&patterns->draft);
	if (patterns->arena.failed || number == RG_NO_ID ||
		!rg_map_set(&patterns->by_reference, key, number))
		return RG_NO_ID;
	return number;
}
