/*
 * Selections: words that name objects, the same in every command. A type's name, an address, an
 * object number, or an expression of fields; see selection.h for how they are written and fields.h
 * for what can be asked.
 */
#ifndef RG_SELECT_SELECT_H
#define RG_SELECT_SELECT_H

#include "src/analysis/garbage.h"
#include "src/analysis/paths.h"
#include "src/analysis/retained.h"
#include "src/graph/bitset.h"
#include "src/heap/heap.h"
#include "src/select/selection.h"

/* The name of the error of a selection that is well meant, but of which there is nothing. */
#define RG_SELECT_EMPTY "no-object-of-type"

struct rg_select_options {
	bool live; /* the heap was captured on the way: an object number means nothing */
	bool raw; /* ask of every object, not of what it is folded into */
	bool redacted; /* names in the heap are hashed: a name in a selection may be, too */
	unsigned edges; /* that cycles follow: RG_EDGES_* */
	const struct rg_bitset *made; /* what is not in the snapshot of --new-since; NULL: none */
	const char *from; /* the file of a list of objects, or NULL; "-": standard input */
};

/* A heap that is asked, and what was computed for it: once, by the first question that needs it. */
struct rg_selector {
	const struct rg_heap *heap; /* the caller's */
	struct rg_select_options options;
	unsigned has; /* RG_NEEDS_*, computed already */
	struct rg_garbage garbage;
	struct rg_paths paths;
	struct rg_retained retained;
	struct rg_bitset cyclic, held, listed; /* in a cycle; by a root; by --from */
};

/* A selector that has computed nothing yet; cheap. */
void rg_selector_init(struct rg_selector *selector, const struct rg_heap *heap,
	const struct rg_select_options *options);
void rg_selector_deinit(struct rg_selector *selector);

/* There are no object numbers here: WORD, which has one, is refused. */
enum rg_code rg_select_no_numbers(const char *word, struct rg_error *err);

/*
 * Add what WORD selects to SELECTED. RG_USAGE where it cannot be read; RG_NOT_FOUND where a type,
 * module, number or address that it names is not there, with a name that is near: RG_SELECT_EMPTY
 * where it is the name of a type and there is none of it. An expression may select nothing. O(types
 * + objects) a question; garbage, cycles, distances and retained sizes are passes over the graph.
 */
enum rg_code rg_select(struct rg_selector *selector, const char *word, struct rg_bitset *selected,
	struct rg_error *err);

/* The same of a selection that was read, and has a step; TEXT is for messages. */
enum rg_code rg_select_parsed(struct rg_selector *selector, const struct rg_selection *selection,
	const char *text, struct rg_bitset *selected, struct rg_error *err);

/*
 * Add the objects that the file of the options lists, one @N or 0x... a line, as --format ids
 * writes them. Blank lines and what follows a # are skipped. It is read once.
 */
enum rg_code rg_select_listed(
	struct rg_selector *selector, struct rg_bitset *selected, struct rg_error *err);

/*
 * What is of a type called TYPE and of a type of a module called MODULE, in the whole heap; NULL
 * asks nothing, and * is allowed. RG_NOT_FOUND where there is nothing.
 */
enum rg_code rg_select_filter(struct rg_selector *selector, const char *type, const char *module,
	struct rg_bitset *selected_ret, struct rg_error *err);

#endif
