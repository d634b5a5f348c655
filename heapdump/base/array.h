/*
 * Growing arrays and checked sizes.
 *
 * An array is three members of its owner: pointer, count, capacity. rg_array_reserve makes room;
 * the owner frees the pointer with free(). All size arithmetic is checked.
 */
#ifndef RG_BASE_ARRAY_H
#define RG_BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* A * B in *RET; false where it does not fit. */
static inline bool rg_mul(size_t a, size_t b, size_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

/* A + B in *RET; false where it does not fit. */
static inline bool rg_add(size_t a, size_t b, size_t *ret)
{
	return !__builtin_add_overflow(a, b, ret);
}

/* Room for COUNT items of SIZE bytes, zeroed, never a NULL for 0 items; NULL when out of memory. */
void *rg_array_new(size_t count, size_t size);

/*
 * Make *ITEMS hold at least NEED items of SIZE bytes, at least doubling *CAPACITY; new room is
 * not zeroed. False when out of memory: *ITEMS is then as before. Amortised O(1) an item.
 */
bool rg_array_reserve(void *items, size_t *capacity, size_t need, size_t size);

/* Append room for one item to the array ITEMS/COUNT/CAPACITY: a pointer to it, or NULL. */
#define RG_PUSH(items, count, capacity)                                                            \
	((size_t)(count) < (capacity) || rg_array_reserve(&(items), &(capacity),                   \
						 (size_t)(count) + 1, sizeof(*(items)))            \
			? &(items)[(count)++]                                                      \
			: NULL)

#endif
