#include "src/graph/dominators.h"

#include <stdbool.h>
#include <stdlib.h>

#include "heapdump/base/pages.h"
#include "src/graph/bitset.h"

/* Offset and number of a vertex side by side: the search touches one cache line a vertex. */
struct record {
	uint32_t offset;
	uint32_t number; /* 0: unseen */
};

struct frame {
	uint32_t vertex, next; /* a vertex on the path, and its next edge */
};

/* An edge that leads back or across, by the numbers of its ends. */
struct pair {
	uint32_t to, from;
};

/* The vertex the search is at, kept out of the frames so that it lives in registers. */
struct cursor {
	uint32_t vertex, next, end; /* edges next .. end - 1 are still to be looked at */
	uint32_t number;
};

/*
 * All but `record` and `is_source` are by number. semi[v] is, once known, the smallest number from
 * which a way leads to v through larger numbers only: the dominator of v is its nearest ancestor in
 * the search tree that is no larger. An edge to a source would start at the virtual root's 0, which
 * nothing undercuts: no other edge to it counts.
 */
struct search {
	const uint32_t *target;
	struct record *record; /* n + 1 */
	struct rg_bitset is_source;
	struct frame *frame; /* n: the path */
	uint32_t *vertex, *parent, *semi; /* n + 1 */
	struct pair *pair; /* m, touched as far as it fills */
	uint32_t count, depth, n_pairs;
};

/* The pairs by their first member, and what finding the smallest semi above a vertex needs. */
struct climb {
	uint32_t *head, *from; /* from[head[v]] .. from[head[v + 1] - 1] lead to v */
	uint32_t *label, *ancestor; /* of each number; the path above it is compressed */
	uint32_t *stack;
};

static void search_deinit(struct search *s)
{
	free(s->record);
	rg_bitset_deinit(&s->is_source);
	free(s->frame);
	free(s->vertex);
	free(s->parent);
	free(s->semi);
	free(s->pair);
}

static enum rg_code search_init(
	struct search *s, const struct rg_graph *graph, struct rg_error *err)
{
	size_t n = graph->n;

	*s = (struct search){ .target = graph->target, .count = 1 };
	s->record = rg_pages_new(n + 1, sizeof(*s->record));
	s->frame = rg_pages_new(n + 1, sizeof(*s->frame));
	s->vertex = rg_pages_new(n + 1, sizeof(*s->vertex));
	s->parent = rg_pages_new(n + 1, sizeof(*s->parent));
	s->semi = rg_pages_new(n + 1, sizeof(*s->semi));
	s->pair = rg_pages_new(graph->m, sizeof(*s->pair));
	if (!s->record || !s->frame || !s->vertex || !s->parent || !s->semi || !s->pair ||
		rg_bitset_init(&s->is_source, graph->n, err)) {
		search_deinit(s);
		return rg_nomem(err);
	}
	for (size_t v = 0; v <= n; v++)
		s->record[v].offset = graph->offset[v];
	s->vertex[0] = RG_NO_VERTEX;
	return RG_OK;
}

/* --- the search --------------------------------------------------------------------------- */

/* The next number is VERTEX's, first seen from the number PARENT. */
static inline uint32_t add(struct search *s, uint32_t vertex, uint32_t parent)
{
	uint32_t number = s->count++;

	s->record[vertex].number = number;
	s->vertex[number] = vertex;
	s->parent[number] = parent;
	s->semi[number] = rg_bitset_get(&s->is_source, vertex) ? 0 : parent;
	return number;
}

/* Go to VERTEX, and call for the records its edges lead to. */
static inline void enter(struct search *s, struct cursor *at, uint32_t vertex, uint32_t number)
{
	uint32_t ahead;

	at->vertex = vertex;
	at->number = number;
	at->next = s->record[vertex].offset;
	at->end = s->record[vertex + 1].offset;
	ahead = at->end - at->next < 12 ? at->end - at->next : 12;
	for (uint32_t i = 0; i < ahead; i++)
		__builtin_prefetch(&s->record[s->target[at->next + i]], 1);
}

static inline void leave(struct search *s, struct cursor *at)
{
	struct frame frame = s->frame[--s->depth];

	at->vertex = frame.vertex;
	at->next = frame.next;
	at->end = s->record[frame.vertex + 1].offset;
	at->number = s->record[frame.vertex].number;
}

