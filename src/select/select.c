#include "src/select/select.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "src/analysis/cycles.h"
#include "src/heap/fold.h"
#include "src/select/match.h"

#define LINE 256 /* bytes that a line of a list of objects has at most */

void rg_selector_init(struct rg_selector *selector, const struct rg_heap *heap,
	const struct rg_select_options *options)
{
	memset(selector, 0, sizeof(*selector));
	selector->heap = heap;
	selector->options = *options;
}

void rg_selector_deinit(struct rg_selector *selector)
{
	rg_garbage_deinit(&selector->garbage);
	rg_paths_deinit(&selector->paths);
	rg_retained_deinit(&selector->retained);
	rg_bitset_deinit(&selector->cyclic);
	rg_bitset_deinit(&selector->held);
	rg_bitset_deinit(&selector->listed);
	memset(selector, 0, sizeof(*selector));
}

/* --- one object --------------------------------------------------------------------------- */

enum rg_code rg_select_no_numbers(const char *word, struct rg_error *err)
{
	rg_fail(err, RG_USAGE, "id-of-a-pid",
		"'%s': an object number is valid for one snapshot, not for a pid", word);
	return rg_hint(err, "name the snapshot that the number came from, or an address");
}

static enum rg_code select_number(const struct rg_selector *selector, const char *word,
	struct rg_bitset *selected, struct rg_error *err)
{
	const struct rg_heap *heap = selector->heap;
	char *end;
	unsigned long long id;

	if (selector->options.live)
		return rg_select_no_numbers(word, err);
	errno = 0;
	id = strtoull(word + 1, &end, 10);
	if (errno || *end || end == word + 1 || id >= heap->n_objects) {
		rg_fail(err, RG_NOT_FOUND, "no-such-id",
			"'%s': the snapshot's objects are @0 to @%u", word,
			heap->n_objects ? heap->n_objects - 1 : 0);
		return rg_hint(err, "object numbers are those that other commands show");
	}
	rg_bitset_set(selected, (uint32_t)id);
	return RG_OK;
}

static enum rg_code select_address(const struct rg_selector *selector, const char *word,
	struct rg_bitset *selected, struct rg_error *err)
{
	char *end;
	uint64_t address;
	uint32_t id;

	errno = 0;
	address = strtoull(word, &end, 16);
	id = errno || *end ? RG_NO_ID : rg_addressmap_find(&selector->heap->map, address);
	if (id == RG_NO_ID) {
		rg_fail(err, RG_NOT_FOUND, "no-such-address", "no object starts at '%s'", word);
		return rg_hint(err, "an address is what id() gives, as 0x...");
	}
	rg_bitset_set(selected, id);
	return RG_OK;
}

/* --- lists -------------------------------------------------------------------------------- */

static enum rg_code no_id(
	const struct rg_selector *selector, unsigned line, const char *word, struct rg_error *err)
{
	rg_fail(err, RG_BAD_DATA, "not-an-id", "%s:%u: '%.40s' is no @N and no 0x...",
		selector->options.from, line, word);
	return rg_hint(err, "such a list is what --format ids writes");
}

static enum rg_code select_line(
	struct rg_selector *selector, unsigned line, char *word, struct rg_error *err)
{
	word[strcspn(word, "#\r\n")] = '\0';
	word += strspn(word, " \t");
	word[strcspn(word, " \t")] = '\0';
	if (!*word)
		return RG_OK;
	if (*word == '@')
		return select_number(selector, word, &selector->listed, err);
	if (strncmp(word, "0x", 2) == 0)
		return select_address(selector, word, &selector->listed, err);
	return no_id(selector, line, word, err);
}

static enum rg_code read_list(struct rg_selector *selector, FILE *file, struct rg_error *err)
{
	const char *path = selector->options.from;
	enum rg_code code = RG_OK;
	char line[LINE];

	for (unsigned number = 1; !code && fgets(line, sizeof(line), file); number++) {
		size_t length = strlen(line);
		/* else it is longer than a line of such a list can be, or no text */
		bool whole = length && (line[length - 1] == '\n' || feof(file));

		code = whole ? select_line(selector, number, line, err)
			     : no_id(selector, number, line, err);
	}
	if (!code && ferror(file))
		code = rg_fail(err, RG_SYSTEM, "cannot-read", "%s: it cannot be read", path);
	return code;
}

static enum rg_code find_listed(struct rg_selector *selector, struct rg_error *err)
{
	const char *path = selector->options.from;
	enum rg_code code;
	FILE *file;

