#include "heapdump/snapshot/writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/hash.h"

#define STRING_LIMIT (64u << 10)
#define VALUE_LIMIT (64u << 10)
#define KEY_LIMIT 255u
#define REFERENCES_A_RECORD 4096
/* the largest record fits an empty block: 4096 references of at most 27 bytes, or 64 KiB text */
#define RECORD_LIMIT (128u << 10)
#define BLOCK_SIZE (256u << 10)

struct block {
	uint8_t bytes[RG_FRAME_SIZE + BLOCK_SIZE];
	uint32_t used, count;
	uint64_t base; /* the frame's: an address or a number, by type */
	uint64_t previous; /* the address the next delta is relative to */
};

struct rg_writer {
	struct rg_writer *first; /* the one that counts and writes, maybe itself */
	pthread_mutex_t lock; /* of the first: of what follows, and of its numbered records */
	FILE *stream;
	unsigned shift;
	uint32_t sequence;
	int error; /* errno of the first failure */
	uint64_t totals[RG_BLOCK_TYPE_COUNT];
	struct block blocks[RG_BLOCK_TYPE_COUNT];
};

static void put_raw(struct rg_writer *writer, const void *bytes, size_t length)
{
	if (!writer->error && fwrite(bytes, 1, length, writer->stream) != length)
		writer->error = errno ? errno : EIO;
}

static void write_header(struct rg_writer *writer)
{
	uint8_t header[RG_HEADER_SIZE] = RG_MAGIC;
	uint16_t version[2] = { RG_MAJOR, RG_MINOR };
	uint64_t sum;

	memcpy(header + 8, version, sizeof(version));
	header[12] = (uint8_t)writer->shift;
	sum = rg_hash(header, RG_HEADER_SIZE - sizeof(sum));
	memcpy(header + RG_HEADER_SIZE - sizeof(sum), &sum, sizeof(sum));
	put_raw(writer, header, sizeof(header));
}

static struct rg_writer *new_writer(unsigned shift)
{
	struct rg_writer *writer = calloc(1, sizeof(*writer));
	pthread_mutexattr_t attributes;

	if (!writer)
		return NULL;
	writer->shift = shift;
	writer->first = writer;
	pthread_mutexattr_init(&attributes);
	/* to count a record may write the block before it */
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&writer->lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
	return writer;
}

struct rg_writer *rg_writer_create(FILE *stream, unsigned shift)
{
	struct rg_writer *writer = new_writer(shift);

	if (!writer)
		return NULL;
	writer->stream = stream;
	write_header(writer);
	return writer;
}

void rg_writer_destroy(struct rg_writer *writer)
{
	if (writer)
		pthread_mutex_destroy(&writer->lock);
	free(writer);
}

struct rg_writer *rg_writer_second(struct rg_writer *first)
{
	struct rg_writer *second = new_writer(first->shift);

	if (second)
		second->first = first;
	return second;
}

/* Frame and write BLOCK, which is open, and empty it. WRITER is the first. */
static void write_block(struct rg_writer *writer, struct block *block, enum rg_block_type type)
{
	uint32_t numbers[4] = { type, block->used, block->count, writer->sequence++ };
	uint64_t sum;

	memcpy(block->bytes, numbers, sizeof(numbers));
	memcpy(block->bytes + 16, &block->base, sizeof(block->base));
	sum = rg_hash_with(rg_hash(block->bytes, 24), block->bytes + RG_FRAME_SIZE, block->used);
	memcpy(block->bytes + 24, &sum, sizeof(sum));
	put_raw(writer, block->bytes, RG_FRAME_SIZE + block->used);
	block->used = block->count = 0;
}

