#include "heapdump/image/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "heapdump/base/array.h"
#include "heapdump/base/clock.h"
#include "heapdump/image/process.h"

#define STOP_SECONDS 5 /* a thread that takes longer is stuck in the kernel */
#define UNMAPPED_STACK 16 /* 0 would mean: the parent's stack */
#define SIGNAL_SET_SIZE 8 /* the kernel's sigset_t */
#define ATTEMPTS 4

/* --- waiting, bounded --------------------------------------------------------------------- */

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

/* Let a SIGALRM every 100 ms interrupt waitpid while ON. */
static void set_ticking(bool on)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval tick = { 0 };

	if (on)
		tick.it_value.tv_usec = tick.it_interval.tv_usec = 100000;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
}

/* Wait for the next stop of TID: its status, or -1 when it ended or did not stop in time. */
static int wait_stop(pid_t tid)
{
	uint64_t deadline = rg_clock_ns() + STOP_SECONDS * 1000000000ull;
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

static int event_of(int status)
{
	return status >> 16;
}

/* --- stopping all threads ----------------------------------------------------------------- */

/* After PTRACE_INTERRUPT: pass on signals that were on their way, until the thread stands. */
static bool wait_interrupted(pid_t tid)
{
	for (;;) {
		int status = wait_stop(tid);

		if (status < 0)
			return false;
		if (event_of(status) == PTRACE_EVENT_STOP)
			return true;
		if (ptrace(PTRACE_CONT, tid, 0, event_of(status) ? 0 : WSTOPSIG(status)) < 0)
			return false;
	}
}

struct stop_pass {
	struct rg_freeze *freeze;
	size_t known;
	int error;
};

/* Ended meanwhile, or a leader that ended before the others. */
static bool has_ended(pid_t tid)
{
	struct rg_process thread;

	return rg_process_read(&thread, tid, NULL) || thread.state == 'Z' || thread.state == 'X';
}

static bool seize_new(void *context, pid_t tid)
{
	struct stop_pass *pass = context;
	struct rg_freeze *freeze = pass->freeze;
	pid_t *slot;

	for (size_t i = 0; i < freeze->n_threads; i++)
		if (freeze->threads[i] == tid)
			return true;
	if (ptrace(PTRACE_SEIZE, tid, 0, 0) < 0) {
		int error = errno;

		if (error == ESRCH || has_ended(tid))
			return true;
		pass->error = error;
		return false;
	}
	slot = RG_PUSH(freeze->threads, freeze->n_threads, freeze->threads_capacity);
	if (!slot) {
		ptrace(PTRACE_DETACH, tid, 0, 0);
		pass->error = ENOMEM;
		return false;
	}
	*slot = tid;
	/* a thread that has just replaced the program has the leader's id now */
	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0)
		ptrace(PTRACE_INTERRUPT, freeze->target, 0, 0);
	return true;
}

static void detach_all(struct rg_freeze *freeze)
{
	for (size_t i = 0; i < freeze->n_threads; i++) {
		pid_t tid = freeze->threads[i];

		if (ptrace(PTRACE_DETACH, tid, 0, 0) == 0)
			continue;
		/* not standing yet: it must be, to be let go */
		ptrace(PTRACE_INTERRUPT, tid, 0, 0);
		if (wait_interrupted(tid))
			ptrace(PTRACE_DETACH, tid, 0, 0);
	}
	freeze->n_threads = 0;
}

/* Stop every thread: repeat until a pass over the task folder finds no new one. */
static enum rg_code stop_all(struct rg_freeze *freeze, struct rg_error *err)
{
	char folder[64];
	struct stop_pass pass = { .freeze = freeze };

	snprintf(folder, sizeof(folder), "/proc/%d/task", freeze->target);
	do {
		pass.known = freeze->n_threads;
		if (rg_process_each(folder, seize_new, &pass))
			pass.error = ENOMEM;
		if (pass.error) {
			detach_all(freeze);
			if (pass.error == ENOMEM)
				return rg_nomem(err);
			return rg_process_refused(err, freeze->target, "ptrace", pass.error);
		}
		for (size_t i = pass.known; i < freeze->n_threads;) {
			if (wait_interrupted(freeze->threads[i])) {
				i++;
			} else if (errno == ETIMEDOUT) {
				pid_t stuck = freeze->threads[i];

				detach_all(freeze);
				rg_fail(err, RG_SYSTEM, "does-not-stop",
					"pid %d: thread %d does not stop within %d s",
					freeze->target, stuck, STOP_SECONDS);
				return rg_hint(err,
					"it waits in the kernel (a disk, a network file "
					"system?): try again later");
			} else {
				freeze->threads[i] = freeze->threads[--freeze->n_threads];
			}
		}
	} while (freeze->n_threads > pass.known);
	if (freeze->n_threads == 0)
		return rg_process_refused(err, freeze->target, "ptrace", ESRCH);
	return RG_OK;
}

