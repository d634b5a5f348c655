/*
 * NDJSON: read; and what was read, written and read again, is the same record by record.
 */
#include "heapdump/snapshot/ndjson.h"
#include "src/heap/heap.h"
#include "tests/fuzz/fuzz.h"
#include "tests/snapshot/tape.h"

static enum rg_code import(const void *data, size_t size, struct text *text_ret,
	struct rg_ndjson_summary *summary_ret, struct rg_error *err)
{
	FILE *out = text_open(text_ret);
	struct rg_stream stream;
	char path[64];
	int fd = input_file(data, size, path);
	enum rg_code code;

	rg_error_init(err);
	code = rg_stream_open(&stream, path, err);
	if (!code)
		code = rg_ndjson_read(&stream, out, summary_ret, err);
	rg_stream_close(&stream);
	close(fd);
	REQUIRE(fclose(out) == 0);
	if (code)
		free(text_ret->bytes);
	return code;
}

static struct text export(const struct text *snapshot)
{
	struct text text;
	FILE *out = text_open(&text);
	char damage[160];

	REQUIRE(rg_ndjson_write((const uint8_t *)snapshot->bytes, snapshot->size, "input", out,
			damage, NULL) == RG_OK);
	REQUIRE(fclose(out) == 0);
	return text;
}

static void check_loads(const struct text *snapshot)
{
	struct rg_bytes bytes = {
		.data = exact_copy((const uint8_t *)snapshot->bytes, snapshot->size),
		.size = snapshot->size,
	};
	struct rg_heap heap;

	REQUIRE(rg_heap_init_bytes(&heap, &bytes, "input", NULL) == RG_OK);
	REQUIRE(rg_heap_check(&heap));
	rg_heap_deinit(&heap);
}

/* --- equal record by record --------------------------------------------------------------- */

/* A snapshot's records; strings by what they say, as their numbers are the writer's own. */
struct records {
	struct tape tape;
	uint32_t *strings; /* a hash of each */
	size_t n_strings, capacity;
};

static void name_string(const struct records *records, uint32_t *number)
{
	if (*number != RG_NO_STRING)
		*number = *number < records->n_strings ? records->strings[*number] : 0;
}

static void take_string(struct records *records, struct rg_block *block)
{
	const char *text;
	uint32_t length, *slot;

	REQUIRE(rg_read_string(block, &text, &length));
	slot = RG_PUSH(records->strings, records->n_strings, records->capacity);
	REQUIRE(slot);
	*slot = (uint32_t)rg_hash(text, length);
}

static void take_type(struct records *records, struct rg_block *block)
{
	struct rg_type_record type;

	REQUIRE(rg_read_type(block, &type));
	name_string(records, &type.name);
	name_string(records, &type.module);
	note_type(&records->tape, &type);
}

static void take_root(struct records *records, struct rg_block *block)
{
	struct rg_root_record root;

	REQUIRE(rg_read_root(block, &root));
	name_string(records, &root.name);
	name_string(records, &root.label);
	note_root(&records->tape, &root);
}

static void take_thread(struct records *records, struct rg_block *block)
{
	struct rg_thread_record thread;

	REQUIRE(rg_read_thread(block, &thread));
	name_string(records, &thread.name);
	note_thread(&records->tape, &thread);
}

static void take_frame(struct records *records, struct rg_block *block)
{
	struct rg_frame_record frame;

	REQUIRE(rg_read_frame(block, &frame));
	name_string(records, &frame.function);
	name_string(records, &frame.file);
	note_frame(&records->tape, &frame);
}

static void take_references(struct records *records, struct rg_block *block)
{
	struct rg_reference_record reference;
	struct rg_reference_run run;

	REQUIRE(rg_read_references(block, &run));
	for (uint64_t i = 0; i < run.count; i++) {
		uint32_t name;

		REQUIRE(rg_read_reference(block, &run, &reference));
		name = (uint32_t)reference.label;
		name_string(records, &name);
		if (reference.form == RG_LABEL_STRING)
			reference.label = name;
		note_reference(&records->tape, run.source, &reference);
	}
}

static void take_record(struct records *records, struct rg_block *block)
{
	switch (block->type) {
	case RG_BLOCK_STRINGS:
		take_string(records, block);
		break;
	case RG_BLOCK_TYPES:
		take_type(records, block);
		break;
	case RG_BLOCK_REFERENCES:
		take_references(records, block);
		break;
	case RG_BLOCK_ROOTS:
		take_root(records, block);
		break;
	case RG_BLOCK_THREADS:
		take_thread(records, block);
		break;
	case RG_BLOCK_FRAMES:
		take_frame(records, block);
		break;
	default:
		REQUIRE(read_record(block, &records->tape));
	}
}

static void take_all(struct records *records, const struct text *snapshot)
{
	uint8_t *copy = exact_copy((const uint8_t *)snapshot->bytes, snapshot->size);
	struct rg_reader reader;
	struct rg_block block;

	memset(records, 0, sizeof(*records));
	REQUIRE(rg_reader_init(&reader, copy, snapshot->size, "made", NULL) == RG_OK);
	while (rg_reader_next(&reader, &block))
		for (uint32_t i = 0; i < block.count; i++)
			take_record(records, &block);
	free(records->strings);
	free(copy);
}

static void check_equal(const struct text *a, const struct text *b)
{
	struct records first, second;

	take_all(&first, a);
	take_all(&second, b);
	REQUIRE(tape_begins(&second.tape, &first.tape, true));
	tape_deinit(&first.tape);
	tape_deinit(&second.tape);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rg_ndjson_summary summary, second;
	struct text snapshot, lines, again, same;
	struct rg_error err;

	if (import(data, size, &snapshot, &summary, &err)) {
		REQUIRE(err.message[0]);
		return 0;
	}
	REQUIRE(summary.truncated == (summary.damage[0] != 0));
	check_loads(&snapshot);
	lines = export(&snapshot);
	REQUIRE(import(lines.bytes, lines.size, &again, &second, &err) == RG_OK);
	REQUIRE(second.truncated == summary.truncated);
	check_equal(&snapshot, &again);
	same = export(&again);
	REQUIRE(same.size == lines.size && memcmp(same.bytes, lines.bytes, lines.size) == 0);
	free(snapshot.bytes);
	free(lines.bytes);
	free(again.bytes);
	free(same.bytes);
	return 0;
}
