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

/* queue.SimpleQueue: a list to 3.12, which fields.def names, then a ring of its own. */
void rg_traverse_queue(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t items = rg_walk_field(walk, address, layout->queue_items);
	uint64_t capacity = rg_walk_field(walk, address, layout->queue_capacity);
	uint64_t at = rg_walk_field(walk, address, layout->queue_get);
	uint64_t count = rg_walk_field(walk, address, layout->queue_count);

	(void)type;
	if (layout->queue_items < 0 || items & 7 || at >= capacity || count > capacity)
		return;
	walk->items = count;
	for (uint64_t i = 0; i < count && rg_walk_spend(walk, 1); i++) {
		if (!rg_image_at(walk->image, items + 8 * at, 8))
			return;
		rg_walk_refer(walk, RG_KIND_ITEM, rg_image_u64(walk->image, items + 8 * at),
			RG_LABEL_NEXT, i, false);
		at = at + 1 < capacity ? at + 1 : 0;
	}
}

uint64_t rg_size_queue(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t capacity = rg_walk_field(walk, address, walk->layout->queue_capacity);

	return (uint64_t)type->basicsize +
	       (walk->layout->queue_buffer_counts ? capacity % (1ull << 40) * 8 : 0);
}
