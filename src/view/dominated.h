/*
 * Pictures of a dominator tree: what retains how much, and in what. Of an object that dominates
 * many the largest are shown, those alike as one box, the rest as one more.
 */
#ifndef RG_VIEW_DOMINATED_H
#define RG_VIEW_DOMINATED_H

#include "src/analysis/holders.h"
#include "src/view/draw.h"

#define RG_DOMINATED_DEPTH 3
#define RG_DOMINATED_BREADTH 10

struct rg_dominated {
	uint32_t depth, breadth;
	bool asked; /* the tops were asked about: mark them */
};

/*
 * Draw the trees below the N numbers at TOPS, the most retained first. Of those that were asked
 * about all are shown if they are no more than the breadth, else the first three and the others in
 * boxes; of others as many as the breadth, but no small ones behind the first three: those of one
 * type that are big together become a box. The budget of DRAW goes to what retains most, however
 * deep. O(what those shown dominate, with a logarithm).
 */
enum rg_code rg_view_dominated(struct rg_draw *draw, const struct rg_retained *retained,
	const struct rg_dominated *options, const uint32_t *tops, uint32_t n, struct rg_error *err);

#endif
