#include "heapdump/snapshot/reader.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "heapdump/base/hash.h"

bool rg_reader_knows(const uint8_t *data, size_t size)
{
	return size >= 8 && memcmp(data, RG_MAGIC, 8) == 0;
}

/* Say what a file that is no snapshot looks like instead. */
static const char *looks_like(const uint8_t *data, size_t size)
{
	size_t text = 0, seen = size < 512 ? size : 512;

	if (size >= 4 && memcmp(data,
				 "\x7f"
				 "ELF",
				 4) == 0)
		return "an ELF file";
	if (size >= 4 && memcmp(data, "\x8brgs", 4) == 0)
		return "a snapshot damaged by a transfer in text mode, or cut in its header";
	for (size_t i = 0; i < seen; i++)
		text += isprint(data[i]) || isspace(data[i]) || data[i] >= 0x80;
	return text == seen ? "text" : "something else";
}

enum rg_code rg_reader_init(struct rg_reader *reader, const uint8_t *data, size_t size,
	const char *file, struct rg_error *err)
{
	uint16_t major;
	uint64_t sum;

	memset(reader, 0, sizeof(*reader));
	if (size == 0)
		rg_fail(err, RG_BAD_DATA, "empty-file",
			"%s: the file is empty, expected a snapshot", file);
	else if (!rg_reader_knows(data, size))
		rg_fail(err, RG_BAD_DATA, "bad-magic", "%s: not a snapshot, it looks like %s", file,
			looks_like(data, size));
	else if (size < RG_HEADER_SIZE)
		rg_fail(err, RG_BAD_DATA, "bad-header", "%s: cut after %zu bytes, in its header",
			file, size);
	else {
		memcpy(&major, data + 8, sizeof(major));
		memcpy(&reader->minor, data + 10, sizeof(reader->minor));
		memcpy(&sum, data + RG_HEADER_SIZE - sizeof(sum), sizeof(sum));
		if (sum != rg_hash(data, RG_HEADER_SIZE - sizeof(sum)))
			rg_fail(err, RG_BAD_DATA, "bad-checksum",
				"%s: the header's checksum is wrong at offset 0", file);
		else if (major != RG_MAJOR)
			rg_fail(err, RG_BAD_DATA, "newer-format",
				"%s: snapshot format %u.%u, this refgraph reads %u.x", file, major,
				reader->minor, RG_MAJOR);
		else if (data[12] > RG_SHIFT_LIMIT)
			rg_fail(err, RG_BAD_DATA, "bad-header",
				"%s: address shift %u in the header, expected at most %u", file,
				data[12], RG_SHIFT_LIMIT);
		else {
			*reader = (struct rg_reader){ .data = data,
				.size = size,
				.at = RG_HEADER_SIZE,
				.shift = data[12],
				.minor = reader->minor };
			return RG_OK;
		}
	}
	if (strcmp(err ? err->name : "", "newer-format") == 0)
		rg_hint(err, "read it with a newer refgraph, the one that wrote it");
	else
		rg_hint(err, "write a snapshot with: refgraph dump PID -o FILE.rgs");
	return rg_at_file(err, file, 0);
}

