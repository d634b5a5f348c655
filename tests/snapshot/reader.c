/* The reader against damage: cut and flipped anywhere, signed nonsense, versions, other files. */
#include "tests/snapshot/tape.h"

/* A small snapshot with a few records of every kind. */
static void record_sample(struct recorder *recorder)
{
	uint32_t string, type, thread, frame;

	recorder_init(recorder, 3);
	put_fact_text(recorder, "runtime", "CPython 3.11.2");
	put_fact_number(recorder, "pid", 1234);
	string = put_string(recorder, "name", 4);
	type = put_type(recorder, &(struct rg_type_record){ .address = 0x9000,
					  .basicsize = 16,
					  .name = string,
					  .module = RG_NO_STRING,
					  .flags = RG_TYPE_GC });
	thread = put_thread(recorder, &(struct rg_thread_record){ .ident = 7, .name = string });
	frame = put_frame(recorder,
		&(struct rg_frame_record){
			.thread = thread, .function = string, .file = string, .line = 12 });
	for (uint64_t i = 0; i < 5; i++) {
		uint64_t address = 0x7f0000001000 + 64 * i;
		struct rg_reference_record references[] = {
			{ .target = address, .kind = RG_KIND_ITEM, .form = RG_LABEL_NEXT },
			{ .target = 0x9000, .kind = RG_KIND_TYPE },
			{ .target = address + 64,
				.kind = RG_KIND_KEY,
				.form = RG_LABEL_OBJECT,
				.label = address - 64 },
			{ .target = address,
				.kind = RG_KIND_ATTR,
				.form = RG_LABEL_STRING,
				.label = string,
				.untraversed = true },
		};

		put_object(recorder, &(struct rg_object_record){ .address = address,
					     .size = 56,
					     .refcount = i,
					     .items = i,
					     .type = type,
					     .flags = RG_OBJECT_ITEMS | (i % 5) });
		put_references(recorder, address, references, 4);
		put_value(recorder, &(struct rg_value_record){ .address = address,
					    .text = "text",
					    .length = 4,
					    .kind = RG_VALUE_STR,
					    .exact = true });
		put_root(recorder, &(struct rg_root_record){ .target = address,
					   .kind = RG_ROOT_FRAME,
					   .reference = RG_KIND_LOCAL,
					   .name = string,
					   .label = string,
					   .thread = thread,
					   .frame = frame });
	}
	recorder_finish(recorder);
}

/* Read damaged DATA: refused, or ended early with what came before. True for the first. */
static bool check_damaged(const uint8_t *data, size_t size, const struct tape *whole)
{
	struct rg_reader reader;
	struct rg_error err;
	struct tape tape;
	enum rg_code code = read_snapshot(data, size, &reader, &tape, &err);

	if (code) {
		ck_assert_int_eq(code, RG_BAD_DATA);
		ck_assert(err.message[0] && err.hint[0] && strcmp(err.file, "x.rgs") == 0);
		return true;
	}
	ck_assert(reader.truncated && reader.damage[0]);
	ck_assert(!tape.malformed && tape_begins(&tape, whole, false));
	tape_deinit(&tape);
	return false;
}

START_TEST(reader_cut_at_every_byte)
{
	struct recorder recorder;

	record_sample(&recorder);
	for (size_t size = 0; size < recorder.size; size++) {
		bool refused = check_damaged((uint8_t *)recorder.data, size, &recorder.tape);

		ck_assert_msg(refused == (size < RG_HEADER_SIZE), "cut after %zu bytes", size);
	}
	recorder_deinit(&recorder);
}
END_TEST

