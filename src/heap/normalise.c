#include "src/heap/normalise.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"

/* What a dict is to its owner; a later one wins. */
enum role { ROLE_NONE, ROLE_INSTANCE, ROLE_CLASS, ROLE_MODULE };

static void set_kind(struct rg_heap *heap, uint32_t edge, enum rg_kind kind)
{
	heap->edge[edge] = (uint8_t)((heap->edge[edge] & ~31u) | kind);
}

static uint32_t type_flags(const struct rg_heap *heap, uint32_t id)
{
	return heap->types[heap->type[id]].flags;
}

/* One reference by what its two ends are. */
static void normalise_edge(struct rg_heap *heap, uint32_t source, uint32_t edge, uint8_t *roles)
{
	uint32_t target = heap->target[edge];
	enum role role = ROLE_NONE;

	switch (RG_EDGE_KIND(heap->edge[edge])) {
	case RG_KIND_DICT:
		role = ROLE_INSTANCE;
		if (type_flags(heap, source) & RG_TYPE_METATYPE) {
			role = ROLE_CLASS;
			set_kind(heap, edge, RG_KIND_CLASSDICT);
		} else if (type_flags(heap, source) & RG_TYPE_MODULE) {
			role = ROLE_MODULE;
			set_kind(heap, edge, RG_KIND_MODDICT);
		}
		break;
	case RG_KIND_GLOBALS:
	case RG_KIND_BUILTINS:
		role = ROLE_MODULE;
		break;
	case RG_KIND_SELF:
		if (type_flags(heap, target) & (RG_TYPE_METATYPE | RG_TYPE_MODULE | RG_TYPE_HUB))
			set_kind(heap, edge, RG_KIND_OWNER);
		break;
	case RG_KIND_ATTR:
	case RG_KIND_SLOT:
	case RG_KIND_CELL:
	case RG_KIND_LOCAL:
		if (type_flags(heap, target) & RG_TYPE_HUB)
			set_kind(heap, edge, RG_KIND_OWNER);
		break;
	default:
		break;
	}
	if (role > roles[target])
		roles[target] = (uint8_t)role;
}

/* The number of TEXT in the string table, added when new; RG_NO_ID when out of memory. */
static uint32_t intern(struct rg_heap *heap, struct rg_text text)
{
	uint64_t key = rg_hash(text.bytes, text.length) | 1;
	uint32_t number = rg_map_get(&heap->string_numbers, key);
	struct rg_text *slot;

	if (number != RG_MAP_NONE)
		return number;
	slot = RG_PUSH(heap->strings, heap->n_strings, heap->strings_capacity);
	if (!slot)
		return RG_NO_ID;
	*slot = text;
	number = (uint32_t)heap->n_strings - 1;
	return rg_map_set(&heap->string_numbers, key, number) ? number : RG_NO_ID;
}

static bool intern_table(struct rg_heap *heap)
{
	for (size_t i = 0; i < heap->n_strings; i++) {
		uint64_t key = rg_hash(heap->strings[i].bytes, heap->strings[i].length) | 1;

		if (rg_map_get(&heap->string_numbers, key) == RG_MAP_NONE &&
			!rg_map_set(&heap->string_numbers, key, (uint32_t)i))
			return false;
	}
	return true;
}

/* Equal texts get one number, so that labels compare by number. */
static void canonical_label(struct rg_heap *heap, uint32_t edge)
{
	uint32_t number = intern(heap, heap->strings[heap->label[edge]]);

	if (number != RG_NO_ID)
		heap->label[edge] = number;
}

/* The value of a dict that is an object's __dict__: an attribute, named by its key. */
static bool name_value(struct rg_heap *heap, uint32_t edge, enum rg_kind kind)
{
	const struct rg_heap_value *key;
	uint32_t number;

	if (RG_EDGE_KIND(heap->edge[edge]) != RG_KIND_KEY)
		return true;
	if (kind == RG_KIND_ATTR && type_flags(heap, heap->target[edge]) & RG_TYPE_HUB)
		kind = RG_KIND_OWNER;
	set_kind(heap, edge, kind);
	if (RG_EDGE_FORM(heap->edge[edge]) != RG_FORM_OBJECT)
		return true;
	key = rg_heap_value(heap, heap->label[edge], RG_VALUE_STR);
	if (!key || !key->exact)
		return true;
	number = intern(heap, key->text);
	if (number == RG_NO_ID)
		return false;
	heap->label[edge] = number;
	heap->edge[edge] = (uint8_t)((heap->edge[edge] & ~(3u << 5)) | RG_FORM_STRING << 5);
	return true;
}

enum rg_code rg_normalise(struct rg_heap *heap, struct rg_error *err)
{
	static const enum rg_kind value_kinds[] = {
		[ROLE_NONE] = RG_KIND_KEY,
		[ROLE_INSTANCE] = RG_KIND_ATTR,
		[ROLE_CLASS] = RG_KIND_CLASSATTR,
		[ROLE_MODULE] = RG_KIND_MODATTR,
	};
	uint8_t *roles = rg_array_new(heap->n_objects, 1);
	bool done = roles && intern_table(heap);

	for (uint32_t id = 0; done && id < heap->n_objects; id++)
		for (uint32_t edge = heap->offset[id]; edge < heap->offset[id + 1]; edge++) {
			normalise_edge(heap, id, edge, roles);
			if (RG_EDGE_FORM(heap->edge[edge]) == RG_FORM_STRING)
				canonical_label(heap, edge);
		}
	for (uint32_t id = 0; done && id < heap->n_objects; id++)
		if (roles[id] && type_flags(heap, id) & RG_TYPE_DICT)
			for (uint32_t edge = heap->offset[id]; done && edge < heap->offset[id + 1];
				edge++)
				done = name_value(heap, edge, value_kinds[roles[id]]);
	free(roles);
	return done ? RG_OK : rg_nomem(err);
}
