#include "src/answer/watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/units.h"
#include "heapdump/snapshot/standard.h"
#include "src/analysis/trend.h"

#define MINUTE 60

/* --- descriptions ------------------------------------------------------------------------- */

static const struct rg_field sample_fields[] = {
	RG_FIELD(rg_answer_sample, time, RG_NUMBER, NULL, "seconds since the first capture"),
	RG_FIELD(rg_answer_sample, rss, RG_BYTES, NULL, "memory of the process"),
	RG_FIELD(rg_answer_sample, objects, RG_COUNT, NULL, "objects that were counted"),
	RG_FIELD(rg_answer_sample, size, RG_BYTES, NULL, "their bytes"),
};
static const struct rg_record sample_record = RG_RECORD_OF(rg_answer_sample, sample_fields);

static const char per_minute[] = "how much it grows a minute: the median over all pairs of samples";
static const char trend[] = "grows, falls, steady or noise; null where the samples are too few";
static const char chance[] = "the chance of such an order of samples without a trend, corrected "
			     "for the number of types; "
			     "1 where the shape says that there is none";

static const struct rg_field memory_fields[] = {
	RG_FIELD(rg_answer_memory, first, RG_BYTES, NULL, "at the first capture"),
	RG_FIELD(rg_answer_memory, last, RG_BYTES, NULL, "at the last"),
	RG_FIELD(rg_answer_memory, delta, RG_DELTA_BYTES, NULL, "bytes more or fewer"),
	RG_FIELD(rg_answer_memory, per_minute, RG_NUMBER, NULL, per_minute),
	RG_FIELD(rg_answer_memory, trend, RG_TEXT, NULL, trend),
	RG_FIELD(rg_answer_memory, p, RG_SHARE, NULL, chance),
};
static const struct rg_record memory_record = RG_RECORD_OF(rg_answer_memory, memory_fields);

static const struct rg_field series_fields[] = {
	RG_FIELD(rg_answer_series, last, RG_COUNT, "COUNT", "objects in the last sample"),
	RG_FIELD(rg_answer_series, delta, RG_DELTA, "GROWTH", "objects more or fewer"),
	RG_FIELD(rg_answer_series, per_minute, RG_NUMBER, "A MINUTE", per_minute),
	RG_FIELD(rg_answer_series, size_delta, RG_DELTA_BYTES, "BYTES", "bytes more or fewer"),
	RG_FIELD(rg_answer_series, trend, RG_TEXT, "TREND", trend),
	RG_FIELD(rg_answer_series, type, RG_TEXT, "TYPE", "its name, with the module"),
	RG_FIELD(rg_answer_series, module, RG_TEXT, NULL, "its module"),
	RG_FIELD(rg_answer_series, first, RG_COUNT, NULL, "objects in the first sample"),
	RG_FIELD(rg_answer_series, size, RG_BYTES, NULL, "their bytes in the last"),
	RG_FIELD(rg_answer_series, p, RG_SHARE, NULL, chance),
	RG_FIELD(rg_answer_series, series, RG_COUNTS, NULL, "objects in each sample"),
};
const struct rg_record rg_record_series = RG_RECORD_OF(rg_answer_series, series_fields);

static const struct rg_field watch_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_watch),
	RG_FIELD(rg_answer_watch, every, RG_NUMBER, NULL, "seconds from a capture to the next"),
	RG_FIELD(rg_answer_watch, duration, RG_NUMBER, NULL, "seconds from the first to the last"),
	RG_FIELD(rg_answer_watch, ended, RG_TEXT, NULL,
		"by what: count, time, until, process, signal or failures"),
	RG_FIELD(rg_answer_watch, until, RG_TEXT, NULL, "the condition of --until, or null"),
	RG_FIELD(rg_answer_watch, growing, RG_COUNT, NULL,
		"types that grow; they are the first of the list"),
	RG_FIELD_OF(rg_answer_watch, rss, RG_RECORD, &memory_record, "memory of the process"),
	RG_FIELD_OF(rg_answer_watch, samples, RG_LIST, &sample_record,
		"the captures, 400 at most: of more every second, fourth, ... one"),
	RG_FIELD_OF(rg_answer_watch, types, RG_LIST, &rg_record_series,
		"the types, those that grow first, then those that changed most"),
};
static const struct rg_record watch_record = RG_RECORD_OF(rg_answer_watch, watch_fields);
const struct rg_answer rg_answer_watch = { "watch", &watch_record };

