/*
 * C containers of the standard library whose references lie behind a C pointer:
 * Modules/_functoolsmodule.c, _elementtree.c, itertoolsmodule.c, _struct.c, _io/bytesio.c,
 * Python/hamt.c, and the state of extension modules.
 */
#include "heapdump/cpython/readers.h"

#include <string.h>

/* --- functools.lru_cache: a ring of links, each owned by the cache's dict and the ring ---- */

enum { LRU_ROOT = 16, LINK_NEXT = 24, LINK_KEY = 40, LINK_RESULT = 48 };

/* A link's type, where types are objects of their module (from 3.10 on). */
static void read_link_type(struct rg_walk *walk, uint64_t type)
{
	if (rg_image_u64(walk->image, type + RG_TP_FLAGS) & RG_TPFLAG_HEAP)
		rg_walk_refer(walk, RG_KIND_TYPE, type, RG_LABEL_NONE, 0, false);
}

void rg_traverse_lru_cache(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t root = address + LRU_ROOT - 16, link;

	(void)type;
	/* the ring's head is embedded: it is laid out like a link, from its own object header on */
	link = rg_image_u64(walk->image, root + LINK_NEXT);
	for (int i = 0; link && link != root && i < 10000000; i++) {
		/* the collector takes what a link refers to for the cache's own */
		rg_walk_refer_as(walk, RG_KIND_DICTKEY, rg_image_u64(walk->image, link + LINK_KEY),
			"key", false);
		rg_walk_refer_as(walk, RG_KIND_OTHER, rg_image_u64(walk->image, link + LINK_RESULT),
			"result", false);
		rg_walk_refer_as(walk, RG_KIND_OTHER, link, "link", true);
		read_link_type(walk, rg_image_u64(walk->image, link + RG_OB_TYPE));
		link = rg_image_u64(walk->image, link + LINK_NEXT);
	}
}

/* --- xml.etree.ElementTree.Element -------------------------------------------------------- */

enum { ELEMENT_TEXT = 24, ELEMENT_TAIL = 32, ELEMENT_EXTRA = 40 };
enum {
	EXTRA_ATTRIB = 0,
	EXTRA_LENGTH = 8,
	EXTRA_ALLOCATED = 16,
	EXTRA_CHILDREN = 24,
	EXTRA_STATIC = 32,
	EXTRA_SIZE = 64
};

void rg_traverse_element(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t extra = rg_image_u64(walk->image, address + ELEMENT_EXTRA), children, count;

	(void)type;
	/* the low bit marks a list that is still to be joined */
	rg_walk_refer_as(walk, RG_KIND_SLOT,
		rg_image_u64(walk->image, address + ELEMENT_TEXT) & ~1ull, "text", false);
	rg_walk_refer_as(walk, RG_KIND_SLOT,
		rg_image_u64(walk->image, address + ELEMENT_TAIL) & ~1ull, "tail", false);
	if (!extra)
		return;
	rg_walk_refer_as(walk, RG_KIND_SLOT, rg_image_u64(walk->image, extra + EXTRA_ATTRIB),
		"attrib", false);
	walk->items = count = rg_image_u64(walk->image, extra + EXTRA_LENGTH);
	children = rg_image_u64(walk->image, extra + EXTRA_CHILDREN);
	for (uint64_t i = 0; i < count && rg_image_at(walk->image, children + 8 * i, 8); i++)
		rg_walk_refer(walk, RG_KIND_ITEM, rg_image_u64(walk->image, children + 8 * i),
			RG_LABEL_NEXT, i, false);
}

uint64_t rg_size_element(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t extra = rg_image_u64(walk->image, address + ELEMENT_EXTRA);
	uint64_t size = (uint64_t)type->basicsize;

	if (!extra)
		return size;
	size += EXTRA_SIZE;
	if (rg_image_u64(walk->image, extra + EXTRA_CHILDREN) != extra + EXTRA_STATIC)
		size += 8 * (rg_image_u64(walk->image, extra + EXTRA_ALLOCATED) % (1ull << 40));
	return size;
}

/* --- datetime and time: the tzinfo is there only if a flag says so ------------------------ */

enum { HAS_TZINFO = 24, TIME_TZINFO = 32, DATETIME_TZINFO = 40 };

void rg_traverse_datetime(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t at = rg_type_is(walk, type, "datetime.time") ? TIME_TZINFO : DATETIME_TZINFO;

	/* neither type takes part in collection: a cycle through it is never found */
	if (rg_image_u8(walk->image, address + HAS_TZINFO))
		rg_walk_refer_as(walk, RG_KIND_SLOT, rg_image_u64(walk->image, address + at),
			"tzinfo", true);
}

/* --- itertools.tee: blocks of 57 values --------------------------------------------------- */

enum { TEE_ITERATOR = 16, TEE_COUNT = 24, TEE_NEXT = 32, TEE_VALUES = 40, TEE_BLOCK = 57 };

