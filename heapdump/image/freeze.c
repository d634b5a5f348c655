#include "heapdump/image/freeze.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "heapdump/base/array.h"
#include "heapdump/base/clock.h"
#include "heapdump/image/inject.h"
#include "heapdump/image/process.h"
#include "heapdump/image/rights.h"
#include "heapdump/image/tracee.h"

#define UNMAPPED_STACK 16 /* 0 would mean: the parent's stack */
#define ATTEMPTS 4
/* the kernel's own, which no program sees */
#define RESTART (-513) /* ERESTARTNOINTR: a signal was pending, call again */
#define RESTART_SAME (-514) /* ERESTARTNOHAND: call again unless a handler runs */
#define RESTART_BLOCK (-516) /* ERESTART_RESTARTBLOCK: call restart_syscall */
#define LOOKED_AT 16 /* threads of which one without a filter is looked for */

/* --- stopping all threads ----------------------------------------------------------------- */

/*
 * A wait that we have interrupted goes on by the system call restart_syscall, which a filter may
 * forbid or kill for. One with an absolute end, as of the locks of Python and of glibc, is as well
 * made once more by its own name.
 */
static void keep_waiting(pid_t tid)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, tid, 0, &regs) < 0 || (int64_t)regs.rax != RESTART_BLOCK ||
		regs.orig_rax != SYS_futex || (regs.rsi & FUTEX_CMD_MASK) != FUTEX_WAIT_BITSET ||
		!rg_inject_is_filtered(tid))
		return;
	regs.rax = (unsigned long)RESTART_SAME;
	ptrace(PTRACE_SETREGS, tid, 0, &regs);
}

/* After PTRACE_INTERRUPT: until TID stands, ready to be let go again. */
static bool await_stop(pid_t tid)
{
	if (!rg_tracee_wait_interrupted(tid))
		return false;
	keep_waiting(tid);
	return true;
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
	rg_tracee_begin(tid);
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
		if (await_stop(tid))
			ptrace(PTRACE_DETACH, tid, 0, 0);
	}
	if (freeze->n_threads)
		freeze->pause_ns += rg_clock_ns() - freeze->began_ns;
	freeze->n_threads = 0;
}

/* Wait until those from number FROM on stand; who ended meanwhile is none of them. */
static enum rg_code await_stops(struct rg_freeze *freeze, size_t from, struct rg_error *err)
{
	for (size_t i = from; i < freeze->n_threads;) {
		pid_t tid = freeze->threads[i];

		if (await_stop(tid)) {
			i++;
		} else if (errno != ETIMEDOUT) {
			freeze->threads[i] = freeze->threads[--freeze->n_threads];
		} else {
			rg_fail(err, RG_SYSTEM, "does-not-stop",
				"pid %d: thread %d does not stop within %d s", freeze->target, tid,
				RG_TRACEE_SECONDS);
			rg_hint(err, "it waits in the kernel (a disk, a network file system?): try "
				     "again later");
			return RG_SYSTEM;
		}
	}
	return RG_OK;
}

/* Stop every thread: repeat until a pass over the task folder finds no new one. */
static enum rg_code stop_all(struct rg_freeze *freeze, struct rg_error *err)
{
	char folder[64];
	struct stop_pass pass = { .freeze = freeze };
	enum rg_code code = RG_OK;

	snprintf(folder, sizeof(folder), "/proc/%d/task", freeze->target);
	do {
		pass.known = freeze->n_threads;
		if (rg_process_each(folder, seize_new, &pass))
			pass.error = ENOMEM;
		if (pass.error == ENOMEM)
			code = rg_nomem(err);
		else if (pass.error)
			code = rg_rights_refuse(err, "", freeze->target, "ptrace", pass.error);
		else
			code = await_stops(freeze, pass.known, err);
	} while (!code && freeze->n_threads > pass.known);
	if (code)
		detach_all(freeze);
	else if (freeze->n_threads == 0)
		code = rg_rights_refuse(err, "", freeze->target, "ptrace", ESRCH);
	return code;
}

