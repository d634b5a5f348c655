/* NDJSON: what the page decides, line by line; both ways with random records; and hostile input. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "heapdump/base/hash.h"
#include "heapdump/snapshot/ndjson.h"
#include "tests/snapshot/tape.h"

/* What came of a text: the snapshot, the summary, or the failure. */
struct result {
	enum rg_code code;
	struct rg_ndjson_summary summary;
	struct rg_error err;
	char *data;
	size_t size;
};

static struct result read_text(const char *text, size_t length)
{
	struct result result = { 0 };
	struct rg_stream stream;
	char path[64];
	int fd = memfd_create("ndjson", 0);
	FILE *out = open_memstream(&result.data, &result.size);

	ck_assert_int_eq(write(fd, text, length), (ssize_t)length);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rg_error_init(&result.err);
	result.code = rg_stream_open(&stream, path, &result.err);
	if (!result.code)
		result.code = rg_ndjson_read(&stream, out, &result.summary, &result.err);
	rg_stream_close(&stream);
	close(fd);
	fclose(out);
	return result;
}

static char *write_text(const char *data, size_t size, size_t *length_ret)
{
	char damage[160], *text = NULL;
	FILE *out = open_memstream(&text, length_ret);
	struct rg_error err;

	ck_assert_int_eq(
		rg_ndjson_write((const uint8_t *)data, size, "test", out, damage, &err), RG_OK);
	fclose(out);
	return text;
}

/* --- what the page decides ---------------------------------------------------------------- */

#define HEADER "{\"record\":\"header\",\"format\":\"refgraph-ndjson\",\"version\":\"1.0\"}\n"
#define OBJECT "{\"id\":1}\n"

struct good {
	const char *text;
	uint64_t objects, references, uncounted;
};

static const struct good goods[] = {
	{ "{\"id\":1,\"references\":[2,3]}\n{\"id\":2,\"references\":[1]}\n{\"id\":3}\n", 3, 3, 3 },
	{ "{\"id\":1,\"refcount\":1}", 1, 0, 0 },
	{ "{\"id\":1,\"refcount\":null}", 1, 0, 1 },
	{ "{\"id\":1,\"immortal\":true}", 1, 0, 0 },
	{ "\xef\xbb\xbf{\"id\":0}\r\n\r\n  \n\t{\"id\":2}\r\n", 2, 0, 2 },
	{ "{ \"id\" : 1 , \"references\" : [ 1 , { \"to\" : 1 } ] } ", 1, 2, 1 },
	{ "{\"id\":\"0x10\"}\n{\"id\":\"a\"}\n{\"id\":\"0xx\"}\n{\"id\":\"\"}", 4, 0, 4 },
	{ "{\"id\":18446744073709551614,\"references\":[]}", 1, 0, 1 },
	/* only referred to: an object of its own, unless a header says that all are listed */
	{ "{\"id\":1,\"references\":[2,\"x\",{\"to\":3,\"label\":{\"object\":4}}]}", 5, 3, 5 },
	{ OBJECT "{\"record\":\"root\",\"target\":2}\n", 2, 0, 2 },
	{ HEADER "{\"id\":1,\"references\":[2]}\n{\"record\":\"end\"}\n", 1, 1, 1 },
	{ HEADER "{\"id\":1}\n{\"id\":1}\n{\"record\":\"end\",\"objects\":2}\n", 2, 0, 2 },
	/* what is not known is passed over, whatever it holds */
	{ "{\"record\":\"comment\",\"text\":[[{}]]}\n" OBJECT, 1, 0, 1 },
	{ "{\"id\":1,\"color\":[1,-2.5e+3,{\"a\":null},true,false,\"\\u0000\"]}", 1, 0, 1 },
	{ "{\"id\":1,\"x\":1,\"x\":2}", 1, 0, 1 },
	/* the record's name may stand anywhere, and be escaped */
	{ "{\"target\":1,\"record\":\"root\"}\n", 1, 0, 1 },
	{ "{\"target\":1,\"name\":\"a\\nb\",\"rec\\u006frd\":\"root\"}\n", 1, 0, 1 },
	{ "{\"name\":\"record\",\"id\":1}\n", 1, 0, 1 },
	{ "{\"record\":\"type\",\"name\":\"T\",\"flags\":[\"gc\",\"hub\",65536]}\n"
	  "{\"id\":1,\"type\":\"T\",\"generation\":2}\n{\"id\":2,\"generation\":\"permanent\"}",
		2, 0, 2 },
	{ "{\"record\":\"thread\"}\n{\"record\":\"frame\",\"thread\":0}\n"
	  "{\"record\":\"root\",\"target\":1,\"kind\":\"frame\",\"frame\":0,\"thread\":0}\n",
		1, 0, 1 },
	{ "{\"record\":\"fact\",\"key\":\"k\",\"value\":-9223372036854775808}\n" OBJECT, 1, 0, 1 },
	{ "{\"id\":1,\"value\":-0.5}\n{\"id\":2,\"value\":{\"hex\":\"00fF\"}}", 2, 0, 2 },
};

