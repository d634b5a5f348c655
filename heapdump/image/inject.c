#include "heapdump/image/inject.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heapdump/image/process.h"
#include "heapdump/image/tracee.h"

#define SIGNAL_SET_SIZE 8 /* the kernel's sigset_t */
#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE)

/* --- where -------------------------------------------------------------------------------- */

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

uint64_t rg_inject_locate(pid_t pid)
{
	struct rg_memory memory;
	struct rg_image image;
	uint64_t found = 0;
	int maps;

	if (rg_memory_open(&memory, pid, NULL))
		return 0;
	if (!rg_process_open(pid, "maps", &maps, NULL)) {
		if (!rg_process_image(&image, &memory, maps, NULL)) {
			found = find_syscall(&image);
			rg_image_deinit(&image);
		}
		close(maps);
	}
	rg_memory_close(&memory);
	return found;
}

/* Whether there is still a `syscall` at ADDRESS: the program may have been replaced meanwhile. */
static bool is_syscall(pid_t tid, uint64_t address)
{
	errno = 0;
	return (ptrace(PTRACE_PEEKTEXT, tid, address, 0) & 0xffff) == 0x050f && errno == 0;
}

/* --- filters ------------------------------------------------------------------------------ */

bool rg_inject_is_filtered(pid_t tid)
{
	int64_t mode = rg_process_status(tid, "Seccomp:");

	/* a kernel that says nothing of it has none; where nothing can be read, there may be one */
	return mode != 0 && mode != RG_PROCESS_NO_FIELD;
}

/* Set the options for a call, under which no filter of TID sees it. */
static bool prepare(pid_t tid, struct rg_call *call)
{
	if (!rg_inject_is_filtered(tid))
		return ptrace(PTRACE_SETOPTIONS, tid, 0, OPTIONS) == 0;
	call->filtered = ptrace(PTRACE_SETOPTIONS, tid, 0, OPTIONS | PTRACE_O_SUSPEND_SECCOMP) < 0;
	return !call->filtered;
}

/* --- the call ----------------------------------------------------------------------------- */

/* The copy stands before its first instruction: tie its life to ours before anything else. */
static void tie_copy(pid_t tid, struct rg_call *call)
{
	unsigned long message = 0;

	ptrace(PTRACE_GETEVENTMSG, tid, 0, &message);
	call->made = (pid_t)message;
	rg_tracee_wait(call->made);
	ptrace(PTRACE_SETOPTIONS, call->made, 0, PTRACE_O_EXITKILL);
}

/* Run from the stop before the call to the stop behind it. */
static bool step_through(pid_t tid, struct rg_call *call)
{
	int signal = 0;

	for (int stops = 0; stops < 2;) {
		int status, event;

		if (ptrace(PTRACE_SYSCALL, tid, 0, signal) < 0)
			return false;
		status = rg_tracee_wait(tid);
		if (status < 0)
			return false;
		event = rg_tracee_event(status);
		signal = 0;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			stops++;
		else if (event == PTRACE_EVENT_CLONE)
			tie_copy(tid, call);
		else if (WSTOPSIG(status) == SIGSTOP && !event)
			signal = SIGSTOP; /* no mask holds it back, and it must not be lost */
		else if (event != PTRACE_EVENT_STOP)
			return false; /* a fault, which is ours */
	}
	return true;
}

/* The registers of a thread with SAVED that is about to execute CALL at INSTRUCTION. */
static struct user_regs_struct about_to(
	const struct user_regs_struct *saved, uint64_t instruction, const struct rg_call *call)
{
	struct user_regs_struct regs = *saved;

	regs.rip = instruction;
	regs.rax = (unsigned long)call->number;
	regs.orig_rax = (unsigned long)-1;
	regs.rdi = call->arguments[0];
	regs.rsi = call->arguments[1];
	regs.rdx = call->arguments[2];
	regs.r10 = call->arguments[3];
	regs.r8 = regs.r9 = 0;
	return regs;
}

/*
 * Signals stay pending meanwhile. The last stop is one of PTRACE_INTERRUPT: there the kernel
 * decides on restarting the call that the thread was in, by the original registers.
 */
bool rg_inject(pid_t tid, uint64_t instruction, struct rg_call *call)
{
	struct user_regs_struct saved, regs;
	uint64_t mask, all = ~0ull;
	bool done;

	call->result = -EINTR;
	call->made = 0;
	call->filtered = false;
	if (!is_syscall(tid, instruction) || ptrace(PTRACE_GETREGS, tid, 0, &saved) < 0 ||
		ptrace(PTRACE_GETSIGMASK, tid, SIGNAL_SET_SIZE, &mask) < 0 || !prepare(tid, call))
		return false;
	regs = about_to(&saved, instruction, call);
	done = ptrace(PTRACE_SETSIGMASK, tid, SIGNAL_SET_SIZE, &all) == 0 &&
	       ptrace(PTRACE_SETREGS, tid, 0, &regs) == 0 && step_through(tid, call) &&
	       ptrace(PTRACE_GETREGS, tid, 0, &regs) == 0;
	if (done) {
		call->result = (int64_t)regs.rax;
		ptrace(PTRACE_INTERRUPT, tid, 0, 0);
		ptrace(PTRACE_CONT, tid, 0, 0);
		rg_tracee_wait_interrupted(tid);
	}
	ptrace(PTRACE_SETREGS, tid, 0, &saved);
	ptrace(PTRACE_SETSIGMASK, tid, SIGNAL_SET_SIZE, &mask);
	ptrace(PTRACE_SETOPTIONS, tid, 0, 0);
	return done;
}
