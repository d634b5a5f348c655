/*
 * The NDJSON form of a snapshot; refgraph-ndjson(5) is its specification in words.
 *
 * Both ways stream: reading takes a line at a time and writes a snapshot, writing takes a block at
 * a time. Memory is needed for the longest line and for what has names: types, strings, ids that
 * are text; and, where a stream has no header, for the set of its ids.
 */
#ifndef RG_SNAPSHOT_NDJSON_H
#define RG_SNAPSHOT_NDJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "heapdump/base/error.h"
#include "heapdump/base/stream.h"
#include "heapdump/snapshot/format.h"

#define RG_NDJSON_FORMAT "refgraph-ndjson"
#define RG_NDJSON_MAJOR 1u
#define RG_NDJSON_MINOR 0u
#define RG_NDJSON_VERSION "1.0"
#define RG_NDJSON_LINE_LIMIT ((size_t)1 << 30) /* bytes of a line, at most */
#define RG_NDJSON_TEXT_LIMIT (64u << 10) /* bytes of a text that are kept */
#define RG_NDJSON_KEY_LIMIT 255u /* of the key of a fact */

/* Addresses of ids that are text: user space ends below, so they meet no real one. */
#define RG_NDJSON_MADE (UINT64_C(1) << 47)
#define RG_NDJSON_MADE_END (UINT64_C(1) << 48)
#define RG_NDJSON_MADE_STEP 16u

/* The names of the flags of a type, by bit. */
#define RG_NDJSON_TYPE_FLAGS 16u
extern const char *const rg_ndjson_type_flags[RG_NDJSON_TYPE_FLAGS];

/* The name of a kind of reference here: unlike rg_kind_table's, each has one of its own. */
const char *rg_ndjson_kind(enum rg_kind kind);

/* The names of the kinds of value; [0] is NULL. */
extern const char *const rg_ndjson_values[RG_VALUE_KIND_COUNT];

/* What reading has found. */
struct rg_ndjson_summary {
	uint64_t lines, objects, references;
	uint64_t uncounted; /* objects without a reference count */
	uint64_t added; /* objects that were only referred to */
	bool truncated;
	char damage[200]; /* why it ended early, or "" */
};

/* True when DATA starts like NDJSON: with '{', behind a byte order mark and space. */
bool rg_ndjson_knows(const uint8_t *data, size_t size);

/*
 * Read STREAM, as NDJSON, and write it to OUT as a snapshot. RG_BAD_DATA where the first record
 * makes no sense. Where a later one does not, or the end is missing, what stands before is written,
 * as a snapshot without an end block, and the summary says why. O(bytes).
 */
enum rg_code rg_ndjson_read(struct rg_stream *stream, FILE *out,
	struct rg_ndjson_summary *summary_ret, struct rg_error *err);

/*
 * Write the snapshot of SIZE bytes at DATA to OUT as NDJSON; FILE is for messages. Of a damaged one
 * what can be read is written, without an end record; DAMAGE (160 bytes) says why, or "".
 * RG_BAD_DATA where it is no snapshot. Whether all could be written OUT knows, and the caller asks.
 * O(bytes).
 */
enum rg_code rg_ndjson_write(const uint8_t *data, size_t size, const char *file, FILE *out,
	char damage[160], struct rg_error *err);

#endif
