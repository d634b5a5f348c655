#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/units.h"
#include "src/analysis/types.h"
#include "src/answer/diff.h"
#include "src/cli/duration.h"
#include "src/cli/output.h"
#include "src/cli/progress.h"
#include "src/cli/report.h"
#include "src/cli/source.h"
#include "src/cmd/commands.h"
#include "src/emit/escape.h"
#include "src/heap/fold.h"
#include "src/heap/policy.h"
#include "src/view/places.h"

#define ROWS 10
#define STEADY 0.9 /* what is below comes and goes, and is told to */

/* --- the snapshots ------------------------------------------------------------------------ */

/* Those that are in memory, and what there is to say of all. */
struct sources {
	struct rg_source list[RG_DIFF_MOST];
	struct rg_answer_origin origins[RG_DIFF_MOST];
	int n;
	struct rg_peaks peaks;
	struct rg_answer_source *rows;
	size_t n_rows, capacity;
	struct rg_arena arena;
};

/* What an answer says of the snapshot opened last, which may be closed then. */
static enum rg_code note_source(struct sources *sources, struct rg_context *context)
{
	const struct rg_heap *heap = &sources->list[sources->n - 1].heap;
	struct rg_answer_envelope envelope = { 0 };
	struct rg_answer_source *slot = RG_PUSH(sources->rows, sources->n_rows, sources->capacity);

	rg_answer_envelope_init(
		&envelope, heap, &sources->origins[sources->n - 1], &sources->arena);
	if (!slot || sources->arena.failed)
		return rg_nomem(&context->err);
	*slot = *envelope.source;
	return rg_peaks_add(&sources->peaks, heap, context->settings.raw, &context->err);
}

/* Tell of the source opened last. */
static enum rg_code add_source(struct sources *sources, struct rg_context *context)
{
	struct rg_source *source = &sources->list[sources->n];
	/* told of those that are closed by then too */
	const char *path = source->path ? rg_arena_print(&sources->arena, "%s", source->path)
					: NULL;

	sources->origins[sources->n] = (struct rg_answer_origin){ .path = path,
		.live = source->live,
		.core = source->core,
		.ndjson = source->ndjson,
		.edges = rg_policy_name(RG_EDGES_ALL),
		.raw = context->settings.raw };
	sources->n++;
	return note_source(sources, context);
}

static enum rg_code open_one(struct sources *sources, struct rg_context *context, const char *word)
{
	enum rg_code code = rg_source_open(&sources->list[sources->n], context, word);

	return code ? code : add_source(sources, context);
}

/* The first two, at once where they are files. */
static enum rg_code open_two(struct sources *sources, struct rg_context *context)
{
	struct rg_source *list = sources->list;
	enum rg_code code = rg_source_open_two(
		&list[0], &list[1], context, context->words[0], context->words[1]);

	if (!code)
		code = add_source(sources, context);
	if (!code)
		code = add_source(sources, context);
	if (code)
		for (int i = sources->n; i < 2; i++)
			rg_source_close(&list[i]);
	return code;
}

/* The two snapshots of one process, with a pause between them. */
static enum rg_code open_twice(struct sources *sources, struct rg_context *context)
{
	const char *word = context->words[0];
	uint64_t ms = 0;
	enum rg_code code;
	pid_t pid;

	code = rg_source_pid(word, &pid, &context->err);
	if (code)
		return code;
	if (!pid || !context->settings.after) {
		rg_fail(&context->err, RG_USAGE, "missing-argument",
			"'%s' is one source, and a difference is between two", word);
		return pid ? rg_hint(&context->err,
				     "let it take both itself: refgraph diff %s --after 60s", word)
			   : rg_hint(&context->err, "name a later one: refgraph diff %s LATER.rgs",
				     word);
	}
	code = rg_duration_parse(RG_OPTION_AFTER, context->settings.after, &ms, &context->err);
	if (!code)
		code = open_one(sources, context, word);
	if (code)
		return code;
	rg_duration_wait(ms);
	return open_one(sources, context, word);
}

/* The first, the second and the last stay open; of those between the counts are noted. */
static enum rg_code open_all(struct sources *sources, struct rg_context *context)
{
	enum rg_code code = context->n_words == 1 ? open_twice(sources, context)
						  : open_two(sources, context);

