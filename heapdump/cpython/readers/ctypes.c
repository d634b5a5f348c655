/*
 * ctypes: what a type of C data says of its layout, in a dict of its own (StgDict, to 3.12) or in
 * the type object, behind what all types have (StgInfo). Modules/_ctypes/ctypes.h, stgdict.c,
 * stginfo.c of CPython.
 */
#include "heapdump/cpython/readers.h"

#include <string.h>

#define FORMAT_LIMIT 4096 /* bytes of a format that are measured */
#define COUNT_LIMIT (1u << 20)

/* Where a description has what its size depends on. */
struct parts {
	int length, elements, format, dimensions;
};

/* What it has allocated: its format, its dimensions and libffi's description of its fields. */
static uint64_t size_of_parts(struct rg_walk *walk, uint64_t info, const struct parts *parts)
{
	char format[FORMAT_LIMIT];
	uint64_t size =
		8 * (rg_image_u32(walk->image, info + (unsigned)parts->dimensions) % COUNT_LIMIT);

	if (rg_image_string(
		    walk->image, rg_walk_field(walk, info, parts->format), format, sizeof(format)))
		size += strlen(format) + 1;
	if (rg_walk_field(walk, info, parts->elements))
		size += 8 * (rg_walk_field(walk, info, parts->length) % COUNT_LIMIT + 1);
	return size;
}

uint64_t rg_size_stgdict(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	static const struct parts parts = { 64, 88, 168, 176 };

	return rg_size_dict(walk, address, type) + (uint64_t)type->basicsize - RG_DICT_SIZE +
	       size_of_parts(walk, address, &parts);
}

/* The StgInfo of a type, or 0 where it has none; type data is aligned like malloc()'s. */
static uint64_t info_of(struct rg_walk *walk, uint64_t address)
{
	uint64_t info = address + (((unsigned)walk->layout->heaptype_size + 15) & ~15u);

	return walk->layout->stginfo_format >= 0 && rg_image_u32(walk->image, info) == 1 ? info : 0;
}

/* CType_Type.__sizeof__: its metatype's size, not that of its keys. */
uint64_t rg_size_ctypes_type(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	const struct rg_layout *layout = walk->layout;
	const struct parts parts = { 24, 48, layout->stginfo_format, layout->stginfo_dimensions };
	uint64_t info = info_of(walk, address);
	int64_t items = (int64_t)rg_image_u64(walk->image, address + RG_OB_SIZE);
	uint64_t size = (uint64_t)type->basicsize;

	if (items > 0 && items < COUNT_LIMIT)
		size += (uint64_t)(items * type->itemsize);
	return info ? size + size_of_parts(walk, info, &parts) : size;
}
