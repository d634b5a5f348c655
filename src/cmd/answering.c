#include "src/cmd/answering.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/suggest.h"
#include "src/analysis/matching.h"
#include "src/cli/progress.h"
#include "src/heap/fold.h"
#include "src/heap/policy.h"
#include "src/view/extra.h"

unsigned rg_answering_edges(const struct rg_context *context)
{
	static const unsigned edges[] = {
		[RG_CHOICE_AUTO] = RG_EDGES_DATA,
		[RG_CHOICE_DATA] = RG_EDGES_DATA,
		[RG_CHOICE_STRONG] = RG_EDGES_STRONG,
		[RG_CHOICE_ALL] = RG_EDGES_ALL,
	};

	return edges[context->settings.edges];
}

enum rg_code rg_answering_filter(struct rg_answering *answering, struct rg_bitset *set)
{
	const struct rg_settings *settings = &answering->context->settings;

	memset(set, 0, sizeof(*set));
	if (!settings->type && !settings->module)
		return RG_OK;
	return rg_select_filter(&answering->selector, settings->type, settings->module, set,
		&answering->context->err);
}

/* --type and --module leave of the selection, or of everything, what they name. */
static enum rg_code filter(struct rg_answering *answering)
{
	struct rg_bitset wanted;
	enum rg_code code = rg_answering_filter(answering, &wanted);

	if (code || !wanted.words)
		return code;
	if (!answering->has_selection) {
		answering->has_selection = true;
		answering->selected = wanted;
		return RG_OK;
	}
	for (size_t i = 0; i < rg_bitset_words(wanted.n); i++)
		answering->selected.words[i] &= wanted.words[i];
	rg_bitset_deinit(&wanted);
	return RG_OK;
}

/* --new-since leaves what is new, unless a selection says itself what of it. */
static enum rg_code only_new(struct rg_answering *answering)
{
	struct rg_bitset *selected = &answering->selected;
	const struct rg_bitset *made = &answering->made;
	size_t words = rg_bitset_words(made->n);

	if (!made->words || answering->needs & RG_NEEDS_NEW)
		return RG_OK;
	if (!answering->has_selection) {
		if (rg_bitset_init(selected, made->n, &answering->context->err))
			return RG_NOMEM;
		memcpy(selected->words, made->words, words * sizeof(*made->words));
		answering->has_selection = true;
		return RG_OK;
	}
	for (size_t i = 0; i < words; i++)
		selected->words[i] &= made->words[i];
	return RG_OK;
}

/* Whether the command line has a selection: words behind the source, or a list. */
static bool has_selection(const struct rg_context *context)
{
	return context->n_words > 1 || context->settings.from;
}

static enum rg_code select_words(struct rg_answering *answering)
{
	struct rg_context *context = answering->context;
	enum rg_code code = RG_OK;

	answering->has_selection = has_selection(context);
	if (answering->has_selection)
		code = rg_bitset_init(
			&answering->selected, answering->source.heap.n_objects, &context->err);
	for (int i = 1; !code && i < context->n_words; i++)
		code = rg_select(&answering->selector, context->words[i], &answering->selected,
			&context->err);
	/* what speaks of the list says what it is for */
	if (!code && context->settings.from && !(answering->needs & RG_NEEDS_LIST))
		code = rg_select_listed(&answering->selector, &answering->selected, &context->err);
	if (!code && !context->command->filters_walk)
		code = filter(answering);
	return code ? code : only_new(answering);
}

enum rg_code rg_answering_select(
	struct rg_answering *answering, const char *word, struct rg_bitset *set)
{
	struct rg_error *err = &answering->context->err;
	enum rg_code code;

	memset(set, 0, sizeof(*set));
	if (!word)
		return RG_OK;
	code = rg_bitset_init(set, answering->source.heap.n_objects, err);
	if (!code)
		code = rg_select(&answering->selector, word, set, err);
	/* what is not there need not be left out or marked */
	if (code && strcmp(err->name, RG_SELECT_EMPTY) == 0)
		return RG_OK;
	if (code)
		rg_bitset_deinit(set);
	return code;
}

