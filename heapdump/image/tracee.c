#include "heapdump/image/tracee.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "heapdump/base/clock.h"

#define KEPT 1024 /* stops that may be seen before they are waited for */

/* What on_alarm has seen of threads that stand; kept from it while SIGALRM is blocked. */
static struct {
	pid_t tid;
	int status;
} kept[KEPT];
static volatile sig_atomic_t n_kept;

/*
 * Reap threads that have ended: until that is done, a leader that was killed and a thread that
 * replaces the program by exec wait for them, and we may wait for these (PTRACE_SEIZE, too). No
 * wait for all of them passes over those that stand: their stops are told only once.
 */
static void on_alarm(int signal)
{
	int error = errno;
	siginfo_t info;

	(void)signal;
	while (n_kept < KEPT) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) < 0 || !info.si_pid)
			break;
		if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED)
			continue;
		kept[n_kept].tid = info.si_pid;
		kept[n_kept].status = info.si_status << 8 | 0x7f;
		n_kept++;
	}
	errno = error;
}

/* Take the stop of TID that on_alarm has seen: its status, or -1. */
static int take_kept(pid_t tid)
{
	sigset_t alarm, before;
	int status = -1;

	if (n_kept == 0)
		return -1;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm, &before);
	for (int i = 0; i < n_kept && status < 0; i++)
		if (kept[i].tid == tid) {
			status = kept[i].status;
			kept[i] = kept[--n_kept];
		}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}

void rg_tracee_begin(pid_t tid)
{
	take_kept(tid);
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
		pid_t got;

		status = take_kept(tid);
		if (status >= 0)
			return status;
		/* one that is kept only now is found at the next tick */
		got = waitpid(tid, &status, __WALL);
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
