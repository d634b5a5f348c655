#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/units.h"
#include "src/answer/graph.h"
#include "src/answer/why.h"
#include "src/cmd/answering.h"
#include "src/cmd/commands.h"
#include "src/emit/escape.h"
#include "src/view/chain.h"

#define CHAINS_DRAWN 10

/* "Session  @812  56 B  'value'" */
static void print_object(
	const struct rg_answer_object *object, bool stable, struct rg_arena *arena, FILE *out)
{
	fprintf(out, "%s", rg_escape_display(arena, object->type, strlen(object->type), 60));
	if (object->name)
		fprintf(out, " %s",
			rg_escape_display(arena, object->name, strlen(object->name), 60));
	if (object->items != RG_NOTHING && !object->value)
		fprintf(out, " (%s)", rg_units_things(object->items, "item", "items", arena));
	if (object->value)
		fprintf(out, " %s",
			rg_escape_display(arena, object->value, strlen(object->value), 40));
	if (!stable)
		fprintf(out, "  @%u", object->id);
	fprintf(out, "  %s\n", rg_units_bytes(object->footprint, arena));
}

/* The chain, one line a step, each reference before what it leads to. */
static void print_chain(const struct rg_answer_chain *chain, bool stable, FILE *out)
{
	struct rg_arena arena = { 0 };
	const struct rg_answer_step *steps = chain->steps.rows;

	fprintf(out, "%s\n", rg_escape_display(&arena, chain->path, strlen(chain->path), 0));
	fprintf(out, "  root: %s\n",
		rg_escape_display(&arena, chain->root, strlen(chain->root), 0));
	for (uint64_t i = 0; i < chain->steps.shown; i++) {
		const char *label = steps[i].reference ? steps[i].reference->label : "";

		if (i == 60 && chain->steps.of > chain->steps.shown)
			fprintf(out, "    … %s more …\n",
				rg_units_count(chain->steps.of - chain->steps.shown, &arena));
		fprintf(out, "    %-24s ",
			*label ? rg_escape_display(&arena, label, strlen(label), 40) : "");
		if (steps[i].object)
			print_object(steps[i].object, stable, &arena, out);
	}
	rg_arena_deinit(&arena);
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_why *answer = data;
	const struct rg_answer_chain *chains = answer->chains.rows;
	struct rg_arena arena = { 0 };

	fprintf(out, "%s selected%s%s\n\n",
		rg_units_things(answer->selected, "object", "objects", &arena),
		answer->unreached ? ", reached by no named root (held from C, or garbage): " : "",
		answer->unreached ? rg_units_count(answer->unreached, &arena) : "");
	for (uint64_t i = 0; i < answer->chains.shown; i++) {
		print_chain(&chains[i], context->settings.stable, out);
		fprintf(out, "\n");
	}
	if (answer->chains.of > answer->chains.shown)
		fprintf(out, "… %s more, see them with --limit %llu\n",
			rg_units_count(answer->chains.of - answer->chains.shown, &arena),
			(unsigned long long)answer->chains.of);
	rg_arena_deinit(&arena);
	return RG_OK;
}

/* Draw the chains to the nearest of the selected objects. */
static enum rg_code draw(
	struct rg_answering *answering, const struct rg_paths *paths, struct rg_draw *picture)
{
	const struct rg_heap *heap = &answering->source.heap;
	const struct rg_settings *settings = &answering->context->settings;
	uint64_t most = settings->limit ? settings->limit : CHAINS_DRAWN, n = 0;
	uint32_t *ids = rg_array_new(heap->n_objects, sizeof(*ids));
	enum rg_code code;

	if (!ids)
		return rg_nomem(&answering->context->err);
	for (uint32_t id = 0; id < heap->n_objects && n < most; id++)
		if (rg_bitset_get(&answering->selected, id))
			ids[n++] = settings->raw ? id : heap->owner[id];
	rg_draw_init(
		picture, heap, settings->raw, settings->stable, settings->nodes, &answering->arena);
	code = rg_view_chains(picture, paths, ids, n, &answering->context->err);
	free(ids);
	return code;
}

static enum rg_code answer_why(
	struct rg_answering *answering, const struct rg_paths *paths, struct rg_answer_why *answer)
{
	struct rg_context *context = answering->context;
	struct rg_output_forms forms = { .data = answer, .text = text };
	struct rg_draw picture = { 0 };
	enum rg_code code = rg_answer_why_init(answer, &answering->source.heap, paths,
		&answering->selected, answering->origin, answering->limit, &answering->arena,
		&context->err);

	if (!code && (rg_output_drawn(context) || context->settings.graph)) {
		code = draw(answering, paths, &picture);
		forms.picture = &picture.picture;
		if (!code && context->settings.graph)
			answer->graph = rg_answer_graph_new(&answering->source.heap,
				&picture.picture, context->settings.raw, &answering->arena);
	}
	if (!code)
		code = rg_output_answer(context, &forms);
	rg_draw_deinit(&picture);
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	struct rg_answering answering;
	struct rg_answer_why answer = { 0 };
	struct rg_paths paths;
	enum rg_code code = rg_answering_open(&answering, context, 10);

	if (code)
		return code;
	answering.origin->edges = "all";
	code = rg_paths_init(&paths, &answering.source.heap, context->settings.raw, &context->err);
	if (!code) {
		code = answer_why(&answering, &paths, &answer);
		rg_paths_deinit(&paths);
	}
	if (!code && context->settings.format == RG_FORMAT_TEXT)
		rg_output_next(&answering.source, answer.first == RG_NO_ID ? "garbage" : "why",
			answer.first == RG_NO_ID
				? ""
				: rg_arena_print(&answering.arena, "%s -o why.svg",
					  rg_output_selection(context, &answering.arena)));
	rg_answering_close(&answering);
	return code;
}

const struct rg_command rg_cmd_why = {
	.name = "why",
	.arguments = "SOURCE SELECTION ...",
	.summary = "why it is alive: the shortest chain from a root to each selected object",
	.description =
		"Follows every reference that keeps something alive from the roots (modules, "
		"frames of threads, the interpreter) to each selected object, nearest "
		"first, and writes the chain as Python would. A selection is a type name "
		"(short or dotted, * allowed), an address or an object number.",
	.examples = { { "why leak.rgs Session", "every Session, nearest first" },
		{ "why leak.rgs 'app.web.*' -n 3", "of one package" },
		{ "why leak.rgs @812 -o why.svg", "one object, as a picture" },
		{ "why 4711 0x7f2a10c0", "by address, of a process now" } },
	.options = RG_OPTIONS_LIST | RG_OPTION(RAW) | RG_OPTION(NODES) | RG_OPTION(GRAPH),
	.formats = RG_FORMATS_DRAWN,
	.min_words = 2,
	.max_words = -1,
	.answer = &rg_answer_why,
	.run = run,
};
