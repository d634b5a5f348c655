#include "src/cmd/neighbours.h"

#include <stdlib.h>

#include "heapdump/base/units.h"
#include "src/answer/neighbours.h"
#include "src/cmd/answering.h"
#include "src/heap/policy.h"
#include "src/view/neighbourhood.h"

#define ASKED 3 /* objects of the selection that a picture starts from */

/* A question about the neighbours of some objects. */
struct question {
	struct rg_neighbourhood options;
	struct rg_bitset only, avoid, highlight;
	uint32_t *ids;
	uint64_t n_ids, asked;
};

static enum rg_code draw(
	struct rg_answering *answering, const void *subject, struct rg_draw *canvas)
{
	const struct question *question = subject;

	canvas->highlighted = question->highlight.words ? &question->highlight : NULL;
	return rg_view_neighbourhood(canvas, &question->options, question->ids, question->asked,
		&answering->context->err);
}

static unsigned edges_of(const struct rg_settings *settings)
{
	static const unsigned edges[] = {
		[RG_CHOICE_AUTO] = RG_EDGES_ALL,
		[RG_CHOICE_DATA] = RG_EDGES_DATA,
		[RG_CHOICE_STRONG] = RG_EDGES_STRONG,
		[RG_CHOICE_ALL] = RG_EDGES_ALL,
	};

	return edges[settings->edges] | (settings->weak ? 1u << RG_CLASS_WEAK : 0);
}

/* What was asked for, or the default; as many as there can be at most. */
static uint32_t number(uint64_t asked, uint32_t standard)
{
	return !asked ? standard : asked < UINT32_MAX ? (uint32_t)asked : UINT32_MAX;
}

static enum rg_code prepare(struct question *question, struct rg_answering *answering, bool back)
{
	const struct rg_settings *settings = &answering->context->settings;
	enum rg_code code = rg_answering_ids(answering, &question->ids, &question->n_ids);

	question->asked = question->n_ids < answering->limit ? question->n_ids : answering->limit;
	if (!code)
		code = rg_answering_filter(answering, &question->only);
	if (!code)
		code = rg_answering_select(answering, settings->avoid, &question->avoid);
	if (!code)
		code = rg_answering_select(answering, settings->highlight, &question->highlight);
	question->options = (struct rg_neighbourhood){
		.back = back,
		.whole = settings->edges != RG_CHOICE_AUTO,
		.edges = edges_of(settings),
		.depth = number(settings->depth, RG_NEIGHBOURHOOD_DEPTH),
		.breadth = number(settings->breadth, RG_NEIGHBOURHOOD_BREADTH),
		.alike = number(settings->breadth, RG_NEIGHBOURHOOD_ALIKE),
		.only = question->only.words ? &question->only : NULL,
		.avoid = question->avoid.words ? &question->avoid : NULL,
	};
	return code;
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_neighbours *answer = data;
	enum rg_code code = rg_output_heading(context, answer->picture, out);

	return code ? code : rg_output_tree(context, answer->picture, answer->back, false, out);
}

static enum rg_code answer(struct rg_answering *answering, struct question *question)
{
	struct rg_context *context = answering->context;
	struct rg_answer_neighbours data = { .selected = question->n_ids,
		.back = question->options.back };
	struct rg_answering_picture picture = { 0 };
	struct rg_output_forms forms = { .data = &data, .text = text, .drawing = &picture.drawing };
	enum rg_code code = rg_answering_draw(&picture, answering, draw, question);

	answering->origin->edges = rg_policy_name(question->options.edges & RG_EDGES_ALL);
	rg_answer_envelope_init(
		&data.envelope, &answering->source.heap, answering->origin, &answering->arena);
	data.picture = picture.drawing.picture;
	if (!code) {
		data.graph = rg_answer_graph_new(&answering->source.heap, &picture.canvas.picture,
			answering->origin->raw, &answering->arena);
		code = answering->arena.failed ? rg_nomem(&context->err)
					       : rg_output_answer(context, &forms);
	}
	rg_answering_picture_deinit(&picture);
	return code;
}

/* From the first object on: its picture, or the other direction. */
static void say_next(struct rg_answering *answering, const struct question *question)
{
	struct rg_context *context = answering->context;
	bool drawn = rg_output_drawn(context), back = question->options.back;
	const char *first;

	if (!question->n_ids)
		return;
	first = rg_arena_print(&answering->arena, "@%u", question->ids[0]);
	if (context->settings.format == RG_FORMAT_TEXT)
		rg_output_next(&answering->source, context->command->name,
			rg_arena_print(
				&answering->arena, "%s -o %s.svg", first, context->command->name));
	else if (drawn)
		rg_output_next(&answering->source, back ? "why" : "backrefs", first);
}

static enum rg_code run(struct rg_answering *answering, bool back)
{
	struct question question = { 0 };
	enum rg_code code = prepare(&question, answering, back);

	if (!code)
		code = answer(answering, &question);
	if (!code)
		say_next(answering, &question);
	rg_bitset_deinit(&question.only);
	rg_bitset_deinit(&question.avoid);
	rg_bitset_deinit(&question.highlight);
	free(question.ids);
	return code;
}

static enum rg_code run_forwards(struct rg_answering *answering)
{
	return run(answering, false);
}

static enum rg_code run_back(struct rg_answering *answering)
{
	return run(answering, true);
}

enum rg_code rg_neighbours_run(struct rg_context *context, bool back)
{
	return rg_answering_run(context, ASKED, back ? run_back : run_forwards);
}
