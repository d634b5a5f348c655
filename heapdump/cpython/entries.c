#include "heapdump/cpython/entries.h"

#include "heapdump/cpython/text.h"

#define LOG2_LIMIT 44

/* The head of a key table: how large, and what its entries look like. */
struct header {
	uint64_t index; /* bytes */
	uint64_t size; /* slots of the index */
};

/* To 3.10: the index has the narrowest integers that can count its slots. */
static bool read_wide_header(struct header *header, struct rg_entries *entries,
	struct rg_image *image, const struct rg_layout *layout, uint64_t keys)
{
	header->size = rg_image_u64(image, keys + (unsigned)layout->keys_size);
	if (header->size > 1ull << LOG2_LIMIT)
		return false;
	header->index = header->size * (header->size <= 0xff                ? 1
					       : header->size <= 0xffff     ? 2
					       : header->size <= 0xffffffff ? 4
									    : 8);
	entries->lookup = rg_image_u64(image, keys + (unsigned)layout->keys_lookup);
	return true;
}

/* From 3.11 on: sizes are powers of two, and tables of str keys leave the hashes out. */
static bool read_header(struct header *header, struct rg_entries *entries, struct rg_image *image,
	const struct rg_layout *layout, uint64_t keys)
{
	unsigned log2_size = rg_image_u8(image, keys + (unsigned)layout->keys_log2_size);
	unsigned log2_index = rg_image_u8(image, keys + (unsigned)layout->keys_log2_index);
	unsigned kind = rg_image_u8(image, keys + (unsigned)layout->keys_kind);

	if (log2_size > LOG2_LIMIT || log2_index > LOG2_LIMIT || kind > 2)
		return false;
	header->size = 1ull << log2_size;
	header->index = 1ull << log2_index;
	entries->text = kind != 0;
	return true;
}

/* Point ENTRIES at the values of a split table. */
static bool open_values(struct rg_entries *entries, struct rg_image *image,
	const struct rg_layout *layout, uint64_t values)
{
	uint64_t at = values + (unsigned)(layout->values_array > 0 ? layout->values_array : 0);

	if (at & 7)
		return false;
	if (layout->values_embedded >= 0)
		entries->embedded = rg_image_u8(
					    image, values + (unsigned)layout->values_embedded) == 1;
	/* where they know how many they are, that may be fewer than the shared keys */
	if (layout->values_capacity >= 0) {
		uint8_t capacity = rg_image_u8(image, values + (unsigned)layout->values_capacity);

		if (entries->count > capacity)
			entries->count = capacity;
	}
	entries->values = rg_image_at(image, at, entries->count * 8);
	return entries->values != NULL;
}

bool rg_entries_open(struct rg_entries *entries_ret, struct rg_image *image,
	const struct rg_layout *layout, uint64_t keys, uint64_t values)
{
	struct rg_entries entries = { 0 };
	struct header header;
	uint64_t first;

	if (!rg_image_at(image, keys, (unsigned)layout->keys_index) ||
		!(layout->keys_size >= 0 ? read_wide_header : read_header)(
			&header, &entries, image, layout, keys))
		return false;
	entries.stride = entries.text ? 16 : 24;
	entries.key = entries.text ? 0 : 8;
	entries.value = entries.key + 8;
	entries.count = rg_image_u64(image, keys + (unsigned)layout->keys_count);
	/* USABLE_FRACTION: two thirds of the index */
	entries.capacity = 2 * header.size / 3;
	first = keys + (unsigned)layout->keys_index + header.index;
	entries.bytes = first - keys + entries.capacity * entries.stride;
	if (entries.count > entries.capacity)
		return false;
	/* a table to share has room for fewer */
	entries.room = entries.count +
		       rg_image_u64(image, keys + (unsigned)layout->keys_usable) % (1ull << 40);
	entries.table = rg_image_at(image, first, entries.count * entries.stride);
	if (!entries.table || (values && !open_values(&entries, image, layout, values)))
		return false;
	*entries_ret = entries;
	return true;
}

bool rg_entries_of_dict(struct rg_entries *entries_ret, struct rg_image *image,
	const struct rg_layout *layout, uint64_t address)
{
	return rg_entries_open(entries_ret, image, layout,
		rg_image_u64(image, address + RG_DICT_KEYS),
		rg_image_u64(image, address + RG_DICT_VALUES));
}

uint64_t rg_entries_lookup(
	struct rg_image *image, const struct rg_layout *layout, uint64_t address, const char *name)
{
	struct rg_entries entries;
	uint64_t key, value;

	if (!address || !rg_entries_of_dict(&entries, image, layout, address))
		return 0;
	while (rg_entries_next(&entries, &key, &value))
		if (rg_text_equals(image, layout, key, name))
			return value;
	return 0;
}
