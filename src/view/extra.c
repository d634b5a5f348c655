#include "src/view/extra.h"

#include <inttypes.h>
#include <string.h>

#include "heapdump/base/suggest.h"
#include "heapdump/base/units.h"
#include "src/heap/label.h"

static const char *address_of(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	return rg_arena_print(arena, "0x%" PRIx64, heap->address[id]);
}

static const char *generation_of(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	return rg_arena_print(
		arena, "generation %s", rg_generation_names[rg_heap_generation(heap, id)]);
}

static const char *id_of(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	(void)heap;
	return rg_arena_print(arena, "@%" PRIu32, id);
}

static const char *items_of(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	if (heap->items[id] == RG_NO_ITEMS)
		return "";
	return rg_units_things(heap->items[id], "item", "items", arena);
}

static const char *module_of(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	struct rg_text module = rg_heap_type(heap, id)->module;

	return rg_arena_text(arena, module.bytes, module.length);
}

static const char *name_of(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	const char *name = rg_label_name(heap, id, arena);

	return name ? name : "";
}

static const char *refcount_of(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	if (heap->flags[id] & RG_OBJECT_IMMORTAL)
		return "immortal";
	return rg_arena_print(arena, "refcount %" PRIu32, heap->refcount[id]);
}

static const char *site_of(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	const char *site = rg_label_site(heap, rg_heap_site(heap, id), arena);

	if (!site)
		site = rg_label_place(heap, id, arena);
	return site ? site : "";
}

static const char *size_of(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	return rg_arena_print(arena, "alone %s", rg_units_bytes(heap->size[id], arena));
}

static const char *type_of(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	return rg_label_type(heap, heap->type[id], arena);
}

static const char *value_of(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	const char *value = rg_label_value(heap, id, NULL, arena);

	return value ? value : "";
}

static const struct field {
	const char *name;
	const char *(*text)(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena);
} fields[] = {
	{ "address", address_of },
	{ "generation", generation_of },
	{ "id", id_of },
	{ "items", items_of },
	{ "module", module_of },
	{ "name", name_of },
	{ "refcount", refcount_of },
	{ "site", site_of },
	{ "size", size_of },
	{ "type", type_of },
	{ "value", value_of },
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static const struct field *find_field(const char *name, size_t length)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (strlen(fields[i].name) == length && memcmp(fields[i].name, name, length) == 0)
			return &fields[i];
	return NULL;
}

static enum rg_code no_such_field(const char *name, size_t length, struct rg_error *err)
{
	const char *names[FIELDS], *meant;
	struct rg_arena arena = { 0 };

	for (size_t i = 0; i < FIELDS; i++)
		names[i] = fields[i].name;
	rg_fail(err, RG_USAGE, "no-such-field", "--extra: there is no field '%.*s'", (int)length,
		name);
	meant = rg_suggest(rg_arena_text(&arena, name, length), names, FIELDS);
	rg_arena_deinit(&arena);
	if (meant)
		return rg_hint(err, "did you mean %s?", meant);
	return rg_hint(err, "it takes, separated by commas: address, generation, id, items, "
			    "module, name, refcount, site, size, type, value");
}

enum rg_code rg_extra_check(const char *names, struct rg_error *err)
{
	size_t length;

	for (; names && *names; names += length + (names[length] == ',')) {
		length = strcspn(names, ",");
		if (!find_field(names, length))
			return no_such_field(names, length, err);
	}
	return RG_OK;
}

const char *rg_extra_text(
	const struct rg_heap *heap, uint32_t id, const char *names, struct rg_arena *arena)
{
	const char *text = "";
	size_t length;

	for (; names && *names; names += length + (names[length] == ',')) {
		const struct field *field = find_field(names, length = strcspn(names, ","));
		const char *part = field ? field->text(heap, id, arena) : "";

		if (*part)
			text = rg_arena_print(arena, "%s%s%s", text, *text ? " · " : "", part);
	}
	return text;
}
