#include "src/answer/why.h"

#include <stdlib.h>

#include "heapdump/base/array.h"
#include "src/answer/rows.h"

static const struct rg_field why_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_why),
	RG_FIELD(rg_answer_why, selected, RG_COUNT, NULL, "objects of the selection"),
	RG_FIELD(rg_answer_why, unreached, RG_COUNT, NULL, "of them: reached by no named root"),
	RG_FIELD_OF(rg_answer_why, chains, RG_LIST, &rg_record_chain,
		"the shortest to each object, nearest first"),
	{ "graph", RG_RECORD, offsetof(struct rg_answer_why, graph), &rg_record_graph,
		RG_OMIT_EMPTY, NULL, "with --graph: the picture as data" },
};
static const struct rg_record why_record = RG_RECORD_OF(rg_answer_why, why_fields);
const struct rg_answer rg_answer_why = { "why", &why_record };

/* Distance first, then number: one sortable key. */
static int by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void fill_chains(struct rg_answer_why *answer, const struct rg_heap *heap,
	const struct rg_paths *paths, const uint64_t *keys, uint64_t n,
	const struct rg_answer_origin *origin, uint64_t limit, struct rg_arena *arena,
	struct rg_error *err)
{
	struct rg_answer_chain *rows = rg_answer_rows(
		&answer->chains, n < limit ? n : limit, n, sizeof(*rows), arena);

	for (uint64_t i = 0; rows && i < answer->chains.shown; i++) {
		struct rg_answer_chain *chain = rg_chain_new(
			heap, paths, (uint32_t)keys[i], origin->raw, arena, err);

		if (!chain)
			continue;
		rows[i] = *chain;
		rows[i].covers = 1;
	}
}

enum rg_code rg_answer_why_init(struct rg_answer_why *answer, const struct rg_heap *heap,
	const struct rg_paths *paths, const struct rg_bitset *selected,
	const struct rg_answer_origin *origin, uint64_t limit, struct rg_arena *arena,
	struct rg_error *err)
{
	uint64_t *keys = rg_array_new(heap->n_objects, sizeof(*keys)), n = 0;

	if (!keys)
		return rg_nomem(err);
	for (uint32_t id = 0; id < heap->n_objects; id++) {
		/* a folded helper is alive because its owner is */
		uint32_t shown = origin->raw ? id : heap->owner[id];
		uint32_t distance = paths->distances.distance[shown];

		if (!rg_bitset_get(selected, id))
			continue;
		answer->selected++;
		if (distance == RG_UNREACHED)
			answer->unreached++;
		else
			keys[n++] = (uint64_t)distance << 32 | shown;
	}
	if (n)
		qsort(keys, n, sizeof(*keys), by_key);
	answer->first = n ? (uint32_t)keys[0] : RG_NO_ID;
	rg_answer_envelope_init(&answer->envelope, heap, origin, arena);
	fill_chains(answer, heap, paths, keys, n, origin, limit, arena, err);
	free(keys);
	return arena->failed ? rg_nomem(err) : RG_OK;
}
