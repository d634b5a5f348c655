/* "Did you mean": the word that is nearest to a mistyped one. */
#ifndef RG_BASE_SUGGEST_H
#define RG_BASE_SUGGEST_H

#include <stddef.h>

/*
 * The nearest of COUNT names to WORD by letters added, dropped, changed or swapped, or NULL where
 * none is near. O(count * length^2).
 */
const char *rg_suggest(const char *word, const char *const *names, size_t count);

#endif
