#include "src/answer/summary.h"
#include "src/cmd/answering.h"
#include "src/cmd/commands.h"

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_generations *answer = data;
	const struct rg_answer_generation_row *rows = answer->generations.rows;
	enum rg_code code = rg_output_table(
		context, &rg_record_generation_row, &answer->generations, "", out);

	for (uint64_t i = 0; !code && i < answer->generations.shown; i++) {
		if (rows[i].objects == 0)
			continue;
		fprintf(out, "\nin generation %s:\n", rows[i].generation);
		code = rg_output_table(context, &rg_record_type, &rows[i].types, "  ", out);
	}
	return code;
}

static enum rg_code answer(struct rg_answering *answering)
{
	struct rg_context *context = answering->context;
	struct rg_answer_generations answer = { 0 };
	struct rg_output_forms forms = { .data = &answer, .text = text };
	struct rg_cycles cycles;
	enum rg_code code = rg_answering_cycles(answering, &cycles);

	if (code)
		return code;
	answering->origin->raw = true;
	code = rg_answer_generations_init(&answer, &cycles, answering->origin, answering->limit,
		&answering->arena, &context->err);
	if (!code)
		code = rg_output_answer(context, &forms);
	if (!code && context->settings.format == RG_FORMAT_TEXT)
		rg_output_next(&answering->source, "garbage", "");
	rg_cycles_deinit(&cycles);
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	return rg_answering_run(context, 10, answer);
}

const struct rg_command rg_cmd_generations = {
	.name = "generations",
	.arguments = "SOURCE",
	.summary = "who sits in which generation of the collector",
	.description = "For each generation, the permanent one and the untracked: objects, bytes, "
		       "cycles, types, and how far the collector is from its next run there. A "
		       "cycle counts where its oldest member is.",
	.examples = { { "generations leak.rgs", "of a snapshot" },
		{ "generations 4711", "of a process, now" } },
	.options = RG_OPTIONS_LIST | RG_OPTION(EDGES),
	.formats = RG_FORMATS_PLAIN,
	.min_words = 1,
	.max_words = 1,
	.answer = &rg_answer_generations,
	.run = run,
};
