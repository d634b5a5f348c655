/* list, tuple, deque: Objects/listobject.c, Objects/tupleobject.c, Modules/_collectionsmodule.c. */
#include "heapdump/cpython/readers.h"
#include "heapdump/cpython/text.h"

enum { LIST_ITEMS = 24, LIST_ALLOCATED = 32 };
enum { DEQUE_LEFT = 24, DEQUE_LEFT_INDEX = 40 };
#define DEQUE_BLOCK 64 /* items of a block, between its two links */
#define DEQUE_BLOCK_SIZE (8 * (DEQUE_BLOCK + 2))
#define READ_AHEAD 512 /* items that are fetched at once */

/* COUNT pointers at ADDRESS as the items of the current object. */
static void read_items(struct rg_walk *walk, uint64_t address, uint64_t count)
{
	if (address & 7)
		return;
	for (uint64_t i = 0; i < count;) {
		uint64_t n = count - i < READ_AHEAD ? count - i : READ_AHEAD;
		const uint64_t *items = rg_image_at(walk->image, address + 8 * i, 8 * n);

		if (!items || !rg_walk_spend(walk, n))
			return;
		for (uint64_t end = i + n; i < end; i++)
			if (*items++)
				rg_walk_refer(walk, RG_KIND_ITEM, items[-1],
					i == 0 || items[-2] ? RG_LABEL_NEXT : RG_LABEL_INDEX, i,
					false);
	}
}

void rg_traverse_list(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	(void)type;
	walk->items = rg_image_u64(walk->image, address + RG_OB_SIZE);
	read_items(walk, rg_image_u64(walk->image, address + LIST_ITEMS), walk->items);
}

uint64_t rg_size_list(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t allocated = rg_image_u64(walk->image, address + LIST_ALLOCATED);

	return (uint64_t)type->basicsize + (allocated < 1ull << 48 ? allocated * 8 : 0);
}

/* A struct sequence (os.stat_result) has more fields than its length says. */
static uint64_t field_count(struct rg_walk *walk, const struct rg_pytype *type, uint64_t length)
{
	uint64_t dict = rg_type_dict(walk, type->address), fields;
	int64_t n;

	if (type->python || type->n_fields > 0 || __builtin_strcmp(type->name, "tuple") == 0)
		return length;
	fields = rg_entries_lookup(walk->image, walk->layout, dict, "n_fields");
	n = rg_walk_is(walk, fields, "int") ? rg_int_value(walk->image, walk->layout, fields) : 0;
	return n > (int64_t)length && n < 1000 ? (uint64_t)n : length;
}

void rg_traverse_tuple(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	walk->items = rg_image_u64(walk->image, address + RG_OB_SIZE);
	read_items(walk, address + (unsigned)walk->layout->tuple_items,
		field_count(walk, type, walk->items));
}

void rg_traverse_deque(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t block = rg_image_u64(walk->image, address + DEQUE_LEFT);
	uint64_t at = rg_image_u64(walk->image, address + DEQUE_LEFT_INDEX);

	(void)type;
	walk->items = rg_image_u64(walk->image, address + RG_OB_SIZE);
	for (uint64_t i = 0; i < walk->items && at <= DEQUE_BLOCK && rg_walk_spend(walk, 1);
		i++, at++) {
		if (at == DEQUE_BLOCK) {
			block = rg_image_u64(walk->image, block + 8 * (DEQUE_BLOCK + 1));
			at = 0;
		}
		if (!rg_image_at(walk->image, block, DEQUE_BLOCK_SIZE))
			return;
		rg_walk_refer(walk, RG_KIND_ITEM, rg_image_u64(walk->image, block + 8 + 8 * at),
			RG_LABEL_NEXT, i, false);
	}
}

uint64_t rg_size_deque(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t items = rg_image_u64(walk->image, address + RG_OB_SIZE);
	uint64_t left = rg_image_u64(walk->image, address + DEQUE_LEFT_INDEX);
	uint64_t blocks = (left + items + DEQUE_BLOCK - 1) / DEQUE_BLOCK;

	return (uint64_t)type->basicsize + (blocks ? blocks : 1) % (1ull << 48) * DEQUE_BLOCK_SIZE;
}
