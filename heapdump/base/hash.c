#include "heapdump/base/hash.h"

#include <sys/random.h>
#include <time.h>

#include <xxhash.h>

uint64_t rg_hash(const void *bytes, size_t length)
{
	return XXH3_64bits(bytes, length);
}

uint64_t rg_hash_with(uint64_t seed, const void *bytes, size_t length)
{
	return XXH3_64bits_withSeed(bytes, length, seed);
}

uint64_t rg_hash_seed(void)
{
	uint64_t seed = 0;

	/* a kernel that has none to give: better a guess than to wait */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = rg_mix((uint64_t)time(NULL), (uint64_t)(uintptr_t)&seed);
	return seed | 1;
}
