/* Garbage of random heaps against a naive model of reference counting and the collector. */
#include "src/analysis/garbage.h"
#include "tests/heap.h"
#include "tests/tap.h"

#define OBJECTS 14

struct edge {
	uint32_t from, to;
	bool untraversed;
};

struct puzzle {
	uint32_t n, m, outside[OBJECTS]; /* references held from elsewhere */
	bool tracked[OBJECTS], rooted[OBJECTS];
	struct edge edges[3 * OBJECTS];
};

static void invent(struct puzzle *puzzle, uint64_t *state)
{
	puzzle->n = 1 + random_below(state, OBJECTS);
	puzzle->m = random_below(state, 2 * puzzle->n + 1);
	for (uint32_t i = 0; i < puzzle->n; i++) {
		puzzle->tracked[i] = random_below(state, 4) > 0;
		puzzle->rooted[i] = random_below(state, 6) == 0;
		puzzle->outside[i] = puzzle->rooted[i] || random_below(state, 8) == 0;
	}
	for (uint32_t e = 0; e < puzzle->m; e++)
		puzzle->edges[e] = (struct edge){ random_below(state, puzzle->n),
			random_below(state, puzzle->n), random_below(state, 6) == 0 };
}

static uint32_t refcount(const struct puzzle *puzzle, uint32_t i)
{
	uint32_t count = puzzle->outside[i];

	for (uint32_t e = 0; e < puzzle->m; e++)
		count += puzzle->edges[e].to == i;
	return count;
}

static void load(const struct puzzle *puzzle, struct rg_heap *heap)
{
	struct made made;
	uint32_t type;

	made_open(&made);
	type = made_type(&made, "T", RG_TYPE_HEAP | RG_TYPE_GC);
	for (uint32_t i = 0; i < puzzle->n; i++) {
		made_object(&made, i, type, refcount(puzzle, i),
			puzzle->tracked[i] ? RG_GEN_1 : RG_GEN_UNTRACKED);
		if (puzzle->rooted[i])
			made_root(&made, i, "m");
	}
	for (uint32_t e = 0; e < puzzle->m; e++) {
		struct rg_reference_record record = { .target = ADDRESS(puzzle->edges[e].to),
			.kind = RG_KIND_OTHER,
			.untraversed = puzzle->edges[e].untraversed };

		rg_writer_references(made.writer, ADDRESS(puzzle->edges[e].from), &record, 1);
	}
	made_load(&made, heap);
}

/* Spread LIVE along the edges for which the collector follows SEEN; to a fixed point. */
static void spread(const struct puzzle *puzzle, bool *live, bool collector)
{
	for (bool changed = true; changed;) {
		changed = false;
		for (uint32_t e = 0; e < puzzle->m; e++) {
			const struct edge *edge = &puzzle->edges[e];

			if (collector && (!puzzle->tracked[edge->from] ||
						 !puzzle->tracked[edge->to] || edge->untraversed))
				continue;
			if (live[edge->from] && !live[edge->to])
				changed = live[edge->to] = true;
		}
	}
}

/* The collector: alive is what has a reference from beyond the tracked, and what that reaches. */
static void collect(const struct puzzle *puzzle, bool *dead)
{
	bool live[OBJECTS] = { false };

	for (uint32_t i = 0; i < puzzle->n; i++) {
		uint32_t inside = 0;

		for (uint32_t e = 0; e < puzzle->m; e++)
			inside += puzzle->edges[e].to == i &&
				  puzzle->tracked[puzzle->edges[e].from] &&
				  !puzzle->edges[e].untraversed;
		live[i] = refcount(puzzle, i) > inside;
	}
	spread(puzzle, live, true);
	for (uint32_t i = 0; i < puzzle->n; i++)
		dead[i] = puzzle->tracked[i] && !live[i];
	/* what only the dead hold goes with them */
	for (bool changed = true; changed;) {
		changed = false;
		for (uint32_t i = 0; i < puzzle->n; i++) {
			uint32_t gone = 0;

			for (uint32_t e = 0; e < puzzle->m; e++)
				gone += puzzle->edges[e].to == i && dead[puzzle->edges[e].from];
			if (!dead[i] && gone == refcount(puzzle, i) && gone > 0)
				changed = dead[i] = true;
		}
	}
}

