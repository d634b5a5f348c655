/*
 * Retained sizes on random heaps against their definition: take objects away, and see what the
 * roots no longer reach; of one, of a set, and by type.
 */
#include "src/analysis/holders.h"

#include "tests/heap.h"
#include "tests/tap.h"

#define OBJECTS 20
#define REFERENCES (3 * OBJECTS)
#define TYPES 3

struct puzzle {
	uint32_t n, m, from[REFERENCES], to[REFERENCES], kind[REFERENCES];
	uint32_t type[OBJECTS], types[TYPES];
	uint32_t roots, immortal, set; /* of objects */
	uint32_t held; /* with a reference more than are found; counts where no root reaches it */
	uint32_t refcount[OBJECTS];
};

static void invent(struct puzzle *puzzle, uint64_t *state)
{
	static const uint32_t kinds[] = { RG_KIND_ITEM, RG_KIND_ATTR, RG_KIND_ATTR, RG_KIND_TYPE,
		RG_KIND_GLOBALS, RG_KIND_GUESS, RG_KIND_WEAK };

	memset(puzzle, 0, sizeof(*puzzle));
	puzzle->n = 1 + random_below(state, OBJECTS);
	puzzle->m = random_below(state, 3 * puzzle->n + 1);
	for (uint32_t i = 0; i < puzzle->n; i++) {
		puzzle->roots |= (uint32_t)(random_below(state, 6) == 0) << i;
		puzzle->immortal |= (uint32_t)(random_below(state, 15) == 0) << i;
		puzzle->set |= (uint32_t)(random_below(state, 4) == 0) << i;
		puzzle->held |= (uint32_t)(random_below(state, 8) == 0) << i;
		puzzle->type[i] = random_below(state, TYPES);
	}
	for (uint32_t e = 0; e < puzzle->m; e++) {
		puzzle->from[e] = random_below(state, puzzle->n);
		puzzle->to[e] = random_below(state, puzzle->n);
		puzzle->kind[e] = kinds[random_below(state, 7)];
		puzzle->refcount[puzzle->to[e]] += puzzle->kind[e] != RG_KIND_WEAK;
	}
}

static uint64_t size_of(uint32_t object)
{
	return 48 + 16 * (uint64_t)object * object;
}

static void load(struct puzzle *puzzle, struct rg_heap *heap)
{
	struct made made;

	made_open(&made);
	for (uint32_t i = 0; i < TYPES; i++)
		puzzle->types[i] = made_type(&made, (const char[2]){ (char)('A' + i), 0 },
			RG_TYPE_HEAP | (i ? RG_TYPE_GC : 0));
	for (uint32_t i = 0; i < puzzle->n; i++) {
		struct rg_object_record record = { .address = ADDRESS(i),
			.size = size_of(i),
			.type = puzzle->types[puzzle->type[i]],
			.refcount = puzzle->refcount[i] + (puzzle->held >> i & 1),
			.flags = RG_GEN_2 | (puzzle->immortal >> i & 1 ? RG_OBJECT_IMMORTAL : 0u) };

		rg_writer_object(made.writer, &record);
		if (puzzle->roots >> i & 1)
			made_root(&made, i, "m");
	}
	for (uint32_t e = 0; e < puzzle->m; e++) {
		struct rg_reference_record record = { .target = ADDRESS(puzzle->to[e]),
			.kind = puzzle->kind[e],
			.form = RG_LABEL_INDEX,
			.label = e };

		if (puzzle->kind[e] == RG_KIND_ATTR) {
			record.form = RG_LABEL_STRING;
			record.label = made_string(&made, "attribute");
		}

		rg_writer_references(made.writer, ADDRESS(puzzle->from[e]), &record, 1);
	}
	made_load(&made, heap);
}

/* What is reached when the objects GONE are not there. */
static uint32_t reach_from(const struct puzzle *puzzle, uint32_t sources, uint32_t gone)
{
	uint32_t reached = sources & ~gone, before;

	do {
		before = reached;
		for (uint32_t e = 0; e < puzzle->m; e++)
			if (reached >> puzzle->from[e] & 1 && puzzle->kind[e] != RG_KIND_WEAK)
				reached |= 1u << puzzle->to[e] & ~gone;
	} while (reached != before);
	return reached;
}

static uint32_t reach_without(const struct puzzle *puzzle, uint32_t gone)
{
	uint32_t roots = puzzle->roots | puzzle->immortal;

	return reach_from(puzzle, roots | (puzzle->held & ~reach_from(puzzle, roots, 0)), gone);
}

static uint32_t lost_without(const struct puzzle *puzzle, uint32_t gone)
{
	return reach_without(puzzle, 0) & ~reach_without(puzzle, gone);
}

static uint64_t bytes_of(uint32_t objects)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < OBJECTS; i++)
		bytes += objects >> i & 1 ? size_of(i) : 0;
	return bytes;
}

static void check_objects(
	uint64_t seed, const struct puzzle *puzzle, const struct rg_retained *retained)
{
	uint32_t reached = reach_without(puzzle, 0);

	CHECK(seed, retained->bytes[0] == bytes_of(reached));
	CHECK(seed, retained->objects[0] == (uint32_t)__builtin_popcount(reached));
	for (uint32_t i = 0; i < puzzle->n; i++) {
		uint32_t lost = lost_without(puzzle, 1u << i);
		uint32_t number = rg_retained_number(retained, i);

		CHECK(seed, !number == !(reached >> i & 1));
		CHECK(seed, !number || retained->bytes[number] == bytes_of(lost));
		CHECK(seed,
			!number || retained->objects[number] == (uint32_t)__builtin_popcount(lost));
	}
}

