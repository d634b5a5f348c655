/* dict and OrderedDict: Objects/dictobject.c, Objects/odictobject.c. */
#include "heapdump/cpython/readers.h"

#define ODICT_FAST_SIZE 72 /* PyODictObject: the size of its node table */
#define ODICT_FIRST 48
#define ODICT_NODE_SIZE 32
enum { NODE_KEY = 0, NODE_NEXT = 16 };

/*
 * A key table of str keys owns its keys without showing them to the collector; one of other keys
 * shows them; a split table's keys belong to the type that shares them.
 */
void rg_traverse_dict(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	struct rg_entries entries;
	uint64_t key, value;

	(void)type;
	walk->items = rg_image_u64(walk->image, address + RG_DICT_USED);
	if (!rg_entries_of_dict(&entries, walk->image, address) ||
		!rg_walk_spend(walk, entries.count))
		return;
	while (rg_entries_next(&entries, &key, &value)) {
		if (!entries.values)
			rg_walk_refer(
				walk, RG_KIND_DICTKEY, key, RG_LABEL_OBJECT, key, entries.text);
		rg_walk_refer(walk, RG_KIND_KEY, value, RG_LABEL_OBJECT, key, false);
	}
}

/* dict.__sizeof__: shared keys are nobody's. */
uint64_t rg_size_dict(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	struct rg_entries entries;

	if (!rg_entries_of_dict(&entries, walk->image, address))
		return (uint64_t)type->basicsize;
	if (entries.values)
		return (uint64_t)type->basicsize + entries.room * 8;
	/* the empty table is static and shared */
	if (rg_image_u64(walk->image, address + RG_DICT_USED) == 0 && entries.capacity < 5)
		return (uint64_t)type->basicsize;
	return (uint64_t)type->basicsize + entries.bytes;
}

/* The nodes of an OrderedDict own their keys a second time, in order. */
void rg_traverse_odict(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t node = rg_image_u64(walk->image, address + ODICT_FIRST);
	uint64_t count = rg_image_u64(walk->image, address + RG_DICT_USED);

	(void)type;
	for (uint64_t i = 0; node && i < count && rg_walk_spend(walk, 1); i++) {
		rg_walk_refer(walk, RG_KIND_DICTKEY, rg_image_u64(walk->image, node + NODE_KEY),
			RG_LABEL_NONE, 0, false);
		node = rg_image_u64(walk->image, node + NODE_NEXT);
	}
}

uint64_t rg_size_odict(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t size = rg_size_dict(walk, address, type);

	size += 8 * rg_image_u64(walk->image, address + ODICT_FAST_SIZE);
	return size + ODICT_NODE_SIZE * rg_image_u64(walk->image, address + RG_DICT_USED);
}