	for (int i = 2; !code && i < context->n_words; i++) {
		code = open_one(sources, context, context->words[i]);
		if (i + 1 < context->n_words && !code)
			rg_source_close(&sources->list[--sources->n]);
	}
	return code;
}

static void close_all(struct sources *sources)
{
	while (sources->n > 0)
		rg_source_close(&sources->list[--sources->n]);
	rg_peaks_deinit(&sources->peaks);
	free(sources->rows);
	rg_arena_deinit(&sources->arena);
}

/* --- the answer --------------------------------------------------------------------------- */

static const char *signed_text(int64_t delta, bool bytes, struct rg_arena *arena)
{
	uint64_t size = delta < 0 ? 0 - (uint64_t)delta : (uint64_t)delta;

	if (!delta)
		return bytes ? "as many bytes" : "as many objects";
	return rg_arena_print(arena, "%s %s",
		bytes ? rg_units_bytes(size, arena)
		      : rg_units_things(size, "object", "objects", arena),
		delta < 0 ? "fewer" : "more");
}

static void print_verdict(const struct rg_answer_diff *answer, struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_matching *matching = answer->matching;
	uint64_t pairs;

	fprintf(out, "%s, %s\n", signed_text(answer->delta, false, arena),
		signed_text(answer->size_delta, true, arena));
	if (!matching || matching->certain == RG_NOTHING) {
		fprintf(out, "of two processes: objects are not told again, types and paths are\n");
		return;
	}
	pairs = matching->certain + matching->likely;
	fprintf(out, "%s new, %s freed; %s in both, %s of them for certain\n",
		rg_units_count(matching->made, arena), rg_units_count(matching->freed, arena),
		rg_units_count(pairs, arena),
		rg_units_share(pairs ? (double)matching->certain / (double)pairs : 1, arena));
}

/* Two lines a row: a path needs the whole width. */
static void print_growth(const struct rg_list *growth, struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_grown_path *rows = growth->rows;

	if (growth->shown)
		fprintf(out, "\nwho holds what grew:\n");
	for (uint64_t i = 0; i < growth->shown; i++) {
		const char *steady = rows[i].steady < STEADY
					     ? rg_arena_print(arena,
						       ", %s of what came or went stayed",
						       rg_units_share(rows[i].steady, arena))
					     : "";

		fprintf(out, "  %12s  %s%s%s\n", rg_units_delta(rows[i].size_delta, true, arena),
			rows[i].delta > 0 ? rg_arena_print(arena, "%s more ",
						    rg_units_count((uint64_t)rows[i].delta, arena))
					  : "larger: ",
			rg_escape_display(arena, rows[i].type, strlen(rows[i].type), 50), steady);
		fprintf(out, "  %12s    %s\n", "",
			rg_escape_display(arena, rows[i].path, strlen(rows[i].path), 82));
	}
	if (growth->of > growth->shown)
		fprintf(out, "  … %s more, see them with --limit %llu\n",
			rg_units_count(growth->of - growth->shown, arena),
			(unsigned long long)growth->of);
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_diff *answer = data;
	struct rg_arena arena = { 0 };
	enum rg_code code;

	print_verdict(answer, &arena, out);
	print_growth(&answer->growth, &arena, out);
	code = rg_arena_end(&arena, RG_OK, &context->err);
	if (!code && answer->types.shown) {
		fprintf(out, "\ntypes that changed:\n");
		code = rg_output_table(context, &rg_record_grown_type, &answer->types, "  ", out);
	}
	if (!code && answer->cycles.shown) {
		fprintf(out, "\ncycles that appeared:\n");
		code = rg_output_table(context, &rg_record_new_cycle, &answer->cycles, "  ", out);
	}
	if (!code && answer->peaks.shown) {
		fprintf(out, "\nmore than in any snapshot before:\n");
		code = rg_output_table(context, &rg_record_peak, &answer->peaks, "  ", out);
	}
	if (!code && answer->has_survivors) {
		fprintf(out, "\nin the second and the last snapshot, and not in the first:\n");
		code = rg_output_table(context, &rg_record_type, &answer->survivors, "  ", out);
	}
	return code;
}

/* --- the picture -------------------------------------------------------------------------- */

/* What is drawn, and by what: a drawing for the output. */
struct scene {
	struct rg_drawing drawing;
	struct rg_context *context;
	const struct rg_diff *diff;
	const struct rg_answer_diff *answer;
	struct rg_arena *arena;
	struct rg_draw canvas;
};

