/*
 * A picture: a small graph that is ready to be drawn, with every text already chosen. Views make
 * it, emitters draw it; neither knows the other. All texts are UTF-8 by claim only: they come
 * from a heap, and an emitter escapes them.
 */
#ifndef RG_VIEW_PICTURE_H
#define RG_VIEW_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rg_picture_kind {
	RG_PICTURE_ORDINARY,
	RG_PICTURE_CONTAINER, /* it fans out to many */
	RG_PICTURE_ROOT, /* a house */
	RG_PICTURE_AGGREGATE, /* a 3-D box: several alike */
	RG_PICTURE_REST, /* dashed: what was left out */
};

#define RG_PICTURE_NO_CLUSTER UINT32_MAX
#define RG_PICTURE_NO_OBJECT UINT32_MAX

/* Of a node in a picture of what changed. */
enum rg_picture_change { RG_PICTURE_NO_CHANGE, RG_PICTURE_GROWN, RG_PICTURE_FREED };

struct rg_picture_node {
	enum rg_picture_kind kind;
	enum rg_picture_change change;
	bool asked; /* heavy border: what the question was about */
	bool highlighted; /* a star: what the question wants to see marked */
	uint32_t cluster; /* row of its cycle, or RG_PICTURE_NO_CLUSTER */
	const char *title; /* "Session" */
	const char *facts; /* "0x7f2a10 · 1.9 KiB", or "" */
	const char *tooltip; /* whole path and address */
	uint32_t object; /* its number in the heap, or RG_PICTURE_NO_OBJECT */
	uint64_t alike; /* how many objects it stands for; 1 for itself */
};

struct rg_picture_edge {
	uint32_t from, to; /* rows of nodes */
	const char *label; /* as Python writes it: ".request", "['u:81']", or "" */
	const char *tooltip;
	uint32_t reference; /* its row in the heap, or RG_PICTURE_NO_OBJECT */
	uint64_t alike; /* how many references it stands for; 1 for itself */
	bool cut; /* one of the references to break */
	bool cyclic; /* part of a cycle of the picture */
	bool weak; /* dotted: keeps nothing alive */
};

struct rg_picture_cluster {
	const char *caption; /* "cycle 7 · 5 objects · 1.9 KiB · 4,811 more like it" */
	const char *tooltip;
};

struct rg_picture {
	const char *name; /* of the DOT graph: "cycles" */
	const char *title, *subtitle, *legend;
	const char *note; /* part of the subtitle: what is left out altogether, or NULL */
	struct rg_picture_node *nodes;
	struct rg_picture_edge *edges;
	struct rg_picture_cluster *clusters;
	uint32_t n_nodes, n_edges, n_clusters;
	bool sideways; /* a broad tree: it grows to the right, where it would grow down */
};

#endif
