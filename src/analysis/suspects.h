/*
 * Leak suspects: what of a heap an engineer should look at, the likeliest first. Places that retain
 * much, with what accumulates in them; growth since an earlier snapshot; cycles kept alive by one
 * reference; garbage that is not collected; classes made anew at each call; what C code holds.
 *
 * A suspect is weighed by its bytes and by how much it looks like a leak: objects of the program's
 * own types more than tables of Python's, things that should be gone soon (tasks, frames, bound
 * methods) and young things in an old container more than others. So of one snapshot a suspect is
 * a guess with reasons; growth is told from two.
 */
#ifndef RG_ANALYSIS_SUSPECTS_H
#define RG_ANALYSIS_SUSPECTS_H

#include "src/analysis/accumulation.h"
#include "src/analysis/audit.h"
#include "src/analysis/causes.h"
#include "src/analysis/cycles.h"
#include "src/analysis/growth.h"
#include "src/analysis/newcycles.h"
#include "src/analysis/retained.h"
#include "src/analysis/signature.h"
#include "src/analysis/traits.h"

#define RG_SUSPECT_KINDS(K)                                                                        \
	K(GROWTH, "growth")                                                                        \
	K(RETAINER, "retainer")                                                                    \
	K(CLASSES, "classes")                                                                      \
	K(CYCLE, "cycle")                                                                          \
	K(GARBAGE, "garbage")                                                                      \
	K(HELD_FROM_C, "held-from-c")

enum rg_suspect_kind {
#define K(id, name) RG_SUSPECT_##id,
	RG_SUSPECT_KINDS(K)
#undef K
		RG_SUSPECT_KIND_COUNT
};
extern const char *const rg_suspect_kinds[RG_SUSPECT_KIND_COUNT];

struct rg_suspect {
	enum rg_suspect_kind kind;
	enum rg_cause cause;
	struct rg_signature signature; /* `whole` names it */
	uint64_t bytes, objects; /* retained; of a cycle its members and what only they hold */
	uint64_t count; /* things that accumulate, or cycles, or classes */
	uint64_t young; /* of what it retains: of a younger generation than what they are in */
	uint32_t type; /* of a thing */
	uint32_t example, container; /* objects, or RG_NO_ID */
	size_t cycle; /* group of the cycles that it is of, or its things are in; or RG_NO_CYCLE */
	int64_t more, more_bytes; /* of what grew: things and bytes */
	bool placed; /* of growth: the place that holds it is known, and these figures are its */
	double weight;
};
#define RG_NO_CYCLE SIZE_MAX

struct rg_suspects {
	const struct rg_heap *heap;
	const struct rg_bitset *selected;
	struct rg_traits traits;
	struct rg_signer signer;
	struct rg_suspect *rows; /* heaviest first */
	size_t count, capacity;
	int64_t *more_of; /* of each type, as the first of its name, how many more there are */
	uint32_t *cycle_of; /* of each object the group of its cycle + 1, or 0 */
	uint64_t reached; /* bytes that roots reach */
	uint64_t enough; /* weight from which on a suspect is one */
	bool collecting; /* the collector is on */
	/* of the program's own, whatever it weighs; cycles that are part of another suspect, too */
	bool all_cycles, all_garbage;
};

/* SELECTED (NULL: all): only suspects that have to do with one of these. HEAP must outlive it. */
enum rg_code rg_suspects_init(struct rg_suspects *suspects, const struct rg_heap *heap,
	const struct rg_bitset *selected, struct rg_error *err);
void rg_suspects_deinit(struct rg_suspects *suspects);

/*
 * Add what one analysis finds: growth, cycles and what C code holds before retained, which knows
 * by then what is a suspect already. Each may be freed before the next. Of what grew the heaviest
 * 200 are told; APPEARED, of the same cycles, says how many more there are (NULL: not known).
 * O(objects + references), and of each place its chain.
 */
enum rg_code rg_suspects_add_growth(
	struct rg_suspects *suspects, const struct rg_growth *growth, struct rg_error *err);
enum rg_code rg_suspects_add_cycles(struct rg_suspects *suspects, const struct rg_cycles *cycles,
	const struct rg_new_cycles *appeared, struct rg_error *err);
enum rg_code rg_suspects_add_audit(
	struct rg_suspects *suspects, const struct rg_audit *audit, struct rg_error *err);
enum rg_code rg_suspects_add_retained(
	struct rg_suspects *suspects, const struct rg_retained *retained, struct rg_error *err);

/* Leave out what is too small to be looked at, and put the heaviest first. O(n log n). */
void rg_suspects_sort(struct rg_suspects *suspects);

#endif
