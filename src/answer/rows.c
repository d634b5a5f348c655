#include "src/answer/rows.h"

#include <stdlib.h>

#include "src/heap/fold.h"
#include "src/heap/label.h"

void rg_rows_types(struct rg_list *list, const struct rg_heap *heap,
	const struct rg_type_sums *sums, uint64_t total, uint64_t limit, struct rg_arena *arena)
{
	struct rg_answer_type *rows = rg_answer_rows(
		list, sums->count < limit ? sums->count : limit, sums->count, sizeof(*rows), arena);

	for (uint64_t i = 0; rows && i < list->shown; i++) {
		const struct rg_type_sum *sum = &sums->rows[i];
		const struct rg_heap_type *type = &heap->types[sum->type];

		rows[i] = (struct rg_answer_type){ .type = rg_label_type(heap, sum->type, arena),
			.module = rg_arena_text(arena, type->module.bytes, type->module.length),
			.type_id = sum->type,
			.count = sum->count,
			.size = sum->size,
			.share = total ? (double)sum->size / (double)total : 0 };
	}
}

void rg_rows_generations(struct rg_list *list, const struct rg_heap *heap, const uint32_t *ids,
	size_t n, bool raw, struct rg_arena *arena)
{
	uint64_t counts[RG_GEN_COUNT] = { 0 }, sizes[RG_GEN_COUNT] = { 0 }, used = 0;
	struct rg_answer_generation *rows;

	for (size_t i = 0; i < n; i++) {
		enum rg_generation generation = rg_heap_generation(heap, ids[i]);

		counts[generation]++;
		sizes[generation] += rg_heap_footprint(heap, ids[i], raw);
	}
	rows = rg_answer_rows(list, RG_GEN_COUNT, RG_GEN_COUNT, sizeof(*rows), arena);
	for (unsigned g = 0; rows && g < RG_GEN_COUNT; g++)
		if (counts[g])
			rows[used++] = (struct rg_answer_generation){ rg_generation_names[g],
				counts[g], sizes[g] };
	list->shown = list->of = used;
}

/* Of a very long chain the two ends are shown: they say most. */
#define CHAIN_HEAD 60
#define CHAIN_TAIL 40

static uint32_t shown_steps(uint32_t count)
{
	return count > CHAIN_HEAD + CHAIN_TAIL ? CHAIN_HEAD + CHAIN_TAIL : count;
}

/* The step that is shown as number I. */
static uint32_t step_at(uint32_t i, uint32_t count)
{
	return i < CHAIN_HEAD || count <= CHAIN_HEAD + CHAIN_TAIL
		       ? i
		       : count - CHAIN_HEAD - CHAIN_TAIL + i;
}

/* The whole chain as one Python-like expression that starts with TEXT. */
static const char *path_text(const struct rg_heap *heap, const char *text,
	const struct rg_path_step *steps, uint32_t count, struct rg_arena *arena)
{
	for (uint32_t i = 1; i < shown_steps(count); i++) {
		uint32_t step = step_at(i, count);

		if (i == CHAIN_HEAD && step > i)
			text = rg_arena_print(arena, "%s … %u more …", text, step - i);
		/* Python writes an attribute without the dict that holds it */
		if (i + 1 < shown_steps(count) && rg_label_is_dict(heap, steps[step].reference))
			continue;
		text = rg_arena_print(arena, "%s%s", text,
			rg_label_reference(heap, steps[step].reference, arena));
	}
	return text;
}

static void fill_steps(struct rg_list *list, const struct rg_heap *heap,
	const struct rg_path_step *steps, uint32_t count, bool raw, struct rg_arena *arena)
{
	struct rg_answer_step *rows = rg_answer_rows(
		list, shown_steps(count), count, sizeof(*rows), arena);

	for (uint32_t i = 0; rows && i < list->shown; i++) {
		uint32_t step = step_at(i, count);

		rows[i].object = rg_answer_object_new(heap, steps[step].object, raw, arena);
		if (step > 0)
			rows[i].reference = rg_answer_reference_new(
				heap, steps[step - 1].object, steps[step].reference, arena);
	}
}

struct rg_answer_chain *rg_chain_new(const struct rg_heap *heap, const struct rg_paths *paths,
	uint32_t id, bool raw, struct rg_arena *arena, struct rg_error *err)
{
	struct rg_answer_chain *chain;
	struct rg_path_step *steps;
	uint32_t count;

	/* who asks for no error asks the arena */
	if (rg_paths_chain(paths, id, &steps, &count, err)) {
		arena->failed = true;
		return NULL;
	}
	if (!count)
		return NULL;
	chain = rg_arena_new(arena, 1, sizeof(*chain));
	if (chain)
		rg_chain_fill(chain, heap, &heap->roots[paths->root_of[steps[0].object]], steps,
			count, raw, arena);
	free(steps);
	return chain;
}

void rg_chain_fill(struct rg_answer_chain *chain, const struct rg_heap *heap,
	const struct rg_heap_root *root, const struct rg_path_step *steps, uint32_t count, bool raw,
	struct rg_arena *arena)
{
	chain->covers = RG_NOTHING;
	chain->root = rg_label_root(heap, root, arena);
	chain->path = path_text(heap, rg_label_root_path(heap, root, arena), steps, count, arena);
	fill_steps(&chain->steps, heap, steps, count, raw, arena);
}

/* What an expression that starts at an object begins with. */
static const char *start_text(const struct rg_heap *heap, uint32_t id, struct rg_arena *arena)
{
	const char *name = rg_label_name(heap, id, arena);

	if (name && rg_heap_type(heap, id)->flags & RG_TYPE_MODULE)
		return rg_arena_print(arena, "sys.modules['%s']", name);
	return name ? name : rg_label_type(heap, heap->type[id], arena);
}

void rg_chain_between(struct rg_answer_chain *chain, const struct rg_heap *heap,
	const struct rg_path_step *steps, uint32_t count, bool raw, struct rg_arena *arena)
{
	chain->covers = RG_NOTHING;
	chain->path = path_text(
		heap, start_text(heap, steps[0].object, arena), steps, count, arena);
	fill_steps(&chain->steps, heap, steps, count, raw, arena);
}

void rg_rows_objects(struct rg_list *list, const struct rg_heap *heap, const uint32_t *ids,
	uint64_t n, uint64_t limit, bool raw, struct rg_arena *arena)
{
	struct rg_answer_object *rows = rg_answer_rows(
		list, n < limit ? n : limit, n, sizeof(*rows), arena);

	for (uint64_t i = 0; rows && i < list->shown; i++) {
		struct rg_answer_object *object = rg_answer_object_new(heap, ids[i], raw, arena);

		if (object)
			rows[i] = *object;
	}
}
