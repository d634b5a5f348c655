#include "heapdump/base/units.h"
#include "src/answer/audit.h"
#include "src/cmd/answering.h"
#include "src/cmd/commands.h"

static void print_verdict(const struct rg_answer_audit *answer, struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_audit_type *types = answer->types.rows;
	uint64_t alone = 0;

	for (uint64_t i = 0; i < answer->types.shown; i++)
		alone += types[i].alone;
	fprintf(out, "%s of %s: as many references as they count\n",
		rg_units_count(answer->exact, arena),
		rg_units_things(answer->checked, "object", "objects", arena));
	if (answer->excess->objects)
		fprintf(out, "%s: %s more than were found: C code holds them\n",
			rg_units_things(answer->excess->objects, "object", "objects", arena),
			rg_units_things(
				answer->excess->references, "reference", "references", arena));
	if (alone)
		fprintf(out, "%s, by nothing else: that is how a missing Py_DECREF looks\n",
			rg_units_things(alone, "of them is held so", "of them are held so", arena));
	if (answer->deficit->objects)
		fprintf(out,
			"%s: %s too many were found: the process was in motion, or refgraph "
			"is wrong\n",
			rg_units_things(answer->deficit->objects, "object", "objects", arena),
			rg_units_things(
				answer->deficit->references, "reference", "references", arena));
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_audit *answer = data;
	struct rg_arena arena = { 0 };
	enum rg_code code;

	print_verdict(answer, &arena, out);
	code = rg_arena_end(&arena, RG_OK, &context->err);
	if (!code && answer->reasons.shown) {
		fprintf(out, "\n");
		code = rg_output_table(context, &rg_record_audit_reason, &answer->reasons, "", out);
	}
	if (!code && answer->types.shown) {
		fprintf(out, "\nfor no known reason, by type:\n");
		code = rg_output_table(context, &rg_record_audit_type, &answer->types, "  ", out);
	}
	if (!code && answer->objects.shown) {
		fprintf(out, "\nthe surest first:\n");
		code = rg_output_table(context, &rg_record_audited, &answer->objects, "  ", out);
	}
	return code;
}

static enum rg_code write_answer(struct rg_answering *answering, const struct rg_audit *audit)
{
	struct rg_context *context = answering->context;
	struct rg_answer_audit answer = { 0 };
	struct rg_output_forms forms = {
		.data = &answer, .text = text, .ids = audit->suspects, .n_ids = audit->n_suspects
	};
	enum rg_code code;

	answering->origin->raw = true;
	answering->origin->edges = "all";
	if (context->settings.limit && forms.n_ids > context->settings.limit)
		forms.n_ids = context->settings.limit;
	code = rg_answer_audit_init(&answer, &answering->source.heap, audit, answering->origin,
		answering->limit, &answering->arena, &context->err);
	if (!code)
		code = rg_output_answer(context, &forms);
	if (!code && audit->n_suspects && context->settings.format == RG_FORMAT_TEXT)
		rg_output_next(&answering->source, "show",
			rg_arena_print(&answering->arena, "@%u", audit->suspects[0]));
	return code;
}

static enum rg_code answer(struct rg_answering *answering)
{
	struct rg_audit audit;
	enum rg_code code = rg_audit_init(&audit, &answering->source.heap,
		answering->has_selection ? &answering->selected : NULL, &answering->context->err);

	if (!code)
		code = write_answer(answering, &audit);
	rg_audit_deinit(&audit);
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	return rg_answering_run(context, 10, answer);
}

const struct rg_command rg_cmd_audit = {
	.name = "audit",
	.arguments = "SOURCE [SELECTION ...]",
	.summary = "reference counts held against the references found: what C code holds",
	.description =
		"Counts the references to each object, those of frames and of the interpreter "
		"included, and holds them against its reference count. What is missing is held by "
		"C code. Told apart: what C memory points at, what is held for a known reason, and "
		"the rest, in which an extension that forgets a Py_DECREF stands first: its "
		"objects are held by nothing else.",
	.examples = { { "audit 4711", "of a process, now" },
		{ "audit leak.rgs 'app.*'", "of one package's objects" },
		{ "audit leak.rgs --format ids > ids", "the suspects, for the next command" },
		{ "show leak.rgs --from ids", "such as this one" } },
	.options = RG_OPTIONS_LIST | RG_OPTION(TYPE) | RG_OPTION(MODULE) | RG_OPTION(FROM) |
		   RG_OPTION(NEW_SINCE),
	.formats = RG_FORMATS_PLAIN | RG_FORMATS_IDS,
	.min_words = 1,
	.max_words = -1,
	.answer = &rg_answer_audit,
	.run = run,
};
