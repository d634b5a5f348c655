/* What every command that asks one heap does: open the source, answer, write, say what is next. */
#ifndef RG_CMD_ANSWERING_H
#define RG_CMD_ANSWERING_H

#include "src/analysis/cycles.h"
#include "src/cli/output.h"
#include "src/cli/source.h"
#include "src/graph/bitset.h"

struct rg_answering {
	struct rg_context *context;
	struct rg_source source;
	struct rg_arena arena;
	struct rg_answer_origin *origin;
	struct rg_bitset selected; /* by the words behind the source */
	bool has_selection;
	uint64_t limit;
};

/* Open the first word and select by the others; LIMIT is the command's own default. */
enum rg_code rg_answering_open(
	struct rg_answering *answering, struct rg_context *context, uint64_t limit);
void rg_answering_close(struct rg_answering *answering);

/* The edge classes that --edges asked for; RG_EDGES_DATA by default. */
unsigned rg_answering_edges(const struct rg_context *context);

/* The cycles among the selected, for the commands that need them. */
enum rg_code rg_answering_cycles(struct rg_answering *answering, struct rg_cycles *cycles);

#endif
