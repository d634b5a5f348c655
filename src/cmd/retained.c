#include <stdlib.h>
#include <string.h>

#include "heapdump/base/units.h"
#include "src/answer/retained.h"
#include "src/cli/progress.h"
#include "src/cli/terminal.h"
#include "src/cmd/answering.h"
#include "src/cmd/commands.h"
#include "src/emit/escape.h"
#include "src/view/dominated.h"

#define ROWS 10
#define FIGURES 42 /* columns of a row's figures */

/* What the command finds out, and shows parts of. */
struct findings {
	struct rg_retained retained;
	struct rg_retained_set set;
	struct rg_holders holders;
	struct rg_retained_list members, drops, tops;
	struct rg_retained_types types;
};

/* --- text --------------------------------------------------------------------------------- */

static const char *shorten(const char *text, unsigned columns, struct rg_arena *arena)
{
	return rg_escape_middle(arena, text, strlen(text), columns);
}

static void print_rows(const struct rg_list *list, bool drops, const struct rg_context *context,
	struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_retainer *rows = list->rows;
	unsigned width = rg_terminal_width(), room = width > FIGURES + 38 ? width - FIGURES : 38;

	if (!list->shown) {
		fprintf(out, drops ? "no big drops: nothing has 1 %% of all in many small things\n"
				   : "nothing\n");
		return;
	}
	fprintf(out, "%10s %7s %10s %10s  HELD BY, WHAT\n", drops ? "DROP" : "RETAINED", "SHARE",
		drops ? "RETAINED" : "SIZE", drops ? "IN" : "OBJECTS");
	for (uint64_t i = 0; i < list->shown; i++) {
		const struct rg_answer_retainer *row = &rows[i];

		if (!row->object)
			continue;
		fprintf(out, "%10s %7s %10s %10s  %s\n",
			rg_units_bytes(drops ? row->drop : row->retained, arena),
			rg_units_share(row->share, arena),
			rg_units_bytes(drops ? row->retained : row->own, arena),
			rg_units_count(drops ? row->dominated : row->retained_objects, arena),
			shorten(row->label, room, arena));
		fprintf(out, "%*s%s", FIGURES, "", shorten(row->what, room - 12, arena));
		if (!context->settings.stable)
			fprintf(out, "  @%u", row->object->id);
		fprintf(out, "\n");
	}
	if (list->of > list->shown)
		fprintf(out, "… %s more, see them with --limit %llu\n",
			rg_units_count(list->of - list->shown, arena),
			(unsigned long long)list->of);
}

static void print_selection(const struct rg_answer_selection *selection,
	const struct rg_context *context, struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_retainer *held_by = selection->held_by;

	if (!selection->objects) {
		fprintf(out, "%s selected, garbage: it holds nothing\n",
			rg_units_things(selection->unreached, "object", "objects", arena));
		return;
	}
	fprintf(out, "%s selected, %s; alone %s alive %s more, %s\n",
		rg_units_things(selection->objects, "object", "objects", arena),
		rg_units_bytes(selection->size, arena),
		selection->objects == 1 ? "it keeps" : "they keep",
		rg_units_count(selection->alone->objects, arena),
		rg_units_bytes(selection->alone->size, arena));
	fprintf(out, "without %s would be freed: %s in %s (%s)\n",
		selection->objects == 1 ? "it" : "them", rg_units_bytes(selection->retained, arena),
		rg_units_things(selection->retained_objects, "object", "objects", arena),
		rg_units_share(selection->share, arena));
	if (selection->unreached)
		fprintf(out, "%s more selected that are garbage, and hold nothing\n",
			rg_units_count(selection->unreached, arena));
	if (!held_by || !held_by->object)
		return;
	fprintf(out, "held alone by ");
	if (!context->settings.stable)
		fprintf(out, "@%u ", held_by->object->id);
	fprintf(out, "%s\n  %s\n", shorten(held_by->what, 60, arena),
		shorten(held_by->label, 96, arena));
}

/* "of it code: 11.2 MiB in 956 modules, 11.0 MiB in 1,571 classes" */
static void print_code(const struct rg_answer_code *code, struct rg_arena *arena, FILE *out)
{
	if (!code->modules && !code->classes)
		return;
	fprintf(out, "of it code: ");
	if (code->modules)
		fprintf(out, "%s in %s%s", rg_units_bytes(code->modules_size, arena),
			rg_units_things(code->modules, "module", "modules", arena),
			code->classes ? ", " : "");
	if (code->classes)
		fprintf(out, "%s in %s", rg_units_bytes(code->classes_size, arena),
			rg_units_things(code->classes, "class", "classes", arena));
	fprintf(out, "\n");
}