static const char *change_text(int64_t delta, int64_t size_delta, struct rg_arena *arena)
{
	const char *objects = rg_units_delta(delta, false, arena);

	return rg_arena_print(arena, "%s%s%s", objects, *objects ? " · " : "",
		rg_units_delta(size_delta, true, arena));
}

static uint32_t add_grown(const struct scene *scene, struct rg_place *places)
{
	const struct rg_answer_grown_path *rows = scene->answer->growth.rows;
	uint32_t n = 0;

	for (uint64_t i = 0; i < scene->answer->growth.shown; i++)
		places[n++] = (struct rg_place){ .example = scene->diff->growth->paths[i].example,
			.count = rows[i].after,
			.title = rg_arena_print(scene->arena, "%s × %s",
				rg_units_count(rows[i].after, scene->arena), rows[i].type),
			.facts = change_text(rows[i].delta, rows[i].size_delta, scene->arena),
			.change = RG_PICTURE_GROWN };
	return n;
}

/* Types of which there are fewer, behind what grew. */
static uint32_t add_freed(const struct scene *scene, struct rg_place *places, uint32_t n)
{
	const struct rg_answer_grown_type *rows = scene->answer->types.rows;

	for (uint64_t i = 0; i < scene->answer->types.shown; i++)
		if (rows[i].delta < 0 && rows[i].size_delta < 0)
			places[n++] = (struct rg_place){ .example = RG_NO_ID,
				.count = rows[i].before - rows[i].after,
				.title = rg_arena_print(scene->arena, "%s × %s",
					rg_units_count(
						rows[i].before - rows[i].after, scene->arena),
					rows[i].type),
				.facts = change_text(
					rows[i].delta, rows[i].size_delta, scene->arena),
				.change = RG_PICTURE_FREED };
	return n;
}

static enum rg_code draw(struct rg_drawing *drawing, uint64_t nodes)
{
	struct scene *scene = (struct scene *)drawing;
	const struct rg_heap *last = scene->diff->heaps[scene->diff->n - 1];
	struct rg_place *places = rg_arena_new(scene->arena,
		scene->answer->growth.shown + scene->answer->types.shown, sizeof(*places));
	uint32_t n;
	enum rg_code code;

	if (!places)
		return rg_nomem(&scene->context->err);
	n = add_freed(scene, places, add_grown(scene, places));
	rg_draw_deinit(&scene->canvas);
	rg_draw_init(&scene->canvas, last, scene->diff->raw, scene->context->settings.stable, nodes,
		scene->arena);
	scene->canvas.note = rg_arena_print(scene->arena, "%s, %s",
		signed_text(scene->answer->delta, false, scene->arena),
		signed_text(scene->answer->size_delta, true, scene->arena));
	drawing->picture = &scene->canvas.picture;
	code = rg_view_places(&scene->canvas, &scene->diff->growth->chains, places, n, "What grew?",
		"what grew", &scene->context->err);
	return !code && scene->arena->failed ? rg_nomem(&scene->context->err) : code;
}

/* --- writing ------------------------------------------------------------------------------ */

static enum rg_code write_answer(
	struct rg_context *context, const struct rg_diff *diff, const struct rg_source *last)
{
	uint64_t limit = context->settings.limit ? context->settings.limit : ROWS;
	struct rg_answer_diff answer = { 0 };
	struct rg_arena arena = { 0 };
	struct scene scene = { .drawing.draw = draw,
		.context = context,
		.diff = diff,
		.answer = &answer,
		.arena = &arena };
	struct rg_output_forms forms = { .data = &answer, .text = text, .drawing = &scene.drawing };
	enum rg_code code = rg_answer_diff_init(&answer, diff, limit, &arena, &context->err);

	if (!code && rg_output_drawn(context))
		code = draw(&scene.drawing, context->settings.nodes);
	if (!code)
		code = rg_output_answer(context, &forms);
	rg_draw_deinit(&scene.canvas);
	if (!code && context->settings.format == RG_FORMAT_TEXT)
		rg_output_next(last, diff->growth->n_paths ? "why" : "retained",
			diff->growth->n_paths
				? rg_arena_print(&arena, "@%u", diff->growth->paths[0].example)
				: "");
	return rg_arena_end(&arena, code, &context->err);
}

