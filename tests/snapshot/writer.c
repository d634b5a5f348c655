/* What the writer writes: the example of the manual to the byte, limits, order, failing streams. */
#include <errno.h>

#include "tests/snapshot/tape.h"

/* The example of refgraph-snapshot(5). */
static const char example[] = "\x8b\x72\x67\x73\x0d\x0a\x1a\x0a\x01\x00\x00\x00\x03\x00\x00\x00"
			      "\x00\x00\x00\x00\x00\x00\x00\x00\x13\xaa\x44\x44\xd6\x2c\x8a\x6f"
			      "\x01\x00\x00\x00\x0e\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"
			      "\x00\x00\x00\x00\x00\x00\x00\x00\x03\xfb\xb3\xfb\xbb\xa4\x79\x01"
			      "\x08\x62\x75\x69\x6c\x74\x69\x6e\x73\x04\x6c\x69\x73\x74\x02\x00"
			      "\x00\x00\x09\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00"
			      "\x00\x00\x00\x00\x00\x00\x00\x3b\x5c\x19\x7b\x84\x28\x8d\xc0\xf4"
			      "\xbf\x04\x01\x01\x42\x28\x00\x03\x00\x00\x00\x06\x00\x00\x00\x01"
			      "\x00\x00\x00\x02\x00\x00\x00\x40\x1a\xc0\xa8\x5e\x7f\x00\x00\xfd"
			      "\x66\x80\x7a\x77\xa7\xca\x94\x00\x00\x12\x58\x02\x01\x04\x00\x00"
			      "\x00\x04\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00\x40\x1a\xc0"
			      "\xa8\x5e\x7f\x00\x00\x0d\x73\x1d\xca\xd4\x21\x58\xf4\x00\x01\x21"
			      "\x00\x09\x00\x00\x00\x07\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00"
			      "\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf1\xec\x75\xab\x5f\x48\x1d"
			      "\xba\x03\x70\x69\x64\x00\xa4\x13\x0a\x00\x00\x00\x0b\x00\x00\x00"
			      "\x0b\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
			      "\x13\x5d\xc6\xfd\x0f\x82\xfc\x9a\x02\x01\x01\x01\x00\x00\x00\x00"
			      "\x01\x00\x00";

START_TEST(writer_example_of_the_manual)
{
	struct recorder recorder;
	uint64_t list = 0x7f5ea8c01a40;
	uint32_t module, name, type;

	recorder_init(&recorder, 3);
	module = put_string(&recorder, "builtins", 8);
	name = put_string(&recorder, "list", 4);
	type = put_type(&recorder, &(struct rg_type_record){ .address = 0x8ffa40,
					   .basicsize = 40,
					   .name = name,
					   .module = module,
					   .flags = RG_TYPE_GC | RG_TYPE_SEQUENCE });
	put_object(&recorder, &(struct rg_object_record){ .address = list,
				      .size = 88,
				      .refcount = 2,
				      .items = 1,
				      .type = type,
				      .flags = RG_GEN_2 | RG_OBJECT_ITEMS });
	put_references(&recorder, list,
		&(struct rg_reference_record){
			.target = list, .kind = RG_KIND_ITEM, .form = RG_LABEL_NEXT },
		1);
	put_fact_number(&recorder, "pid", 1234);
	recorder_finish(&recorder);
	ck_assert_uint_eq(recorder.size, sizeof(example) - 1);
	ck_assert_mem_eq(recorder.data, example, sizeof(example) - 1);
	recorder_deinit(&recorder);
}
END_TEST

/* Read back what was recorded: it must be whole and equal. */
static void check_whole(struct recorder *recorder)
{
	struct rg_reader reader;
	struct rg_error err;
	struct tape tape;

	ck_assert_int_eq(
		read_snapshot((uint8_t *)recorder->data, recorder->size, &reader, &tape, &err),
		RG_OK);
	ck_assert_msg(reader.ended && !reader.truncated && !tape.malformed, "%s", reader.damage);
	ck_assert(tape_begins(&tape, &recorder->tape, true));
	for (unsigned i = 0; i < RG_RECORD_BLOCKS; i++)
		ck_assert_msg(reader.totals[rg_record_block(i)] ==
				      recorder->tape.totals[rg_record_block(i)],
			"total of %s", rg_block_name(rg_record_block(i)));
	tape_deinit(&tape);
	recorder_deinit(recorder);
}

