/* The answers of `why` and `path`. */
#ifndef RG_ANSWER_WHY_H
#define RG_ANSWER_WHY_H

#include "src/analysis/between.h"
#include "src/analysis/routes.h"
#include "src/answer/common.h"

/* What goes with what --avoid names, as nothing else holds it. */
struct rg_answer_freed {
	uint64_t selected; /* of the selection */
	uint64_t objects, size; /* of the heap, what is avoided included; footprints */
};

struct rg_answer_why {
	struct rg_answer_envelope envelope;
	uint64_t selected, unreached; /* objects; those that no root reaches */
	uint64_t inner; /* those that others of them alone hold; RG_NOTHING where not asked for */
	struct rg_answer_freed *freed; /* where it was asked for */
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

/* One chain for each route, those that explain most first; at most LIMIT. ALL: they are all. */
enum rg_code rg_answer_why_init(struct rg_answer_why *answer, const struct rg_routes *routes,
	bool all, const struct rg_answer_origin *origin, uint64_t limit, struct rg_arena *arena,
	struct rg_error *err);

/* The paths of BETWEEN. */
enum rg_code rg_answer_path_init(struct rg_answer_path *answer, const struct rg_heap *heap,
	const struct rg_between *between, const struct rg_answer_origin *origin,
	struct rg_arena *arena, struct rg_error *err);

#endif
