#include "heapdump/snapshot/format.h"

const char *const rg_generation_names[RG_GEN_COUNT] = { "0", "1", "2", "permanent", "untracked" };

const struct rg_kind_info rg_kind_table[RG_KIND_COUNT] = {
#define K(number, id, name, class) { name, RG_CLASS_##class },
	RG_KINDS(K)
#undef K
};

const char *const rg_root_names[RG_ROOT_KIND_COUNT] = {
#define R(number, id, name) name,
	RG_ROOTS(R)
#undef R
};

static const char *const block_names[RG_BLOCK_TYPE_COUNT] = {
	[0] = "unknown",
	[RG_BLOCK_STRINGS] = "strings",
	[RG_BLOCK_TYPES] = "types",
	[RG_BLOCK_OBJECTS] = "objects",
	[RG_BLOCK_REFERENCES] = "references",
	[RG_BLOCK_VALUES] = "values",
	[RG_BLOCK_ROOTS] = "roots",
	[RG_BLOCK_THREADS] = "threads",
	[RG_BLOCK_FRAMES] = "frames",
	[RG_BLOCK_FACTS] = "facts",
	[RG_BLOCK_END] = "end",
	[RG_BLOCK_SITES] = "sites",
	[RG_BLOCK_ALLOCATIONS] = "allocations",
};

const char *rg_block_name(uint32_t type)
{
	return block_names[type < RG_BLOCK_TYPE_COUNT ? type : 0];
}
