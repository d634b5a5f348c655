#include <string.h>

#include "src/answer/cycles.h"
#include "heapdump/base/units.h"
#include "src/cmd/answering.h"
#include "src/cmd/commands.h"
#include "src/emit/escape.h"
#include "src/view/cycle.h"

#define PATTERNS_SHOWN 8 /* lines of one cycle's references */

static const char *plain(const char *text, unsigned columns, struct rg_arena *arena)
{
	return rg_escape_display(arena, text, strlen(text), columns);
}

/* "Record.parent → Record": the references that the cycle is made of. */
static void print_pattern(const struct rg_answer_cycle *cycle, struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_pattern *rows = cycle->pattern.rows;

	for (uint64_t i = 0; i < cycle->pattern.shown && i < PATTERNS_SHOWN; i++) {
		fprintf(out, "%-12s", i ? "" : "   made of");
		rg_output_path(rg_arena_print(arena, "%s%s → %s", rows[i].from_type, rows[i].label,
				       rows[i].to_type),
			12, arena, out);
	}
	if (cycle->pattern.of > PATTERNS_SHOWN)
		fprintf(out, "%-12s… %s more kinds of reference\n", "",
			rg_units_count(cycle->pattern.of - PATTERNS_SHOWN, arena));
}

static void print_breaks(const struct rg_answer_cycle *cycle, struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_break *rows = cycle->breaks.rows;

	for (uint64_t i = 0; i < cycle->breaks.shown; i++) {
		fprintf(out, "%-12s%s  (%s, %s up)\n", i ? "" : "   break",
			plain(rows[i].expression, 50, arena),
			rg_units_things(rows[i].count, "reference", "references", arena),
			rg_units_share(rows[i].up, arena));
		fprintf(out, "%-14s", "");
		rg_output_prose(rows[i].advice, 14, arena, out);
	}
}

static void print_cycle(
	const struct rg_answer_cycle *cycle, bool stable, struct rg_arena *arena, FILE *out)
{
	const char *shapes = cycle->shapes.of > 1 ? rg_arena_print(arena, ", in %s",
							    rg_units_things(cycle->shapes.of,
								    "shape", "shapes", arena))
						  : "";

	fprintf(out, "\n");
	rg_output_prose(
		rg_arena_print(arena, "%llu. %s of %s %s: %s%s", (unsigned long long)cycle->rank,
			rg_units_things(cycle->alike, "cycle", "cycles", arena), cycle->each,
			cycle->objects_max == 1 ? "object" : "objects",
			plain(cycle->gist, 80, arena), shapes),
		0, arena, out);
	print_pattern(cycle, arena, out);
	fprintf(out, "%-12s", "   held by");
	rg_output_path(cycle->holder, 12, arena, out);
	print_breaks(cycle, arena, out);
	if (!stable)
		fprintf(out, "%-12s@%u\n", "   example", cycle->entry);
}

static void print_totals(const struct rg_answer_cycles *answer, struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_cycle_totals *totals = answer->totals;

	rg_output_prose(
		rg_arena_print(arena, "%s of %s in %s, %s; the largest has %s; over %s references",
			rg_units_things(totals->cycles, "cycle", "cycles", arena),
			rg_units_things(answer->cycles.of, "pattern", "patterns", arena),
			rg_units_things(totals->cyclic_objects, "object", "objects", arena),
			rg_units_bytes(totals->cyclic_size, arena),
			rg_units_things(totals->largest, "object", "objects", arena),
			answer->policy->edges),
		0, arena, out);
	fprintf(out, "\n");
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_cycles *answer = data;
	const struct rg_answer_cycle *rows = answer->cycles.rows;
	struct rg_arena arena = { 0 };
	enum rg_code code;

	if (answer->totals->cycles == 0) {
		fprintf(out, "no reference cycles over %s references%s\n", answer->policy->edges,
			context->n_words > 1 || context->settings.from ||
					context->settings.new_since
				? " with a selected member"
				: "");
		return RG_OK;
	}
	print_totals(answer, &arena, out);
	code = rg_output_table(context, &rg_record_cycle, &answer->cycles, "", out);
	for (uint64_t i = 0; !code && i < answer->cycles.shown; i++)
		print_cycle(&rows[i], context->settings.stable, &arena, out);
	return rg_arena_end(&arena, code, &context->err);
}

