#include "src/cli/help.h"

#include <cairo.h>
#include <jansson.h>
#include <libsmartcols.h>
#include <string.h>
#include <zstd.h>

#include "src/emit/wrap.h"

#define WIDTH 78
#define COLUMN 26

/* TEXT from column AT on, as far as WIDTH; its further lines stand at INDENT. */
static void print_wrapped(FILE *out, const char *text, unsigned indent, unsigned at)
{
	struct rg_wrap wrap = { WIDTH, indent, at };

	rg_wrap_print(&wrap, text, out);
}

/* "text, json, dot or svg": those the command has. */
static void print_formats(FILE *out, unsigned formats)
{
	const char *const *names = rg_options[RG_OPTION_FORMAT].choices;
	bool first = true;

	for (unsigned i = 1; names[i]; i++)
		if (formats >> i & 1) {
			fprintf(out, "%s%s",
				first                ? ""
				: formats >> (i + 1) ? ", "
						     : " or ",
				names[i]);
			first = false;
		}
	fputc('\n', out);
}

static void print_option(FILE *out, const struct rg_option *option, unsigned formats)
{
	int at;

	at = option->letter ? fprintf(out, "  -%c, --%s", option->letter, option->name)
			    : fprintf(out, "      --%s", option->name);
	if (option->argument)
		at += fprintf(out, " %s", option->argument);
	if (at > COLUMN - 2) {
		fputc('\n', out);
		at = 0;
	}
	fprintf(out, "%*s", COLUMN - at, "");
	if (formats && option->offset == offsetof(struct rg_settings, format))
		print_formats(out, formats);
	else
		print_wrapped(out, option->summary, COLUMN, COLUMN);
}

enum rg_code rg_help_command(const struct rg_command *command, FILE *out)
{
	uint64_t options = command->options | RG_OPTION(HELP);

	fprintf(out, "%s: %s\n\n", command->name, command->summary);
	for (int i = 0; i < RG_EXAMPLES && command->examples[i].line; i++)
		fprintf(out, "  refgraph %-48s # %s\n", command->examples[i].line,
			command->examples[i].what);
	fprintf(out, "\nUsage: refgraph %s [OPTIONS]%s%s\n\n", command->name,
		*command->arguments ? " " : "", command->arguments);
	print_wrapped(out, command->description, 0, 0);
	if (strstr(command->arguments, "SELECTION"))
		fprintf(out, "\nHow a selection is written: refgraph help selections\n");
	fprintf(out, "\nOptions:\n");
	for (unsigned id = 0; id < RG_OPTION_COUNT; id++)
		if (options >> id & 1)
			print_option(out, &rg_options[id], command->formats);
	return RG_OK;
}

enum rg_code rg_help_overview(FILE *out)
{
	fprintf(out,
		"refgraph: who holds what in a running Python program, and why it is not "
		"freed\n\n"
		"  refgraph ps                          # which Python processes are here?\n"
		"  refgraph cycles 4711                 # its reference cycles, and what to break\n"
		"  refgraph cycles 4711 -o cycles.svg   # the same as a picture\n"
		"  refgraph dump 4711 -o leak.rgs       # keep a snapshot, ask it later\n"
		"  refgraph why leak.rgs Session        # what keeps each Session alive?\n\n"
		"Usage: refgraph COMMAND [OPTIONS] SOURCE ...\n\n"
		"A source is a pid, the unique name of a process, a snapshot or a core file.\n\n"
		"Commands:\n");
	for (size_t i = 0; rg_commands[i]; i++)
		fprintf(out, "  %-12s %s\n", rg_commands[i]->name, rg_commands[i]->summary);
	fprintf(out,
		"\nMore on one: refgraph help COMMAND, or man refgraph-COMMAND. Which objects:\n"
		"refgraph help selections.\n");
	return RG_OK;
}

enum rg_code rg_help_version(FILE *out)
{
	fprintf(out,
		"refgraph %s\n"
		"Copyright (c) 2026 The refgraph authors. MIT licence.\n"
		"Reads: snapshot format 1, CPython 3.11 (x86-64 Linux)\n"
		"With: cairo %s, graphviz, jansson %s, smartcols %s, zstd %s\n",
		PACKAGE_VERSION, CAIRO_VERSION_STRING, JANSSON_VERSION, LIBSMARTCOLS_VERSION,
		ZSTD_VERSION_STRING);
	return RG_OK;
}
