#include "heapdump/base/array.h"

#include <stdint.h>
#include <string.h>

void *rg_array_new(size_t count, size_t size)
{
	return calloc(count ? count : 1, size);
}

bool rg_array_reserve(void *items, size_t *capacity, size_t need, size_t size)
{
	size_t wanted = *capacity < 16 ? 16 : *capacity, bytes;
	void *old, *grown;

	if (need <= *capacity)
		return true;
	while (wanted < need)
		if (!rg_mul(wanted, 2, &wanted))
			return false;
	if (!rg_mul(wanted, size, &bytes))
		return false;
	/* items points at a typed pointer: copy it, as its type is not ours to know */
	memcpy(&old, items, sizeof(old));
	grown = realloc(old, bytes);
	if (!grown)
		return false;
	memcpy(items, &grown, sizeof(grown));
	*capacity = wanted;
	return true;
}
