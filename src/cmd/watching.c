#include "src/cmd/watching.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "heapdump/base/clock.h"
#include "heapdump/base/units.h"
#include "heapdump/image/process.h"
#include "src/cli/cache.h"
#include "src/cli/duration.h"
#include "src/cli/progress.h"
#include "src/cli/report.h"
#include "src/heap/policy.h"

#define EVERY_MS 10000
#define FAILURES 5 /* one after the other, that end it */
#define NS_PER_MS 1000000u

/* --- signals ------------------------------------------------------------------------------ */

static const int ends[] = { SIGINT, SIGTERM };
#define ENDS (sizeof(ends) / sizeof(ends[0]))

static volatile sig_atomic_t asked_to_end;
static struct sigaction before[ENDS];

/* The first ends the watch; one more does what it does elsewhere. */
static void on_end(int signal_number)
{
	asked_to_end = 1;
	for (size_t i = 0; i < ENDS; i++)
		if (ends[i] == signal_number)
			sigaction(signal_number, &before[i], NULL);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_end, .sa_flags = SA_RESTART };

	for (size_t i = 0; i < ENDS; i++)
		/* one that is ignored (nohup) stays ignored */
		if (sigaction(ends[i], NULL, &before[i]) == 0 && before[i].sa_handler != SIG_IGN)
			sigaction(ends[i], &action, NULL);
}

static void release_signals(void)
{
	for (size_t i = 0; i < ENDS; i++)
		if (before[i].sa_handler)
			sigaction(ends[i], &before[i], NULL);
}

/* --- making ready ------------------------------------------------------------------------- */

static enum rg_code parse_times(struct rg_watching *watching)
{
	const struct rg_settings *settings = &watching->context->settings;
	struct rg_error *err = &watching->context->err;
	uint64_t every = EVERY_MS, most = 0;
	enum rg_code code = RG_OK;

	if (settings->every)
		code = rg_duration_parse(RG_OPTION_EVERY, settings->every, &every, err);
	if (!code && settings->lasting)
		code = rg_duration_parse(RG_OPTION_LASTING, settings->lasting, &most, err);
	watching->every_ns = every * NS_PER_MS;
	watching->most_ns = most * NS_PER_MS;
	return code;
}

/* A slip of the pen shall stop no process. */
static enum rg_code parse_selections(struct rg_watching *watching)
{
	struct rg_context *context = watching->context;
	const char *until = context->settings.until;
	enum rg_code code = RG_OK;

	for (int i = 1; !code && i < context->n_words; i++) {
		struct rg_selection selection;

		code = rg_selection_init(&selection, context->words[i], &context->err);
		if (!code && selection.needs & RG_NEEDS_NUMBERS)
			code = rg_select_no_numbers(context->words[i], &context->err);
		rg_selection_deinit(&selection);
	}
	if (code || !until)
		return code;
	code = rg_selection_init_until(&watching->until, until, &context->err);
	watching->has_until = !code;
	return !code && watching->until.needs & RG_NEEDS_NUMBERS
		       ? rg_select_no_numbers(until, &context->err)
		       : code;
}

static enum rg_code make_folder(struct rg_context *context)
{
	const char *folder = context->settings.keep;

	if (folder && context->settings.save)
		return rg_fail(&context->err, RG_USAGE, "keep-and-save",
			"--keep has every capture, and --save the last: give one of them");
	if (!folder || mkdir(folder, 0700) == 0 || errno == EEXIST)
		return RG_OK;
	return rg_fail(&context->err, RG_SYSTEM, "cannot-write", "%s: %s", folder, strerror(errno));
}

/* Whether the process is still there, and the one that it was; its memory. */
static bool is_there(const struct rg_watching *watching, uint64_t *rss_ret)
{
	struct rg_process process;

	if (rg_process_read(&process, watching->pid, NULL) || process.state == 'Z' ||
		process.state == 'X' || process.start_time != watching->start_time)
		return false;
	*rss_ret = process.rss;
	return true;
}

enum rg_code rg_watching_init(struct rg_watching *watching, struct rg_context *context, pid_t pid)
{
	struct rg_process process;
	enum rg_code code;

