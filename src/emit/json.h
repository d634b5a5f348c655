/* An answer as JSON, and the schema of that JSON: both from the answer's description. */
#ifndef RG_EMIT_JSON_H
#define RG_EMIT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "heapdump/base/error.h"
#include "src/answer/answer.h"

/* Write ANSWER's record at DATA; STABLE leaves out what differs from run to run. */
enum rg_code rg_json_write(const struct rg_answer *answer, const void *data, bool stable, FILE *out,
	struct rg_error *err);

/* Write the JSON schema (draft 2020-12) of ANSWER. */
enum rg_code rg_json_schema(const struct rg_answer *answer, FILE *out, struct rg_error *err);

/* TEXT as a JSON string, invalid bytes replaced; null for NULL. */
json_t *rg_json_string(const char *text);

/*
 * Write VALUE with nothing in it that a terminal could obey: besides what JSON escapes, DEL, the
 * C1 controls, and marks that turn the direction of text. False where it cannot be written.
 */
bool rg_json_dump(const json_t *value, FILE *out, size_t flags);

#endif
