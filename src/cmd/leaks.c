#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/suggest.h"
#include "heapdump/base/units.h"
#include "src/answer/leaks.h"
#include "src/cli/duration.h"
#include "src/cli/known.h"
#include "src/cli/progress.h"
#include "src/cmd/answering.h"
#include "src/cmd/commands.h"
#include "src/emit/ci.h"
#include "src/emit/escape.h"
#include "src/view/places.h"

#define ROWS 10
#define CYCLES 64 /* groups of cycles of which the references to break are told */
#define BREAKS 3 /* of a suspect's cycles that are told */
#define INDENT 14 /* columns of a suspect's left side */
#define THINGS 54 /* columns, so that kind and signature have room beside them */

/* What the options ask for, read before any process is stopped. */
struct wishes {
	unsigned fail_on; /* RG_FAIL() */
	struct rg_known known;
	bool compares; /* with an earlier snapshot */
	struct rg_source earlier;
};

/* What is found, analysis by analysis. */
struct findings {
	struct rg_suspects suspects;
	struct rg_retained retained;
	struct rg_answer_cycle *cycles[CYCLES];
	uint64_t known;
	bool compared;
};

/* --- text --------------------------------------------------------------------------------- */

/* A line that starts with its NAME at the left, and goes on below itself. */
static void print_line(const char *name, const char *text, struct rg_arena *arena, FILE *out)
{
	fprintf(out, "   %-*s", INDENT - 3, name);
	rg_output_prose(text, INDENT, arena, out);
}

static void print_path(const char *name, const char *text, struct rg_arena *arena, FILE *out)
{
	fprintf(out, "   %-*s", INDENT - 3, name);
	rg_output_path(text, INDENT, arena, out);
}

static void print_figures(const struct rg_answer_suspect *row, struct rg_arena *arena, FILE *out)
{
	const char *text = rg_arena_print(arena, "%s, %s, in %s%s%s",
		rg_units_bytes(row->retained, arena), rg_answer_suspect_share(row, arena),
		rg_units_things(row->objects, "object", "objects", arena),
		row->young ? rg_arena_print(arena, "; %s of them came lately",
				     rg_units_count(row->young, arena))
			   : "",
		row->growth ? rg_arena_print(arena, "; grew by %s%s%s",
				      row->growth->delta > 0
					      ? rg_units_count((uint64_t)row->growth->delta, arena)
					      : "",
				      row->growth->delta > 0 ? ", " : "",
				      rg_units_delta(row->growth->size_delta, true, arena))
			    : "");

	print_line("retains", text, arena, out);
}

static void print_suspect(
	const struct rg_answer_suspect *row, bool stable, struct rg_arena *arena, FILE *out)
{
	const struct rg_answer_break *breaks = row->breaks.rows;

	fprintf(out, "\n%llu. %s  (%s, %s)%s\n", (unsigned long long)row->rank,
		rg_escape_display(arena, row->things, strlen(row->things), THINGS), row->kind,
		row->signature, row->fails ? "  FAILS" : "");
	print_figures(row, arena, out);
	print_path("held by", row->where, arena, out);
	if (row->chain && row->accumulation)
		print_path("one is",
			stable ? row->chain->path
			       : rg_arena_print(arena, "%s  @%u", row->chain->path, row->example),
			arena, out);
	print_line("looks like", row->text, arena, out);
	print_line("to do", row->advice, arena, out);
	for (uint64_t i = 0; i < row->breaks.shown && i < BREAKS; i++)
		print_line(i ? "" : "in cycles",
			rg_arena_print(
				arena, "break %s: %s", breaks[i].expression, breaks[i].advice),
			arena, out);
}

static enum rg_code print_all(
	const struct rg_answer_leaks *answer, struct rg_context *context, FILE *out)
{
	const struct rg_answer_suspect *rows = answer->suspects.rows;
	struct rg_arena arena = { 0 };

	rg_output_prose(answer->triage, 0, &arena, out);
	for (uint64_t i = 0; i < answer->suspects.shown; i++)
		print_suspect(&rows[i], context->settings.stable, &arena, out);
	if (answer->suspects.of > answer->suspects.shown)
		fprintf(out, "\n… %s more, see them with --limit %llu\n",
			rg_units_count(answer->suspects.of - answer->suspects.shown, &arena),
			(unsigned long long)answer->suspects.of);
	if (answer->known)
		fprintf(out, "\n%s known and left out\n",
			rg_units_things(answer->known, "suspect is", "suspects are", &arena));
	return rg_arena_end(&arena, RG_OK, &context->err);
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	switch (context->settings.format) {
	case RG_FORMAT_GITHUB:
		return rg_ci_annotations(data, out, &context->err);
	case RG_FORMAT_JUNIT:
		return rg_ci_junit(data, out, &context->err);
	case RG_FORMAT_KNOWN:
		return rg_ci_known(data, out, &context->err);
	default:
		return print_all(data, context, out);
	}
}

