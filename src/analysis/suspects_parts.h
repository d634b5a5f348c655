/* What the sources of suspects.h share: rows, and how much by its looks each weighs. */
#ifndef RG_ANALYSIS_SUSPECTS_PARTS_H
#define RG_ANALYSIS_SUSPECTS_PARTS_H

#include "src/analysis/suspects.h"

#define RG_SUSPECT_LOOKED_AT 200 /* places, the largest first */
#define RG_SUSPECT_PYTHONS (1.0 / 16) /* of what says nothing by itself */
#define RG_SUSPECT_GROWN 8 /* things more, or */
#define RG_SUSPECT_GROWN_BYTES 65536 /* bytes more, that are growth */

/* Add a copy of ROW. */
enum rg_code rg_suspects_add(
	struct rg_suspects *suspects, const struct rg_suspect *row, struct rg_error *err);

/* Whether ID is among what was asked for. */
bool rg_suspects_is_selected(const struct rg_suspects *suspects, uint32_t id);

/* The weight of ROW by what its things are; OWN where most of them are the program's. */
double rg_suspects_plainness(const struct rg_suspects *suspects, const struct rg_suspect *row,
	bool own, const struct rg_paths *paths);

#endif
