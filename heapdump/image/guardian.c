#include "heapdump/image/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heapdump/image/freeze.h"
#include "heapdump/image/process.h"

/* What the guardian tells the command, once; on RG_OK with two descriptors. */
struct report {
	struct rg_error err;
	uint64_t pause_ns;
	bool stopped;
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
	dup2(end, 3);
	close_range(4, ~0u, 0);
	if (chdir("/") < 0)
		return;
}

static void send_report(int socket, struct report *report, int mem, int maps)
{
	int fds[2] = { mem, maps };
	char control[CMSG_SPACE(sizeof(fds))] = { 0 };
	struct iovec data = { report, sizeof(*report) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (report->err.code == RG_OK) {
		struct cmsghdr *header;

		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(fds));
		memcpy(CMSG_DATA(header), fds, sizeof(fds));
	}
	sendmsg(socket, &message, MSG_NOSIGNAL);
}

/* Wait until the command closes its end: it is done, or dead. */
static void await_end(int socket)
{
	char byte;

	while (read(socket, &byte, 1) < 0 && errno == EINTR)
		;
}

static _Noreturn void guard(int socket, pid_t target)
{
	struct report report = { 0 };
	struct rg_freeze freeze;
	int mem = -1, maps = -1;
	pid_t source;

	become_guardian(socket);
	rg_error_init(&report.err);
	if (!rg_freeze_take(&freeze, target, &report.err)) {
		source = freeze.copy ? freeze.copy : target;
		if (!rg_process_open(source, "mem", &mem, &report.err))
			rg_process_open(source, "maps", &maps, &report.err);
		report.pause_ns = freeze.pause_ns;
		report.stopped = freeze.stopped;
	}
	send_report(3, &report, mem, maps);
	/* an address space that descriptors hold is not freed while they are open */
	close(mem);
	close(maps);
	if (report.err.code == RG_OK)
		await_end(3);
	rg_freeze_release(&freeze);
	_exit(0);
}

/* --- in the command ----------------------------------------------------------------------- */

static enum rg_code receive_report(struct rg_guardian *guardian, struct report *report)
{
	int fds[2] = { -1, -1 };
	char control[CMSG_SPACE(sizeof(fds))] = { 0 };
	struct iovec data = { report, sizeof(*report) };
	struct msghdr message = { .msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	ssize_t n;

	do
		n = recvmsg(guardian->socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(fds)))
		memcpy(fds, CMSG_DATA(header), sizeof(fds));
	guardian->mem_fd = fds[0];
	guardian->maps_fd = fds[1];
	if (n != (ssize_t)sizeof(*report))
		return rg_fail(&report->err, RG_SYSTEM, "guardian-died",
			"the guardian process ended early; the target runs on");
	if (report->err.code == RG_OK && (fds[0] < 0 || fds[1] < 0))
		return rg_fail(&report->err, RG_SYSTEM, "no-descriptors",
			"the frozen memory was not handed over");
	return report->err.code;
}

enum rg_code rg_guardian_start(struct rg_guardian *guardian, pid_t target, struct rg_error *err)
{
	struct report report = { 0 };
	int ends[2];
	enum rg_code code;

	*guardian = (struct rg_guardian){ .socket = -1, .mem_fd = -1, .maps_fd = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return rg_fail(err, RG_SYSTEM, "no-socket", "socketpair: %s", strerror(errno));
	guardian->pid = fork();
	if (guardian->pid == 0)
		guard(ends[1], target);
	close(ends[1]);
	guardian->socket = ends[0];
	if (guardian->pid < 0) {
		rg_guardian_release(guardian);
		return rg_fail(err, RG_SYSTEM, "no-fork", "fork: %s", strerror(errno));
	}
	code = receive_report(guardian, &report);
	guardian->pause_ns = report.pause_ns;
	guardian->stopped = report.stopped;
	if (code) {
		rg_guardian_release(guardian);
		if (err)
			*err = report.err;
	}
	return code;
}

void rg_guardian_let_go(struct rg_guardian *guardian)
{
	if (guardian->pid == 0)
		return;
	if (guardian->socket >= 0)
		close(guardian->socket);
	if (guardian->pid > 0)
		while (waitpid(guardian->pid, NULL, 0) < 0 && errno == EINTR)
			;
	guardian->socket = -1;
	guardian->pid = -1;
}

void rg_guardian_release(struct rg_guardian *guardian)
{
	if (guardian->pid == 0)
		return;
	if (guardian->mem_fd >= 0)
		close(guardian->mem_fd);
	if (guardian->maps_fd >= 0)
		close(guardian->maps_fd);
	rg_guardian_let_go(guardian);
	memset(guardian, 0, sizeof(*guardian));
}
