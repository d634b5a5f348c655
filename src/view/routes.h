/* Pictures of routes: why objects are alive, with how many each way explains. */
#ifndef RG_VIEW_ROUTES_H
#define RG_VIEW_ROUTES_H

#include "src/analysis/routes.h"
#include "src/view/draw.h"

/*
 * Draw the first LIMIT routes, sharing what they share: roots as houses, several objects at one
 * place as a box, long unbranched middles left out.
 */
enum rg_code rg_view_routes(
	struct rg_draw *draw, const struct rg_routes *routes, uint64_t limit, struct rg_error *err);

#endif
