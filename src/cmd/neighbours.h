/* What `refs` and `backrefs` share: all but the direction. */
#ifndef RG_CMD_NEIGHBOURS_H
#define RG_CMD_NEIGHBOURS_H

#include "src/cli/command.h"

/* Draw the neighbourhood of the selection, forwards or BACK, in the chosen form. */
enum rg_code rg_neighbours_run(struct rg_context *context, bool back);

#define RG_NEIGHBOURS_OPTIONS                                                                      \
	(RG_OPTIONS_LIST | RG_OPTION(DEPTH) | RG_OPTION(BREADTH) | RG_OPTION(TYPE) |               \
		RG_OPTION(MODULE) | RG_OPTION(AVOID) | RG_OPTION(HIGHLIGHT) | RG_OPTION(EXTRA) |   \
		RG_OPTION(FROM) | RG_OPTION(NEW_SINCE) | RG_OPTION(EDGES) | RG_OPTION(WEAK) |      \
		RG_OPTION(RAW) | RG_OPTION(NODES) | RG_OPTION(LAYOUT_TIME))

#endif
