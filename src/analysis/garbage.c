#include "src/analysis/garbage.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "src/graph/reach.h"
#include "src/graph/trial.h"
#include "src/heap/policy.h"

struct work {
	const struct rg_heap *heap;
	struct rg_garbage *garbage;
	struct rg_graph owned; /* all references that count, unfolded */
	struct rg_bitset immortal, reached;
	struct rg_error *err;
};

/* The collector's candidates: what is in generations 0 to 2. */
static bool is_candidate(const struct rg_heap *heap, uint32_t id)
{
	return rg_heap_generation(heap, id) <= RG_GEN_2;
}

/* The tracked objects that trial deletion leaves over. */
static enum rg_code find_dead(struct work *work)
{
	const struct rg_heap *heap = work->heap;
	struct rg_policy policy = {
		.edges = RG_EDGES_STRONG, .raw = true, .traversed = true, .unlabelled = true
	};
	struct rg_bitset inside = { 0 };
	struct rg_graph graph = { 0 };
	enum rg_code code = rg_bitset_init(&inside, heap->n_objects, work->err);

	for (uint32_t id = 0; !code && id < heap->n_objects; id++)
		if (is_candidate(heap, id))
			rg_bitset_set(&inside, id);
	policy.within = &inside;
	if (!code)
		code = rg_policy_graph(heap, &policy, &graph, work->err);
	if (!code)
		code = rg_trial_run(&graph, heap->refcount, &inside, &work->garbage->dead,
			&work->garbage->deficits, work->err);
	rg_graph_deinit(&graph);
	rg_bitset_deinit(&inside);
	return code;
}

/* A finalizer in Python that has not run can bring its object back. */
static bool may_come_back(const struct rg_heap *heap, uint32_t id)
{
	uint32_t flags = rg_heap_type(heap, id)->flags;

	return flags & RG_TYPE_FINALIZER && !(flags & RG_TYPE_KEEPS_SELF) &&
	       !(heap->flags[id] & RG_OBJECT_FINALIZED);
}

static bool is_refused(const struct rg_heap *heap, uint32_t id)
{
	return rg_heap_type(heap, id)->flags & RG_TYPE_LEGACY_DEL;
}

/* Move what TEST names among the dead, and all it reaches there, into SET. */
static enum rg_code set_apart(
	struct work *work, struct rg_bitset *set, bool (*test)(const struct rg_heap *, uint32_t))
{
	const struct rg_heap *heap = work->heap;
	const struct rg_bitset *dead = &work->garbage->dead;
	uint32_t *sources = rg_array_new(heap->n_objects, sizeof(*sources)), n = 0;
	struct rg_bitset marked = { 0 };
	enum rg_code code;

	if (!sources)
		return rg_nomem(work->err);
	for (uint32_t id = 0; id < heap->n_objects; id++)
		if (rg_bitset_get(dead, id) && test(heap, id))
			sources[n++] = id;
	code = rg_bitset_init(&marked, heap->n_objects, work->err);
	if (!code && n)
		code = rg_reach(&work->owned, sources, n, &marked, work->err);
	for (uint32_t id = 0; !code && n && id < heap->n_objects; id++)
		if (rg_bitset_get(&marked, id) && rg_bitset_get(&work->garbage->collectable, id)) {
			rg_bitset_clear(&work->garbage->collectable, id);
			rg_bitset_set(set, id);
		}
	rg_bitset_deinit(&marked);
	free(sources);
	return code;
}

static enum rg_code find_reached(struct work *work)
{
	const struct rg_heap *heap = work->heap;
	uint32_t *sources = rg_array_new(heap->n_roots, sizeof(*sources));
	enum rg_code code;

	if (!sources)
		return rg_nomem(work->err);
	for (size_t i = 0; i < heap->n_roots; i++)
		sources[i] = heap->roots[i].object;
	code = rg_reach(&work->owned, sources, (uint32_t)heap->n_roots, &work->reached, work->err);
	free(sources);
	return code;
}

