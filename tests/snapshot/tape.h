/*
 * A tape notes the records that were written, or read, as plain bytes for each kind of block: so
 * what came back is compared with what went in by memcmp, and a truncated file's is a prefix.
 */
#ifndef RG_TESTS_SNAPSHOT_TAPE_H
#define RG_TESTS_SNAPSHOT_TAPE_H

#include <stdio.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"
#include "heapdump/snapshot/reader.h"
#include "heapdump/snapshot/writer.h"
#include "tests/tap.h"

struct notes {
	uint8_t *bytes;
	size_t size, capacity;
};

struct tape {
	struct notes notes[RG_BLOCK_TYPE_COUNT];
	uint64_t totals[RG_BLOCK_TYPE_COUNT]; /* references one by one, as END counts */
	bool malformed; /* a record of a good block could not be read */
};

static inline void tape_deinit(struct tape *tape)
{
	for (size_t i = 0; i < RG_BLOCK_TYPE_COUNT; i++)
		free(tape->notes[i].bytes);
	memset(tape, 0, sizeof(*tape));
}

static inline void note_bytes(struct notes *notes, const void *bytes, size_t size)
{
	if (!rg_array_reserve(&notes->bytes, &notes->capacity, notes->size + size, 1))
		abort();
	if (size)
		memcpy(notes->bytes + notes->size, bytes, size);
	notes->size += size;
}

/* Note a record of numbers. */
#define NOTE(tape, type, ...)                                                                      \
	do {                                                                                       \
		const uint64_t numbers[] = { __VA_ARGS__ };                                        \
                                                                                                   \
		note_bytes(&(tape)->notes[type], numbers, sizeof(numbers));                        \
		(tape)->totals[type]++;                                                            \
	} while (0)

static inline void note_string(struct tape *tape, const char *text, uint32_t length)
{
	NOTE(tape, RG_BLOCK_STRINGS, length);
	note_bytes(&tape->notes[RG_BLOCK_STRINGS], text, length);
}

static inline void note_type(struct tape *tape, const struct rg_type_record *type)
{
	NOTE(tape, RG_BLOCK_TYPES, type->address, type->basicsize, type->itemsize, type->name,
		type->module, type->flags);
}

static inline void note_object(struct tape *tape, const struct rg_object_record *object)
{
	NOTE(tape, RG_BLOCK_OBJECTS, object->address, object->size, object->refcount, object->items,
		object->extra, object->type, object->flags);
}

static inline void note_reference(
	struct tape *tape, uint64_t source, const struct rg_reference_record *reference)
{
	bool next = reference->form == RG_LABEL_NEXT;

	NOTE(tape, RG_BLOCK_REFERENCES, source, reference->target, reference->label,
		reference->kind, next ? RG_LABEL_INDEX : reference->form, reference->untraversed);
}

static inline void note_value(struct tape *tape, const struct rg_value_record *value)
{
	NOTE(tape, RG_BLOCK_VALUES, value->address, value->length, value->kind, value->exact);
	note_bytes(&tape->notes[RG_BLOCK_VALUES], value->text, value->length);
}

static inline void note_root(struct tape *tape, const struct rg_root_record *root)
{
	NOTE(tape, RG_BLOCK_ROOTS, root->target, root->kind, root->reference, root->name,
		root->label, root->thread, root->frame);
}

static inline void note_thread(struct tape *tape, const struct rg_thread_record *thread)
{
	NOTE(tape, RG_BLOCK_THREADS, thread->native_id, thread->ident, thread->name);
}

static inline void note_frame(struct tape *tape, const struct rg_frame_record *frame)
{
	NOTE(tape, RG_BLOCK_FRAMES, frame->thread, frame->function, frame->file, frame->line);
}

static inline void note_site(struct tape *tape, const struct rg_site_record *site)
{
	NOTE(tape, RG_BLOCK_SITES, site->file, site->line, site->caller);
}

static inline void note_allocation(
	struct tape *tape, const struct rg_allocation_record *allocation)
{
	NOTE(tape, RG_BLOCK_ALLOCATIONS, allocation->address, allocation->site);
}