/* Groups that a picture shows: the first, unless a selection or --limit asks for more. */
static enum rg_code draw(
	struct rg_answering *answering, const void *subject, struct rg_draw *canvas)
{
	const struct rg_settings *settings = &answering->context->settings;

	return rg_view_cycles(
		canvas, subject, settings->limit ? settings->limit : 1, &answering->context->err);
}

static enum rg_code write_answer(struct rg_answering *answering, const struct rg_cycles *cycles)
{
	struct rg_context *context = answering->context;
	struct rg_answer_cycles answer = { 0 };
	struct rg_answering_picture picture = { 0 };
	struct rg_output_forms forms = {
		.data = &answer, .text = text, .drawing = &picture.drawing
	};
	enum rg_code code = rg_answer_cycles_init(&answer, cycles, answering->origin,
		answering->limit, &answering->arena, &context->err);

	if (!code && rg_output_drawn(context))
		code = rg_answering_draw(&picture, answering, draw, cycles);
	if (!code)
		code = rg_output_answer(context, &forms);
	rg_answering_picture_deinit(&picture);
	return code;
}

static void say_next(struct rg_answering *answering, const struct rg_cycles *cycles)
{
	struct rg_context *context = answering->context;

	if (cycles->n_groups == 0)
		return;
	if (context->settings.format == RG_FORMAT_TEXT && !context->settings.from)
		rg_output_next(&answering->source, "cycles",
			answering->has_selection
				? rg_arena_print(&answering->arena, "%s -o cycles.svg",
					  rg_output_selection(context, &answering->arena))
				: "-o cycles.svg");
	else if (rg_output_drawn(context))
		rg_output_next(&answering->source, "why",
			rg_arena_print(&answering->arena, "@%u", cycles->groups[0].entry));
}

static enum rg_code answer(struct rg_answering *answering)
{
	struct rg_cycles cycles;
	enum rg_code code = rg_answering_cycles(answering, &cycles);

	if (code)
		return code;
	code = write_answer(answering, &cycles);
	if (!code)
		say_next(answering, &cycles);
	rg_cycles_deinit(&cycles);
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	return rg_answering_run(context, 10, answer);
}

const struct rg_command rg_cmd_cycles = {
	.name = "cycles",
	.arguments = "SOURCE [SELECTION ...]",
	.summary = "the reference cycles, what holds them, and the references to break",
	.description = "Finds the strongly connected components over data references among the "
		       "living (attributes, items, closures; not types, modules, globals) and over "
		       "all strong references among garbage, and groups them by pattern. For each "
		       "it shows what holds it and a small set of references without which no "
		       "cycle is left. With a selection only cycles with a selected member. As a "
		       "picture: the first pattern, or as many as --limit.",
	.examples = { { "cycles 4711", "of a process, now" },
		{ "cycles leak.rgs -o cycles.svg", "the heaviest pattern as a picture" },
		{ "cycles leak.rgs Session", "those with a Session in them" },
		{ "cycles leak.rgs --format json", "for a script" } },
	.options = RG_OPTIONS_LIST | RG_OPTION(FROM) | RG_OPTION(NEW_SINCE) | RG_OPTION(EDGES) |
		   RG_OPTION(RAW) | RG_OPTION(NODES) | RG_OPTION(LAYOUT_TIME),
	.formats = RG_FORMATS_DRAWN,
	.min_words = 1,
	.max_words = -1,
	.answer = &rg_answer_cycles,
	.run = run,
};
