#include "src/answer/why.h"

#include <stdlib.h>

#include "src/answer/rows.h"

static const struct rg_field freed_fields[] = {
	RG_FIELD(rg_answer_freed, selected, RG_COUNT, NULL, "objects of the selection"),
	RG_FIELD(rg_answer_freed, objects, RG_COUNT, NULL,
		"objects of the heap, those that are avoided included"),
	RG_FIELD(rg_answer_freed, size, RG_BYTES, NULL, "their footprints"),
};
static const struct rg_record freed_record = RG_RECORD_OF(rg_answer_freed, freed_fields);

static const struct rg_field why_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_why),
	RG_FIELD(rg_answer_why, selected, RG_COUNT, NULL, "objects of the selection"),
	RG_FIELD(rg_answer_why, unreached, RG_COUNT, NULL, "of them: reached by no named root"),
	RG_FIELD_FLAGGED(rg_answer_why, inner, RG_OPTIONAL, RG_OMIT_EMPTY, NULL,
		"with --all: of them: held by others of the selection alone"),
	{ "freed", RG_RECORD, offsetof(struct rg_answer_why, freed), &freed_record, RG_OMIT_EMPTY,
		NULL, "with --avoid: what nothing else holds, and would be freed" },
	RG_FIELD_OF(rg_answer_why, chains, RG_LIST, &rg_record_chain,
		"one for each way in which objects are held, those that explain most first; the "
		"example is the object nearest its root"),
	{ "graph", RG_RECORD, offsetof(struct rg_answer_why, graph), &rg_record_graph,
		RG_OMIT_EMPTY, NULL, "with --graph: the picture as data" },
};
static const struct rg_record why_record = RG_RECORD_OF(rg_answer_why, why_fields);
const struct rg_answer rg_answer_why = { "why", &why_record };

static const struct rg_field path_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_path),
	RG_FIELD(rg_answer_path, shortest, RG_COUNT, NULL,
		"how many shortest paths there are; two references between the same objects are "
		"two ways"),
	RG_FIELD(rg_answer_path, length, RG_OPTIONAL, NULL,
		"references on each of them; null where there is no path"),
	RG_FIELD_OF(rg_answer_path, paths, RG_LIST, &rg_record_chain, "the first of them"),
	{ "graph", RG_RECORD, offsetof(struct rg_answer_path, graph), &rg_record_graph,
		RG_OMIT_EMPTY, NULL, "with --graph: the picture as data" },
};
static const struct rg_record path_record = RG_RECORD_OF(rg_answer_path, path_fields);
const struct rg_answer rg_answer_path = { "path", &path_record };

enum rg_code rg_answer_why_init(struct rg_answer_why *answer, const struct rg_routes *routes,
	bool all, const struct rg_answer_origin *origin, uint64_t limit, struct rg_arena *arena,
	struct rg_error *err)
{
	const struct rg_heap *heap = routes->heap;
	uint64_t n = routes->n_ends < limit ? routes->n_ends : limit;
	struct rg_answer_chain *rows = rg_answer_rows(
		&answer->chains, n, routes->n_ends, sizeof(*rows), arena);

	answer->selected = routes->selected;
	answer->unreached = routes->unreached;
	answer->inner = all ? routes->inner : RG_NOTHING;
	rg_answer_envelope_init(&answer->envelope, heap, origin, arena);
	for (uint64_t i = 0; rows && i < answer->chains.shown; i++) {
		struct rg_path_step *steps;
		uint32_t count, root;
		enum rg_code code = rg_routes_chain(
			routes, routes->ends[i], &steps, &count, &root, err);

		if (code)
			return code;
		rg_chain_fill(&rows[i], heap, &heap->roots[root], steps, count, origin->raw, arena);
		rows[i].covers = routes->rows[routes->ends[i]].ends;
		free(steps);
	}
	return arena->failed ? rg_nomem(err) : RG_OK;
}

enum rg_code rg_answer_path_init(struct rg_answer_path *answer, const struct rg_heap *heap,
	const struct rg_between *between, const struct rg_answer_origin *origin,
	struct rg_arena *arena, struct rg_error *err)
{
	struct rg_answer_chain *rows = rg_answer_rows(
		&answer->paths, between->n_paths, between->shortest, sizeof(*rows), arena);

	rg_answer_envelope_init(&answer->envelope, heap, origin, arena);
	answer->shortest = between->shortest;
	answer->length = between->shortest ? between->length : RG_NOTHING;
	for (uint32_t i = 0; rows && i < between->n_paths; i++)
		rg_chain_between(&rows[i], heap, rg_between_path(between, i), between->length + 1,
			origin->raw, arena);
	return arena->failed ? rg_nomem(err) : RG_OK;
}