	if (!path) {
		rg_fail(err, RG_USAGE, "no-list",
			"'listed' are the objects of --from, which is missing");
		return rg_hint(
			err, "as in: refgraph objects SOURCE 'listed and gen=2' --from FILE");
	}
	file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!file && errno == ENOMEM)
		return rg_nomem(err);
	if (!file) {
		rg_fail(err, RG_SYSTEM, "cannot-open", "%s: %s", path, strerror(errno));
		return rg_hint(err, "make such a list with: refgraph objects SOURCE SELECTION "
				    "--format ids");
	}
	code = rg_bitset_init(&selector->listed, selector->heap->n_objects, err);
	if (!code)
		code = read_list(selector, file, err);
	if (file != stdin)
		fclose(file);
	return code;
}

/* --- what questions need ------------------------------------------------------------------ */

static enum rg_code find_garbage(struct rg_selector *selector, struct rg_error *err)
{
	return rg_garbage_init(&selector->garbage, selector->heap, err);
}

static enum rg_code find_cycles(struct rg_selector *selector, struct rg_error *err)
{
	struct rg_cycles_options options = { .edges = selector->options.edges,
		.raw = selector->options.raw };

	return rg_cycles_members(
		&selector->cyclic, selector->heap, &options, &selector->garbage.dead, err);
}

static enum rg_code find_paths(struct rg_selector *selector, struct rg_error *err)
{
	return rg_paths_init_shortest(&selector->paths, selector->heap, selector->options.raw, err);
}

static enum rg_code find_retained(struct rg_selector *selector, struct rg_error *err)
{
	return rg_retained_init(
		&selector->retained, selector->heap, selector->options.raw, false, err);
}

static enum rg_code check_new(struct rg_selector *selector, struct rg_error *err)
{
	if (selector->options.made)
		return RG_OK;
	rg_fail(err, RG_USAGE, "no-earlier",
		"'new' is what is not in the snapshot of --new-since, "
		"which is missing");
	return rg_hint(err, "as in: refgraph objects LATER.rgs 'new and gen=2' --new-since "
			    "EARLIER.rgs");
}

static enum rg_code find_held(struct rg_selector *selector, struct rg_error *err)
{
	const struct rg_heap *heap = selector->heap;
	enum rg_code code = rg_bitset_init(&selector->held, heap->n_objects, err);

	for (size_t i = 0; !code && i < heap->n_roots; i++) {
		uint32_t object = heap->roots[i].object;

		rg_bitset_set(&selector->held, rg_heap_place(heap, object, selector->options.raw));
	}
	return code;
}

/* In the order in which one needs the other. */
static const struct need {
	unsigned need, by; /* it is needed by these */
	enum rg_code (*find)(struct rg_selector *selector, struct rg_error *err);
} need_table[] = {
	{ RG_NEEDS_GARBAGE, RG_NEEDS_GARBAGE | RG_NEEDS_CYCLES, find_garbage },
	{ RG_NEEDS_CYCLES, RG_NEEDS_CYCLES, find_cycles },
	{ RG_NEEDS_PATHS, RG_NEEDS_PATHS, find_paths },
	{ RG_NEEDS_RETAINED, RG_NEEDS_RETAINED, find_retained },
	{ RG_NEEDS_ROOTS, RG_NEEDS_ROOTS, find_held },
	{ RG_NEEDS_LIST, RG_NEEDS_LIST, find_listed },
	{ RG_NEEDS_NEW, RG_NEEDS_NEW, check_new },
};

static enum rg_code prepare(struct rg_selector *selector, unsigned needs, struct rg_error *err)
{
	enum rg_code code = RG_OK;

	for (size_t i = 0; !code && i < sizeof(need_table) / sizeof(need_table[0]); i++) {
		const struct need *row = &need_table[i];

		if (!(needs & row->by) || selector->has & row->need)
			continue;
		code = row->find(selector, err);
		if (!code)
			selector->has |= row->need;
	}
	return code;
}

/* --- a selection -------------------------------------------------------------------------- */

static void complement(struct rg_bitset *set)
{
	for (size_t i = 0; i < rg_bitset_words(set->n); i++)
		set->words[i] = ~set->words[i];
	if (set->n & 63)
		set->words[set->n >> 6] &= ((uint64_t)1 << (set->n & 63)) - 1;
}

static enum rg_code push_set(struct rg_selector *selector, const struct rg_step *step,
	struct rg_bitset *set, struct rg_error *err)
{
	enum rg_code code;