enum rg_code rg_answering_ids(struct rg_answering *answering, uint32_t **ids_ret, uint64_t *n_ret)
{
	const struct rg_heap *heap = &answering->source.heap;
	uint32_t *ids = rg_array_new(heap->n_objects, sizeof(*ids));
	bool raw = answering->origin->raw;

	if (!ids)
		return rg_nomem(&answering->context->err);
	*n_ret = 0;
	for (uint32_t id = 0; id < heap->n_objects; id++)
		if ((raw || !rg_heap_folded(heap, id)) &&
			(!answering->has_selection || rg_bitset_get(&answering->selected, id)))
			ids[(*n_ret)++] = id;
	*ids_ret = ids;
	return RG_OK;
}

/* Read a selection before any source is opened: a slip of the pen shall stop no process. */
static enum rg_code check_word(struct rg_answering *answering, const char *word, bool *exact)
{
	struct rg_context *context = answering->context;
	struct rg_selection selection;
	enum rg_code code;
	pid_t pid = 0;

	if (!word)
		return RG_OK;
	code = rg_selection_init(&selection, word, &context->err);
	if (code)
		return code;
	/* @12 of a process that is captured only now cannot mean anything */
	if (selection.needs & RG_NEEDS_NUMBERS)
		code = rg_source_pid(context->words[0], &pid, &context->err);
	if (!code && pid)
		code = rg_select_no_numbers(word, &context->err);
	answering->needs |= selection.needs;
	*exact &= selection.exact;
	rg_selection_deinit(&selection);
	return code;
}

static enum rg_code check_words(struct rg_answering *answering)
{
	struct rg_context *context = answering->context;
	bool other = false;
	enum rg_code code = RG_OK;

	answering->exact = has_selection(context);
	for (int i = 1; !code && i < context->n_words; i++)
		code = check_word(answering, context->words[i], &answering->exact);
	if (!code)
		code = check_word(answering, context->settings.avoid, &other);
	return code ? code : check_word(answering, context->settings.highlight, &other);
}

/* A process as it is now is not what it was. */
static enum rg_code check_earlier(const char *word, struct rg_error *err)
{
	pid_t pid = 0;
	enum rg_code code = word ? rg_source_pid(word, &pid, err) : RG_OK;

	if (code || !pid)
		return code;
	rg_fail(err, RG_USAGE, "not-a-snapshot", "--new-since: '%s' is a process, not a snapshot",
		word);
	return rg_hint(
		err, "name one that was taken earlier, by: refgraph dump PID -o EARLIER.rgs");
}

/* What is in the source and not in EARLIER; a helper is as new as what it is folded into. */
static enum rg_code note_new(struct rg_answering *answering, const struct rg_heap *earlier)
{
	const struct rg_heap *heap = &answering->source.heap;
	struct rg_error *err = &answering->context->err;
	struct rg_matching matching;
	enum rg_code code = rg_matching_init(&matching, earlier, heap, err);

	if (!code && !matching.possible) {
		rg_fail(err, RG_USAGE, "another-process",
			"--new-since: '%s' is of another process: its objects are not known again",
			answering->context->settings.new_since);
		code = rg_hint(
			err, "compare types and paths instead: refgraph diff EARLIER SOURCE");
	}
	if (!code)
		code = rg_bitset_init(&answering->made, heap->n_objects, err);
	for (uint32_t id = 0; !code && id < heap->n_objects; id++) {
		uint32_t shown = rg_heap_place(heap, id, answering->context->settings.raw);

		if (matching.before[shown] == RG_NO_ID)
			rg_bitset_set(&answering->made, id);
	}
	rg_matching_deinit(&matching);
	return code;
}

/* The earlier snapshot is opened first: where it cannot be, no process is stopped. */
static enum rg_code open_sources(struct rg_answering *answering)
{
	struct rg_context *context = answering->context;
	const char *word = context->settings.new_since;
	bool compares = context->command->compares;
	enum rg_code code = word ? rg_source_open_two(&answering->earlier, &answering->source,
					   context, word, context->words[0])
				 : rg_source_open(&answering->source, context, context->words[0]);

