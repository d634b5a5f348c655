/* The answer of `audit`. */
#ifndef RG_ANSWER_AUDIT_H
#define RG_ANSWER_AUDIT_H

#include "src/analysis/audit.h"
#include "src/answer/common.h"

/* An object with more references than were found. */
struct rg_answer_audited {
	struct rg_answer_object *object;
	uint64_t found, guessed, unexplained;
	bool alone; /* nothing else holds it */
	/* the object's, for the table */
	uint32_t id;
	uint64_t refcount;
	const char *type, *value;
};

struct rg_answer_audit_type {
	const char *type, *module;
	uint64_t type_id, objects, excess, deficit, alone, size;
};

struct rg_answer_audit_reason {
	const char *reason;
	uint64_t objects, references;
};

struct rg_answer_audit {
	struct rg_answer_envelope envelope;
	uint64_t checked, exact;
	const struct rg_audit_sum *excess, *deficit; /* the audit's */
	struct rg_list reasons, types, objects;
};

extern const struct rg_answer rg_answer_audit;
extern const struct rg_record rg_record_audited, rg_record_audit_type, rg_record_audit_reason;

/* AUDIT must outlive the answer. */
enum rg_code rg_answer_audit_init(struct rg_answer_audit *answer, const struct rg_heap *heap,
	const struct rg_audit *audit, const struct rg_answer_origin *origin, uint64_t limit,
	struct rg_arena *arena, struct rg_error *err);

#endif
