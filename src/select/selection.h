/*
 * A selection as it is written, parsed:
 *
 *	selection  = all { "or" all }
 *	all        = one { "and" one }
 *	one        = { "not" } ( "(" selection ")" | question )
 *	question   = FIELD OPERATOR VALUE | FLAG | "@" N | "0x" HEX | TYPE
 *
 * A word is a field only where an operator follows, or where it stands for itself (garbage); any
 * other word is the name of a type, so that `type` and `module` alone are types. A word ends at a
 * blank or one of = < > ! ( ) ' ", but for what is in brackets or in a part such as <locals>. What
 * is in quotes is a pattern, whatever it holds.
 *
 * What is waited for, as with `watch --until`, may also ask of all of them together:
 *
 *	condition  = part { "and" part }
 *	part       = one | SUM OPERATOR VALUE
 */
#ifndef RG_SELECT_SELECTION_H
#define RG_SELECT_SELECTION_H

#include "heapdump/base/arena.h"
#include "src/select/fields.h"

#define RG_SELECTION_DEPTH 32 /* parentheses in parentheses */
#define RG_SELECTION_TESTS 256 /* questions of one selection */

enum rg_step_kind {
	RG_STEP_TEST, /* push the objects of which the test holds */
	RG_STEP_NUMBER, /* push the object of the number that the test's text is */
	RG_STEP_ADDRESS, /* push the object at that address */
	RG_STEP_NOT, /* all others than the topmost set */
	RG_STEP_AND, /* of the two topmost sets make one */
	RG_STEP_OR,
};

struct rg_step {
	enum rg_step_kind kind;
	struct rg_select_test test;
};

/* What can be asked of all selected objects together, and of their process. */
enum rg_select_sum_kind {
	RG_SUM_COUNT, /* how many */
	RG_SUM_TOTAL, /* their bytes */
	RG_SUM_RSS, /* of the process */
	RG_SUMS,
};

struct rg_select_sum {
	const char *name;
	enum rg_select_type type; /* RG_SELECT_COUNT or RG_SELECT_BYTES */
	const char *summary;
};
extern const struct rg_select_sum rg_select_sums[RG_SUMS];

struct rg_select_condition {
	enum rg_select_sum_kind sum;
	enum rg_select_compare compare;
	uint64_t number;
};

#define RG_SELECTION_CONDITIONS 8

/* In the order of a stack machine. Made by rg_selection_init, released by rg_selection_deinit. */
struct rg_selection {
	struct rg_step *steps;
	size_t n_steps, steps_capacity, n_tests;
	unsigned depth; /* sets on the stack, at most */
	unsigned needs; /* RG_NEEDS_*, of all tests */
	bool type; /* it is the name of a type and no more */
	bool exact; /* numbers, addresses and --from, and what any of them names */
	struct rg_select_condition conditions[RG_SELECTION_CONDITIONS]; /* all must hold */
	size_t n_conditions;
	struct rg_arena arena; /* of the texts */
};

/*
 * Parse TEXT, without any heap. RG_USAGE tells the column, what was expected there, and what was
 * meant. O(length); recursion is bounded by RG_SELECTION_DEPTH. Zeroed when it fails.
 */
enum rg_code rg_selection_init(
	struct rg_selection *selection, const char *text, struct rg_error *err);
/*
 * The same with conditions; where it has nothing else it has no step, and says nothing of objects.
 */
enum rg_code rg_selection_init_until(
	struct rg_selection *selection, const char *text, struct rg_error *err);
void rg_selection_deinit(struct rg_selection *selection);

#endif
