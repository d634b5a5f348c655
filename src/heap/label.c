#include "src/heap/label.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "heapdump/base/utf8.h"

#define SHOWN 60 /* characters of a value that a label shows */
#define FIELDS 32 /* keys of a dict that is taken for a record, at most */

static const char *text_of(struct rg_arena *arena, struct rg_text text)
{
	return rg_arena_text(arena, text.bytes, text.length);
}

static bool is_identifier(struct rg_text text)
{
	for (uint32_t i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.bytes[i];

		if (!isalpha(c) && c != '_' && c < 0x80 && (i == 0 || !isdigit(c)))
			return false;
	}
	return text.length > 0;
}

/* --- repr --------------------------------------------------------------------------------- */

/* Quote TEXT as repr() does, cut at SHOWN characters; PREFIX is "" or "b". */
static const char *quote(
	struct rg_arena *arena, struct rg_text text, const char *prefix, bool exact)
{
	bool bytes = *prefix != 0;
	bool single = memchr(text.bytes, '\'', text.length) != NULL;
	bool both = single && memchr(text.bytes, '"', text.length);
	char mark = single && !both ? '"' : '\'';
	char *out = rg_arena_new(arena, 8 + 10 * (size_t)SHOWN, 1), *at = out;
	uint32_t i = 0;
	unsigned shown = 0;

	if (!out)
		return "";
	at = stpcpy(at, prefix);
	*at++ = mark;
	for (; i < text.length && shown < SHOWN; shown++) {
		size_t used = 1;
		uint32_t cp = bytes ? (unsigned char)text.bytes[i]
				    : rg_utf8_get(text.bytes + i, text.length - i, &used, NULL);

		i += (uint32_t)used;
		if (cp == (uint32_t)mark || cp == '\\') {
			*at++ = '\\';
			*at++ = (char)cp;
		} else if (cp == '\n' || cp == '\t' || cp == '\r') {
			*at++ = '\\';
			*at++ = cp == '\n' ? 'n' : cp == '\t' ? 't' : 'r';
		} else if (cp < 0x20 || cp == 0x7f || (bytes && cp >= 0x80)) {
			at += sprintf(at, "\\x%02x", cp);
		} else {
			at += rg_utf8_put(at, cp);
		}
	}
	if (i < text.length || !exact)
		at = stpcpy(at, "…");
	*at++ = mark;
	return out;
}

const char *rg_label_value(
	const struct rg_heap *heap, uint32_t id, bool *exact_ret, struct rg_arena *arena)
{
	const struct rg_heap_value *value = rg_heap_value(heap, id, RG_VALUE_STR);

	if (!value)
		value = rg_heap_value(heap, id, RG_VALUE_BYTES);
	if (!value)
		value = rg_heap_value(heap, id, RG_VALUE_NUMBER);
	if (!value)
		return NULL;
	if (exact_ret)
		*exact_ret = value->exact;
	if (value->kind == RG_VALUE_STR)
		return quote(arena, value->text, "", value->exact);
	if (value->kind == RG_VALUE_BYTES)
		return quote(arena, value->text, "b", value->exact);
	return text_of(arena, value->text);
}

/* A dict's key: its value, a tuple of values, or its type. */
static const char *key_text(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	const struct rg_heap_type *type = rg_heap_type(heap, id);
	const char *value = rg_label_value(heap, id, NULL, arena), *name;

	if (value)
		return value;
	name = rg_label_name(heap, id, arena);
	if (name)
		return name;
	if (type->name.length == 8 && memcmp(type->name.bytes, "NoneType", 8) == 0)
		return "None";
	if (type->flags & RG_TYPE_SEQUENCE && heap->items[id] > 0 && heap->items[id] <= 4 &&
		heap->offset[id + 1] - heap->offset[id] == heap->items[id]) {
		const char *text = "(";

		for (uint32_t edge = heap->offset[id]; edge < heap->offset[id + 1]; edge++) {
			uint32_t item = heap->target[edge];
			const char *part = rg_label_value(heap, item, NULL, arena);

			text = rg_arena_print(arena, "%s%s%s", text,
				edge > heap->offset[id] ? ", " : "", part ? part : "…");
		}
		return rg_arena_print(arena, "%s%s)", text, heap->items[id] == 1 ? "," : "");
	}
	return rg_arena_print(arena, "<%.*s>", (int)type->name.length, type->name.bytes);
}

