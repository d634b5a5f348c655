#include "src/answer/summary.h"
#include "heapdump/base/units.h"
#include "src/cli/report.h"
#include "src/cmd/answering.h"
#include "src/cmd/commands.h"

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_types *answer = data;

	if (answer->types.of == 0)
		fprintf(out, "no objects\n");
	return rg_output_table(context, &rg_record_typeshare, &answer->types, "", out);
}

/* What asks for lines of code, of a program that did not trace them. */
static void remark_untraced(const struct rg_heap *heap, unsigned by)
{
	if (by & (1u << RG_GROUP_SITE | 1u << RG_GROUP_TRACEBACK) && !heap->site)
		rg_remark("no allocation was traced: run the program with PYTHONTRACEMALLOC=10");
}

static enum rg_code answer_by(struct rg_answering *answering, unsigned by)
{
	struct rg_context *context = answering->context;
	struct rg_answer_types answer = { 0 };
	struct rg_output_forms forms = { .data = &answer, .text = text };
	enum rg_code code = rg_answer_types_by(&answer, &answering->source.heap, by,
		answering->origin, answering->has_selection ? &answering->selected : NULL,
		answering->limit, &answering->arena, &context->err);

	if (!code)
		code = rg_output_answer(context, &forms);
	if (!code && context->settings.format == RG_FORMAT_TEXT) {
		remark_untraced(&answering->source.heap, by);
		rg_output_next(&answering->source, "objects", "");
	}
	return code;
}

static enum rg_code answer(struct rg_answering *answering)
{
	struct rg_context *context = answering->context;
	struct rg_answer_types answer = { 0 };
	struct rg_output_forms forms = { .data = &answer, .text = text };
	unsigned by;
	enum rg_code code = rg_answering_by(context, (1u << RG_GROUPING_COUNT) - 1, &by);

	if (code || by)
		return code ? code : answer_by(answering, by);
	code = rg_answer_types_init(&answer, &answering->source.heap, answering->origin,
		answering->has_selection ? &answering->selected : NULL, answering->limit,
		&answering->arena, &context->err);

	if (!code)
		code = rg_output_answer(context, &forms);
	if (!code && context->settings.format == RG_FORMAT_TEXT)
		rg_output_next(&answering->source, answer.heaviest ? "why" : "cycles",
			answer.heaviest ? rg_output_quote(answer.heaviest, &answering->arena) : "");
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	return rg_answering_run(context, 20, answer);
}

const struct rg_command rg_cmd_types = {
	.name = "types",
	.arguments = "SOURCE [SELECTION ...]",
	.summary = "how many of what, and how many bytes",
	.description = "Counts the objects by type, most bytes first, untracked ones too. An "
		       "object's __dict__ that nobody else holds counts with the object, unless "
		       "--raw. With --by they are counted by something else, or by several things "
		       "at once.",
	.examples = { { "types leak.rgs", "the 20 heaviest types" },
		{ "types leak.rgs 'gen=2 and size>1k'", "of what is old and large" },
		{ "types after.rgs --new-since before.rgs", "of what was made meanwhile" },
		{ "types leak.rgs dict --by owner,referrers", "what all these dicts are for" },
		{ "types leak.rgs --by type,site", "which line allocated them" },
		{ "types 4711 --format json", "for a script" } },
	.options = RG_OPTIONS_LIST | RG_OPTION(BY) | RG_OPTION(FROM) | RG_OPTION(NEW_SINCE) |
		   RG_OPTION(RAW),
	.formats = RG_FORMATS_PLAIN,
	.min_words = 1,
	.max_words = -1,
	.answer = &rg_answer_types,
	.run = run,
};
