#include "heapdump/cpython/entries.h"

#include "heapdump/cpython/text.h"

enum { KEYS_LOG2_SIZE = 8, KEYS_LOG2_INDEX = 9, KEYS_KIND = 10 };
enum { KEYS_USABLE = 16, KEYS_COUNT = 24, KEYS_INDEX = 32 };

bool rg_entries_open(
	struct rg_entries *entries_ret, struct rg_image *image, uint64_t keys, uint64_t values)
{
	struct rg_entries entries = { 0 };
	unsigned log2_size = rg_image_u8(image, keys + KEYS_LOG2_SIZE);
	unsigned log2_index = rg_image_u8(image, keys + KEYS_LOG2_INDEX);
	unsigned kind = rg_image_u8(image, keys + KEYS_KIND);

	if (!rg_image_at(image, keys, KEYS_INDEX) || log2_size > 40 || log2_index > 44 || kind > 2)
		return false;
	entries.text = kind != 0;
	entries.stride = entries.text ? 16 : 24;
	entries.key = entries.text ? 0 : 8;
	entries.value = entries.text ? 8 : 16;
	entries.count = rg_image_u64(image, keys + KEYS_COUNT);
	/* USABLE_FRACTION: two thirds of the index */
	entries.capacity = (2ull << log2_size) / 3;
	entries.bytes = KEYS_INDEX + (1ull << log2_index) + entries.capacity * entries.stride;
	if (entries.count > entries.capacity)
		return false;
	/* a table to share has room for fewer */
	entries.room = entries.count + rg_image_u64(image, keys + KEYS_USABLE) % (1ull << 40);
	entries.table = rg_image_at(
		image, keys + KEYS_INDEX + (1ull << log2_index), entries.count * entries.stride);
	if (!entries.table)
		return false;
	if (values & 7)
		return false;
	if (values) {
		entries.values = rg_image_at(image, values, entries.count * 8);
		if (!entries.values)
			return false;
	}
	*entries_ret = entries;
	return true;
}

bool rg_entries_of_dict(struct rg_entries *entries_ret, struct rg_image *image, uint64_t address)
{
	return rg_entries_open(entries_ret, image, rg_image_u64(image, address + RG_DICT_KEYS),
		rg_image_u64(image, address + RG_DICT_VALUES));
}

uint64_t rg_entries_lookup(
	struct rg_image *image, const struct rg_layout *layout, uint64_t address, const char *name)
{
	struct rg_entries entries;
	uint64_t key, value;

	if (!address || !rg_entries_of_dict(&entries, image, address))
		return 0;
	while (rg_entries_next(&entries, &key, &value))
		if (rg_text_equals(image, layout, key, name))
			return value;
	return 0;
}
