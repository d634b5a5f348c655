#include "heapdump/base/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "heapdump/base/array.h"

#define ZSTD_MAGIC 0xfd2fb528u
#define INPUT_SIZE ((size_t)256 << 10)

/* One read(2) of at most SIZE bytes. */
static enum rg_code read_straight(
	struct rg_stream *stream, void *bytes, size_t size, size_t *got_ret, struct rg_error *err)
{
	ssize_t n;

	do
		n = read(stream->fd, bytes, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return rg_fail(
			err, RG_SYSTEM, "cannot-read", "%s: %s", stream->path, strerror(errno));
	stream->ended = n == 0;
	*got_ret = (size_t)n;
	return RG_OK;
}

/* Read into the input buffer, behind what is there. */
static enum rg_code fill(struct rg_stream *stream, struct rg_error *err)
{
	size_t got = 0;
	enum rg_code code = read_straight(stream, stream->input + stream->input_size,
		INPUT_SIZE - stream->input_size, &got, err);

	stream->input_size += got;
	return code;
}

/* Whether it is compressed, by its first four bytes. */
static enum rg_code detect(struct rg_stream *stream, struct rg_error *err)
{
	uint32_t magic;

	while (!stream->ended && stream->input_size < sizeof(magic)) {
		enum rg_code code = fill(stream, err);

		if (code)
			return code;
	}
	if (stream->input_size < sizeof(magic))
		return RG_OK;
	memcpy(&magic, stream->input, sizeof(magic));
	if (magic != ZSTD_MAGIC)
		return RG_OK;
	stream->zstd = ZSTD_createDCtx();
	return stream->zstd ? RG_OK : rg_nomem(err);
}

enum rg_code rg_stream_open(struct rg_stream *stream, const char *path, struct rg_error *err)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	enum rg_code code;

	*stream = (struct rg_stream){ .path = path, .fd = fd, .owned = !standard && fd >= 0 };
	if (fd < 0 || fstat(fd, &st) < 0) {
		int error = errno;

		code = rg_fail(err, RG_SYSTEM, "cannot-open", "%s: %s", path, strerror(error));
		if (error == ENOENT)
			rg_hint(err, "give a pid, or a snapshot written by: refgraph dump PID");
		rg_at_file(err, path, RG_NO_OFFSET);
	} else if (S_ISDIR(st.st_mode)) {
		code = rg_fail(err, RG_BAD_DATA, "directory",
			"%s: a directory, expected a snapshot file", path);
		rg_hint(err, "give one of the files in it");
	} else {
		stream->regular = !standard && S_ISREG(st.st_mode);
		stream->input = malloc(INPUT_SIZE);
		code = stream->input ? detect(stream, err) : rg_nomem(err);
	}
	if (code)
		rg_stream_close(stream);
	return code;
}

void rg_stream_close(struct rg_stream *stream)
{
	if (stream->owned)
		close(stream->fd);
	ZSTD_freeDCtx(stream->zstd);
	free(stream->input);
	*stream = (struct rg_stream){ .fd = -1 };
}

/* The bytes as they came. */
static size_t take(struct rg_stream *stream, void *bytes, size_t size)
{
	size_t left = stream->input_size - stream->input_at, n = size < left ? size : left;

	memcpy(bytes, stream->input + stream->input_at, n);
	stream->input_at += n;
	return n;
}

static enum rg_code decompress(
	struct rg_stream *stream, void *bytes, size_t size, size_t *got_ret, struct rg_error *err)
{
	ZSTD_outBuffer out = { bytes, size, 0 };
	ZSTD_inBuffer in = { stream->input, stream->input_size, stream->input_at };
	size_t rest = ZSTD_decompressStream(stream->zstd, &out, &in);

	stream->input_at = in.pos;
	*got_ret = out.pos;
	if (ZSTD_getErrorCode(rest) == ZSTD_error_memory_allocation)
		return rg_nomem(err);
	if (ZSTD_isError(rest))
		return rg_fail(err, RG_BAD_DATA, "bad-zstd", "%s: broken zstd data: %s",
			stream->path, ZSTD_getErrorName(rest));
	return RG_OK;
}

enum rg_code rg_stream_read(
	struct rg_stream *stream, void *bytes, size_t size, size_t *got_ret, struct rg_error *err)
{
	enum rg_code code = RG_OK;

	*got_ret = 0;
	if (stream->head_at < stream->head_size) {
		size_t left = stream->head_size - stream->head_at, n = size < left ? size : left;

		memcpy(bytes, stream->head + stream->head_at, n);
		stream->head_at += n;
		*got_ret = n;
		return RG_OK;
	}
	while (!code && *got_ret == 0) {
		if (stream->input_at == stream->input_size) {
			stream->input_at = stream->input_size = 0;
			/* large pieces of what is not compressed need no copy */
			if (!stream->zstd && size >= INPUT_SIZE && !stream->ended)
				return read_straight(stream, bytes, size, got_ret, err);
			if (!stream->ended)
				code = fill(stream, err);
		}
		if (code)
			break;
		/* at the end the decompressor may still hold something */
		if (stream->zstd)
			code = decompress(stream, bytes, size, got_ret, err);
		else
			*got_ret = take(stream, bytes, size);
		if (stream->ended && *got_ret == 0)
			break;
	}
	return code;
}

enum rg_code rg_stream_look(struct rg_stream *stream, struct rg_error *err)
{
	size_t seen = 0, got = 1;

	while (got > 0 && seen < RG_STREAM_HEAD) {
		enum rg_code code = rg_stream_read(
			stream, stream->head + seen, RG_STREAM_HEAD - seen, &got, err);

		if (code)
			return code;
		seen += got;
	}
	stream->head_size = seen;
	return RG_OK;
}

enum rg_code rg_stream_rest(
	struct rg_stream *stream, size_t most, struct rg_bytes *bytes_ret, struct rg_error *err)
{
	uint8_t *data = NULL;
	size_t size = 0, capacity = 0, got = 1;
	enum rg_code code = RG_OK;

	while (!code && got > 0 && size < most) {
		if (!rg_array_reserve(&data, &capacity, size + (1 << 20), 1))
			code = rg_nomem(err);
		else
			code = rg_stream_read(stream, data + size, capacity - size, &got, err);
		if (!code)
			size += got;
	}
	if (code) {
		free(data);
		return code;
	}
	*bytes_ret = (struct rg_bytes){ .data = data, .size = size };
	return RG_OK;
}
