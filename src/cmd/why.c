#include <stdlib.h>
#include <string.h>

#include "heapdump/base/units.h"
#include "src/analysis/retained.h"
#include "src/answer/graph.h"
#include "src/answer/why.h"
#include "src/cmd/answering.h"
#include "src/cmd/commands.h"
#include "src/emit/escape.h"
#include "src/view/routes.h"

#define WAYS 10 /* routes that are shown */

/* "  4,620 of them   sys.modules['app.cache'].CACHE._entries['u:81']": one line a route. */
static void print_chains(const struct rg_answer_why *answer, struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_chain *rows = answer->chains.rows;

	for (uint64_t i = 0; i < answer->chains.shown; i++) {
		fprintf(out, "  ");
		if (answer->selected > 1)
			fprintf(out, "%*s  ", 9, rg_units_count(rows[i].covers, arena));
		rg_output_path(rows[i].path, answer->selected > 1 ? 13 : 2, arena, out);
	}
	if (answer->chains.of > answer->chains.shown)
		fprintf(out, "  … %s more, see them with --limit %llu\n",
			rg_units_count(answer->chains.of - answer->chains.shown, arena),
			(unsigned long long)answer->chains.of);
}

/* What is avoided, as it was written, or NULL. */
static const char *avoided_text(const struct rg_context *context, struct rg_arena *arena)
{
	const char *avoid = context->settings.avoid;

	if (!avoid)
		return NULL;
	avoid = rg_output_quote(avoid, arena);
	return rg_escape_display(arena, avoid, strlen(avoid), 40);
}

/* How many are selected, in how many ways they are held, and what of them is not. */
static void print_counts(
	const struct rg_answer_why *answer, const char *avoided, struct rg_arena *arena, FILE *out)
{
	const char *text = rg_arena_print(arena, "%s selected",
		rg_units_things(answer->selected, "object", "objects", arena));

	if (answer->chains.of)
		text = rg_arena_print(arena, "%s, held in %s%s%s", text,
			rg_units_things(answer->chains.of, "way", "ways", arena),
			avoided ? " without " : "", avoided ? avoided : "");
	else if (!answer->selected && avoided)
		text = rg_arena_print(arena, "%s: all are avoided", text);
	if (answer->unreached && !answer->freed && answer->inner == RG_NOTHING)
		text = rg_arena_print(arena,
			"%s; %s reached by no named root (held from C, or garbage)", text,
			rg_units_count(answer->unreached, arena));
	rg_output_prose(
		rg_arena_print(arena, "%s%s", text, answer->chains.of ? ":" : ""), 0, arena, out);
}

/* "nothing else holds it: cutting Cache frees it (1,203 objects, 1.2 MiB)". */
static void print_freed(
	const struct rg_answer_why *answer, const char *avoided, struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_freed *freed = answer->freed;
	bool one = freed->selected == 1;

	fprintf(out, "nothing else holds %s: cutting %s frees %s (%s, %s)\n",
		freed->selected == answer->selected
			? one ? "it" : "them"
			: rg_arena_print(
				  arena, "%s of them", rg_units_count(freed->selected, arena)),
		avoided, one ? "it" : "them",
		rg_units_things(freed->objects, "object", "objects", arena),
		rg_units_bytes(freed->size, arena));
}

/* Of --all and --avoid: what has no way here, each reason in a line of its own. */
static void print_rest(
	const struct rg_answer_why *answer, const char *avoided, struct rg_arena *arena, FILE *out)
{
	bool inner = answer->inner != RG_NOTHING && answer->inner;
	bool freed = answer->freed && answer->freed->selected;
	bool unreached = answer->unreached && (answer->freed || answer->inner != RG_NOTHING);

	if (answer->chains.of && (inner || freed || unreached))
		fprintf(out, "\n");
	if (inner)
		fprintf(out, "others of them alone hold %s\n",
			rg_units_count(answer->inner, arena));
	if (freed)
		print_freed(answer, avoided, arena, out);
	if (unreached)
		fprintf(out, "no named root reaches %s (held from C, or garbage)\n",
			rg_units_count(answer->unreached, arena));
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_why *answer = data;
	struct rg_arena arena = { 0 };
	const char *avoided = avoided_text(context, &arena);
	enum rg_code code;

	print_counts(answer, avoided, &arena, out);
	print_chains(answer, &arena, out);
	print_rest(answer, avoided, &arena, out);
	code = rg_arena_end(&arena, RG_OK, &context->err);
	if (code || !answer->chains.of)
		return code;
	fprintf(out, "\n");
	code = rg_output_tree(context, answer->picture, false, true, out);
	if (!code && answer->picture->note)
		fprintf(out, "… %s\n", answer->picture->note);
	return code;
}

