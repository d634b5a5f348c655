/*
 * Objects in groups: by type, module, generation, size, where they were allocated, whose __dict__
 * they are, who refers to them and by what. As guppy's byclodo, byrcs, byvia and byprod.
 */
#ifndef RG_ANALYSIS_GROUPS_H
#define RG_ANALYSIS_GROUPS_H

#include "heapdump/base/arena.h"
#include "src/graph/bitset.h"
#include "src/graph/graph.h"
#include "src/heap/heap.h"

/* What to group by: id, name, what a group says of itself. */
#define RG_GROUPINGS(G)                                                                            \
	G(TYPE, "type", "its name, with the module")                                               \
	G(MODULE, "module", "the module of their type")                                            \
	G(GENERATION, "generation", "of the collector")                                            \
	G(SIZE, "size", "a class of sizes: up to so many bytes each")                              \
	G(OWNER, "owner", "their type; of a dict, whose __dict__ it is")                           \
	G(REFERRERS, "referrers", "the types of all that refer to them")                           \
	G(VIA, "via", "by what they are referred to: attributes, items, locals")                   \
	G(SITE, "site", "the line that allocated them, if the program traced that")                \
	G(TRACEBACK, "traceback", "the calls that led to that line, the innermost first")

enum rg_grouping {
#define G(id, name, summary) RG_GROUP_##id,
	RG_GROUPINGS(G)
#undef G
		RG_GROUPING_COUNT
};

struct rg_grouping_info {
	const char *name, *summary;
};
extern const struct rg_grouping_info rg_groupings[RG_GROUPING_COUNT];

struct rg_group {
	uint32_t first; /* its member with the lowest number: what is said of it holds for all */
	uint64_t count, size;
};

struct rg_groups {
	const struct rg_heap *heap;
	struct rg_group *rows; /* most bytes first */
	size_t n, capacity;
	uint64_t size; /* of all */
	bool folded; /* helpers count with their owners */
	struct rg_graph forward, reverse; /* where the grouping asks who refers */
	uint32_t *owner; /* whose __dict__ each is, or itself */
};

/*
 * Group the members of WITHIN (NULL: all) by all groupings of the mask BY (1 << enum rg_grouping),
 * folded unless RAW. O(objects + references + groups log groups). Freed with rg_groups_deinit.
 */
enum rg_code rg_groups_init(struct rg_groups *groups, const struct rg_heap *heap, unsigned by,
	const struct rg_bitset *within, bool raw, struct rg_error *err);
void rg_groups_deinit(struct rg_groups *groups);

/* What GROUPING says of the group that the object ID is in; NULL where it says nothing. */
const char *rg_groups_label(const struct rg_groups *groups, enum rg_grouping grouping, uint32_t id,
	struct rg_arena *arena);

#endif
