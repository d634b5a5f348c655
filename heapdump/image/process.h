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

struct rg_process {
	pid_t pid, parent;
	char state; /* R, S, D, T, Z ... */
	uint64_t start_time; /* in clock ticks since boot: with the pid it names a process */
	uint64_t rss; /* bytes */
	uint32_t threads;
	int exit_signal;
	int tracer; /* pid of who traces it, or 0 */
	bool seccomp_filter;
	char command[256]; /* argv joined by blanks, or [comm] */
};

/* Read PID's line. RG_SYSTEM when there is no such process. */
enum rg_code rg_process_read(struct rg_process *process_ret, pid_t pid, struct rg_error *err);

/* A number of /proc/PID/status ("NSpid:", the last one on its line), or -1. */
int64_t rg_process_status(pid_t pid, const char *field);

/* Add the mappings of a maps file to IMAGE and seal it. */
enum rg_code rg_process_map(struct rg_image *image, int maps_fd, struct rg_error *err);

/*
 * An image over the memory behind *MEM_FD, an open /proc/PID/mem (kept by the caller, who keeps
 * both while the image is used).
 */
enum rg_code rg_process_image(
	struct rg_image *image, int *mem_fd, int maps_fd, struct rg_error *err);

/* Open /proc/PID/NAME ("mem", "maps") for reading; explains a refusal with its cure. */
enum rg_code rg_process_open(pid_t pid, const char *name, int *fd_ret, struct rg_error *err);

/* The failure of a ptrace request or of a read that wants the same right. */
enum rg_code rg_process_refused(struct rg_error *err, pid_t pid, const char *what, int error);

/*
 * Call STEP for each number in a /proc folder (task, or /proc itself) until it returns false.
 * RG_NOMEM when out of memory; a folder that is not there has none.
 */
enum rg_code rg_process_each(
	const char *folder, bool (*step)(void *context, pid_t id), void *context);

#endif
