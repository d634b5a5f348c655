#include "src/graph/addressmap.h"

#include <inttypes.h>
#include <stdlib.h>

#include "heapdump/base/array.h"
#include "heapdump/base/pages.h"

#define TOP ((size_t)1 << 18)
#define TABLE 1024u /* MiB in a GiB, and words in a MiB */
#define GIB 30
#define MIB 20

/* How many of each part the map has, or has filled so far. */
struct parts {
	uint32_t tables, bitmaps, few;
};

/* The end of the run of ids from I on, below N, whose addresses agree above bit SHIFT. */
static uint32_t run_end(const struct rg_addressmap *map, uint32_t i, uint32_t n, unsigned shift)
{
	uint64_t last = map->addresses[i] | (((uint64_t)1 << shift) - 1);

	while (i < n && map->addresses[i] <= last)
		i++;
	return i;
}

/* The bitmap of one MiB, for ids I .. END - 1. */
static void fill_bitmap(
	struct rg_addressmap *map, struct rg_addressmap_word *words, uint32_t i, uint32_t end)
{
	for (; i < end; i++) {
		uint64_t address = map->addresses[i];
		struct rg_addressmap_word *word = &words[address >> 10 & (TABLE - 1)];
		uint64_t bit = (uint64_t)1 << (address >> 4 & 63);

		if (!word->bits)
			word->rank = i;
		if (word->bits & bit)
			map->shared = true;
		word->odd |= (address & 15) != 0;
		word->bits |= bit;
	}
}

/* Count, or once TABLE is there also fill, the parts of one GiB: ids I .. END - 1. */
static void add_gib(
	struct rg_addressmap *map, struct parts *at, uint32_t *table, uint32_t i, uint32_t end)
{
	while (i < end) {
		uint32_t stop = run_end(map, i, end, MIB), place;

		if (stop - i < RG_ADDRESSMAP_MIB) {
			if (table)
				map->few[at->few] = (struct rg_addressmap_few){ i, stop };
			place = RG_ADDRESSMAP_FEW | at->few++;
		} else {
			if (table)
				fill_bitmap(map, map->words + (size_t)at->bitmaps * TABLE, i, stop);
			place = ++at->bitmaps;
		}
		if (table)
			table[map->addresses[i] >> MIB & (TABLE - 1)] = place;
		i = stop;
	}
}

/* Count, or once the parts are allocated fill, everything. */
static struct parts add_all(struct rg_addressmap *map)
{
	struct parts at = { 0 };
	uint32_t i = 0;

	/* from 2^48 on there is nothing in user space: what claims to be is left to the search */
	while (i < map->n && !(map->addresses[i] >> 48)) {
		uint32_t stop = run_end(map, i, map->n, GIB), *table = NULL;

		if (stop - i >= RG_ADDRESSMAP_GIB) {
			if (map->tables)
				table = map->tables + (size_t)at.tables * TABLE;
			at.tables++;
			if (table)
				map->top[map->addresses[i] >> GIB] = at.tables;
			add_gib(map, &at, table, i, stop);
		}
		i = stop;
	}
	return at;
}

/* Whether the addresses ascend strictly; if not, the first that does not in *AT_RET. */
static bool ascending(const uint64_t *addresses, uint32_t n, uint32_t *at_ret)
{
	for (uint32_t i = 1; i < n; i++) {
		if (addresses[i] <= addresses[i - 1]) {
			*at_ret = i;
			return false;
		}
	}
	return true;
}

enum rg_code rg_addressmap_init(
	struct rg_addressmap *map, const uint64_t *addresses, uint32_t n, struct rg_error *err)
{
	struct parts parts;
	uint32_t at;

	*map = (struct rg_addressmap){ 0 };
	if (!ascending(addresses, n, &at))
		return rg_fail(err, RG_BAD_DATA, "unsorted-addresses",
			"address 0x%" PRIx64 " of object %" PRIu32
			" does not come after 0x%" PRIx64,
			addresses[at], at, addresses[at - 1]);
	map->addresses = addresses;
	map->n = n;
	parts = add_all(map);
	if (parts.few >= RG_ADDRESSMAP_FEW) {
		*map = (struct rg_addressmap){ 0 };
		return rg_fail(err, RG_LIMIT, "scattered-addresses",
			"%" PRIu32 " MiB with an object in them: too many", parts.few);
	}
	map->top = rg_pages_new(TOP, sizeof(*map->top));
	map->few = rg_pages_new(parts.few, sizeof(*map->few));
	map->words = rg_pages_new((size_t)parts.bitmaps * TABLE, sizeof(*map->words));
	map->tables = rg_pages_new((size_t)parts.tables * TABLE, sizeof(*map->tables));
	if (!map->top || !map->few || !map->words || !map->tables) {
		rg_addressmap_deinit(map);
		return rg_nomem(err);
	}
	add_all(map);
	return RG_OK;
}

void rg_addressmap_deinit(struct rg_addressmap *map)
{
	free(map->top);
	free(map->tables);
	free(map->words);
	free(map->few);
	*map = (struct rg_addressmap){ 0 };
}

uint32_t rg_addressmap_search(
	const struct rg_addressmap *map, uint64_t address, uint32_t first, uint32_t end)
{
	while (first < end) {
		uint32_t middle = first + (end - first) / 2;

		if (map->addresses[middle] == address)
			return middle;
		if (map->addresses[middle] < address)
			first = middle + 1;
		else
			end = middle;
	}
	return RG_NO_ID;
}
