#include <stdlib.h>
#include <string.h>

#include "heapdump/base/units.h"
#include "src/answer/objects.h"
#include "src/cmd/answering.h"
#include "src/cmd/commands.h"
#include "src/emit/escape.h"
#include "src/heap/policy.h"
#include "src/view/neighbourhood.h"

#define LABEL 28 /* columns of a reference's label */

static const char *plain(const char *text, unsigned columns, struct rg_arena *arena)
{
	return text ? rg_escape_display(arena, text, strlen(text), columns) : "";
}

/* "Session 'u:81'  @812  1.9 KiB" */
static const char *object_text(
	const struct rg_answer_object *object, bool stable, struct rg_arena *arena)
{
	const char *name = object->value ? object->value : object->name;

	return rg_arena_print(arena, "%s%s%s  %s%s%s", plain(object->type, 50, arena),
		name ? " " : "", plain(name, 30, arena), rg_units_bytes(object->footprint, arena),
		stable ? "" : "  ", stable ? "" : rg_arena_print(arena, "@%u", object->id));
}

static void print_field(FILE *out, const char *name, const char *text)
{
	if (text && *text)
		fprintf(out, "%-12s %s\n", name, text);
}

static void print_path(FILE *out, const char *name, const char *path, struct rg_arena *arena)
{
	fprintf(out, "%-12s ", name);
	rg_output_path(path, 13, arena, out);
}

static void print_facts(
	const struct rg_answer_show *answer, bool stable, struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_object *object = answer->object;

	fprintf(out, "%s\n\n", object_text(object, stable, arena));
	if (!stable)
		print_field(out, "address",
			rg_arena_print(arena, "0x%llx", (unsigned long long)object->address));
	print_field(out, "size",
		rg_arena_print(arena, "%s%s", rg_units_bytes(object->size, arena),
			object->footprint == object->size
				? ""
				: rg_arena_print(arena, ", with what is folded into it %s",
					  rg_units_bytes(object->footprint, arena))));
	if (answer->retained_objects != RG_NOTHING && answer->retained_objects > 1)
		print_field(out, "retains",
			rg_arena_print(arena, "%s, in %s: what would be freed with it",
				rg_units_bytes(answer->retained, arena),
				rg_units_things(
					answer->retained_objects, "object", "objects", arena)));
	if (object->items != RG_NOTHING)
		print_field(out, "items", rg_units_count(object->items, arena));
	print_field(out, "refcount",
		object->immortal ? "immortal" : rg_units_count(object->refcount, arena));
	print_field(out, "generation", object->generation);
	print_field(out, "state", answer->state);
	print_field(out, "value", plain(object->value, 80, arena));
	print_field(out, "name", plain(object->name, 80, arena));
	print_field(out, object->allocated ? "allocated at" : "written at",
		plain(object->site, 80, arena));
	for (uint64_t i = 1; i < object->traceback.shown; i++)
		print_field(out, i == 1 ? "called from" : "",
			plain(((const char **)object->traceback.rows)[i], 80, arena));
	if (answer->chain)
		print_path(out, "path", answer->chain->path, arena);
	for (uint64_t i = 0; i < answer->roots.shown; i++)
		print_path(out, i ? "" : "root", ((const char **)answer->roots.rows)[i], arena);
}

static void print_links(const char *heading, const struct rg_list *list, bool stable,
	struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_link *rows = list->rows;

	if (!list->of)
		return;
	fprintf(out, "\n%s %s:\n", heading,
		rg_units_things(list->of, "reference", "references", arena));
	for (uint64_t i = 0; i < list->shown; i++) {
		const char *label = plain(rows[i].reference->label, LABEL, arena);

		/* printf counts bytes, a terminal columns: pad by what is shown */
		fprintf(out, "  %s%*s %s%s\n", label, (int)(LABEL - rg_escape_columns(label)), "",
			object_text(rows[i].object, stable, arena),
			strcmp(rows[i].reference->kind, "weak") == 0 ? "  (weak)" : "");
	}
	if (list->of > list->shown)
		fprintf(out, "  … %s more, see them with --limit %llu\n",
			rg_units_count(list->of - list->shown, arena),
			(unsigned long long)list->of);
}

static void print_break(const struct rg_answer_break *row, struct rg_arena *arena, FILE *out)
{
	fprintf(out, "  ");
	rg_output_prose(rg_arena_print(arena, "break %s: %s", plain(row->expression, 60, arena),
				row->advice),
		2, arena, out);
}

static void print_cycle(const struct rg_answer_cycle *cycle, struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_break *rows = cycle->breaks.rows;

	fprintf(out, "\nin a cycle of %s: %s\n",
		rg_units_things(cycle->objects_max, "object", "objects", arena),
		plain(cycle->gist, 80, arena));
	for (uint64_t i = 0; i < cycle->breaks.shown; i++)
		print_break(&rows[i], arena, out);
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_show *answer = data;
	bool stable = context->settings.stable;
	struct rg_arena arena = { 0 };

	if (answer->selected > 1)
		fprintf(out, "the first of %s: ", rg_units_count(answer->selected, &arena));
	print_facts(answer, stable, &arena, out);
	print_links("held by", &answer->in, stable, &arena, out);
	print_links("refers to", &answer->out, stable, &arena, out);
	if (answer->cycle)
		print_cycle(answer->cycle, &arena, out);
	return rg_arena_end(&arena, RG_OK, &context->err);
}

