/*
 * Redaction: a snapshot with the same graph, sizes and counts, but without what people called
 * things and what was in them, so that it can be shown to strangers.
 *
 * A name becomes x and eight hexadecimal digits of its hash, part by part ("app.cache.Cache" is
 * three), the same in every file, so that two snapshots can still be compared; who guesses a name
 * can check the guess. Clear stay what Python itself ships: types of the standard library and in
 * the binary, its modules, names such as __init__ and <lambda>, the names of interpreter roots.
 * Values go, but for texts, which may be keys: those are hashed. The command line goes.
 */
#ifndef RG_SNAPSHOT_REDACT_H
#define RG_SNAPSHOT_REDACT_H

#include <stdint.h>
#include <stdio.h>

#include "heapdump/base/error.h"

#define RG_REDACTED 512 /* bytes of a redacted name, at most, with the end */

enum rg_redact_what {
	RG_REDACT_VALUES, /* previews of values and the command line go, names stay */
	RG_REDACT_NAMES, /* all of the above */
};

/*
 * Write the snapshot at DATA (FILE names it in messages) without WHAT to OUT. Of a damaged one
 * what is good is written, without an end. O(size) time; memory for its strings.
 */
enum rg_code rg_redact(const uint8_t *data, size_t size, const char *file, enum rg_redact_what what,
	FILE *out, struct rg_error *err);

/* What NAME becomes, terminated. */
void rg_redact_name(const char *name, char out[RG_REDACTED]);

#endif
