/*
 * Attributes of any object: its __dict__ where there is one, and the values that an instance of
 * a Python class keeps in line until somebody asks for its __dict__. Objects/dictobject.c,
 * Objects/typeobject.c of CPython 3.11: two words before the collector's head.
 */
#include "heapdump/cpython/readers.h"
#include "heapdump/cpython/text.h"

/* Offsets of the managed words, before the object. */
enum { MANAGED_VALUES = 32, MANAGED_DICT = 24 };

/* Where the __dict__ pointer of an object is, or 0; negative dictoffsets count from the end. */
static uint64_t dict_slot(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	int64_t offset = type->dictoffset, items;

	if (type->tp_flags & RG_TPFLAG_MANAGED_DICT)
		return address - MANAGED_DICT;
	if (offset >= 0)
		return offset ? address + (uint64_t)offset : 0;
	items = (int64_t)rg_image_u64(walk->image, address + RG_OB_SIZE);
	if (items < 0)
		items = -items;
	if (items > 1ll << 40)
		return 0;
	offset += (type->basicsize + items * type->itemsize + 7) & ~7ll;
	return offset > 0 ? address + (uint64_t)offset : 0;
}

/* Open the values kept in line; false where there are none. */
static bool open_inline(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type,
	struct rg_entries *entries_ret)
{
	uint64_t values;

	if (!(type->tp_flags & RG_TPFLAG_MANAGED_DICT) || !type->cached_keys)
		return false;
	values = rg_image_u64(walk->image, address - MANAGED_VALUES);
	return values && rg_entries_open(entries_ret, walk->image, type->cached_keys, values);
}

void rg_traverse_attributes(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t slot = dict_slot(walk, address, type), key, value;
	struct rg_entries entries;

	if (slot)
		rg_walk_refer_as(
			walk, RG_KIND_DICT, rg_image_u64(walk->image, slot), "__dict__", false);
	if (!open_inline(walk, address, type, &entries))
		return;
	while (rg_entries_next(&entries, &key, &value))
		rg_walk_refer(
			walk, RG_KIND_ATTR, value, RG_LABEL_STRING, rg_walk_name(walk, key), false);
}

/* Storage of the values in line, which sys.getsizeof() does not count. */
uint64_t rg_instance_extra(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	struct rg_entries entries;

	/* one value for each key there is room for, and a prefix of their order */
	return open_inline(walk, address, type, &entries)
		       ? (8 * entries.room + entries.room + 2 + 7) & ~7ull
		       : 0;
}

uint64_t rg_instance_attribute(struct rg_walk *walk, uint64_t address, const char *name)
{
	uint32_t number = rg_types_get(walk, rg_image_u64(walk->image, address + RG_OB_TYPE));
	struct rg_entries entries;
	struct rg_pytype type;
	uint64_t key, value, slot;

	if (number == RG_NO_TYPE)
		return 0;
	type = walk->types.rows[number];
	if (open_inline(walk, address, &type, &entries))
		while (rg_entries_next(&entries, &key, &value))
			if (rg_text_equals(walk->image, walk->layout, key, name))
				return value;
	slot = dict_slot(walk, address, &type);
	return slot ? rg_entries_lookup(
			      walk->image, walk->layout, rg_image_u64(walk->image, slot), name)
		    : 0;
}