	if (!code && word && (!compares || answering->needs & RG_NEEDS_NEW)) {
		rg_progress_phase("comparing");
		code = note_new(answering, &answering->earlier.heap);
	}
	if (!compares)
		rg_source_close(&answering->earlier);
	return code;
}

static void init_selector(struct rg_answering *answering)
{
	const struct rg_settings *settings = &answering->context->settings;
	struct rg_select_options options = { .live = answering->source.live,
		.raw = settings->raw,
		.redacted = settings->redact,
		.edges = rg_answering_edges(answering->context),
		.made = answering->made.words ? &answering->made : NULL,
		.from = settings->from };

	rg_selector_init(&answering->selector, &answering->source.heap, &options);
}

/* Who names a __dict__ by its number or address means it, and not what it is folded into. */
static bool names_folded(const struct rg_answering *answering)
{
	const struct rg_heap *heap = &answering->source.heap;

	if (!answering->exact || !answering->has_selection)
		return false;
	for (uint32_t id = 0; id < heap->n_objects; id++)
		if (rg_bitset_get(&answering->selected, id) && rg_heap_folded(heap, id))
			return true;
	return false;
}

enum rg_code rg_answering_check(struct rg_context *context)
{
	struct rg_answering answering = { .context = context };

	return check_words(&answering);
}

enum rg_code rg_answering_open(
	struct rg_answering *answering, struct rg_context *context, uint64_t limit)
{
	enum rg_code code;

	memset(answering, 0, sizeof(*answering));
	answering->context = context;
	answering->limit = context->settings.limit ? context->settings.limit : limit;
	code = check_words(answering);
	if (!code)
		code = check_earlier(context->settings.new_since, &context->err);
	if (!code)
		code = rg_extra_check(context->settings.extra, &context->err);
	if (!code)
		code = open_sources(answering);
	if (!code) {
		init_selector(answering);
		rg_progress_phase("selecting");
		code = select_words(answering);
	}
	if (!code) {
		answering->origin = rg_arena_new(&answering->arena, 1, sizeof(*answering->origin));
		if (!answering->origin)
			code = rg_nomem(&context->err);
	}
	if (code) {
		/* the process was stopped for it: the capture serves the next try */
		if (answering->source.live)
			rg_output_next(&answering->source, "types", "");
		rg_answering_close(answering);
		return code;
	}
	*answering->origin = (struct rg_answer_origin){ .path = answering->source.path,
		.live = answering->source.live,
		.core = answering->source.core,
		.ndjson = answering->source.ndjson,
		.edges = rg_policy_name(rg_answering_edges(context)),
		.raw = context->settings.raw || names_folded(answering) };
	return RG_OK;
}

void rg_answering_close(struct rg_answering *answering)
{
	rg_selector_deinit(&answering->selector);
	rg_source_close(&answering->source);
	rg_source_close(&answering->earlier);
	rg_bitset_deinit(&answering->selected);
	rg_bitset_deinit(&answering->made);
	rg_arena_deinit(&answering->arena);
	memset(answering, 0, sizeof(*answering));
}

enum rg_code rg_answering_run(struct rg_context *context, uint64_t limit,
	enum rg_code (*answer)(struct rg_answering *answering))
{
	struct rg_answering answering;
	enum rg_code code = rg_answering_open(&answering, context, limit);

	if (code)
		return code;
	code = answer(&answering);
	rg_answering_close(&answering);
	return code;
}

static enum rg_code draw_again(struct rg_drawing *drawing, uint64_t nodes)
{
	struct rg_answering_picture *picture = (struct rg_answering_picture *)drawing;
	struct rg_answering *answering = picture->answering;
	const struct rg_settings *settings = &answering->context->settings;
	enum rg_code code;

