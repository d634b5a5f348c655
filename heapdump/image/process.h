/*
 * A process as /proc shows it.
 */
#ifndef RG_IMAGE_PROCESS_H
#define RG_IMAGE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "heapdump/base/error.h"
#include "heapdump/image/image.h"
#include "heapdump/image/memory.h"

struct rg_process {
	pid_t pid, parent;
	pid_t inner_pid; /* in the innermost pid namespace that it is in; PID where that is ours */
	char state; /* R, S, D, T, Z ... */
	uint64_t start_time; /* in clock ticks since boot: with the pid it names a process */
	uint64_t rss; /* bytes */
	uint32_t threads;
	int exit_signal;
	int tracer; /* pid of who traces it, or 0 */
	char command[256]; /* argv joined by blanks, or [comm] */
};

/* Read PID's line. RG_SYSTEM when there is no such process. */
enum rg_code rg_process_read(struct rg_process *process_ret, pid_t pid, struct rg_error *err);

/*
 * A number of /proc/PID/status, PID a process or a thread ("NSpid:": the last one on its line).
 * What is none is RG_PROCESS_NO_FIELD, and RG_PROCESS_UNREAD where nothing can be read.
 */
int64_t rg_process_status(pid_t pid, const char *field);
#define RG_PROCESS_NO_FIELD (-1)
#define RG_PROCESS_UNREAD (-2)

/* Whether /proc shows the pids that we would trace: RG_SYSTEM in another pid namespace than its. */
enum rg_code rg_process_check_proc(struct rg_error *err);

/* PID, or where its leader has ended before the others a thread that still has the memory. */
pid_t rg_process_living_thread(pid_t pid);

/* Add the mappings of a maps file to IMAGE and seal it. */
enum rg_code rg_process_map(struct rg_image *image, int maps_fd, struct rg_error *err);

/* An image over MEMORY, which the caller keeps open while the image is used. */
enum rg_code rg_process_image(
	struct rg_image *image, struct rg_memory *memory, int maps_fd, struct rg_error *err);

/*
 * Read all that PID, which stands still, has written to of its own memory, into IMAGE, which is of
 * it: what others share with it, and what it never touched, are left out. RG_LIMIT where that
 * cannot be told, and all there is are more than MOST bytes.
 */
enum rg_code rg_process_take(
	struct rg_image *image, pid_t pid, uint64_t most, struct rg_error *err);

/* Open /proc/PID/NAME ("maps", "pagemap") for reading; explains a refusal with its cure. */
enum rg_code rg_process_open(pid_t pid, const char *name, int *fd_ret, struct rg_error *err);

/*
 * Call STEP for each number in a /proc folder (task, or /proc itself) until it returns false.
 * RG_NOMEM when out of memory; a folder that is not there has none.
 */
enum rg_code rg_process_each(
	const char *folder, bool (*step)(void *context, pid_t id), void *context);

#endif
