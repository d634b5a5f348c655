/*
 * What a selection can ask of an object: ONE table, from which parsing, help, completion and "did
 * you mean" come. A field is a row, and a function that gives it.
 */
#ifndef RG_SELECT_FIELDS_H
#define RG_SELECT_FIELDS_H

#include "src/graph/bitset.h"
#include "src/heap/heap.h"

struct rg_selector;
struct rg_select_texts;

enum rg_select_type {
	RG_SELECT_FLAG, /* stands alone: it is so, or not */
	RG_SELECT_TEXT, /* = and != a pattern */
	RG_SELECT_COUNT,
	RG_SELECT_BYTES,
	RG_SELECT_PLACE, /* an address or an object number */
	RG_SELECT_GENERATION, /* 0 1 2, which have an order, permanent and untracked */
};

/* What has to be computed before a field can be asked for: a mask. */
enum {
	RG_NEEDS_GARBAGE = 1 << 0,
	RG_NEEDS_CYCLES = 1 << 1, /* and garbage */
	RG_NEEDS_PATHS = 1 << 2,
	RG_NEEDS_RETAINED = 1 << 3,
	RG_NEEDS_ROOTS = 1 << 4,
	RG_NEEDS_LIST = 1 << 5, /* of --from */
	RG_NEEDS_NEW = 1 << 6, /* of --new-since */
	RG_NEEDS_NUMBERS = 1 << 7, /* a snapshot whose object numbers one can know */
};

/* An amount of an object that has none. It is in no comparison, and not in != either. */
#define RG_SELECT_NOTHING UINT64_MAX

struct rg_select_field {
	const char *name, *other; /* OTHER: one more name, or NULL */
	enum rg_select_type type;
	bool alone; /* it may stand without a comparison; flags always do */
	unsigned needs, needs_alone; /* by a comparison; alone */
	bool (*holds)(const struct rg_selector *selector, uint32_t id); /* alone */
	uint64_t (*amount)(const struct rg_selector *selector, uint32_t id);
	enum rg_code (*texts)(struct rg_select_texts *texts);
	const char *summary;
};

#define RG_SELECT_FIELDS 23
extern const struct rg_select_field rg_select_fields[RG_SELECT_FIELDS];

enum rg_select_compare { RG_ALONE, RG_EQ, RG_NE, RG_LT, RG_LE, RG_GT, RG_GE };

/* Whether AMOUNT compares so with NUMBER. */
bool rg_select_compares(enum rg_select_compare compare, uint64_t amount, uint64_t number);

/* One question about each object; TEXT is a pattern, NUMBER what an amount is compared with. */
struct rg_select_test {
	const struct rg_select_field *field;
	enum rg_select_compare compare;
	const char *text;
	uint64_t number;
};

/*
 * The objects of which TEST holds, in a new set. What the field needs has been computed. One pass
 * over the objects, or over what has such texts.
 */
enum rg_code rg_select_test_run(const struct rg_selector *selector,
	const struct rg_select_test *test, struct rg_bitset *set_ret, struct rg_error *err);

#endif