/* --- labels of references ----------------------------------------------------------------- */

static const char *name_label(struct rg_arena *arena, struct rg_text name)
{
	if (is_identifier(name))
		return rg_arena_print(arena, ".%.*s", (int)name.length, name.bytes);
	/* a key of a __dict__ that is no identifier, or what no attribute of Python's names */
	return rg_arena_print(
		arena, ".<%.*s>", (int)(name.length < 100 ? name.length : 100), name.bytes);
}

const char *rg_label_reference(const struct rg_heap *heap, uint32_t edge, struct rg_arena *arena)
{
	uint8_t byte = heap->edge[edge];
	uint32_t label = heap->label[edge];
	enum rg_kind kind = RG_EDGE_KIND(byte);

	switch (RG_EDGE_FORM(byte)) {
	case RG_FORM_STRING:
		if (kind == RG_KIND_LOCAL)
			return rg_arena_print(arena, ".<local %.*s>",
				(int)rg_heap_string(heap, label).length,
				rg_heap_string(heap, label).bytes);
		return name_label(arena, rg_heap_string(heap, label));
	case RG_FORM_INDEX:
		return rg_arena_print(arena, "[%u]", label);
	case RG_FORM_OBJECT:
		if (kind == RG_KIND_DICTKEY)
			return rg_arena_print(arena, ".<key %s>", key_text(heap, label, arena));
		return rg_arena_print(arena, "[%s]", key_text(heap, label, arena));
	default:
		return kind == RG_KIND_ELEMENT ? ".<element>"
		       : kind == RG_KIND_TYPE
			       ? ".__class__"
			       : rg_arena_print(arena, ".<%s>", rg_kind_table[kind].name);
	}
}

/* A key that reads like a field name says more than that it is a key. */
static bool is_field(const struct rg_heap *heap, uint32_t key)
{
	const struct rg_heap_value *value = rg_heap_value(heap, key, RG_VALUE_STR);

	return value && value->exact && value->text.length <= 40 && is_identifier(value->text);
}

bool rg_label_is_general(const struct rg_heap *heap, uint32_t from, uint32_t edge)
{
	switch (RG_EDGE_FORM(heap->edge[edge])) {
	case RG_FORM_INDEX:
		return true;
	case RG_FORM_OBJECT:
		return (heap->items[from] != RG_NO_ITEMS && heap->items[from] > FIELDS) ||
		       !is_field(heap, heap->label[edge]);
	default:
		return false;
	}
}

const char *rg_label_pattern(
	const struct rg_heap *heap, uint32_t from, uint32_t edge, struct rg_arena *arena)
{
	if (!rg_label_is_general(heap, from, edge))
		return rg_label_reference(heap, edge, arena);
	return RG_EDGE_KIND(heap->edge[edge]) == RG_KIND_DICTKEY ? ".<key>" : "[…]";
}

bool rg_label_is_dict(const struct rg_heap *heap, uint32_t edge)
{
	enum rg_kind kind = RG_EDGE_KIND(heap->edge[edge]);

	return kind == RG_KIND_MODDICT || kind == RG_KIND_CLASSDICT || kind == RG_KIND_DICT;
}

/* --- names of objects and roots ----------------------------------------------------------- */

const char *rg_label_type(const struct rg_heap *heap, uint32_t type, struct rg_arena *arena)
{
	const struct rg_heap_type *row = &heap->types[type];

	if (row->module.length == 0 || rg_text_is(row->module, "builtins"))
		return rg_arena_text(arena, row->name.bytes, row->name.length);
	return rg_arena_print(arena, "%.*s.%.*s", (int)row->module.length, row->module.bytes,
		(int)row->name.length, row->name.bytes);
}

