#include "src/view/chain.h"

#include "src/heap/label.h"

/* The same reference drawn twice, because two chains share it, is drawn once. */
static void drop_repeated_edges(struct rg_picture *picture)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < picture->n_edges; i++) {
		bool repeated = false;

		for (uint32_t k = 0; k < kept && !repeated; k++)
			repeated = picture->edges[k].from == picture->edges[i].from &&
				   picture->edges[k].to == picture->edges[i].to;
		if (!repeated)
			picture->edges[kept++] = picture->edges[i];
	}
	picture->n_edges = kept;
}

enum rg_code rg_view_chains(struct rg_draw *draw, const struct rg_paths *paths, const uint32_t *ids,
	uint64_t n, struct rg_error *err)
{
	const char *title = "Why are these objects alive?";
	enum rg_code code = RG_OK;

	for (uint64_t i = 0; !code && i < n; i++) {
		uint32_t holder, row;

		code = rg_draw_chain(draw, paths, ids[i], RG_PICTURE_NO_CLUSTER, &holder, err);
		row = rg_draw_find(draw, ids[i]);
		if (row != RG_NO_ID)
			draw->picture.nodes[row].asked = true;
	}
	drop_repeated_edges(&draw->picture);
	if (n == 1)
		title = rg_arena_print(draw->arena, "Why is this %s alive?",
			rg_label_type(draw->heap, draw->heap->type[ids[0]], draw->arena));
	rg_draw_finish(draw, "why", title, false);
	return code;
}
