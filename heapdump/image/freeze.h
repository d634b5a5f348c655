/*
 * The frozen fork: a copy of a running process that never executes an instruction.
 *
 * All threads of the target are stopped by ptrace, one of them is made to call
 * clone(CLONE_FILES), every register is restored, and all run on; the copy stays ptrace-stopped
 * and can be read at leisure. exit_signal 0 hides it from the target's wait and SIGCHLD; its
 * unmapped stack and PTRACE_O_EXITKILL make sure that it can only die.
 *
 * The calling process becomes the tracer: it must be single-threaded and live until
 * rg_freeze_release (the guardian is such a process).
 */
#ifndef RG_IMAGE_FREEZE_H
#define RG_IMAGE_FREEZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "heapdump/base/error.h"

/* Where no copy can be made the target must stand still while it is read: how long that may be. */
struct rg_freeze_terms {
	uint64_t still_ns; /* what it would take, as far as can be told */
	uint64_t most_ns; /* where it would take more, that is refused */
};

struct rg_freeze {
	pid_t target, copy; /* copy: 0 when the target itself stays stopped */
	pid_t copy_inside; /* the copy's pid in the target's pid namespace */
	pid_t caller; /* the thread that made it */
	pid_t *threads; /* those stopped */
	size_t n_threads, threads_capacity;
	uint64_t began_ns, pause_ns; /* when the target was stopped, and how long it stood still */
	bool stopped; /* fallback: the target stands still until rg_freeze_release */
	char why[120]; /* why there is no copy; "" with one */
};

/*
 * Freeze PID. Where a copy cannot be made (a seccomp filter that could kill for it, clone
 * refused), the target stays stopped instead, to be read quickly, or is refused with RG_LIMIT by
 * the TERMS. On failure it runs on.
 */
enum rg_code rg_freeze_take(struct rg_freeze *freeze, pid_t pid,
	const struct rg_freeze_terms *terms, struct rg_error *err);

/*
 * Kill and reap the copy, leaving no zombie in the target; or let the stopped target go. Only
 * pause_ns, stopped and why are left to read.
 */
void rg_freeze_release(struct rg_freeze *freeze);

#endif