START_TEST(writer_nothing)
{
	struct recorder recorder;

	recorder_init(&recorder, 0);
	recorder_finish(&recorder);
	ck_assert_uint_eq(recorder.size, RG_HEADER_SIZE + RG_FRAME_SIZE + RG_RECORD_BLOCKS);
	check_whole(&recorder);
}
END_TEST

/* Numbers at which a coding changes its length, or ends. */
static const uint64_t numbers[] = { 0, 1, 0x7f, 0x80, 0x3fff, 0x4000, INT32_MAX, UINT32_MAX,
	UINT32_MAX + 1ull, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX };
#define N_NUMBERS (sizeof(numbers) / sizeof(*numbers))

START_TEST(writer_extreme_types_and_objects)
{
	struct recorder recorder;

	recorder_init(&recorder, 0);
	for (size_t i = 0; i < N_NUMBERS; i++) {
		uint64_t n = numbers[i], m = numbers[N_NUMBERS - 1 - i];

		put_type(&recorder, &(struct rg_type_record){ .address = n,
					    .basicsize = m,
					    .itemsize = n,
					    .name = (uint32_t)n,
					    .module = (uint32_t)m,
					    .flags = (uint32_t)n });
		for (uint32_t generation = 0; generation < RG_GEN_COUNT; generation++) {
			put_object(&recorder, &(struct rg_object_record){ .address = m,
						      .size = n,
						      .refcount = m,
						      .type = (uint32_t)n,
						      .flags = generation });
			put_object(&recorder,
				&(struct rg_object_record){ .address = n,
					.size = m,
					.refcount = n,
					.items = m,
					.extra = n,
					.type = (uint32_t)m,
					.flags = generation |
						 (RG_OBJECT_FLAGS & ~RG_OBJECT_GENERATION) });
		}
	}
	recorder_finish(&recorder);
	check_whole(&recorder);
}
END_TEST

START_TEST(writer_extreme_references)
{
	struct recorder recorder;

	recorder_init(&recorder, 0);
	for (size_t i = 0; i < N_NUMBERS; i++) {
		struct rg_reference_record all[RG_KIND_COUNT * RG_LABEL_FORM_COUNT];
		uint64_t index = 0;
		size_t n = 0;

		for (int kind = 0; kind < RG_KIND_COUNT; kind++) {
			for (int form = 0; form < RG_LABEL_FORM_COUNT; form++) {
				uint64_t label = form == RG_LABEL_NONE ? 0
						 : form == RG_LABEL_NEXT
							 ? index
							 : numbers[(i + n) % N_NUMBERS];

				if (form == RG_LABEL_NEXT || form == RG_LABEL_INDEX)
					index = label + 1;
				all[n] = (struct rg_reference_record){
					.target = numbers[(i * n) % N_NUMBERS],
					.label = label,
					.kind = kind,
					.form = form,
					.untraversed = n % 3 == 0
				};
				n++;
			}
		}
		put_references(&recorder, numbers[i], all, n);
		put_references(&recorder, numbers[i], all, 0);
	}
	recorder_finish(&recorder);
	check_whole(&recorder);
}
END_TEST

START_TEST(writer_extreme_others)
{
	struct recorder recorder;

	recorder_init(&recorder, 0);
	for (size_t i = 0; i < N_NUMBERS; i++) {
		uint64_t n = numbers[i], m = numbers[N_NUMBERS - 1 - i];

		put_thread(&recorder, &(struct rg_thread_record){
					      .native_id = n, .ident = m, .name = (uint32_t)n });
		put_frame(&recorder, &(struct rg_frame_record){ .thread = (uint32_t)n,
					     .function = (uint32_t)m,
					     .file = (uint32_t)n,
					     .line = (uint32_t)m });
		for (int kind = 0; kind < RG_ROOT_KIND_COUNT; kind++)
			put_root(&recorder, &(struct rg_root_record){ .target = n,
						    .kind = kind,
						    .reference = i % RG_KIND_COUNT,
						    .name = (uint32_t)m,
						    .label = (uint32_t)n,
						    .thread = (uint32_t)m,
						    .frame = (uint32_t)n });
		put_fact_number(&recorder, "number", (int64_t)n);
		put_fact_text(&recorder, i ? "text" : "", i % 2 ? "a text \xc3\xa9" : "");
	}
	recorder_finish(&recorder);
	check_whole(&recorder);
}
END_TEST

