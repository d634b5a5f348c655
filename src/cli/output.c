#include "src/cli/output.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heapdump/base/file.h"
#include "src/cli/progress.h"
#include "src/cli/report.h"
#include "src/cli/terminal.h"
#include "src/emit/escape.h"
#include "src/emit/json.h"
#include "src/emit/render.h"
#include "src/emit/table.h"
#include "src/emit/tree.h"
#include "src/emit/wrap.h"

/* True when standard output is a pipe that nobody reads any more. */
static bool is_reader_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) == 1 && out.revents & (POLLERR | POLLHUP);
}

enum rg_code rg_output_flush(struct rg_error *err)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return RG_OK;
	/* who closed the pipe does not want to read more */
	if (errno == EPIPE || is_reader_gone())
		return RG_OK;
	rg_fail(err, RG_SYSTEM, "cannot-write", "standard output cannot be written: %s",
		errno ? strerror(errno) : "is the disk full?");
	return rg_hint(err, "write to a file with -o FILE");
}

bool rg_output_drawn(const struct rg_context *context)
{
	return context->settings.format == RG_FORMAT_DOT ||
	       context->settings.format == RG_FORMAT_SVG ||
	       context->settings.format == RG_FORMAT_PNG;
}

/* --- pictures ----------------------------------------------------------------------------- */

#define PROSE 500 /* columns of a text in all */
#define LINE 100 /* columns that prose takes at most, however wide the terminal is */
#define HEADING 100 /* columns of a line above a tree */
#define HARDER 2 /* a picture that takes too long is drawn with this part of its nodes */

/* The DOT of what could not be laid out, beside the file that was asked for. */
static enum rg_code write_instead(
	struct rg_context *context, const struct rg_picture *picture, const char *path)
{
	struct rg_output output;
	struct rg_error own;
	char *name;

	if (!path || asprintf(&name, "%s.dot", path) < 0)
		return RG_LIMIT;
	if (!rg_output_open(&output, name, 0600, &own)) {
		if (rg_render(picture, RG_RENDER_DOT, RG_RENDER_LIMITS, output.stream, &own))
			rg_output_abandon(&output);
		else if (!rg_output_commit(&output, &own))
			rg_hint(&context->err,
				"wrote %s instead: lay it out with another program, or draw less "
				"(--nodes, --depth)",
				name);
	}
	free(name);
	return RG_LIMIT;
}

/*
 * Lay out and draw. A layout that takes too long is tried in a simpler form (rg_render), then
 * with half the nodes; then its DOT is kept.
 */
static enum rg_code render(
	struct rg_context *context, const struct rg_output_forms *forms, FILE *out)
{
	enum rg_render_format format = context->settings.format == RG_FORMAT_PNG ? RG_RENDER_PNG
										 : RG_RENDER_SVG;
	struct rg_drawing *drawing = forms->drawing;
	uint64_t nodes = drawing->picture->n_nodes, seconds = context->settings.layout_time;
	struct rg_render_limits limits = RG_RENDER_LIMITS;
	enum rg_code code;

	if (seconds)
		limits.full = limits.simple = seconds < 3600 ? (unsigned)seconds : 3600;
	code = rg_render(drawing->picture, format, limits, out, &context->err);

	if (code != RG_LIMIT || strcmp(context->err.name, "layout-time") != 0)
		return code;
	code = drawing->draw(drawing, nodes / HARDER + 1);
	if (!code)
		code = rg_render(drawing->picture, format, limits, out, &context->err);
	if (!code)
		rg_remark("the layout took too long: drawn with %u of %llu nodes",
			drawing->picture->n_nodes, (unsigned long long)nodes);
	return code == RG_LIMIT ? write_instead(context, drawing->picture, context->settings.output)
				: code;
}

static enum rg_code refuse_terminal(struct rg_context *context)
{
	rg_fail(&context->err, RG_USAGE, "binary-to-terminal", "a PNG is no text for a terminal");
	return rg_hint(&context->err, "write it to a file with -o FILE.png");
}