/* The thread to call in: the leader, or any other when that has ended or has a filter. */
static pid_t caller_thread(const struct rg_freeze *freeze)
{
	pid_t first = freeze->threads[0];

	for (size_t i = 0; i < freeze->n_threads; i++)
		if (freeze->threads[i] == freeze->target)
			first = freeze->target;
	if (!rg_inject_is_filtered(first))
		return first;
	for (size_t i = 0; i < freeze->n_threads && i < LOOKED_AT; i++)
		if (!rg_inject_is_filtered(freeze->threads[i]))
			return freeze->threads[i];
	return first;
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

static struct rg_call wait_for(pid_t child_inside)
{
	return (struct rg_call){ .number = SYS_wait4,
		.arguments = { (uint64_t)child_inside, 0, __WALL | WNOHANG, 0 } };
}

/* --- taking ------------------------------------------------------------------------------- */

/* Why CALL, made or not, gave no copy. */
static void explain(struct rg_freeze *freeze, const struct rg_call *call)
{
	char *why = freeze->why;
	size_t size = sizeof(freeze->why);

	if (call->filtered)
		snprintf(why, size,
			"its seccomp filter may forbid it, and may not be suspended by us");
	else if (call->result == -EAGAIN)
		snprintf(why, size, "it has as many processes as it may (ulimit -u, pids.max)");
	else if (call->result < 0 && call->result > -512 && call->result != -EINTR)
		snprintf(why, size, "clone: %s", strerror((int)-call->result));
	else
		snprintf(why, size, "no system call could be made in it");
}

/* Make the copy; false leaves none, and says why. */
static bool make_copy(struct rg_freeze *freeze, uint64_t instruction)
{
	struct rg_call call = { .result = -EINTR };

	for (int attempt = 0; instruction && attempt < ATTEMPTS; attempt++) {
		bool done;

		call = (struct rg_call){ .number = SYS_clone,
			.arguments = { CLONE_FILES, UNMAPPED_STACK, 0, 0 } };
		done = rg_inject(freeze->caller, instruction, &call);
		if (call.made && done && call.result > 0) {
			freeze->copy = call.made;
			freeze->copy_inside = (pid_t)call.result;
			return true;
		}
		/* it dies with us */
		if (!done || call.result != RESTART)
			break;
	}
	explain(freeze, &call);
	return false;
}

static enum rg_code refuse_to_hold(
	const struct rg_freeze *freeze, const struct rg_freeze_terms *terms, struct rg_error *err)
{
	rg_fail(err, RG_LIMIT, "no-copy",
		"pid %d: it would stand still for about %.1f s: no copy of it can be made to read "
		"instead: %s",
		freeze->target, (double)terms->still_ns / 1e9, freeze->why);
	rg_hint(err, "accept that with --force; where a filter is the reason, root outside of all "
		     "containers and sandboxes may suspend it");
	return rg_at_pid(err, freeze->target);
}

/* With all threads standing: a copy, and let them run; or hold them, where the TERMS allow it. */
static enum rg_code take_stopped(struct rg_freeze *freeze, uint64_t instruction,
	const struct lost *lost, const struct rg_freeze_terms *terms, struct rg_error *err)
{
	enum rg_code code = RG_OK;

	freeze->caller = caller_thread(freeze);
	for (size_t i = 0; instruction && i < lost->count; i++) {
		struct rg_call call = wait_for(lost->inside[i]);

		rg_inject(freeze->caller, instruction, &call);
	}
	freeze->stopped = !make_copy(freeze, instruction);
	if (freeze->stopped && terms->still_ns > terms->most_ns)
		code = refuse_to_hold(freeze, terms, err);
	if (code || !freeze->stopped)
		detach_all(freeze);
	return code;
}

enum rg_code rg_freeze_take(struct rg_freeze *freeze, pid_t pid,
	const struct rg_freeze_terms *terms, struct rg_error *err)
{
	struct lost lost = { .parent = pid };
	uint64_t instruction = rg_inject_locate(pid);
	enum rg_code code;

	memset(freeze, 0, sizeof(*freeze));
	freeze->target = pid;
	rg_process_each("/proc", note_lost, &lost);
	rg_tracee_tick(true);
	freeze->began_ns = rg_clock_ns();
	code = stop_all(freeze, err);
	if (!code)
		code = take_stopped(freeze, instruction, &lost, terms, err);
	rg_tracee_tick(false);
	return code;
}

/* --- releasing ---------------------------------------------------------------------------- */

/* Stop the target once more for CALL; false when it was not made, or failed. */
static bool call_in_target(struct rg_freeze *freeze, struct rg_call *call)
{
	uint64_t instruction = rg_inject_locate(freeze->target), pause_ns = freeze->pause_ns;
	struct stop_pass pass = { .freeze = freeze };
	pid_t caller = freeze->caller;
	bool done;

	/* one thread is enough: the one that made the copy, or any other when that has ended */
	seize_new(&pass, caller);
	if (freeze->n_threads == 0 || !await_stop(caller)) {
		freeze->n_threads = 0;
		caller = stop_all(freeze, NULL) ? 0 : caller_thread(freeze);
	}
	done = caller && instruction && rg_inject(caller, instruction, call) && call->result >= 0;
	detach_all(freeze);
	freeze->pause_ns = pause_ns;
	return done;
}

/* Who has CAP_SYS_PTRACE alone may trace another user's process, but only its own user kills. */
static bool kill_copy(struct rg_freeze *freeze)
{
	struct rg_call call = { .number = SYS_kill,
		.arguments = { (uint64_t)freeze->copy_inside, SIGKILL, 0, 0 } };

	return kill(freeze->copy, SIGKILL) == 0 || errno != EPERM || call_in_target(freeze, &call);
}

/*
 * The copy is dead to us; reap it for the target, which does not know of it. Its address space
 * goes before the target is stopped for that: it takes time. One that could not be killed dies
 * with us.
 */
static void end_copy(struct rg_freeze *freeze)
{
	struct rg_call call = wait_for(freeze->copy_inside);
	int status;

	if (!kill_copy(freeze))
		return;
	while (waitpid(freeze->copy, &status, __WALL) < 0 && errno == EINTR)
		;
	call_in_target(freeze, &call);
}

void rg_freeze_release(struct rg_freeze *freeze)
{
	rg_tracee_tick(true);
	if (freeze->copy)
		end_copy(freeze);
	detach_all(freeze);
	rg_tracee_tick(false);
	free(freeze->threads);
	freeze->threads = NULL;
	freeze->threads_capacity = 0;
	freeze->copy = 0;
}
