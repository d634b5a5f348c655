/*
 * The pieces that answers share: envelope, object, reference, chain, type row, generation row,
 * graph. Field names are the JSON's.
 */
#ifndef RG_ANSWER_COMMON_H
#define RG_ANSWER_COMMON_H

#include "heapdump/base/arena.h"
#include "src/analysis/groups.h"
#include "src/answer/answer.h"
#include "src/heap/heap.h"

struct rg_answer_warning {
	const char *code, *message;
};

struct rg_answer_source {
	const char *kind, *name, *runtime, *captured, *snapshot, *fingerprint;
	uint64_t pid;
	bool complete;
	struct rg_list warnings;
};

struct rg_answer_policy {
	const char *edges;
	bool raw;
};

struct rg_answer_totals {
	uint64_t objects, references, size;
};

/* Comes first in every answer. */
struct rg_answer_envelope {
	struct rg_answer_source *source;
	struct rg_answer_policy *policy;
	struct rg_answer_totals *totals;
};

struct rg_answer_object {
	uint32_t id;
	uint64_t address, type_id, size, footprint, refcount, items, folded;
	uint64_t distance; /* from the nearest root; RG_NOTHING where it was not asked for */
	uint64_t retained; /* what would be freed with it; likewise, and of garbage */
	const char *type, *generation, *value, *name;
	const char *site; /* where it was allocated, else where it was written; or NULL */
	const char *allocated; /* short, for a table: only where it was allocated */
	struct rg_list traceback; /* of text, the innermost first, where it was asked for */
	bool immortal, tracked, value_exact;
};

struct rg_answer_reference {
	uint32_t from, to;
	const char *kind, *label;
};

struct rg_answer_step {
	struct rg_answer_object *object;
	struct rg_answer_reference *reference; /* that leads to it; NULL for the first */
};

struct rg_answer_chain {
	const char *root, *path;
	struct rg_list steps;
	uint64_t covers; /* how many of a selection it explains, or RG_NOTHING */
};

struct rg_answer_node {
	uint32_t node; /* its row, which edges name */
	const char *role, *title, *facts;
	uint64_t alike; /* how many objects it stands for */
	bool highlighted;
	struct rg_answer_object *object;
};

struct rg_answer_edge {
	uint32_t from, to; /* objects, RG_NO_ID where a node is none */
	uint32_t from_node, to_node; /* rows of nodes */
	const char *kind, *label; /* kind: NULL where it stands for several */
	uint64_t alike;
};

struct rg_answer_left_out {
	uint64_t objects, references;
};

/* A picture as data. */
struct rg_answer_graph {
	struct rg_list nodes, edges;
	struct rg_answer_left_out *left_out;
};

struct rg_answer_type {
	const char *type, *module;
	uint64_t type_id, count, size;
	double share;
	const char *grouped[RG_GROUPING_COUNT]; /* of --by, what was asked for */
};

struct rg_answer_generation {
	const char *generation;
	uint64_t objects, size;
};

extern const struct rg_record rg_record_graph, rg_record_source, rg_record_policy, rg_record_totals,
	rg_record_object, rg_record_reference, rg_record_step, rg_record_chain, rg_record_type,
	rg_record_typeshare, rg_record_generation;

#define RG_ENVELOPE_FIELDS(struct_)                                                                \
	{ "source", RG_RECORD, offsetof(struct struct_, envelope.source), &rg_record_source, 0,    \
		NULL, "where the graph comes from" },                                              \
		{ "policy", RG_RECORD, offsetof(struct struct_, envelope.policy),                  \
			&rg_record_policy, 0, NULL, "which references were followed" },            \
	{                                                                                          \
		"totals", RG_RECORD, offsetof(struct struct_, envelope.totals), &rg_record_totals, \
			0, NULL, "the whole heap, unfolded"                                        \
	}

/* What the envelope needs to know beside the heap. */
struct rg_answer_origin {
	const char *path; /* of the snapshot, NULL where none was kept */
	bool live; /* captured from a pid on the way */
	const char *core; /* captured from this core file on the way, or NULL */
	bool ndjson; /* PATH is NDJSON, and no snapshot is kept */
	const char *edges; /* policy: "data", "strong", "all" */
	bool raw;
};

void rg_answer_envelope_init(struct rg_answer_envelope *envelope, const struct rg_heap *heap,
	const struct rg_answer_origin *origin, struct rg_arena *arena);

struct rg_answer_object *rg_answer_object_new(
	const struct rg_heap *heap, uint32_t id, bool raw, struct rg_arena *arena);

/* Fill in the traceback of OBJECT, if it is known. */
void rg_answer_object_trace(
	struct rg_answer_object *object, const struct rg_heap *heap, struct rg_arena *arena);

/* The reference of row EDGE in the folded view, from FROM. */
struct rg_answer_reference *rg_answer_reference_new(
	const struct rg_heap *heap, uint32_t from, uint32_t edge, struct rg_arena *arena);

/* Rows of a list: COUNT items of SIZE bytes. */
void *rg_answer_rows(
	struct rg_list *list, uint64_t shown, uint64_t of, size_t size, struct rg_arena *arena);

#endif
