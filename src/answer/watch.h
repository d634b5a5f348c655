/* The answer of `watch`: a series of captures, which types grow, and the memory of the process. */
#ifndef RG_ANSWER_WATCH_H
#define RG_ANSWER_WATCH_H

#include "src/analysis/series.h"
#include "src/answer/common.h"

struct rg_answer_sample {
	double time;
	uint64_t rss, objects, size;
};

/* Of the whole process. */
struct rg_answer_memory {
	uint64_t first, last;
	int64_t delta;
	double per_minute, p;
	const char *trend;
};

struct rg_answer_series {
	const char *type, *module, *trend;
	uint64_t first, last, size;
	int64_t delta, size_delta;
	double per_minute, p;
	struct rg_list series; /* of uint64_t: one a sample */
};

struct rg_answer_watch {
	struct rg_answer_envelope envelope; /* of the last capture */
	double every, duration; /* seconds */
	const char *ended, *until;
	struct rg_answer_memory *rss;
	struct rg_list samples, types;
	uint64_t growing; /* types that grow; they are the first */
};

extern const struct rg_answer rg_answer_watch;
extern const struct rg_record rg_record_series;

/* What was watched, and how. */
struct rg_watched {
	const struct rg_series *series; /* of a sample or more */
	double every;
	const char *ended, *until; /* why it ended, NULL as long as it goes on; --until, or NULL */
	bool all; /* types that did not change as well */
};

/*
 * Fill all of ANSWER but the envelope, which is there already; ROWS types at most. O(types *
 * samples), and O(samples^2 log samples) for each that seems to grow or is shown.
 */
enum rg_code rg_answer_watch_init(struct rg_answer_watch *answer, const struct rg_watched *watched,
	uint64_t limit, struct rg_arena *arena, struct rg_error *err);

/* "pid 4711 over 5 min: app.Session grows by 840 a minute"; unescaped. */
const char *rg_answer_watch_title(const struct rg_answer_watch *answer, struct rg_arena *arena);

/* "CPython 3.11.2 · 31 captures, every 10 s · RSS 84.2 MiB, +47.7 MiB: grows"; unescaped. */
const char *rg_answer_watch_facts(const struct rg_answer_watch *answer, struct rg_arena *arena);

/*
 * What was read by rg_json_read: whether it is a series, whole and in order; the message says not.
 */
enum rg_code rg_answer_watch_check(
	struct rg_answer_watch *answer, const char *path, struct rg_error *err);

#endif
