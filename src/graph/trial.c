#include "src/graph/trial.h"

#include <stdlib.h>

#include "heapdump/base/array.h"
#include "heapdump/base/pages.h"
#include "src/graph/reach.h"

/* In CAME[v] the number of edges into v from inside: what subtract_refs would subtract. */
static void count_inside(
	const struct rg_graph *graph, const struct rg_bitset *inside, uint32_t *came)
{
	for (uint32_t v = 0; v < graph->n; v++) {
		if (!rg_bitset_get(inside, v))
			continue;
		for (uint32_t e = graph->offset[v]; e < graph->offset[v + 1]; e++) {
			if (graph->m - e > 32)
				__builtin_prefetch(&came[graph->target[e + 32]], 1);
			came[graph->target[e]]++;
		}
	}
}

/*
 * Turn CAME into the list of the inside vertices that something else holds: *HELD_RET of them,
 * in place, as the list never overtakes the vertex it is at. How many are in deficit.
 */
static uint32_t list_held(const uint32_t *refcount, const struct rg_bitset *inside, uint32_t *came,
	uint32_t *held_ret)
{
	uint32_t held = 0, deficits = 0;

	for (uint32_t v = 0; v < inside->n; v++) {
		uint32_t found = came[v];

		if (!rg_bitset_get(inside, v))
			continue;
		deficits += refcount[v] < found;
		if (refcount[v] > found)
			came[held++] = v;
	}
	*held_ret = held;
	return deficits;
}

/* Turn SET into its complement. */
static void complement(struct rg_bitset *set)
{
	for (size_t i = 0; i < rg_bitset_words(set->n); i++)
		set->words[i] = ~set->words[i];
	if (set->n & 63)
		set->words[set->n >> 6] &= ((uint64_t)1 << (set->n & 63)) - 1;
}

enum rg_code rg_trial_run(const struct rg_graph *graph, const uint32_t *refcount,
	const struct rg_bitset *inside, struct rg_bitset *dead_ret, uint32_t *deficits_ret,
	struct rg_error *err)
{
	uint32_t *came = rg_pages_new(graph->n, sizeof(*came)), held, deficits;
	struct rg_bitset alive = { 0 };
	enum rg_code code = RG_NOMEM;

	if (!came || rg_bitset_init(&alive, graph->n, err) != RG_OK) {
		free(came);
		return rg_nomem(err);
	}
	count_inside(graph, inside, came);
	deficits = list_held(refcount, inside, came, &held);
	/* what is outside starts as marked: a wall, so that no way leads through it */
	for (size_t i = 0; i < rg_bitset_words(graph->n); i++)
		alive.words[i] = inside->words[i];
	complement(&alive);
	code = rg_reach(graph, came, held, &alive, err);
	free(came);
	if (code != RG_OK) {
		rg_bitset_deinit(&alive);
		return code;
	}
	complement(&alive);
	*dead_ret = alive;
	if (deficits_ret)
		*deficits_ret = deficits;
	return RG_OK;
}

/* Reference counting at work: who died but has not yet let go of what it holds. */
struct cascade {
	const struct rg_graph *graph;
	const uint32_t *refcount;
	const struct rg_bitset *immortal; /* or NULL */
	struct rg_bitset *dead;
	uint32_t *came; /* n: edges from the dead so far */
	uint32_t *dying;
	size_t count, capacity;
};

static bool cascade_push(struct cascade *c, uint32_t vertex)
{
	uint32_t *slot = RG_PUSH(c->dying, c->count, c->capacity);

	if (!slot)
		return false;
	*slot = vertex;
	return true;
}

/* VERTEX lets go of what it holds. */
static bool release(struct cascade *c, uint32_t vertex)
{
	for (uint32_t e = c->graph->offset[vertex]; e < c->graph->offset[vertex + 1]; e++) {
		uint32_t to = c->graph->target[e];

		if (++c->came[to] < c->refcount[to] || rg_bitset_get(c->dead, to))
			continue;
		if (c->immortal && rg_bitset_get(c->immortal, to))
			continue;
		rg_bitset_set(c->dead, to);
		if (!cascade_push(c, to))
			return false;
	}
	return true;
}

/* Kill off all that dies; false when out of memory. */
static bool cascade_run(struct cascade *c)
{
	for (uint32_t v = 0; v < c->graph->n; v++)
		if (rg_bitset_get(c->dead, v) && !cascade_push(c, v))
			return false;
	while (c->count)
		if (!release(c, c->dying[--c->count]))
			return false;
	return true;
}

enum rg_code rg_trial_cascade(const struct rg_graph *graph, const uint32_t *refcount,
	const struct rg_bitset *immortal, struct rg_bitset *dead, struct rg_error *err)
{
	struct cascade c = {
		.graph = graph,
		.refcount = refcount,
		.immortal = immortal,
		.dead = dead,
		.came = rg_pages_new(graph->n, sizeof(uint32_t)),
	};
	bool done = c.came && cascade_run(&c);

	free(c.came);
	free(c.dying);
	return done ? RG_OK : rg_nomem(err);
}