void rg_traverse_tee_data(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint32_t count = rg_image_u32(walk->image, address + TEE_COUNT);

	(void)type;
	rg_walk_refer_as(walk, RG_KIND_SELF, rg_image_u64(walk->image, address + TEE_ITERATOR),
		"iterator", false);
	for (uint32_t i = 0; i < count && i < TEE_BLOCK; i++)
		rg_walk_refer(walk, RG_KIND_ITEM,
			rg_image_u64(walk->image, address + TEE_VALUES + 8ull * i), RG_LABEL_NEXT,
			i, false);
	rg_walk_refer_as(
		walk, RG_KIND_OTHER, rg_image_u64(walk->image, address + TEE_NEXT), "next", false);
}

/* --- contextvars: the nodes of a hash array mapped trie ----------------------------------- */

enum { ARRAY_NODES = 16, ARRAY_SIZE = 32, COLLISION_ITEMS = 32 };

/* Pairs of key and value; a null key means that the value is a node below. */
static void read_pairs(struct rg_walk *walk, uint64_t address, uint64_t count)
{
	for (uint64_t i = 0; i + 1 < count && i < 1u << 20; i += 2) {
		uint64_t key = rg_image_u64(walk->image, address + 8 * i);

		if (!rg_image_at(walk->image, address + 8 * i, 16))
			return;
		rg_walk_refer(walk, RG_KIND_DICTKEY, key, RG_LABEL_NONE, 0, false);
		rg_walk_refer(walk, RG_KIND_KEY, rg_image_u64(walk->image, address + 8 * i + 8),
			key ? RG_LABEL_OBJECT : RG_LABEL_NONE, key, false);
	}
}

void rg_traverse_hamt_bitmap(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	read_pairs(walk, address + (uint64_t)type->basicsize,
		rg_image_u64(walk->image, address + RG_OB_SIZE));
}

void rg_traverse_hamt_array(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	(void)type;
	for (uint64_t i = 0; i < ARRAY_SIZE; i++)
		rg_walk_refer(walk, RG_KIND_ITEM,
			rg_image_u64(walk->image, address + ARRAY_NODES + 8 * i), RG_LABEL_NEXT, i,
			false);
}

void rg_traverse_hamt_collision(
	struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	(void)type;
	read_pairs(
		walk, address + COLLISION_ITEMS, rg_image_u64(walk->image, address + RG_OB_SIZE));
}

/* --- modules: C state --------------------------------------------------------------------- */

#define DEF_SIZE 56 /* PyModuleDef.m_size */

/* What a C module keeps in its state is not described anywhere: scan it for guesses. */
void rg_traverse_module_state(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t definition = rg_walk_field(walk, address, layout->module_def);
	uint64_t state = rg_walk_field(walk, address, layout->module_state);
	uint64_t size = layout->module_def < 0
				? rg_walk_field(walk, address, layout->module_state_size)
			: definition ? rg_image_u64(walk->image, definition + DEF_SIZE)
				     : 0;

	(void)type;
	if (!state || size > 1 << 20)
		return;
	for (uint64_t at = 0; at + 8 <= size; at += 8)
		rg_walk_guess(walk, rg_image_u64(walk->image, state + at));
}

/* --- sizes -------------------------------------------------------------------------------- */

enum { STRUCT_CODES = 32, CODE_SIZE = 32, BYTESIO_BUFFER = 16, BUFFER_SIZE = 120 };

/* struct.Struct: its compiled format ends with a code of size 0. */
uint64_t rg_size_struct(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t code = rg_image_u64(walk->image, address + STRUCT_CODES), count = 1;

	while (code && count < 10000 && rg_image_u64(walk->image, code)) {
		count++;
		code += CODE_SIZE;
	}
	return (uint64_t)type->basicsize + count * CODE_SIZE;
}

/* A buffered file counts its buffer. */
uint64_t rg_size_buffered(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	return (uint64_t)type->basicsize +
	       rg_image_u64(walk->image, address + BUFFER_SIZE) % (1ull << 48);
}

/* io.BytesIO counts its buffer unless somebody else holds it too. */
uint64_t rg_size_memory_io(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t buffer = rg_image_u64(walk->image, address + BYTESIO_BUFFER);

	if (!buffer || rg_image_u64(walk->image, buffer) > 1)
		return (uint64_t)type->basicsize;
	return (uint64_t)type->basicsize + RG_BYTES_HEADER +
	       rg_image_u64(walk->image, buffer + RG_OB_SIZE) % (1ull << 48);
}

/* --- itertools: indices into a pool of values --------------------------------------------- */

enum { POOL = 16, COMBINATION_LENGTH = 40, PERMUTATION_LENGTH = 48 };

static uint64_t count_at(struct rg_walk *walk, uint64_t address)
{
	return rg_image_u64(walk->image, address) % (1ull << 32);
}

uint64_t rg_size_combinations(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	return (uint64_t)type->basicsize + 8 * count_at(walk, address + COMBINATION_LENGTH);
}

/* An index for each value of the pool, and a countdown for each place. */
uint64_t rg_size_permutations(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t pool = rg_image_u64(walk->image, address + POOL);

	return (uint64_t)type->basicsize + 8 * count_at(walk, pool + RG_OB_SIZE) +
	       8 * count_at(walk, address + PERMUTATION_LENGTH);
}

uint64_t rg_size_product(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t pools = rg_image_u64(walk->image, address + POOL);

	return (uint64_t)type->basicsize + 8 * count_at(walk, pools + RG_OB_SIZE);
}
