#include "src/answer/garbage.h"
#include "heapdump/base/units.h"
#include "src/cli/report.h"
#include "src/cmd/answering.h"
#include "src/cmd/commands.h"

static void print_set(const char *name, const struct rg_answer_garbage_set *set,
	const char *meaning, struct rg_arena *arena, FILE *out)
{
	if (set->objects == 0)
		return;
	fprintf(out, "%-14s %s (%s tracked), %s, %s\n%-14s   %s\n", name,
		rg_units_things(set->objects, "object", "objects", arena),
		rg_units_count(set->tracked, arena), rg_units_bytes(set->size, arena),
		rg_units_things(set->cycles, "cycle", "cycles", arena), "", meaning);
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_garbage *answer = data;
	struct rg_arena arena = { 0 };
	enum rg_code code;

	if (answer->collectable->objects == 0 && answer->may_resurrect->objects == 0)
		fprintf(out, "no garbage: a full collection would free nothing now\n");
	print_set("collectable", answer->collectable,
		"the next full collection frees them (gc.collect() counts the tracked)", &arena,
		out);
	print_set("may resurrect", answer->may_resurrect,
		"dead, but a __del__ that has not run yet can bring them back", &arena, out);
	print_set("uncollectable", answer->uncollectable,
		"dead, but a type of theirs forbids it: they end in gc.garbage", &arena, out);
	print_set("hidden", answer->hidden,
		"held by themselves alone, through references the collector cannot see: a leak",
		&arena, out);
	print_set("unreached", answer->unreached,
		"held from C: by no module, frame or other root that has a name", &arena, out);
	code = rg_arena_end(&arena, RG_OK, &context->err);
	if (!code && answer->types.shown) {
		fprintf(out, "\ngarbage by type:\n");
		code = rg_output_table(context, &rg_record_type, &answer->types, "  ", out);
	}
	if (!code && answer->hidden->types.shown) {
		fprintf(out, "\nhidden by type:\n");
		code = rg_output_table(context, &rg_record_type, &answer->hidden->types, "  ", out);
	}
	if (!code && answer->heads.shown) {
		fprintf(out, "\nheads, which no other garbage refers to:\n");
		code = rg_output_table(context, &rg_record_object, &answer->heads, "  ", out);
	}
	return code;
}

/* What has no reference count cannot be told to be garbage: say so, or silence looks like none. */
static void remark_uncounted(const struct rg_heap *heap)
{
	struct rg_text text = rg_heap_fact_text(heap, "warning.no-refcounts");

	if (text.length)
		rg_remark("warning: %.*s", (int)text.length, text.bytes);
}

static enum rg_code answer(struct rg_answering *answering)
{
	struct rg_context *context = answering->context;
	struct rg_answer_garbage answer = { 0 };
	struct rg_output_forms forms = { .data = &answer, .text = text };
	struct rg_cycles cycles;
	enum rg_code code = rg_answering_cycles(answering, &cycles);

	if (code)
		return code;
	answering->origin->raw = true;
	answering->origin->edges = "strong";
	code = rg_answer_garbage_init(&answer, &cycles, answering->origin, answering->limit,
		&answering->arena, &context->err);
	if (!code)
		code = rg_output_answer(context, &forms);
	if (!code && context->settings.format == RG_FORMAT_TEXT) {
		remark_uncounted(&answering->source.heap);
		rg_output_next(&answering->source, "cycles", "");
	}
	rg_cycles_deinit(&cycles);
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	return rg_answering_run(context, 10, answer);
}

const struct rg_command rg_cmd_garbage = {
	.name = "garbage",
	.arguments = "SOURCE",
	.summary = "what a full collection would free now, and what it could not",
	.description = "Finds by the collector's own test, trial deletion over the captured "
		       "reference counts, what is dead; nothing is collected to find out. Kept "
		       "apart: what a __del__ may bring back, what only refers to itself through "
		       "references the collector cannot see, and what is held from C.",
	.examples = { { "garbage 4711", "of a process, now" },
		{ "garbage leak.rgs --format json", "for a script" } },
	.options = RG_OPTIONS_LIST,
	.formats = RG_FORMATS_PLAIN,
	.min_words = 1,
	.max_words = 1,
	.answer = &rg_answer_garbage,
	.run = run,
};