START_TEST(good_lines)
{
	for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
		const struct good *good = &goods[i];
		struct result result = read_text(good->text, strlen(good->text));

		ck_assert_msg(result.code == RG_OK && !result.summary.truncated, "%s: %s%s",
			good->text, result.err.message, result.summary.damage);
		ck_assert_msg(result.summary.objects == good->objects &&
				      result.summary.references == good->references &&
				      result.summary.uncounted == good->uncounted,
			"%s: %" PRIu64 " objects, %" PRIu64 " references, %" PRIu64 " uncounted",
			good->text, result.summary.objects, result.summary.references,
			result.summary.uncounted);
		free(result.data);
	}
}
END_TEST

/* A line that makes no sense, and what is said: column, and what was expected there. */
static const struct {
	const char *line;
	unsigned column;
	const char *expected;
} bads[] = {
	{ "[1]", 1, "an object" },
	{ "{\"id\":1", 8, "','" },
	{ "{\"id\":1,}", 9, "a key" },
	{ "{\"id\":1} x", 10, "the end of the line" },
	{ "{\"id\"1}", 6, "':'" },
	{ "{'id':1}", 2, "a key" },
	{ "{}", 1, "\"object\" to have a \"id\"" },
	{ "{\"refcount\":1}", 1, "\"id\"" },
	{ "{\"id\":1,\"id\":2}", 9, "a key that did not come before" },
	{ "{\"record\":\"object\",\"id\":1,\"record\":\"type\"}", 27, "did not come before" },
	{ "{\"id\":-1}", 7, "an id" },
	{ "{\"id\":1.5}", 7, "an id" },
	{ "{\"id\":01}", 7, "an id" },
	{ "{\"id\":18446744073709551616}", 7, "an id" },
	{ "{\"id\":18446744073709551615}", 1, "less than" },
	{ "{\"id\":[]}", 7, "an id" },
	{ "{\"id\":1,\"size\":\"1\"}", 16, "a whole number" },
	{ "{\"id\":1,\"size\":1e3}", 16, "a whole number" },
	{ "{\"id\":1,\"size\":18446744073709551616}", 16, "a whole number" },
	{ "{\"id\":1,\"immortal\":1}", 20, "true or false" },
	{ "{\"id\":1,\"generation\":3}", 22, "a generation" },
	{ "{\"id\":1,\"generation\":\"old\"}", 22, "a generation" },
	{ "{\"id\":1,\"type\":0}", 16, "a type" },
	{ "{\"id\":1,\"references\":1}", 22, "an array" },
	{ "{\"id\":1,\"references\":[1,]}", 25, "an id" },
	{ "{\"id\":1,\"references\":[{}]}", 23, "\"to\"" },
	{ "{\"id\":1,\"references\":[{\"to\":1,\"to\":2}]}", 31, "did not come before" },
	{ "{\"id\":1,\"references\":[{\"to\":1,\"kind\":\"atr\"}]}", 38, "a kind of reference" },
	{ "{\"id\":1,\"references\":[{\"to\":1,\"label\":[]}]}", 39, "a whole number" },
	{ "{\"id\":1,\"references\":[{\"to\":1,\"label\":{}}]}", 39, "a label" },
	{ "{\"id\":1,\"name\":\"a\nb\"}", 18, "the end of the string" },
	{ "{\"id\":1,\"name\":\"a\tb\"}", 18, "a control character to be escaped" },
	{ "{\"id\":1,\"name\":\"\\x\"}", 17, "an escape" },
	{ "{\"id\":1,\"name\":\"\\u12g4\"}", 17, "an escape" },
	{ "{\"id\":1,\"name\":\"\xff\"}", 17, "UTF-8" },
	{ "{\"id\":1,\"name\":\"\xed\xa0\x80\"}", 17, "UTF-8" },
	{ "{\"id\":1,\"name\":{\"hex\":\"0\"}}", 16, "an even number" },
	{ "{\"id\":1,\"name\":{\"hex\":\"0x\"}}", 16, "hexadecimal digits" },
	{ "{\"id\":1,\"name\":{\"hax\":\"00\"}}", 16, "a text" },
	{ "{\"id\":1,\"x\":nul}", 13, "a value" },
	{ "{\"record\":1}", 11, "a text" },
	{ "{\"record\":\"references\",\"source\":1}", 1, "\"references\"" },
	{ "{\"record\":\"value\",\"object\":1,\"value\":1,\"kind\":\"x\"}", 1, "a kind of value" },
	{ "{\"record\":\"root\",\"target\":1,\"kind\":\"x\"}", 1, "a kind of root" },
	{ "{\"record\":\"root\",\"target\":1,\"thread\":0}", 1, "threads" },
	{ "{\"record\":\"frame\",\"thread\":7}", 1, "threads" },
	{ "{\"record\":\"type\",\"name\":\"T\",\"flags\":[\"x\"]}", 37, "flags" },
	{ "{\"record\":\"fact\",\"key\":\"k\",\"value\":1.5}", 36, "a whole number" },
	{ "{\"record\":\"end\",\"objects\":7}", 1, "counts" },
	{ HEADER, 1, "no header" },
	{ "{\"id\":9}", 1, "an id that no object before" },
};

