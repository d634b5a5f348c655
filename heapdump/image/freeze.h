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
#include <stdint.h>
#include <sys/types.h>

#include "heapdump/base/error.h"

struct rg_freeze {
	pid_t target, copy; /* copy: 0 when the target itself stays stopped */
	pid_t copy_inside; /* the copy's pid in the target's pid namespace */
	pid_t *threads; /* those stopped */
	size_t n_threads, threads_capacity;
	uint64_t pause_ns; /* how long the target stood still */
	bool stopped; /* fallback: the target stands still until rg_freeze_release */
};

/*
 * Freeze PID. Where a copy cannot be made (a seccomp filter that could kill for it, clone
 * refused), the target stays stopped instead, to be read quickly. On failure it runs on.
 */
enum rg_code rg_freeze_take(struct rg_freeze *freeze, pid_t pid, struct rg_error *err);

/* Kill and reap the copy, leaving no zombie in the target; or let the stopped target go. */
void rg_freeze_release(struct rg_freeze *freeze);

#endif
