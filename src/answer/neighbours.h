/* The answers of `refs` and `backrefs`. */
#ifndef RG_ANSWER_NEIGHBOURS_H
#define RG_ANSWER_NEIGHBOURS_H

#include "src/answer/graph.h"

struct rg_answer_neighbours {
	struct rg_answer_envelope envelope;
	uint64_t selected; /* objects; the picture starts from the first of them */
	struct rg_answer_graph *graph;
	/* for the text form */
	const struct rg_picture *picture;
	bool back;
};

extern const struct rg_answer rg_answer_refs, rg_answer_backrefs;

#endif