/* --- forms -------------------------------------------------------------------------------- */

/* The objects of the answer: those it lists, or those in its picture. */
static enum rg_code write_ids(const struct rg_output_forms *forms, FILE *out)
{
	const struct rg_picture *picture = forms->drawing ? forms->drawing->picture : NULL;

	for (uint64_t i = 0; i < forms->n_ids; i++)
		fprintf(out, "@%u\n", forms->ids[i]);
	for (uint32_t i = 0; picture && i < picture->n_nodes; i++)
		if (picture->nodes[i].object != RG_PICTURE_NO_OBJECT)
			fprintf(out, "@%u\n", picture->nodes[i].object);
	return RG_OK;
}

/* Where the locale has no UTF-8, with likenesses of what it has not. */
enum rg_code rg_output_text(
	struct rg_context *context, const struct rg_output_forms *forms, FILE *out)
{
	struct rg_arena arena = { 0 };
	char *text = NULL;
	size_t size = 0;
	FILE *memory = rg_terminal_is_ascii() ? open_memstream(&text, &size) : NULL;
	enum rg_code code;
	bool bad;

	if (!rg_terminal_is_ascii())
		return forms->text(forms->data, context, out);
	if (!memory)
		return rg_nomem(&context->err);
	code = forms->text(forms->data, context, memory);
	bad = ferror(memory) != 0;
	bad |= fclose(memory) != 0;
	/* nothing but memory can be missing there */
	if (!code && bad)
		code = rg_nomem(&context->err);
	if (!code)
		fputs(rg_escape_ascii(&arena, text), out);
	free(text);
	return rg_arena_end(&arena, code, &context->err);
}

static enum rg_code write_form(struct rg_context *context, const void *subject, FILE *out)
{
	const struct rg_output_forms *forms = subject;

	switch (context->settings.format) {
	case RG_FORMAT_JSON:
		return rg_json_write(context->command->answer, forms->data,
			context->settings.stable, out, &context->err);
	case RG_FORMAT_DOT:
		return rg_render(forms->drawing->picture, RG_RENDER_DOT, RG_RENDER_LIMITS, out,
			&context->err);
	case RG_FORMAT_SVG:
	case RG_FORMAT_PNG:
		return forms->plot ? forms->plot(forms->data, context, out)
				   : render(context, forms, out);
	case RG_FORMAT_IDS:
		return write_ids(forms, out);
	default:
		return rg_output_text(context, forms, out);
	}
}

enum rg_code rg_output_write(struct rg_context *context, const void *subject,
	enum rg_code (*write)(struct rg_context *context, const void *subject, FILE *out))
{
	const char *path = context->settings.output;
	struct rg_output output;
	enum rg_code code;

	if (!path || strcmp(path, "-") == 0) {
		code = write(context, subject, stdout);
		return code ? code : rg_output_flush(&context->err);
	}
	code = rg_output_open(&output, path, 0600, &context->err);
	if (code)
		return code;
	code = write(context, subject, output.stream);
	if (code) {
		rg_output_abandon(&output);
		return code;
	}
	code = rg_output_commit(&output, &context->err);
	if (!code)
		rg_remark("wrote %s", path);
	return code;
}

static bool is_standard(const struct rg_context *context)
{
	const char *path = context->settings.output;

	return !path || strcmp(path, "-") == 0;
}

enum rg_code rg_output_check(struct rg_context *context)
{
	struct rg_output output;
	enum rg_code code;
	struct stat st;

	if (is_standard(context) && context->settings.format == RG_FORMAT_PNG &&
		isatty(STDOUT_FILENO))
		return refuse_terminal(context);
	/* opening a pipe to close it again would be its end for who reads it */
	if (is_standard(context) ||
		(stat(context->settings.output, &st) == 0 && !S_ISREG(st.st_mode)))
		return RG_OK;
	code = rg_output_open(&output, context->settings.output, 0600, &context->err);
	if (!code)
		rg_output_abandon(&output);
	return code;
}

