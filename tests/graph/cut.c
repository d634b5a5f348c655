/* The references to break: no cycle left, none too many, reluctant ones only at need. */
#include "src/graph/cut.h"

#include "src/graph/acyclic.h"
#include "src/graph/distances.h"
#include "tests/graph/random.h"

#define PATTERNS 8u

/* A graph with its patterns. */
struct puzzle {
	struct rg_graph graph;
	uint32_t pattern[160], n_patterns;
	uint8_t reluctant[PATTERNS];
};

static struct puzzle random_puzzle(uint64_t *state, bool strong)
{
	struct puzzle p = { .n_patterns = 1 + random_below(state, PATTERNS) };

	p.graph = strong ? random_strong_graph(state, 12) : random_graph(state, 12);
	for (uint32_t e = 0; e < p.graph.m; e++)
		p.pattern[e] = random_below(state, p.n_patterns);
	for (uint32_t i = 0; i < p.n_patterns; i++)
		p.reluctant[i] = !random_below(state, 2);
	return p;
}

/* Vertices on cycles without the patterns in REMOVED. */
static uint32_t left_without(const struct puzzle *p, uint32_t removed)
{
	uint8_t dropped[160];

	for (uint32_t e = 0; e < p->graph.m; e++)
		dropped[e] = removed >> p->pattern[e] & 1;
	return vertices_on_cycles(&p->graph, dropped);
}

static uint32_t patterns_of(const struct rg_cut *cut)
{
	uint32_t patterns = 0;

	for (uint32_t i = 0; i < cut->count; i++)
		patterns |= 1u << cut->rows[i].pattern;
	return patterns;
}

/* The numbers in each row, and their order. */
static void check_rows(
	const struct puzzle *p, const struct rg_cut *cut, uint32_t entry, uint64_t seed)
{
	struct rg_distances d;

	CHECK(seed, rg_distances_init(&d, &p->graph, &entry, 1, NULL) == RG_OK);
	for (uint32_t i = 0; i < cut->count; i++) {
		const struct rg_cut_row *row = &cut->rows[i];
		uint32_t edges = 0, up = 0;
		bool example = false;

		for (uint32_t v = 0; v < p->graph.n; v++) {
			for (uint32_t e = p->graph.offset[v]; e < p->graph.offset[v + 1]; e++) {
				bool points_up = d.distance[p->graph.target[e]] <= d.distance[v];

				edges += p->pattern[e] == row->pattern;
				up += p->pattern[e] == row->pattern && points_up;
				example |= e == row->example && (points_up || !row->up);
			}
		}
		CHECK(seed, row->edges == edges && row->up == up && example);
		CHECK(seed, p->pattern[row->example] == row->pattern);
		CHECK(seed, row->leaves == left_without(p, 1u << row->pattern));
		CHECK(seed, !i || row[-1].up > row->up ||
				    (row[-1].up == row->up && row[-1].pattern < row->pattern));
	}
	rg_distances_deinit(&d);
}

/* Whether one reluctant pattern is enough beside EAGER, the set of those that are not. */
static bool one_is_enough(const struct puzzle *p, uint32_t eager)
{
	for (uint32_t i = 0; i < p->n_patterns; i++)
		if (p->reluctant[i] && !left_without(p, eager | 1u << i))
			return true;
	return false;
}

/* What a cut promises of its set of patterns. */
static void check_set(const struct puzzle *p, uint32_t chosen, uint64_t seed)
{
	uint32_t reluctant = 0, all = (1u << p->n_patterns) - 1;

	for (uint32_t i = 0; i < p->n_patterns; i++)
		reluctant |= (uint32_t)(p->reluctant[i] != 0) << i;
	CHECK(seed, left_without(p, chosen) == 0);
	for (uint32_t i = 0; i < p->n_patterns; i++)
		CHECK(seed, !(chosen >> i & 1) || left_without(p, chosen & ~(1u << i)));
	/* no reluctant one that any number of others could replace */
	for (uint32_t i = 0; i < p->n_patterns; i++)
		if (chosen & reluctant & 1u << i)
			CHECK(seed,
				left_without(p, (all & ~reluctant) | (chosen & ~(1u << i))) != 0);
	if (!left_without(p, all & ~reluctant))
		CHECK(seed, !(chosen & reluctant));
	else if (one_is_enough(p, all & ~reluctant))
		CHECK(seed, __builtin_popcount(chosen & reluctant) == 1);
}

