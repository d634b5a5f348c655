#include <stdlib.h>
#include <string.h>

#include "heapdump/base/units.h"
#include "src/analysis/order.h"
#include "src/answer/objects.h"
#include "src/cmd/answering.h"
#include "src/cmd/commands.h"
#include "src/emit/escape.h"

static void print_traceback(
	const struct rg_answer_object *object, bool stable, struct rg_arena *arena, FILE *out)
{
	const char *const *sites = object->traceback.rows;

	fprintf(out, "\n%s%s, allocated at\n",
		rg_escape_display(arena, object->type, strlen(object->type), 60),
		stable ? "" : rg_arena_print(arena, " @%u", object->id));
	for (uint64_t i = 0; i < object->traceback.shown; i++)
		fprintf(out, "    %s\n", rg_escape_display(arena, sites[i], strlen(sites[i]), 96));
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_objects *answer = data;
	const struct rg_answer_object *rows = answer->objects.rows;
	struct rg_arena arena = { 0 };
	enum rg_code code;

	fprintf(out, "%s, %s", rg_units_things(answer->objects.of, "object", "objects", &arena),
		rg_units_bytes(answer->size, &arena));
	if (answer->folded)
		fprintf(out, " (%s more are folded into what they belong to: --raw)",
			rg_units_count(answer->folded, &arena));
	fprintf(out, answer->objects.shown ? "\n\n" : "\n");
	code = rg_output_table(context, &rg_record_object, &answer->objects, "", out);
	for (uint64_t i = 0; !code && i < answer->objects.shown; i++)
		if (rows[i].traceback.shown)
			print_traceback(&rows[i], context->settings.stable, &arena, out);
	return rg_arena_end(&arena, code, &context->err);
}

/* What --sort asks for; by footprint otherwise. */
static struct rg_order order_of(const struct rg_answering *answering)
{
	const struct rg_settings *settings = &answering->context->settings;

	return (struct rg_order){
		.field = settings->sort ? (enum rg_order_field)(settings->sort - 1)
					: RG_ORDER_FOOTPRINT,
		.reverse = settings->reverse,
		.raw = answering->origin->raw,
	};
}

static enum rg_code list(
	struct rg_answering *answering, const struct rg_order *order, uint32_t *ids, uint64_t n)
{
	struct rg_context *context = answering->context;
	const struct rg_heap *heap = &answering->source.heap;
	struct rg_answer_objects answer = { 0 };
	struct rg_answer_object *rows;
	struct rg_output_forms forms = { .data = &answer, .text = text, .ids = ids, .n_ids = n };
	enum rg_code code = rg_order_sort(heap, order, ids, n, &context->err);

	answer.folded = (answering->has_selection ? rg_bitset_count(&answering->selected)
						  : heap->n_objects) -
			n;
	/* ids are for another command: all of them, unless told how many */
	if (context->settings.limit && n > context->settings.limit)
		forms.n_ids = context->settings.limit;
	if (!code)
		code = rg_answer_objects_init(&answer, heap, answering->origin, ids, n, order,
			answering->limit, &answering->arena, &context->err);
	rows = answer.objects.rows;
	for (uint64_t i = 0; !code && context->settings.frames && i < answer.objects.shown; i++)
		rg_answer_object_trace(&rows[i], heap, &answering->arena);
	if (!code)
		code = rg_output_answer(context, &forms);
	if (!code && n && context->settings.format == RG_FORMAT_TEXT)
		rg_output_next(&answering->source, "show",
			rg_arena_print(&answering->arena, "@%u", ids[0]));
	return code;
}

static enum rg_code answer(struct rg_answering *answering)
{
	struct rg_context *context = answering->context;
	const struct rg_heap *heap = &answering->source.heap;
	struct rg_order order = order_of(answering);
	struct rg_paths paths = { 0 };
	struct rg_retained retained = { 0 };
	uint32_t *ids = NULL;
	uint64_t n = 0;
	enum rg_code code = rg_answering_ids(answering, &ids, &n);

	if (!code && order.field == RG_ORDER_DISTANCE) {
		code = rg_paths_init_shortest(&paths, heap, order.raw, &context->err);
		order.paths = &paths;
	}
	if (!code && order.field == RG_ORDER_RETAINED) {
		code = rg_retained_init(&retained, heap, order.raw, false, &context->err);
		order.retained = &retained;
	}
	if (!code)
		code = list(answering, &order, ids, n);
	rg_retained_deinit(&retained);
	rg_paths_deinit(&paths);
	free(ids);
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	return rg_answering_run(context, 20, answer);
}

const struct rg_command rg_cmd_objects = {
	.name = "objects",
	.arguments = "SOURCE [SELECTION ...]",
	.summary = "the objects that a selection names, sorted by any field",
	.description =
		"Lists objects with type, size, references, generation and a preview of the "
		"value, largest first. A __dict__ that only its owner refers to counts with the "
		"owner, unless --raw. As ids the list can be the selection of another command "
		"(--from).",
	.examples = { { "objects leak.rgs Session", "every Session, largest first" },
		{ "objects leak.rgs dict --sort items -n 5", "the five longest dicts" },
		{ "objects leak.rgs --module 'app.*' --sort retained", "of one package" },
		{ "objects leak.rgs 'gen=2 and items>=10'", "old, and long" },
		{ "objects leak.rgs Session --format ids > ids", "for the next command" },
		{ "why leak.rgs --from ids", "such as this one" } },
	.options = RG_OPTIONS_LIST | RG_OPTION(SORT) | RG_OPTION(REVERSE) | RG_OPTION(TYPE) |
		   RG_OPTION(MODULE) | RG_OPTION(FROM) | RG_OPTION(NEW_SINCE) | RG_OPTION(FRAMES) |
		   RG_OPTION(RAW),
	.formats = RG_FORMATS_PLAIN | RG_FORMATS_IDS,
	.min_words = 1,
	.max_words = -1,
	.answer = &rg_answer_objects,
	.run = run,
};