/* Write the open block of TYPE, after those whose records it may refer to by number. */
static void flush_block(struct rg_writer *writer, enum rg_block_type type)
{
	static const enum rg_block_type first[] = { RG_BLOCK_STRINGS, RG_BLOCK_TYPES,
		RG_BLOCK_THREADS, RG_BLOCK_FRAMES, RG_BLOCK_SITES };

	pthread_mutex_lock(&writer->first->lock);
	for (size_t i = 0; i < sizeof(first) / sizeof(*first) && first[i] != type; i++)
		if (writer->first->blocks[first[i]].count)
			write_block(writer->first, &writer->first->blocks[first[i]], first[i]);
	if (writer->blocks[type].count)
		write_block(writer->first, &writer->blocks[type], type);
	pthread_mutex_unlock(&writer->first->lock);
}

/*
 * The block of TYPE with room for one more record. BASE starts a fresh block: an address its
 * deltas are relative to, or the number of its first record.
 */
static struct block *open_record(struct rg_writer *writer, enum rg_block_type type, uint64_t base)
{
	struct block *block = &writer->blocks[type];

	if (block->used + RECORD_LIMIT > BLOCK_SIZE)
		flush_block(writer, type);
	if (block->count == 0) {
		block->base = base;
		block->previous = base;
	}
	block->count++;
	writer->totals[type]++;
	return block;
}

/* Records are put together behind the last one of a block: AT, and what comes after it. */

static uint8_t *record_of(struct block *block)
{
	return block->bytes + RG_FRAME_SIZE + block->used;
}

static void close_record(struct block *block, const uint8_t *end)
{
	block->used = (uint32_t)(end - (block->bytes + RG_FRAME_SIZE));
}

static inline uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

