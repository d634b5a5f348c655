/*
 * Reading a file or a pipe once, from its start to its end, in constant memory. What is
 * compressed with zstd is decompressed on the way.
 */
#ifndef RG_BASE_STREAM_H
#define RG_BASE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapdump/base/file.h"

#define RG_STREAM_HEAD 64u

struct rg_stream {
	const char *path; /* for messages; stays the caller's */
	int fd;
	bool owned, ended, regular; /* regular: a file by name, which can be opened again */
	void *zstd; /* the decompressor, or NULL */
	uint8_t *input; /* what was read and not yet taken */
	size_t input_size, input_at;
	uint8_t head[RG_STREAM_HEAD]; /* what was looked at in advance */
	size_t head_size, head_at;
};

/* Open PATH ("-": standard input, which stays open). RG_SYSTEM where it cannot be opened. */
enum rg_code rg_stream_open(struct rg_stream *stream, const char *path, struct rg_error *err);
/* Safe on a zeroed stream. */
void rg_stream_close(struct rg_stream *stream);

/* The first RG_STREAM_HEAD bytes, or all where there are fewer: STREAM->head, head_size. */
enum rg_code rg_stream_look(struct rg_stream *stream, struct rg_error *err);

/* At most SIZE > 0 bytes; *GOT_RET is 0 at the end only. A cut zstd frame ends where it is cut. */
enum rg_code rg_stream_read(
	struct rg_stream *stream, void *bytes, size_t size, size_t *got_ret, struct rg_error *err);

/*
 * All that is left, in memory; nothing more is read once there are MOST bytes. The caller releases
 * it with rg_bytes_deinit.
 */
enum rg_code rg_stream_rest(
	struct rg_stream *stream, size_t most, struct rg_bytes *bytes_ret, struct rg_error *err);

#endif
