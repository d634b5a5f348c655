/*
 * The parts of the NDJSON reader: what it keeps while it reads, and what one line becomes.
 *
 * ndjson_reader.c takes the stream apart into lines and members, ndjson_records.c has the tables of
 * records and keys, ndjson_fields.c reads the value of one key. Functions that return false have
 * said in `json` what was expected.
 */
#ifndef RG_SNAPSHOT_NDJSON_PARTS_H
#define RG_SNAPSHOT_NDJSON_PARTS_H

#include <string.h>

#include "heapdump/base/map.h"
#include "heapdump/base/names.h"
#include "heapdump/base/scan.h"
#include "heapdump/snapshot/ndjson.h"
#include "heapdump/snapshot/writer.h"

#define RG_NDJSON_UNCOUNTED UINT32_MAX /* the refcount of an object that has none known */
#define RG_NDJSON_KEY_RECORD 63 /* the bit of the key that says which record it is */

/* What is known of an id, where a stream has no header: whether its object was listed. */
enum { RG_NDJSON_REFERRED = 1, RG_NDJSON_LISTED };

/* The totals of an end record, in the order of the blocks that hold records, but for strings. */
#define RG_NDJSON_TOTALS (RG_RECORD_BLOCKS - 1)

/* The fields of one line, as its keys have filled them. */
struct rg_ndjson_line {
	uint64_t address, number, size, items, extra, flags, basicsize, itemsize, refcount;
	uint64_t native_id, ident, shift;
	uint64_t totals[RG_NDJSON_TOTALS];
	struct rg_scan_text name, module, kind, reference, text, place, function, file, key,
		version, format;
	uint32_t type, type_flags, thread, frame, site, row;
	enum rg_generation generation;
	int64_t integer;
	bool immortal, finalized, size_open, inexact, is_number;
	const char *start; /* of the value that is read */
};

struct rg_ndjson_record;

struct rg_ndjson_reader {
	struct rg_stream *stream;
	struct rg_writer *writer;
	FILE *out;
	struct rg_ndjson_summary *summary;
	struct rg_error *err;
	struct rg_scan json;
	uint64_t seen; /* of the line: which keys of the record came, by bit */
	struct rg_ndjson_line line;

	struct rg_reference_record *references; /* of the line */
	size_t n_references, references_capacity;
	uint64_t next_index;

	char *buffer;
	size_t buffer_size, at, filled, searched;
	bool drained;

	struct rg_names strings, ids, type_names;
	uint32_t *type_of_name; /* by the number of the name */
	size_t n_type_names, type_names_capacity;
	struct rg_map type_of_id, thread_of_id, frame_of_id, site_of_id; /* by id + 1 */
	struct rg_map
		objects; /* where there is no header: address + 1 -> RG_NDJSON_REFERRED or RG_NDJSON_LISTED */
	uint64_t counts[RG_BLOCK_TYPE_COUNT];
	unsigned shift;
	bool has_header, ended, high_ids, out_of_memory;
	char missing[80]; /* "a root with a \"target\"" */
};

/* A key of a record: its name, how its value is read, and where to. */
struct rg_ndjson_key {
	const char *name;
	bool (*read)(struct rg_ndjson_reader *reader, void *to);
	size_t offset; /* in struct rg_ndjson_line */
};

struct rg_ndjson_record {
	const char *name;
	const struct rg_ndjson_key *keys;
	unsigned n_keys;
	uint64_t needed; /* the keys it cannot do without, by bit */
	bool (*take)(struct rg_ndjson_reader *reader);
	bool opens; /* it comes before there is a writer */
};

/* Whether KEY of the record came, with a value that is not null. */
static inline bool rg_ndjson_came(const struct rg_ndjson_reader *r, unsigned key)
{
	return r->seen >> key & 1;
}

static inline bool rg_ndjson_is_text(const struct rg_scan_text *text, const char *name)
{
	return text->length == strlen(name) && memcmp(text->bytes, name, text->length) == 0;
}

/* --- records ------------------------------------------------------------------------------ */

/* The record called NAME, or NULL. */
const struct rg_ndjson_record *rg_ndjson_record_of(const struct rg_scan_text *name);

/* What a line is that does not say it. */
extern const struct rg_ndjson_record *const rg_ndjson_record_default;

/* --- fields ------------------------------------------------------------------------------- */

/* The value that was just read is not what it should be. */
bool rg_ndjson_wrong(struct rg_ndjson_reader *r, const char *expected);
bool rg_ndjson_no_memory(struct rg_ndjson_reader *r);

/* The number of a string in the snapshot; _optional: RG_NO_STRING where the key did not come. */
bool rg_ndjson_intern(
	struct rg_ndjson_reader *r, const char *text, size_t length, uint32_t *number_ret);
bool rg_ndjson_intern_optional(struct rg_ndjson_reader *r, unsigned key,
	const struct rg_scan_text *text, uint32_t *number_ret);

/* Write a preview, cut to what the format holds. */
void rg_ndjson_put_value(struct rg_ndjson_reader *r, uint64_t address, enum rg_value_kind kind,
	const struct rg_scan_text *text, bool exact);

/* Without a header, remember that ADDRESS is an object; false where it was listed before. */
bool rg_ndjson_note_object(struct rg_ndjson_reader *r, uint64_t address, uint32_t state);

/* A kind of reference by its name. */
bool rg_ndjson_kind_of(
	struct rg_ndjson_reader *r, const struct rg_scan_text *text, enum rg_kind *kind_ret);

/* Remember the type NUMBER by its dotted name; the first one of a name counts. */
bool rg_ndjson_name_type(
	struct rg_ndjson_reader *r, const char *text, size_t length, uint32_t number);

/* The type of objects of which none is known. */
bool rg_ndjson_unknown_type(struct rg_ndjson_reader *r, uint32_t *type_ret);

/* Write the references of the line, of SOURCE. */
void rg_ndjson_put_references(struct rg_ndjson_reader *r, uint64_t source);

/* How the value of a key is read: what TO points at is named by what follows read_. */
bool rg_ndjson_read_any_address(struct rg_ndjson_reader *r, void *to); /* of any alignment */
bool rg_ndjson_read_address(struct rg_ndjson_reader *r, void *to); /* of an object */
bool rg_ndjson_read_referred(struct rg_ndjson_reader *r, void *to); /* of one, listed or not */
bool rg_ndjson_read_u64(struct rg_ndjson_reader *r, void *to);
bool rg_ndjson_read_u32(struct rg_ndjson_reader *r, void *to);
bool rg_ndjson_read_flag(struct rg_ndjson_reader *r, void *to);
bool rg_ndjson_read_not(struct rg_ndjson_reader *r, void *to); /* true: the flag is not set */
bool rg_ndjson_read_text(struct rg_ndjson_reader *r, void *to); /* or {"hex": ...} */
bool rg_ndjson_read_preview(struct rg_ndjson_reader *r, void *to); /* a text, or any number */
bool rg_ndjson_read_fact(struct rg_ndjson_reader *r, void *to); /* a text, or a whole number */
bool rg_ndjson_read_generation(struct rg_ndjson_reader *r, void *to);
bool rg_ndjson_read_flags(struct rg_ndjson_reader *r, void *to); /* of a type */
bool rg_ndjson_read_type(struct rg_ndjson_reader *r, void *to); /* the number of one */
bool rg_ndjson_read_references(struct rg_ndjson_reader *r, void *to); /* to the reader's own */

#endif
