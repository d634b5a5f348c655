#include "heapdump/base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#include "heapdump/base/array.h"

#define PAGE 4096u
#define WORTH ((size_t)8 << 20) /* below it, the kernel's bookkeeping outweighs the gain */

void *rg_pages_new(size_t count, size_t size)
{
	uintptr_t skip;
	size_t bytes;
	char *items;

	if (!rg_mul(count, size, &bytes))
		return NULL;
	items = rg_array_new(count, size);
	if (!items || bytes < WORTH)
		return items;
	/* calloc's block starts just behind its own header: advise the whole pages inside it.
	 * Advice is all it is: a kernel that refuses changes nothing but the time. */
	skip = -(uintptr_t)items & (PAGE - 1);
	(void)madvise(items + skip, (bytes - skip) & ~(size_t)(PAGE - 1), MADV_HUGEPAGE);
	return items;
}