	memset(watching, 0, sizeof(*watching));
	watching->context = context;
	watching->pid = pid;
	watching->fd = -1;
	snprintf(watching->word, sizeof(watching->word), "pid:%d", pid);
	code = parse_times(watching);
	if (!code)
		code = parse_selections(watching);
	if (!code)
		code = make_folder(context);
	if (!code)
		code = rg_process_read(&process, pid, &context->err);
	if (code)
		return code;
	watching->start_time = process.start_time;
#ifdef SYS_pidfd_open
	watching->fd = (int)syscall(SYS_pidfd_open, pid, 0);
#endif
	catch_signals();
	return RG_OK;
}

void rg_watching_deinit(struct rg_watching *watching)
{
	release_signals();
	if (watching->fd >= 0)
		close(watching->fd);
	rg_selection_deinit(&watching->until);
	rg_series_deinit(&watching->series);
	rg_arena_deinit(&watching->arena);
	free(watching->first_kept);
	free(watching->kept);
	memset(watching, 0, sizeof(*watching));
}

/* --- counting ----------------------------------------------------------------------------- */

/* A name that is not there is a mistake the first time; later there is none of it any more. */
static enum rg_code forgive(const struct rg_watching *watching, enum rg_code code)
{
	struct rg_error *err = &watching->context->err;

	if (code != RG_NOT_FOUND ||
		(watching->series.taken == 0 && strcmp(err->name, RG_SELECT_EMPTY) != 0))
		return code;
	rg_error_init(err);
	return RG_OK;
}

/* Count what the words select; all without any. */
static enum rg_code count_selected(
	const struct rg_watching *watching, struct rg_selector *selector, struct rg_type_sums *sums)
{
	struct rg_context *context = watching->context;
	struct rg_bitset selected = { 0 };
	enum rg_code code = RG_OK;

	if (context->n_words > 1)
		code = rg_bitset_init(&selected, selector->heap->n_objects, &context->err);
	for (int i = 1; !code && i < context->n_words; i++)
		code = forgive(
			watching, rg_select(selector, context->words[i], &selected, &context->err));
	if (!code)
		code = rg_type_sums_init(sums, selector->heap,
			context->n_words > 1 ? &selected : NULL, context->settings.raw,
			&context->err);
	rg_bitset_deinit(&selected);
	return code;
}

/* Count what --until selects. A type that is not there may yet come: that is told once. */
static enum rg_code count_awaited(
	struct rg_watching *watching, struct rg_selector *selector, struct rg_type_sums *sums)
{
	struct rg_context *context = watching->context;
	struct rg_bitset selected;
	enum rg_code code = rg_bitset_init(&selected, selector->heap->n_objects, &context->err);

	if (code)
		return code;
	code = rg_select_parsed(
		selector, &watching->until, context->settings.until, &selected, &context->err);
	if (code == RG_NOT_FOUND) {
		if (!watching->missed)
			rg_remark(
				"--until: %s, so far; %s", context->err.message, context->err.hint);
		watching->missed = true;
		rg_error_init(&context->err);
		code = RG_OK;
	}
	if (!code)
		code = rg_type_sums_init(
			sums, selector->heap, &selected, context->settings.raw, &context->err);
	rg_bitset_deinit(&selected);
	return code;
}

/* Whether all conditions hold of SUMS and RSS; in `held` the amounts. */
static bool holds(struct rg_watching *watching, const struct rg_type_sums *sums, uint64_t rss)
{
	const uint64_t amounts[RG_SUMS] = {
		[RG_SUM_COUNT] = sums->objects, [RG_SUM_TOTAL] = sums->size, [RG_SUM_RSS] = rss
	};
	struct rg_arena *arena = &watching->arena;
	const char *told = "";

	for (size_t i = 0; i < watching->until.n_conditions; i++) {
		const struct rg_select_condition *condition = &watching->until.conditions[i];
		const struct rg_select_sum *sum = &rg_select_sums[condition->sum];
		uint64_t amount = amounts[condition->sum];

		if (!rg_select_compares(condition->compare, amount, condition->number))
			return false;
		told = rg_arena_print(arena, "%s%s%s is %s", told, i ? ", " : "", sum->name,
			sum->type == RG_SELECT_BYTES ? rg_units_bytes(amount, arena)
						     : rg_units_count(amount, arena));
	}
	if (!watching->until.n_conditions && !sums->objects)
		return false;
	watching->held = *told ? told
			       : rg_arena_print(arena, "there %s %s",
					 sums->objects == 1 ? "is" : "are",
					 rg_units_things(sums->objects, "such object",
						 "such objects", arena));
	return true;
}

