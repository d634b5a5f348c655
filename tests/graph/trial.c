/* Trial deletion and the cascade of reference counting against naive models. */
#include "src/graph/trial.h"

#include "tests/graph/random.h"

/* A heap: refcounts are the edges into a vertex, give or take; the sets are bit masks. */
struct heap {
	struct rg_graph graph;
	uint32_t refcount[32], inside;
};

static struct heap random_heap(uint64_t *state)
{
	struct heap heap = { .graph = random_graph(state, 14) };

	for (uint32_t e = 0; e < heap.graph.m; e++)
		heap.refcount[heap.graph.target[e]]++;
	for (uint32_t v = 0; v < heap.graph.n; v++) {
		if (random_below(state, 4))
			heap.inside |= 1u << v;
		if (!random_below(state, 8))
			heap.refcount[v] += 1 + random_below(state, 2);
		else if (heap.refcount[v] && !random_below(state, 16))
			heap.refcount[v]--;
	}
	return heap;
}

static struct rg_bitset set_of(uint32_t n, uint32_t bits)
{
	struct rg_bitset set;

	ck_assert_int_eq(rg_bitset_init(&set, n, NULL), RG_OK);
	for (uint32_t v = 0; v < n; v++)
		if (bits >> v & 1)
			rg_bitset_set(&set, v);
	return set;
}

static uint32_t bits_of(const struct rg_bitset *set)
{
	uint32_t bits = 0;

	for (uint32_t v = 0; v < set->n; v++)
		bits |= (uint32_t)rg_bitset_get(set, v) << v;
	return bits;
}

/* Edges into TO from the vertices in FROM. */
static uint32_t edges_from(const struct rg_graph *g, uint32_t from, uint32_t to)
{
	uint32_t count = 0;

	for (uint32_t v = 0; v < g->n; v++)
		for (uint32_t e = g->offset[v]; e < g->offset[v + 1]; e++)
			count += (from >> v & 1) && g->target[e] == to;
	return count;
}

/* The dead of HEAP by the words of the definition; the vertices in deficit in *DEFICITS. */
static uint32_t model_run(const struct heap *heap, uint32_t *deficits)
{
	uint32_t alive = 0, before;

	*deficits = 0;
	for (uint32_t v = 0; v < heap->graph.n; v++) {
		uint32_t found = edges_from(&heap->graph, heap->inside, v);

		if (!(heap->inside >> v & 1))
			continue;
		*deficits += found > heap->refcount[v];
		if (heap->refcount[v] > found)
			alive |= 1u << v;
	}
	do {
		before = alive;
		for (uint32_t v = 0; v < heap->graph.n; v++)
			if ((heap->inside >> v & 1) && edges_from(&heap->graph, alive, v))
				alive |= 1u << v;
	} while (alive != before);
	return heap->inside & ~alive;
}

START_TEST(trial_as_the_model_says)
{
	uint32_t some_dead = 0, some_deficit = 0;

	FOR_SEEDS(seed, 5000)
	{
		uint64_t state = seed;
		struct heap heap = random_heap(&state);
		struct rg_bitset inside = set_of(heap.graph.n, heap.inside), dead;
		uint32_t expected, wrong, deficits;

		expected = model_run(&heap, &wrong);
		CHECK(seed, rg_trial_run(&heap.graph, heap.refcount, &inside, &dead, &deficits,
				    NULL) == RG_OK);
		CHECK(seed, bits_of(&dead) == expected);
		CHECK(seed, rg_bitset_count(&dead) == (uint32_t)__builtin_popcount(expected));
		CHECK(seed, deficits == wrong);
		some_dead += expected != 0;
		some_deficit += wrong != 0;
		rg_bitset_deinit(&dead);
		rg_bitset_deinit(&inside);
		rg_graph_deinit(&heap.graph);
	}
	ck_assert(getenv("RG_SEED") || (some_dead > 500 && some_deficit > 100));
}
END_TEST