/* An edge from AT to the vertex TO with the number NUMBER. */
static inline void meet(struct search *s, const struct cursor *at, uint32_t number)
{
	if (number < at->number) {
		if (s->semi[number])
			s->pair[s->n_pairs++] = (struct pair){ number, at->number };
	} else if (at->number < s->semi[number]) {
		/* met since AT was entered, so AT is its ancestor: an edge that leads on */
		s->semi[number] = at->number;
	}
}

/* Everything that SOURCE reaches and that has no number yet. */
static inline void search_tree(struct search *s, uint32_t source)
{
	struct cursor at;

	enter(s, &at, source, add(s, source, 0));
	for (;;) {
		while (at.next < at.end) {
			uint32_t to = s->target[at.next++];
			const struct record *record = &s->record[to];

			if (record->number) {
				meet(s, &at, record->number);
				continue;
			}
			uint32_t number = add(s, to, at.number);

			/* a leaf gets its number, and is never on the path */
			if (record[0].offset == record[1].offset)
				continue;
			s->frame[s->depth++] = (struct frame){ at.vertex, at.next };
			enter(s, &at, to, number);
		}
		if (!s->depth)
			return;
		leave(s, &at);
	}
}

/* Search from all sources; on a copy whose fields the compiler can keep in registers. */
static void search_run(struct search *search, const uint32_t *sources, uint32_t n_sources)
{
	struct search s = *search;

	for (uint32_t i = 0; i < n_sources; i++)
		rg_bitset_set(&s.is_source, sources[i]);
	for (uint32_t i = 0; i < n_sources; i++)
		if (!s.record[sources[i]].number)
			search_tree(&s, sources[i]);
	*search = s;
}

/* --- semidominators ----------------------------------------------------------------------- */

static void climb_deinit(struct climb *climb)
{
	free(climb->head);
	free(climb->from);
	free(climb->label);
	free(climb->ancestor);
}

/* Counting sort of the pairs by `to`: lists of them would be a chase of pointers. */
static void group_pairs(struct climb *climb, const struct search *s)
{
	uint32_t *next = climb->head + 1;

	/* counted at to + 2 and placed at to + 1, which leaves the starts */
	for (uint32_t i = 0; i < s->n_pairs; i++)
		climb->head[(size_t)s->pair[i].to + 2]++;
	for (size_t v = 0; v < s->count; v++)
		climb->head[v + 2] += climb->head[v + 1];
	for (uint32_t i = 0; i < s->n_pairs; i++) {
		if (i + 24 < s->n_pairs)
			__builtin_prefetch(&next[s->pair[i + 24].to], 1);
		climb->from[next[s->pair[i].to]++] = s->pair[i].from;
	}
}

static enum rg_code climb_init(struct climb *climb, struct search *s, struct rg_error *err)
{
	size_t count = s->count;

	*climb = (struct climb){ .head = rg_pages_new(count + 2, sizeof(uint32_t)) };
	climb->from = rg_pages_new(s->n_pairs, sizeof(*climb->from));
	if (climb->head && climb->from) {
		group_pairs(climb, s);
		free(s->pair);
		s->pair = NULL;
		climb->label = rg_pages_new(count, sizeof(*climb->label));
		climb->ancestor = rg_pages_new(count, sizeof(*climb->ancestor));
	}
	if (!climb->label || !climb->ancestor) {
		climb_deinit(climb);
		return rg_nomem(err);
	}
	for (uint32_t v = 0; v < s->count; v++) {
		climb->label[v] = v;
		climb->ancestor[v] = s->parent[v];
	}
	/* the path has done its work */
	climb->stack = (uint32_t *)s->frame;
	return RG_OK;
}

/*
 * The vertex of the smallest semi among FROM and its ancestors down to below the number ABOVE: all
 * larger numbers count as linked, without a step that links them.
 */