static inline void note_fact(struct tape *tape, const struct rg_fact_record *fact)
{
	NOTE(tape, RG_BLOCK_FACTS, fact->key_length, fact->text != NULL, fact->text_length,
		(uint64_t)fact->number);
	note_bytes(&tape->notes[RG_BLOCK_FACTS], fact->key, fact->key_length);
	note_bytes(&tape->notes[RG_BLOCK_FACTS], fact->text, fact->text_length);
}

/* Read one record of BLOCK onto TAPE; false when it is malformed. */
static inline bool read_record(struct rg_block *block, struct tape *tape)
{
	union {
		struct rg_type_record type;
		struct rg_object_record object;
		struct rg_value_record value;
		struct rg_root_record root;
		struct rg_thread_record thread;
		struct rg_frame_record frame;
		struct rg_fact_record fact;
		struct rg_site_record site;
		struct rg_allocation_record allocation;
	} record;
	struct rg_reference_run run;
	struct rg_reference_record reference;
	const char *text;
	uint32_t length;

/* read the record and note it */
#define READ(name) (rg_read_##name(block, &record.name) && (note_##name(tape, &record.name), true))
	switch (block->type) {
	case RG_BLOCK_STRINGS:
		return rg_read_string(block, &text, &length) &&
		       (note_string(tape, text, length), true);
	case RG_BLOCK_TYPES:
		return READ(type);
	case RG_BLOCK_OBJECTS:
		return READ(object);
	case RG_BLOCK_VALUES:
		return READ(value);
	case RG_BLOCK_ROOTS:
		return READ(root);
	case RG_BLOCK_THREADS:
		return READ(thread);
	case RG_BLOCK_FRAMES:
		return READ(frame);
	case RG_BLOCK_FACTS:
		return READ(fact);
	case RG_BLOCK_SITES:
		return READ(site);
	case RG_BLOCK_ALLOCATIONS:
		return READ(allocation);
	case RG_BLOCK_REFERENCES:
		if (!rg_read_references(block, &run))
			return false;
		for (uint64_t i = 0; i < run.count; i++) {
			if (!rg_read_reference(block, &run, &reference))
				return false;
			note_reference(tape, run.source, &reference);
		}
		return true;
	default:
		return false;
	}
#undef READ
}

/*
 * Read a whole snapshot of SIZE bytes at DATA onto TAPE (zeroed first). The bytes are copied to
 * a place of exactly their size, where a sanitizer sees a step beyond the end.
 */
static inline enum rg_code read_snapshot(const uint8_t *data, size_t size, struct rg_reader *reader,
	struct tape *tape, struct rg_error *err)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct rg_block block;
	enum rg_code code;

	memset(tape, 0, sizeof(*tape));
	memcpy(copy, data, size);
	rg_error_init(err);
	code = rg_reader_init(reader, copy, size, "x.rgs", err);
	while (!code && rg_reader_next(reader, &block)) {
		for (uint32_t i = 0; i < block.count; i++) {
			if (!read_record(&block, tape)) {
				tape->malformed = true;
				break;
			}
		}
	}
	free(copy);
	return code;
}

/* Whether what is on TAPE is how WHOLE begins, for each kind; with EQUAL, all of it. */
static inline bool tape_begins(const struct tape *tape, const struct tape *whole, bool equal)
{
	for (size_t i = 0; i < RG_BLOCK_TYPE_COUNT; i++) {
		size_t size = tape->notes[i].size;

		if (size > whole->notes[i].size || (equal && size != whole->notes[i].size))
			return false;
		if (size && memcmp(tape->notes[i].bytes, whole->notes[i].bytes, size) != 0)
			return false;
	}
	return true;
}

/* A snapshot being written into memory, and the tape of it. */
struct recorder {
	struct rg_writer *writer;
	FILE *stream;
	char *data;
	size_t size;
	struct tape tape;
};

static inline void recorder_init(struct recorder *recorder, unsigned shift)
{
	memset(recorder, 0, sizeof(*recorder));
	recorder->stream = open_memstream(&recorder->data, &recorder->size);
	recorder->writer = rg_writer_create(recorder->stream, shift);
	ck_assert_ptr_nonnull(recorder->writer);
}

