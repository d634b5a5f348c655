#include "src/analysis/places.h"

#include <stdlib.h>
#include <string.h>

#include "src/heap/fold.h"
#include "src/heap/label.h"

#define STEPS 40 /* of a long way that are told: those at its end */

uint32_t rg_place_root(const struct rg_paths *paths, uint32_t id)
{
	const struct rg_distances *distances = &paths->distances;

	if (distances->distance[id] == RG_UNREACHED)
		return RG_NO_ID;
	while (distances->parent[id] != RG_NO_VERTEX)
		id = distances->parent[id];
	return paths->root_of[id];
}

const char *rg_place_way(const struct rg_heap *heap, const struct rg_paths *paths, uint32_t id,
	bool general, struct rg_arena *arena)
{
	const char *text = "";
	struct rg_path_step *steps;
	uint32_t count, first;

	if (rg_paths_chain(paths, id, &steps, &count, NULL)) {
		arena->failed = true;
		return text;
	}
	first = count > STEPS ? count - STEPS : 1;
	if (first > 1)
		text = "…";
	for (uint32_t i = first; i < count; i++) {
		uint32_t edge = steps[i].reference;

		/* Python writes an attribute without the dict that holds it */
		if (i + 1 < count && rg_label_is_dict(heap, edge))
			continue;
		text = rg_arena_print(arena, "%s%s", text,
			general ? rg_label_pattern(heap, steps[i - 1].object, edge, arena)
				: rg_label_reference(heap, edge, arena));
	}
	free(steps);
	return text;
}

const char *rg_place_text(const struct rg_heap *heap, const struct rg_paths *paths, uint32_t id,
	bool general, struct rg_arena *arena)
{
	uint32_t shown = rg_heap_stand_in(heap, id), row = rg_place_root(paths, id);
	const struct rg_heap_root *root;
	const char *way;

	if (rg_heap_type(heap, shown)->flags & RG_TYPE_MODULE && rg_label_name(heap, shown, arena))
		return rg_arena_print(arena, "module %s", rg_label_name(heap, shown, arena));
	if (row == RG_NO_ID)
		return heap->flags[id] & RG_OBJECT_IMMORTAL ? "immortal" : "held from C";
	root = &heap->roots[row];
	way = rg_place_way(heap, paths, id, general, arena);
	if (!*way && root->kind != RG_ROOT_FRAME)
		return rg_label_root(heap, root, arena);
	if (!*way || root->kind != RG_ROOT_MODULE)
		return rg_arena_print(arena, "%s%s", rg_label_root_path(heap, root, arena), way);
	return rg_arena_print(
		arena, "%s → %s", rg_label_root(heap, root, arena), way + (*way == '.'));
}
