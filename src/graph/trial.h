/*
 * Trial deletion, the test of CPython's collector (Modules/gcmodule.c: update_refs, subtract_refs,
 * move_unreachable): a set of candidates of which nothing is held from outside is dead.
 * D. F. Bacon and V. T. Rajan, "Concurrent cycle collection in reference counted systems", 2001.
 */
#ifndef RG_GRAPH_TRIAL_H
#define RG_GRAPH_TRIAL_H

#include <stdint.h>

#include "heapdump/base/error.h"
#include "src/graph/bitset.h"
#include "src/graph/graph.h"

/*
 * Which of the vertices INSIDE (the tracked ones) are dead. GRAPH has just the edges that count:
 * those the collector would visit. An inside vertex whose REFCOUNT[n] is larger than its number of
 * edges from inside vertices is alive, and so is every inside vertex that an alive one reaches
 * through inside vertices. The rest of INSIDE is dead: in *DEAD_RET, which the caller releases
 * with rg_bitset_deinit. *DEFICITS_RET (may be NULL) is the number of inside vertices with more
 * edges from inside than references counted: each is an error of the capture.
 * O(n + m) time; 4n bytes of work and a stack of at most 4 bytes a vertex alive.
 */
enum rg_code rg_trial_run(const struct rg_graph *graph, const uint32_t *refcount,
	const struct rg_bitset *inside, struct rg_bitset *dead_ret, uint32_t *deficits_ret,
	struct rg_error *err);

/*
 * What dies with DEAD by reference counting alone, added to DEAD: a vertex to which at least
 * refcount[v] (and at least one) edges lead from dead vertices, over and over. GRAPH has all edges
 * that own a reference, over all vertices, tracked or not. Vertices in IMMORTAL (may be NULL)
 * never die by this, but those already in DEAD count as dead all the same. O(n + m) time; 4n bytes
 * of work and a stack of at most 4 bytes a vertex dead. When it fails, DEAD holds a part of it.
 */
enum rg_code rg_trial_cascade(const struct rg_graph *graph, const uint32_t *refcount,
	const struct rg_bitset *immortal, struct rg_bitset *dead, struct rg_error *err);

#endif
