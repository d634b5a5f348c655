#include "src/cli/report.h"

#include <inttypes.h>
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

/* One object on one line. Nothing is allocated: that memory ran out can be reported, too. */
static void report_json(const struct rg_error *err)
{
	fprintf(stderr, "{\"code\":\"%s\",", err->name);
	if (err->file[0]) {
		fputs("\"file\":", stderr);
		rg_json_put_string(err->file, stderr);
		fputc(',', stderr);
	}
	fputs("\"hint\":", stderr);
	rg_json_put_string(err->hint[0] ? err->hint : NULL, stderr);
	fputs(",\"message\":", stderr);
	rg_json_put_string(err->message, stderr);
	if (err->offset != RG_NO_OFFSET)
		fprintf(stderr, ",\"offset\":%" PRIu64, err->offset);
	if (err->pid)
		fprintf(stderr, ",\"pid\":%d", err->pid);
	fprintf(stderr, ",\"schema\":\"refgraph.error/1\",\"status\":%d}\n",
		rg_exit_status(err->code));
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

/* A caret below the byte of the message that it is about, as wide as what stands before it. */
static void print_caret(const struct rg_error *err)
{
	struct rg_arena arena = { 0 };
	const char *before = rg_escape_display(&arena, err->message, err->caret, RG_UNCUT);

	if (rg_terminal_is_ascii())
		before = rg_escape_ascii(&arena, before);
	if (!arena.failed)
		fprintf(stderr, "refgraph: %*s^\n", (int)rg_escape_columns(before), "");
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
	if (err->caret)
		print_caret(err);
	if (err->hint[0])
		print_line(err->hint);
}

static unsigned remarks;

unsigned rg_remarks(void)
{
	return remarks;
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
	remarks++;
}