START_TEST(cut_keeps_its_promises)
{
	uint32_t eager = 0, reluctant = 0;

	FOR_SEEDS(seed, 5000)
	{
		uint64_t state = seed;
		struct puzzle p = random_puzzle(&state, seed % 4);
		uint32_t entry = p.graph.n ? random_below(&state, p.graph.n) : 0;
		struct rg_cut cut;

		if (!p.graph.n) {
			rg_graph_deinit(&p.graph);
			continue;
		}
		CHECK(seed, rg_cut_init(&cut, &p.graph, entry, p.pattern, p.n_patterns, p.reluctant,
				    NULL) == RG_OK);
		check_set(&p, patterns_of(&cut), seed);
		check_rows(&p, &cut, entry, seed);
		for (uint32_t i = 0; i < cut.count; i++)
			*(p.reluctant[cut.rows[i].pattern] ? &reluctant : &eager) += 1;
		rg_cut_deinit(&cut);
		rg_graph_deinit(&p.graph);
	}
	ck_assert(getenv("RG_SEED") || (eager > 500 && reluctant > 500));
}
END_TEST

START_TEST(cut_of_a_tree_is_its_parent)
{
	/* node 0 -children-> list 1 -item-> nodes 2, 3 -parent-> 0; lists' items are reluctant */
	enum { CHILDREN, ITEM, PARENT };
	static const uint32_t from[] = { 0, 1, 1, 2, 3 }, to[] = { 1, 2, 3, 0, 0 };
	static const uint32_t pattern[] = { CHILDREN, ITEM, ITEM, PARENT, PARENT };
	static const uint8_t reluctant[] = { 0, 1, 0 };
	struct rg_graph g = graph_of(4, 5, from, to);
	struct rg_cut cut;

	ck_assert_int_eq(rg_cut_init(&cut, &g, 0, pattern, 3, reluctant, NULL), RG_OK);
	ck_assert_uint_eq(cut.count, 1);
	ck_assert_uint_eq(cut.rows[0].pattern, PARENT);
	ck_assert_uint_eq(cut.rows[0].edges, 2);
	ck_assert_uint_eq(cut.rows[0].up, 2);
	ck_assert_uint_eq(cut.rows[0].leaves, 0);
	ck_assert_uint_eq(cut.rows[0].example, 3);
	rg_cut_deinit(&cut);
	/* entered at the list, its items do not point up, `children` does */
	ck_assert_int_eq(rg_cut_init(&cut, &g, 1, pattern, 3, reluctant, NULL), RG_OK);
	ck_assert_uint_eq(cut.count, 1);
	ck_assert_uint_eq(cut.rows[0].pattern, CHILDREN);
	rg_cut_deinit(&cut);
	rg_graph_deinit(&g);
}
END_TEST

START_TEST(cut_prefers_downward_to_reluctant)
{
	/* 0 -attr-> 1 -item-> 0, entered at 0: only the item points up, yet it is not proposed */
	static const uint32_t from[] = { 0, 1 }, to[] = { 1, 0 }, pattern[] = { 0, 1 };
	static const uint8_t item[] = { 0, 1 }, both[] = { 1, 1 };
	struct rg_graph g = graph_of(2, 2, from, to);
	struct rg_cut cut;

	ck_assert_int_eq(rg_cut_init(&cut, &g, 0, pattern, 2, item, NULL), RG_OK);
	ck_assert_uint_eq(cut.count, 1);
	ck_assert_uint_eq(cut.rows[0].pattern, 0);
	ck_assert_uint_eq(cut.rows[0].up, 0);
	rg_cut_deinit(&cut);
	ck_assert_int_eq(rg_cut_init(&cut, &g, 0, pattern, 2, both, NULL), RG_OK);
	ck_assert_uint_eq(cut.count, 1);
	rg_cut_deinit(&cut);
	rg_graph_deinit(&g);
}
END_TEST

