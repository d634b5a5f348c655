/* Writer and reader against each other, with random records in random order. */
#include "tests/snapshot/tape.h"

#define TEXT_MAX 300

static uint32_t random_text(uint64_t *state, char text[TEXT_MAX])
{
	uint32_t length = random_below(state, random_below(state, 20) ? 12 : TEXT_MAX);

	for (uint32_t i = 0; i < length; i++)
		text[i] = (char)random_bits(state);
	return length;
}

/* Mostly near one another, as a heap's are; else anything. */
static uint64_t random_address(uint64_t *state, unsigned shift)
{
	uint64_t near = 0x7f5ea8000000 + random_below(state, 1 << 20);

	return (random_below(state, 10) ? near : random_number(state)) >> shift << shift;
}

static void put_random_references(struct recorder *recorder, uint64_t *state, unsigned shift)
{
	struct rg_reference_record references[64];
	uint32_t n = random_below(state, 65);
	uint64_t index = random_below(state, 2) ? 0 : random_number(state);

	for (uint32_t i = 0; i < n; i++) {
		struct rg_reference_record *reference = &references[i];

		*reference = (struct rg_reference_record){ .target = random_address(state, shift),
			.kind = random_below(state, RG_KIND_COUNT),
			.form = random_below(state, RG_LABEL_FORM_COUNT),
			.untraversed = random_below(state, 2) };
		if (reference->form == RG_LABEL_NEXT)
			reference->label = index++;
		else if (reference->form == RG_LABEL_OBJECT)
			reference->label = random_address(state, shift);
		else if (reference->form != RG_LABEL_NONE)
			reference->label = random_number(state);
		if (reference->form == RG_LABEL_INDEX)
			index = reference->label + 1;
	}
	put_references(recorder, random_address(state, shift), references, n);
}

static void put_random_object(struct recorder *recorder, uint64_t *state, unsigned shift)
{
	struct rg_object_record object = { .address = random_address(state, shift),
		.size = random_number(state),
		.refcount = random_number(state),
		.type = (uint32_t)random_number(state),
		.flags = random_below(state, 256) };

	object.flags -= (object.flags & RG_OBJECT_GENERATION) >= RG_GEN_COUNT ? 3 : 0;
	if (object.flags & RG_OBJECT_ITEMS)
		object.items = random_number(state);
	if (object.flags & RG_OBJECT_EXTRA)
		object.extra = random_number(state);
	put_object(recorder, &object);
}

static void put_random_record(struct recorder *recorder, uint64_t *state, unsigned shift)
{
	uint64_t a = random_number(state), b = random_number(state), c = random_number(state);
	uint32_t n = (uint32_t)random_number(state), m = (uint32_t)random_number(state);
	uint64_t address = random_address(state, shift);
	char text[TEXT_MAX], key[20];

	snprintf(key, sizeof(key), "key %" PRIu32, m % 1000);
	switch (random_below(state, 14)) {
	case 0:
		put_string(recorder, text, random_text(state, text));
		break;
	case 1:
		put_type(recorder, &(struct rg_type_record){ .address = a,
					   .basicsize = b,
					   .itemsize = c,
					   .name = n,
					   .module = m,
					   .flags = ~n });
		break;
	case 2:
		put_value(recorder, &(struct rg_value_record){ .address = address,
					    .text = text,
					    .length = random_text(state, text),
					    .kind = 1 + n % (RG_VALUE_KIND_COUNT - 1),
					    .exact = m & 1 });
		break;
	case 3:
		put_root(recorder, &(struct rg_root_record){ .target = address,
					   .kind = n % RG_ROOT_KIND_COUNT,
					   .reference = m % RG_KIND_COUNT,
					   .name = n,
					   .label = m,
					   .thread = ~n,
					   .frame = ~m });
		break;
	case 4:
		put_thread(recorder,
			&(struct rg_thread_record){ .native_id = a, .ident = b, .name = n });
		break;
	case 5:
		put_frame(recorder, &(struct rg_frame_record){
					    .thread = n, .function = m, .file = ~n, .line = ~m });
		break;
	case 6:
		put_fact_number(recorder, key, (int64_t)a);
		break;
	case 7:
		put_fact_text(recorder, key, key + n % 4);
		break;
	case 8:
		put_site(recorder, &(struct rg_site_record){ n, m, ~n });
		break;
	case 9:
		put_allocation(recorder, &(struct rg_allocation_record){ address, m });
		break;
	case 10:
	case 11:
		put_random_references(recorder, state, shift);
		break;
	default:
		put_random_object(recorder, state, shift);
	}
}

START_TEST(random_records_come_back)
{
	FOR_SEEDS(seed, 400)
	{
		uint64_t state = seed;
		unsigned shift = random_below(&state, 4);
		uint32_t n = random_below(&state, seed % 40 ? 300 : 60000);
		struct recorder recorder;
		struct rg_reader reader;
		struct rg_error err;
		struct tape tape;

		recorder_init(&recorder, shift);
		for (uint32_t i = 0; i < n; i++)
			put_random_record(&recorder, &state, shift);
		recorder_finish(&recorder);
		CHECK(seed, read_snapshot((uint8_t *)recorder.data, recorder.size, &reader, &tape,
				    &err) == RG_OK);
		CHECK(seed, reader.ended && !reader.truncated && !tape.malformed);
		CHECK(seed, tape_begins(&tape, &recorder.tape, true));
		for (unsigned i = 0; i < RG_RECORD_BLOCKS; i++)
			CHECK(seed, reader.totals[rg_record_block(i)] ==
					    recorder.tape.totals[rg_record_block(i)]);
		tape_deinit(&tape);

		/* and cut anywhere */
		read_snapshot((uint8_t *)recorder.data,
			random_below(&state, (uint32_t)recorder.size), &reader, &tape, &err);
		CHECK(seed, !tape.malformed && tape_begins(&tape, &recorder.tape, false));
		tape_deinit(&tape);
		recorder_deinit(&recorder);
	}
}
END_TEST

TEST_MAIN("random", random_records_come_back)