static const char *value_text(
	const struct rg_heap *heap, uint32_t id, enum rg_value_kind kind, struct rg_arena *arena)
{
	const struct rg_heap_value *value = rg_heap_value(heap, id, kind);

	return value ? text_of(arena, value->text) : NULL;
}

const char *rg_label_name(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	return value_text(heap, id, RG_VALUE_NAME, arena);
}

const char *rg_label_place(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	return value_text(heap, id, RG_VALUE_PLACE, arena);
}

static const char *string_of(const struct rg_heap *heap, uint32_t number, struct rg_arena *arena)
{
	return text_of(arena, rg_heap_string(heap, number));
}

const char *rg_label_short(const char *place)
{
	const char *slash = strrchr(place, '/'), *at = slash;

	while (at && at > place && at[-1] != '/')
		at--;
	return at ? at : place;
}

const char *rg_label_site(const struct rg_heap *heap, uint32_t site, struct rg_arena *arena)
{
	if (site == RG_NO_SITE)
		return NULL;
	return rg_arena_print(arena, "%s:%u", string_of(heap, heap->sites[site].file, arena),
		heap->sites[site].line);
}

static const char *thread_text(const struct rg_heap *heap, uint32_t thread, struct rg_arena *arena)
{
	const char *name;

	if (thread == RG_NO_ID)
		return "thread";
	name = string_of(heap, heap->threads[thread].name, arena);
	return *name ? rg_arena_print(arena, "thread %u (%s)", thread + 1, name)
		     : rg_arena_print(arena, "thread %u", thread + 1);
}

/* "local 'req'", "function", "evaluation stack". */
static const char *slot_text(
	const struct rg_heap *heap, const struct rg_heap_root *root, struct rg_arena *arena)
{
	const char *label = string_of(heap, root->label, arena);

	if (root->reference == RG_KIND_LOCAL)
		return rg_arena_print(arena, "local '%s'", label);
	return *label ? label : "evaluation stack";
}

const char *rg_label_root(
	const struct rg_heap *heap, const struct rg_heap_root *root, struct rg_arena *arena)
{
	const char *name = string_of(heap, root->name, arena);
	const struct rg_frame_record *frame;

	switch ((enum rg_root_kind)root->kind) {
	case RG_ROOT_MODULE:
		return rg_arena_print(arena, "module %s", name);
	case RG_ROOT_FRAME:
		if (root->frame == RG_NO_ID)
			return "frame";
		frame = &heap->frames[root->frame];
		return rg_arena_print(arena, "%s: %s:%u %s(), %s",
			thread_text(heap, root->thread, arena), string_of(heap, frame->file, arena),
			frame->line, string_of(heap, frame->function, arena),
			slot_text(heap, root, arena));
	case RG_ROOT_THREAD:
		return rg_arena_print(
			arena, "%s: %s", thread_text(heap, root->thread, arena), name);
	case RG_ROOT_INTERPRETER:
		return rg_arena_print(arena, "interpreter: %s", name);
	case RG_ROOT_STATIC:
		return rg_arena_print(arena, "static type %s", name);
	default:
		return *name ? name : rg_root_names[root->kind];
	}
}

const char *rg_label_root_path(
	const struct rg_heap *heap, const struct rg_heap_root *root, struct rg_arena *arena)
{
	const char *name = string_of(heap, root->name, arena);

	if (root->kind == RG_ROOT_MODULE)
		return rg_arena_print(arena, "sys.modules['%s']", name);
	if (root->kind == RG_ROOT_FRAME && root->frame != RG_NO_ID) {
		const char *function = string_of(heap, heap->frames[root->frame].function, arena);

		if (root->reference == RG_KIND_LOCAL)
			return rg_arena_print(
				arena, "%s().%s", function, string_of(heap, root->label, arena));
		return rg_arena_print(arena, "%s().<%s>", function, slot_text(heap, root, arena));
	}
	if (root->kind == RG_ROOT_STATIC)
		return name;
	return rg_arena_print(arena, "<%s>", *name ? name : rg_root_names[root->kind]);
}