static void print_whole(const struct rg_answer_retained *answer, struct rg_arena *arena, FILE *out)
{
	fprintf(out, "%s in %s alive", rg_units_bytes(answer->reached->size, arena),
		rg_units_things(answer->reached->objects, "object", "objects", arena));
	if (answer->unreached->objects)
		fprintf(out, "; %s in %s are not (see garbage)",
			rg_units_bytes(answer->unreached->size, arena),
			rg_units_count(answer->unreached->objects, arena));
	fprintf(out, "\n");
	if (answer->code)
		print_code(answer->code, arena, out);
}

/* The list that was asked for. */
static const struct rg_list *shown_list(
	const struct rg_answer_retained *answer, const struct rg_context *context)
{
	return context->settings.drops ? &answer->drops : &answer->objects;
}

/* The part that was asked for. */
static enum rg_code print_part(const struct rg_answer_retained *answer, struct rg_context *context,
	struct rg_arena *arena, FILE *out)
{
	const struct rg_settings *settings = &context->settings;

	if (settings->tree)
		return rg_output_tree(context, answer->picture, false, false, out);
	if (settings->by && answer->selection) {
		fprintf(out, "what would be freed, by type:\n");
		return rg_output_table(
			context, &rg_record_typeshare, &answer->selection->types, "", out);
	}
	if (settings->by)
		return rg_output_table(context, &rg_record_retained_type, &answer->types, "", out);
	print_rows(shown_list(answer, context), settings->drops, context, arena, out);
	return RG_OK;
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_retained *answer = data;
	struct rg_arena arena = { 0 };
	enum rg_code code = RG_OK;

	if (answer->selection)
		print_selection(answer->selection, context, &arena, out);
	else
		print_whole(answer, &arena, out);
	if (answer->selection ? answer->selection->objects : answer->reached->objects) {
		fprintf(out, "\n");
		code = print_part(answer, context, &arena, out);
	}
	return rg_arena_end(&arena, code, &context->err);
}

/* --- what is asked for -------------------------------------------------------------------- */

/* Only the drops within what a selection retains. */
static void keep_freed(struct findings *found)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < found->drops.count; i++) {
		uint32_t number = found->drops.numbers[i];

		if (rg_bitset_get(&found->set.freed, rg_retained_object(&found->retained, number)))
			found->drops.numbers[n++] = number;
	}
	found->drops.count = n;
}

static enum rg_code find_rows(struct rg_answering *answering, struct findings *found)
{
	const struct rg_settings *settings = &answering->context->settings;
	struct rg_error *err = &answering->context->err;
	bool all = settings->format == RG_FORMAT_JSON;
	enum rg_code code = RG_OK;

	if (answering->has_selection)
		code = rg_retained_set_init(
			&found->set, &found->retained, &answering->selected, err);
	if (!code)
		code = answering->has_selection
			       ? rg_retained_members(&found->retained, &answering->selected,
					 &found->members, err)
			       : rg_holders_init(&found->holders, &found->retained, err);
	if (!code && (all || settings->drops))
		code = rg_drops_list(&found->retained, &found->drops, err);
	if (!code && answering->has_selection)
		keep_freed(found);
	if (!code && !answering->has_selection && (all || settings->by))
		code = rg_retained_types_init(&found->types, &found->retained, err);
	if (!code && !answering->has_selection)
		code = rg_retained_children(&found->retained, 0, &found->tops, err);
	return code;
}

static enum rg_code find(struct rg_answering *answering, struct findings *found)
{
	const struct rg_heap *heap = &answering->source.heap;
	struct rg_error *err = &answering->context->err;
	enum rg_code code;

	memset(found, 0, sizeof(*found));
	rg_progress_phase("finding the dominators");
	code = rg_retained_init(
		&found->retained, heap, answering->origin->raw, answering->has_selection, err);
	return code ? code : find_rows(answering, found);
}

static void release(struct findings *found)
{
	free(found->members.numbers);
	rg_holders_deinit(&found->holders);
	free(found->drops.numbers);
	free(found->tops.numbers);
	rg_retained_types_deinit(&found->types);
	rg_retained_set_deinit(&found->set);
	rg_retained_deinit(&found->retained);
}

/* --- the answer --------------------------------------------------------------------------- */

/* The trees of the selected, or of what the roots hold. */
static enum rg_code draw(
	struct rg_answering *answering, const void *subject, struct rg_draw *canvas)
{
	const struct rg_settings *settings = &answering->context->settings;
	const struct findings *found = subject;
	const struct rg_retained_list *tops = answering->has_selection ? &found->members
								       : &found->tops;
	struct rg_dominated options = {
		.depth = settings->depth ? (uint32_t)settings->depth : RG_DOMINATED_DEPTH,
		.breadth = settings->breadth ? (uint32_t)settings->breadth : RG_DOMINATED_BREADTH,
		.asked = answering->has_selection,
	};

