/*
 * A process that is watched: captured now and then, of which the counts are kept, and waited for.
 */
#ifndef RG_CMD_WATCHING_H
#define RG_CMD_WATCHING_H

#include "src/answer/watch.h"
#include "src/cli/source.h"
#include "src/select/select.h"

struct rg_watching {
	struct rg_context *context;
	pid_t pid;
	char word[24]; /* what names it to rg_source_open */
	uint64_t start_time; /* of the process: with the pid it tells it from any other */
	int fd; /* of the process, which can be waited for; -1 where the kernel has none */
	uint64_t first_ns; /* when the first capture was made */
	uint64_t every_ns, most_ns; /* of --every and --for; MOST 0: no end */
	struct rg_selection until;
	bool has_until, missed; /* MISSED: a type that it names was not there, as was told */
	struct rg_series series;
	struct rg_answer_envelope envelope; /* of the last capture */
	struct rg_arena arena; /* of the envelope */
	char *first_kept, *kept; /* files of captures, or NULL */
	const char *ended; /* why, for the answer; NULL as long as it goes on */
	const char *held; /* what made --until hold; of `arena` */
	unsigned failures; /* captures that failed one after the other */
	struct rg_error failure; /* of the last */
};

/*
 * Check all that the command line says of watching PID, and make ready: nothing is captured yet.
 * Deinit whatever happens.
 */
enum rg_code rg_watching_init(struct rg_watching *watching, struct rg_context *context, pid_t pid);
void rg_watching_deinit(struct rg_watching *watching);

/*
 * Capture and count once. The first must succeed; one that fails later is told, and five of them
 * one after the other end it. An `ended` that is set says that the process, the condition, the
 * captures or the time is at its end.
 */
enum rg_code rg_watching_capture(struct rg_watching *watching);

/* Wait for the time of the next capture; `ended` is set where something else came first. */
void rg_watching_wait(struct rg_watching *watching);

/* The answer so far, LIMIT types at most; its memory is ARENA's. */
enum rg_code rg_watching_answer(struct rg_watching *watching, uint64_t limit,
	struct rg_answer_watch *answer, struct rg_arena *arena);

#endif