/* --- what grows --------------------------------------------------------------------------- */

/* A type, and what its trend is. */
struct row {
	const struct rg_series_type *type;
	struct rg_trend_test test;
	double chance;
	bool grows;
};

struct filling {
	const struct rg_watched *watched;
	double times[RG_SERIES_MOST], values[RG_SERIES_MOST];
	struct row *rows;
	size_t n;
	struct rg_arena *arena;
	struct rg_error *err;
};

static double size_delta(const struct rg_series_type *type)
{
	return (double)type->size_last - (double)type->size_first;
}

/* Whether it is of Python itself: such grow because others hold more of them. */
static bool is_pythons(const struct rg_series_type *type)
{
	return rg_is_standard_module(type->module, strlen(type->module));
}

/*
 * Those that grow first, and of them the program's own before list, dict and the like; then by
 * bytes, and by number, more or fewer.
 */
static int most_growth(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	double bytes = fabs(size_delta(y->type)) - fabs(size_delta(x->type));
	double count = fabs((double)y->type->last - (double)y->type->first) -
		       fabs((double)x->type->last - (double)x->type->first);

	if (x->grows != y->grows)
		return y->grows - x->grows;
	if (x->grows && is_pythons(x->type) != is_pythons(y->type))
		return is_pythons(x->type) - is_pythons(y->type);
	if (bytes != 0)
		return bytes > 0 ? 1 : -1;
	if (count != 0)
		return count > 0 ? 1 : -1;
	return strcmp(x->type->name, y->type->name);
}

static void take_values(struct filling *filling, const struct rg_series_type *type)
{
	for (size_t i = 0; i < filling->watched->series->n; i++)
		filling->values[i] = (double)rg_series_count(type, i);
}

/* The types to be told of, each with its test. */
static enum rg_code examine(struct filling *filling)
{
	const struct rg_series *series = filling->watched->series;
	enum rg_code code = RG_OK;

	filling->rows = rg_array_new(series->n_types, sizeof(*filling->rows));
	if (!filling->rows)
		return rg_nomem(filling->err);
	for (size_t i = 0; !code && i < series->n_types; i++) {
		const struct rg_series_type *type = &series->types[i];
		struct row *row = &filling->rows[filling->n];

		/* what never changed is no question */
		if (!type->counts && !filling->watched->all)
			continue;
		row->type = type;
		take_values(filling, type);
		code = rg_trend_test_init(
			&row->test, filling->times, filling->values, series->n, filling->err);
		filling->n++;
	}
	return code;
}

/* The verdicts, with the chances of all. */
static enum rg_code judge(struct filling *filling)
{
	double *chances = rg_array_new(filling->n, sizeof(*chances));
	enum rg_code code;

	if (!chances)
		return rg_nomem(filling->err);
	for (size_t i = 0; i < filling->n; i++)
		chances[i] = filling->rows[i].test.chance;
	code = rg_trend_correct(chances, filling->n, filling->err);
	for (size_t i = 0; !code && i < filling->n; i++) {
		struct row *row = &filling->rows[i];

		row->chance = chances[i];
		row->grows = rg_trend_verdict(&row->test, row->chance) == RG_TREND_GROWS;
	}
	free(chances);
	if (!code && filling->n)
		qsort(filling->rows, filling->n, sizeof(*filling->rows), most_growth);
	return code;
}

/* To what anybody wants to read. */
static double rounded(double number)
{
	return round(number * 1000) / 1000;
}

/* --- filling ------------------------------------------------------------------------------ */

