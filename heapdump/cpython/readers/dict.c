/* dict and OrderedDict: Objects/dictobject.c, Objects/odictobject.c. */
#include "heapdump/cpython/readers.h"

#define ODICT_FAST_SIZE 72 /* PyODictObject: the size of its node table */
#define ODICT_FIRST 48
#define ODICT_NODE_SIZE 32
enum { NODE_KEY = 0, NODE_NEXT = 16 };

/* True when the collector does not see the keys: they are all str. */
static bool are_keys_hidden(struct rg_walk *walk, const struct rg_entries *entries)
{
	return walk->layout->keys_lookup >= 0 ? entries->lookup != walk->any_lookup : entries->text;
}

/*
 * A key table of str keys owns its keys without showing them to the collector; one of other keys
 * shows them; a split table's keys belong to the type that shares them. The table of interned
 * strings borrows what it refers to.
 */
void rg_traverse_dict(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	struct rg_entries entries;
	uint64_t key, value;
	bool borrows = rg_map_get(&walk->shared->borrowers, address) != RG_MAP_NONE, hidden;

	(void)type;
	walk->items = rg_image_u64(walk->image, address + RG_DICT_USED);
	if (!rg_entries_of_dict(&entries, walk->image, walk->layout, address) ||
		!rg_walk_spend(walk, entries.count))
		return;
	hidden = are_keys_hidden(walk, &entries);
	if (entries.embedded && !walk->dict_values)
		return;
	while (rg_entries_next(&entries, &key, &value)) {
		if (!entries.values)
			rg_walk_refer(walk, borrows ? RG_KIND_WEAK : RG_KIND_DICTKEY, key,
				RG_LABEL_OBJECT, key, hidden);
		rg_walk_refer(walk, borrows ? RG_KIND_WEAK : RG_KIND_KEY, value, RG_LABEL_OBJECT,
			key, false);
	}
}

/* dict.__sizeof__: keys that are shared are nobody's, but values count even in an instance. */
uint64_t rg_size_dict(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t size = (uint64_t)type->basicsize;
	struct rg_entries entries;

	if (!rg_entries_of_dict(&entries, walk->image, walk->layout, address))
		return size;
	if (entries.values)
		size += 8 * entries.room;
	/* dk_refcnt, the table's first word */
	if (rg_image_u64(walk->image, rg_image_u64(walk->image, address + RG_DICT_KEYS)) == 1)
		size += entries.bytes;
	return size;
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
