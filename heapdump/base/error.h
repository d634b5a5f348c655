/*
 * The one way in which a function of this project says what went wrong.
 *
 * A function that can fail returns an enum rg_code and takes a struct rg_error of the caller's
 * as its last parameter; the caller owns the storage. Nothing here allocates, so that running
 * out of memory can be reported. Out parameters (named *_ret) are written on success only.
 */
#ifndef RG_BASE_ERROR_H
#define RG_BASE_ERROR_H

#include <stdint.h>

enum rg_code {
	RG_OK = 0,
	RG_NOMEM, /* an allocation failed */
	RG_USAGE, /* the caller's words are off: option, selection, name */
	RG_NOT_FOUND, /* what was asked for is not in the heap */
	RG_BAD_DATA, /* the input is corrupt, truncated beyond use, or not understood */
	RG_SYSTEM, /* the system said no: permission, no such process, disk full */
	RG_LIMIT, /* a limit of time, size or memory was reached */
};

#define RG_NO_OFFSET UINT64_MAX

struct rg_error {
	enum rg_code code;
	const char *name; /* a static short word for scripts: "bad-checksum" */
	uint64_t offset; /* in the file, or RG_NO_OFFSET */
	int pid; /* the process it is about, or 0 */
	unsigned caret; /* the byte of the message that it is about, or 0 */
	char file[256]; /* the file it is about, or "" */
	char message[400]; /* one line: what, where, what was expected */
	char hint[300]; /* one line: what to do next, or "" */
};

/* An error that says nothing yet. */
void rg_error_init(struct rg_error *err);

/* Fill ERR (which may be NULL) and return CODE. NAME must be a static string. */
enum rg_code rg_fail(struct rg_error *err, enum rg_code code, const char *name, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));

/*
 * Add to a failure what to do next, the file and offset, or the process; all return err->code, and
 * RG_SYSTEM where ERR is NULL: who passes none only wants to know that it failed.
 */
enum rg_code rg_hint(struct rg_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
enum rg_code rg_at_file(struct rg_error *err, const char *file, uint64_t offset);
enum rg_code rg_at_pid(struct rg_error *err, int pid);

/* The failure of an allocation. */
enum rg_code rg_nomem(struct rg_error *err);

#endif