static uint32_t model_cascade(const struct heap *heap, uint32_t dead, uint32_t immortal)
{
	uint32_t before;

	do {
		before = dead;
		for (uint32_t v = 0; v < heap->graph.n; v++) {
			uint32_t found = edges_from(&heap->graph, dead, v);

			if (found && found >= heap->refcount[v] && !(immortal >> v & 1))
				dead |= 1u << v;
		}
	} while (dead != before);
	return dead;
}

START_TEST(cascade_as_the_model_says)
{
	uint32_t grew = 0;

	FOR_SEEDS(seed, 5000)
	{
		uint64_t state = seed;
		struct heap heap = random_heap(&state);
		uint32_t first = (uint32_t)random_bits(&state) & (uint32_t)random_bits(&state) &
				 ((1u << heap.graph.n) - 1);
		uint32_t bits = random_below(&state, 2) ? heap.inside : 0;
		struct rg_bitset dead = set_of(heap.graph.n, first);
		struct rg_bitset immortal = set_of(heap.graph.n, bits);
		uint32_t expected = model_cascade(&heap, first, bits);

		CHECK(seed, rg_trial_cascade(&heap.graph, heap.refcount, bits ? &immortal : NULL,
				    &dead, NULL) == RG_OK);
		CHECK(seed, bits_of(&dead) == expected);
		grew += expected != first;
		rg_bitset_deinit(&immortal);
		rg_bitset_deinit(&dead);
		rg_graph_deinit(&heap.graph);
	}
	ck_assert(getenv("RG_SEED") || grew > 500);
}
END_TEST

/* How many die when all are inside and held by the edges into them, vertex 0 by EXTRA more. */
static uint32_t dead_of(const struct rg_graph *g, uint32_t extra)
{
	uint32_t *refcount = calloc(g->n, sizeof(*refcount)), deficits, count;
	struct rg_bitset inside, dead;

	refcount[0] = extra;
	ck_assert_int_eq(rg_bitset_init(&inside, g->n, NULL), RG_OK);
	for (uint32_t v = 0; v < g->n; v++)
		rg_bitset_set(&inside, v);
	for (uint32_t e = 0; e < g->m; e++)
		refcount[g->target[e]]++;
	ck_assert_int_eq(rg_trial_run(g, refcount, &inside, &dead, &deficits, NULL), RG_OK);
	ck_assert_uint_eq(deficits, 0);
	count = rg_bitset_count(&dead);
	rg_bitset_deinit(&inside);
	rg_bitset_deinit(&dead);
	free(refcount);
	return count;
}

START_TEST(trial_of_big_shapes)
{
	static const uint32_t held[N_SHAPES] = { 0, BIG - 1, 0 };

	for (enum shape shape = 0; shape < N_SHAPES; shape++) {
		struct rg_graph g = big_graph(shape);

		ck_assert_uint_eq(dead_of(&g, 0), BIG);
		ck_assert_uint_eq(dead_of(&g, 1), held[shape]);
		rg_graph_deinit(&g);
	}
}
END_TEST

START_TEST(cascade_down_big_shapes)
{
	static const uint32_t expected[N_SHAPES] = { BIG, 1, BIG };

	for (enum shape shape = 0; shape < N_SHAPES; shape++) {
		struct rg_graph g = big_graph(shape);
		uint32_t *refcount = calloc(g.n, sizeof(*refcount));
		struct rg_bitset dead;

		for (uint32_t e = 0; e < g.m; e++)
			refcount[g.target[e]]++;
		ck_assert_int_eq(rg_bitset_init(&dead, g.n, NULL), RG_OK);
		rg_bitset_set(&dead, 0);
		ck_assert_int_eq(rg_trial_cascade(&g, refcount, NULL, &dead, NULL), RG_OK);
		ck_assert_uint_eq(rg_bitset_count(&dead), expected[shape]);
		rg_bitset_deinit(&dead);
		free(refcount);
		rg_graph_deinit(&g);
	}
}
END_TEST

TEST_MAIN("trial", trial_as_the_model_says, cascade_as_the_model_says, trial_of_big_shapes,
	cascade_down_big_shapes)
