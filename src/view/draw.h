/*
 * Building a picture: nodes for objects and roots with the facts a person wants, edges with
 * labels, a budget of nodes that is never passed.
 */
#ifndef RG_VIEW_DRAW_H
#define RG_VIEW_DRAW_H

#include "heapdump/base/arena.h"
#include "heapdump/base/map.h"
#include "src/analysis/paths.h"
#include "src/graph/bitset.h"
#include "src/heap/heap.h"
#include "src/view/picture.h"

#define RG_DRAW_NODES 60 /* by default */
#define RG_DRAW_MOST 500 /* at most */

struct rg_draw {
	const struct rg_heap *heap;
	bool raw, stable;
	struct rg_arena *arena;
	struct rg_picture picture;
	size_t nodes_capacity, edges_capacity, clusters_capacity;
	struct rg_map rows; /* object + 1 -> its node */
	uint32_t budget; /* nodes that may still be added */
	bool failed; /* out of memory */
	const char *extra; /* more facts of each node: names of rg_extra_fields, or NULL */
	const char *note; /* more to say below the title, or NULL */
	const char *heavy; /* what a heavy border means, or NULL: the object asked about */
	const struct rg_bitset *highlighted; /* nodes to mark, or NULL */
	/* for the legend */
	bool has_root, has_aggregate, has_cut, has_rest, has_highlight, has_weak, has_cyclic,
		has_grown, has_freed;
};

void rg_draw_init(struct rg_draw *draw, const struct rg_heap *heap, bool raw, bool stable,
	uint64_t nodes, struct rg_arena *arena);
void rg_draw_deinit(struct rg_draw *draw);

/* The node of an object, made when there is none yet; RG_NO_ID when the budget is used up. */
uint32_t rg_draw_object(struct rg_draw *draw, uint32_t id, uint32_t cluster);

/* The node of an object if it is drawn, else RG_NO_ID. */
uint32_t rg_draw_find(const struct rg_draw *draw, uint32_t id);

/* A node that is no object. */
uint32_t rg_draw_node(struct rg_draw *draw, enum rg_picture_kind kind, uint32_t cluster,
	const char *title, const char *facts);

/* The house of a root that holds ID: the object itself for a module; RG_NO_ID without room. */
uint32_t rg_draw_root(struct rg_draw *draw, const struct rg_heap_root *root, uint32_t id);

/* What the reference from the house of ROOT to its object is called. */
const char *rg_draw_root_label(struct rg_draw *draw, const struct rg_heap_root *root);

/* The label of a row of references as pictures have it: "request", "['u:81']". */
const char *rg_draw_label(struct rg_draw *draw, uint32_t reference);

/* A dashed node behind FROM that stands for SKIPPED objects of a chain. */
uint32_t rg_draw_gap(struct rg_draw *draw, uint32_t from, uint32_t skipped);

/* An edge; the returned one may be adjusted until the next call. NULL when out of memory. */
struct rg_picture_edge *rg_draw_edge(
	struct rg_draw *draw, uint32_t from, uint32_t to, const char *label, uint64_t alike);

uint32_t rg_draw_cluster(struct rg_draw *draw, const char *caption);

/*
 * The chain from its root down to ID, long middles folded; the node of its last object but one in
 * *HOLDER_RET (RG_NO_ID where there is none). Without a root a dashed node says "held from C".
 */
enum rg_code rg_draw_chain(struct rg_draw *draw, const struct rg_paths *paths, uint32_t id,
	uint32_t cluster, uint32_t *holder_ret, struct rg_error *err);

/* The path of COUNT STEPS from one object to another, long middles folded. */
void rg_draw_steps(struct rg_draw *draw, const struct rg_path_step *steps, uint32_t count);

/* Mark the references of the picture that close a cycle in it. */
enum rg_code rg_draw_mark_cycles(struct rg_draw *draw, struct rg_error *err);

/* Title, "snapshot · N of M objects shown", and the legend of what was used. */
void rg_draw_finish(struct rg_draw *draw, const char *name, const char *title, bool cycles);

#endif
