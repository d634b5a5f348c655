/* The answer of `leaks`. */
#ifndef RG_ANSWER_LEAKS_H
#define RG_ANSWER_LEAKS_H

#include "src/analysis/suspects.h"
#include "src/answer/common.h"
#include "src/answer/cycles.h"

struct rg_answer_suspect {
	const char *signature, *kind, *cause, *type, *text, *advice;
	uint64_t retained, objects, count, young;
	double share;
	struct rg_answer_object *accumulation; /* what they are in, or NULL */
	struct rg_answer_chain *chain; /* to one of them; NULL where no root reaches it */
	struct rg_list breaks; /* of the cycle that they are in */
	struct rg_answer_growth *growth; /* since the earlier snapshot, or NULL */
	bool fails; /* what --fail-on asked for */
	/* for the text form */
	uint64_t rank;
	const char *things; /* "4,812 app.cache.Session" */
	const char *where; /* "module app.cache → CACHE._entries[…]" */
	uint32_t example;
};

struct rg_answer_growth {
	int64_t delta, size_delta;
};

struct rg_answer_leaks {
	struct rg_answer_envelope envelope;
	const char *triage;
	uint64_t reached; /* bytes */
	uint64_t known; /* suspects that --known is silent about */
	uint64_t failing; /* suspects that --fail-on asked for */
	struct rg_list suspects;
};

extern const struct rg_answer rg_answer_leaks;

struct rg_leaks {
	const struct rg_suspects *suspects; /* sorted, those of --known left out */
	const struct rg_retained *retained;
	struct rg_answer_cycle *const *cycles; /* of each group a row or NULL; n_cycles of them */
	size_t n_cycles;
	uint64_t known;
	unsigned fail_on; /* RG_FAIL_* */
	bool compared; /* with an earlier snapshot */
};

/* What --fail-on can name: id, name, what it means. */
#define RG_FAILS(F)                                                                                \
	F(NEW, "new")                                                                              \
	F(GROWTH, "growth")                                                                        \
	F(CYCLES, "cycles")                                                                        \
	F(GARBAGE, "garbage")

enum {
#define F(id, name) RG_FAIL_INDEX_##id,
	RG_FAILS(F)
#undef F
		RG_FAIL_COUNT
};
#define RG_FAIL(id) (1u << RG_FAIL_INDEX_##id)
extern const char *const rg_fails[RG_FAIL_COUNT + 1]; /* ends with NULL */

/* Whether a suspect is what the mask FAIL_ON, of RG_FAIL(), asks for. */
bool rg_suspect_fails(const struct rg_suspect *suspect, unsigned fail_on);

/* "9.3 % of what is alive". */
const char *rg_answer_suspect_share(const struct rg_answer_suspect *row, struct rg_arena *arena);

/* At most LIMIT suspects. O(limit (chain + objects that are folded)). */
enum rg_code rg_answer_leaks_init(struct rg_answer_leaks *answer, const struct rg_leaks *leaks,
	const struct rg_answer_origin *origin, uint64_t limit, struct rg_arena *arena,
	struct rg_error *err);

#endif
