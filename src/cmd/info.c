#include "src/answer/summary.h"
#include "heapdump/base/units.h"
#include "src/cmd/answering.h"
#include "src/cmd/commands.h"
#include "src/emit/escape.h"

#include <string.h>

static void print_runtime(
	const struct rg_answer_info *answer, bool stable, struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_runtime *runtime = answer->runtime;
	const struct rg_answer_source *source = answer->envelope.source;
	const struct rg_answer_gc *gc = runtime->gc;
	const uint64_t *thresholds = gc ? gc->thresholds.rows : NULL;
	const uint64_t *counts = gc ? gc->counts.rows : NULL;

	fprintf(out, "runtime     %s", source->runtime ? source->runtime : "unknown");
	if (runtime->pid != RG_NOTHING && !stable)
		fprintf(out, ", pid %llu", (unsigned long long)runtime->pid);
	if (runtime->inner_pid != RG_NOTHING && !stable)
		fprintf(out, " (%llu in its pid namespace)",
			(unsigned long long)runtime->inner_pid);
	if (runtime->rss != RG_NOTHING && !stable)
		fprintf(out, ", %s resident", rg_units_bytes(runtime->rss, arena));
	fprintf(out, "\n");
	if (runtime->argv && !stable)
		fprintf(out, "command     %s\n",
			rg_escape_display(arena, runtime->argv, strlen(runtime->argv), 0));
	if (source->captured && !stable)
		fprintf(out, "captured    %s\n", source->captured);
	if (gc && thresholds && counts)
		fprintf(out, "collector   %s, counts %llu %llu %llu of %llu %llu %llu\n",
			gc->enabled ? "enabled" : "DISABLED", (unsigned long long)counts[0],
			(unsigned long long)counts[1], (unsigned long long)counts[2],
			(unsigned long long)thresholds[0], (unsigned long long)thresholds[1],
			(unsigned long long)thresholds[2]);
	fprintf(out, "heap        %s, %s, %s\n",
		rg_units_things(answer->envelope.totals->objects, "object", "objects", arena),
		rg_units_things(
			answer->envelope.totals->references, "reference", "references", arena),
		rg_units_bytes(answer->envelope.totals->size, arena));
	if (!stable)
		fprintf(out, "snapshot    %s, %.1f bytes an object\n",
			rg_units_bytes(answer->file->size, arena), answer->file->bytes_per_object);
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_info *answer = data;
	const struct rg_list *warnings = &answer->envelope.source->warnings;
	const struct rg_answer_warning *rows = warnings->rows;
	struct rg_arena arena = { 0 };
	enum rg_code code;

	print_runtime(answer, context->settings.stable, &arena, out);
	fprintf(out, "\n");
	code = rg_output_table(context, &rg_record_generation, &answer->generations, "", out);
	fprintf(out, "\n");
	if (!code)
		code = rg_output_table(context, &rg_record_root_count, &answer->roots, "", out);
	for (uint64_t i = 0; i < warnings->shown; i++)
		fprintf(out, "\nwarning: %s\n",
			rg_escape_display(&arena, rows[i].message, strlen(rows[i].message), 0));
	return rg_arena_end(&arena, code, &context->err);
}

static enum rg_code answer(struct rg_answering *answering)
{
	struct rg_context *context = answering->context;
	struct rg_answer_info answer = { 0 };
	struct rg_output_forms forms = { .data = &answer, .text = text };
	enum rg_code code;

	answering->origin->edges = "all";
	answering->origin->raw = true;
	code = rg_answer_info_init(&answer, &answering->source.heap, answering->origin,
		&answering->arena, &context->err);
	if (!code)
		code = rg_output_answer(context, &forms);
	if (!code && context->settings.format == RG_FORMAT_TEXT)
		rg_output_next(&answering->source, "cycles", "");
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	return rg_answering_run(context, 10, answer);
}

const struct rg_command rg_cmd_info = {
	.name = "info",
	.arguments = "SOURCE",
	.summary = "what a snapshot is: runtime, objects, generations, roots, warnings",
	.description = "Shows where the heap comes from, the collector's state, how many objects "
		       "are in which generation, and what roots hold them.",
	.examples = { { "info leak.rgs", "of a snapshot" }, { "info 4711", "of a process, now" } },
	.options = RG_OPTIONS_SOURCE,
	.formats = RG_FORMATS_PLAIN,
	.min_words = 1,
	.max_words = 1,
	.answer = &rg_answer_info,
	.run = run,
};
