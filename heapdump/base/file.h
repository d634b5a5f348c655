/*
 * Files: reading one whole, and writing one that appears only when it is complete.
 */
#ifndef RG_BASE_FILE_H
#define RG_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "heapdump/base/error.h"

/* The bytes of a file: mapped read-only, or allocated (decompressed, read from a pipe). */
struct rg_bytes {
	const uint8_t *data;
	size_t size;
	bool mapped;
};

/*
 * The whole of PATH ("-" is standard input). A zstd-compressed file is decompressed. Fails with
 * RG_SYSTEM where it cannot be opened, RG_BAD_DATA where it is a directory or broken zstd, RG_LIMIT
 * where it is no file and does not end within 256 MiB.
 * The caller releases it with rg_bytes_deinit.
 */
enum rg_code rg_bytes_init(struct rg_bytes *bytes, const char *path, struct rg_error *err);
void rg_bytes_deinit(struct rg_bytes *bytes);
/* What is mapped may leave memory until it is read again: most of it was read for the last time. */
void rg_bytes_rest(const struct rg_bytes *bytes);

/* The whole of the regular file FD, which may be closed afterwards; PATH is for messages. */
enum rg_code rg_bytes_map(struct rg_bytes *bytes, int fd, const char *path, struct rg_error *err);

/*
 * The first bytes, at most SIZE, of the regular file PATH, and how many there are: 0 for what is
 * no regular file, of which a pipe would wait for its writer. Allocates nothing.
 */
size_t rg_file_start(const char *path, void *bytes, size_t size);

/* A file without a name, in $TMPDIR or /tmp, to write and read; NULL: err says why. */
FILE *rg_file_temporary(struct rg_error *err);

/* A file being written under a temporary name in the folder of its final one. */
struct rg_output {
	char *path, *temporary; /* temporary: NULL where PATH is written to as it is */
	FILE *stream;
};

/*
 * Start writing PATH with MODE (0600 for what holds a heap's values). Where PATH is a device or a
 * pipe it is written to as it is; where it is a link, the file it names is the one replaced.
 */
enum rg_code rg_output_open(
	struct rg_output *out, const char *path, unsigned mode, struct rg_error *err);
/* Flush, check and rename: after RG_OK the file is whole and in place. Always releases OUT. */
enum rg_code rg_output_commit(struct rg_output *out, struct rg_error *err);
/* Give up: the temporary file goes. Safe on an OUT that is zeroed or committed. */
void rg_output_abandon(struct rg_output *out);

/* Remove the temporary files of all that is open: safe in a signal handler. */
void rg_output_remove_all(void);

#endif
