#include "heapdump/image/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heapdump/base/clock.h"
#include "heapdump/image/process.h"

#define CONTROL 3 /* the guardian's end of the socket */

/*
 * What the guardian tells the command: once it has frozen, on RG_OK with the descriptors, and
 * again when it has let a target go that stood still.
 */
struct report {
	struct rg_error err;
	uint64_t pause_ns;
	pid_t memory_pid;
	int descriptors; /* that of the maps, and of the memory if it has one */
	bool stopped;
	char why[120];
};

/* --- in the guardian ---------------------------------------------------------------------- */

/* Leave the command's session, name, signals and descriptors behind, but for SOCKET. */
static void become_guardian(int socket)
{
	static const int deaf[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT, SIGTSTP };
	int end = fcntl(socket, F_DUPFD, 10), null = open("/dev/null", O_RDWR);

	setsid();
	prctl(PR_SET_NAME, "refgraph-guard");
	for (size_t i = 0; i < sizeof(deaf) / sizeof(deaf[0]); i++)
		signal(deaf[i], SIG_IGN);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	dup2(end, CONTROL);
	close_range(CONTROL + 1, ~0u, 0);
	if (chdir("/") < 0)
		return;
}

static void send_report(const struct report *report, const int fds[2])
{
	size_t size = (size_t)report->descriptors * sizeof(int);
	char control[CMSG_SPACE(2 * sizeof(int))] = { 0 };
	struct iovec data = { (void *)report, sizeof(*report) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (size) {
		struct cmsghdr *header;

		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(size);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(header), fds, size);
	}
	sendmsg(CONTROL, &message, MSG_NOSIGNAL);
}

/* Wait until the command closes its end, as it is done, or dead; at most until DEADLINE_NS. */
static bool await_end(uint64_t deadline_ns)
{
	struct pollfd end = { .fd = CONTROL, .events = POLLIN };

	for (;;) {
		uint64_t now = rg_clock_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
		int ready = poll(&end, 1, left / 1000000 < 1000 ? (int)(left / 1000000) : 1000);

		if (ready > 0)
			return true;
		if (left == 0)
			return false;
	}
}

/* Freeze, and open what was frozen for the command. */
static void take(struct rg_freeze *freeze, pid_t target, const struct rg_freeze_terms *terms,
	struct report *report)
{
	struct rg_memory memory = { .fd = -1 };
	int fds[2] = { -1, -1 };

	rg_error_init(&report->err);
	if (!rg_freeze_take(freeze, target, terms, &report->err)) {
		pid_t source = freeze->copy ? freeze->copy : target;

		if (!rg_process_open(source, "maps", &fds[0], &report->err) &&
			!rg_memory_open(&memory, source, &report->err))
			report->descriptors = memory.fd < 0 ? 1 : 2;
		fds[1] = memory.fd;
	}
	report->memory_pid = memory.pid;
	report->pause_ns = freeze->pause_ns;
	report->stopped = freeze->stopped;
	memcpy(report->why, freeze->why, sizeof(report->why));
	send_report(report, fds);
	/* an address space that descriptors hold is not freed while they are open */
	rg_memory_close(&memory);
	close(fds[0]);
}

static _Noreturn void guard(int socket, pid_t target, const struct rg_freeze_terms *terms)
{
	struct report report = { 0 };
	struct rg_freeze freeze;
	uint64_t hold_ns = UINT64_MAX;
	bool in_time = true;

	become_guardian(socket);
	take(&freeze, target, terms, &report);
	if (freeze.stopped)
		hold_ns = rg_clock_ns() + 4 * terms->still_ns + 1000000000u;
	if (report.err.code == RG_OK)
		in_time = await_end(hold_ns);
	rg_freeze_release(&freeze);
	if (!in_time) {
		rg_fail(&report.err, RG_SYSTEM, "too-slow",
			"pid %d: it stood still for %.1f s, was not read in that time, and runs on",
			target, (double)freeze.pause_ns / 1e9);
		rg_hint(&report.err, "try again when this machine has less to do");
		rg_at_pid(&report.err, target);
	}
	report.pause_ns = freeze.pause_ns;
	report.descriptors = 0;
	send_report(&report, NULL);
	_exit(0);
}

/* --- in the command ----------------------------------------------------------------------- */

