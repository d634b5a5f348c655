/*
 * One system call in a stopped thread of another process, which never learns of it.
 *
 * A seccomp filter in the thread would judge our call as the program's own: it may refuse it, hand
 * it to another process, or kill for it. So no call is made under one, or in strict mode, unless
 * the kernel suspends it for that one call (PTRACE_O_SUSPEND_SECCOMP). To read the filter
 * (PTRACE_SECCOMP_GET_FILTER) and run it here first takes the same rights, CAP_SYS_ADMIN outside
 * of all containers and a tracer without a filter, and the same kernels, and would say less.
 * A copy inherits the suspension, but never runs; with its own options it is gone.
 */
#ifndef RG_IMAGE_INJECT_H
#define RG_IMAGE_INJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct rg_call {
	long number;
	uint64_t arguments[4];
	/* told afterwards */
	int64_t result; /* what it returned: -errno when it failed */
	pid_t made; /* the process it made (our pid of it), stopped and tied to us, or 0 */
	bool filtered; /* it was not made: a filter is there, and may not be suspended by us */
};

/* The address of a `syscall` instruction that PID can execute, or 0. */
uint64_t rg_inject_locate(pid_t pid);

/*
 * Make the thread TID, which stands after PTRACE_INTERRUPT, execute CALL at the instruction at
 * INSTRUCTION, and leave it stopped with registers, signal mask and pending signals as they were.
 * False when it could not be made; CALL->filtered and CALL->result say more.
 */
bool rg_inject(pid_t tid, uint64_t instruction, struct rg_call *call);

/* Whether TID has a seccomp filter, or runs in strict mode, or that cannot be told. */
bool rg_inject_is_filtered(pid_t tid);

#endif
