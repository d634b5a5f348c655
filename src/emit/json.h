/* An answer as JSON, and the schema of that JSON: both from the answer's description. */
#ifndef RG_EMIT_JSON_H
#define RG_EMIT_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "heapdump/base/error.h"
#include "src/answer/answer.h"

/* Write ANSWER's record at DATA; STABLE leaves out what differs from run to run. */
enum rg_code rg_json_write(const struct rg_answer *answer, const void *data, bool stable, FILE *out,
	struct rg_error *err);

/* Write the JSON schema (draft 2020-12) of ANSWER. */
enum rg_code rg_json_schema(const struct rg_answer *answer, FILE *out, struct rg_error *err);

/*
 * Write TEXT as a JSON string, invalid bytes replaced; null for NULL. Nothing in it is left that a
 * terminal could obey: besides what JSON escapes, DEL, the C1 controls, and marks that turn the
 * direction of text. Allocates nothing.
 */
void rg_json_put_string(const char *text, FILE *out);

#endif
