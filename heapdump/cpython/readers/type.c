/* Types: Objects/typeobject.c. The collector sees heap types only; static ones own the same. */
#include "heapdump/cpython/readers.h"

/* Fields of every type, at the same place in every version. */
static const struct {
	uint32_t offset;
	enum rg_kind kind;
	bool heap_only;
	const char *label;
} type_fields[] = {
	{ 256, RG_KIND_BASE, true, "__base__" },
	{ 336, RG_KIND_BASE, false, "__bases__" },
	{ 344, RG_KIND_MRO, false, "__mro__" },
	{ 352, RG_KIND_OTHER, false, "tp_cache" },
};

/* What a class adds. */
static void read_heap_fields(struct rg_walk *walk, uint64_t address)
{
	const struct rg_layout *layout = walk->layout;
	const struct {
		int offset;
		enum rg_kind kind;
		bool untraversed;
		const char *label;
	} fields[] = {
		{ layout->heaptype_name, RG_KIND_OTHER, true, "__name__" },
		{ layout->heaptype_slots, RG_KIND_OTHER, true, "__slots__" },
		{ layout->heaptype_qualname, RG_KIND_OTHER, true, "__qualname__" },
		{ layout->heaptype_module, RG_KIND_OWNER, false, "__module__" },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		rg_walk_refer_as(walk, fields[i].kind,
			rg_walk_field(walk, address, fields[i].offset), fields[i].label,
			fields[i].untraversed);
}

/* Keys that the instances share are the type's. */
static void read_cached_keys(struct rg_walk *walk, uint64_t keys)
{
	struct rg_entries entries;

	if (!keys || !rg_entries_open(&entries, walk->image, walk->layout, keys, 0))
		return;
	for (uint64_t i = 0; i < entries.count; i++) {
		uint64_t key;

		__builtin_memcpy(&key, entries.table + i * entries.stride + entries.key, 8);
		rg_walk_refer_as(walk, RG_KIND_OTHER, key, "shared key", true);
	}
}

void rg_traverse_type(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	bool heap = rg_image_u64(walk->image, address + RG_TP_FLAGS) & RG_TPFLAG_HEAP;

	(void)type;
	for (size_t i = 0; i < sizeof(type_fields) / sizeof(type_fields[0]); i++)
		if (heap || !type_fields[i].heap_only)
			rg_walk_refer_as(walk, type_fields[i].kind,
				rg_image_u64(walk->image, address + type_fields[i].offset),
				type_fields[i].label, false);
	rg_walk_refer_as(walk, RG_KIND_OTHER,
		rg_type_owned(
			walk, address, RG_TP_SUBCLASSES, walk->layout->static_type_subclasses),
		"__subclasses__", true);
	if (!heap)
		return;
	read_heap_fields(walk, address);
	read_cached_keys(walk, rg_walk_field(walk, address, walk->layout->heaptype_cached_keys));
}

uint64_t rg_size_type(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	struct rg_entries entries;
	uint64_t keys;

	(void)type;
	if (!(rg_image_u64(walk->image, address + RG_TP_FLAGS) & RG_TPFLAG_HEAP))
		return (uint64_t)walk->layout->statictype_size;
	keys = rg_image_u64(walk->image, address + (unsigned)walk->layout->heaptype_cached_keys);
	if (!keys || !rg_entries_open(&entries, walk->image, walk->layout, keys, 0))
		return (uint64_t)walk->layout->heaptype_size;
	return (uint64_t)walk->layout->heaptype_size + entries.bytes;
}