START_TEST(cut_order_of_giving_back)
{
	/* 0 -> 1 -> 2 -> 3 -> 4 -> 0 and 0 -> 4: each cycle has a P into 4 and a Q out of it */
	enum { P, Q, OTHER };
	static const uint32_t from[] = { 0, 1, 2, 0, 3, 4, 4 }, to[] = { 1, 2, 3, 4, 4, 0, 0 };
	static const uint32_t by_share[] = { OTHER, OTHER, OTHER, P, P, Q, Q };
	static const uint32_t by_share_too[] = { OTHER, OTHER, OTHER, Q, Q, P, P };
	static const uint32_t by_edges[] = { Q, Q, OTHER, P, P, Q, Q };
	static const struct {
		const uint32_t *pattern;
		uint32_t kept;
	} cases[] = {
		{ by_share, Q }, /* 1 of 2 of P points up, 2 of 2 of Q: P is given back */
		{ by_share_too, P }, /* the same with the numbers exchanged */
		{ by_edges, P }, /* half of both: Q has more edges, so Q is given back */
	};
	static const uint8_t reluctant[3] = { 0 };
	struct rg_graph g = graph_of(5, 7, from, to);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t pattern[7], k = 0;
		struct rg_cut cut;

		/* the patterns in the order in which graph_of puts the edges */
		for (uint32_t v = 0; v < 5; v++)
			for (uint32_t e = 0; e < 7; e++)
				if (from[e] == v)
					pattern[k++] = cases[i].pattern[e];
		ck_assert_int_eq(rg_cut_init(&cut, &g, 0, pattern, 3, reluctant, NULL), RG_OK);
		ck_assert_uint_eq(cut.count, 1);
		ck_assert_msg(cut.rows[0].pattern == cases[i].kept, "case %zu", i);
		rg_cut_deinit(&cut);
	}
	rg_graph_deinit(&g);
}
END_TEST

/* Cut G, each edge its own pattern; what is left must have no cycle. How many rows there are. */
static uint32_t cut_single_edges(const struct rg_graph *g)
{
	uint32_t *pattern = calloc(g->m, sizeof(*pattern)), count;
	uint8_t *reluctant = calloc(g->m, 1), *dropped = calloc(g->m, 1);
	struct rg_cut cut;
	bool acyclic;

	for (uint32_t e = 0; e < g->m; e++)
		pattern[e] = e;
	ck_assert_int_eq(rg_cut_init(&cut, g, 0, pattern, g->m, reluctant, NULL), RG_OK);
	for (uint32_t i = 0; i < cut.count; i++) {
		dropped[cut.rows[i].pattern] = 1;
		CHECK(i, (cut.rows[i].leaves == RG_CUT_UNKNOWN) == (i >= RG_CUT_TRIALS));
	}
	ck_assert_int_eq(rg_graph_acyclic(g, dropped, &acyclic, NULL), RG_OK);
	ck_assert(acyclic);
	count = cut.count;
	rg_cut_deinit(&cut);
	free(dropped);
	free(reluctant);
	free(pattern);
	return count;
}

START_TEST(cut_with_more_patterns_than_trials)
{
	uint32_t from[4000], to[4000], m = 0;
	struct rg_graph g;

	/* 0 -> all; a chain through all, whose edges point up by the letter; and back to 0 */
	for (uint32_t v = 1; v < 1000; v++) {
		from[m] = 0;
		to[m++] = v;
		from[m] = v;
		to[m++] = (v + 1) % 1000;
	}
	g = graph_of(1000, m, from, to);
	/* 998 are given back in groups */
	ck_assert_uint_eq(cut_single_edges(&g), 1);
	rg_graph_deinit(&g);
	m = 0;
	for (uint32_t v = 0; v < 50; v++)
		for (uint32_t w = 0; w < 50; w++, m++) {
			from[m] = v;
			to[m] = w;
		}
	g = graph_of(50, m, from, to);
	/* every pair needs one of its two, every vertex its loop */
	ck_assert_uint_ge(cut_single_edges(&g), 50 * 49 / 2 + 50);
	rg_graph_deinit(&g);
}
END_TEST

START_TEST(cut_of_a_big_ring)
{
	struct rg_graph g = big_ring();
	uint32_t *pattern = calloc(g.m, sizeof(*pattern));
	static const uint8_t reluctant[] = { 1, 0 };
	struct rg_cut cut;

	/* every other reference is an item; entered at 0, the last one points up */
	for (uint32_t e = 0; e < g.m; e++)
		pattern[e] = e & 1;
	ck_assert_int_eq(rg_cut_init(&cut, &g, 0, pattern, 2, reluctant, NULL), RG_OK);
	ck_assert_uint_eq(cut.count, 1);
	ck_assert_uint_eq(cut.rows[0].pattern, 1);
	ck_assert_uint_eq(cut.rows[0].edges, BIG / 2);
	ck_assert_uint_eq(cut.rows[0].up, 1);
	ck_assert_uint_eq(cut.rows[0].example, BIG - 1);
	rg_cut_deinit(&cut);
	free(pattern);
	rg_graph_deinit(&g);
}
END_TEST

TEST_MAIN("cut", cut_keeps_its_promises, cut_of_a_tree_is_its_parent, cut_order_of_giving_back,
	cut_prefers_downward_to_reluctant, cut_with_more_patterns_than_trials, cut_of_a_big_ring)
