#include "src/analysis/accumulation.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"

#define LINKS 16 /* levels of one thing each that are a chain */
#define SAMPLE 1024 /* things that are asked how they are held */

enum rg_code rg_accumulating_init(struct rg_accumulating *work, const struct rg_retained *retained,
	const struct rg_traits *traits, struct rg_signer *signer, const struct rg_bitset *selected,
	struct rg_error *err)
{
	enum rg_code code;

	*work = (struct rg_accumulating){ .retained = retained,
		.traits = traits,
		.signer = signer,
		.selected = selected,
		.bytes_of = rg_array_new(retained->heap->n_types, sizeof(*work->bytes_of)) };
	code = work->bytes_of ? rg_bitset_init(&work->seen, retained->heap->n_objects, err)
			      : rg_nomem(err);
	if (code)
		rg_accumulating_deinit(work);
	return code;
}

void rg_accumulating_deinit(struct rg_accumulating *work)
{
	rg_bitset_deinit(&work->seen);
	free(work->bytes_of);
	free(work->level);
	free(work->next);
	free(work->best);
	*work = (struct rg_accumulating){ 0 };
}

static bool push(uint32_t **list, uint32_t *n, size_t *capacity, uint32_t number)
{
	if (!rg_array_reserve(list, capacity, (size_t)*n + 1, sizeof(**list)))
		return false;
	(*list)[(*n)++] = number;
	return true;
}

static uint32_t alike(const struct rg_accumulating *work, uint32_t number)
{
	return work->traits->alike[rg_retained_type(work->retained, number)];
}

/* --- the things --------------------------------------------------------------------------- */

/* The type, as the first of its name, that most bytes of the next level are in. */
static uint32_t main_type(struct rg_accumulating *work, uint64_t *bytes_ret)
{
	const struct rg_graph *tree = &work->retained->tree;
	uint32_t best = 0;

	*bytes_ret = 0;
	for (uint32_t i = 0; i < work->n_level; i++)
		for (uint32_t e = tree->offset[work->level[i]];
			e < tree->offset[work->level[i] + 1]; e++) {
			uint32_t type = alike(work, tree->target[e]);

			work->bytes_of[type] += work->retained->bytes[tree->target[e]];
			if (work->bytes_of[type] > *bytes_ret) {
				*bytes_ret = work->bytes_of[type];
				best = type;
			}
		}
	for (uint32_t i = 0; i < work->n_level; i++)
		for (uint32_t e = tree->offset[work->level[i]];
			e < tree->offset[work->level[i] + 1]; e++)
			work->bytes_of[alike(work, tree->target[e])] = 0;
	return best;
}

/* The next level: what is of TYPE of what the level dominates. */
static bool descend(struct rg_accumulating *work, uint32_t type)
{
	const struct rg_graph *tree = &work->retained->tree;
	uint32_t *list;
	size_t capacity;

	work->n_next = 0;
	for (uint32_t i = 0; i < work->n_level; i++)
		for (uint32_t e = tree->offset[work->level[i]];
			e < tree->offset[work->level[i] + 1]; e++)
			if (alike(work, tree->target[e]) == type &&
				!push(&work->next, &work->n_next, &work->next_capacity,
					tree->target[e]))
				return false;
	list = work->level;
	capacity = work->level_capacity;
	work->level = work->next;
	work->level_capacity = work->next_capacity;
	work->n_level = work->n_next;
	work->next = list;
	work->next_capacity = capacity;
	return true;
}

static bool keep_level(struct rg_accumulating *work)
{
	if (!rg_array_reserve(&work->best, &work->best_capacity, work->n_level, sizeof(uint32_t)))
		return false;
	memcpy(work->best, work->level, work->n_level * sizeof(uint32_t));
	work->n_best = work->n_level;
	return true;
}

/* Down from HOLDER; the level that has most more than the one above stays in `best`. */
static bool find_level(
	struct rg_accumulating *work, const struct rg_holder *holder, struct rg_accumulation *found)
{
	uint64_t enough = holder->bytes / 2, bytes;
	uint32_t first = alike(work, holder->number), links = 1, above;
	double most = 1;

	work->n_level = work->n_best = 0;
	if (!push(&work->level, &work->n_level, &work->level_capacity, holder->number) ||
		!keep_level(work))
		return false;
	for (;;) {
		uint32_t type = main_type(work, &bytes);

		above = work->n_level;
		if (!bytes || (bytes < enough && links < LINKS))
			break;
		if (!descend(work, type))
			return false;
		links += type == first && above == 1;
		if ((double)work->n_level / above > most) {
			most = (double)work->n_level / above;
			if (!keep_level(work))
				return false;
		}
	}
	found->chain = links >= LINKS && links > work->n_best;
	found->count = found->chain ? links : work->n_best;
	return true;
}