START_TEST(reader_every_bit_flipped)
{
	struct recorder recorder;

	record_sample(&recorder);
	for (size_t bit = 0; bit < recorder.size * 8; bit++) {
		bool refused;

		recorder.data[bit / 8] ^= (char)(1 << bit % 8);
		refused = check_damaged((uint8_t *)recorder.data, recorder.size, &recorder.tape);
		ck_assert_msg(refused == (bit / 8 < RG_HEADER_SIZE), "bit %zu flipped", bit);
		recorder.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	recorder_deinit(&recorder);
}
END_TEST

/* Blocks moved, doubled or left out: their numbers tell. */
START_TEST(reader_blocks_out_of_order)
{
	struct recorder recorder;
	uint32_t length;
	uint8_t *data;
	size_t first;

	record_sample(&recorder);
	memcpy(&length, recorder.data + RG_HEADER_SIZE + 4, sizeof(length));
	first = RG_FRAME_SIZE + length;
	data = malloc(recorder.size + first);
	memcpy(data, recorder.data, RG_HEADER_SIZE);
	memcpy(data + RG_HEADER_SIZE, recorder.data + RG_HEADER_SIZE + first,
		recorder.size - RG_HEADER_SIZE - first);
	check_damaged(data, recorder.size - first, &recorder.tape);
	memcpy(data, recorder.data, RG_HEADER_SIZE + first);
	memcpy(data + RG_HEADER_SIZE + first, recorder.data + RG_HEADER_SIZE,
		recorder.size - RG_HEADER_SIZE);
	check_damaged(data, recorder.size + first, &recorder.tape);
	free(data);
	recorder_deinit(&recorder);
}
END_TEST

START_TEST(reader_bytes_after_the_end)
{
	struct recorder recorder;
	uint8_t *data;

	record_sample(&recorder);
	data = malloc(recorder.size + 1);
	memcpy(data, recorder.data, recorder.size);
	data[recorder.size] = 0;
	ck_assert(!check_damaged(data, recorder.size + 1, &recorder.tape));
	free(data);
	recorder_deinit(&recorder);
}
END_TEST

/* The frames of a good snapshot, up to MAX. */
static size_t find_frames(const uint8_t *data, size_t size, size_t *offsets, size_t max)
{
	size_t n = 0;

	for (size_t at = RG_HEADER_SIZE; at < size && n < max; n++) {
		uint32_t length;

		offsets[n] = at;
		memcpy(&length, data + at + 4, sizeof(length));
		at += RG_FRAME_SIZE + length;
	}
	return n;
}

/* Damage under good checksums: nothing to compare, but no step out of bounds and an end. */
START_TEST(reader_signed_nonsense)
{
	struct recorder recorder;
	uint8_t *data;
	size_t offsets[32], frames, malformed = 0;

	record_sample(&recorder);
	frames = find_frames((uint8_t *)recorder.data, recorder.size, offsets, 32);
	data = malloc(recorder.size);
	FOR_SEEDS(seed, 50000)
	{
		uint64_t state = seed;
		size_t frame = offsets[random_below(&state, (uint32_t)frames)];
		struct rg_reader reader;
		struct rg_error err;
		struct tape tape;
		uint32_t length;

		memcpy(data, recorder.data, recorder.size);
		memcpy(&length, data + frame + 4, sizeof(length));
		for (uint32_t n = 1 + random_below(&state, 4); n; n--)
			data[frame + RG_FRAME_SIZE + random_below(&state, length)] =
				(uint8_t)random_number(&state);
		/* now and then another type, count or base */
		if (!random_below(&state, 4))
			data[frame] = (uint8_t)random_below(&state, 14);
		if (!random_below(&state, 4))
			data[frame + 8 + random_below(&state, 4)] = (uint8_t)random_bits(&state);
		if (!random_below(&state, 4))
			memset(data + frame + 16, random_below(&state, 256) & 0xff, 8);
		sign_block(data, frame);
		CHECK(seed, read_snapshot(data, recorder.size, &reader, &tape, &err) == RG_OK);
		malformed += tape.malformed;
		tape_deinit(&tape);
	}
	ck_assert(getenv("RG_SEED") || malformed > 5000);
	free(data);
	recorder_deinit(&recorder);
}
END_TEST

/* A block that claims more records than it holds yields no empty ones for them. */
START_TEST(reader_more_records_claimed_than_there)
{
	for (uint32_t i = 0; i < RG_RECORD_BLOCKS; i++) {
		uint32_t type = rg_record_block(i);
		struct rg_block block = {
			.type = type, .count = UINT32_MAX, .shift = 3, .body = rg_cursor_over("", 0)
		};
		struct tape tape = { 0 };

		ck_assert_msg(!read_record(&block, &tape), "%s", rg_block_name(type));
		tape_deinit(&tape);
	}
}
END_TEST

/* Another version in the header, signed. */
static enum rg_code read_version(struct recorder *recorder, uint8_t major, uint8_t minor,
	struct rg_reader *reader, struct tape *tape, struct rg_error *err)
{
	recorder->data[8] = (char)major;
	recorder->data[10] = (char)minor;
	sign_header((uint8_t *)recorder->data);
	return read_snapshot((uint8_t *)recorder->data, recorder->size, reader, tape, err);
}

START_TEST(reader_versions)
{
	struct recorder recorder;
	struct rg_reader reader;
	struct rg_error err;
	struct tape tape;

	record_sample(&recorder);
	ck_assert_int_eq(
		read_version(&recorder, RG_MAJOR + 1, 0, &reader, &tape, &err), RG_BAD_DATA);
	ck_assert_str_eq(err.name, "newer-format");
	ck_assert_ptr_nonnull(strstr(err.message, "2.0"));
	ck_assert_int_eq(read_version(&recorder, 0, 9, &reader, &tape, &err), RG_BAD_DATA);
	ck_assert_int_eq(
		read_version(&recorder, RG_MAJOR, RG_MINOR + 1, &reader, &tape, &err), RG_OK);
	ck_assert(!reader.truncated && tape_begins(&tape, &recorder.tape, true));
	tape_deinit(&tape);
	recorder.data[12] = RG_SHIFT_LIMIT + 1;
	ck_assert_int_eq(
		read_version(&recorder, RG_MAJOR, RG_MINOR, &reader, &tape, &err), RG_BAD_DATA);
	ck_assert_str_eq(err.name, "bad-header");
	recorder_deinit(&recorder);
}
END_TEST

/* Kinds that only a newer minor version may have. */
START_TEST(reader_kinds_of_a_newer_minor)
{
	static const struct {
		uint32_t type;
		size_t at; /* of the byte to change, in the first record */
		uint8_t byte;
	} cases[] = {
		{ RG_BLOCK_VALUES, 1, 0x7f },
		{ RG_BLOCK_ROOTS, 1, 0x20 },
		{ RG_BLOCK_ROOTS, 2, 0x40 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct recorder recorder;
		struct rg_reader reader;
		struct rg_error err;
		struct tape tape;
		size_t offsets[32], n;

		record_sample(&recorder);
		n = find_frames((uint8_t *)recorder.data, recorder.size, offsets, 32);
		for (size_t k = 0; k < n; k++) {
			uint8_t *frame = (uint8_t *)recorder.data + offsets[k];

			if (frame[0] != cases[i].type)
				continue;
			frame[RG_FRAME_SIZE + cases[i].at] = cases[i].byte;
			sign_block((uint8_t *)recorder.data, offsets[k]);
		}
		ck_assert_int_eq(
			read_version(&recorder, RG_MAJOR, RG_MINOR, &reader, &tape, &err), RG_OK);
		ck_assert(tape.malformed);
		tape_deinit(&tape);
		ck_assert_int_eq(
			read_version(&recorder, RG_MAJOR, RG_MINOR + 1, &reader, &tape, &err),
			RG_OK);
		ck_assert(!tape.malformed && !reader.truncated);
		ck_assert_uint_eq(tape.totals[cases[i].type], recorder.tape.totals[cases[i].type]);
		tape_deinit(&tape);
		recorder_deinit(&recorder);
	}
}
END_TEST

/* A kind of reference beyond the table takes two bytes of head: made by hand. */
START_TEST(reader_reference_of_an_unknown_kind)
{
	/* source, one reference, head: kind 40 without a label, target */
	const uint8_t content[] = { 0, 1, 0x80, 0x05, 0x10 };

	for (int newer = 0; newer < 2; newer++) {
		struct rg_block block = { .type = RG_BLOCK_REFERENCES,
			.count = 1,
			.base = 64,
			.previous = 64,
			.shift = 3,
			.newer = newer,
			.body = rg_cursor_over(content, sizeof(content)) };
		struct rg_reference_run run;
		struct rg_reference_record reference;

		ck_assert(rg_read_references(&block, &run));
		ck_assert_uint_eq(run.source, 64);
		ck_assert_int_eq(rg_read_reference(&block, &run, &reference), newer);
		if (newer)
			ck_assert(reference.kind == RG_KIND_GUESS && reference.target == 128);
	}
}
END_TEST

/* Blocks of unknown types, signed and numbered, in between and with any content. */
START_TEST(reader_unknown_blocks_are_skipped)
{
	struct recorder recorder;
	struct rg_reader reader;
	struct rg_error err;
	struct tape tape;
	size_t offsets[32], n, used = RG_HEADER_SIZE;
	uint32_t sequence = 0;
	uint8_t *data;

	record_sample(&recorder);
	n = find_frames((uint8_t *)recorder.data, recorder.size, offsets, 32);
	data = calloc(1, recorder.size + 32 * (RG_FRAME_SIZE + 100));
	memcpy(data, recorder.data, RG_HEADER_SIZE);
	for (size_t i = 0; i < n; i++) {
		size_t end = i + 1 < n ? offsets[i + 1] : recorder.size;
		const uint32_t unknown[] = { i % 2 ? 0 : UINT32_MAX - (uint32_t)i, (uint32_t)i * 3,
			UINT32_MAX, sequence++ };

		memcpy(data + used, unknown, sizeof(unknown));
		memset(data + used + RG_FRAME_SIZE, 0xff, unknown[1]);
		sign_block(data, used);
		used += RG_FRAME_SIZE + unknown[1];
		memcpy(data + used, recorder.data + offsets[i], end - offsets[i]);
		memcpy(data + used + 12, &sequence, sizeof(sequence));
		sequence++;
		sign_block(data, used);
		used += end - offsets[i];
	}
	ck_assert_int_eq(read_snapshot(data, used, &reader, &tape, &err), RG_OK);
	ck_assert_msg(!reader.truncated, "%s", reader.damage);
	ck_assert(tape_begins(&tape, &recorder.tape, true));
	tape_deinit(&tape);
	free(data);
	recorder_deinit(&recorder);
}
END_TEST

/* The end block of a newer version has more totals; one that lacks its numbers is damage. */
START_TEST(reader_totals_of_the_end)
{
	static const struct {
		uint32_t length, count;
		bool good;
	} cases[] = { { 9, 9, true }, { 8, 8, true }, { 0, 0, true }, { 12, 12, true },
		{ 12, 9, true }, { 8, 9, false }, { 0, UINT32_MAX, false } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct recorder recorder;
		struct rg_reader reader;
		struct rg_error err;
		struct tape tape;
		uint8_t data[RG_HEADER_SIZE + RG_FRAME_SIZE + 20] = { 0 };

		recorder_init(&recorder, 3);
		recorder_finish(&recorder);
		memcpy(data, recorder.data, RG_HEADER_SIZE + RG_FRAME_SIZE);
		memcpy(data + RG_HEADER_SIZE + 4, &cases[i].length, 4);
		memcpy(data + RG_HEADER_SIZE + 8, &cases[i].count, 4);
		sign_block(data, RG_HEADER_SIZE);
		ck_assert_int_eq(
			read_snapshot(data, RG_HEADER_SIZE + RG_FRAME_SIZE + cases[i].length,
				&reader, &tape, &err),
			RG_OK);
		ck_assert_msg(reader.ended && reader.truncated != cases[i].good, "case %zu", i);
		tape_deinit(&tape);
		recorder_deinit(&recorder);
	}
}
END_TEST

START_TEST(reader_other_files)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *name, *says;
	} cases[] = {
		{ "", 0, "empty-file", "empty" },
		{ "hello, world\n", 13, "bad-magic", "text" },
		{ "{\"type\":\"object\"}\n", 18, "bad-magic", "text" },
		{ "\x7f"
		  "ELF\2\1\1\0",
			8, "bad-magic", "ELF" },
		{ "\0\1\2\3\4\5\6\7", 8, "bad-magic", "something else" },
		{ "\x8brgs\n\x1a\n\1\0\0\0", 11, "bad-magic", "text mode" },
		{ "\x8brgs", 4, "bad-magic", "cut in its header" },
		{ RG_MAGIC "\1\0", 10, "bad-header", "cut after 10 bytes" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rg_reader reader;
		struct rg_error err;
		struct tape tape;

		ck_assert_int_eq(read_snapshot((const uint8_t *)cases[i].bytes, cases[i].size,
					 &reader, &tape, &err),
			RG_BAD_DATA);
		ck_assert_str_eq(err.name, cases[i].name);
		ck_assert_msg(strstr(err.message, cases[i].says) && strstr(err.message, "x.rgs"),
			"%s", err.message);
		ck_assert_str_ne(err.hint, "");
	}
}
END_TEST

TEST_MAIN("reader", reader_cut_at_every_byte, reader_every_bit_flipped, reader_blocks_out_of_order,
	reader_bytes_after_the_end, reader_more_records_claimed_than_there, reader_signed_nonsense,
	reader_versions, reader_kinds_of_a_newer_minor, reader_reference_of_an_unknown_kind,
	reader_unknown_blocks_are_skipped, reader_totals_of_the_end, reader_other_files)
