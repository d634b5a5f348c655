#include "src/emit/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heapdump/base/arena.h"
#include "heapdump/base/array.h"
#include "src/emit/escape.h"

#define MOST_DRAWING (256u << 20)
#define MOST_MESSAGES (64u << 10)
#define MESSAGE_COLUMNS 200

/* Bytes on their way from the child: its drawing, or what it had to say. */
struct stream {
	int fd; /* -1 at the end */
	char *bytes;
	size_t count, capacity, most;
};

enum { DRAWING, MESSAGES, N_STREAMS };

struct child {
	pid_t pid;
	struct stream streams[N_STREAMS];
};

/* The child */

/* The descriptor of the drawing in the child; messages have 1 and 2, and nothing else is open. */
#define DRAWING_FD 3
#define OUT_OF_MEMORY 5 /* its exit status, where it lives to tell */

static int draw(const struct rg_apart *job)
{
	FILE *out = fdopen(DRAWING_FD, "w");
	struct rg_error err;
	enum rg_code code;

	rg_error_init(&err);
	if (!out)
		return EXIT_FAILURE;
	code = job->draw(job->subject, out, &err);
	if (code)
		fputs(err.message, stderr);
	if (!code && fclose(out))
		code = RG_SYSTEM;
	return code == RG_OK ? EXIT_SUCCESS : code == RG_NOMEM ? OUT_OF_MEMORY : EXIT_FAILURE;
}

/*
 * Keep the ends of the two pipes and close the rest: a library may call exit, and must not flush
 * into files that it shares with the parent.
 */
static bool keep_only(int drawing, int messages)
{
	drawing = fcntl(drawing, F_DUPFD, DRAWING_FD + 1);
	messages = fcntl(messages, F_DUPFD, DRAWING_FD + 1);
	if (drawing < 0 || messages < 0 || dup2(messages, 1) < 0 || dup2(messages, 2) < 0 ||
		dup2(drawing, DRAWING_FD) < 0)
		return false;
	close(0);
#ifdef SYS_close_range
	syscall(SYS_close_range, DRAWING_FD + 1, ~0u, 0);
#endif
	return true;
}

