/* A picture as data, for scripts: the same nodes and edges that would be drawn. */
#ifndef RG_ANSWER_GRAPH_H
#define RG_ANSWER_GRAPH_H

#include "src/answer/common.h"
#include "src/view/picture.h"

struct rg_answer_graph *rg_answer_graph_new(const struct rg_heap *heap,
	const struct rg_picture *picture, bool raw, struct rg_arena *arena);

#endif