/* --- what fails --------------------------------------------------------------------------- */

static enum rg_code no_such_failure(const char *word, struct rg_error *err)
{
	const char *meant = rg_suggest(word, rg_fails, RG_FAIL_COUNT);

	rg_fail(err, RG_USAGE, "bad-value", "--fail-on: '%.40s' is not one of its values", word);
	return meant ? rg_hint(err, "did you mean %s?", meant)
		     : rg_hint(err, "it takes, separated by commas: new, growth, cycles, garbage");
}

/* What --fail-on names, in a mask of RG_FAIL(). */
static enum rg_code parse_fails(struct rg_context *context, unsigned *fails_ret)
{
	const char *at = context->settings.fail_on;
	char word[64];

	*fails_ret = 0;
	while (at && *at) {
		size_t length = strcspn(at, ","), i = 0;

		snprintf(word, sizeof(word), "%.*s", (int)(length < 63 ? length : 63), at);
		while (i < RG_FAIL_COUNT && strcmp(rg_fails[i], word) != 0)
			i++;
		if (i == RG_FAIL_COUNT)
			return no_such_failure(word, &context->err);
		*fails_ret |= 1u << i;
		at += length + (at[length] == ',');
	}
	if (*fails_ret & RG_FAIL(GROWTH) && !context->settings.new_since &&
		!context->settings.after) {
		rg_fail(&context->err, RG_USAGE, "missing-argument",
			"--fail-on growth: growth is told from two snapshots");
		return rg_hint(&context->err, "name an earlier one: --new-since EARLIER.rgs; or of "
					      "a process: --after 60s");
	}
	return RG_OK;
}

/* --- finding ------------------------------------------------------------------------------ */

/* Of a process, if --after asks for it: the first of two snapshots, and the time between them. */
static enum rg_code take_first(struct rg_context *context, struct wishes *wishes)
{
	const char *word = context->words[0], *after = context->settings.after;
	uint64_t ms = 0;
	pid_t pid = 0;
	enum rg_code code = rg_answering_check(context);

	wishes->compares = context->settings.new_since || after;
	if (code || context->settings.new_since || !after)
		return code;
	code = rg_duration_parse(RG_OPTION_AFTER, after, &ms, &context->err);
	if (!code)
		code = rg_source_pid(word, &pid, &context->err);
	if (!code && !pid) {
		rg_fail(&context->err, RG_USAGE, "no-process", "--after: '%s' is no process", word);
		code = rg_hint(&context->err, "of snapshots: --new-since EARLIER.rgs");
	}
	if (!code)
		code = rg_source_open(&wishes->earlier, context, word);
	if (!code)
		rg_duration_wait(ms);
	return code;
}

/* What is compared with, or NULL. */
static struct rg_source *earlier_of(struct rg_answering *answering, struct wishes *wishes)
{
	if (!wishes->compares)
		return NULL;
	return answering->context->settings.new_since ? &answering->earlier : &wishes->earlier;
}

/* What grew since the EARLIER snapshot. */
static enum rg_code find_growth(
	struct rg_answering *answering, struct findings *found, const struct rg_heap *earlier)
{
	struct rg_context *context = answering->context;
	struct rg_matching matching = { 0 };
	struct rg_growth growth = { 0 };
	enum rg_code code;

	rg_progress_phase("comparing");
	code = rg_matching_init(&matching, earlier, found->suspects.heap, &context->err);
	if (!code)
		code = rg_growth_init(
			&growth, earlier, found->suspects.heap, &matching, false, &context->err);
	if (!code)
		code = rg_suspects_add_growth(&found->suspects, &growth, &context->err);
	rg_growth_deinit(&growth);
	rg_matching_deinit(&matching);
	return code;
}

/* The cycles, and of which there are more than in EARLIER, if that is there. */
static enum rg_code find_cycles(
	struct rg_answering *answering, struct findings *found, const struct rg_heap *earlier)
{
	struct rg_error *err = &answering->context->err;
	struct rg_cycles_options options = rg_answering_cycles_options(answering);
	struct rg_new_cycles appeared = { 0 };
	struct rg_cycles cycles;
	enum rg_code code;

	rg_progress_phase("finding the cycles");
	code = earlier ? rg_new_cycles_init(
				 &appeared, earlier, found->suspects.heap, &options, &cycles, err)
		       : rg_cycles_init(&cycles, found->suspects.heap, &options, err);
	if (code)
		return code;
	code = rg_suspects_add_cycles(&found->suspects, &cycles, earlier ? &appeared : NULL, err);
	for (size_t i = 0; !code && i < CYCLES && i < cycles.n_groups; i++)
		found->cycles[i] = rg_answer_cycle_new(&cycles, i, &answering->arena, err);
	rg_cycles_deinit(&cycles);
	rg_new_cycles_deinit(&appeared);
	return code;
}