/* How the last reference to a thing reads; of two things that are held alike it is the same. */
static uint64_t held_how(struct rg_accumulating *work, uint32_t number)
{
	const struct rg_distances *distances = &work->retained->paths.distances;
	const struct rg_heap *heap = work->retained->heap;
	uint32_t id = rg_retained_object(work->retained, number), edge = distances->edge[id];

	if (edge == RG_NO_EDGE)
		return 1;
	return rg_signature_reference(work->signer, heap->type[distances->parent[id]],
		       distances->parent[id], rg_graph_label(&work->retained->paths.graph, edge)) |
	       1;
}

/* Of the things in `best` one that is held as most are (Boyer and Moore's vote). */
static uint32_t typical(struct rg_accumulating *work)
{
	uint32_t step = work->n_best / SAMPLE + 1, winner = work->best[0], votes = 0;
	uint64_t how = 0;

	for (uint32_t i = 0; i < work->n_best; i += step) {
		uint64_t this = held_how(work, work->best[i]);

		if (!votes) {
			how = this;
			winner = work->best[i];
		}
		votes = this == how ? votes + 1 : votes - 1;
	}
	return winner;
}

static enum rg_code count_types(
	const struct rg_accumulating *work, struct rg_accumulation *found, struct rg_error *err)
{
	struct rg_bitset types;
	enum rg_code code = rg_bitset_init(&types, (uint32_t)work->retained->heap->n_types, err);

	if (code)
		return code;
	for (uint32_t i = 0; i < work->n_best; i++)
		rg_bitset_set(&types, rg_retained_type(work->retained, work->best[i]));
	found->types = rg_bitset_count(&types);
	rg_bitset_deinit(&types);
	return RG_OK;
}

/* --- all that is retained ----------------------------------------------------------------- */

/* The generation below which a part of what CONTAINER holds came later: 0 says none does. */
static enum rg_generation age_of(const struct rg_heap *heap, uint32_t container)
{
	enum rg_generation age = container == RG_NO_ID ? RG_GEN_0
						       : rg_heap_generation(heap, container);

	if (age == RG_GEN_UNTRACKED)
		return RG_GEN_0;
	return age < RG_GEN_2 ? age : RG_GEN_2;
}

static void count_object(struct rg_accumulating *work, struct rg_accumulation *found, uint32_t id,
	enum rg_generation age)
{
	const struct rg_heap *heap = work->retained->heap;
	const struct rg_traits *traits = work->traits;

	rg_bitset_set(&work->seen, id);
	found->objects++;
	found->own += traits->own[heap->type[id]];
	found->traits[traits->trait[heap->type[id]]]++;
	found->young += rg_heap_generation(heap, id) < age;
	found->selected |= !work->selected || rg_bitset_get(work->selected, id);
}

/* Everything below NUMBER, level by level. */
static bool count_below(
	struct rg_accumulating *work, struct rg_accumulation *found, uint32_t number)
{
	const struct rg_retained *retained = work->retained;
	enum rg_generation age = age_of(retained->heap, found->container);

	work->n_level = 0;
	if (!push(&work->level, &work->n_level, &work->level_capacity, number))
		return false;
	while (work->n_level) {
		uint32_t at = work->level[--work->n_level];

		count_object(work, found, rg_retained_object(retained, at), age);
		for (uint32_t e = retained->tree.offset[at]; e < retained->tree.offset[at + 1]; e++)
			if (!push(&work->level, &work->n_level, &work->level_capacity,
				    retained->tree.target[e]))
				return false;
	}
	return true;
}

/* Of several held alike the largest was looked at: the others are taken to be like it. */
static void scale(struct rg_accumulation *found, const struct rg_holder *holder)
{
	found->objects = holder->objects;
	found->own *= holder->count;
	found->young *= holder->count;
	for (int i = 0; i < RG_TRAIT_COUNT; i++)
		found->traits[i] *= holder->count;
}

static void set_example(
	const struct rg_accumulating *work, struct rg_accumulation *found, uint32_t number)
{
	const struct rg_retained *retained = work->retained;

	found->example = rg_retained_object(retained, number);
	found->type = retained->heap->type[found->example];
	found->container = retained->paths.distances.parent[found->example];
}

enum rg_code rg_accumulation_find(struct rg_accumulating *work, const struct rg_holder *holder,
	struct rg_accumulation *found_ret, struct rg_error *err)
{
	struct rg_accumulation found = { .bytes = holder->bytes };
	enum rg_code code = RG_OK;

	if (holder->count > 1) {
		/* they are the things themselves */
		set_example(work, &found, holder->number);
		found.count = holder->count;
		found.types = 1;
	} else if (!find_level(work, holder, &found)) {
		return rg_nomem(err);
	} else {
		set_example(work, &found, found.chain ? holder->number : typical(work));
		code = count_types(work, &found, err);
	}
	if (!code && !count_below(work, &found, holder->number))
		code = rg_nomem(err);
	if (!code && holder->count > 1)
		scale(&found, holder);
	if (!code)
		*found_ret = found;
	return code;
}
