#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "heapdump/base/units.h"
#include "src/cli/output.h"
#include "src/cli/progress.h"
#include "src/cli/report.h"
#include "src/cli/terminal.h"
#include "src/cmd/commands.h"
#include "src/cmd/watching.h"
#include "src/emit/escape.h"
#include "src/emit/json_reader.h"
#include "src/emit/plot.h"

#define ROWS 20
#define AROUND 6 /* lines of a terminal that the rows of the table do not get */
#define NAME_COLUMNS 40 /* of a type, in a line */

/* --- forms -------------------------------------------------------------------------------- */

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_watch *answer = data;
	unsigned width = rg_terminal_width();
	struct rg_arena arena = { 0 };
	const char *title = rg_answer_watch_title(answer, &arena);
	const char *facts = rg_answer_watch_facts(answer, &arena);
	enum rg_code code;

	fprintf(out, "%s\n%s\n", rg_escape_display(&arena, title, strlen(title), width),
		rg_escape_display(&arena, facts, strlen(facts), width));
	if (answer->types.shown)
		fputc('\n', out);
	code = rg_output_table(context, &rg_record_series, &answer->types, "", out);
	return rg_arena_end(&arena, code, &context->err);
}

static enum rg_code plot(const void *data, struct rg_context *context, FILE *out)
{
	return rg_plot_write(data,
		context->settings.format == RG_FORMAT_PNG ? RG_PLOT_PNG : RG_PLOT_SVG, out,
		&context->err);
}

static uint64_t limit_of(const struct rg_context *context)
{
	return context->settings.limit ? context->settings.limit : ROWS;
}

/* --- as it goes on ------------------------------------------------------------------------ */

/* What is shown meanwhile, on standard output where that is not for the answer alone. */
struct screen {
	bool shown; /* anything at all */
	bool table; /* a terminal: a table that is drawn in its place; else a line each time */
	unsigned lines; /* that the table has now */
	unsigned remarks; /* that there were when it was drawn */
};

static void screen_init(struct screen *screen, const struct rg_context *context)
{
	const char *path = context->settings.output;

	*screen = (struct screen){ .shown = context->settings.format == RG_FORMAT_TEXT ||
					    (path && strcmp(path, "-") != 0),
		.table = rg_terminal_height() > 0 };
}

/* Go back to the first line of the table, and clear what is there. */
static void erase(struct screen *screen)
{
	if (screen->lines && screen->remarks == rg_remarks())
		printf("\033[%uA\r\033[J", screen->lines);
	screen->lines = 0;
	screen->remarks = rg_remarks();
}

static enum rg_code draw_table(
	struct screen *screen, struct rg_context *context, const struct rg_answer_watch *answer)
{
	struct rg_output_forms forms = { .data = answer, .text = text };
	char *drawn = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&drawn, &size);
	enum rg_code code;

	if (!memory)
		return rg_nomem(&context->err);
	code = rg_output_text(context, &forms, memory);
	if (fclose(memory) != 0 && !code)
		code = rg_nomem(&context->err);
	if (!code) {
		erase(screen);
		fputs(drawn, stdout);
		for (const char *c = drawn; *c; c++)
			screen->lines += *c == '\n';
	}
	free(drawn);
	return code;
}

/* The type that grows, or else the one that grew most; "" where none did. */
static const char *fastest(const struct rg_answer_watch *answer, struct rg_arena *arena)
{
	const struct rg_answer_series *rows = answer->types.rows;

	for (uint64_t i = 0; i < answer->types.shown; i++)
		if (rows[i].delta > 0)
			return rg_arena_print(arena, "  %s %s%s%s",
				rg_escape_display(
					arena, rows[i].type, strlen(rows[i].type), NAME_COLUMNS),
				rg_units_delta(rows[i].delta, false, arena),
				rows[i].trend ? ", " : "", rows[i].trend ? rows[i].trend : "");
	return "";
}

