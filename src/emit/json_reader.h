/* An answer that was written as JSON, read back by its description. */
#ifndef RG_EMIT_JSON_READER_H
#define RG_EMIT_JSON_READER_H

#include "heapdump/base/arena.h"
#include "heapdump/base/error.h"
#include "src/answer/answer.h"

#define RG_JSON_MOST (32u << 20) /* bytes of a file that is read */

/*
 * Fill the zeroed record DATA of ANSWER from the file PATH ("-": standard input). All its names
 * must be there but those that may be left out; further ones are passed over. RG_BAD_DATA tells the
 * line, or the name that is missing or of another type; RG_LIMIT where it is too large. What a
 * list says it shows is what it has; nothing else is checked.
 */
enum rg_code rg_json_read(const struct rg_answer *answer, const char *path, void *data,
	struct rg_arena *arena, struct rg_error *err);

#endif