/* --- one system call in a stopped thread -------------------------------------------------- */

/* The address of a `syscall` instruction (0f 05) that the target can execute, or 0. */
static uint64_t find_syscall(struct rg_image *image)
{
	static const uint8_t instruction[] = { 0x0f, 0x05 };

	for (size_t i = image->n_mappings; i-- > 0;) {
		const struct rg_mapping *mapping = &image->mappings[i];

		/* from the end: the vDSO is last, small, and always there */
		if (!mapping->executable || !mapping->readable)
			continue;
		for (uint64_t at = mapping->start; at < mapping->end; at += 4096) {
			const uint8_t *page = rg_image_at(image, at, 4096);
			const uint8_t *hit = page ? memmem(page, 4096, instruction, 2) : NULL;

			if (hit)
				return at + (uint64_t)(hit - page);
		}
	}
	return 0;
}

static uint64_t locate_syscall(pid_t pid)
{
	struct rg_image image;
	uint64_t found = 0;
	int mem, maps;

	if (rg_process_open(pid, "mem", &mem, NULL))
		return 0;
	if (!rg_process_open(pid, "maps", &maps, NULL)) {
		if (!rg_process_image(&image, &mem, maps, NULL)) {
			found = find_syscall(&image);
			rg_image_deinit(&image);
		}
		close(maps);
	}
	close(mem);
	return found;
}

struct call {
	long number;
	uint64_t arguments[4];
	int64_t result;
	pid_t made; /* the process it made (host pid), or 0 */
};

/* The copy stands before its first instruction: tie its life to ours before anything else. */
static void tie_copy(pid_t tid, struct call *call)
{
	unsigned long message = 0;

	ptrace(PTRACE_GETEVENTMSG, tid, 0, &message);
	call->made = (pid_t)message;
	wait_stop(call->made);
	ptrace(PTRACE_SETOPTIONS, call->made, 0, PTRACE_O_EXITKILL);
}

/* Run from the stop before the call to the stop behind it. */
static bool step_through(pid_t tid, struct call *call)
{
	int signal = 0;

	for (int stops = 0; stops < 2;) {
		int status;

		if (ptrace(PTRACE_SYSCALL, tid, 0, signal) < 0)
			return false;
		status = wait_stop(tid);
		if (status < 0)
			return false;
		signal = 0;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			stops++;
		else if (event_of(status) == PTRACE_EVENT_CLONE)
			tie_copy(tid, call);
		else if (WSTOPSIG(status) == SIGSTOP && !event_of(status))
			signal = SIGSTOP; /* no mask holds it back, and it must not be lost */
		else if (event_of(status) != PTRACE_EVENT_STOP)
			return false; /* a fault, which is ours */
	}
	return true;
}

/* Whether there is still a `syscall` at ADDRESS: the program may have been replaced meanwhile. */
static bool is_syscall(pid_t tid, uint64_t address)
{
	errno = 0;
	return (ptrace(PTRACE_PEEKTEXT, tid, address, 0) & 0xffff) == 0x050f && errno == 0;
}

/*
 * Make the stopped thread TID execute CALL at the syscall instruction at INSTRUCTION, and leave
 * it stopped with registers and signal mask as they were. Signals stay pending meanwhile. The
 * last stop is one of PTRACE_INTERRUPT: there the kernel decides on restarting the call that
 * the thread was in, by the original registers.
 */
static bool inject(pid_t tid, uint64_t instruction, struct call *call)
{
	struct user_regs_struct saved, regs;
	uint64_t mask, all = ~0ull;
	bool done;

	if (!is_syscall(tid, instruction) || ptrace(PTRACE_GETREGS, tid, 0, &saved) < 0 ||
		ptrace(PTRACE_GETSIGMASK, tid, SIGNAL_SET_SIZE, &mask) < 0 ||
		ptrace(PTRACE_SETOPTIONS, tid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE) < 0)
		return false;
	regs = saved;
	regs.rip = instruction;
	regs.rax = (unsigned long)call->number;
	regs.orig_rax = (unsigned long)-1;
	regs.rdi = call->arguments[0];
	regs.rsi = call->arguments[1];
	regs.rdx = call->arguments[2];
	regs.r10 = call->arguments[3];
	regs.r8 = regs.r9 = 0;
	done = ptrace(PTRACE_SETSIGMASK, tid, SIGNAL_SET_SIZE, &all) == 0 &&
	       ptrace(PTRACE_SETREGS, tid, 0, &regs) == 0 && step_through(tid, call) &&
	       ptrace(PTRACE_GETREGS, tid, 0, &regs) == 0;
	call->result = done ? (int64_t)regs.rax : -EINTR;
	if (done) {
		ptrace(PTRACE_INTERRUPT, tid, 0, 0);
		ptrace(PTRACE_CONT, tid, 0, 0);
		wait_interrupted(tid);
	}
	ptrace(PTRACE_SETREGS, tid, 0, &saved);
	ptrace(PTRACE_SETSIGMASK, tid, SIGNAL_SET_SIZE, &mask);
	ptrace(PTRACE_SETOPTIONS, tid, 0, 0);
	return done;
}