START_TEST(writer_long_texts)
{
	static const uint32_t lengths[] = { 0, 1, 127, 128, 65535, 65536, 65537, 200000 };
	struct recorder recorder;
	char *text = malloc(200000);

	memset(text, 'x', 200000);
	recorder_init(&recorder, 3);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		put_string(&recorder, text, lengths[i]);
		for (int kind = RG_VALUE_STR; kind < RG_VALUE_KIND_COUNT; kind++)
			put_value(&recorder, &(struct rg_value_record){ .address = 8 * i,
						     .text = text,
						     .length = lengths[i],
						     .kind = kind,
						     .exact = kind % 2 });
	}
	put_value(&recorder, &(struct rg_value_record){ .kind = RG_VALUE_STR, .exact = true });
	recorder_finish(&recorder);
	check_whole(&recorder);
	free(text);
}
END_TEST

/* A fact is cut where it would not fit, and what follows it is not harmed. */
START_TEST(writer_long_facts)
{
	char *text = malloc(300001);
	struct recorder recorder;
	struct rg_reader reader;
	struct rg_error err;
	struct tape tape;

	memset(text, 'k', 300000);
	text[300000] = 0;
	recorder_init(&recorder, 3);
	rg_writer_fact_text(recorder.writer, text, text);
	rg_writer_fact_number(recorder.writer, text, 1);
	recorder_finish(&recorder);
	ck_assert_int_eq(
		read_snapshot((uint8_t *)recorder.data, recorder.size, &reader, &tape, &err),
		RG_OK);
	ck_assert(!reader.truncated && !tape.malformed);
	ck_assert_uint_eq(tape.totals[RG_BLOCK_FACTS], 2);
	tape_deinit(&tape);
	recorder_deinit(&recorder);
	free(text);
}
END_TEST

/* More references than a record takes: an index goes on where the next record begins. */
START_TEST(writer_many_references_keep_their_indices)
{
	enum { MANY = 20000 };
	struct rg_reference_record *all = calloc(MANY, sizeof(*all));
	struct recorder recorder;

	for (unsigned first = 0; first < 3; first++) {
		uint64_t index = first;

		recorder_init(&recorder, 3);
		for (size_t i = 0; i < MANY; i++) {
			all[i] = (struct rg_reference_record){ .target = 8 * i,
				.kind = RG_KIND_ITEM,
				.form = RG_LABEL_NEXT,
				.label = index };
			/* unlabelled ones stand in between, at the border of records too */
			if (i % 4096 < first)
				all[i].form = RG_LABEL_NONE, all[i].label = 0;
			else
				index++;
		}
		put_references(&recorder, 800, all, MANY);
		recorder_finish(&recorder);
		check_whole(&recorder);
	}
	free(all);
}
END_TEST

