/* Types: Objects/typeobject.c. The collector sees heap types only; static ones own the same. */
#include "heapdump/cpython/readers.h"

struct type_field {
	uint32_t offset;
	enum rg_kind kind;
	bool untraversed, heap_only;
	const char *label;
};

static const struct type_field type_fields[] = {
	{ 256, RG_KIND_BASE, false, true, "__base__" },
	{ 336, RG_KIND_BASE, false, false, "__bases__" },
	{ 344, RG_KIND_MRO, false, false, "__mro__" },
	{ 352, RG_KIND_OTHER, false, false, "tp_cache" },
	{ 360, RG_KIND_OTHER, true, false, "__subclasses__" },
	{ 848, RG_KIND_OTHER, true, true, "__name__" },
	{ 856, RG_KIND_OTHER, true, true, "__slots__" },
	{ 864, RG_KIND_OTHER, true, true, "__qualname__" },
	{ 880, RG_KIND_OWNER, false, true, "__module__" },
};

/* Keys that the instances share are the type's. */
static void read_cached_keys(struct rg_walk *walk, uint64_t keys)
{
	struct rg_entries entries;

	if (!keys || !rg_entries_open(&entries, walk->image, keys, 0))
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
	for (size_t i = 0; i < sizeof(type_fields) / sizeof(type_fields[0]); i++) {
		const struct type_field *field = &type_fields[i];

		if (heap || !field->heap_only)
			rg_walk_refer_as(walk, field->kind,
				rg_image_u64(walk->image, address + field->offset), field->label,
				field->untraversed);
	}
	if (heap)
		read_cached_keys(
			walk, rg_image_u64(walk->image,
				      address + (unsigned)walk->layout->heaptype_cached_keys));
}

uint64_t rg_size_type(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	struct rg_entries entries;
	uint64_t keys;

	(void)type;
	if (!(rg_image_u64(walk->image, address + RG_TP_FLAGS) & RG_TPFLAG_HEAP))
		return (uint64_t)walk->layout->statictype_size;
	keys = rg_image_u64(walk->image, address + (unsigned)walk->layout->heaptype_cached_keys);
	if (!keys || !rg_entries_open(&entries, walk->image, keys, 0))
		return (uint64_t)walk->layout->heaptype_size;
	return (uint64_t)walk->layout->heaptype_size + entries.bytes;
}
