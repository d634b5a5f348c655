#include "src/cli/output.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "heapdump/base/file.h"
#include "src/cli/progress.h"
#include "src/cli/report.h"
#include "src/cli/terminal.h"
#include "src/emit/dot.h"
#include "src/emit/json.h"
#include "src/emit/render.h"
#include "src/emit/table.h"

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
	       context->settings.format == RG_FORMAT_SVG;
}

static enum rg_code write_form(
	struct rg_context *context, const struct rg_output_forms *forms, FILE *out)
{
	switch (context->settings.format) {
	case RG_FORMAT_JSON:
		return rg_json_write(context->command->answer, forms->data,
			context->settings.stable, out, &context->err);
	case RG_FORMAT_DOT:
		return rg_dot_write(forms->picture, out, &context->err);
	case RG_FORMAT_SVG:
		return rg_render_svg(forms->picture, out, &context->err);
	default:
		return forms->text(forms->data, context, out);
	}
}

enum rg_code rg_output_answer(struct rg_context *context, const struct rg_output_forms *forms)
{
	const char *path = context->settings.output;
	struct rg_output output;
	enum rg_code code;

	rg_progress_stop();
	if (!path || strcmp(path, "-") == 0) {
		code = write_form(context, forms, stdout);
		return code ? code : rg_output_flush(&context->err);
	}
	code = rg_output_open(&output, path, 0600, &context->err);
	if (code)
		return code;
	code = write_form(context, forms, output.stream);
	if (code) {
		rg_output_abandon(&output);
		return code;
	}
	code = rg_output_commit(&output, &context->err);
	if (!code)
		rg_remark("wrote %s", path);
	return code;
}

void rg_output_next(const struct rg_source *source, const char *command, const char *rest)
{
	struct rg_arena arena = { 0 };

	if (source->path && strcmp(source->path, "-") != 0)
		rg_remark("next: refgraph %s %s%s%s", command,
			rg_output_quote(source->path, &arena), *rest ? " " : "", rest);
	rg_arena_deinit(&arena);
}

const char *rg_output_quote(const char *word, struct rg_arena *arena)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/._-+:@%,=";
	char *quoted = rg_arena_new(arena, 4 * strlen(word) + 3, 1), *at = quoted;

	if (!quoted || (*word && strspn(word, plain) == strlen(word)))
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
	return text;
}

enum rg_code rg_output_table(struct rg_context *context, const struct rg_record *record,
	const struct rg_list *list, const char *indent, FILE *out)
{
	struct rg_table_style style = {
		.width = rg_terminal_width(), .indent = indent, .stable = context->settings.stable
	};

	return rg_table_print(record, list, &style, out, &context->err);
}
