#include "src/select/select.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/arena.h"
#include "heapdump/base/array.h"
#include "heapdump/base/suggest.h"

static char lower(char c)
{
	return (char)tolower((unsigned char)c);
}

/* Glob match with `*` only; iterative. FOLD ignores case. */
static bool matches(const char *pattern, const char *text, size_t length, bool fold)
{
	const char *star = NULL;
	size_t at = 0, mark = 0;

	while (at < length) {
		if (*pattern == '*') {
			star = pattern++;
			mark = at;
		} else if (*pattern &&
			   (fold ? lower(*pattern) == lower(text[at]) : *pattern == text[at])) {
			pattern++;
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

/* By the qualified name, its last part, or the name with the module. */
static bool type_matches(const struct rg_heap_type *type, const char *word, bool fold)
{
	const char *dot = memrchr(type->name.bytes, '.', type->name.length);
	size_t last = dot ? (size_t)(type->name.bytes + type->name.length - dot - 1)
			  : type->name.length;
	char full[512];
	int n;

	if (matches(word, type->name.bytes, type->name.length, fold) ||
		matches(word, dot ? dot + 1 : type->name.bytes, last, fold))
		return true;
	n = snprintf(full, sizeof(full), "%.*s.%.*s", (int)type->module.length, type->module.bytes,
		(int)type->name.length, type->name.bytes);
	return n > 0 && (size_t)n < sizeof(full) && matches(word, full, (size_t)n, fold);
}

/* The last part of a type's qualified name, which is what people type. */
static const char *short_name(const struct rg_heap_type *type, struct rg_arena *arena)
{
	const char *dot = memrchr(type->name.bytes, '.', type->name.length);
	const char *from = dot ? dot + 1 : type->name.bytes;

	return rg_arena_text(arena, from, (size_t)(type->name.bytes + type->name.length - from));
}

/* A type that is the word but for its case, contains it, or is spelt nearly so; or NULL. */
static const char *nearest_type(
	const struct rg_heap *heap, const char *word, struct rg_arena *arena)
{
	const char **names = rg_arena_new(arena, heap->n_types + 1, sizeof(*names));
	const char *around = rg_arena_print(arena, "*%s*", word);

	for (size_t i = 0; i < heap->n_types; i++)
		if (type_matches(&heap->types[i], word, true))
			return short_name(&heap->types[i], arena);
	for (size_t i = 0; *word && i < heap->n_types; i++)
		if (type_matches(&heap->types[i], around, true))
			return short_name(&heap->types[i], arena);
	for (size_t i = 0; names && i < heap->n_types; i++)
		names[i] = short_name(&heap->types[i], arena);
	return names ? rg_suggest(word, names, heap->n_types) : NULL;
}

static bool is_type(const struct rg_heap *heap, const char *word)
{
	for (size_t i = 0; i < heap->n_types; i++)
		if (type_matches(&heap->types[i], word, false))
			return true;
	return false;
}

static enum rg_code no_such_type(const struct rg_heap *heap, const char *word, struct rg_error *err)
{
	struct rg_arena arena = { 0 };
	const char *near;

	if (is_type(heap, word)) {
		rg_fail(err, RG_NOT_FOUND, RG_SELECT_EMPTY,
			"there is a type '%s', but no object of it", word);
		return rg_hint(err, "see what there is with: refgraph types SOURCE");
	}
	near = nearest_type(heap, word, &arena);
	rg_fail(err, RG_NOT_FOUND, "no-such-type", "no object of a type called '%s'", word);
	if (near)
		rg_hint(err, "did you mean %s?", near);
	else
		rg_hint(err, "see the types with: refgraph types SOURCE; a name may hold *");
	if (arena.failed)
		rg_nomem(err);
	rg_arena_deinit(&arena);
	return err->code;
}

static enum rg_code select_types(const struct rg_heap *heap, const char *word,
	struct rg_bitset *selected, struct rg_error *err)
{
	uint8_t *wanted = rg_array_new(heap->n_types, 1);
	bool found = false;

	if (!wanted)
		return rg_nomem(err);
	for (size_t i = 0; i < heap->n_types; i++)
		wanted[i] = type_matches(&heap->types[i], word, false);
	for (uint32_t id = 0; id < heap->n_objects; id++)
		if (wanted[heap->type[id]]) {
			rg_bitset_set(selected, id);
			found = true;
		}
	free(wanted);
	return found ? RG_OK : no_such_type(heap, word, err);
}

static enum rg_code select_number(const struct rg_heap *heap, const char *word, bool live,
	struct rg_bitset *selected, struct rg_error *err)
{
	char *end;
	unsigned long long id;

	if (live) {
		rg_fail(err, RG_USAGE, "id-of-a-pid",
			"'%s': an object number is valid for one snapshot, not for a pid", word);
		return rg_hint(err, "name the snapshot that the number came from, or an address");
	}
	errno = 0;
	id = strtoull(word + 1, &end, 10);
	if (errno || *end || end == word + 1 || id >= heap->n_objects) {
		rg_fail(err, RG_NOT_FOUND, "no-such-id",
			"'%s': the snapshot's objects are @0 to @%u", word,
			heap->n_objects ? heap->n_objects - 1 : 0);
		return rg_hint(err, "object numbers are those that other commands show");
	}
	rg_bitset_set(selected, (uint32_t)id);
	return RG_OK;
}

static enum rg_code select_address(const struct rg_heap *heap, const char *word,
	struct rg_bitset *selected, struct rg_error *err)
{
	char *end;
	uint64_t address;
	uint32_t id;

	errno = 0;
	address = strtoull(word, &end, 16);
	id = errno || *end ? RG_NO_ID : rg_addressmap_find(&heap->map, address);
	if (id == RG_NO_ID) {
		rg_fail(err, RG_NOT_FOUND, "no-such-address", "no object starts at '%s'", word);
		return rg_hint(err, "an address is what id() gives, as 0x...");
	}
	rg_bitset_set(selected, id);
	return RG_OK;
}

enum rg_code rg_select(const struct rg_heap *heap, const char *word, bool live,
	struct rg_bitset *selected, struct rg_error *err)
{
	if (*word == '@')
		return select_number(heap, word, live, selected, err);
	if (strncmp(word, "0x", 2) == 0)
		return select_address(heap, word, selected, err);
	return select_types(heap, word, selected, err);
}

/* --- lists and filters -------------------------------------------------------------------- */

static enum rg_code select_line(const struct rg_heap *heap, const char *path, unsigned line,
	char *word, bool live, struct rg_bitset *selected, struct rg_error *err)
{
	word[strcspn(word, "#\r\n")] = '\0';
	word += strspn(word, " \t");
	word[strcspn(word, " \t")] = '\0';
	if (!*word)
		return RG_OK;
	if (*word == '@' || strncmp(word, "0x", 2) == 0)
		return rg_select(heap, word, live, selected, err);
	rg_fail(err, RG_BAD_DATA, "not-an-id", "%s:%u: '%.40s' is no @N and no 0x...", path, line,
		word);
	return rg_hint(err, "such a list is what --format ids writes");
}

enum rg_code rg_select_from(const struct rg_heap *heap, const char *path, bool live,
	struct rg_bitset *selected, struct rg_error *err)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	enum rg_code code = RG_OK;
	size_t size = 0;
	char *line = NULL;

	if (!file && errno == ENOMEM)
		return rg_nomem(err);
	if (!file) {
		rg_fail(err, RG_SYSTEM, "cannot-open", "%s: %s", path, strerror(errno));
		return rg_hint(err, "make such a list with: refgraph objects SOURCE SELECTION "
				    "--format ids");
	}
	errno = 0;
	for (unsigned number = 1; !code && getline(&line, &size, file) > 0; number++)
		code = select_line(heap, path, number, line, live, selected, err);
	if (!code && errno == ENOMEM)
		code = rg_nomem(err);
	else if (!code && ferror(file))
		code = rg_fail(err, RG_SYSTEM, "cannot-read", "%s: it cannot be read", path);
	free(line);
	if (file != stdin)
		fclose(file);
	return code;
}

static enum rg_code no_such_module(
	const struct rg_heap *heap, const char *word, struct rg_error *err)
{
	struct rg_arena arena = { 0 };
	const char **names = rg_arena_new(&arena, heap->n_types + 1, sizeof(*names)), *near;

	for (size_t i = 0; names && i < heap->n_types; i++)
		names[i] = rg_arena_text(
			&arena, heap->types[i].module.bytes, heap->types[i].module.length);
	near = names ? rg_suggest(word, names, heap->n_types) : NULL;
	rg_fail(err, RG_NOT_FOUND, "no-such-module", "no object of a type of a module '%s'", word);
	if (near && *near)
		rg_hint(err, "did you mean %s?", near);
	else
		rg_hint(err, "a name may hold *, as in 'app.*'");
	if (arena.failed)
		rg_nomem(err);
	rg_arena_deinit(&arena);
	return err->code;
}

enum rg_code rg_select_filter(const struct rg_heap *heap, const char *type, const char *module,
	struct rg_bitset *selected_ret, struct rg_error *err)
{
	uint8_t *wanted = rg_array_new(heap->n_types, 1);
	bool any_type = false, any_module = false;
	enum rg_code code = RG_OK;

	if (!wanted || rg_bitset_init(selected_ret, heap->n_objects, err)) {
		free(wanted);
		return rg_nomem(err);
	}
	for (size_t i = 0; i < heap->n_types; i++) {
		const struct rg_heap_type *row = &heap->types[i];
		bool of_type = !type || type_matches(row, type, false);
		bool of_module = !module ||
				 matches(module, row->module.bytes, row->module.length, false);

		wanted[i] = of_type && of_module;
		any_type |= of_type;
		any_module |= of_module;
	}
	for (uint32_t id = 0; id < heap->n_objects; id++)
		if (wanted[heap->type[id]])
			rg_bitset_set(selected_ret, id);
	free(wanted);
	if (!any_type)
		code = no_such_type(heap, type, err);
	else if (!any_module)
		code = no_such_module(heap, module, err);
	if (code)
		rg_bitset_deinit(selected_ret);
	return code;
}
