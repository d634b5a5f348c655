/*
 * The edge policy: which kinds of references an answer followed. Every answer that depends on it
 * names it.
 */
#ifndef RG_HEAP_POLICY_H
#define RG_HEAP_POLICY_H

#include "src/graph/graph.h"
#include "src/graph/bitset.h"
#include "src/heap/heap.h"

/* Classes of kinds as a mask: 1 << enum rg_kind_class. */
#define RG_EDGES_DATA (1u << RG_CLASS_DATA)
#define RG_EDGES_STRONG (RG_EDGES_DATA | 1u << RG_CLASS_TYPE | 1u << RG_CLASS_CODE)
#define RG_EDGES_ALL (RG_EDGES_STRONG | 1u << RG_CLASS_GUESS)

static inline bool rg_policy_follows(unsigned edges, uint8_t edge)
{
	return edges >> rg_kind_table[RG_EDGE_KIND(edge)].class & 1;
}

/*
 * The graph of the references of the classes EDGES. Vertices are object ids; label[e] is the
 * reference's row in the heap. Folded unless RAW: what a helper refers to hangs on its owner, and
 * the helper stands alone. WITHIN (may be NULL) leaves only references between its members.
 */
enum rg_code rg_policy_graph(const struct rg_heap *heap, unsigned edges, bool raw,
	const struct rg_bitset *within, struct rg_graph *graph_ret, struct rg_error *err);

/* The source of a reference in the folded view: who owns the row. O(log n). */
uint32_t rg_policy_source(const struct rg_heap *heap, uint32_t reference);

#endif