static enum rg_code find_unexplained(struct rg_answering *answering, struct findings *found)
{
	struct rg_error *err = &answering->context->err;
	struct rg_audit audit;
	enum rg_code code = rg_audit_init(&audit, found->suspects.heap, NULL, err);

	if (!code)
		code = rg_suspects_add_audit(&found->suspects, &audit, err);
	rg_audit_deinit(&audit);
	return code;
}

static enum rg_code find_places(struct rg_answering *answering, struct findings *found)
{
	struct rg_error *err = &answering->context->err;
	enum rg_code code;

	rg_progress_phase("finding the dominators");
	code = rg_retained_init(&found->retained, found->suspects.heap, false, false, err);
	return code ? code : rg_suspects_add_retained(&found->suspects, &found->retained, err);
}

/* One after the other: the arrays of one are let go before the next. */
static enum rg_code find(
	struct rg_answering *answering, struct findings *found, struct wishes *wishes)
{
	struct rg_source *earlier = earlier_of(answering, wishes);
	enum rg_code code = rg_suspects_init(&found->suspects, &answering->source.heap,
		answering->has_selection ? &answering->selected : NULL, &answering->context->err);

	found->compared = earlier != NULL;
	found->suspects.all_cycles = wishes->fail_on & RG_FAIL(CYCLES);
	found->suspects.all_garbage = wishes->fail_on & RG_FAIL(GARBAGE);
	if (!code && earlier)
		code = find_growth(answering, found, &earlier->heap);
	if (!code)
		code = find_cycles(answering, found, earlier ? &earlier->heap : NULL);
	if (earlier)
		rg_source_close(earlier);
	if (!code)
		code = find_unexplained(answering, found);
	if (!code)
		code = find_places(answering, found);
	if (!code)
		rg_suspects_sort(&found->suspects);
	return code;
}

static void drop_known(struct findings *found, const struct rg_known *known)
{
	struct rg_suspects *suspects = &found->suspects;
	size_t kept = 0;

	for (size_t i = 0; i < suspects->count; i++)
		if (!rg_known_has(known, suspects->rows[i].signature.whole))
			suspects->rows[kept++] = suspects->rows[i];
	found->known = suspects->count - kept;
	suspects->count = kept;
}

/* --- the picture -------------------------------------------------------------------------- */

/* What a picture shows: the rows of the answer, as places. */
struct scene {
	const struct findings *found;
	const struct rg_answer_suspect *rows;
	uint32_t n;
};

static enum rg_code draw(
	struct rg_answering *answering, const void *subject, struct rg_draw *canvas)
{
	const struct scene *scene = subject;
	struct rg_place *places = rg_arena_new(canvas->arena, scene->n, sizeof(*places));

	for (uint32_t i = 0; places && i < scene->n; i++) {
		const struct rg_suspect *suspect = &scene->found->suspects.rows[i];
		const struct rg_answer_suspect *row = &scene->rows[i];

		places[i] = (struct rg_place){ .example = suspect->example,
			.count = suspect->count,
			.title = row->things,
			.facts = row->growth ? rg_arena_print(canvas->arena, "%s · %s · of %s",
						       rg_units_delta(row->growth->delta, false,
							       canvas->arena),
						       rg_units_delta(row->growth->size_delta, true,
							       canvas->arena),
						       rg_units_bytes(row->retained, canvas->arena))
					     : rg_arena_print(canvas->arena, "%s · %s · %s",
						       rg_units_bytes(row->retained, canvas->arena),
						       rg_units_share(row->share, canvas->arena),
						       row->cause),
			.change = row->growth ? RG_PICTURE_GROWN : RG_PICTURE_NO_CHANGE,
			.alone = suspect->kind == RG_SUSPECT_GARBAGE ||
				 suspect->kind == RG_SUSPECT_HELD_FROM_C };
	}
	return rg_view_places(canvas, &scene->found->retained.paths, places, places ? scene->n : 0,
		"What looks like a leak?", "suspect", &answering->context->err);
}

/* --- the answer --------------------------------------------------------------------------- */

static void say_next(struct rg_answering *answering, const struct findings *found)
{
	const struct rg_suspect *first = found->suspects.rows;

	if (answering->context->settings.format != RG_FORMAT_TEXT)
		return;
	if (!found->suspects.count)
		rg_output_next(&answering->source, "retained", "");
	else
		rg_output_next(&answering->source,
			first->kind == RG_SUSPECT_GARBAGE || first->kind == RG_SUSPECT_CYCLE
				? "cycles"
				: "why",
			rg_arena_print(&answering->arena, "@%u -o leak.svg", first->example));
}

