/*
 * Large arrays that are used all over, on huge pages: the first touch of small ones would cost a
 * third of a pass, and finding them again half as much. Released by free().
 */
#ifndef RG_BASE_PAGES_H
#define RG_BASE_PAGES_H

#include <stddef.h>

/*
 * Room for COUNT items of SIZE bytes, zeroed, never a NULL for 0 items; NULL when out of memory or
 * when the size does not fit. Large arrays are zero by being untouched, so what is never used of
 * them costs no memory (rounded up to the 2 MiB of a huge page).
 */
void *rg_pages_new(size_t count, size_t size);

#endif
