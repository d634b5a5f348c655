#include "heapdump/agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "heapdump/agent/self.h"
#include "heapdump/base/clock.h"
#include "heapdump/base/file.h"
#include "heapdump/capture/facts.h"
#include "heapdump/cpython/passes.h"
#include "heapdump/image/process.h"

#define EXPORT __attribute__((visibility("default")))
#define SHIFT 3 /* objects are aligned to 8 bytes at least */
#define MODE 0600 /* a snapshot holds values */

/* What the child is told of the process that it is a copy of. */
struct order {
	const char *path;
	bool values, sites;
	pid_t pid;
	uint64_t start_ns; /* when the fork began */
};

/* --- the child ---------------------------------------------------------------------------- */

static void write_facts(struct rg_writer *writer, const struct order *order,
	const struct rg_runtime *runtime, const struct rg_gc_state *gc)
{
	struct rg_process process;

	rg_facts_runtime(writer, runtime, "agent", PACKAGE_STRING, time(NULL));
	rg_writer_fact_number(writer, "pid", order->pid);
	if (rg_process_read(&process, order->pid, NULL) == RG_OK) {
		/* a command line may hold a password */
		if (order->values)
			rg_writer_fact_text(writer, "argv", process.command);
		rg_writer_fact_number(writer, "rss", (int64_t)process.rss);
	}
	rg_writer_fact_number(writer, "pause_ns", (int64_t)(rg_clock_ns() - order->start_ns));
	rg_facts_gc(writer, gc);
}

static enum rg_code walk(FILE *stream, const struct order *order, struct rg_error *err)
{
	struct rg_writer *writer = rg_writer_create(stream, SHIFT);
	struct rg_runtime runtime;
	struct rg_gc_state gc;
	struct rg_image image;
	enum rg_code code = writer ? rg_self_image(&image, err) : rg_nomem(err);

	if (!code)
		code = rg_runtime_find(&runtime, &image, err);
	if (!code)
		code = rg_runtime_gc(&runtime, &image, runtime.main, &gc, err);
	if (code)
		return code;
	write_facts(writer, order, &runtime, &gc);
	code = rg_walk_heap(&image, &runtime, writer,
		&(struct rg_walk_options){
			.values = order->values, .sites = order->sites, .inside = &rg_self_inside },
		err);
	return code ? code : rg_writer_finish(writer, err);
}

/* Never returns to Python: what the child has of it is only looked at. */
static void run_child(const struct order *order, int fd)
{
	struct rg_output out;
	struct rg_error err;
	enum rg_code code;
	ssize_t said = 0;

	rg_error_init(&err);
	rg_self_guard(fd);
	code = rg_output_open(&out, order->path, MODE, &err);
	if (!code) {
		code = walk(out.stream, order, &err);
		if (code)
			rg_output_abandon(&out);
		else
			code = rg_output_commit(&out, &err);
	}
	if (code)
		said = write(fd, err.message, strlen(err.message));
	_exit(said < 0 ? RG_SYSTEM : (int)code);
}

/* --- the process -------------------------------------------------------------------------- */

EXPORT int refgraph_agent_start(const char *path, unsigned flags, int *fd_ret)
{
	struct order order = { .path = path,
		.values = !(flags & REFGRAPH_AGENT_NO_VALUES),
		.sites = !(flags & REFGRAPH_AGENT_NO_SITES),
		.pid = getpid(),
		.start_ns = rg_clock_ns() };
	sigset_t all, before;
	int fds[2], error;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	/* no handler of the program's may run in the child */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pid = fork();
	error = errno;
	if (pid == 0)
		run_child(&order, fds[1]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(fds[1]);
	if (pid < 0)
		close(fds[0]);
	*fd_ret = fds[0];
	return pid < 0 ? -error : pid;
}

EXPORT int refgraph_agent_wait(int pid, int fd, char *message, size_t size)
{
	size_t used = 0;
	int status = 0;
	pid_t ended;
	ssize_t n;

	while (used + 1 < size) {
		n = read(fd, message + used, size - 1 - used);
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		used += n > 0 ? (size_t)n : 0;
	}
	message[used] = '\0';
	close(fd);
	while ((ended = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		continue;
	/* a program that ignores SIGCHLD is told nothing of how its children end */
	if (ended != pid)
		return used ? RG_SYSTEM : RG_OK;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (!used)
		snprintf(message, size, "the child that read the heap died of signal %d",
			WTERMSIG(status));
	return RG_SYSTEM;
}
