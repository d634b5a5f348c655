/*
 * The references to break of each group of cycles: a small set of reference patterns without
 * which no cycle of the group is left.
 */
#ifndef RG_ANALYSIS_BREAKS_H
#define RG_ANALYSIS_BREAKS_H

#include "src/analysis/cycles.h"

/* Fill the groups' breaks. LOCAL is scratch of n objects, all RG_NO_ID, and left so. */
enum rg_code rg_breaks_find(struct rg_cycles *cycles, uint32_t *local, struct rg_error *err);

/* The member of a cycle nearest a root. */
uint32_t rg_cycle_entry(const struct rg_cycles *cycles, uint32_t component);

#endif