/* Die with the parent, of too much time, and without a dump of what a heap holds. */
static void restrain(pid_t parent, unsigned seconds)
{
	struct rlimit limit = { seconds, seconds + 1 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	prctl(PR_SET_DUMPABLE, 0);
	signal(SIGXCPU, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	/* where this fails a stricter limit is in force already */
	setrlimit(RLIMIT_CPU, &limit);
}

static _Noreturn void run_child(const struct rg_apart *job, pid_t parent, int drawing, int messages)
{
	restrain(parent, job->seconds);
	if (!keep_only(drawing, messages))
		_exit(EXIT_FAILURE);
	_exit(draw(job));
}

/* The parent */

static void close_pipes(int pipes[N_STREAMS][2])
{
	for (int i = 0; i < N_STREAMS; i++)
		for (int end = 0; end < 2; end++)
			if (pipes[i][end] >= 0)
				close(pipes[i][end]);
}

static enum rg_code start(struct child *child, const struct rg_apart *job, struct rg_error *err)
{
	int pipes[N_STREAMS][2] = { { -1, -1 }, { -1, -1 } };
	pid_t parent = getpid();
	enum rg_code code = RG_OK;

	if (pipe2(pipes[DRAWING], O_CLOEXEC) || pipe2(pipes[MESSAGES], O_CLOEXEC))
		code = rg_fail(
			err, RG_SYSTEM, "no-pipe", "cannot open a pipe: %s", strerror(errno));
	else if ((child->pid = fork()) == 0)
		run_child(job, parent, pipes[DRAWING][1], pipes[MESSAGES][1]);
	else if (child->pid < 0)
		code = rg_fail(err, RG_SYSTEM, "no-process",
			"cannot start a process for the layout: %s", strerror(errno));
	if (code != RG_OK) {
		close_pipes(pipes);
		return code;
	}
	for (int i = 0; i < N_STREAMS; i++) {
		close(pipes[i][1]);
		child->streams[i].fd = pipes[i][0];
	}
	return RG_OK;
}

/* Read what is there, up to the stream's most and one byte more; then the rest is dropped. */
static enum rg_code read_some(struct stream *stream, struct rg_error *err)
{
	char dropped[4096];
	size_t room = stream->most + 1 - stream->count;
	char *into = dropped;
	ssize_t got;

	if (room == 0 || room > sizeof(dropped))
		room = sizeof(dropped);
	if (stream->count <= stream->most) {
		if (!rg_array_reserve(&stream->bytes, &stream->capacity, stream->count + room, 1))
			return rg_nomem(err);
		into = stream->bytes + stream->count;
	}
	got = read(stream->fd, into, room);
	if (got < 0 && errno != EINTR && errno != EAGAIN)
		return rg_fail(err, RG_SYSTEM, "read-failed",
			"cannot read from the layout's process: %s", strerror(errno));
	if (got > 0 && into != dropped)
		stream->count += (size_t)got;
	if (got == 0) {
		close(stream->fd);
		stream->fd = -1;
	}
	return RG_OK;
}

/* Read both streams to their ends. */
static enum rg_code collect(struct child *child, struct rg_error *err)
{
	struct stream *streams = child->streams;

	while (streams[DRAWING].fd >= 0 || streams[MESSAGES].fd >= 0) {
		struct pollfd polled[N_STREAMS];

		for (int i = 0; i < N_STREAMS; i++)
			polled[i] = (struct pollfd){ .fd = streams[i].fd, .events = POLLIN };
		if (poll(polled, N_STREAMS, -1) < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			return rg_fail(err, RG_SYSTEM, "poll-failed",
				"cannot wait for the layout's process: %s", strerror(errno));
		}
		for (int i = 0; i < N_STREAMS; i++)
			if (polled[i].revents && read_some(&streams[i], err) != RG_OK)
				return err->code;
		if (streams[DRAWING].count > streams[DRAWING].most)
			return rg_fail(err, RG_LIMIT, "drawing-too-big",
				"the drawing is larger than %u MiB", MOST_DRAWING >> 20);
	}
	return RG_OK;
}

/* What it had to say, on one line and fit to be shown. */
static const char *complaint(struct rg_arena *arena, const struct stream *messages)
{
	size_t count = messages->count;

	for (size_t i = 0; i < count; i++)
		if (messages->bytes[i] == '\n')
			messages->bytes[i] = ' ';
	while (count && messages->bytes[count - 1] == ' ')
		count--;
	return count ? rg_escape_display(arena, messages->bytes, count, MESSAGE_COLUMNS)
		     : "it does not say why";
}

/* What the end of the child means. */
static enum rg_code judge(
	const struct child *child, const struct rg_apart *job, int status, struct rg_error *err)
{
	struct rg_arena arena = { 0 };
	const char *said = complaint(&arena, &child->streams[MESSAGES]);
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (number == SIGXCPU || number == SIGKILL)
		rg_fail(err, RG_LIMIT, "layout-time",
			"the layout takes more than %u s of processor time", job->seconds);
	else if (number)
		rg_fail(err, RG_SYSTEM, "layout-crashed", "%s was stopped by signal %d: %s",
			job->by, number, said);
	else if (WEXITSTATUS(status) == OUT_OF_MEMORY)
		rg_nomem(err);
	else if (WEXITSTATUS(status) != EXIT_SUCCESS || !child->streams[DRAWING].count)
		rg_fail(err, RG_SYSTEM, "layout-failed", "%s cannot draw this: %s", job->by, said);
	else
		err->code = RG_OK;
	rg_arena_deinit(&arena);
	return err->code;
}

/* Release all of CHILD but its drawing; after CODE, which is not its own, it is killed. */
static enum rg_code finish(
	struct child *child, const struct rg_apart *job, enum rg_code code, struct rg_error *err)
{
	int status = 0;
	pid_t reaped;

	for (int i = 0; i < N_STREAMS; i++)
		if (child->streams[i].fd >= 0)
			close(child->streams[i].fd);
	if (code != RG_OK)
		kill(child->pid, SIGKILL);
	do
		reaped = waitpid(child->pid, &status, 0);
	while (reaped < 0 && errno == EINTR);
	if (code == RG_OK && reaped < 0)
		code = rg_fail(err, RG_SYSTEM, "wait-failed",
			"cannot tell how the layout's process ended: %s", strerror(errno));
	else if (code == RG_OK)
		code = judge(child, job, status, err);
	free(child->streams[MESSAGES].bytes);
	return code;
}

enum rg_code rg_apart_draw(
	const struct rg_apart *job, char **bytes_ret, size_t *count_ret, struct rg_error *err)
{
	struct child child = { .streams = {
				       [DRAWING] = { .fd = -1, .most = MOST_DRAWING },
				       [MESSAGES] = { .fd = -1, .most = MOST_MESSAGES },
			       } };
	enum rg_code code = start(&child, job, err);

	if (code != RG_OK)
		return code;
	code = finish(&child, job, collect(&child, err), err);
	if (code != RG_OK) {
		free(child.streams[DRAWING].bytes);
		return code;
	}
	*bytes_ret = child.streams[DRAWING].bytes;
	*count_ret = child.streams[DRAWING].count;
	return RG_OK;
}

/* --- what becomes of it ------------------------------------------------------------------- */

bool rg_apart_put_label(const char *label, FILE *out)
{
	struct rg_arena arena = { 0 };
	bool done;

	label = rg_escape_xml(&arena, label, strlen(label), MESSAGE_COLUMNS);
	done = !arena.failed && fprintf(out, "role=\"img\" aria-label=\"%s\" ", label) > 0;
	rg_arena_deinit(&arena);
	return done;
}