static enum rg_code check_until(struct rg_watching *watching, struct rg_selector *selector,
	const struct rg_type_sums *watched, uint64_t rss)
{
	struct rg_type_sums own = { 0 };
	enum rg_code code = RG_OK;

	if (!watching->has_until)
		return RG_OK;
	if (watching->until.n_steps)
		code = count_awaited(watching, selector, &own);
	if (!code && holds(watching, watching->until.n_steps ? &own : watched, rss))
		watching->ended = "until";
	rg_type_sums_deinit(&own);
	return code;
}

/* Add what was captured to the series, and ask --until. */
static enum rg_code count(struct rg_watching *watching, const struct rg_source *source,
	struct rg_series_sample sample)
{
	struct rg_context *context = watching->context;
	struct rg_select_options options = { .live = true,
		.raw = context->settings.raw,
		.redacted = context->settings.redact,
		.edges = RG_EDGES_DATA };
	struct rg_answer_origin origin = { .path = source->path,
		.live = true,
		.edges = rg_policy_name(RG_EDGES_DATA),
		.raw = context->settings.raw };
	struct rg_type_sums sums = { 0 };
	struct rg_selector selector;
	enum rg_code code;

	rg_selector_init(&selector, &source->heap, &options);
	code = count_selected(watching, &selector, &sums);
	if (!code)
		code = rg_series_add(
			&watching->series, &source->heap, &sums, sample, &context->err);
	if (!code) {
		rg_arena_deinit(&watching->arena);
		if (source->path)
			origin.path = rg_arena_text(
				&watching->arena, source->path, strlen(source->path));
		rg_answer_envelope_init(
			&watching->envelope, &source->heap, &origin, &watching->arena);
		code = check_until(watching, &selector, &sums, sample.rss);
	}
	if (!code && watching->arena.failed)
		code = rg_nomem(&context->err);
	rg_type_sums_deinit(&sums);
	rg_selector_deinit(&selector);
	return code;
}

/* --- capturing ---------------------------------------------------------------------------- */

/* A free name in the folder of --keep. */
static char *name_in(const char *folder, pid_t pid, uint64_t from)
{
	char *path;

	for (uint64_t n = from;; n++) {
		if (asprintf(&path, "%s/refgraph-%d-%llu.rgs", folder, pid, (unsigned long long)n) <
			0)
			return NULL;
		if (access(path, F_OK) != 0)
			return path;
		free(path);
	}
}

/*
 * Where the next capture goes: to the folder of --keep, or in the place of the last one, so that
 * one of them is left in the end, as of every other command.
 */
static enum rg_code choose_place(
	struct rg_watching *watching, struct rg_settings *settings, char **path_ret)
{
	*path_ret = NULL;
	if (settings->keep)
		*path_ret = name_in(settings->keep, watching->pid, watching->series.taken + 1);
	else if (watching->kept)
		*path_ret = strdup(watching->kept);
	if (!*path_ret && (settings->keep || watching->kept))
		return rg_nomem(&watching->context->err);
	if (*path_ret)
		settings->save = *path_ret;
	else if (watching->series.taken)
		settings->no_save = true;
	return RG_OK;
}

/* Remember the file of a capture that is kept. */
static enum rg_code note_kept(struct rg_watching *watching, const char *path)
{
	if (!path)
		return RG_OK;
	free(watching->kept);
	watching->kept = strdup(path);
	if (watching->kept && !watching->first_kept)
		watching->first_kept = strdup(path);
	return watching->first_kept && watching->kept ? RG_OK : rg_nomem(&watching->context->err);
}

