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

/* Which references a graph is made of. */
struct rg_policy {
	unsigned edges; /* classes that are followed */
	bool raw; /* do not fold */
	bool traversed; /* only what the collector's traversal visits */
	bool unlabelled; /* label: NULL; see rg_policy_rows */
	const struct rg_bitset *within; /* only between its members; NULL: all */
	/*
	 * NULL, or: references between the dead follow DEAD_EDGES instead, those between a dead
	 * and a living object are left out.
	 */
	const struct rg_bitset *dead;
	unsigned dead_edges;
};

/*
 * The graph of the references of POLICY. Vertices are object ids; label[e] is the reference's row
 * in the heap. Folded: what a helper refers to hangs on its owner, and the helper stands alone.
 * O(objects + references).
 */
enum rg_code rg_policy_graph(const struct rg_heap *heap, const struct rg_policy *policy,
	struct rg_graph *graph_ret, struct rg_error *err);

/*
 * Which edges of the graph of POLICY are hard to read (clarity.h): a new set of its edges.
 * O(objects + references).
 */
enum rg_code rg_policy_hard(const struct rg_heap *heap, const struct rg_policy *policy,
	struct rg_bitset *hard_ret, struct rg_error *err);

/*
 * For a graph without labels, made by POLICY: EDGE[v], an edge that leads to v, becomes its row in
 * the heap; RG_NO_EDGE stays. O(objects + references), and a bit an object of work.
 */
enum rg_code rg_policy_rows(const struct rg_heap *heap, const struct rg_policy *policy,
	uint32_t *edge, struct rg_error *err);

/* "data", "strong", "all". */
const char *rg_policy_name(unsigned edges);

#endif
