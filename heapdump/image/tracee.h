/*
 * A thread that this process traces: waiting until it stands still, never for ever.
 */
#ifndef RG_IMAGE_TRACEE_H
#define RG_IMAGE_TRACEE_H

#include <stdbool.h>
#include <sys/types.h>

#define RG_TRACEE_SECONDS 5 /* a thread that takes longer is stuck in the kernel */

/* Let a SIGALRM every 100 ms interrupt the waiting while ON: without it no limit holds. */
void rg_tracee_tick(bool on);

/* Before TID is traced: forget what was seen of it when it was traced before. */
void rg_tracee_begin(pid_t tid);

/* Wait for the next stop of TID: its status, or -1 with errno when it ended or takes too long. */
int rg_tracee_wait(pid_t tid);

/* The PTRACE_EVENT_* of such a status, or 0. */
static inline int rg_tracee_event(int status)
{
	return status >> 16;
}

/* After PTRACE_INTERRUPT: pass on signals that were on their way, until the thread stands. */
bool rg_tracee_wait_interrupted(pid_t tid);

#endif
