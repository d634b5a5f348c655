#include "src/select/match.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "heapdump/base/arena.h"
#include "heapdump/base/suggest.h"
#include "src/select/fields.h"
#include "src/select/select.h"

static char lower(char c)
{
	return (char)tolower((unsigned char)c);
}

static bool same(char a, char b, bool fold)
{
	return fold ? lower(a) == lower(b) : a == b;
}

bool rg_match(const char *pattern, struct rg_text text, bool fold)
{
	const char *star = NULL;
	uint32_t at = 0, mark = 0;

	while (at < text.length) {
		bool escaped = *pattern == '\\' && pattern[1];

		if (*pattern == '*') {
			star = pattern++;
			mark = at;
		} else if (*pattern && same(pattern[escaped], text.bytes[at], fold)) {
			pattern += 1 + escaped;
			at++;
		} else if (star) {
			pattern = star + 1;
			at = ++mark;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

struct rg_text rg_match_last_part(struct rg_text name)
{
	const char *dot = name.length ? memrchr(name.bytes, '.', name.length) : NULL;
	uint32_t skipped = dot ? (uint32_t)(dot + 1 - name.bytes) : 0;

	return (struct rg_text){ name.bytes + skipped, name.length - skipped };
}

bool rg_match_type(const struct rg_heap_type *type, const char *pattern, bool fold)
{
	char full[512];
	int n;

	if (rg_match(pattern, type->name, fold) ||
		rg_match(pattern, rg_match_last_part(type->name), fold))
		return true;
	n = snprintf(full, sizeof(full), "%.*s.%.*s", (int)type->module.length, type->module.bytes,
		(int)type->name.length, type->name.bytes);
	return n > 0 && (size_t)n < sizeof(full) &&
	       rg_match(pattern, (struct rg_text){ full, (uint32_t)n }, fold);
}

/* --- what was meant ----------------------------------------------------------------------- */

static const char *short_name(const struct rg_heap_type *type, struct rg_arena *arena)
{
	struct rg_text last = rg_match_last_part(type->name);

	return rg_arena_text(arena, last.bytes, last.length);
}

/*
 * A type that is the word but for its case, contains it, or is spelt nearly so; or a field that
 * stands alone and is; or NULL.
 */
static const char *nearest_type(
	const struct rg_heap *heap, const char *word, struct rg_arena *arena)
{
	const char **names = rg_arena_new(arena, heap->n_types + RG_SELECT_FIELDS, sizeof(*names));
	const char *around = rg_arena_print(arena, "*%s*", word);
	size_t n = 0;

	for (size_t i = 0; i < heap->n_types; i++)
		if (rg_match_type(&heap->types[i], word, true))
			return short_name(&heap->types[i], arena);
	for (size_t i = 0; *word && i < heap->n_types; i++)
		if (rg_match_type(&heap->types[i], around, true))
			return short_name(&heap->types[i], arena);
	for (size_t i = 0; names && i < heap->n_types; i++)
		names[n++] = short_name(&heap->types[i], arena);
	for (size_t i = 0; names && i < RG_SELECT_FIELDS; i++)
		if (rg_select_fields[i].alone)
			names[n++] = rg_select_fields[i].name;
	return names ? rg_suggest(word, names, n) : NULL;
}

static bool is_type(const struct rg_heap *heap, const char *pattern)
{
	for (size_t i = 0; i < heap->n_types; i++)
		if (rg_match_type(&heap->types[i], pattern, false))
			return true;
	return false;
}

enum rg_code rg_match_no_type(const struct rg_heap *heap, const char *pattern, struct rg_error *err)
{
	struct rg_arena arena = { 0 };
	const char *near;

	if (is_type(heap, pattern)) {
		rg_fail(err, RG_NOT_FOUND, RG_SELECT_EMPTY,
			"there is a type '%s', but no object of it", pattern);
		return rg_hint(err, "see what there is with: refgraph types SOURCE");
	}
	near = nearest_type(heap, pattern, &arena);
	rg_fail(err, RG_NOT_FOUND, "no-such-type", "no object of a type called '%s'", pattern);
	if (near)
		rg_hint(err, "did you mean %s?", near);
	else
		rg_hint(err, "see the types with: refgraph types SOURCE; a name may hold *");
	if (arena.failed)
		rg_nomem(err);
	rg_arena_deinit(&arena);
	return err->code;
}

enum rg_code rg_match_no_module(
	const struct rg_heap *heap, const char *pattern, struct rg_error *err)
{
	struct rg_arena arena = { 0 };
	const char **names = rg_arena_new(&arena, heap->n_types + 1, sizeof(*names)), *near;

	for (size_t i = 0; names && i < heap->n_types; i++)
		names[i] = rg_arena_text(
			&arena, heap->types[i].module.bytes, heap->types[i].module.length);
	near = names ? rg_suggest(pattern, names, heap->n_types) : NULL;
	rg_fail(err, RG_NOT_FOUND, "no-such-module", "no object of a type of a module '%s'",
		pattern);
	if (near && *near)
		rg_hint(err, "did you mean %s?", near);
	else
		rg_hint(err, "a name may hold *, as in 'app.*'");
	if (arena.failed)
		rg_nomem(err);
	rg_arena_deinit(&arena);
	return err->code;
}
