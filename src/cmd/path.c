#include "heapdump/base/units.h"
#include "src/analysis/between.h"
#include "src/answer/graph.h"
#include "src/answer/why.h"
#include "src/cmd/answering.h"
#include "src/cmd/commands.h"
#include "src/emit/escape.h"
#include "src/heap/policy.h"

#include <string.h>

#define PATHS 5 /* that are shown */

/* "5 of 141,182 shortest paths, each of 1 reference:". */
static void print_heading(const struct rg_answer_path *answer, struct rg_arena *arena, FILE *out)
{
	const char *all = rg_units_things(
		answer->shortest, "shortest path", "shortest paths", arena);

	if (answer->paths.shown < answer->shortest)
		fprintf(out, "%s of ", rg_units_count(answer->paths.shown, arena));
	fprintf(out, "%s%s, each of %s:\n", answer->shortest == UINT64_MAX ? "at least " : "", all,
		rg_units_things(answer->length, "reference", "references", arena));
}

static void print_rest(
	const struct rg_answer_path *answer, uint64_t limit, struct rg_arena *arena, FILE *out)
{
	const struct rg_list *paths = &answer->paths;

	if (paths->of > paths->shown)
		fprintf(out, "  … %s%s more%s\n", paths->of == UINT64_MAX ? "at least " : "",
			rg_units_count(paths->of - paths->shown, arena),
			paths->shown < limit ? ": as many are shown as there is room for"
					     : ", see them with --limit");
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_path *answer = data;
	const struct rg_answer_chain *rows = answer->paths.rows;
	struct rg_arena arena = { 0 };
	enum rg_code code;

	if (!answer->shortest) {
		fprintf(out, "no path from %s to %s over %s references\n",
			rg_escape_display(&arena, context->words[1], strlen(context->words[1]), 30),
			rg_escape_display(&arena, context->words[2], strlen(context->words[2]), 30),
			answer->envelope.policy->edges);
		return rg_arena_end(&arena, RG_OK, &context->err);
	}
	print_heading(answer, &arena, out);
	for (uint64_t i = 0; i < answer->paths.shown; i++) {
		fprintf(out, "  ");
		rg_output_path(rows[i].path, 2, &arena, out);
	}
	print_rest(answer, context->settings.limit, &arena, out);
	fprintf(out, "\n");
	code = rg_arena_end(&arena, RG_OK, &context->err);
	return code ? code : rg_output_tree(context, answer->picture, false, false, out);
}

static enum rg_code draw(
	struct rg_answering *answering, const void *subject, struct rg_draw *canvas)
{
	const struct rg_between *between = subject;

	for (uint32_t i = 0; i < between->n_paths; i++) {
		const struct rg_path_step *steps = rg_between_path(between, i);
		uint32_t row;

		rg_draw_steps(canvas, steps, between->length + 1);
		row = rg_draw_find(canvas, steps[0].object);
		if (row != RG_NO_ID)
			canvas->picture.nodes[row].asked = true;
	}
	rg_draw_finish(canvas, "path", "How does the one lead to the other?", false);
	return canvas->failed ? rg_nomem(&answering->context->err) : RG_OK;
}

static enum rg_code write_answer(struct rg_answering *answering, const struct rg_between *between)
{
	struct rg_context *context = answering->context;
	struct rg_answer_path answer = { 0 };
	struct rg_answering_picture picture = { 0 };
	struct rg_output_forms forms = {
		.data = &answer, .text = text, .drawing = &picture.drawing
	};
	enum rg_code code = rg_answer_path_init(&answer, &answering->source.heap, between,
		answering->origin, &answering->arena, &context->err);

	if (!code)
		code = rg_answering_draw(&picture, answering, draw, between);
	answer.picture = picture.drawing.picture;
	if (!code)
		code = rg_answering_write(answering, &picture, &forms, &answer.graph);
	rg_answering_picture_deinit(&picture);
	return code;
}

static enum rg_code search(
	struct rg_answering *answering, const struct rg_bitset *from, const struct rg_bitset *to)
{
	struct rg_context *context = answering->context;
	unsigned edges = context->settings.edges == RG_CHOICE_AUTO ? RG_EDGES_ALL
								   : rg_answering_edges(context);
	struct rg_between between;
	enum rg_code code = rg_between_init(&between, &answering->source.heap, edges,
		answering->origin->raw, from, to, answering->limit, &context->err);

	if (code)
		return code;
	answering->origin->edges = rg_policy_name(edges);
	code = write_answer(answering, &between);
	if (!code && context->settings.format == RG_FORMAT_TEXT)
		rg_output_next(&answering->source, "path",
			between.shortest
				? rg_arena_print(&answering->arena, "%s -o path.svg",
					  rg_output_selection(context, &answering->arena))
				: rg_arena_print(&answering->arena, "%s %s",
					  rg_output_quote(context->words[2], &answering->arena),
					  rg_output_quote(context->words[1], &answering->arena)));
	rg_between_deinit(&between);
	return code;
}

/* Of two selections, which one is meant has to be said. */
static enum rg_code check_new(struct rg_answering *answering)
{
	struct rg_error *err = &answering->context->err;

	if (!answering->context->settings.new_since || answering->needs & RG_NEEDS_NEW)
		return RG_OK;
	rg_fail(err, RG_USAGE, "nothing-new", "--new-since: neither FROM nor TO asks for 'new'");
	return rg_hint(err, "as in: refgraph path SOURCE module 'Session and new' "
			    "--new-since EARLIER.rgs");
}

static enum rg_code answer(struct rg_answering *answering)
{
	char **words = answering->context->words;
	struct rg_bitset from = { 0 }, to = { 0 };
	enum rg_code code = check_new(answering);

	if (!code)
		code = rg_answering_select(answering, words[1], &from);
	if (!code)
		code = rg_answering_select(answering, words[2], &to);
	if (!code)
		code = search(answering, &from, &to);
	rg_bitset_deinit(&from);
	rg_bitset_deinit(&to);
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	return rg_answering_run(context, PATHS, answer);
}

const struct rg_command rg_cmd_path = {
	.name = "path",
	.arguments = "SOURCE FROM TO",
	.summary = "the shortest paths of references from some objects to others",
	.description =
		"Follows references forwards from every object that FROM selects to the nearest "
		"that TO selects, tells how many shortest paths there are, and shows the first "
		"of them. A path has at least one reference: from an object to itself it is the "
		"shortest cycle through it. Two references between the same objects make two "
		"paths.",
	.examples = { { "path leak.rgs Session Request",
			      "from any Session to the nearest Request" },
		{ "path leak.rgs @812 @812", "the shortest cycle through an object" },
		{ "path leak.rgs module Session -o path.svg", "as a picture" } },
	.options = RG_OPTIONS_LIST | RG_OPTION(EXTRA) | RG_OPTION(NEW_SINCE) | RG_OPTION(EDGES) |
		   RG_OPTION(RAW) | RG_OPTION(NODES) | RG_OPTION(LAYOUT_TIME) | RG_OPTION(GRAPH),
	.formats = RG_FORMATS_DRAWN | RG_FORMATS_IDS,
	.min_words = 3,
	.max_words = 3,
	.answer = &rg_answer_path,
	.run = run,
};