/* "2026-01-31 12:00:10  RSS 84.2 MiB  1,004,211 objects  93.1 MiB  app.Session +4,200, grows" */
static enum rg_code print_line(struct rg_context *context, const struct rg_answer_watch *answer)
{
	const struct rg_answer_sample *samples = answer->samples.rows;
	const struct rg_answer_sample *last = &samples[answer->samples.shown - 1];
	struct rg_arena arena = { 0 };
	time_t now = time(NULL);
	struct tm local;
	char when[32];
	const char *line;

	strftime(when, sizeof(when), "%F %T", localtime_r(&now, &local));
	line = rg_arena_print(&arena, "%s  RSS %9s  %12s  %9s%s", when,
		rg_units_bytes(last->rss, &arena),
		rg_units_things(last->objects, "object", "objects", &arena),
		rg_units_bytes(last->size, &arena), fastest(answer, &arena));
	if (rg_terminal_is_ascii())
		line = rg_escape_ascii(&arena, line);
	printf("%s\n", line);
	return rg_arena_end(&arena, RG_OK, &context->err);
}

static enum rg_code show(struct screen *screen, struct rg_watching *watching)
{
	struct rg_context *context = watching->context;
	uint64_t limit = limit_of(context), height = rg_terminal_height();
	struct rg_answer_watch answer;
	struct rg_arena arena = { 0 };
	enum rg_code code;

	if (!screen->shown)
		return RG_OK;
	if (screen->table && limit + AROUND > height)
		limit = height > AROUND + 1 ? height - AROUND : 1;
	code = rg_watching_answer(watching, limit, &answer, &arena);
	if (!code)
		code = screen->table ? draw_table(screen, context, &answer)
				     : print_line(context, &answer);
	if (!code)
		code = rg_output_flush(&context->err);
	return rg_arena_end(&arena, code, &context->err);
}

/* --- the end ------------------------------------------------------------------------------ */

/* Why it ended, where that is not what was to be expected. */
static void tell_end(const struct rg_watching *watching)
{
	struct rg_arena arena = { 0 };

	if (strcmp(watching->ended, "until") == 0)
		rg_remark("'%s' holds: %s", watching->context->settings.until, watching->held);
	if (strcmp(watching->ended, "process") == 0)
		rg_remark("pid %d has ended, after %s", watching->pid,
			rg_units_things(watching->series.taken, "capture", "captures", &arena));
	if (strcmp(watching->ended, "failures") == 0)
		rg_remark("the captures fail, and it ends");
	rg_arena_deinit(&arena);
}

/* Who holds what grew, if there are two captures to tell; else why it is alive. */
static void tell_next(const struct rg_watching *watching, const struct rg_answer_watch *answer)
{
	const struct rg_answer_series *first = answer->types.rows;
	struct rg_source kept = { .path = watching->first_kept };
	struct rg_arena arena = { 0 };
	bool grows = answer->growing && answer->types.shown;

	if (!watching->kept)
		return;
	if (strcmp(watching->kept, watching->first_kept) != 0)
		rg_output_next(&kept, "diff", rg_output_quote(watching->kept, &arena));
	else
		rg_output_next(&kept, grows ? "why" : "types",
			grows ? rg_output_quote(first->type, &arena) : "");
	rg_arena_deinit(&arena);
}

static enum rg_code finish(struct screen *screen, struct rg_watching *watching)
{
	struct rg_context *context = watching->context;
	bool again = screen->shown && context->settings.format == RG_FORMAT_TEXT &&
		     !context->settings.output;
	struct rg_answer_watch answer;
	struct rg_output_forms forms = { .data = &answer, .text = text, .plot = plot };
	struct rg_arena arena = { 0 };
	enum rg_code code = rg_watching_answer(watching, limit_of(context), &answer, &arena);

	if (!code && again && screen->table)
		erase(screen);
	else if (!code && again)
		putchar('\n');
	if (!code)
		code = rg_output_answer(context, &forms);
	tell_end(watching);
	if (!code)
		tell_next(watching, &answer);
	if (!code && watching->failures && strcmp(watching->ended, "failures") == 0) {
		context->err = watching->failure;
		code = context->err.code;
	}
	return rg_arena_end(&arena, code, &context->err);
}

