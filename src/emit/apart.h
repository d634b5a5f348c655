/*
 * Drawing in a child process: what takes too long, crashes or leaks does no harm there. It has a
 * limit on its processor time, no file of the parent's, and dies with that. What it prints becomes
 * part of the error, or is dropped; nothing is printed here.
 *
 * The caller must not reap children it did not start while this runs.
 */
#ifndef RG_EMIT_APART_H
#define RG_EMIT_APART_H

#include <stdbool.h>
#include <stdio.h>

#include "heapdump/base/error.h"

struct rg_apart {
	/* write a drawing of SUBJECT to OUT; what it says of a failure on stderr is told as well */
	enum rg_code (*draw)(const void *subject, FILE *out, struct rg_error *err);
	const void *subject;
	const char *by; /* who draws, for messages: "graphviz" */
	unsigned seconds; /* of processor time */
};

/*
 * Do JOB; after RG_OK the caller frees the bytes. RG_LIMIT, "layout-time", where it takes too long,
 * RG_SYSTEM where it fails, RG_NOMEM here or there.
 */
enum rg_code rg_apart_draw(
	const struct rg_apart *job, char **bytes_ret, size_t *count_ret, struct rg_error *err);

/* The role and the name of an SVG picture, for those who do not see it: attributes of its tag. */
bool rg_apart_put_label(const char *label, FILE *out);

#endif
