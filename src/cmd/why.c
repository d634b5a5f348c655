#include <stdlib.h>
#include <string.h>

#include "heapdump/base/units.h"
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
		fprintf(out, "%s\n",
			rg_escape_display(arena, rows[i].path, strlen(rows[i].path), 300));
	}
	if (answer->chains.of > answer->chains.shown)
		fprintf(out, "  … %s more, see them with --limit %llu\n",
			rg_units_count(answer->chains.of - answer->chains.shown, arena),
			(unsigned long long)answer->chains.of);
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_why *answer = data;
	struct rg_arena arena = { 0 };
	enum rg_code code;

	fprintf(out, "%s selected", rg_units_things(answer->selected, "object", "objects", &arena));
	if (answer->chains.of)
		fprintf(out, ", held in %s",
			rg_units_things(answer->chains.of, "way", "ways", &arena));
	if (answer->unreached)
		fprintf(out, "; %s reached by no named root (held from C, or garbage)",
			rg_units_count(answer->unreached, &arena));
	fprintf(out, "%s\n", answer->chains.of ? ":" : "");
	print_chains(answer, &arena, out);
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

static enum rg_code write_answer(struct rg_answering *answering, const struct rg_routes *routes)
{
	struct rg_context *context = answering->context;
	struct rg_answer_why answer = { 0 };
	struct rg_answering_picture picture = { 0 };
	struct rg_output_forms forms = {
		.data = &answer, .text = text, .drawing = &picture.drawing
	};
	enum rg_code code = rg_answer_why_init(&answer, routes, answering->origin, answering->limit,
		&answering->arena, &context->err);

	if (!code)
		code = rg_answering_draw(&picture, answering, draw, routes);
	answer.picture = picture.drawing.picture;
	if (!code)
		code = rg_answering_write(answering, &picture, &forms, &answer.graph);
	rg_answering_picture_deinit(&picture);
	return code;
}

static void say_next(struct rg_answering *answering, const struct rg_routes *routes)
{
	struct rg_context *context = answering->context;

	if (context->settings.format != RG_FORMAT_TEXT)
		return;
	if (!routes->n_ends)
		rg_output_next(&answering->source, "garbage", "");
	else if (!context->settings.from)
		rg_output_next(&answering->source, "why",
			rg_arena_print(&answering->arena, "%s -o why.svg",
				rg_output_selection(context, &answering->arena)));
}

static enum rg_code answer(struct rg_answering *answering)
{
	const struct rg_heap *heap = &answering->source.heap;
	struct rg_error *err = &answering->context->err;
	bool raw = answering->origin->raw;
	struct rg_routes routes = { 0 };
	struct rg_paths paths;
	enum rg_code code = rg_paths_init(&paths, heap, raw, err);

	if (code)
		return code;
	answering->origin->edges = "all";
	code = rg_routes_init(&routes, heap, &paths, &answering->selected, raw, err);
	if (!code)
		code = write_answer(answering, &routes);
	if (!code)
		say_next(answering, &routes);
	rg_routes_deinit(&routes);
	rg_paths_deinit(&paths);
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
		"that reads well, and merges the ways that are alike but for indices and keys: each with how many "
		"objects it explains, and the nearest of them as Python would write it.",
	.examples = { { "why leak.rgs Session", "in how many ways, and by whom" },
		{ "why leak.rgs 'app.web.*' -n 3", "of one package" },
		{ "why leak.rgs 'list and items>9 and gen=2'", "long and old" },
		{ "why leak.rgs @812 -o why.svg", "one object, as a picture" },
		{ "why 4711 0x7f2a10c0", "by address, of a process now" } },
	.options = RG_OPTIONS_LIST | RG_OPTION(TYPE) | RG_OPTION(MODULE) | RG_OPTION(EXTRA) |
		   RG_OPTION(FROM) | RG_OPTION(RAW) | RG_OPTION(NODES) | RG_OPTION(LAYOUT_TIME) |
		   RG_OPTION(GRAPH),
	.formats = RG_FORMATS_DRAWN | RG_FORMATS_IDS,
	.min_words = 1,
	.selects = true,
	.max_words = -1,
	.answer = &rg_answer_why,
	.run = run,
};
