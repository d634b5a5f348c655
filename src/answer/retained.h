/* The answer of `retained`. */
#ifndef RG_ANSWER_RETAINED_H
#define RG_ANSWER_RETAINED_H

#include "src/analysis/holders.h"
#include "src/answer/common.h"
#include "src/answer/graph.h"

/* An object, and what goes with it. */
struct rg_answer_retainer {
	struct rg_answer_object *object; /* of several the largest */
	uint64_t count; /* held in the same way: the figures are of all */
	uint64_t retained, retained_objects;
	double share; /* of all that roots reach */
	uint32_t dominator;
	uint64_t dominated; /* immediately */
	uint64_t drop; /* bytes that are in no big part of it */
	const char *mostly; /* the type that most of what it dominates is in, or NULL */
	uint64_t alike; /* how many are of it; RG_NOTHING for none */
	struct rg_answer_chain *chain; /* NULL where no root reaches it */
	/* for the text form */
	uint64_t own; /* footprint, of several the sum */
	const char *label, *what; /* where it is held; "dict of 60,000 × Session" */
};

/* Objects and their footprints. */
struct rg_answer_part {
	uint64_t objects, size;
};

/* What modules and classes are that hold no more than themselves. */
struct rg_answer_code {
	uint64_t modules, modules_size, classes, classes_size;
};

struct rg_answer_retained_type {
	const char *type, *module;
	uint64_t type_id, count, size, retained;
	double share;
};

struct rg_answer_selection {
	uint64_t objects, size, unreached, retained_objects, retained;
	double share;
	struct rg_answer_part *alone; /* what it keeps alive beside itself */
	struct rg_answer_retainer *held_by; /* the nearest that alone holds all of it, or NULL */
	struct rg_list types; /* of what would be freed */
};

struct rg_answer_retained {
	struct rg_answer_envelope envelope;
	struct rg_answer_part *reached, *unreached;
	struct rg_answer_code *code; /* NULL with a selection */
	struct rg_answer_selection *selection; /* NULL where all were asked for */
	struct rg_list objects, drops, types;
	struct rg_answer_graph *graph; /* where it was asked for */
	/* for the text form */
	const struct rg_picture *picture;
};

extern const struct rg_record rg_record_retained_type;
extern const struct rg_answer rg_answer_retained;

/* What an answer is made of; lists that are not wanted are NULL. */
struct rg_answer_retained_parts {
	const struct rg_retained *retained;
	const struct rg_retained_set *set;
	const struct rg_holders *holders;
	const struct rg_retained_list *members, *drops;
	const struct rg_retained_types *types;
};

/* At most LIMIT rows of each list. O(limit (chain + what a row dominates) + objects). */
enum rg_code rg_answer_retained_init(struct rg_answer_retained *answer,
	const struct rg_answer_retained_parts *parts, const struct rg_answer_origin *origin,
	uint64_t limit, struct rg_arena *arena, struct rg_error *err);

#endif