/* After this, data and size are the snapshot's. */
static inline void recorder_finish(struct recorder *recorder)
{
	ck_assert_int_eq(rg_writer_finish(recorder->writer, NULL), RG_OK);
	rg_writer_destroy(recorder->writer);
	recorder->writer = NULL;
	ck_assert_int_eq(fclose(recorder->stream), 0);
}

static inline void recorder_deinit(struct recorder *recorder)
{
	free(recorder->data);
	tape_deinit(&recorder->tape);
}

/* As the functions of the writer; what they write goes onto the tape too. */

static inline uint32_t put_string(struct recorder *recorder, const char *text, size_t length)
{
	note_string(&recorder->tape, text, length < 65536 ? (uint32_t)length : 65536);
	return rg_writer_string(recorder->writer, text, length);
}

static inline uint32_t put_type(struct recorder *recorder, const struct rg_type_record *type)
{
	note_type(&recorder->tape, type);
	return rg_writer_type(recorder->writer, type);
}

static inline void put_object(struct recorder *recorder, const struct rg_object_record *object)
{
	note_object(&recorder->tape, object);
	rg_writer_object(recorder->writer, object);
}

static inline void put_references(struct recorder *recorder, uint64_t source,
	const struct rg_reference_record *references, size_t count)
{
	for (size_t i = 0; i < count; i++)
		note_reference(&recorder->tape, source, &references[i]);
	rg_writer_references(recorder->writer, source, references, count);
}

static inline void put_value(struct recorder *recorder, const struct rg_value_record *value)
{
	struct rg_value_record kept = *value;

	if (kept.length > 65536) {
		kept.length = 65536;
		kept.exact = false;
	}
	note_value(&recorder->tape, &kept);
	rg_writer_value(recorder->writer, value);
}

static inline void put_root(struct recorder *recorder, const struct rg_root_record *root)
{
	note_root(&recorder->tape, root);
	rg_writer_root(recorder->writer, root);
}

static inline uint32_t put_thread(struct recorder *recorder, const struct rg_thread_record *thread)
{
	note_thread(&recorder->tape, thread);
	return rg_writer_thread(recorder->writer, thread);
}

static inline uint32_t put_frame(struct recorder *recorder, const struct rg_frame_record *frame)
{
	note_frame(&recorder->tape, frame);
	return rg_writer_frame(recorder->writer, frame);
}

static inline uint32_t put_site(struct recorder *recorder, const struct rg_site_record *site)
{
	note_site(&recorder->tape, site);
	return rg_writer_site(recorder->writer, site);
}

static inline void put_allocation(
	struct recorder *recorder, const struct rg_allocation_record *allocation)
{
	note_allocation(&recorder->tape, allocation);
	rg_writer_allocation(recorder->writer, allocation);
}

static inline void put_fact_text(struct recorder *recorder, const char *key, const char *text)
{
	note_fact(&recorder->tape, &(struct rg_fact_record){ .key = key,
					   .key_length = (uint32_t)strlen(key),
					   .text = text,
					   .text_length = (uint32_t)strlen(text) });
	rg_writer_fact_text(recorder->writer, key, text);
}

static inline void put_fact_number(struct recorder *recorder, const char *key, int64_t number)
{
	note_fact(&recorder->tape,
		&(struct rg_fact_record){
			.key = key, .key_length = (uint32_t)strlen(key), .number = number });
	rg_writer_fact_number(recorder->writer, key, number);
}

/* Give the block whose frame is at OFFSET of DATA the checksum of what it holds now. */
static inline void sign_block(uint8_t *data, size_t offset)
{
	uint32_t length;
	uint64_t sum;

	memcpy(&length, data + offset + 4, sizeof(length));
	sum = rg_hash_with(rg_hash(data + offset, 24), data + offset + RG_FRAME_SIZE, length);
	memcpy(data + offset + 24, &sum, sizeof(sum));
}

/* The same for the header. */
static inline void sign_header(uint8_t *data)
{
	uint64_t sum = rg_hash(data, 24);

	memcpy(data + 24, &sum, sizeof(sum));
}

#endif
