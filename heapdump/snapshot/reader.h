/*
 * Reading a snapshot: the bytes are hostile, every length, count, number and checksum checked.
 *
 * rg_reader_next walks the blocks; rg_read_* decode the records of one block. The bytes stay the
 * caller's and must outlive what is decoded (texts point into them). A damaged or missing tail
 * is not a failure: the walk ends there and `truncated` says so.
 */
#ifndef RG_SNAPSHOT_READER_H
#define RG_SNAPSHOT_READER_H

#include <stddef.h>

#include "heapdump/base/cursor.h"
#include "heapdump/base/error.h"
#include "heapdump/snapshot/format.h"

struct rg_reader {
	const uint8_t *data;
	size_t size, at;
	unsigned shift;
	uint16_t minor;
	uint32_t sequence;
	uint64_t fingerprint; /* of the good blocks so far, in order */
	bool ended, truncated;
	uint64_t totals[RG_BLOCK_TYPE_COUNT]; /* of END, once it was seen */
	char damage[160]; /* why the walk ended early, or "" */
};

struct rg_block {
	uint32_t type, count;
	uint64_t base;
	size_t offset; /* of the frame in the file */
	unsigned shift;
	bool newer; /* of a newer minor version: it may have kinds we do not know */
	struct rg_cursor body;
	uint64_t previous; /* the address the next delta is relative to */
};

/* True when DATA starts like a snapshot. */
bool rg_reader_knows(const uint8_t *data, size_t size);

/* Check the header. FILE is for messages. RG_BAD_DATA: not a snapshot, or a newer major. */
enum rg_code rg_reader_init(struct rg_reader *reader, const uint8_t *data, size_t size,
	const char *file, struct rg_error *err);

/* The next good block (unknown types are skipped); false at the end. */
bool rg_reader_next(struct rg_reader *reader, struct rg_block *block_ret);

/* One record of a block of the right type; false when the record is malformed. */
bool rg_read_string(struct rg_block *block, const char **text_ret, uint32_t *length_ret);
bool rg_read_type(struct rg_block *block, struct rg_type_record *type_ret);
bool rg_read_object(struct rg_block *block, struct rg_object_record *object_ret);
bool rg_read_value(struct rg_block *block, struct rg_value_record *value_ret);
bool rg_read_root(struct rg_block *block, struct rg_root_record *root_ret);
bool rg_read_thread(struct rg_block *block, struct rg_thread_record *thread_ret);
bool rg_read_frame(struct rg_block *block, struct rg_frame_record *frame_ret);
bool rg_read_site(struct rg_block *block, struct rg_site_record *site_ret);
bool rg_read_allocation(struct rg_block *block, struct rg_allocation_record *allocation_ret);
bool rg_read_fact(struct rg_block *block, struct rg_fact_record *fact_ret);

/* The head of a references record; then rg_read_reference COUNT times with the same run. */
struct rg_reference_run {
	uint64_t source, target, key, index;
	uint64_t count;
};
bool rg_read_references(struct rg_block *block, struct rg_reference_run *run_ret);
bool rg_read_reference(struct rg_block *block, struct rg_reference_run *run,
	struct rg_reference_record *reference_ret);

#endif
