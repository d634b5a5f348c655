#include "heapdump/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "heapdump/base/array.h"

#define ZSTD_MAGIC 0xfd2fb528u
#define STREAM_LIMIT (256 << 20) /* bytes of what has no size */

static enum rg_code fail_open(struct rg_error *err, const char *path)
{
	int error = errno;

	if (error == ENOMEM)
		return rg_nomem(err);
	rg_fail(err, RG_SYSTEM, "cannot-open", "%s: %s", path, strerror(error));
	if (error == ENOENT)
		rg_hint(err, "give a pid, or a snapshot written by: refgraph dump PID");
	return rg_at_file(err, path, RG_NO_OFFSET);
}

static enum rg_code read_stream(
	struct rg_bytes *bytes, int fd, const char *path, struct rg_error *err)
{
	uint8_t *data = NULL;
	size_t size = 0, capacity = 0;

	for (;;) {
		ssize_t n;

		if (size > STREAM_LIMIT) {
			free(data);
			return rg_fail(err, RG_LIMIT, "too-long",
				"%s: more than %d MiB, and no end of it", path,
				STREAM_LIMIT >> 20);
		}
		if (!rg_array_reserve(&data, &capacity, size + (1 << 20), 1)) {
			free(data);
			return rg_nomem(err);
		}
		n = read(fd, data + size, capacity - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(data);
			return rg_fail(
				err, RG_SYSTEM, "cannot-read", "%s: %s", path, strerror(errno));
		}
		if (n == 0)
			break;
		size += (size_t)n;
	}
	*bytes = (struct rg_bytes){ .data = data, .size = size };
	return RG_OK;
}

static enum rg_code map_file(
	struct rg_bytes *bytes, int fd, size_t size, const char *path, struct rg_error *err)
{
	void *data;

	if (size == 0)
		return read_stream(bytes, fd, path, err);
	data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED && errno == ENOMEM)
		return rg_nomem(err);
	if (data == MAP_FAILED)
		return rg_fail(err, RG_SYSTEM, "cannot-map", "%s: %s", path, strerror(errno));
	*bytes = (struct rg_bytes){ .data = data, .size = size, .mapped = true };
	return RG_OK;
}

/* Replace compressed BYTES by what they hold. */
static enum rg_code decompress(struct rg_bytes *bytes, const char *path, struct rg_error *err)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer in = { bytes->data, bytes->size, 0 };
	uint8_t *data = NULL;
	size_t size = 0, capacity = 0, rest = 1;
	enum rg_code code = context ? RG_OK : rg_nomem(err);

	while (!code && (in.pos < in.size || rest != 0)) {
		ZSTD_outBuffer out;
		size_t before = in.pos;

		if (!rg_array_reserve(&data, &capacity, size + (1 << 20), 1)) {
			code = rg_nomem(err);
			break;
		}
		out = (ZSTD_outBuffer){ data + size, capacity - size, 0 };
		rest = ZSTD_decompressStream(context, &out, &in);
		size += out.pos;
		if (ZSTD_getErrorCode(rest) == ZSTD_error_memory_allocation)
			code = rg_nomem(err);
		else if (ZSTD_isError(rest))
			code = rg_fail(err, RG_BAD_DATA, "bad-zstd",
				"%s: broken zstd data near offset %zu: %s", path, in.pos,
				ZSTD_getErrorName(rest));
		/* a truncated stream: keep what there is, its reader says where it ends */
		else if (out.pos == 0 && in.pos == before)
			break;
	}
	ZSTD_freeDCtx(context);
	if (code) {
		free(data);
		return code;
	}
	rg_bytes_deinit(bytes);
	*bytes = (struct rg_bytes){ .data = data, .size = size };
	return RG_OK;
}

enum rg_code rg_bytes_init(struct rg_bytes *bytes, const char *path, struct rg_error *err)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	enum rg_code code;
	uint32_t magic;

	memset(bytes, 0, sizeof(*bytes));
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_open(err, path);
	if (S_ISDIR(st.st_mode)) {
		code = rg_fail(err, RG_BAD_DATA, "directory",
			"%s: a directory, expected a snapshot file", path);
		rg_hint(err, "give one of the files in it");
	} else if (S_ISREG(st.st_mode) && !standard)
		code = map_file(bytes, fd, (size_t)st.st_size, path, err);
	else
		code = read_stream(bytes, fd, path, err);
	if (!standard)
		close(fd);
	if (code)
		return code;
	if (bytes->size >= sizeof(magic)) {
		memcpy(&magic, bytes->data, sizeof(magic));
		if (magic == ZSTD_MAGIC)
			code = decompress(bytes, path, err);
	}
	if (code)
		rg_bytes_deinit(bytes);
	return code;
}

void rg_bytes_deinit(struct rg_bytes *bytes)
{
	if (bytes->mapped)
		munmap((void *)bytes->data, bytes->size);
	else
		free((void *)bytes->data);
	memset(bytes, 0, sizeof(*bytes));
}

void rg_bytes_rest(const struct rg_bytes *bytes)
{
	/* advice: where it is not taken nothing is lost */
	if (bytes->mapped)
		madvise((void *)bytes->data, bytes->size, MADV_DONTNEED);
}

enum rg_code rg_bytes_map(struct rg_bytes *bytes, int fd, const char *path, struct rg_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail_open(err, path);
	return map_file(bytes, fd, (size_t)st.st_size, path, err);
}