static enum rg_code fill_type(
	struct filling *filling, const struct row *row, struct rg_answer_series *out)
{
	const struct rg_series_type *type = row->type;
	size_t n = filling->watched->series->n;
	uint64_t *counts = rg_answer_rows(&out->series, n, n, sizeof(*counts), filling->arena);
	double slope = 0;
	enum rg_code code;

	take_values(filling, type);
	code = rg_trend_slope(filling->times, filling->values, n, &slope, filling->err);
	for (size_t i = 0; counts && i < n; i++)
		counts[i] = rg_series_count(type, i);
	out->type = rg_arena_text(filling->arena, type->name, strlen(type->name));
	out->module = rg_arena_text(filling->arena, type->module, strlen(type->module));
	out->trend = rg_trend_names[rg_trend_verdict(&row->test, row->chance)];
	out->first = type->first;
	out->last = type->last;
	out->size = type->size_last;
	out->delta = (int64_t)(type->last - type->first);
	out->size_delta = (int64_t)(type->size_last - type->size_first);
	out->per_minute = rounded(slope * MINUTE);
	out->p = row->chance;
	return code;
}

static enum rg_code fill_memory(struct filling *filling, struct rg_answer_memory **memory_ret)
{
	const struct rg_series *series = filling->watched->series;
	struct rg_answer_memory *memory = rg_arena_new(filling->arena, 1, sizeof(*memory));
	struct rg_trend_test test;
	double slope = 0;
	enum rg_code code;

	if (!memory)
		return rg_nomem(filling->err);
	for (size_t i = 0; i < series->n; i++)
		filling->values[i] = (double)series->samples[i].rss;
	code = rg_trend_test_init(&test, filling->times, filling->values, series->n, filling->err);
	if (!code)
		code = rg_trend_slope(
			filling->times, filling->values, series->n, &slope, filling->err);
	if (code)
		return code;
	memory->first = series->samples[0].rss;
	memory->last = series->samples[series->n - 1].rss;
	memory->delta = (int64_t)(memory->last - memory->first);
	memory->per_minute = rounded(slope * MINUTE);
	memory->p = test.chance;
	memory->trend = rg_trend_names[rg_trend_verdict(&test, test.chance)];
	*memory_ret = memory;
	return RG_OK;
}

static void fill_samples(struct filling *filling, struct rg_list *list)
{
	const struct rg_series *series = filling->watched->series;
	struct rg_answer_sample *rows = rg_answer_rows(
		list, series->n, series->taken, sizeof(*rows), filling->arena);

	for (size_t i = 0; i < series->n; i++) {
		const struct rg_series_sample *sample = &series->samples[i];

		filling->times[i] = sample->time;
		if (rows)
			rows[i] = (struct rg_answer_sample){ sample->time, sample->rss,
				sample->objects, sample->size };
	}
}

enum rg_code rg_answer_watch_init(struct rg_answer_watch *answer, const struct rg_watched *watched,
	uint64_t limit, struct rg_arena *arena, struct rg_error *err)
{
	struct filling filling = { .watched = watched, .arena = arena, .err = err };
	struct rg_answer_series *rows;
	enum rg_code code;

	fill_samples(&filling, &answer->samples);
	answer->every = watched->every;
	answer->duration = filling.times[watched->series->n - 1];
	answer->ended = watched->ended;
	answer->until = watched->until;
	code = fill_memory(&filling, &answer->rss);
	if (!code)
		code = examine(&filling);
	if (!code)
		code = judge(&filling);
	if (!code) {
		for (size_t i = 0; i < filling.n; i++)
			answer->growing += filling.rows[i].grows;
		rows = rg_answer_rows(&answer->types, filling.n < limit ? filling.n : limit,
			filling.n, sizeof(*rows), arena);
		for (uint64_t i = 0; !code && rows && i < answer->types.shown; i++)
			code = fill_type(&filling, &filling.rows[i], &rows[i]);
	}
	free(filling.rows);
	return !code && arena->failed ? rg_nomem(err) : code;
}

/* --- in words ----------------------------------------------------------------------------- */

