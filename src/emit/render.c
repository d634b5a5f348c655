#include "src/emit/render.h"

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

#include <graphviz/gvc.h>

#include "heapdump/base/arena.h"
#include "heapdump/base/array.h"
#include "src/emit/dot.h"
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

struct format {
	const char *graphviz; /* its name there; NULL: no layout */
	const char *what; /* it is, for a message */
	/* write what graphviz drew, with what it left wrong put right */
	bool (*put)(const struct rg_picture *picture, const struct stream *drawing, FILE *out);
};

/* One attempt at drawing. */
struct job {
	const struct rg_picture *picture;
	const struct format *format;
	enum rg_dot_form form;
	unsigned seconds;
};

enum { DRAWING, MESSAGES, N_STREAMS };

struct child {
	pid_t pid;
	struct stream streams[N_STREAMS];
};

/* The child */

/* The descriptor of the drawing in the child; messages have 1 and 2, and nothing else is open. */
#define DRAWING_FD 3
#define OUT_OF_MEMORY 5 /* its exit status, where graphviz lives to tell */

static int report(char *text)
{
	return fputs(text, stderr);
}

/* The child's exit status. */
static int end_of(enum rg_code code)
{
	return code == RG_OK ? EXIT_SUCCESS : code == RG_NOMEM ? OUT_OF_MEMORY : EXIT_FAILURE;
}

static int draw(const struct job *job)
{
	FILE *out = fdopen(DRAWING_FD, "w");
	struct rg_error err;
	Agraph_t *graph;
	GVC_t *gvc;

	agseterrf(report);
	if (!out)
		return EXIT_FAILURE;
	if (!job->format->graphviz)
		return end_of(rg_dot_write(job->picture, out, &err));
	if (rg_dot_build(job->picture, job->form, &graph, &err) != RG_OK) {
		report(err.message);
		return end_of(err.code);
	}
	gvc = gvContext();
	if (!gvc || gvLayout(gvc, graph, "dot") || gvRender(gvc, graph, job->format->graphviz, out))
		return EXIT_FAILURE;
	return fclose(out) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/*
 * Keep the ends of the two pipes and close the rest: graphviz may call exit, and must not flush
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

static _Noreturn void run_child(const struct job *job, pid_t parent, int drawing, int messages)
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

static enum rg_code start(struct child *child, const struct job *job, struct rg_error *err)
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

/* What graphviz had to say, on one line and fit to be shown. */
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
	const struct child *child, const struct job *job, int status, struct rg_error *err)
{
	struct rg_arena arena = { 0 };
	const char *said = complaint(&arena, &child->streams[MESSAGES]);
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (number == SIGXCPU || number == SIGKILL)
		rg_fail(err, RG_LIMIT, "layout-time",
			"the layout takes more than %u s of processor time", job->seconds);
	else if (number)
		rg_fail(err, RG_SYSTEM, "layout-crashed", "graphviz was stopped by signal %d: %s",
			number, said);
	else if (WEXITSTATUS(status) == OUT_OF_MEMORY)
		rg_nomem(err);
	else if (WEXITSTATUS(status) != EXIT_SUCCESS || !child->streams[DRAWING].count)
		rg_fail(err, RG_SYSTEM, "layout-failed", "graphviz cannot draw this: %s", said);
	else
		err->code = RG_OK;
	rg_arena_deinit(&arena);
	return err->code;
}

/* Release all of CHILD but its drawing; after CODE, which is not its own, it is killed. */
static enum rg_code finish(
	struct child *child, const struct job *job, enum rg_code code, struct rg_error *err)
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

/* Do JOB; after RG_OK the caller frees the bytes of DRAWING. */
static enum rg_code attempt(const struct job *job, struct stream *drawing, struct rg_error *err)
{
	struct child child = { .streams = {
				       [DRAWING] = { .fd = -1, .most = MOST_DRAWING },
				       [MESSAGES] = { .fd = -1, .most = MOST_MESSAGES },
			       } };
	enum rg_code code = start(&child, job, err);

	if (code != RG_OK)
		return code;
	code = finish(&child, job, collect(&child, err), err);
	if (code == RG_OK)
		*drawing = child.streams[DRAWING];
	else
		free(child.streams[DRAWING].bytes);
	return code;
}

/* The formats */

static bool put_text(FILE *out, const char *text, size_t length)
{
	return fwrite(text, 1, length, out) == length;
}