/*
 * Of what neither a root reaches nor the collector frees: trial deletion over all references.
 * What is held by itself alone is hidden garbage, the rest is held from C.
 */
static enum rg_code find_hidden(struct work *work)
{
	const struct rg_heap *heap = work->heap;
	struct rg_policy policy = { .edges = RG_EDGES_ALL, .raw = true, .unlabelled = true };
	struct rg_bitset lost = { 0 };
	struct rg_graph graph = { 0 };
	enum rg_code code = rg_bitset_init(&lost, heap->n_objects, work->err);

	for (uint32_t id = 0; !code && id < heap->n_objects; id++)
		if (!rg_bitset_get(&work->reached, id) &&
			!rg_bitset_get(&work->garbage->dead, id) &&
			!rg_bitset_get(&work->immortal, id))
			rg_bitset_set(&lost, id);
	policy.within = &lost;
	if (!code)
		code = rg_policy_graph(heap, &policy, &graph, work->err);
	if (!code)
		code = rg_trial_run(
			&graph, heap->refcount, &lost, &work->garbage->hidden, NULL, work->err);
	for (uint32_t id = 0; !code && id < heap->n_objects; id++)
		if (rg_bitset_get(&lost, id) && !rg_bitset_get(&work->garbage->hidden, id))
			rg_bitset_set(&work->garbage->unreached, id);
	rg_graph_deinit(&graph);
	rg_bitset_deinit(&lost);
	return code;
}

static enum rg_code allocate(struct work *work)
{
	struct rg_garbage *garbage = work->garbage;
	struct rg_bitset *sets[] = { &garbage->collectable, &garbage->may_resurrect,
		&garbage->uncollectable, &garbage->unreached, &work->immortal, &work->reached };
	enum rg_code code = RG_OK;

	for (size_t i = 0; !code && i < sizeof(sets) / sizeof(sets[0]); i++)
		code = rg_bitset_init(sets[i], work->heap->n_objects, work->err);
	for (uint32_t id = 0; !code && id < work->heap->n_objects; id++)
		if (work->heap->flags[id] & RG_OBJECT_IMMORTAL)
			rg_bitset_set(&work->immortal, id);
	return code;
}

enum rg_code rg_garbage_init(
	struct rg_garbage *garbage, const struct rg_heap *heap, struct rg_error *err)
{
	struct work work = { .heap = heap, .garbage = garbage, .err = err };
	struct rg_policy policy = { .edges = RG_EDGES_ALL, .raw = true, .unlabelled = true };
	enum rg_code code;

	memset(garbage, 0, sizeof(*garbage));
	code = allocate(&work);
	if (!code)
		code = find_dead(&work);
	if (!code)
		code = rg_policy_graph(heap, &policy, &work.owned, err);
	/* what only the dead hold dies with them */
	if (!code)
		code = rg_trial_cascade(
			&work.owned, heap->refcount, &work.immortal, &garbage->dead, err);
	if (!code) {
		memcpy(garbage->collectable.words, garbage->dead.words,
			rg_bitset_words(heap->n_objects) * sizeof(uint64_t));
		code = set_apart(&work, &garbage->uncollectable, is_refused);
	}
	if (!code)
		code = set_apart(&work, &garbage->may_resurrect, may_come_back);
	if (!code)
		code = find_reached(&work);
	if (!code)
		code = find_hidden(&work);
	rg_graph_deinit(&work.owned);
	rg_bitset_deinit(&work.immortal);
	rg_bitset_deinit(&work.reached);
	if (code)
		rg_garbage_deinit(garbage);
	return code;
}

void rg_garbage_deinit(struct rg_garbage *garbage)
{
	rg_bitset_deinit(&garbage->collectable);
	rg_bitset_deinit(&garbage->may_resurrect);
	rg_bitset_deinit(&garbage->uncollectable);
	rg_bitset_deinit(&garbage->hidden);
	rg_bitset_deinit(&garbage->unreached);
	rg_bitset_deinit(&garbage->dead);
	memset(garbage, 0, sizeof(*garbage));
}
