#include "src/cli/completion.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/arena.h"
#include "heapdump/base/array.h"
#include "heapdump/base/suggest.h"
#include "heapdump/capture/capture.h"
#include "heapdump/image/core.h"
#include "heapdump/image/process.h"
#include "src/cli/source.h"
#include "src/cmd/commands.h"
#include "src/select/fields.h"

/* Bytes of a text that a script may print and a shell may show as they are. */
static bool is_plain(unsigned char c)
{
	return c < 0x80 && (isalnum(c) || c == '_');
}

static bool print_pid(void *context, pid_t pid)
{
	struct rg_candidate candidate;

	(void)context;
	if (!rg_capture_probe(pid, &candidate))
		return true;
	printf("%d\t", (int)pid);
	for (const char *c = candidate.command; *c; c++)
		putchar(is_plain((unsigned char)*c) || strchr(" ./-", *c) ? *c : '_');
	putchar('\n');
	return true;
}

static enum rg_code print_pids(struct rg_context *context)
{
	return rg_process_each("/proc", print_pid, NULL) ? rg_nomem(&context->err) : RG_OK;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The last part of a type's name, where it is one that needs no quotes; else NULL. */
static const char *short_name(const struct rg_heap_type *type, struct rg_arena *arena)
{
	const char *dot = memrchr(type->name.bytes, '.', type->name.length);
	const char *from = dot ? dot + 1 : type->name.bytes;
	size_t length = (size_t)(type->name.bytes + type->name.length - from);

	for (size_t i = 0; i < length; i++)
		if (!is_plain((unsigned char)from[i]))
			return NULL;
	return length ? rg_arena_text(arena, from, length) : NULL;
}

/* What is a selection by itself: a type, or a flag. */
static void print_names(const struct rg_heap *heap, struct rg_arena *arena)
{
	const char **names = rg_arena_new(arena, heap->n_types + RG_SELECT_FIELDS, sizeof(*names));
	uint8_t *used = rg_arena_new(arena, heap->n_types + 1, 1);
	size_t n = 0;

	if (!names || !used)
		return;
	for (uint32_t id = 0; id < heap->n_objects; id++)
		used[heap->type[id]] = 1;
	for (size_t i = 0; i < heap->n_types; i++)
		if (used[i] && (names[n] = short_name(&heap->types[i], arena)))
			n++;
	for (size_t i = 0; i < RG_SELECT_FIELDS; i++)
		if (rg_select_fields[i].alone)
			names[n++] = rg_select_fields[i].name;
	if (n)
		qsort(names, n, sizeof(*names), by_text);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
			puts(names[i]);
}

static enum rg_code print_types(struct rg_context *context)
{
	struct rg_arena arena = { 0 };
	struct rg_source source;
	enum rg_code code;
	pid_t pid = 0;

	if (context->n_words < 2)
		return rg_fail(&context->err, RG_USAGE, "missing-argument",
			"completion types: of which snapshot?");
	/* nobody wants a process stopped, or a core file read, for a completion */
	code = rg_source_pid(context->words[1], &pid, &context->err);
	if (code || pid || rg_core_probe(context->words[1]))
		return code;
	code = rg_source_open(&source, context, context->words[1]);
	if (code)
		return code;
	print_names(&source.heap, &arena);
	rg_arena_deinit(&arena);
	rg_source_close(&source);
	return RG_OK;
}

static const struct list {
	const char *name;
	enum rg_code (*print)(struct rg_context *context);
} lists[] = { { "pids", print_pids }, { "types", print_types } };

static enum rg_code unknown(const char *word, struct rg_error *err)
{
	const char *names[8], *meant;
	size_t n = 0;

	for (; rg_shells[n].name; n++)
		names[n] = rg_shells[n].name;
	meant = rg_suggest(word, names, n);
	rg_fail(err, RG_USAGE, "unknown-shell", "no completion for '%s'", word);
	if (meant)
		return rg_hint(err, "did you mean %s?", meant);
	return rg_hint(err, "it is there for bash, zsh and fish");
}

static enum rg_code run(struct rg_context *context)
{
	const char *word = context->words[0];

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(lists[i].name, word) == 0)
			return lists[i].print(context);
	for (size_t i = 0; rg_shells[i].name; i++)
		if (strcmp(rg_shells[i].name, word) == 0) {
			rg_shells[i].print(stdout);
			return RG_OK;
		}
	return unknown(word, &context->err);
}

const struct rg_command rg_cmd_completion = {
	.name = "completion",
	.arguments = "SHELL",
	.summary = "the completion script of a shell: bash, zsh or fish",
	.description =
		"Prints what makes a shell complete commands, options, formats, the pids of "
		"Python processes, and the types of the snapshot on the command line. An "
		"installed refgraph has the scripts where the shells look for them. The scripts "
		"ask `completion pids` and `completion types SNAPSHOT` for what changes.",
	.examples = { { "completion bash", "see it" },
		{ "completion bash > refgraph.bash", "then: source refgraph.bash" } },
	.min_words = 1,
	.max_words = 2,
	.run = run,
};
