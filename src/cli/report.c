#include "src/cli/report.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "heapdump/base/arena.h"
#include "src/cli/progress.h"
#include "src/cli/terminal.h"
#include "src/emit/escape.h"
#include "src/emit/json.h"

#include <string.h>

int rg_exit_status(enum rg_code code)
{
	static const int statuses[] = {
		[RG_OK] = 0,
		[RG_NOMEM] = 5,
		[RG_USAGE] = 2,
		[RG_NOT_FOUND] = 2,
		[RG_BAD_DATA] = 3,
		[RG_SYSTEM] = 4,
		[RG_LIMIT] = 5,
	};

	return statuses[code];
}

static void report_json(const struct rg_error *err)
{
	json_t *object = json_pack("{s:s, s:i, s:s, s:o, s:o}", "schema", "refgraph.error/1",
		"status", rg_exit_status(err->code), "code", err->name, "message",
		rg_json_string(err->message), "hint",
		rg_json_string(err->hint[0] ? err->hint : NULL));

	if (object && err->offset != RG_NO_OFFSET)
		json_object_set_new(object, "offset", json_integer((json_int_t)err->offset));
	if (object && err->file[0])
		json_object_set_new(object, "file", rg_json_string(err->file));
	if (object && err->pid)
		json_object_set_new(object, "pid", json_integer(err->pid));
	if (object)
		rg_json_dump(object, stderr, JSON_COMPACT | JSON_SORT_KEYS);
	fputc('\n', stderr);
	json_decref(object);
}

/* One line of text that quotes file names and words: never raw to a terminal. */
static void print_line(const char *text)
{
	struct rg_arena arena = { 0 };
	const char *line = rg_escape_display(&arena, text, strlen(text), 0);

	if (rg_terminal_is_ascii())
		line = rg_escape_ascii(&arena, line);
	fputs("refgraph: ", stderr);
	/* without memory to escape it: what is harmless of it */
	for (const char *c = text; arena.failed && *c; c++)
		fputc(*c >= ' ' && *c < 0x7f ? *c : '?', stderr);
	fprintf(stderr, "%s\n", arena.failed ? "" : line);
	rg_arena_deinit(&arena);
}

void rg_report(const struct rg_error *err, bool json)
{

	rg_progress_stop();
	if (json) {
		report_json(err);
		return;
	}
	print_line(err->message);
	if (err->hint[0])
		print_line(err->hint);
}

void rg_remark(const char *fmt, ...)
{
	char text[1024];
	va_list args;

	rg_progress_stop();
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	print_line(text);
}