/* One step in both directions. */
static enum rg_code draw(
	struct rg_answering *answering, const void *subject, struct rg_draw *canvas)
{
	struct rg_neighbourhood options = { .both = true,
		.edges = RG_EDGES_ALL | 1u << RG_CLASS_WEAK,
		.depth = 1,
		.breadth = RG_NEIGHBOURHOOD_BREADTH,
		.alike = RG_NEIGHBOURHOOD_ALIKE };

	return rg_view_neighbourhood(canvas, &options, subject, 1, &answering->context->err);
}

static enum rg_code write_answer(struct rg_answering *answering, const struct rg_cycles *cycles,
	struct rg_answer_show *answer, uint32_t id)
{
	struct rg_context *context = answering->context;
	struct rg_answering_picture picture = { 0 };
	struct rg_output_forms forms = {
		.data = answer, .text = text, .drawing = &picture.drawing
	};
	enum rg_code code = rg_answer_show_init(answer, cycles, answering->origin, id,
		answering->limit, &answering->arena, &context->err);

	if (!code && context->settings.frames)
		rg_answer_object_trace(answer->object, &answering->source.heap, &answering->arena);
	if (!code && (context->settings.format == RG_FORMAT_IDS || rg_output_drawn(context) ||
			     context->settings.graph))
		code = rg_answering_draw(&picture, answering, draw, &id);
	if (!code)
		code = rg_answering_write(answering, &picture, &forms, &answer->graph);
	rg_answering_picture_deinit(&picture);
	return code;
}

static enum rg_code show(struct rg_answering *answering, uint32_t id, uint64_t n)
{
	struct rg_bitset one;
	struct rg_cycles cycles = { 0 };
	struct rg_cycles_options options = {
		.edges = RG_EDGES_DATA, .raw = answering->origin->raw, .selected = &one
	};
	struct rg_answer_show answer = { .selected = n };
	struct rg_error *err = &answering->context->err;
	enum rg_code code = rg_bitset_init(&one, answering->source.heap.n_objects, err);

	if (code)
		return code;
	rg_bitset_set(&one, id);
	code = rg_answer_show_links(&answer, &answering->source.heap, id, answering->limit,
		answering->origin->raw, &answering->arena, err);
	if (!code)
		code = rg_answer_show_retained(
			&answer, &answering->source.heap, id, answering->origin->raw, err);
	if (!code)
		code = rg_cycles_init(&cycles, &answering->source.heap, &options, err);
	if (!code)
		code = write_answer(answering, &cycles, &answer, id);
	rg_cycles_deinit(&cycles);
	rg_bitset_deinit(&one);
	return code;
}

static enum rg_code answer(struct rg_answering *answering)
{
	struct rg_context *context = answering->context;
	uint32_t *ids = NULL, id;
	uint64_t n = 0;
	enum rg_code code = rg_answering_ids(answering, &ids, &n);

	if (!code && n == 0) {
		code = rg_fail(&context->err, RG_NOT_FOUND, "nothing-selected",
			"nothing is left of the selection");
		rg_hint(&context->err, "a folded __dict__ is shown with --raw");
	}
	id = code ? RG_NO_ID : ids[0];
	free(ids);
	if (!code)
		code = show(answering, id, n);
	if (!code && context->settings.format == RG_FORMAT_TEXT)
		rg_output_next(&answering->source, "backrefs",
			rg_arena_print(&answering->arena, "@%u", id));
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	return rg_answering_run(context, 20, answer);
}

const struct rg_command rg_cmd_show = {
	.name = "show",
	.arguments = "SOURCE SELECTION ...",
	.summary = "everything about one object: value, references in and out, chain, cycle",
	.description =
		"Shows one object, the first of the selection: its size and what it retains, "
		"reference count, generation and value; whether it is alive, and by which chain; "
		"who refers to it "
		"and what it refers to, weak references too; and the cycle it is in, with the "
		"references to break.",
	.examples = { { "show leak.rgs @812", "by its number" },
		{ "show leak.rgs 0x7f2a10c0", "by its address" },
		{ "show leak.rgs Session -o session.svg", "who is next to it, as a picture" },
		{ "show leak.rgs @812 --format json", "for a script" } },
	.options = RG_OPTIONS_LIST | RG_OPTION(EXTRA) | RG_OPTION(FROM) | RG_OPTION(NEW_SINCE) |
		   RG_OPTION(RAW) | RG_OPTION(FRAMES) | RG_OPTION(NODES) | RG_OPTION(LAYOUT_TIME) |
		   RG_OPTION(GRAPH),
	.formats = RG_FORMATS_DRAWN | RG_FORMATS_IDS,
	.min_words = 1,
	.max_words = -1,
	.selects = true,
	.answer = &rg_answer_show,
	.run = run,
};