/* Rows for the patterns of cycles of which there are more. */
static enum rg_code find_cycles(
	struct rg_diff *diff, struct rg_context *context, uint64_t limit, struct rg_arena *arena)
{
	struct rg_cycles_options options = { .edges = RG_EDGES_DATA, .raw = diff->raw };
	struct rg_new_cycles found;
	struct rg_cycles cycles;
	struct rg_answer_new_cycle *rows;
	enum rg_code code = rg_new_cycles_init(
		&found, diff->heaps[0], diff->heaps[diff->n - 1], &options, &cycles, &context->err);

	if (code)
		return code;
	rows = rg_answer_rows(&diff->cycles, found.count < limit ? found.count : limit, found.count,
		sizeof(*rows), arena);
	for (uint64_t i = 0; !code && rows && i < diff->cycles.shown; i++)
		if (!rg_answer_new_cycle_fill(
			    &rows[i], &found.rows[i], &cycles, arena, &context->err))
			code = rg_nomem(&context->err);
	rg_cycles_deinit(&cycles);
	rg_new_cycles_deinit(&found);
	return code;
}

static enum rg_code compare(struct sources *sources, struct rg_context *context)
{
	const struct rg_heap *first = &sources->list[0].heap;
	const struct rg_heap *last = &sources->list[sources->n - 1].heap;
	uint64_t limit = context->settings.limit ? context->settings.limit : ROWS;
	struct rg_matching matching = { 0 };
	struct rg_growth growth = { 0 };
	struct rg_type_sums survivors = { 0 };
	bool raw = context->settings.raw, several = sources->n == RG_DIFF_MOST;
	struct rg_diff diff = { .n = sources->n,
		.sources = sources->rows,
		.n_sources = sources->n_rows,
		.matching = &matching,
		.growth = &growth,
		.survivors = several ? &survivors : NULL,
		.peaks = several ? &sources->peaks : NULL,
		.all = context->settings.limit > 0,
		.raw = raw };
	enum rg_code code;

	rg_progress_phase("comparing");
	for (int i = 0; i < sources->n; i++) {
		diff.heaps[i] = &sources->list[i].heap;
		diff.origins[i] = &sources->origins[i];
	}
	code = find_cycles(&diff, context, limit, &sources->arena);
	if (!code)
		code = rg_matching_init(&matching, first, last, &context->err);
	if (!code)
		code = rg_growth_init(&growth, first, last, &matching, raw, &context->err);
	if (!code && several)
		code = rg_growth_survivors(&survivors, diff.heaps, raw, &context->err);
	if (!code)
		code = write_answer(context, &diff, &sources->list[sources->n - 1]);
	rg_type_sums_deinit(&survivors);
	rg_growth_deinit(&growth);
	rg_matching_deinit(&matching);
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	struct sources sources = { .n = 0 };
	enum rg_code code = open_all(&sources, context);

	if (!code)
		code = compare(&sources, context);
	close_all(&sources);
	return code;
}

const struct rg_command rg_cmd_diff = {
	.name = "diff",
	.arguments = "SOURCE LATER ...",
	.summary = "what grew from one snapshot to another, and who holds it",
	.description =
		"Compares two snapshots: which types grew, and by which paths from the roots the "
		"growth is held; indices and keys count as alike, so that a path is the same in "
		"every run. Of one process it also says which objects are new and which were "
		"freed: an address alone proves nothing, as memory is used again. Cycles that "
		"appeared are listed by their pattern. Of three snapshots or more it lists what is "
		"in the second and the last, and not in the first: what was made meanwhile and "
		"stayed; and the types of which there are more than in any snapshot before.",
	.examples = { { "diff before.rgs after.rgs", "what grew" },
		{ "diff 4711 --after 60s", "of a process, in the next minute" },
		{ "diff a.rgs b.rgs c.rgs", "what was made after the first, and stayed" },
		{ "diff before.rgs after.rgs -o diff.svg", "as a picture" },
		{ "diff before.rgs after.rgs --format json", "for a script" } },
	.options = RG_OPTIONS_LIST | RG_OPTION(AFTER) | RG_OPTION(RAW) | RG_OPTION(NODES) |
		   RG_OPTION(LAYOUT_TIME),
	.formats = RG_FORMATS_DRAWN,
	.min_words = 1,
	.max_words = -1,
	.answer = &rg_answer_diff,
	.run = run,
};
