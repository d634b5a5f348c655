#include "src/cli/command.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/file.h"
#include "heapdump/base/suggest.h"
#include "src/cli/help.h"
#include "src/cli/output.h"
#include "src/cli/progress.h"
#include "src/cli/report.h"
#include "src/cli/terminal.h"

const struct rg_command *rg_command_find(const char *name)
{
	for (size_t i = 0; rg_commands[i]; i++)
		if (strcmp(rg_commands[i]->name, name) == 0)
			return rg_commands[i];
	return NULL;
}

enum rg_code rg_command_unknown(const char *word, struct rg_error *err)
{
	const char *names[64], *meant;
	size_t n = 0;

	while (rg_commands[n] && n < 64) {
		names[n] = rg_commands[n]->name;
		n++;
	}
	rg_fail(err, RG_USAGE, "unknown-command", "unknown command '%s'", word);
	meant = rg_suggest(word, names, n);
	if (meant)
		return rg_hint(err, "did you mean: refgraph %s?", meant);
	return rg_hint(err, "see the commands with: refgraph help");
}

static enum rg_code check_words(struct rg_context *context)
{
	const struct rg_command *command = context->command;
	bool selects = context->n_words > 1 || context->settings.from ||
		       context->settings.new_since;

	if (command->runs && context->settings.separated && context->n_words > 0)
		return RG_OK;
	if (context->n_words >= command->min_words && (selects || !command->selects) &&
		(command->max_words < 0 || context->n_words <= command->max_words))
		return RG_OK;
	if (context->n_words < command->min_words || !selects)
		rg_fail(&context->err, RG_USAGE, "missing-argument", "%s: something is missing",
			command->name);
	else
		rg_fail(&context->err, RG_USAGE, "extra-argument", "%s: '%s' is one too many",
			command->name, context->words[command->max_words]);
	return rg_hint(&context->err, "usage: refgraph %s %s, as in: refgraph %s", command->name,
		command->arguments, command->examples[0].line);
}

/* A file of a kind that readers of its name expect, and that no answer is. */
static bool is_foreign(const char *path)
{
	static const char *const suffixes[] = { ".pdf", ".ps", ".eps", ".gif", ".jpg", ".jpeg",
		".webp", ".html", ".htm", ".csv", ".yaml", ".yml" };
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strcmp(dot, suffixes[i]) == 0)
			return true;
	return false;
}

/* The format: as asked for, or by the suffix of the output's name, or the command's first. */
static enum rg_code choose_format(struct rg_context *context)
{
	struct rg_settings *settings = &context->settings;

	if (!settings->format && settings->output && context->command->formats &&
		is_foreign(settings->output)) {
		rg_fail(&context->err, RG_USAGE, "no-such-format", "%s: %s has no such form",
			settings->output, context->command->name);
		return rg_hint(&context->err,
			"see its formats with: refgraph help %s; --format writes one under any "
			"name",
			context->command->name);
	}
	if (!settings->format && settings->output)
		settings->format = (int)rg_format_by_suffix(settings->output);
	if (!settings->format)
		settings->format = context->command->formats
					   ? __builtin_ctz(context->command->formats)
					   : RG_FORMAT_TEXT;
	if (context->command->formats && !(context->command->formats >> settings->format & 1)) {
		rg_fail(&context->err, RG_USAGE, "no-such-format", "%s has no %s form",
			context->command->name,
			rg_options[RG_OPTION_FORMAT].choices[settings->format]);
		return rg_hint(&context->err, "see its formats with: refgraph help %s",
			context->command->name);
	}
	return RG_OK;
}

static enum rg_code run_command(struct rg_context *context, int argc, char **argv)
{
	int first = 1;
	enum rg_code code = rg_options_parse(&context->settings,
		context->command->options | RG_OPTION(HELP), argc, argv, &first, &context->err);

	if (code)
		return code;
	if (context->settings.help)
		return rg_help_command(context->command, stdout);
	rg_progress_start();
	context->words = argv + first;
	context->n_words = argc - first;
	code = check_words(context);
	if (!code)
		code = choose_format(context);
	return code ? code : context->command->run(context);
}

/* Ctrl-C and the like: no partial file stays; the guardian sees to the target by itself. */
static void on_end(int signal_number)
{
	rg_output_remove_all();
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void set_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	/* these are failures of a write, with a file to remove and a line to say so */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		/* one that is ignored (nohup) stays ignored */
		if (signal(ends[i], on_end) == SIG_IGN)
			signal(ends[i], SIG_IGN);
}

/* A script that asks for JSON gets it for its own mistakes too, wherever on the line they are. */
static bool asks_json(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--format=json") == 0 || strcmp(argv[i], "-fjson") == 0 ||
			(i + 1 < argc && strcmp(argv[i + 1], "json") == 0 &&
				(strcmp(argv[i], "--format") == 0 || strcmp(argv[i], "-f") == 0)))
			return true;
	return false;
}

int rg_command_main(int argc, char **argv)
{
	struct rg_context context = { 0 };
	const char *word = argc > 1 ? argv[1] : NULL;
	enum rg_code code;

	rg_terminal_init();
	set_signals();
	rg_error_init(&context.err);
	context.settings.format = asks_json(argc, argv) ? RG_FORMAT_JSON : RG_FORMAT_AUTO;
	if (!word) {
		rg_help_overview(stderr);
		return rg_exit_status(RG_USAGE);
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		code = rg_help_version(stdout);
	} else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		code = rg_help_overview(stdout);
	} else if (*word == '-') {
		code = rg_fail(&context.err, RG_USAGE, "missing-command",
			"'%s' where a command should be", word);
		rg_hint(&context.err,
			"usage: refgraph COMMAND [OPTIONS] SOURCE; see: refgraph help");
	} else {
		context.command = rg_command_find(word);
		code = context.command ? run_command(&context, argc - 1, argv + 1)
				       : rg_command_unknown(word, &context.err);
	}
	rg_progress_stop();
	/* a write that failed unnoticed is a failure all the same */
	if (!code)
		code = rg_output_flush(&context.err);
	if (code)
		rg_report(&context.err, context.settings.format == RG_FORMAT_JSON);
	return code ? rg_exit_status(code) : context.found ? RG_EXIT_FOUND : rg_exit_status(RG_OK);
}
