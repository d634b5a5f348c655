/* What every command that asks one heap does: open the source, answer, write, say what is next. */
#ifndef RG_CMD_ANSWERING_H
#define RG_CMD_ANSWERING_H

#include "src/analysis/cycles.h"
#include "src/analysis/groups.h"
#include "src/answer/graph.h"
#include "src/cli/output.h"
#include "src/cli/source.h"
#include "src/graph/bitset.h"
#include "src/select/select.h"
#include "src/view/draw.h"

struct rg_answering {
	struct rg_context *context;
	struct rg_source source;
	struct rg_arena arena;
	struct rg_answer_origin *origin;
	struct rg_bitset made; /* objects that are not in the snapshot of --new-since */
	struct rg_source earlier; /* of --new-since, for a command that compares; else closed */
	struct rg_bitset selected; /* by the words behind the source */
	bool has_selection;
	bool exact; /* selected by numbers, addresses and --from alone */
	unsigned needs; /* RG_NEEDS_*, of all selections of the command line */
	struct rg_selector selector;
	uint64_t limit;
};

/* A command's picture: what it draws, and by which function. */
struct rg_answering_picture {
	struct rg_drawing drawing; /* for the output */
	struct rg_answering *answering;
	const void *subject; /* the function's */
	enum rg_code (*draw)(
		struct rg_answering *answering, const void *subject, struct rg_draw *draw);
	struct rg_draw canvas;
};

/*
 * Read the selections of the command line; what opens a source before rg_answering_open does so
 * first.
 */
enum rg_code rg_answering_check(struct rg_context *context);

/* Open the first word and select by the others; LIMIT is the command's own default. */
enum rg_code rg_answering_open(
	struct rg_answering *answering, struct rg_context *context, uint64_t limit);
void rg_answering_close(struct rg_answering *answering);

/* Open, ANSWER, close: what the `run` of a command does. */
enum rg_code rg_answering_run(struct rg_context *context, uint64_t limit,
	enum rg_code (*answer)(struct rg_answering *answering));

/* The rows of what was selected, helpers as what they are folded into; all without a selection. */
enum rg_code rg_answering_ids(struct rg_answering *answering, uint32_t **ids_ret, uint64_t *n_ret);

/* What WORD, of an option, selects; nothing is selected and SET zeroed where WORD is NULL. */
enum rg_code rg_answering_select(
	struct rg_answering *answering, const char *word, struct rg_bitset *set);

/* What --type and --module name, in SET; zeroed where there is neither. */
enum rg_code rg_answering_filter(struct rg_answering *answering, struct rg_bitset *set);

/* Draw the first time; the caller deinits whatever happens. */
enum rg_code rg_answering_draw(struct rg_answering_picture *picture, struct rg_answering *answering,
	enum rg_code (*draw)(
		struct rg_answering *answering, const void *subject, struct rg_draw *draw),
	const void *subject);
void rg_answering_picture_deinit(struct rg_answering_picture *picture);

/*
 * Write an answer in its forms. Where its picture was drawn and is wanted as data, by --graph or
 * --tree, that is put in *GRAPH first, which is the answer's.
 */
enum rg_code rg_answering_write(struct rg_answering *answering,
	const struct rg_answering_picture *picture, const struct rg_output_forms *forms,
	struct rg_answer_graph **graph);

/* The edge classes that --edges asked for; RG_EDGES_DATA by default. */
unsigned rg_answering_edges(const struct rg_context *context);

/* What --by names, a mask of 1 << enum rg_grouping of the ALLOWED ones; 0 without it. */
enum rg_code rg_answering_by(struct rg_context *context, unsigned allowed, unsigned *by_ret);

/* The cycles among the selected, for the commands that need them. */
enum rg_code rg_answering_cycles(struct rg_answering *answering, struct rg_cycles *cycles);

/* What it searches for, for who compares. */
struct rg_cycles_options rg_answering_cycles_options(const struct rg_answering *answering);

#endif