/* What a block refers to by number stands before it, in a file of many blocks. */
START_TEST(writer_numbers_stand_before_their_use)
{
	uint64_t known[RG_BLOCK_TYPE_COUNT] = { 0 };
	struct recorder recorder;
	struct rg_reader reader;
	struct rg_block block;
	char text[100] = "";

	recorder_init(&recorder, 3);
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t string = put_string(&recorder, text, sizeof(text));
		uint32_t type = put_type(&recorder,
			&(struct rg_type_record){ .name = string, .module = RG_NO_STRING });
		uint32_t thread = put_thread(
			&recorder, &(struct rg_thread_record){ .ident = i, .name = string });
		uint32_t frame = put_frame(
			&recorder, &(struct rg_frame_record){
					   .thread = thread, .function = string, .file = string });

		put_object(&recorder, &(struct rg_object_record){ .type = type });
		put_root(&recorder, &(struct rg_root_record){ .kind = RG_ROOT_FRAME,
					    .reference = RG_KIND_LOCAL,
					    .name = string,
					    .label = string,
					    .thread = thread,
					    .frame = frame });
	}
	recorder_finish(&recorder);
	ck_assert_int_eq(
		rg_reader_init(&reader, (uint8_t *)recorder.data, recorder.size, "", NULL), RG_OK);
	while (rg_reader_next(&reader, &block)) {
		struct tape tape = { 0 };

		for (uint32_t i = 0; i < block.count; i++)
			ck_assert(read_record(&block, &tape));
		known[block.type] += block.count;
		/* every record here uses the number of its own turn */
		if (block.type != RG_BLOCK_STRINGS)
			ck_assert_uint_ge(known[RG_BLOCK_STRINGS], known[block.type]);
		if (block.type == RG_BLOCK_OBJECTS)
			ck_assert_uint_ge(known[RG_BLOCK_TYPES], known[block.type]);
		if (block.type == RG_BLOCK_FRAMES || block.type == RG_BLOCK_ROOTS)
			ck_assert_uint_ge(known[RG_BLOCK_THREADS], known[block.type]);
		if (block.type == RG_BLOCK_ROOTS)
			ck_assert_uint_ge(known[RG_BLOCK_FRAMES], known[block.type]);
		tape_deinit(&tape);
	}
	ck_assert(reader.ended && !reader.truncated);
	recorder_deinit(&recorder);
}
END_TEST

START_TEST(writer_full_disk)
{
	/* one that fits the stream's buffer, and one that does not */
	for (int objects = 0; objects < 200000; objects += 199999) {
		FILE *full = fopen("/dev/full", "w");
		struct rg_writer *writer;
		struct rg_error err;

		ck_assert_ptr_nonnull(full);
		writer = rg_writer_create(full, 3);
		for (int i = 0; i < objects; i++)
			rg_writer_object(writer, &(struct rg_object_record){ .address = 8 });
		ck_assert_int_eq(rg_writer_finish(writer, &err), RG_SYSTEM);
		ck_assert_str_eq(err.name, "cannot-write");
		ck_assert_ptr_nonnull(strstr(err.message, "No space left"));
		ck_assert_str_ne(err.hint, "");
		rg_writer_destroy(writer);
		fclose(full);
	}
}
END_TEST

/* A stream that takes so many bytes and then fails. */
static ssize_t take(void *cookie, const char *bytes, size_t size)
{
	size_t *room = cookie;

	(void)bytes;
	if (size > *room) {
		errno = EIO;
		return 0;
	}
	*room -= size;
	return (ssize_t)size;
}

/* Write a small snapshot to STREAM, which is closed. */
static enum rg_code write_small(FILE *stream)
{
	struct rg_writer *writer = rg_writer_create(stream, 3);
	struct rg_error err;
	enum rg_code code;

	rg_writer_string(writer, "builtins", 8);
	rg_writer_type(writer, &(struct rg_type_record){ .module = RG_NO_STRING });
	rg_writer_object(writer, &(struct rg_object_record){ .address = 8 });
	code = rg_writer_finish(writer, &err);
	rg_writer_destroy(writer);
	fclose(stream);
	return code;
}

START_TEST(writer_stream_that_fails_anywhere)
{
	char *data = NULL;
	size_t size = 0;

	ck_assert_int_eq(write_small(open_memstream(&data, &size)), RG_OK);
	free(data);
	for (size_t room = 0; room <= size; room++) {
		size_t left = room;
		FILE *stream = fopencookie(&left, "w", (cookie_io_functions_t){ .write = take });

		setvbuf(stream, NULL, _IONBF, 0);
		ck_assert_int_eq(write_small(stream), room < size ? RG_SYSTEM : RG_OK);
	}
}
END_TEST

TEST_MAIN("writer", writer_example_of_the_manual, writer_nothing, writer_extreme_types_and_objects,
	writer_extreme_references, writer_extreme_others, writer_long_texts, writer_long_facts,
	writer_many_references_keep_their_indices, writer_numbers_stand_before_their_use,
	writer_full_disk, writer_stream_that_fails_anywhere)