static enum rg_code write_answer(
	struct rg_answering *answering, const struct findings *found, unsigned fail_on)
{
	struct rg_context *context = answering->context;
	struct rg_answer_leaks answer = { 0 };
	struct rg_answering_picture picture = { 0 };
	struct rg_output_forms forms = {
		.data = &answer, .text = text, .drawing = &picture.drawing
	};
	struct scene scene = { .found = found };
	struct rg_leaks leaks = { .suspects = &found->suspects,
		.retained = &found->retained,
		.cycles = found->cycles,
		.n_cycles = CYCLES,
		.known = found->known,
		.fail_on = fail_on,
		.compared = found->compared };
	uint32_t *ids = rg_arena_new(&answering->arena, found->suspects.count, sizeof(*ids));
	enum rg_code code = rg_answer_leaks_init(&answer, &leaks, answering->origin,
		answering->limit, &answering->arena, &context->err);

	for (uint64_t i = 0; ids && i < answer.suspects.shown; i++)
		ids[forms.n_ids++] = found->suspects.rows[i].example;
	forms.ids = ids;
	scene.rows = answer.suspects.rows;
	scene.n = (uint32_t)answer.suspects.shown;
	if (!code && rg_output_drawn(context))
		code = rg_answering_draw(&picture, answering, draw, &scene);
	if (!code)
		code = rg_output_answer(context, &forms);
	if (!code)
		say_next(answering, found);
	rg_answering_picture_deinit(&picture);
	context->found = answer.failing > 0;
	return code;
}

static enum rg_code answer(struct rg_answering *answering, struct wishes *wishes)
{
	struct findings found = { 0 };
	enum rg_code code;

	answering->origin->edges = "all";
	code = find(answering, &found, wishes);
	if (!code) {
		drop_known(&found, &wishes->known);
		code = write_answer(answering, &found, wishes->fail_on);
	}
	rg_retained_deinit(&found.retained);
	rg_suspects_deinit(&found.suspects);
	return code;
}

/* For a program they are listed all: each that fails is told, and each that is known is known. */
static bool is_whole(const struct rg_context *context)
{
	return context->settings.format == RG_FORMAT_KNOWN ||
	       context->settings.format == RG_FORMAT_JUNIT;
}

static enum rg_code run(struct rg_context *context)
{
	struct wishes wishes = { 0 };
	struct rg_answering answering;
	enum rg_code code = parse_fails(context, &wishes.fail_on);

	if (!code)
		code = rg_known_init(&wishes.known, context->settings.known, &context->err);
	if (!code)
		code = take_first(context, &wishes);
	if (!code)
		code = rg_answering_open(
			&answering, context, is_whole(context) ? UINT64_MAX : ROWS);
	if (!code) {
		code = answer(&answering, &wishes);
		rg_answering_close(&answering);
	}
	rg_source_close(&wishes.earlier);
	rg_known_deinit(&wishes.known);
	return code;
}

const struct rg_command rg_cmd_leaks = {
	.name = "leaks",
	.arguments = "SOURCE [SELECTION ...]",
	.summary = "the suspects, the likeliest first: what leaks, who holds it, what to do",
	.description =
		"Looks for what leaks look like: places that retain much and what accumulates in "
		"them, cycles that one reference keeps alive, garbage that is not collected, "
		"classes made anew at each call, objects that C code holds. Each suspect has a "
		"signature, which is the same in every run and on any machine: --known is silent "
		"about those that it lists. With --new-since it tells what grew. With --fail-on "
		"the exit status is 1 where there is such a suspect: new (that is not known), "
		"growth, cycles or garbage.",
	.examples = { { "leaks 4711", "of a process, now" },
		{ "leaks 4711 --after 60s", "what grew in the next minute" },
		{ "leaks b.rgs --new-since a.rgs", "what grew since an earlier snapshot" },
		{ "leaks leak.rgs --format known > known", "to be silent about those from now on" },
		{ "leaks leak.rgs --known known --fail-on new",
			"the same in a build: exit 1 if new" },
		{ "leaks leak.rgs -o junit.xml", "for a build server; --format github likewise" } },
	.options = RG_OPTIONS_LIST | RG_OPTION(TYPE) | RG_OPTION(MODULE) | RG_OPTION(FROM) |
		   RG_OPTION(KNOWN) | RG_OPTION(FAIL_ON) | RG_OPTION(NEW_SINCE) | RG_OPTION(AFTER) |
		   RG_OPTION(NODES) | RG_OPTION(LAYOUT_TIME),
	.formats = RG_FORMATS_DRAWN | RG_FORMATS_IDS | 1u << RG_FORMAT_GITHUB |
		   1u << RG_FORMAT_JUNIT | 1u << RG_FORMAT_KNOWN,
	.min_words = 1,
	.compares = true,
	.max_words = -1,
	.answer = &rg_answer_leaks,
	.run = run,
};
