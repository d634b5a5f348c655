#include "src/cli/report.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "heapdump/base/arena.h"
#include "src/cli/progress.h"
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

void rg_report(const struct rg_error *err, bool json)
{
	struct rg_arena arena = { 0 };

	rg_progress_stop();
	if (json) {
		report_json(err);
		return;
	}
	/* messages quote file names and words: never raw to a terminal */
	fprintf(stderr, "refgraph: %s\n",
		rg_escape_display(&arena, err->message, strlen(err->message), 0));
	if (err->hint[0])
		fprintf(stderr, "refgraph: %s\n",
			rg_escape_display(&arena, err->hint, strlen(err->hint), 0));
	rg_arena_deinit(&arena);
}

void rg_remark(const char *fmt, ...)
{
	struct rg_arena arena = { 0 };
	char text[1024];
	va_list args;

	rg_progress_stop();
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* file names and words of the user: never raw to a terminal */
	fprintf(stderr, "refgraph: %s\n", rg_escape_display(&arena, text, strlen(text), 0));
	rg_arena_deinit(&arena);
}
