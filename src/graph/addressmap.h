/*
 * From an address to its id: a bitmap of object starts with the rank of each word, interleaved
 * (G. Jacobson, "Space-efficient static trees and graphs",
 * FOCS 1989), below a directory of two levels.
 *
 *	top[address >> 30]		-> table of a GiB, where it has RG_ADDRESSMAP_GIB objects
 *	table[(address >> 20) & 1023]	-> words of a MiB, where it has RG_ADDRESSMAP_MIB objects
 *	words[(address & 0xfffff) >> 10]   one bit per granule of 16 bytes, and the id before it
 *
 * What falls through a level is found by binary search in the sorted addresses: in its MiB, or
 * among all. The two thresholds are what bounds the memory whatever the addresses are: 1 MiB of
 * top (virtual: only pages with a GiB in use are touched), at most 64 + 8 + 64 bytes an object; on
 * a real heap it is 1.8. Two objects in one granule of 16 bytes do not exist in CPython, but are
 * still told apart.
 */
#ifndef RG_GRAPH_ADDRESSMAP_H
#define RG_GRAPH_ADDRESSMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapdump/base/error.h"

#define RG_NO_ID UINT32_MAX
#define RG_ADDRESSMAP_GIB 64 /* objects that make a table of 4 KiB worth it */
#define RG_ADDRESSMAP_MIB 256 /* objects that make a bitmap of 16 KiB worth it */
#define RG_ADDRESSMAP_FEW 0x80000000u /* a table's entry: the rest of it is an index in `few` */

/*
 * 64 granules: which of them an object starts in, and the number of objects before them; whether
 * one starts elsewhere than where its granule does, so that the address itself must be compared.
 */
struct rg_addressmap_word {
	uint64_t bits;
	uint32_t rank, odd;
};

/* The ids first .. end - 1 of a MiB with too few objects for a bitmap. */
struct rg_addressmap_few {
	uint32_t first, end;
};

struct rg_addressmap {
	const uint64_t *addresses; /* n, strictly ascending, borrowed */
	uint32_t n;
	bool shared; /* two objects share a granule somewhere: ranks may be too small */
	uint32_t *top; /* 2^18: 1 + number of a table, or 0 */
	uint32_t *tables; /* 1024 each: 1 + number of 1024 words, RG_ADDRESSMAP_FEW | i, or 0 */
	struct rg_addressmap_word *words;
	struct rg_addressmap_few *few;
};

/*
 * A map of the N addresses, id i being addresses[i]. They stay the caller's and must outlive the
 * map. RG_BAD_DATA when they do not ascend strictly. O(n) time and memory. Zeroed when it fails.
 */
enum rg_code rg_addressmap_init(
	struct rg_addressmap *map, const uint64_t *addresses, uint32_t n, struct rg_error *err);
/* Release and zero; safe on a zeroed struct. */
void rg_addressmap_deinit(struct rg_addressmap *map);

/* The id of ADDRESS among ids first .. end - 1 by binary search, or RG_NO_ID. O(log n). */
uint32_t rg_addressmap_search(
	const struct rg_addressmap *map, uint64_t address, uint32_t first, uint32_t end);

/* Bits set in X: as fast here as the instruction, for which the compiler would make a call. */
static inline uint32_t rg_addressmap_popcount(uint64_t x)
{
	x -= x >> 1 & 0x5555555555555555u;
	x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return (uint32_t)(x * 0x0101010101010101u >> 56);
}

/*
 * The id of the object that starts at ADDRESS, which may be anything; or RG_NO_ID. O(1) where
 * objects are dense, else a binary search: O(log n).
 */
static inline uint32_t rg_addressmap_find(const struct rg_addressmap *map, uint64_t address)
{
	uint32_t table = address >> 48 ? 0 : map->top[address >> 30], place, id;
	uint64_t bit = (uint64_t)1 << (address >> 4 & 63);
	const struct rg_addressmap_word *word;

	if (!table)
		return rg_addressmap_search(map, address, 0, map->n);
	place = map->tables[(size_t)(table - 1) * 1024 + (address >> 20 & 1023)];
	if (!place)
		return RG_NO_ID;
	if (place & RG_ADDRESSMAP_FEW) {
		const struct rg_addressmap_few *few = &map->few[place & ~RG_ADDRESSMAP_FEW];

		return rg_addressmap_search(map, address, few->first, few->end);
	}
	word = &map->words[(size_t)(place - 1) * 1024 + (address >> 10 & 1023)];
	if (!(word->bits & bit))
		return RG_NO_ID;
	id = word->rank + rg_addressmap_popcount(word->bits & (bit - 1));
	if (!word->odd)
		return address & 15 ? RG_NO_ID : id;
	if (map->addresses[id] == address)
		return id;
	return map->shared ? rg_addressmap_search(map, address, id, map->n) : RG_NO_ID;
}

#endif
