/*
 * The references to break: which patterns of edges to remove from a strongly connected graph so
 * that no cycle is left (a feedback arc set in whole patterns).
 *
 * Every cycle has an edge that does not lead away from the entry (d[to] <= d[from], d the
 * distance from it), so the patterns that contain such an edge are enough. Each is then given
 * back that can stay without a cycle (P. Eades, X. Lin, W. F. Smyth, "A fast and effective
 * heuristic for the feedback arc set problem", 1993, for the idea of an order in which few edges
 * point back).
 */
#ifndef RG_GRAPH_CUT_H
#define RG_GRAPH_CUT_H

#include <stdint.h>

#include "heapdump/base/error.h"
#include "src/graph/graph.h"

#define RG_CUT_TRIALS 256 /* at most: tests for cycles, and rows with `leaves` */
#define RG_CUT_UNKNOWN UINT32_MAX

/* A pattern to break. */
struct rg_cut_row {
	uint32_t pattern;
	uint32_t edges; /* edges of this pattern */
	uint32_t up; /* of them: those that point up, towards the entry */
	uint32_t leaves; /* vertices still in cycles when this pattern alone is removed;
				 * RG_CUT_UNKNOWN after the first RG_CUT_TRIALS rows */
	uint32_t example; /* index of an edge of it: one that points up, if there is one */
};

/* Without the patterns of all rows the graph has no cycle. Sorted by `up` falling, then pattern. */
struct rg_cut {
	uint32_t count;
	struct rg_cut_row *rows;
};

/*
 * The patterns to break in GRAPH, of which ENTRY < n reaches all (what it does not reach counts as
 * pointing up). pattern[edge] < N_PATTERNS is the pattern of each edge; reluctant[pattern] != 0
 * marks those to propose only if nothing else will do: no such row appears when removing every
 * pattern that is not reluctant leaves no cycle, and only one when one is enough (of the first 64).
 * No row can be left out, unless the trials ran out: possible with more than 190 patterns chosen
 * at first. Given back first: reluctant, least upward share, most references, smallest number.
 * O((trials + rows) * (n + m)) time, both at most RG_CUT_TRIALS; work of 36n + 5m + 25 n_patterns
 * bytes. Zeroed when it fails.
 */
enum rg_code rg_cut_init(struct rg_cut *cut, const struct rg_graph *graph, uint32_t entry,
	const uint32_t *pattern, uint32_t n_patterns, const uint8_t *reluctant,
	struct rg_error *err);
/* Release and zero; safe on a zeroed struct. */
void rg_cut_deinit(struct rg_cut *cut);

#endif
