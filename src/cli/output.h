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
	/* print the text form */
	enum rg_code (*text)(const void *data, struct rg_context *context, FILE *out);
	/* for pictures, NULL where the command has none: drawn again with fewer nodes if need be */
	struct rg_drawing *drawing;
	/* for an answer that is drawn, but is no graph: write it as SVG or PNG */
	enum rg_code (*plot)(const void *data, struct rg_context *context, FILE *out);
	const uint32_t *ids; /* for the form ids */
	uint64_t n_ids;
};

/* What a command can draw, and draw again. */
struct rg_drawing {
	/* draw with at most NODES nodes (0: the default) into `picture`, instead of what it has */
	enum rg_code (*draw)(struct rg_drawing *drawing, uint64_t nodes);
	const struct rg_picture *picture;
};

/* Flush standard output and say whether all of it was written; a closed pipe is no failure. */
enum rg_code rg_output_flush(struct rg_error *err);

/*
 * Let WRITE write to where -o says, or to standard output: a file appears whole or not at all, and
 * a remark names it.
 */
enum rg_code rg_output_write(struct rg_context *context, const void *subject,
	enum rg_code (*write)(struct rg_context *context, const void *subject, FILE *out));

/* Print the text form, whatever was chosen: in ASCII where the locale has no more. */
enum rg_code rg_output_text(
	struct rg_context *context, const struct rg_output_forms *forms, FILE *out);

/* Whether the answer can be written to where it is to go, as far as that is known before. */
enum rg_code rg_output_check(struct rg_context *context);

/* Write the answer in the chosen form. */
enum rg_code rg_output_answer(struct rg_context *context, const struct rg_output_forms *forms);

/* True when the chosen form is a picture. */
bool rg_output_drawn(const struct rg_context *context);

/*
 * "refgraph: next: refgraph COMMAND SOURCE REST": the command to try next, on standard error.
 * SOURCE is the kept snapshot; nothing is printed where none was kept, or where there was no
 * memory for REST.
 */
void rg_output_next(const struct rg_source *source, const char *command, const char *rest);

/* The title of PICTURE and what is shown of how much, before its text form. */
enum rg_code rg_output_heading(
	struct rg_context *context, const struct rg_picture *picture, FILE *out);

/* The nodes and edges of PICTURE as a tree: from what was asked about, or from the roots. */
enum rg_code rg_output_tree(struct rg_context *context, const struct rg_picture *picture, bool back,
	bool from_roots, FILE *out);

/* WORD as a shell reads it; and the selection: the words behind the source, and --new-since. */
const char *rg_output_quote(const char *word, struct rg_arena *arena);
const char *rg_output_selection(const struct rg_context *context, struct rg_arena *arena);

/*
 * TEXT, of any bytes, behind what stands in the line up to column AT, and the line's end: prose goes
 * on below itself where the line is full, of a path its middle is left out.
 */
void rg_output_prose(const char *text, unsigned at, struct rg_arena *arena, FILE *out);
void rg_output_path(const char *text, unsigned at, struct rg_arena *arena, FILE *out);

/* A table of the rows of LIST, with the terminal's width and the settings' style. */
enum rg_code rg_output_table(struct rg_context *context, const struct rg_record *record,
	const struct rg_list *list, const char *indent, FILE *out);

#endif