/* The next report, with the descriptors in FDS that came with it; false when there is none. */
static bool receive(int socket, struct report *report, int fds[2])
{
	char control[CMSG_SPACE(2 * sizeof(int))] = { 0 };
	struct iovec data = { report, sizeof(*report) };
	struct msghdr message = { .msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	ssize_t n;

	fds[0] = fds[1] = -1;
	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len > CMSG_LEN(0) &&
		header->cmsg_len <= CMSG_LEN(2 * sizeof(int)))
		memcpy(fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
	return n == (ssize_t)sizeof(*report);
}

/* How a guardian ended that said nothing. */
static enum rg_code explain_death(struct rg_guardian *guardian, pid_t target, struct rg_error *err)
{
	int status = 0;

	while (waitpid(guardian->pid, &status, 0) < 0 && errno == EINTR)
		;
	guardian->pid = -1;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		rg_fail(err, RG_SYSTEM, "no-permission",
			"pid %d: a seccomp filter on refgraph itself kills for tracing it", target);
		rg_hint(err, "run it outside of that sandbox");
	} else {
		rg_fail(err, RG_SYSTEM, "guardian-died",
			"pid %d: the guardian process ended early; the target runs on", target);
	}
	return rg_at_pid(err, target);
}

static enum rg_code receive_frozen(struct rg_guardian *guardian, pid_t target, struct rg_error *err)
{
	struct report report = { 0 };
	int fds[2];

	if (!receive(guardian->socket, &report, fds))
		return explain_death(guardian, target, err);
	guardian->maps_fd = fds[0];
	guardian->memory = (struct rg_memory){ .fd = fds[1], .pid = report.memory_pid };
	guardian->pause_ns = report.pause_ns;
	guardian->stopped = report.stopped;
	memcpy(guardian->why, report.why, sizeof(guardian->why));
	if (report.err.code && err)
		*err = report.err;
	if (report.err.code)
		return report.err.code;
	if (fds[0] < 0 || (report.descriptors > 1 && fds[1] < 0)) {
		rg_fail(err, RG_SYSTEM, "no-descriptors",
			"pid %d: the frozen memory was not handed over", target);
		return rg_hint(err, "is the limit of open files reached (ulimit -n)?");
	}
	return RG_OK;
}

enum rg_code rg_guardian_start(struct rg_guardian *guardian, pid_t target,
	const struct rg_freeze_terms *terms, struct rg_error *err)
{
	int ends[2];
	enum rg_code code;

	*guardian = (struct rg_guardian){ .socket = -1, .memory.fd = -1, .maps_fd = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return rg_fail(err, RG_SYSTEM, "no-socket", "socketpair: %s", strerror(errno));
	guardian->pid = fork();
	if (guardian->pid == 0)
		guard(ends[1], target, terms);
	close(ends[1]);
	guardian->socket = ends[0];
	if (guardian->pid < 0) {
		rg_guardian_release(guardian);
		return rg_fail(err, RG_SYSTEM, "no-fork", "fork: %s", strerror(errno));
	}
	code = receive_frozen(guardian, target, err);
	if (code)
		rg_guardian_release(guardian);
	return code;
}

enum rg_code rg_guardian_let_go(struct rg_guardian *guardian, struct rg_error *err)
{
	struct report report = { 0 };
	bool told = false;
	int none[2];

	if (guardian->pid == 0)
		return RG_OK;
	if (guardian->socket >= 0) {
		shutdown(guardian->socket, SHUT_WR);
		told = receive(guardian->socket, &report, none);
		close(guardian->socket);
	}
	if (guardian->pid > 0)
		while (waitpid(guardian->pid, NULL, 0) < 0 && errno == EINTR)
			;
	guardian->socket = -1;
	guardian->pid = -1;
	/* a guardian that was killed let the target go, too, at no known moment */
	if (!told)
		return rg_fail(err, RG_SYSTEM, "guardian-died",
			"the guardian process ended early; the target runs on");
	guardian->pause_ns = report.pause_ns;
	if (report.err.code && err)
		*err = report.err;
	return report.err.code;
}

void rg_guardian_release(struct rg_guardian *guardian)
{
	if (guardian->pid == 0)
		return;
	rg_memory_close(&guardian->memory);
	if (guardian->maps_fd >= 0)
		close(guardian->maps_fd);
	rg_guardian_let_go(guardian, NULL);
	memset(guardian, 0, sizeof(*guardian));
}