static enum rg_code draw(
	struct rg_answering *answering, const void *subject, struct rg_draw *canvas)
{
	const struct rg_settings *settings = &answering->context->settings;

	return rg_view_routes(canvas, subject, settings->limit ? settings->limit : WAYS,
		&answering->context->err);
}

static enum rg_code write_answer(struct rg_answering *answering, const struct rg_routes *routes,
	struct rg_answer_freed *freed)
{
	struct rg_context *context = answering->context;
	struct rg_answer_why answer = { 0 };
	struct rg_answering_picture picture = { 0 };
	struct rg_output_forms forms = {
		.data = &answer, .text = text, .drawing = &picture.drawing
	};
	enum rg_code code = rg_answer_why_init(&answer, routes, context->settings.all,
		answering->origin, answering->limit, &answering->arena, &context->err);

	if (freed) {
		answer.freed = freed;
		answer.selected += freed->selected;
	}
	if (!code)
		code = rg_answering_draw(&picture, answering, draw, routes);
	answer.picture = picture.drawing.picture;
	if (!code)
		code = rg_answering_write(answering, &picture, &forms, &answer.graph);
	rg_answering_picture_deinit(&picture);
	return code;
}

/* What was asked, as words of the next command. */
static const char *question(struct rg_answering *answering)
{
	const struct rg_settings *settings = &answering->context->settings;
	struct rg_arena *arena = &answering->arena;

	return rg_arena_print(arena, "%s%s%s%s", rg_output_selection(answering->context, arena),
		settings->all ? " --all" : "", settings->avoid ? " --avoid " : "",
		settings->avoid ? rg_output_quote(settings->avoid, arena) : "");
}

static void say_next(struct rg_answering *answering, const struct rg_routes *routes, bool freed)
{
	const struct rg_settings *settings = &answering->context->settings;

	if (settings->format != RG_FORMAT_TEXT)
		return;
	if (freed || (!routes->n_ends && settings->avoid))
		rg_output_next(&answering->source, "retained",
			rg_output_quote(settings->avoid, &answering->arena));
	else if (!routes->n_ends)
		rg_output_next(&answering->source, "garbage", "");
	else if (!settings->from)
		rg_output_next(&answering->source, "why",
			rg_arena_print(&answering->arena, "%s -o why.svg", question(answering)));
}

/* --- the search --------------------------------------------------------------------------- */

static void unite(struct rg_bitset *set, const struct rg_bitset *other)
{
	for (size_t i = 0; i < rg_bitset_words(set->n); i++)
		set->words[i] |= other->words[i];
}

static void take_out(struct rg_bitset *set, const struct rg_bitset *other)
{
	for (size_t i = 0; i < rg_bitset_words(set->n); i++)
		set->words[i] &= ~other->words[i];
}

/* What is folded is avoided with what it is part of. */
static void unfold(const struct rg_heap *heap, struct rg_bitset *set)
{
	for (uint32_t id = 0; id < heap->n_objects; id++)
		if (rg_bitset_get(set, id))
			rg_bitset_set(set, heap->owner[id]);
}

/* What goes with AVOIDED is taken out of the selection: it has no chain. */
static enum rg_code find_freed(struct rg_answering *answering, const struct rg_bitset *avoided,
	struct rg_answer_freed *freed)
{
	struct rg_error *err = &answering->context->err;
	struct rg_retained_set set = { 0 };
	struct rg_retained retained;
	enum rg_code code = rg_retained_init(
		&retained, &answering->source.heap, answering->origin->raw, true, err);

	if (code)
		return code;
	code = rg_retained_set_init(&set, &retained, avoided, err);
	rg_retained_deinit(&retained);
	if (code)
		return code;
	freed->objects = set.retained_objects;
	freed->size = set.retained;
	freed->selected = rg_bitset_count(&answering->selected);
	take_out(&answering->selected, &set.freed);
	freed->selected -= rg_bitset_count(&answering->selected);
	rg_retained_set_deinit(&set);
	return RG_OK;
}