/* End the walk: what follows cannot be trusted. */
static bool damaged(struct rg_reader *reader, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static bool damaged(struct rg_reader *reader, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(reader->damage, sizeof(reader->damage), fmt, args);
	va_end(args);
	reader->truncated = true;
	reader->at = reader->size;
	return false;
}

/* Read and check the frame at the reader's place. */
static bool next_frame(struct rg_reader *reader, struct rg_block *block)
{
	size_t offset = reader->at, left = reader->size - offset;
	uint32_t numbers[4];
	uint64_t sum, want;

	if (left < RG_FRAME_SIZE)
		return damaged(reader, "cut at offset %zu, in a block's frame", offset);
	memcpy(numbers, reader->data + offset, sizeof(numbers));
	if (numbers[1] > RG_BLOCK_LIMIT)
		return damaged(
			reader, "impossible block length %u at offset %zu", numbers[1], offset);
	if (numbers[1] > left - RG_FRAME_SIZE)
		return damaged(reader, "cut at offset %zu, in a block of %s", offset,
			rg_block_name(numbers[0]));
	memcpy(&block->base, reader->data + offset + 16, sizeof(block->base));
	memcpy(&sum, reader->data + offset + 24, sizeof(sum));
	want = rg_hash_with(rg_hash(reader->data + offset, 24),
		reader->data + offset + RG_FRAME_SIZE, numbers[1]);
	if (sum != want)
		return damaged(reader, "bad checksum at offset %zu, in a block of %s", offset,
			rg_block_name(numbers[0]));
	if (numbers[3] != reader->sequence)
		return damaged(reader, "block %u at offset %zu, expected block %u", numbers[3],
			offset, reader->sequence);
	reader->sequence++;
	reader->at += RG_FRAME_SIZE + numbers[1];
	reader->fingerprint = rg_mix(reader->fingerprint, sum);
	block->type = numbers[0];
	block->count = numbers[2];
	block->offset = offset;
	block->shift = reader->shift;
	block->newer = reader->minor > RG_MINOR;
	block->previous = block->base;
	block->body = rg_cursor_over(reader->data + offset + RG_FRAME_SIZE, numbers[1]);
	return true;
}

static void read_end(struct rg_reader *reader, struct rg_block *block)
{
	for (uint32_t i = 0; i < block->count && i < RG_RECORD_BLOCKS; i++)
		reader->totals[rg_record_block(i)] = rg_cursor_varint(&block->body);
	reader->ended = true;
	if (!rg_cursor_ok(&block->body))
		damaged(reader, "malformed totals in the end block at offset %zu", block->offset);
	else if (reader->at != reader->size)
		damaged(reader, "%zu unexpected bytes after the end at offset %zu",
			reader->size - reader->at, reader->at);
}

bool rg_reader_next(struct rg_reader *reader, struct rg_block *block_ret)
{
	while (!reader->ended) {
		if (reader->at >= reader->size)
			return reader->truncated
				       ? false
				       : damaged(reader, "cut at offset %zu, between two blocks",
						 reader->size);
		if (!next_frame(reader, block_ret))
			return false;
		if (block_ret->type == RG_BLOCK_END)
			read_end(reader, block_ret);
		else if (block_ret->type > 0 && block_ret->type < RG_BLOCK_TYPE_COUNT)
			return true;
	}
	return false;
}

static uint64_t get_address(struct rg_block *block, uint64_t *previous)
{
	uint64_t units = *previous >> block->shift;

	units += (uint64_t)rg_cursor_zigzag(&block->body);
	*previous = units << block->shift;
	return *previous;
}

/* A number or "none"; a number too large for 32 bits is malformed. */
static uint32_t get_optional(struct rg_block *block)
{
	uint64_t value = rg_cursor_varint(&block->body);

	if (value > UINT32_MAX)
		rg_cursor_fail(&block->body);
	return (uint32_t)value - 1;
}

/* KIND, or INSTEAD where it is one of a newer minor version; an unknown one is malformed. */
static uint32_t known_kind(
	struct rg_block *block, uint32_t kind, uint32_t least, uint32_t end, uint32_t instead)
{
	if (kind >= least && kind < end)
		return kind;
	if (!block->newer)
		rg_cursor_fail(&block->body);
	return instead;
}

static const char *get_text(struct rg_block *block, uint32_t *length_ret)
{
	uint32_t length = rg_cursor_varint32(&block->body);
	const uint8_t *text = rg_cursor_bytes(&block->body, length);

	*length_ret = text ? length : 0;
	return (const char *)text;
}

bool rg_read_string(struct rg_block *block, const char **text_ret, uint32_t *length_ret)
{
	*text_ret = get_text(block, length_ret);
	return rg_cursor_ok(&block->body);
}

bool rg_read_type(struct rg_block *block, struct rg_type_record *type_ret)
{
	struct rg_cursor *body = &block->body;

	type_ret->address = rg_cursor_varint(body);
	type_ret->name = rg_cursor_varint32(body);
	type_ret->module = get_optional(block);
	type_ret->flags = rg_cursor_varint32(body);
	type_ret->basicsize = rg_cursor_varint(body);
	type_ret->itemsize = rg_cursor_varint(body);
	return rg_cursor_ok(body);
}

bool rg_read_object(struct rg_block *block, struct rg_object_record *object_ret)
{
	struct rg_cursor *body = &block->body;

	object_ret->address = get_address(block, &block->previous);
	object_ret->type = rg_cursor_varint32(body);
	object_ret->flags = rg_cursor_varint32(body);
	object_ret->size = rg_cursor_varint(body);
	object_ret->refcount = rg_cursor_varint(body);
	object_ret->items = object_ret->flags & RG_OBJECT_ITEMS ? rg_cursor_varint(body) : 0;
	object_ret->extra = object_ret->flags & RG_OBJECT_EXTRA ? rg_cursor_varint(body) : 0;
	return rg_cursor_ok(body) && (object_ret->flags & RG_OBJECT_GENERATION) < RG_GEN_COUNT;
}

bool rg_read_references(struct rg_block *block, struct rg_reference_run *run_ret)
{
	run_ret->source = get_address(block, &block->previous);
	run_ret->target = run_ret->key = run_ret->source;
	run_ret->index = 0;
	run_ret->count = rg_cursor_varint(&block->body);
	/* a reference takes two bytes at least */
	return rg_cursor_ok(&block->body) && run_ret->count <= rg_cursor_left(&block->body) / 2;
}

bool rg_read_reference(struct rg_block *block, struct rg_reference_run *run,
	struct rg_reference_record *reference_ret)
{
	struct rg_cursor *body = &block->body;
	uint32_t head = rg_cursor_varint32(body);

	reference_ret->form = head & RG_HEAD_FORM;
	reference_ret->untraversed = head & RG_HEAD_UNTRAVERSED;
	reference_ret->kind = known_kind(
		block, head >> RG_HEAD_KIND_SHIFT, 0, RG_KIND_COUNT, RG_KIND_GUESS);
	reference_ret->target = get_address(block, &run->target);
	reference_ret->label = 0;
	switch (reference_ret->form) {
	case RG_LABEL_NEXT:
		reference_ret->form = RG_LABEL_INDEX;
		reference_ret->label = run->index++;
		break;
	case RG_LABEL_INDEX:
		reference_ret->label = rg_cursor_varint(body);
		run->index = reference_ret->label + 1;
		break;
	case RG_LABEL_STRING:
		reference_ret->label = rg_cursor_varint(body);
		break;
	case RG_LABEL_OBJECT:
		reference_ret->label = get_address(block, &run->key);
		break;
	default:
		break;
	}
	return rg_cursor_ok(body) && reference_ret->form < RG_LABEL_FORM_COUNT;
}

bool rg_read_value(struct rg_block *block, struct rg_value_record *value_ret)
{
	uint8_t kind;

	value_ret->address = get_address(block, &block->previous);
	kind = rg_cursor_u8(&block->body);
	value_ret->exact = kind & RG_VALUE_EXACT;
	value_ret->kind = known_kind(
		block, kind & ~RG_VALUE_EXACT, RG_VALUE_STR, RG_VALUE_KIND_COUNT, RG_VALUE_BYTES);
	value_ret->text = get_text(block, &value_ret->length);
	return rg_cursor_ok(&block->body);
}

bool rg_read_root(struct rg_block *block, struct rg_root_record *root_ret)
{
	root_ret->target = get_address(block, &block->previous);
	root_ret->kind = known_kind(
		block, rg_cursor_u8(&block->body), 0, RG_ROOT_KIND_COUNT, RG_ROOT_HELD);
	root_ret->reference = known_kind(
		block, rg_cursor_u8(&block->body), 0, RG_KIND_COUNT, RG_KIND_GUESS);
	root_ret->name = get_optional(block);
	root_ret->label = get_optional(block);
	root_ret->thread = get_optional(block);
	root_ret->frame = get_optional(block);
	return rg_cursor_ok(&block->body);
}

bool rg_read_thread(struct rg_block *block, struct rg_thread_record *thread_ret)
{
	thread_ret->native_id = rg_cursor_varint(&block->body);
	thread_ret->ident = rg_cursor_varint(&block->body);
	thread_ret->name = get_optional(block);
	return rg_cursor_ok(&block->body);
}

bool rg_read_frame(struct rg_block *block, struct rg_frame_record *frame_ret)
{
	frame_ret->thread = rg_cursor_varint32(&block->body);
	frame_ret->function = get_optional(block);
	frame_ret->file = get_optional(block);
	frame_ret->line = rg_cursor_varint32(&block->body);
	return rg_cursor_ok(&block->body);
}

bool rg_read_site(struct rg_block *block, struct rg_site_record *site_ret)
{
	site_ret->file = get_optional(block);
	site_ret->line = rg_cursor_varint32(&block->body);
	site_ret->caller = get_optional(block);
	return rg_cursor_ok(&block->body);
}

bool rg_read_allocation(struct rg_block *block, struct rg_allocation_record *allocation_ret)
{
	allocation_ret->address = get_address(block, &block->previous);
	allocation_ret->site = rg_cursor_varint32(&block->body);
	return rg_cursor_ok(&block->body);
}

bool rg_read_fact(struct rg_block *block, struct rg_fact_record *fact_ret)
{
	memset(fact_ret, 0, sizeof(*fact_ret));
	fact_ret->key = get_text(block, &fact_ret->key_length);
	if (rg_cursor_u8(&block->body))
		fact_ret->text = get_text(block, &fact_ret->text_length);
	else
		fact_ret->number = rg_cursor_zigzag(&block->body);
	return rg_cursor_ok(&block->body);
}