enum rg_code rg_output_answer(struct rg_context *context, const struct rg_output_forms *forms)
{
	rg_progress_stop();
	if (is_standard(context) && context->settings.format == RG_FORMAT_PNG &&
		isatty(STDOUT_FILENO))
		return refuse_terminal(context);
	return rg_output_write(context, forms, write_form);
}

enum rg_code rg_output_heading(
	struct rg_context *context, const struct rg_picture *picture, FILE *out)
{
	struct rg_arena arena = { 0 };

	fprintf(out, "%s\n%s\n\n",
		rg_escape_display(&arena, picture->title, strlen(picture->title), HEADING),
		rg_escape_display(&arena, picture->subtitle, strlen(picture->subtitle), HEADING));
	return rg_arena_end(&arena, RG_OK, &context->err);
}

enum rg_code rg_output_tree(struct rg_context *context, const struct rg_picture *picture, bool back,
	bool from_roots, FILE *out)
{
	struct rg_tree_style style = { .width = rg_terminal_width(),
		.back = back,
		.from_roots = from_roots,
		.stable = context->settings.stable,
		.ascii = rg_terminal_is_ascii() };

	return rg_tree_print(picture, &style, out, &context->err);
}

void rg_output_next(const struct rg_source *source, const char *command, const char *rest)
{
	/* object numbers are the same whenever a core is read */
	const char *name = source->path ? source->path : source->core;
	struct rg_arena arena = { 0 };

	if (!name || strcmp(name, "-") == 0 || rest == rg_arena_nothing)
		return;
	name = rg_output_quote(name, &arena);
	/* a line that is not quoted is none to paste into a shell */
	if (!arena.failed)
		rg_remark("next: refgraph %s %s%s%s", command, name, *rest ? " " : "", rest);
	rg_arena_deinit(&arena);
}

const char *rg_output_quote(const char *word, struct rg_arena *arena)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/._-+:@%,=";
	char *quoted = rg_arena_new(arena, 4 * strlen(word) + 3, 1), *at = quoted;

	if (!quoted)
		return rg_arena_nothing;
	if (*word && strspn(word, plain) == strlen(word))
		return word;
	*at++ = '\'';
	for (; *word; word++)
		/* a quote ends the quoted part, stands escaped, and begins the next */
		at = *word == '\'' ? stpcpy(at, "'\\''") : (*at = *word, at + 1);
	*at = '\'';
	return quoted;
}

const char *rg_output_selection(const struct rg_context *context, struct rg_arena *arena)
{
	const char *text = "";

	for (int i = 1; i < context->n_words; i++)
		text = rg_arena_print(arena, "%s%s%s", text, i > 1 ? " " : "",
			rg_output_quote(context->words[i], arena));
	if (context->settings.new_since)
		text = rg_arena_print(arena, "%s%s--new-since %s", text, *text ? " " : "",
			rg_output_quote(context->settings.new_since, arena));
	return text;
}

void rg_output_prose(const char *text, unsigned at, struct rg_arena *arena, FILE *out)
{
	unsigned width = rg_terminal_width();
	struct rg_wrap wrap = { width < LINE ? width : LINE, at, at };

	rg_wrap_print(&wrap, rg_escape_display(arena, text, strlen(text), PROSE), out);
}

void rg_output_path(const char *text, unsigned at, struct rg_arena *arena, FILE *out)
{
	unsigned width = rg_terminal_width();

	fprintf(out, "%s\n",
		rg_escape_middle(arena, text, strlen(text), width > at ? width - at : 1));
}

enum rg_code rg_output_table(struct rg_context *context, const struct rg_record *record,
	const struct rg_list *list, const char *indent, FILE *out)
{
	struct rg_table_style style = { .width = rg_terminal_width(),
		.indent = indent,
		.stable = context->settings.stable,
		.ascii = rg_terminal_is_ascii() };

	return rg_table_print(record, list, &style, out, &context->err);
}
