/* set and frozenset: Objects/setobject.c. */
#include "heapdump/cpython/readers.h"

enum { SET_USED = 24, SET_MASK = 32, SET_TABLE = 40, SET_SMALL = 8, SET_ENTRY = 16 };

void rg_traverse_set(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t mask = rg_image_u64(walk->image, address + SET_MASK);
	uint64_t table = rg_image_u64(walk->image, address + SET_TABLE), left;

	(void)type;
	walk->items = left = rg_image_u64(walk->image, address + SET_USED);
	if (table & 7)
		return;
	for (uint64_t i = 0; i <= mask && left > 0 && rg_walk_spend(walk, 1); i++) {
		const uint64_t *entry = rg_image_at(walk->image, table + SET_ENTRY * i, SET_ENTRY);

		if (!entry)
			return;
		/* hash -1 marks the place of one that was removed */
		if (entry[0] && entry[1] != UINT64_MAX) {
			rg_walk_refer(walk, RG_KIND_ELEMENT, entry[0], RG_LABEL_NONE, 0, false);
			left--;
		}
	}
}

uint64_t rg_size_set(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t mask = rg_image_u64(walk->image, address + SET_MASK);

	if (mask < SET_SMALL || mask > 1ull << 40)
		return (uint64_t)type->basicsize;
	return (uint64_t)type->basicsize + (mask + 1) * SET_ENTRY;
}