static enum rg_code follow(
	struct rg_answering *answering, const struct rg_paths *paths, struct rg_answer_freed *freed)
{
	const struct rg_heap *heap = &answering->source.heap;
	struct rg_error *err = &answering->context->err;
	bool raw = answering->origin->raw;
	struct rg_routes routes = { 0 };
	enum rg_code code =
		answering->context->settings.all
			? rg_routes_init_all(&routes, heap, paths, &answering->selected, raw, err)
			: rg_routes_init(&routes, heap, paths, &answering->selected, raw, err);

	if (!code)
		code = write_answer(answering, &routes, freed);
	if (!code)
		say_next(answering, &routes, freed && freed->selected);
	rg_routes_deinit(&routes);
	return code;
}

/* AVOIDED: the objects that chains go round, or no set. */
static enum rg_code search(struct rg_answering *answering, struct rg_bitset *avoided)
{
	const struct rg_heap *heap = &answering->source.heap;
	struct rg_error *err = &answering->context->err;
	bool raw = answering->origin->raw, all = answering->context->settings.all;
	struct rg_answer_freed freed = { 0 };
	struct rg_bitset walls = { 0 };
	struct rg_paths paths = { 0 };
	enum rg_code code = rg_bitset_init(&walls, heap->n_objects, err);

	if (code)
		return code;
	if (avoided->words) {
		if (!raw)
			unfold(heap, avoided);
		take_out(&answering->selected, avoided);
		unite(&walls, avoided);
	}
	if (all)
		unite(&walls, &answering->selected);
	if (avoided->words)
		code = find_freed(answering, avoided, &freed);
	if (!code)
		code = rg_paths_init_around(&paths, heap, raw, &walls, err);
	if (!code)
		code = follow(answering, &paths, avoided->words ? &freed : NULL);
	rg_paths_deinit(&paths);
	rg_bitset_deinit(&walls);
	return code;
}

static enum rg_code answer(struct rg_answering *answering)
{
	struct rg_bitset avoided = { 0 };
	enum rg_code code = rg_answering_select(
		answering, answering->context->settings.avoid, &avoided);

	answering->origin->edges = "all";
	if (!code)
		code = search(answering, &avoided);
	rg_bitset_deinit(&avoided);
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	return rg_answering_run(context, WAYS, answer);
}

const struct rg_command rg_cmd_why = {
	.name = "why",
	.arguments = "SOURCE SELECTION ...",
	.summary = "why it is alive: the shortest chains from the roots, merged",
	.description =
		"Follows every reference that keeps something alive from the roots (modules, "
		"frames of threads, the interpreter) to each selected object by the shortest way "
		"that reads well, and merges the ways that are alike but for indices and keys: "
		"each with how many "
		"objects it explains, and the nearest of them as Python would write it. With --all "
		"the ways through every holder, each of which would keep the objects alive if the "
		"others did not. With --avoid the ways that do not go through some objects, and "
		"what would be freed without these.",
	.examples = { { "why leak.rgs Session", "in how many ways, and by whom" },
		{ "why leak.rgs 'list and items>9 and gen=2'", "long and old" },
		{ "why leak.rgs Session --all", "through every holder, not the nearest alone" },
		{ "why leak.rgs Session --avoid Cache", "who else holds it, if this one let go" },
		{ "why leak.rgs @812 -o why.svg", "one object, as a picture" },
		{ "why 4711 0x7f2a10c0", "by address, of a process now" } },
	.options = RG_OPTIONS_LIST | RG_OPTION(ALL) | RG_OPTION(AVOID) | RG_OPTION(TYPE) |
		   RG_OPTION(MODULE) | RG_OPTION(EXTRA) | RG_OPTION(FROM) | RG_OPTION(NEW_SINCE) |
		   RG_OPTION(RAW) | RG_OPTION(NODES) | RG_OPTION(LAYOUT_TIME) | RG_OPTION(GRAPH),
	.formats = RG_FORMATS_DRAWN | RG_FORMATS_IDS,
	.min_words = 1,
	.selects = true,
	.max_words = -1,
	.answer = &rg_answer_why,
	.run = run,
};