static enum rg_code capture(struct rg_watching *watching, uint64_t rss)
{
	struct rg_context *context = watching->context;
	struct rg_settings settings = context->settings;
	uint64_t now = rg_clock_ns();
	struct rg_series_sample sample = { .rss = rss };
	struct rg_source source;
	char *path;
	enum rg_code code = choose_place(watching, &context->settings, &path);

	if (!code)
		code = rg_source_open(&source, context, watching->word);
	context->settings = settings;
	free(path);
	if (code)
		return code;
	if (!watching->series.taken)
		watching->first_ns = now;
	/* whole milliseconds */
	sample.time = (double)((now - watching->first_ns) / NS_PER_MS) / 1000;
	code = count(watching, &source, sample);
	if (!code)
		code = note_kept(watching, source.path);
	rg_source_close(&source);
	/* what a capture took is not held while nothing is done */
	malloc_trim(0);
	return code;
}

/* A capture failed with CODE: whether that is the end. */
static enum rg_code fail(struct rg_watching *watching, enum rg_code code)
{
	struct rg_error *err = &watching->context->err;
	uint64_t rss;

	if (!watching->series.taken || code == RG_NOMEM)
		return code;
	if (!is_there(watching, &rss)) {
		watching->ended = "process";
	} else if (++watching->failures == FAILURES) {
		watching->ended = "failures";
		watching->failure = *err;
	} else {
		rg_remark("warning: a capture failed, the next is tried: %s", err->message);
	}
	rg_error_init(err);
	return RG_OK;
}

enum rg_code rg_watching_capture(struct rg_watching *watching)
{
	const struct rg_settings *settings = &watching->context->settings;
	uint64_t rss = 0, taken = watching->series.taken;
	enum rg_code code;

	if (!is_there(watching, &rss) && taken) {
		watching->ended = "process";
		return RG_OK;
	}
	code = capture(watching, rss);
	/* once it is known to work there is nothing to tell every second */
	rg_progress_stop();
	if (code)
		return fail(watching, code);
	watching->failures = 0;
	if (!watching->ended && settings->captures && watching->series.taken >= settings->captures)
		watching->ended = "count";
	return RG_OK;
}

/* --- waiting ------------------------------------------------------------------------------ */

/* Until DUE, the end of the process or a signal. */
static void wait_until(const struct rg_watching *watching, uint64_t due)
{
	struct pollfd process = { .fd = watching->fd, .events = POLLIN };
	sigset_t held, normal;

	sigemptyset(&held);
	for (size_t i = 0; i < ENDS; i++)
		sigaddset(&held, ends[i]);
	/* a signal between the look and the wait would be lost */
	sigprocmask(SIG_BLOCK, &held, &normal);
	for (;;) {
		uint64_t now = rg_clock_ns();
		struct timespec left = { .tv_sec = (time_t)((due - now) / 1000000000u),
			.tv_nsec = (long)((due - now) % 1000000000u) };

		if (asked_to_end || now >= due || ppoll(&process, 1, &left, &normal) > 0)
			break;
	}
	sigprocmask(SIG_SETMASK, &normal, NULL);
}

void rg_watching_wait(struct rg_watching *watching)
{
	uint64_t since = rg_clock_ns() - watching->first_ns, rss;
	/* what came too late for its time is left out */
	uint64_t next = (since / watching->every_ns + 1) * watching->every_ns;

	if (watching->most_ns && next > watching->most_ns)
		watching->ended = "time";
	else
		wait_until(watching, watching->first_ns + next);
	if (asked_to_end)
		watching->ended = "signal";
	else if (!watching->ended && !is_there(watching, &rss))
		watching->ended = "process";
}

enum rg_code rg_watching_answer(struct rg_watching *watching, uint64_t limit,
	struct rg_answer_watch *answer, struct rg_arena *arena)
{
	struct rg_context *context = watching->context;
	struct rg_watched watched = { .series = &watching->series,
		.every = (double)(watching->every_ns / NS_PER_MS) / 1000,
		.ended = watching->ended,
		.until = context->settings.until,
		.all = context->n_words > 1 };

	*answer = (struct rg_answer_watch){ .envelope = watching->envelope };
	return rg_answer_watch_init(answer, &watched, limit, arena, &context->err);
}
