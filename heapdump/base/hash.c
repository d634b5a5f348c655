#include "heapdump/base/hash.h"

#include <xxhash.h>

uint64_t rg_hash(const void *bytes, size_t length)
{
	return XXH3_64bits(bytes, length);
}

uint64_t rg_hash_with(uint64_t seed, const void *bytes, size_t length)
{
	return XXH3_64bits_withSeed(bytes, length, seed);
}
