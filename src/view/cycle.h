/* Pictures of cycles: who holds it, what it is made of, what to break, how many are alike. */
#ifndef RG_VIEW_CYCLE_H
#define RG_VIEW_CYCLE_H

#include "src/analysis/cycles.h"
#include "src/view/draw.h"

/* Draw the first GROUPS groups within the budget of DRAW. */
enum rg_code rg_view_cycles(struct rg_draw *draw, const struct rg_cycles *cycles, uint64_t groups,
	struct rg_error *err);

#endif
