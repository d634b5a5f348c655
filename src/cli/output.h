/*
 * Where an answer goes, and in which form: standard output, or a file that appears only when it
 * is whole.
 */
#ifndef RG_CLI_OUTPUT_H
#define RG_CLI_OUTPUT_H

#include <stdio.h>

#include "heapdump/base/arena.h"
#include "src/answer/answer.h"
#include "src/cli/command.h"
#include "src/cli/source.h"
#include "src/view/picture.h"

struct rg_output_forms {
	const void *data; /* of the command's answer, for JSON */
	const struct rg_picture *picture; /* for DOT and SVG; NULL: none asked for */
	/* print the text form */
	enum rg_code (*text)(const void *data, struct rg_context *context, FILE *out);
};

/* Flush standard output and say whether all of it was written; a closed pipe is no failure. */
enum rg_code rg_output_flush(struct rg_error *err);

/* Write the answer in the chosen form. */
enum rg_code rg_output_answer(struct rg_context *context, const struct rg_output_forms *forms);

/* True when the chosen form is a picture. */
bool rg_output_drawn(const struct rg_context *context);

/*
 * "refgraph: next: refgraph COMMAND SOURCE REST": the command to try next, on standard error.
 * SOURCE is the kept snapshot; nothing is printed where none was kept.
 */
void rg_output_next(const struct rg_source *source, const char *command, const char *rest);

/* WORD as a shell reads it; and all the words of the selection, behind the source. */
const char *rg_output_quote(const char *word, struct rg_arena *arena);
const char *rg_output_selection(const struct rg_context *context, struct rg_arena *arena);

/* A table of the rows of LIST, with the terminal's width and the settings' style. */
enum rg_code rg_output_table(struct rg_context *context, const struct rg_record *record,
	const struct rg_list *list, const char *indent, FILE *out);

#endif
