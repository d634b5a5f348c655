/* Pictures of chains: why an object is alive. */
#ifndef RG_VIEW_CHAIN_H
#define RG_VIEW_CHAIN_H

#include "src/view/draw.h"

/* Draw the chains from the roots to the N objects IDS, sharing what they share. */
enum rg_code rg_view_chains(struct rg_draw *draw, const struct rg_paths *paths, const uint32_t *ids,
	uint64_t n, struct rg_error *err);

#endif
