/*
 * A set of the numbers 0 .. n - 1, one bit each: 1/8 byte a vertex, so that it stays in cache.
 * Bits at n and above, up to the end of the last word, are always zero.
 */
#ifndef RG_GRAPH_BITSET_H
#define RG_GRAPH_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "heapdump/base/array.h"
#include "heapdump/base/error.h"

struct rg_bitset {
	uint64_t *words; /* (n + 63) / 64, owned */
	uint32_t n;
};

/* How many words a set of N has. */
static inline size_t rg_bitset_words(uint32_t n)
{
	return ((size_t)n + 63) / 64;
}

/* The empty set of 0 .. N - 1; zeroed when it fails. O(n / 64). */
static inline enum rg_code rg_bitset_init(struct rg_bitset *set, uint32_t n, struct rg_error *err)
{
	*set = (struct rg_bitset){ .words = rg_array_new(rg_bitset_words(n), sizeof(uint64_t)) };
	if (!set->words)
		return rg_nomem(err);
	set->n = n;
	return RG_OK;
}

/* Release and zero; safe on a zeroed set. */
static inline void rg_bitset_deinit(struct rg_bitset *set)
{
	free(set->words);
	*set = (struct rg_bitset){ 0 };
}

/* Whether I < n is in the set. O(1). */
static inline bool rg_bitset_get(const struct rg_bitset *set, uint32_t i)
{
	return set->words[i >> 6] >> (i & 63) & 1;
}

/* Put I < n into the set. O(1). */
static inline void rg_bitset_set(struct rg_bitset *set, uint32_t i)
{
	set->words[i >> 6] |= (uint64_t)1 << (i & 63);
}

/* Take I < n out of the set. O(1). */
static inline void rg_bitset_clear(struct rg_bitset *set, uint32_t i)
{
	set->words[i >> 6] &= ~((uint64_t)1 << (i & 63));
}

/* Put I < n into the set; whether it was missing. O(1). */
static inline bool rg_bitset_add(struct rg_bitset *set, uint32_t i)
{
	uint64_t bit = (uint64_t)1 << (i & 63), word = set->words[i >> 6];

	set->words[i >> 6] = word | bit;
	return !(word & bit);
}

/* How many are in the set. O(n / 64). */
static inline uint32_t rg_bitset_count(const struct rg_bitset *set)
{
	uint32_t count = 0;

	for (size_t i = 0; i < rg_bitset_words(set->n); i++)
		count += (uint32_t)__builtin_popcountll(set->words[i]);
	return count;
}

#endif