/* What no root reaches and the collector leaves: held from C, or by itself alone. */
static void judge_lost(const struct puzzle *puzzle, const bool *dead, bool *hidden, bool *lost)
{
	bool reached[OBJECTS], held[OBJECTS] = { false };

	memcpy(reached, puzzle->rooted, sizeof(reached));
	spread(puzzle, reached, false);
	for (uint32_t i = 0; i < puzzle->n; i++)
		lost[i] = !reached[i] && !dead[i];
	for (uint32_t i = 0; i < puzzle->n; i++) {
		uint32_t inside = 0;

		for (uint32_t e = 0; e < puzzle->m; e++)
			inside += puzzle->edges[e].to == i && lost[puzzle->edges[e].from];
		held[i] = lost[i] && refcount(puzzle, i) > inside;
	}
	spread(puzzle, held, false);
	for (uint32_t i = 0; i < puzzle->n; i++)
		hidden[i] = lost[i] && !held[i];
}

START_TEST(random_heaps)
{
	FOR_SEEDS(seed, 600)
	{
		bool dead[OBJECTS], hidden[OBJECTS], lost[OBJECTS];
		uint64_t state = seed;
		struct rg_garbage garbage;
		struct puzzle puzzle;
		struct rg_heap heap;
		struct rg_error err;

		invent(&puzzle, &state);
		load(&puzzle, &heap);
		collect(&puzzle, dead);
		judge_lost(&puzzle, dead, hidden, lost);
		ck_assert_int_eq(rg_garbage_init(&garbage, &heap, &err), RG_OK);
		for (uint32_t i = 0; i < puzzle.n; i++) {
			CHECK(seed, rg_bitset_get(&garbage.collectable, i) == dead[i]);
			CHECK(seed, rg_bitset_get(&garbage.hidden, i) == hidden[i]);
			CHECK(seed,
				rg_bitset_get(&garbage.unreached, i) == (lost[i] && !hidden[i]));
		}
		rg_garbage_deinit(&garbage);
		rg_heap_deinit(&heap);
	}
}
END_TEST

/* A finalizer in Python that has not run sets apart its object and what that reaches. */
START_TEST(finalizers)
{
	struct made made;
	struct rg_garbage garbage;
	struct rg_heap heap;
	struct rg_error err;
	uint32_t plain, final;

	made_open(&made);
	plain = made_type(&made, "T", RG_TYPE_HEAP | RG_TYPE_GC);
	final = made_type(&made, "F", RG_TYPE_HEAP | RG_TYPE_GC | RG_TYPE_FINALIZER);
	made_object(&made, 0, final, 1, RG_GEN_0);
	made_object(&made, 1, plain, 1, RG_GEN_0);
	made_object(&made, 2, plain, 1, RG_GEN_0);
	for (uint32_t i = 0; i < 3; i++) {
		static const uint32_t to[] = { 1, 0, 2 };
		struct rg_reference_record record = { .target = ADDRESS(to[i]),
			.kind = RG_KIND_ATTR };

		rg_writer_references(made.writer, ADDRESS(i), &record, 1);
	}
	made_load(&made, &heap);
	ck_assert_int_eq(rg_garbage_init(&garbage, &heap, &err), RG_OK);
	ck_assert_uint_eq(rg_bitset_count(&garbage.dead), 3);
	ck_assert_uint_eq(rg_bitset_count(&garbage.may_resurrect), 2);
	ck_assert(rg_bitset_get(&garbage.collectable, 2));
	rg_garbage_deinit(&garbage);
	rg_heap_deinit(&heap);
}
END_TEST

TEST_MAIN("garbage", random_heaps, finalizers)