/* The name of the drawing for those who do not see it. */
static bool put_role(const struct rg_picture *picture, FILE *out)
{
	struct rg_arena arena = { 0 };
	const char *title = picture->title ? picture->title : "";
	const char *subtitle = picture->subtitle ? picture->subtitle : "";
	const char *label = rg_arena_print(
		&arena, "%s%s%s", title, *subtitle ? " · " : "", subtitle);
	bool done;

	label = rg_escape_xml(&arena, label, strlen(label), MESSAGE_COLUMNS);
	done = !arena.failed && fprintf(out, "role=\"img\" aria-label=\"%s\" ", label) > 0;
	rg_arena_deinit(&arena);
	return done;
}

/*
 * graphviz draws the background with a stroke "transparent", which SVG 1.1 does not know. Neither
 * text found here can be one of the heap's: graphviz writes their < and " as entities.
 */
static bool put_svg(const struct rg_picture *picture, const struct stream *drawing, FILE *out)
{
	static const char start_tag[] = "<svg ", wrong[] = "stroke=\"transparent\"";
	const char *at = drawing->bytes, *end = at + drawing->count, *found;

	found = at ? memmem(at, (size_t)(end - at), start_tag, strlen(start_tag)) : NULL;
	if (!found)
		return false;
	found += strlen(start_tag);
	if (!put_text(out, at, (size_t)(found - at)) || !put_role(picture, out))
		return false;
	for (at = found; (found = memmem(at, (size_t)(end - at), wrong, strlen(wrong)));
		at = found + strlen(wrong))
		if (!put_text(out, at, (size_t)(found - at)) || fputs("stroke=\"none\"", out) < 0)
			return false;
	return put_text(out, at, (size_t)(end - at));
}

static bool put_bytes(const struct rg_picture *picture, const struct stream *drawing, FILE *out)
{
	(void)picture;
	return put_text(out, drawing->bytes, drawing->count);
}

static const struct format formats[RG_RENDER_FORMATS] = {
	[RG_RENDER_SVG] = { "svg", "the drawing", put_svg },
	[RG_RENDER_PNG] = { "png", "the drawing", put_bytes },
	[RG_RENDER_DOT] = { NULL, "DOT", put_bytes },
};

/* Whether to try a simpler form: graphviz had too much to do, or took a wrong turn. */
static bool is_worth_another(const struct rg_error *err)
{
	return !strcmp(err->name, "layout-time") || !strcmp(err->name, "layout-crashed");
}

static enum rg_code lay_out(const struct rg_picture *picture, const struct format *format,
	struct rg_render_limits limits, struct stream *drawing, struct rg_error *err)
{
	struct job full = { picture, format, RG_DOT_FULL, limits.full };
	struct job simple = { picture, format, RG_DOT_SIMPLE, limits.simple };
	struct rg_error again;
	enum rg_code code;

	if (!limits.full)
		return attempt(&simple, drawing, err);
	if (!format->graphviz)
		return attempt(&full, drawing, err);
	code = attempt(&full, drawing, err);
	if (code == RG_OK || !is_worth_another(err))
		return code;
	if (attempt(&simple, drawing, &again) != RG_OK)
		return code;
	rg_error_init(err);
	return RG_OK;
}

enum rg_code rg_render(const struct rg_picture *picture, enum rg_render_format format,
	struct rg_render_limits limits, FILE *out, struct rg_error *err)
{
	struct stream drawing = { 0 };
	struct rg_error own;
	enum rg_code code;

	if (!err)
		err = &own;
	rg_error_init(err);
	if (rg_dot_check(picture, err) != RG_OK)
		return err->code;
	code = lay_out(picture, &formats[format], limits, &drawing, err);
	if (code != RG_OK)
		return rg_hint(err, "draw less of it, or write DOT (-o FILE.dot) and lay that out");
	errno = 0;
	if (!formats[format].put(picture, &drawing, out) || fflush(out) || ferror(out)) {
		if (errno == ENOMEM && !ferror(out))
			code = rg_nomem(err);
		else
			code = rg_fail(err, RG_SYSTEM, "write-failed", "cannot write %s: %s",
				formats[format].what, strerror(errno ? errno : EIO));
	}
	free(drawing.bytes);
	return code;
}

enum rg_code rg_render_svg(const struct rg_picture *picture, FILE *out, struct rg_error *err)
{
	return rg_render(picture, RG_RENDER_SVG, RG_RENDER_LIMITS, out, err);
}