size_t rg_file_start(const char *path, void *bytes, size_t size)
{
	struct stat st;
	ssize_t n = 0;
	int fd;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = pread(fd, bytes, size, 0);
	close(fd);
	return n < 0 ? 0 : (size_t)n;
}

/* A signal that ends the program waits until a file just made is unlinked or noted to be. */
static void hold_signals(sigset_t *before)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigaddset(&ending, SIGQUIT);
	sigaddset(&ending, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &ending, before);
}

static void release_signals(const sigset_t *before)
{
	int error = errno;

	pthread_sigmask(SIG_SETMASK, before, NULL);
	errno = error;
}

FILE *rg_file_temporary(struct rg_error *err)
{
	const char *folder = getenv("TMPDIR");
	sigset_t before;
	char *path = NULL;
	FILE *file = NULL;
	int fd = -1;

	if (asprintf(&path, "%s/refgraph.XXXXXX", folder && *folder ? folder : "/tmp") < 0) {
		rg_nomem(err);
		return NULL;
	}
	hold_signals(&before);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	release_signals(&before);
	if (fd >= 0)
		file = fdopen(fd, "w+");
	if (!file && errno == ENOMEM)
		rg_nomem(err);
	else if (!file) {
		rg_fail(err, RG_SYSTEM, "cannot-write", "%s: cannot write there: %s", path,
			strerror(errno));
		rg_hint(err, "choose another folder with TMPDIR");
	}
	if (!file && fd >= 0)
		close(fd);
	free(path);
	return file;
}

/* --- writing ------------------------------------------------------------------------------ */

/* The temporary files there are, for a signal handler to remove: a program has one or two. */
#define UNFINISHED 4
static char *volatile unfinished[UNFINISHED];

static void note_unfinished(char *from, char *to)
{
	for (int i = 0; i < UNFINISHED; i++)
		if (unfinished[i] == from) {
			unfinished[i] = to;
			return;
		}
}

void rg_output_remove_all(void)
{
	for (int i = 0; i < UNFINISHED; i++)
		if (unfinished[i])
			unlink(unfinished[i]);
}

/* PATH cannot be written to, as errno says; OUT is released. */
static enum rg_code fail_output(struct rg_output *out, const char *path, struct rg_error *err)
{
	if (errno == ENOMEM) {
		rg_output_abandon(out);
		return rg_nomem(err);
	}
	rg_fail(err, RG_SYSTEM, "cannot-write", "%s: cannot write there: %s", path,
		strerror(errno));
	rg_output_abandon(out);
	return rg_hint(err, "choose another place with -o FILE");
}

enum rg_code rg_output_open(
	struct rg_output *out, const char *path, unsigned mode, struct rg_error *err)
{
	struct stat st;
	bool there = stat(path, &st) == 0;
	sigset_t before;
	int fd;

	memset(out, 0, sizeof(*out));
	/* what a link names is replaced, not the link */
	out->path = there ? realpath(path, NULL) : strdup(path);
	if (!out->path)
		return there ? fail_output(out, path, err) : rg_nomem(err);
	if (there && (!S_ISREG(st.st_mode) || strncmp(path, "/dev/", 5) == 0 ||
			     strncmp(path, "/proc/", 6) == 0)) {
		/* a device or a pipe is written to: renaming onto it would replace it */
		out->stream = fopen(out->path, "we");
		return out->stream ? RG_OK : fail_output(out, path, err);
	}
	if (asprintf(&out->temporary, "%s.XXXXXX", out->path) < 0) {
		out->temporary = NULL;
		rg_output_abandon(out);
		return rg_nomem(err);
	}
	hold_signals(&before);
	fd = mkostemp(out->temporary, O_CLOEXEC);
	if (fd >= 0)
		note_unfinished(NULL, out->temporary);
	release_signals(&before);
	if (fd < 0) {
		int error = errno;

		free(out->temporary);
		out->temporary = NULL;
		errno = error;
		return fail_output(out, path, err);
	}
	if (fchmod(fd, (mode_t)mode) < 0 || !(out->stream = fdopen(fd, "w"))) {
		enum rg_code code = fail_output(out, path, err);

		close(fd);
		return code;
	}
	return RG_OK;
}

enum rg_code rg_output_commit(struct rg_output *out, struct rg_error *err)
{
	bool bad = ferror(out->stream) != 0;
	int error = errno;

	if (fclose(out->stream) != 0) {
		error = errno;
		bad = true;
	}
	out->stream = NULL;
	if (!bad && out->temporary && rename(out->temporary, out->path) < 0) {
		error = errno;
		bad = true;
	}
	if (bad) {
		rg_fail(err, RG_SYSTEM, "cannot-write", "%s: not written: %s", out->path,
			strerror(error ? error : EIO));
		rg_hint(err, "free some space, or choose another place with -o FILE");
		rg_output_abandon(out);
		return RG_SYSTEM;
	}
	/* in place: nothing is left to remove */
	note_unfinished(out->temporary, NULL);
	free(out->temporary);
	out->temporary = NULL;
	rg_output_abandon(out);
	return RG_OK;
}

void rg_output_abandon(struct rg_output *out)
{
	if (out->stream)
		fclose(out->stream);
	if (out->temporary) {
		unlink(out->temporary);
		note_unfinished(out->temporary, NULL);
	}
	free(out->temporary);
	free(out->path);
	memset(out, 0, sizeof(*out));
}