/* The nearest object other than a single member itself without which all MEMBERS are lost. */
static uint32_t common_of(const struct puzzle *puzzle, uint32_t members)
{
	uint32_t found = RG_NO_ID, least = 0;

	for (uint32_t i = 0; members && i < puzzle->n; i++) {
		uint32_t lost = lost_without(puzzle, 1u << i);

		if ((lost & members) != members || members == 1u << i)
			continue;
		if (found == RG_NO_ID || __builtin_popcount(lost) < __builtin_popcount(least)) {
			found = i;
			least = lost;
		}
	}
	return found;
}

static void check_set(
	uint64_t seed, const struct puzzle *puzzle, const struct rg_retained *retained)
{
	uint32_t reached = reach_without(puzzle, 0), members = puzzle->set & reached;
	uint32_t lost = lost_without(puzzle, puzzle->set);
	struct rg_retained_list list;
	struct rg_retained_set set;
	struct rg_bitset selected;

	CHECK(seed, rg_bitset_init(&selected, puzzle->n, NULL) == RG_OK);
	for (uint32_t i = 0; i < puzzle->n; i++)
		if (puzzle->set >> i & 1)
			rg_bitset_set(&selected, i);
	CHECK(seed, rg_retained_set_init(&set, retained, &selected, NULL) == RG_OK);
	CHECK(seed, set.objects == (uint64_t)__builtin_popcount(members));
	CHECK(seed, set.size == bytes_of(members));
	CHECK(seed, set.unreached == (uint64_t)__builtin_popcount(puzzle->set & ~reached));
	CHECK(seed, set.retained == bytes_of(lost));
	CHECK(seed, set.retained_objects == (uint64_t)__builtin_popcount(lost));
	for (uint32_t i = 0; i < puzzle->n; i++)
		CHECK(seed, rg_bitset_get(&set.freed, i) == (lost >> i & 1));
	CHECK(seed, set.common == common_of(puzzle, members));
	CHECK(seed, rg_retained_members(retained, &selected, &list, NULL) == RG_OK);
	CHECK(seed, list.count == set.objects);
	for (uint32_t i = 1; i < list.count; i++)
		CHECK(seed,
			retained->bytes[list.numbers[i - 1]] >= retained->bytes[list.numbers[i]]);
	free(list.numbers);
	rg_retained_set_deinit(&set);
	rg_bitset_deinit(&selected);
}

static void check_types(
	uint64_t seed, const struct puzzle *puzzle, const struct rg_retained *retained)
{
	uint64_t sums[TYPES] = { 0 }, counts[TYPES] = { 0 };
	uint32_t reached = reach_without(puzzle, 0);
	struct rg_retained_types types;

	for (uint32_t i = 0; i < puzzle->n; i++) {
		bool topmost = true;

		for (uint32_t k = 0; k < puzzle->n; k++)
			topmost &= i == k || puzzle->type[i] != puzzle->type[k] ||
				   !(lost_without(puzzle, 1u << k) >> i & 1);
		counts[puzzle->type[i]] += reached >> i & 1;
		if (reached >> i & 1 && topmost)
			sums[puzzle->type[i]] += bytes_of(lost_without(puzzle, 1u << i));
	}
	CHECK(seed, rg_retained_types_init(&types, retained, NULL) == RG_OK);
	for (size_t row = 0; row < types.count; row++)
		for (uint32_t i = 0; i < TYPES; i++)
			if (retained->heap->types[types.rows[row].type].name.bytes[0] ==
				'A' + (int)i) {
				CHECK(seed, types.rows[row].count == counts[i]);
				CHECK(seed, types.rows[row].retained == sums[i]);
				counts[i] = 0;
			}
	for (uint32_t i = 0; i < TYPES; i++)
		CHECK(seed, counts[i] == 0);
	rg_retained_types_deinit(&types);
}

/* True when NUMBER is below ABOVE in the tree. */
static bool is_below(const struct rg_retained *retained, uint32_t number, uint32_t above)
{
	while (number > above)
		number = retained->dominators.dominator[number];
	return number == above;
}

/* No place is part of another. */
static void check_holders(uint64_t seed, const struct rg_retained *retained)
{
	struct rg_holders holders;
	uint64_t bytes = 0;

	CHECK(seed, rg_holders_init(&holders, retained, NULL) == RG_OK);
	CHECK(seed, !retained->bytes[0] == !holders.count);
	for (uint32_t i = 0; i < holders.count; i++) {
		const struct rg_holder *row = &holders.rows[i];

		bytes += row->bytes;
		CHECK(seed, i == 0 || holders.rows[i - 1].bytes >= row->bytes);
		for (uint32_t k = 0; k < holders.count; k++)
			CHECK(seed,
				i == k || !is_below(retained, row->number, holders.rows[k].number));
	}
	CHECK(seed, bytes <= retained->bytes[0]);
	rg_holders_deinit(&holders);
}

START_TEST(retained_as_the_definition_says)
{
	FOR_SEEDS(seed, 2000)
	{
		uint64_t state = seed;
		bool sets = random_below(&state, 2);
		struct rg_retained retained;
		struct puzzle puzzle;
		struct rg_heap heap;

		invent(&puzzle, &state);
		load(&puzzle, &heap);
		CHECK(seed, rg_retained_init(&retained, &heap, sets, sets, NULL) == RG_OK);
		check_objects(seed, &puzzle, &retained);
		if (sets)
			check_set(seed, &puzzle, &retained);
		check_types(seed, &puzzle, &retained);
		check_holders(seed, &retained);
		rg_retained_deinit(&retained);
		rg_heap_deinit(&heap);
	}
}
END_TEST

TEST_MAIN("retained", retained_as_the_definition_says)
