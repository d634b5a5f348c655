/*
 * Attributes of any object: its __dict__ where there is one, and the values that an instance of
 * a Python class keeps until somebody asks for its __dict__ (enum rg_instance_values).
 * Objects/dictobject.c, Objects/typeobject.c, Objects/object_layout.md of CPython.
 */
#include "heapdump/cpython/readers.h"
#include "heapdump/cpython/text.h"

/* Words before the object that its type manages: the dict, and in 3.11 the values. */
enum { MANAGED_VALUES = 32, MANAGED_DICT = 24 };

/* The address of the __dict__ of an object, or 0; negative dictoffsets count from the end. */
static uint64_t dict_of(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	int64_t offset = type->dictoffset, items;

	if (type->tp_flags & RG_TPFLAG_MANAGED_DICT) {
		uint64_t word = rg_image_u64(walk->image, address - MANAGED_DICT);

		return walk->layout->instance_values == RG_VALUES_TAGGED && word & 1 ? 0 : word;
	}
	if (type->tp_flags & RG_TPFLAG_TYPE)
		return rg_type_dict(walk, address);
	if (offset >= 0)
		return offset ? rg_image_u64(walk->image, address + (uint64_t)offset) : 0;
	items = (int64_t)rg_image_u64(walk->image, address + RG_OB_SIZE);
	if (items < 0)
		items = -items;
	if (items > 1ll << 40)
		return 0;
	offset += (type->basicsize + items * type->itemsize + 7) & ~7ll;
	return offset > 0 ? rg_image_u64(walk->image, address + (uint64_t)offset) : 0;
}

/* The address of the values that OBJECT keeps itself, or 0. */
static uint64_t values_of(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t word;

	if (!(type->tp_flags & RG_TPFLAG_MANAGED_DICT))
		return 0;
	switch ((enum rg_instance_values)layout->instance_values) {
	case RG_VALUES_BEFORE:
		return rg_image_u64(walk->image, address - MANAGED_VALUES);
	case RG_VALUES_TAGGED:
		word = rg_image_u64(walk->image, address - MANAGED_DICT);
		return word & 1 ? word + 1 : 0;
	case RG_VALUES_INLINE:
		word = address + (uint64_t)type->basicsize;
		return type->tp_flags & RG_TPFLAG_INLINE_VALUES &&
				       rg_image_u8(walk->image,
					       word + (unsigned)layout->values_valid) == 1
			       ? word
			       : 0;
	case RG_VALUES_NONE:
		break;
	}
	return 0;
}

static bool open_values(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type,
	struct rg_entries *entries_ret)
{
	uint64_t values = type->cached_keys ? values_of(walk, address, type) : 0;

	return values &&
	       rg_entries_open(entries_ret, walk->image, walk->layout, type->cached_keys, values);
}

void rg_traverse_attributes(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t dict = dict_of(walk, address, type), key, value;
	struct rg_entries entries;
	bool both = open_values(walk, address, type, &entries);

	/* of the dict and the values, one shows the collector what they share */
	rg_walk_refer_as(walk, RG_KIND_DICT, dict, "__dict__",
		both && dict && entries.embedded && !walk->dict_values);
	if (!both || (dict && entries.embedded && walk->dict_values))
		return;
	while (rg_entries_next(&entries, &key, &value))
		rg_walk_refer(
			walk, RG_KIND_ATTR, value, RG_LABEL_STRING, rg_walk_name(walk, key), false);
}

/* What instances of TYPE have behind their body, as large as the type's keys say. */
static uint64_t inline_size(struct rg_walk *walk, const struct rg_pytype *type)
{
	struct rg_entries keys;

	if (!(type->tp_flags & RG_TPFLAG_INLINE_VALUES) || !type->cached_keys ||
		!rg_entries_open(&keys, walk->image, walk->layout, type->cached_keys, 0))
		return 0;
	return ((keys.room + 7) & ~7ull) + 8 * (keys.room + 1);
}

/* Storage of the values, which sys.getsizeof() does not count. */
uint64_t rg_instance_extra(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	struct rg_entries entries;

	if (walk->layout->instance_values == RG_VALUES_INLINE)
		return inline_size(walk, type);
	/* one value for each key there is room for, and a prefix of their order */
	return open_values(walk, address, type, &entries)
		       ? (8 * entries.room + entries.room + 2 + 7) & ~7ull
		       : 0;
}

uint64_t rg_instance_attribute(struct rg_walk *walk, uint64_t address, const char *name)
{
	const struct rg_pytype *type = rg_types_get(
		walk, rg_image_u64(walk->image, address + RG_OB_TYPE));
	struct rg_entries entries;
	uint64_t key, value;

	if (!type)
		return 0;
	if (open_values(walk, address, type, &entries))
		while (rg_entries_next(&entries, &key, &value))
			if (rg_text_equals(walk->image, walk->layout, key, name))
				return value;
	return rg_entries_lookup(walk->image, walk->layout, dict_of(walk, address, type), name);
}