static inline uint32_t smallest(
	const struct climb *climb, const uint32_t *semi, uint32_t from, uint32_t above)
{
	uint32_t *label = climb->label, *ancestor = climb->ancestor, n = 0;

	for (uint32_t v = from; ancestor[v] > above; v = ancestor[v])
		climb->stack[n++] = v;
	while (n > 0) {
		uint32_t v = climb->stack[--n], up = ancestor[v];

		if (semi[label[up]] < semi[label[v]])
			label[v] = label[up];
		ancestor[v] = ancestor[up];
	}
	return label[from];
}

static void find_semis(const struct climb *climb, uint32_t *semi, uint32_t count)
{
	for (uint32_t v = count - 1; v > 0; v--) {
		uint32_t best = semi[v];

		for (uint32_t i = climb->head[v]; i < climb->head[v + 1] && best; i++) {
			uint32_t found = semi[smallest(climb, semi, climb->from[i], v)];

			best = found < best ? found : best;
		}
		semi[v] = best;
	}
}

/* The nearest ancestor that is no larger than the semi; PARENT becomes the dominators in place. */
static void find_dominators(uint32_t *parent, const uint32_t *semi, uint32_t count)
{
	for (uint32_t v = 1; v < count; v++) {
		uint32_t up = parent[v];

		while (up > semi[v])
			up = parent[up];
		parent[v] = up;
	}
}

/* The numbers of the records, which are no longer wanted, in their place. */
static uint32_t *take_numbers(struct search *s, uint32_t n)
{
	struct record *record = s->record;
	uint32_t *number = (uint32_t *)record, *smaller;

	for (uint32_t v = 0; v < n; v++)
		number[v] = record[v].number;
	s->record = NULL;
	smaller = realloc(number, ((size_t)n + 1) * sizeof(*number));
	return smaller ? smaller : number;
}

/* --- the whole ---------------------------------------------------------------------------- */

static enum rg_code solve(struct search *s, struct rg_error *err)
{
	struct climb climb;

	if (climb_init(&climb, s, err) != RG_OK)
		return RG_NOMEM;
	find_semis(&climb, s->semi, s->count);
	find_dominators(s->parent, s->semi, s->count);
	climb_deinit(&climb);
	return RG_OK;
}

enum rg_code rg_dominators_init(struct rg_dominators *dominators, const struct rg_graph *graph,
	const uint32_t *sources, uint32_t n_sources, struct rg_error *err)
{
	struct search s;
	enum rg_code code;

	*dominators = (struct rg_dominators){ 0 };
	if (search_init(&s, graph, err) != RG_OK)
		return RG_NOMEM;
	search_run(&s, sources, n_sources);
	dominators->count = s.count;
	dominators->number = take_numbers(&s, graph->n);
	code = solve(&s, err);
	if (!code) {
		dominators->vertex = s.vertex;
		dominators->dominator = s.parent;
		s.vertex = s.parent = NULL;
	}
	search_deinit(&s);
	if (code)
		rg_dominators_deinit(dominators);
	return code;
}

void rg_dominators_deinit(struct rg_dominators *dominators)
{
	free(dominators->number);
	free(dominators->vertex);
	free(dominators->dominator);
	*dominators = (struct rg_dominators){ 0 };
}

void rg_dominators_sum(const struct rg_dominators *dominators, uint64_t *sum)
{
	for (uint32_t v = dominators->count - 1; v > 0; v--)
		sum[dominators->dominator[v]] += sum[v];
}

enum rg_code rg_dominators_tree(
	const struct rg_dominators *dominators, struct rg_graph *tree_ret, struct rg_error *err)
{
	uint32_t count = dominators->count, *next;
	struct rg_graph tree = { .n = count, .m = count - 1 };

	tree.offset = rg_pages_new((size_t)count + 2, sizeof(*tree.offset));
	tree.target = rg_pages_new(tree.m, sizeof(*tree.target));
	if (!tree.offset || !tree.target) {
		rg_graph_deinit(&tree);
		return rg_nomem(err);
	}
	next = tree.offset + 1;
	for (uint32_t v = 1; v < count; v++)
		tree.offset[(size_t)dominators->dominator[v] + 2]++;
	for (size_t v = 0; v < count; v++)
		tree.offset[v + 2] += tree.offset[v + 1];
	for (uint32_t v = 1; v < count; v++)
		tree.target[next[dominators->dominator[v]]++] = v;
	*tree_ret = tree;
	return RG_OK;
}