/* Behind a good line each ends the input there; as the first line it refuses it. */
START_TEST(bad_lines)
{
	static const char first[] = "{\"id\":9,\"refcount\":1}\n";

	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct result result;
		char text[512], where[64];
		int n = snprintf(text, sizeof(text), "%s%s\n{\"id\":77}\n", first, bads[i].line);

		snprintf(where, sizeof(where), "line 2, column %u: ", bads[i].column);
		result = read_text(text, (size_t)n);
		ck_assert_msg(result.code == RG_OK && result.summary.truncated &&
				      strstr(result.summary.damage, where) &&
				      strstr(result.summary.damage, bads[i].expected),
			"%s: %s%s, expected %s%s", bads[i].line, result.err.message,
			result.summary.damage, where, bads[i].expected);
		ck_assert_msg(result.summary.objects <= 3, "%s: read on", bads[i].line);
		free(result.data);
		if (i + 2 >= sizeof(bads) / sizeof(bads[0]))
			continue;
		result = read_text(bads[i].line, strlen(bads[i].line));
		ck_assert_msg(result.code == RG_BAD_DATA && strstr(result.err.message, "line 1") &&
				      result.err.hint[0],
			"%s: %s", bads[i].line, result.err.message);
		free(result.data);
	}
}
END_TEST

