/*
 * The audit: each object's reference count held against the references to it that were found. What
 * is left over is held by C code: in memory that was searched, for a reason that is known, or for
 * none, as by an extension that forgets a Py_DECREF.
 *
 * Works on the raw heap. An immortal object's count means nothing: it is not checked.
 */
#ifndef RG_ANALYSIS_AUDIT_H
#define RG_ANALYSIS_AUDIT_H

#include "src/graph/bitset.h"
#include "src/heap/heap.h"

/* Why an object has more references than were found, the surest reason first. */
#define RG_AUDIT_REASONS(R)                                                                        \
	R(EXACT, "none is missing")                                                                \
	R(MEMORY, "C memory that points at it: a library's data, the interpreter, a stack")        \
	R(CONSTANT, "a constant: all code shares it")                                              \
	R(TYPE, "a type: the module that made it keeps it")                                        \
	R(TEXT, "a name: C code keeps those that it looks up")                                     \
	R(MODULE, "a module or its definition: the import system keeps it")                        \
	R(UNKNOWN, "no reason that is known")

enum rg_audit_reason {
#define R(id, name) RG_AUDIT_##id,
	RG_AUDIT_REASONS(R)
#undef R
		RG_AUDIT_REASON_COUNT
};
extern const char *const rg_audit_reasons[RG_AUDIT_REASON_COUNT];

struct rg_audit_sum {
	uint64_t objects, references;
};

/* Of one type, those objects that have no known reason, and those with too few references. */
struct rg_audit_type {
	uint32_t type;
	uint64_t objects, excess, deficit, alone, size;
};

struct rg_audit {
	uint32_t *found; /* by object: exact references to it, those of roots included */
	uint32_t *guessed; /* and those that were guessed */
	struct rg_bitset on_stack; /* a word on a thread's C stack points at it */
	struct rg_bitset
		named; /* a root that owns no reference names it: a module, a static type */
	uint64_t checked, exact; /* objects; with as many references as were found */
	struct rg_audit_sum excess, deficit; /* more, or fewer */
	struct rg_audit_sum reasons[RG_AUDIT_REASON_COUNT];
	uint32_t *suspects; /* those for no known reason, as if by how sure that is */
	size_t n_suspects;
	struct rg_audit_type *types; /* of the suspects, and of what has a deficit */
	size_t n_types;
};

/*
 * Check the members of WITHIN (NULL: all). O(objects + references + suspects log suspects). Freed
 * with rg_audit_deinit.
 */
enum rg_code rg_audit_init(struct rg_audit *audit, const struct rg_heap *heap,
	const struct rg_bitset *within, struct rg_error *err);
void rg_audit_deinit(struct rg_audit *audit);

/* How many references to an object were not found, and to how many of them nothing points. */
uint64_t rg_audit_excess(const struct rg_audit *audit, const struct rg_heap *heap, uint32_t id);
uint64_t rg_audit_unexplained(
	const struct rg_audit *audit, const struct rg_heap *heap, uint32_t id);

enum rg_audit_reason rg_audit_reason(
	const struct rg_audit *audit, const struct rg_heap *heap, uint32_t id);

/* True of a suspect that nothing at all refers to: it lives by the missing references alone. */
bool rg_audit_is_alone(const struct rg_audit *audit, uint32_t id);

#endif
