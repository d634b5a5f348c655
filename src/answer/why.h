/* The answers of `why` and `path`. */
#ifndef RG_ANSWER_WHY_H
#define RG_ANSWER_WHY_H

#include "src/analysis/between.h"
#include "src/analysis/routes.h"
#include "src/answer/common.h"

struct rg_answer_why {
	struct rg_answer_envelope envelope;
	uint64_t selected, unreached; /* objects; those that no root reaches */
	struct rg_list chains;
	struct rg_answer_graph *graph; /* where it was asked for */
	/* for the text form */
	const struct rg_picture *picture;
};

struct rg_answer_path {
	struct rg_answer_envelope envelope;
	uint64_t shortest; /* how many shortest paths there are */
	uint64_t length; /* references on each; RG_NOTHING where there is none */
	struct rg_list paths;
	struct rg_answer_graph *graph; /* where it was asked for */
	/* for the text form */
	const struct rg_picture *picture;
};

extern const struct rg_answer rg_answer_why, rg_answer_path;

/* One chain for each route, those that explain most first; at most LIMIT. */
enum rg_code rg_answer_why_init(struct rg_answer_why *answer, const struct rg_routes *routes,
	const struct rg_answer_origin *origin, uint64_t limit, struct rg_arena *arena,
	struct rg_error *err);

/* The paths of BETWEEN. */
enum rg_code rg_answer_path_init(struct rg_answer_path *answer, const struct rg_heap *heap,
	const struct rg_between *between, const struct rg_answer_origin *origin,
	struct rg_arena *arena, struct rg_error *err);

#endif