	rg_draw_deinit(&picture->canvas);
	rg_draw_init(&picture->canvas, &answering->source.heap, answering->origin->raw,
		settings->stable, nodes, &answering->arena);
	picture->canvas.extra = settings->extra;
	drawing->picture = &picture->canvas.picture;
	code = picture->draw(answering, picture->subject, &picture->canvas);
	return !code && answering->arena.failed ? rg_nomem(&answering->context->err) : code;
}

enum rg_code rg_answering_draw(struct rg_answering_picture *picture, struct rg_answering *answering,
	enum rg_code (*draw)(
		struct rg_answering *answering, const void *subject, struct rg_draw *draw),
	const void *subject)
{
	picture->drawing.draw = draw_again;
	picture->answering = answering;
	picture->draw = draw;
	picture->subject = subject;
	return draw_again(&picture->drawing, answering->context->settings.nodes);
}

void rg_answering_picture_deinit(struct rg_answering_picture *picture)
{
	rg_draw_deinit(&picture->canvas);
}

enum rg_code rg_answering_write(struct rg_answering *answering,
	const struct rg_answering_picture *picture, const struct rg_output_forms *forms,
	struct rg_answer_graph **graph)
{
	struct rg_context *context = answering->context;

	if (picture->drawing.picture && (context->settings.graph || context->settings.tree))
		*graph = rg_answer_graph_new(&answering->source.heap, picture->drawing.picture,
			answering->origin->raw, &answering->arena);
	return answering->arena.failed ? rg_nomem(&context->err) : rg_output_answer(context, forms);
}

struct rg_cycles_options rg_answering_cycles_options(const struct rg_answering *answering)
{
	return (struct rg_cycles_options){
		.edges = rg_answering_edges(answering->context),
		.raw = answering->origin->raw,
		.selected = answering->has_selection ? &answering->selected : NULL,
	};
}

enum rg_code rg_answering_cycles(struct rg_answering *answering, struct rg_cycles *cycles)
{
	struct rg_cycles_options options = rg_answering_cycles_options(answering);

	rg_progress_phase("finding the cycles");
	return rg_cycles_init(cycles, &answering->source.heap, &options, &answering->context->err);
}

/* The number of the grouping called NAME of LENGTH, or RG_GROUPING_COUNT. */
static int grouping_of(const char *name, size_t length)
{
	int i = 0;

	while (i < RG_GROUPING_COUNT && (strlen(rg_groupings[i].name) != length ||
						memcmp(rg_groupings[i].name, name, length) != 0))
		i++;
	return i;
}

/* NAME is no grouping of the ALLOWED. */
static enum rg_code no_such_grouping(
	const char *name, size_t length, unsigned allowed, struct rg_error *err)
{
	const char *known[RG_GROUPING_COUNT], *meant, *all = "";
	struct rg_arena arena = { 0 };
	size_t n = 0;

	for (int i = 0; i < RG_GROUPING_COUNT; i++)
		if (allowed >> i & 1) {
			all = rg_arena_print(
				&arena, "%s%s%s", all, n ? ", " : "", rg_groupings[i].name);
			known[n++] = rg_groupings[i].name;
		}
	rg_fail(err, RG_USAGE, "bad-value", "--by: '%.*s' is not one of its values", (int)length,
		name);
	meant = rg_suggest(rg_arena_text(&arena, name, length), known, n);
	if (meant)
		rg_hint(err, "did you mean %s?", meant);
	else
		rg_hint(err, "it takes%s: %s", n > 1 ? ", separated by commas" : "", all);
	rg_arena_deinit(&arena);
	return RG_USAGE;
}

enum rg_code rg_answering_by(struct rg_context *context, unsigned allowed, unsigned *by_ret)
{
	const char *names = context->settings.by;
	size_t length;

	*by_ret = 0;
	for (; names && *names; names += length + (names[length] == ',')) {
		int grouping = grouping_of(names, length = strcspn(names, ","));

		if (grouping == RG_GROUPING_COUNT || !(allowed >> grouping & 1))
			return no_such_grouping(names, length, allowed, &context->err);
		*by_ret |= 1u << grouping;
	}
	return RG_OK;
}
