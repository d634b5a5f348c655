/*
 * Pictures of places: roots, what they hold things in, and the things as one box each; what grew,
 * or what is suspect.
 */
#ifndef RG_VIEW_PLACES_H
#define RG_VIEW_PLACES_H

#include "src/analysis/paths.h"
#include "src/view/draw.h"

struct rg_place {
	uint32_t example; /* object: one of the things; RG_NO_ID: they are no more */
	uint64_t count;
	const char *title, *facts; /* "4,812 × Session", "+4,620 · +18.3 MiB" */
	enum rg_picture_change change;
	bool alone; /* nothing that has a name holds them */
};

/*
 * Draw the first of N places that the budget has room for; PATHS leads to their examples, HEAVY
 * says what a heavy border means.
 */
enum rg_code rg_view_places(struct rg_draw *draw, const struct rg_paths *paths,
	const struct rg_place *places, uint32_t n, const char *title, const char *heavy,
	struct rg_error *err);

#endif
