#include "heapdump/image/tracee.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "heapdump/base/clock.h"

/*
 * Reap threads that have ended: until that is done, a leader that was killed and a thread that
 * replaces the program by exec wait for them, and we may wait for these (PTRACE_SEIZE, too).
 */
static void on_alarm(int signal)
{
	int error = errno;
	siginfo_t info;

	(void)signal;
	do
		info.si_pid = 0;
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) == 0 && info.si_pid);
	errno = error;
}

void rg_tracee_tick(bool on)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval tick = { 0 };

	if (on)
		tick.it_value.tv_usec = tick.it_interval.tv_usec = 100000;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
}

int rg_tracee_wait(pid_t tid)
{
	uint64_t deadline = rg_clock_ns() + RG_TRACEE_SECONDS * 1000000000ull;
	int status;

	while (rg_clock_ns() < deadline) {
		pid_t got = waitpid(tid, &status, __WALL);

		if (got == tid && WIFSTOPPED(status))
			return status;
		if (got == tid)
			errno = ESRCH;
		if (got == tid || errno != EINTR)
			return -1;
	}
	errno = ETIMEDOUT;
	return -1;
}

bool rg_tracee_wait_interrupted(pid_t tid)
{
	for (;;) {
		int status = rg_tracee_wait(tid);

		if (status < 0)
			return false;
		if (rg_tracee_event(status) == PTRACE_EVENT_STOP)
			return true;
		if (ptrace(PTRACE_CONT, tid, 0, rg_tracee_event(status) ? 0 : WSTOPSIG(status)) < 0)
			return false;
	}
}
