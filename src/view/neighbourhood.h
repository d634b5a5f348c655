/*
 * Pictures of a neighbourhood: what objects refer to, or who refers to them, a few references
 * deep. However many there are, one object shows only so many; those alike become one box.
 */
#ifndef RG_VIEW_NEIGHBOURHOOD_H
#define RG_VIEW_NEIGHBOURHOOD_H

#include "src/graph/bitset.h"
#include "src/view/draw.h"

#define RG_NEIGHBOURHOOD_DEPTH 3
#define RG_NEIGHBOURHOOD_BREADTH 10
#define RG_NEIGHBOURHOOD_ALIKE 3

struct rg_neighbourhood {
	bool back; /* who refers to them, not what they refer to */
	bool both; /* the one and the other */
	bool whole; /* also a type from each instance, and what types and modules refer to */
	unsigned edges; /* classes of references, as 1 << enum rg_kind_class */
	uint32_t depth, breadth;
	uint32_t alike; /* of more references than the breadth that are alike: so many are shown */
	const struct rg_bitset *only, *avoid; /* NULL: all, none */
};

/*
 * Draw the neighbourhood of the N objects ASKED within the budget of DRAW, nearest first.
 * O(objects + references) for the graph, then O(references of what is shown).
 */
enum rg_code rg_view_neighbourhood(struct rg_draw *draw, const struct rg_neighbourhood *options,
	const uint32_t *asked, uint64_t n, struct rg_error *err);

#endif