static inline uint8_t *put_zigzag(uint8_t *at, int64_t value)
{
	return put_varint(at, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, uint32_t length)
{
	at = put_varint(at, length);
	if (length)
		memcpy(at, bytes, length);
	return at + length;
}

/* ADDRESS as its distance from *PREVIOUS, which it becomes. */
static inline uint8_t *put_address(
	uint8_t *at, unsigned shift, uint64_t address, uint64_t *previous)
{
	int64_t delta = (int64_t)((address >> shift) - (*previous >> shift));

	*previous = address;
	return put_zigzag(at, delta);
}

/* A number or "none", as number + 1 or 0. */
static uint8_t *put_optional(uint8_t *at, uint32_t number)
{
	return put_varint(at, number == UINT32_MAX ? 0 : (uint64_t)number + 1);
}

/*
 * The block for one more record that others refer to by number, *NUMBER_RET; close_counted follows.
 * Both threads share the first writer's.
 */
static struct block *open_counted(
	struct rg_writer *writer, enum rg_block_type type, uint64_t *number_ret)
{
	struct rg_writer *first = writer->first;

	pthread_mutex_lock(&first->lock);
	*number_ret = first->totals[type];
	return open_record(first, type, *number_ret);
}

static uint32_t close_counted(
	struct rg_writer *writer, struct block *block, const uint8_t *end, uint64_t number)
{
	close_record(block, end);
	pthread_mutex_unlock(&writer->first->lock);
	return (uint32_t)number;
}

uint32_t rg_writer_string(struct rg_writer *writer, const char *text, size_t length)
{
	uint64_t number;
	struct block *block = open_counted(writer, RG_BLOCK_STRINGS, &number);

	return close_counted(writer, block,
		put_bytes(record_of(block), text,
			length < STRING_LIMIT ? (uint32_t)length : STRING_LIMIT),
		number);
}

uint32_t rg_writer_type(struct rg_writer *writer, const struct rg_type_record *type)
{
	uint64_t number;
	struct block *block = open_counted(writer, RG_BLOCK_TYPES, &number);
	uint8_t *at = record_of(block);

	at = put_varint(at, type->address);
	at = put_varint(at, type->name);
	at = put_optional(at, type->module);
	at = put_varint(at, type->flags);
	at = put_varint(at, type->basicsize);
	at = put_varint(at, type->itemsize);
	return close_counted(writer, block, at, number);
}

void rg_writer_object(struct rg_writer *writer, const struct rg_object_record *object)
{
	struct block *block = open_record(writer, RG_BLOCK_OBJECTS, object->address);
	uint8_t *at = record_of(block);

	at = put_address(at, writer->shift, object->address, &block->previous);
	at = put_varint(at, object->type);
	at = put_varint(at, object->flags);
	at = put_varint(at, object->size);
	at = put_varint(at, object->refcount);
	if (object->flags & RG_OBJECT_ITEMS)
		at = put_varint(at, object->items);
	if (object->flags & RG_OBJECT_EXTRA)
		at = put_varint(at, object->extra);
	close_record(block, at);
}

/* What the references of a record are relative to. */
struct run {
	uint64_t target, key;
	unsigned shift;
	bool counting; /* an index came before: the next one may be implicit */
};

static uint8_t *put_reference(
	uint8_t *at, struct run *run, const struct rg_reference_record *reference)
{
	enum rg_label_form form = reference->form;

	/* an implicit index counts within one record, from 0 */
	if (form == RG_LABEL_NEXT && !run->counting && reference->label)
		form = RG_LABEL_INDEX;
	run->counting |= form == RG_LABEL_NEXT || form == RG_LABEL_INDEX;
	at = put_varint(at, (unsigned)form | (reference->untraversed ? RG_HEAD_UNTRAVERSED : 0) |
				    (unsigned)reference->kind << RG_HEAD_KIND_SHIFT);
	at = put_address(at, run->shift, reference->target, &run->target);
	if (form == RG_LABEL_INDEX || form == RG_LABEL_STRING)
		at = put_varint(at, reference->label);
	else if (form == RG_LABEL_OBJECT)
		at = put_address(at, run->shift, reference->label, &run->key);
	return at;
}

void rg_writer_references(struct rg_writer *writer, uint64_t source,
	const struct rg_reference_record *references, size_t count)
{
	while (count > 0) {
		size_t n = count < REFERENCES_A_RECORD ? count : REFERENCES_A_RECORD;
		struct block *block = open_record(writer, RG_BLOCK_REFERENCES, source);
		struct run run = { source, source, writer->shift, false };
		uint8_t *at = record_of(block);

		at = put_address(at, writer->shift, source, &block->previous);
		at = put_varint(at, n);
		for (size_t i = 0; i < n; i++)
			at = put_reference(at, &run, &references[i]);
		close_record(block, at);
		/* totals count references, not records */
		writer->totals[RG_BLOCK_REFERENCES] += n - 1;
		references += n;
		count -= n;
	}
}

void rg_writer_value(struct rg_writer *writer, const struct rg_value_record *value)
{
	struct block *block = open_record(writer, RG_BLOCK_VALUES, value->address);
	bool cut = value->length > VALUE_LIMIT;
	uint8_t *at = record_of(block);

	at = put_address(at, writer->shift, value->address, &block->previous);
	*at++ = (uint8_t)(value->kind | (value->exact && !cut ? RG_VALUE_EXACT : 0));
	close_record(block, put_bytes(at, value->text, cut ? VALUE_LIMIT : value->length));
}

void rg_writer_root(struct rg_writer *writer, const struct rg_root_record *root)
{
	struct block *block = open_record(writer, RG_BLOCK_ROOTS, root->target);
	uint8_t *at = record_of(block);

	at = put_address(at, writer->shift, root->target, &block->previous);
	*at++ = (uint8_t)root->kind;
	*at++ = (uint8_t)root->reference;
	at = put_optional(at, root->name);
	at = put_optional(at, root->label);
	at = put_optional(at, root->thread);
	at = put_optional(at, root->frame);
	close_record(block, at);
}

uint32_t rg_writer_thread(struct rg_writer *writer, const struct rg_thread_record *thread)
{
	uint64_t number;
	struct block *block = open_counted(writer, RG_BLOCK_THREADS, &number);
	uint8_t *at = record_of(block);

	at = put_varint(at, thread->native_id);
	at = put_varint(at, thread->ident);
	return close_counted(writer, block, put_optional(at, thread->name), number);
}

uint32_t rg_writer_frame(struct rg_writer *writer, const struct rg_frame_record *frame)
{
	uint64_t number;
	struct block *block = open_counted(writer, RG_BLOCK_FRAMES, &number);
	uint8_t *at = record_of(block);

	at = put_varint(at, frame->thread);
	at = put_optional(at, frame->function);
	at = put_optional(at, frame->file);
	return close_counted(writer, block, put_varint(at, frame->line), number);
}

uint32_t rg_writer_site(struct rg_writer *writer, const struct rg_site_record *site)
{
	uint64_t number;
	struct block *block = open_counted(writer, RG_BLOCK_SITES, &number);
	uint8_t *at = record_of(block);

	at = put_optional(at, site->file);
	at = put_varint(at, site->line);
	return close_counted(writer, block, put_optional(at, site->caller), number);
}

void rg_writer_allocation(struct rg_writer *writer, const struct rg_allocation_record *allocation)
{
	struct block *block = open_record(writer, RG_BLOCK_ALLOCATIONS, allocation->address);
	uint8_t *at = record_of(block);

	at = put_address(at, writer->shift, allocation->address, &block->previous);
	close_record(block, put_varint(at, allocation->site));
}

void rg_writer_fact(struct rg_writer *writer, const struct rg_fact_record *fact)
{
	struct block *block = open_record(writer, RG_BLOCK_FACTS, 0);
	uint8_t *at = record_of(block);

	at = put_bytes(at, fact->key, fact->key_length < KEY_LIMIT ? fact->key_length : KEY_LIMIT);
	*at++ = fact->text != NULL;
	if (fact->text)
		at = put_bytes(at, fact->text,
			fact->text_length < STRING_LIMIT ? fact->text_length : STRING_LIMIT);
	else
		at = put_zigzag(at, fact->number);
	close_record(block, at);
}

void rg_writer_fact_text(struct rg_writer *writer, const char *key, const char *text)
{
	rg_writer_fact(writer, &(struct rg_fact_record){ .key = key,
				       .text = text,
				       .key_length = (uint32_t)strnlen(key, KEY_LIMIT),
				       .text_length = (uint32_t)strnlen(text, STRING_LIMIT) });
}

void rg_writer_fact_number(struct rg_writer *writer, const char *key, int64_t number)
{
	rg_writer_fact(writer, &(struct rg_fact_record){ .key = key,
				       .key_length = (uint32_t)strnlen(key, KEY_LIMIT),
				       .number = number });
}

void rg_writer_flush(struct rg_writer *writer)
{
	for (unsigned i = 0; i < RG_RECORD_BLOCKS; i++)
		flush_block(writer, rg_record_block(i));
}

void rg_writer_join(struct rg_writer *first, struct rg_writer *second)
{
	rg_writer_flush(second);
	for (unsigned i = 0; i < RG_RECORD_BLOCKS; i++)
		first->totals[rg_record_block(i)] += second->totals[rg_record_block(i)];
	rg_writer_destroy(second);
}

enum rg_code rg_writer_finish(struct rg_writer *writer, struct rg_error *err)
{
	struct block *end = &writer->blocks[RG_BLOCK_END];
	uint8_t *at;

	rg_writer_flush(writer);
	end->count = RG_RECORD_BLOCKS;
	at = record_of(end);
	for (unsigned i = 0; i < RG_RECORD_BLOCKS; i++)
		at = put_varint(at, writer->totals[rg_record_block(i)]);
	close_record(end, at);
	write_block(writer, end, RG_BLOCK_END);
	if (fflush(writer->stream) != 0 && !writer->error)
		writer->error = errno ? errno : EIO;
	if (writer->error == ENOMEM)
		return rg_nomem(err);
	if (writer->error) {
		rg_fail(err, RG_SYSTEM, "cannot-write", "the snapshot cannot be written: %s",
			strerror(writer->error));
		return rg_hint(err, "free some space, or choose another place with -o FILE");
	}
	return RG_OK;
}
