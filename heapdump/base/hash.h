/* Hashing: XXH3 of libxxhash, for checksums, signatures and tables. */
#ifndef RG_BASE_HASH_H
#define RG_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH3-64 of LENGTH bytes. */
uint64_t rg_hash(const void *bytes, size_t length);

/* XXH3-64 of LENGTH bytes, continuing from SEED: to chain several pieces. */
uint64_t rg_hash_with(uint64_t seed, const void *bytes, size_t length);

/* A number that no input can have been made for, never 0: for tables of keys that others choose. */
uint64_t rg_hash_seed(void);

/* A well mixed 64-bit hash of two numbers, cheap enough for inner loops. */
static inline uint64_t rg_mix(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;

	h ^= h >> 32;
	h = (h ^ b) * 0xc4ceb9fe1a85ec53u;
	h ^= h >> 29;
	h *= 0x94d049bb133111ebu;
	return h ^ h >> 32;
}

#endif