/* What is said of it all. */
static const char *verdict(const struct rg_answer_watch *answer, struct rg_arena *arena)
{
	const struct rg_answer_series *first = answer->types.rows;

	if (answer->samples.shown < RG_TREND_LEAST)
		return rg_arena_print(
			arena, "too few captures for a trend, which takes %d", RG_TREND_LEAST);
	if (!answer->growing || !answer->types.shown)
		return "no type grows";
	return rg_arena_print(arena, "%s grows by %s a minute%s", first->type,
		rg_units_number(first->per_minute, arena),
		answer->growing > 1 ? rg_arena_print(arena, ", %s too",
					      rg_units_things(answer->growing - 1, "other type",
						      "other types", arena))
				    : "");
}

const char *rg_answer_watch_title(const struct rg_answer_watch *answer, struct rg_arena *arena)
{
	const char *name = answer->envelope.source->name;

	return rg_arena_print(arena, "%s over %s: %s", name ? name : "a process",
		rg_units_time(answer->duration, arena), verdict(answer, arena));
}

const char *rg_answer_watch_facts(const struct rg_answer_watch *answer, struct rg_arena *arena)
{
	const char *runtime = answer->envelope.source->runtime;
	const struct rg_answer_memory *rss = answer->rss;
	const char *delta = rg_units_delta(rss->delta, true, arena);

	return rg_arena_print(arena, "%s%s%s, every %s · RSS %s%s%s%s%s", runtime ? runtime : "",
		runtime ? " · " : "",
		rg_units_things(answer->samples.of, "capture", "captures", arena),
		rg_units_time(answer->every, arena), rg_units_bytes(rss->last, arena),
		*delta ? ", " : "", delta, rss->trend ? ": " : "", rss->trend ? rss->trend : "");
}

/* --- what was read ------------------------------------------------------------------------ */

#define LONGEST 1e9 /* seconds: longer than any process lives */

static const char *wrong_samples(const struct rg_list *list)
{
	const struct rg_answer_sample *rows = list->rows;

	if (list->shown == 0)
		return "it has no sample";
	for (uint64_t i = 0; i < list->shown; i++)
		if (!(rows[i].time >= (i ? rows[i - 1].time : 0)) || rows[i].time > LONGEST)
			return "its samples are not in the order of their times";
	return NULL;
}

/* One of the names, as it stands in the table; NULL where it is none. */
static bool is_trend(const char **name)
{
	if (!*name)
		return true;
	for (int i = RG_TREND_GROWS; i <= RG_TREND_NOISE; i++)
		if (strcmp(*name, rg_trend_names[i]) == 0) {
			*name = rg_trend_names[i];
			return true;
		}
	return false;
}

static const char *wrong_types(const struct rg_list *list, uint64_t samples)
{
	struct rg_answer_series *rows = list->rows;

	for (uint64_t i = 0; i < list->shown; i++) {
		if (!rows[i].type)
			return "a type has no name";
		if (rows[i].series.shown != samples)
			return "a type has not one count for each sample";
		if (!is_trend(&rows[i].trend))
			return "a trend is none of grows, falls, steady and noise";
	}
	return NULL;
}

enum rg_code rg_answer_watch_check(
	struct rg_answer_watch *answer, const char *path, struct rg_error *err)
{
	const char *wrong = wrong_samples(&answer->samples);

	if (!wrong)
		wrong = wrong_types(&answer->types, answer->samples.shown);
	if (!wrong && (!answer->rss || !answer->envelope.source))
		wrong = "it has no source or no rss";
	if (!wrong && !is_trend(&answer->rss->trend))
		wrong = "the trend of rss is none of grows, falls, steady and noise";
	if (!wrong) {
		const struct rg_answer_sample *samples = answer->samples.rows;

		answer->duration = samples[answer->samples.shown - 1].time;
		return RG_OK;
	}
	rg_fail(err, RG_BAD_DATA, "bad-series", "%s: no series of refgraph watch: %s", path, wrong);
	return rg_at_file(err, path, 0);
}