static enum rg_code watch(struct rg_watching *watching)
{
	struct screen screen;
	enum rg_code code = rg_output_check(watching->context);

	screen_init(&screen, watching->context);
	while (!code && !watching->ended) {
		uint64_t taken = watching->series.taken;

		code = rg_watching_capture(watching);
		if (!code && watching->series.taken > taken)
			code = show(&screen, watching);
		if (!code && !watching->ended)
			rg_watching_wait(watching);
	}
	return code ? code : finish(&screen, watching);
}

/* --- a series that was written ------------------------------------------------------------ */

static enum rg_code show_again(struct rg_context *context)
{
	const char *path = context->words[0];
	struct rg_answer_watch answer = { .every = 0 };
	struct rg_output_forms forms = { .data = &answer, .text = text, .plot = plot };
	struct rg_arena arena = { 0 };
	enum rg_code code;

	if (context->n_words > 1) {
		rg_fail(&context->err, RG_USAGE, "extra-argument",
			"'%s': a series has counts, and no objects to select", context->words[1]);
		return rg_hint(&context->err, "usage: refgraph watch SERIES -o plot.svg");
	}
	code = rg_json_read(&rg_answer_watch, path, &answer, &arena, &context->err);
	if (!code)
		code = rg_answer_watch_check(&answer, path, &context->err);
	if (code)
		rg_hint(&context->err,
			"watch takes a pid, or the JSON that it wrote (-o series.json)");
	if (!code && context->settings.limit && answer.types.shown > context->settings.limit)
		answer.types.shown = context->settings.limit;
	if (!code)
		code = rg_output_answer(context, &forms);
	return rg_arena_end(&arena, code, &context->err);
}

static enum rg_code run(struct rg_context *context)
{
	struct rg_watching watching;
	enum rg_code code;
	pid_t pid;

	code = rg_source_pid(context->words[0], &pid, &context->err);
	if (code || !pid)
		return code ? code : show_again(context);
	code = rg_watching_init(&watching, context, pid);
	if (!code)
		code = watch(&watching);
	rg_watching_deinit(&watching);
	return code;
}

const struct rg_command rg_cmd_watch = {
	.name = "watch",
	.arguments = "PID|SERIES [SELECTION ...]",
	.summary = "capture a process again and again: which types grow, and its memory",
	.description =
		"Captures a process every 10 seconds, or as --every says, until it ends, Ctrl-C, "
		"or what --count, --for or --until say, and shows which types grow, how fast, and "
		"the memory beside them. A type grows by a test that neither noise nor a cache "
		"that fills and is emptied nor a warm-up passes; it takes six captures or more. A "
		"selection says what is counted. --until waits for a selection, and for what all "
		"of it together is: count, total (bytes), rss. The answer is a table, JSON (the "
		"whole series) or a plot; a series that was written as JSON can be shown and "
		"plotted again. The last capture is kept, as of any command, and with --keep all "
		"of them.",
	.examples = { { "watch 4711", "until Ctrl-C: which types grow?" },
		{ "watch 4711 --every 5s --for 10m -o plot.svg", "as a plot" },
		{ "watch 4711 --until 'type=app.* and count>10k'", "and keep that moment" },
		{ "watch 4711 Session --keep captures", "and every capture" },
		{ "watch 4711 -o series.json", "the series, for a script or for later" },
		{ "watch series.json -o plot.png", "plot it" } },
	.options = (RG_OPTIONS_LIST & ~(RG_OPTION(SYSROOT) | RG_OPTION(STABLE))) | RG_OPTION(RAW) |
		   RG_OPTION(EVERY) | RG_OPTION(CAPTURES) | RG_OPTION(LASTING) | RG_OPTION(UNTIL) |
		   RG_OPTION(KEEP),
	.formats = RG_FORMATS_PLAIN | 1u << RG_FORMAT_SVG | 1u << RG_FORMAT_PNG,
	.min_words = 1,
	.max_words = -1,
	.answer = &rg_answer_watch,
	.run = run,
};
