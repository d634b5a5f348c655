/*
 * Answers: plain structs, each described once by a constant table of its fields. From the
 * description come the JSON, its schema, and the columns of text tables; a name is written in
 * one place.
 *
 * All memory of an answer is its arena's. Strings are UTF-8 by claim only; emitters escape them.
 */
#ifndef RG_ANSWER_ANSWER_H
#define RG_ANSWER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rg_field_type {
	RG_COUNT, /* uint64_t: a number of things */
	RG_BYTES, /* uint64_t: bytes */
	RG_DELTA, /* int64_t: things more or fewer */
	RG_DELTA_BYTES, /* int64_t: bytes more or fewer */
	RG_SHARE, /* double, 0..1 */
	RG_NUMBER, /* double */
	RG_FLAG, /* bool */
	RG_TEXT, /* const char *; NULL is null */
	RG_PLAIN, /* uint64_t: a number that is no count: a pid, a line */
	RG_ADDRESS, /* uint64_t: "0x..." */
	RG_ID, /* uint32_t: an object number; UINT32_MAX is null */
	RG_OPTIONAL, /* uint64_t; RG_NOTHING is null */
	RG_OPTIONAL_BYTES, /* the same, of bytes */
	RG_RECORD, /* pointer to a struct; NULL is null */
	RG_INLINE, /* the same, its fields among those of the record it is in; NULL: none */
	RG_LIST, /* struct rg_list: {"shown", "of", "rows"} */
	RG_ROWS, /* struct rg_list: a bare array, for what is always whole */
	RG_COUNTS, /* struct rg_list of uint64_t: a bare array of numbers */
};

#define RG_NOTHING UINT64_MAX

/* Of a field: when it is left out of the JSON. */
enum {
	RG_VOLATILE = 1, /* differs from run to run: left out with --stable */
	RG_OMIT_EMPTY = 2, /* left out where it is null, false or an empty array */
};

struct rg_record;

struct rg_field {
	const char *name; /* in JSON; NULL: only a column of the table */
	enum rg_field_type type;
	size_t offset;
	const struct rg_record *record; /* of RG_RECORD, RG_LIST, RG_ROWS; NULL: rows of text */
	unsigned flags;
	const char *heading; /* of its column in a text table, or NULL: none */
	const char *summary; /* for the schema */
};

struct rg_record {
	const char *name;
	size_t size;
	const struct rg_field *fields;
	size_t n_fields;
};

struct rg_list {
	void *rows;
	uint64_t shown, of;
};

/* A command's whole answer: "refgraph.NAME/1" and its record. */
struct rg_answer {
	const char *name;
	const struct rg_record *record;
};

#define RG_FIELD(struct_, member, type, heading, summary)                                          \
	{                                                                                          \
#member, type, offsetof(struct struct_, member), NULL, 0, heading, summary         \
	}
#define RG_FIELD_OF(struct_, member, type, record, summary)                                        \
	{                                                                                          \
#member, type, offsetof(struct struct_, member), record, 0, NULL, summary          \
	}
#define RG_FIELD_FLAGGED(struct_, member, type, flags, heading, summary)                           \
	{                                                                                          \
#member, type, offsetof(struct struct_, member), NULL, flags, heading, summary     \
	}
#define RG_RECORD_OF(struct_, fields)                                                              \
	{                                                                                          \
#struct_, sizeof(struct struct_), fields, sizeof(fields) / sizeof((fields)[0])     \
	}

#endif