static void inject_wait(pid_t tid, uint64_t instruction, pid_t child_inside)
{
	struct call call = { .number = SYS_wait4,
		.arguments = { (uint64_t)child_inside, 0, __WALL | WNOHANG, 0 } };

	inject(tid, instruction, &call);
}

/* --- copies that a killed guardian left behind -------------------------------------------- */

struct lost {
	pid_t parent;
	pid_t inside[8]; /* pids in the target's namespace */
	size_t count;
};

static bool note_lost(void *context, pid_t pid)
{
	struct lost *lost = context;
	struct rg_process process;

	if (!rg_process_read(&process, pid, NULL) && process.parent == lost->parent &&
		process.state == 'Z' && process.exit_signal == 0)
		lost->inside[lost->count++] = (pid_t)rg_process_status(pid, "NSpid:");
	return lost->count < sizeof(lost->inside) / sizeof(lost->inside[0]);
}

/* --- taking and releasing ----------------------------------------------------------------- */

/* Make the copy in THREAD; false leaves no copy. */
static bool make_copy(struct rg_freeze *freeze, pid_t thread, uint64_t instruction)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct call call = { .number = SYS_clone,
			.arguments = { CLONE_FILES, UNMAPPED_STACK, 0, 0 } };
		bool done = inject(thread, instruction, &call);

		if (call.made && done && call.result > 0) {
			freeze->copy = call.made;
			freeze->copy_inside = (pid_t)call.result;
			return true;
		}
		/* a signal was pending all the same: ERESTARTNOINTR */
		if (!done || call.result != -513)
			return false;
	}
	return false;
}

/* The thread to call in: the leader unless it has ended. */
static pid_t caller_thread(const struct rg_freeze *freeze)
{
	for (size_t i = 0; i < freeze->n_threads; i++)
		if (freeze->threads[i] == freeze->target)
			return freeze->target;
	return freeze->threads[0];
}

enum rg_code rg_freeze_take(struct rg_freeze *freeze, pid_t pid, struct rg_error *err)
{
	struct lost lost = { .parent = pid };
	struct rg_process process;
	uint64_t instruction, start;
	enum rg_code code;
	pid_t thread;

	memset(freeze, 0, sizeof(*freeze));
	freeze->target = pid;
	code = rg_process_read(&process, pid, err);
	if (code)
		return code;
	instruction = process.seccomp_filter ? 0 : locate_syscall(pid);
	rg_process_each("/proc", note_lost, &lost);
	set_ticking(true);
	start = rg_clock_ns();
	code = stop_all(freeze, err);
	if (!code) {
		thread = caller_thread(freeze);
		for (size_t i = 0; instruction && i < lost.count; i++)
			inject_wait(thread, instruction, lost.inside[i]);
		if (instruction && make_copy(freeze, thread, instruction))
			detach_all(freeze);
		else
			freeze->stopped = true;
		freeze->pause_ns = rg_clock_ns() - start;
	}
	set_ticking(false);
	return code;
}

/* The copy is dead to us; reap it for the target, which does not know of it. */
static void reap_copy(struct rg_freeze *freeze)
{
	uint64_t instruction = locate_syscall(freeze->target);
	struct stop_pass pass = { .freeze = freeze };
	char folder[64];

	/* one thread is enough: the leader, or any other when that has ended */
	seize_new(&pass, freeze->target);
	if (freeze->n_threads == 0 || !wait_interrupted(freeze->target)) {
		freeze->n_threads = 0;
		snprintf(folder, sizeof(folder), "/proc/%d/task", freeze->target);
		stop_all(freeze, NULL);
	}
	if (freeze->n_threads > 0 && instruction)
		inject_wait(freeze->threads[0], instruction, freeze->copy_inside);
	detach_all(freeze);
}

void rg_freeze_release(struct rg_freeze *freeze)
{
	int status;

	set_ticking(true);
	if (freeze->copy) {
		/* its address space goes before the target is stopped again: that takes time */
		kill(freeze->copy, SIGKILL);
		while (waitpid(freeze->copy, &status, __WALL) < 0 && errno == EINTR)
			;
		reap_copy(freeze);
	}
	detach_all(freeze);
	set_ticking(false);
	free(freeze->threads);
	memset(freeze, 0, sizeof(*freeze));
}