	if (step->kind == RG_STEP_TEST)
		return rg_select_test_run(selector, &step->test, set, err);
	code = rg_bitset_init(set, selector->heap->n_objects, err);
	if (!code)
		code = step->kind == RG_STEP_NUMBER
			       ? select_number(selector, step->test.text, set, err)
			       : select_address(selector, step->test.text, set, err);
	return code;
}

/* The two topmost sets of the stack become the lower of them. */
static void combine(struct rg_bitset *lower, struct rg_bitset *upper, bool both)
{
	for (size_t i = 0; i < rg_bitset_words(lower->n); i++)
		lower->words[i] = both ? lower->words[i] & upper->words[i]
				       : lower->words[i] | upper->words[i];
	rg_bitset_deinit(upper);
}

static enum rg_code run(struct rg_selector *selector, const struct rg_selection *selection,
	struct rg_bitset *stack, struct rg_error *err)
{
	enum rg_code code = RG_OK;
	size_t top = 0;

	for (size_t i = 0; !code && i < selection->n_steps; i++) {
		const struct rg_step *step = &selection->steps[i];

		switch (step->kind) {
		case RG_STEP_NOT:
			complement(&stack[top - 1]);
			break;
		case RG_STEP_AND:
		case RG_STEP_OR:
			top--;
			combine(&stack[top - 1], &stack[top], step->kind == RG_STEP_AND);
			break;
		default:
			code = push_set(selector, step, &stack[top++], err);
		}
	}
	return code;
}

static enum rg_code evaluate(struct rg_selector *selector, const struct rg_selection *selection,
	struct rg_bitset *selected, struct rg_error *err)
{
	struct rg_bitset *stack = rg_array_new(selection->depth, sizeof(*stack));
	enum rg_code code;

	if (!stack)
		return rg_nomem(err);
	code = prepare(selector, selection->needs, err);
	if (!code)
		code = run(selector, selection, stack, err);
	/* of a type alone that nothing is of it is worth a word */
	if (!code && selection->type && rg_bitset_count(&stack[0]) == 0)
		code = rg_match_no_type(selector->heap, selection->steps[0].test.text, err);
	for (size_t i = 0; !code && i < rg_bitset_words(selected->n); i++)
		selected->words[i] |= stack[0].words[i];
	for (unsigned i = 0; i < selection->depth; i++)
		rg_bitset_deinit(&stack[i]);
	free(stack);
	return code;
}

enum rg_code rg_select(struct rg_selector *selector, const char *word, struct rg_bitset *selected,
	struct rg_error *err)
{
	struct rg_selection selection;
	enum rg_code code = rg_selection_init(&selection, word, err);

	if (code)
		return code;
	code = rg_select_parsed(selector, &selection, word, selected, err);
	rg_selection_deinit(&selection);
	return code;
}

enum rg_code rg_select_parsed(struct rg_selector *selector, const struct rg_selection *selection,
	const char *text, struct rg_bitset *selected, struct rg_error *err)
{
	return selector->options.live && selection->needs & RG_NEEDS_NUMBERS
		       ? rg_select_no_numbers(text, err)
		       : evaluate(selector, selection, selected, err);
}

enum rg_code rg_select_listed(
	struct rg_selector *selector, struct rg_bitset *selected, struct rg_error *err)
{
	enum rg_code code = prepare(selector, RG_NEEDS_LIST, err);

	for (size_t i = 0; !code && i < rg_bitset_words(selected->n); i++)
		selected->words[i] |= selector->listed.words[i];
	return code;
}

/* --- filters ------------------------------------------------------------------------------ */

enum rg_code rg_select_filter(struct rg_selector *selector, const char *type, const char *module,
	struct rg_bitset *selected_ret, struct rg_error *err)
{
	const char *const patterns[] = { type, module };
	struct rg_bitset one;
	enum rg_code code = rg_bitset_init(selected_ret, selector->heap->n_objects, err);

	if (code)
		return code;
	complement(selected_ret);
	for (size_t i = 0; !code && i < 2; i++) {
		/* the first two fields */
		struct rg_select_test test = { &rg_select_fields[i], RG_EQ, patterns[i], 0 };

		if (!patterns[i])
			continue;
		code = rg_select_test_run(selector, &test, &one, err);
		if (!code)
			combine(selected_ret, &one, true);
	}
	if (code)
		rg_bitset_deinit(selected_ret);
	return code;
}