START_TEST(header_and_end)
{
	static const struct {
		const char *text, *expected;
		bool refused;
	} cases[] = {
		{ HEADER OBJECT, "no end record", false },
		{ OBJECT "{\"record\":\"end\"}\n{\"id\":2}\n", "behind the end", false },
		{ HEADER "{\"record\":\"end\",\"objects\":1}\n", "counts", false },
		{ "{\"record\":\"header\",\"format\":\"x\",\"version\":\"1.0\"}", "the format",
			true },
		{ "{\"record\":\"header\",\"format\":\"refgraph-ndjson\",\"version\":\"2.0\"}",
			"a version 1.x", true },
		{ "{\"record\":\"header\",\"format\":\"refgraph-ndjson\",\"version\":\"1.0\","
		  "\"shift\":4}",
			"a shift", true },
		{ "{\"record\":\"header\",\"format\":\"refgraph-ndjson\",\"version\":\"1.0\","
		  "\"shift\":3}\n{\"id\":4}",
			"a multiple of", false },
		{ "{\"id\":\"a\"}\n{\"id\":140737488355328}", "2^47", false },
		{ "{\"id\":140737488355328}\n{\"id\":\"a\"}", "2^47", false },
		{ "\n\n", "no record", true },
		{ "", "no record", true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result result = read_text(cases[i].text, strlen(cases[i].text));
		const char *said = cases[i].refused ? result.err.message : result.summary.damage;

		ck_assert_msg(result.code == (cases[i].refused ? RG_BAD_DATA : RG_OK) &&
				      strstr(said, cases[i].expected),
			"%s: %s", cases[i].text, said);
		free(result.data);
	}
}
END_TEST

/* A snapshot of what comes before the damage, cut like a truncated one. */
START_TEST(damage_leaves_a_truncated_snapshot)
{
	static const char text[] = OBJECT "nonsense\n";
	struct result result = read_text(text, sizeof(text) - 1);
	struct rg_reader reader;
	struct rg_error err;
	struct tape tape;

	ck_assert_int_eq(
		read_snapshot((uint8_t *)result.data, result.size, &reader, &tape, &err), RG_OK);
	ck_assert(reader.truncated && !reader.ended && !tape.malformed);
	ck_assert_uint_eq(tape.totals[RG_BLOCK_OBJECTS], 1);
	tape_deinit(&tape);
	free(result.data);
}
END_TEST

START_TEST(nesting_is_bounded)
{
	enum { DEPTH = 1000000 };
	static char text[4 * DEPTH + 64];
	struct result result;

	for (int kind = 0; kind < 2; kind++) {
		static const char *const opening[] = { "[", "{\"\":" };
		size_t n = (size_t)sprintf(text, "{\"id\":1,\"x\":");

		for (int i = 0; i < DEPTH; i++)
			n += (size_t)sprintf(text + n, "%s", opening[kind]);
		result = read_text(text, n);
		ck_assert_int_eq(result.code, RG_BAD_DATA);
		free(result.data);
	}
	result = read_text("{\"id\":1,\"x\":[[[[{\"a\":[{}]}]]]]}", 31);
	ck_assert_int_eq(result.code, RG_OK);
	free(result.data);
}
END_TEST

/* 10 MB of text as an id, a type, a name, a label, a value and a key. */
START_TEST(long_texts)
{
	enum { LENGTH = 10 << 20 };
	char *text = malloc(LENGTH + 200);
	static const char *const lines[][2] = {
		{ "{\"id\":\"", "\"}\n" },
		{ "{\"id\":1,\"type\":\"", "\"}\n" },
		{ "{\"id\":1,\"name\":\"", "\"}\n" },
		{ "{\"id\":1,\"value\":\"", "\"}\n" },
		{ "{\"id\":1,\"references\":[{\"to\":1,\"label\":\"", "\"}]}\n" },
		{ "{\"id\":1,\"", "\":1}\n" },
		{ "{\"record\":\"fact\",\"value\":\"\",\"key\":\"", "\"}\n" },
		{ "{\"id\":1,\"name\":{\"hex\":\"", "\"}}\n" },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		size_t n = (size_t)sprintf(text, "%s", lines[i][0]);
		struct result result;
		struct rg_reader reader;
		struct rg_error err;
		struct tape tape;

		/* an e with an accent, so that a cut would go through the middle of one; or digits */
		for (int k = 0; k < LENGTH; k++)
			text[n + (size_t)k] = i == 7 ? 'a' : k % 2 ? '\xa9' : '\xc3';
		n += LENGTH;
		n += (size_t)sprintf(text + n, "%s", lines[i][1]);
		result = read_text(text, n);
		ck_assert_msg(result.code == RG_OK && !result.summary.truncated, "%zu: %s", i,
			result.err.message);
		ck_assert_uint_lt(result.size, 400000);
		read_snapshot((uint8_t *)result.data, result.size, &reader, &tape, &err);
		ck_assert(reader.ended && !tape.malformed);
		tape_deinit(&tape);
		free(result.data);
	}
	free(text);
}
END_TEST

/* The inverse of the odd FACTOR modulo 2^64, by Newton's method. */
static uint64_t inverse(uint64_t factor)
{
	uint64_t x = factor;

	for (int i = 0; i < 6; i++)
		x *= 2 - factor * x;
	return x;
}

/* The key whose rg_mix(key, 0) is H. */
static uint64_t unmix(uint64_t h)
{
	h ^= h >> 32;
	h *= inverse(0x94d049bb133111eb);
	h ^= h >> 29 ^ h >> 58;
	h *= inverse(0xc4ceb9fe1a85ec53);
	h ^= h >> 32;
	return (h * inverse(0xff51afd7ed558ccd)) ^ 0x9e3779b97f4a7c15;
}

/* Ids made to meet in one slot of a table that has no seed: 200,000 of them took half a minute. */
START_TEST(colliding_ids_take_no_longer)
{
	enum { IDS = 200000 };
	size_t n = 0;
	char *text = malloc(IDS * 40);
	struct result result;
	clock_t start;

	ck_assert_uint_eq(rg_mix(unmix(12345), 0), 12345);
	for (uint64_t i = 1; i <= IDS; i++)
		n += (size_t)sprintf(text + n, "{\"id\":%" PRIu64 "}\n", unmix(i << 40) - 1);
	start = clock();
	result = read_text(text, n);
	ck_assert_msg(result.code == RG_OK && result.summary.objects == IDS, "%s%s",
		result.err.message, result.summary.damage);
	ck_assert_msg(clock() - start < 5 * CLOCKS_PER_SEC, "%.1f s of CPU",
		(double)(clock() - start) / CLOCKS_PER_SEC);
	free(result.data);
	free(text);
}
END_TEST

/* --- both ways ---------------------------------------------------------------------------- */

#define TEXT_MAX 40

static uint32_t random_text(uint64_t *state, char text[TEXT_MAX])
{
	static const char hostile[] =
		"\"\\/<>&]\x1b[31m\n\r\t\x7f\0\xe2\x80\xae\xed\xa0\x80\xff\xc3\xa9";
	uint32_t length = random_below(state, TEXT_MAX);

	for (uint32_t i = 0; i < length; i++)
		text[i] = random_below(state, 2) ? hostile[random_below(state, sizeof(hostile))]
						 : (char)random_bits(state);
	return length;
}

static uint64_t random_address(uint64_t *state, unsigned shift)
{
	uint64_t near = 0x7f5ea8000000 + random_below(state, 1 << 20);

	return (random_below(state, 10) ? near : random_number(state)) >> shift << shift;
}

static void put_random_references(
	struct rg_writer *writer, uint64_t *state, unsigned shift, uint32_t n_strings)
{
	struct rg_reference_record references[20];
	uint32_t n = 1 + random_below(state, 20);

	for (uint32_t i = 0; i < n; i++) {
		struct rg_reference_record *reference = &references[i];

		*reference = (struct rg_reference_record){ .target = random_address(state, shift),
			.kind = random_below(state, RG_KIND_COUNT),
			.form = random_below(state, RG_LABEL_FORM_COUNT),
			.untraversed = random_below(state, 2) };
		if (reference->form == RG_LABEL_NEXT)
			reference->form = RG_LABEL_INDEX;
		if (reference->form == RG_LABEL_INDEX)
			reference->label = random_number(state);
		else if (reference->form == RG_LABEL_STRING)
			reference->label = random_below(state, n_strings);
		else if (reference->form == RG_LABEL_OBJECT)
			reference->label = random_address(state, shift);
	}
	rg_writer_references(writer, random_address(state, shift), references, n);
}

static void put_random_record(
	struct rg_writer *writer, uint64_t *state, unsigned shift, uint32_t n_strings)
{
	uint32_t name = random_below(state, n_strings), label = random_below(state, n_strings + 1);
	uint64_t address = random_address(state, shift), a = random_number(state);
	char text[TEXT_MAX], key[TEXT_MAX];
	uint32_t length = random_text(state, text), key_length = random_text(state, key);
	uint32_t flags = random_below(state, 1 << 10);

	if (label == n_strings)
		label = RG_NO_STRING;
	switch (random_below(state, 8)) {
	case 0:
		rg_writer_value(writer, &(struct rg_value_record){ .address = address,
						.text = text,
						.length = length,
						.kind = 1 + random_below(state, 5),
						.exact = random_below(state, 2) });
		break;
	case 1:
		rg_writer_root(writer, &(struct rg_root_record){ .target = address,
					       .kind = random_below(state, RG_ROOT_KIND_COUNT),
					       .reference = random_below(state, RG_KIND_COUNT),
					       .name = name,
					       .label = label,
					       .thread = random_below(state, 2) ? 0 : UINT32_MAX,
					       .frame = random_below(state, 2) ? 0 : UINT32_MAX });
		break;
	case 2:
		rg_writer_fact(writer, &(struct rg_fact_record){ .key = key,
					       .key_length = key_length,
					       .text = a & 1 ? text : NULL,
					       .text_length = a & 1 ? length : 0,
					       .number = (int64_t)a });
		break;
	case 3:
		put_random_references(writer, state, shift, n_strings);
		break;
	default:
		flags -= (flags & RG_OBJECT_GENERATION) >= RG_GEN_COUNT ? 3 : 0;
		rg_writer_object(writer, &(struct rg_object_record){ .address = address,
						 .size = a,
						 .refcount = random_number(state),
						 .items = random_number(state),
						 .extra = random_number(state),
						 .type = random_below(state, 3),
						 .flags = flags });
	}
}

/* The number of one of the first strings, or none. */
static uint32_t some_string(uint64_t *state)
{
	uint32_t number = random_below(state, 4);

	return number < 3 ? number : RG_NO_STRING;
}

/* A snapshot of random records that make sense: numbers lead somewhere. */
static char *random_snapshot(uint64_t seed, size_t *size_ret)
{
	uint64_t state = seed;
	unsigned shift = random_below(&state, 4);
	uint32_t n = random_below(&state, 200), n_strings = 5 + random_below(&state, 20);
	char *data = NULL, text[TEXT_MAX];
	FILE *out = open_memstream(&data, size_ret);
	struct rg_writer *writer = rg_writer_create(out, shift);

	for (uint32_t i = 0; i < n_strings; i++)
		rg_writer_string(writer, text, random_text(&state, text));
	for (uint32_t i = 0; i < 3; i++)
		rg_writer_type(writer, &(struct rg_type_record){ .address = random_number(&state),
					       .basicsize = random_number(&state),
					       .itemsize = random_number(&state),
					       .name = i,
					       .module = i ? i : RG_NO_STRING,
					       .flags = (uint32_t)random_bits(&state) });
	rg_writer_thread(writer, &(struct rg_thread_record){ .native_id = random_number(&state),
					 .ident = random_number(&state),
					 .name = some_string(&state) });
	rg_writer_frame(writer, &(struct rg_frame_record){ .thread = 0,
					.function = some_string(&state),
					.file = some_string(&state),
					.line = random_below(&state, 1000) });
	for (uint32_t i = 0; i < n; i++)
		put_random_record(writer, &state, shift, n_strings);
	rg_writer_finish(writer, NULL);
	rg_writer_destroy(writer);
	fclose(out);
	return data;
}

/* Out, in and out again: the two texts are one, so nothing that is written gets lost. */
START_TEST(random_snapshots_come_back)
{
	FOR_SEEDS(seed, 400)
	{
		size_t size, length, again_length;
		char *data = random_snapshot(seed, &size);
		char *text = write_text(data, size, &length), *again;
		struct result result = read_text(text, length);

		CHECK(seed, result.code == RG_OK && !result.summary.truncated);
		again = write_text(result.data, result.size, &again_length);
		CHECK(seed, length == again_length && memcmp(text, again, length) == 0);
		free(again);
		free(result.data);
		free(text);
		free(data);
	}
}
END_TEST

/* Whatever stands in the file: no crash, and a snapshot that can be read, or a refusal. */
static void survive(uint64_t seed, const char *text, size_t length)
{
	struct result result = read_text(text, length);
	struct rg_reader reader;
	struct rg_error err;
	struct tape tape;

	if (!result.code) {
		CHECK(seed, read_snapshot((uint8_t *)result.data, result.size, &reader, &tape,
				    &err) == RG_OK);
		CHECK(seed, !tape.malformed && reader.ended == !result.summary.truncated);
		CHECK(seed, tape.totals[RG_BLOCK_OBJECTS] == result.summary.objects);
		tape_deinit(&tape);
	} else {
		CHECK(seed, result.code == RG_BAD_DATA && result.err.message[0]);
	}
	free(result.data);
}

START_TEST(cut_and_changed_anywhere)
{
	static const char marks[] = "{}[]\",:\\0123456789eE+-.tfn \n\r\0\xff";

	FOR_SEEDS(seed, 300)
	{
		uint64_t state = seed;
		size_t size, length;
		char *data = random_snapshot(seed, &size), *text = write_text(data, size, &length);

		survive(seed, text, random_below(&state, (uint32_t)length));
		for (int i = 0; i < 20; i++) {
			uint32_t at = random_below(&state, (uint32_t)length);
			char was = text[at];

			text[at] = random_below(&state, 2)
					   ? marks[random_below(&state, sizeof(marks))]
					   : (char)random_bits(&state);
			survive(seed, text, length);
			/* some changes stay, so that mistakes meet */
			if (random_below(&state, 3))
				text[at] = was;
		}
		free(text);
		free(data);
	}
}
END_TEST

TEST_MAIN("ndjson", good_lines, bad_lines, header_and_end, damage_leaves_a_truncated_snapshot,
	nesting_is_bounded, long_texts, colliding_ids_take_no_longer, random_snapshots_come_back,
	cut_and_changed_anywhere)
