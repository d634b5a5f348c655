/*
 * Capture: from a running process to a snapshot, by way of the frozen fork.
 */
#ifndef RG_CAPTURE_CAPTURE_H
#define RG_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "heapdump/base/error.h"

struct rg_capture {
	/* asked for */
	pid_t pid;
	bool values; /* previews of values, not names alone */
	bool force; /* even where memory or disk is short, or it would stand still for long */
	const char *tool; /* "refgraph 0.1.0", kept as a fact */
	/* told afterwards */
	uint64_t pause_ns;
	bool stopped; /* no copy could be made: the target stood still for the reading */
	char why_stopped[120];
};

/*
 * Write a snapshot of CAPTURE->pid to STREAM. Whatever happens, the target runs on as before.
 * RG_SYSTEM: the system said no; RG_BAD_DATA: not a Python that is understood; RG_LIMIT: there may
 * not be the memory or the disk for it, or the target would stand still for more than 0.2 s.
 */
enum rg_code rg_capture_write(struct rg_capture *capture, FILE *stream, struct rg_error *err);

/* What a process is, without stopping it. */
struct rg_candidate {
	pid_t pid;
	pid_t inner_pid; /* in the pid namespace that it is in; PID where that is ours */
	char runtime[32]; /* "CPython 3.11.2" */
	uint64_t rss;
	uint32_t threads;
	char command[256];
	bool attachable;
	char why_not[400];
};

/* Fill CANDIDATE when PID looks like a Python process that we can or cannot read. */
bool rg_capture_probe(pid_t pid, struct rg_candidate *candidate_ret);

#endif
