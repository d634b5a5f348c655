#include "src/graph/components.h"

#include <stdlib.h>

#include "heapdump/base/pages.h"

/* Offset and state of a vertex side by side: the search touches one cache line a vertex. */
struct record {
	uint32_t offset;
	uint32_t rank; /* 0: unseen; an index from 1 up while live; its component id when done */
};

struct frame {
	uint32_t vertex, next; /* a vertex on the path, and its next edge */
};

/* The vertex the search is at, kept out of the frames so that it lives in registers. */
struct cursor {
	uint32_t vertex, next, end; /* edges next .. end - 1 are still to be looked at */
	uint32_t own, low; /* its index, and the smallest index it can reach */
};

/*
 * Ids of finished components count down from n, indices of live vertices count up from 1 and are
 * given back when their component is done; so every id is larger than any live index, and an edge
 * to a finished vertex can never lower `low`: no test whether a vertex is on the stack.
 */
struct search {
	const uint32_t *target;
	struct record *record; /* n + 1 */
	struct frame *frame; /* n: the path */
	uint32_t *stack; /* n: own indices of the path from 0 up, members of open components from
			  * n down; a vertex is in at most one of them, so they never meet */
	uint32_t n, depth, top, index, id;
};

static void search_deinit(struct search *search)
{
	free(search->record);
	free(search->frame);
	free(search->stack);
}

static enum rg_code search_init(
	struct search *search, const struct rg_graph *graph, struct rg_error *err)
{
	uint32_t n = graph->n;

	*search = (struct search){ .target = graph->target, .n = n, .top = n, .index = 1, .id = n };
	search->record = rg_pages_new((size_t)n + 1, sizeof(*search->record));
	search->frame = rg_pages_new(n, sizeof(*search->frame));
	search->stack = rg_pages_new(n, sizeof(*search->stack));
	if (!search->record || !search->frame || !search->stack) {
		search_deinit(search);
		return rg_nomem(err);
	}
	for (size_t v = 0; v <= n; v++)
		search->record[v].offset = graph->offset[v];
	return RG_OK;
}

/* Go to the unseen VERTEX, and call for the records its edges lead to. */
static inline void enter(struct search *s, struct cursor *at, uint32_t vertex)
{
	struct record *record = &s->record[vertex];
	uint32_t ahead;

	at->vertex = vertex;
	at->next = record[0].offset;
	at->end = record[1].offset;
	at->own = at->low = s->index++;
	record->rank = at->own;
	ahead = at->end - at->next < 12 ? at->end - at->next : 12;
	for (uint32_t i = 0; i < ahead; i++)
		__builtin_prefetch(&s->record[s->target[at->next + i]]);
}

/* Leave AT on the path for the unseen VERTEX. */
static inline void descend(struct search *s, struct cursor *at, uint32_t vertex)
{
	s->frame[s->depth] = (struct frame){ at->vertex, at->next };
	s->stack[s->depth++] = at->own;
	s->record[at->vertex].rank = at->low;
	enter(s, at, vertex);
}

/* AT has no edges left: close its component if it is the root of one. What its parent may see. */
static inline uint32_t finish(struct search *s, const struct cursor *at)
{
	if (at->low != at->own) {
		s->record[at->vertex].rank = at->low;
		s->stack[--s->top] = at->vertex;
		return at->low;
	}
	s->index--;
	while (s->top < s->n && s->record[s->stack[s->top]].rank >= at->own) {
		s->record[s->stack[s->top++]].rank = s->id;
		s->index--;
	}
	s->record[at->vertex].rank = s->id--;
	return UINT32_MAX;
}

/* Back to the parent of AT, which could reach BACK. */
static inline void ascend(struct search *s, struct cursor *at, uint32_t back)
{
	struct frame frame = s->frame[--s->depth];

	at->vertex = frame.vertex;
	at->next = frame.next;
	at->end = s->record[frame.vertex + 1].offset;
	at->own = s->stack[s->depth];
	at->low = s->record[frame.vertex].rank;
	if (back < at->low)
		at->low = back;
}

/* Everything reachable from ROOT and not seen yet. */
static inline void search_tree(struct search *s, uint32_t root)
{
	struct cursor at;

	enter(s, &at, root);
	for (;;) {
		while (at.next < at.end) {
			uint32_t to = s->target[at.next++];
			struct record *record = &s->record[to];

			if (record->rank) {
				if (record->rank < at.low)
					at.low = record->rank;
			} else if (record[0].offset == record[1].offset) {
				record->rank = s->id--; /* a leaf: never on any stack */
			} else {
				descend(s, &at, to);
			}
		}
		uint32_t back = finish(s, &at);

		if (!s->depth)
			return;
		ascend(s, &at, back);
	}
}

/* Search everything; work on a copy whose fields the compiler can keep in registers. */
static void search_run(struct search *search)
{
	struct search s = *search;

	for (uint32_t v = 0; v < s.n; v++)
		if (!s.record[v].rank)
			search_tree(&s, v);
	*search = s;
}

/* List the members of each component: a counting sort by component, stable, so ascending. */
static void list_members(struct rg_components *c, uint32_t n)
{
	uint32_t *next = c->offset + 1;

	/* counted at c + 2 and placed at c + 1, which leaves the offsets */
	for (uint32_t v = 0; v < n; v++)
		c->offset[(size_t)c->of[v] + 2]++;
	for (size_t i = 0; i < c->count; i++)
		c->offset[i + 2] += c->offset[i + 1];
	for (uint32_t v = 0; v < n; v++)
		c->member[next[c->of[v]]++] = v;
}

enum rg_code rg_components_init(
	struct rg_components *components, const struct rg_graph *graph, struct rg_error *err)
{
	uint32_t n = graph->n;
	struct search search;

	*components = (struct rg_components){ 0 };
	if (search_init(&search, graph, err) != RG_OK)
		return RG_NOMEM;
	search_run(&search);
	/* the stack has done its work: it becomes the result */
	components->of = search.stack;
	search.stack = NULL;
	components->count = n - search.id;
	for (uint32_t v = 0; v < n; v++)
		components->of[v] = search.record[v].rank - search.id - 1;
	search_deinit(&search);
	components->offset = rg_pages_new((size_t)components->count + 2, sizeof(uint32_t));
	components->member = rg_pages_new(n, sizeof(uint32_t));
	if (!components->offset || !components->member) {
		rg_components_deinit(components);
		return rg_nomem(err);
	}
	list_members(components, n);
	return RG_OK;
}

void rg_components_deinit(struct rg_components *components)
{
	free(components->of);
	free(components->offset);
	free(components->member);
	*components = (struct rg_components){ 0 };
}

bool rg_component_is_cycle(
	const struct rg_components *components, const struct rg_graph *graph, uint32_t component)
{
	uint32_t first = components->offset[component];
	uint32_t v = components->member[first];

	if (components->offset[component + 1] - first > 1)
		return true;
	for (uint32_t e = graph->offset[v]; e < graph->offset[v + 1]; e++)
		if (graph->target[e] == v)
			return true;
	return false;
}