	return rg_view_dominated(canvas, &found->retained, &options, tops->numbers,
		settings->limit && settings->limit < tops->count ? (uint32_t)settings->limit
								 : tops->count,
		&answering->context->err);
}

/* The objects of the rows that are shown as ids. */
static enum rg_code list_ids(struct rg_answering *answering,
	const struct rg_answer_retained *answer, struct rg_output_forms *forms)
{
	const struct rg_list *list = shown_list(answer, answering->context);
	const struct rg_answer_retainer *rows = list->rows;
	uint32_t *ids = rg_arena_new(&answering->arena, list->shown, sizeof(*ids));

	if (!ids)
		return rg_nomem(&answering->context->err);
	for (uint64_t i = 0; i < list->shown; i++)
		ids[forms->n_ids++] = rows[i].object->id;
	forms->ids = ids;
	return RG_OK;
}

static void say_next(struct rg_answering *answering, uint32_t first)
{
	struct rg_context *context = answering->context;
	const char *id = rg_arena_print(&answering->arena, "@%u", first);

	if (first == RG_NO_ID)
		rg_output_next(
			&answering->source, answering->has_selection ? "garbage" : "types", "");
	else if (context->settings.tree)
		rg_output_next(&answering->source, "why", id);
	else
		rg_output_next(&answering->source, "retained",
			rg_arena_print(&answering->arena, "%s --tree", id));
}

static enum rg_code write_answer(struct rg_answering *answering, const struct findings *found)
{
	struct rg_context *context = answering->context;
	const struct rg_settings *settings = &context->settings;
	struct rg_answer_retained answer = { 0 };
	struct rg_answering_picture picture = { 0 };
	struct rg_output_forms forms = { .data = &answer, .text = text };
	struct rg_answer_retained_parts parts = { .retained = &found->retained,
		.set = answering->has_selection ? &found->set : NULL,
		.holders = &found->holders,
		.members = &found->members,
		.drops = &found->drops,
		.types = &found->types };
	enum rg_code code = rg_answer_retained_init(&answer, &parts, answering->origin,
		answering->limit, &answering->arena, &context->err);

	if (!code)
		code = list_ids(answering, &answer, &forms);
	if (!code && (rg_output_drawn(context) || settings->tree || settings->graph)) {
		code = rg_answering_draw(&picture, answering, draw, found);
		answer.picture = picture.drawing.picture;
		if (settings->format != RG_FORMAT_IDS)
			forms.drawing = &picture.drawing;
	}
	if (!code)
		code = rg_answering_write(answering, &picture, &forms, &answer.graph);
	if (!code && settings->format == RG_FORMAT_TEXT)
		say_next(answering, forms.n_ids ? forms.ids[0] : RG_NO_ID);
	rg_answering_picture_deinit(&picture);
	return code;
}

static enum rg_code answer(struct rg_answering *answering)
{
	struct findings found = { 0 };
	unsigned by;
	enum rg_code code = rg_answering_by(answering->context, 1u << RG_GROUP_TYPE, &by);

	answering->origin->edges = "all";
	if (!code)
		code = find(answering, &found);
	if (!code)
		code = write_answer(answering, &found);
	release(&found);
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	return rg_answering_run(context, ROWS, answer);
}

const struct rg_command rg_cmd_retained = {
	.name = "retained",
	.arguments = "SOURCE [SELECTION ...]",
	.summary = "where the memory is: what would be freed with which object",
	.description =
		"The retained size of an object is what would be freed if it went: itself and all "
		"that only it keeps alive. Without a selection, the places where the memory is, "
		"none part of another: modules, records and wrappers are opened up to the "
		"container that has the most in it. With one, what the selected keep alive "
		"together, and each of them. What no root reaches counts nowhere.",
	.examples = { { "retained 4711", "where the memory of a process is" },
		{ "retained leak.rgs --tree", "the dominator tree" },
		{ "retained leak.rgs --drops", "containers of many small things" },
		{ "retained leak.rgs Session", "what all sessions keep alive, and each" },
		{ "retained leak.rgs --by type", "by type, an object counted once" } },
	.options = RG_OPTIONS_LIST | RG_OPTION(TREE) | RG_OPTION(DROPS) | RG_OPTION(BY) |
		   RG_OPTION(DEPTH) | RG_OPTION(BREADTH) | RG_OPTION(TYPE) | RG_OPTION(MODULE) |
		   RG_OPTION(FROM) | RG_OPTION(NEW_SINCE) | RG_OPTION(RAW) | RG_OPTION(NODES) |
		   RG_OPTION(LAYOUT_TIME) | RG_OPTION(GRAPH),
	.formats = RG_FORMATS_DRAWN | RG_FORMATS_IDS,
	.min_words = 1,
	.max_words = -1,
	.answer = &rg_answer_retained,
	.run = run,
};
