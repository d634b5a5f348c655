/*
 * The entries of a dict, whatever table it has: combined or split, of str keys or any.
 * Layout: Objects/dictobject.c and Include/internal/pycore_dict.h of CPython.
 */
#ifndef RG_CPYTHON_ENTRIES_H
#define RG_CPYTHON_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "heapdump/cpython/layout.h"
#include "heapdump/image/image.h"

/* Fields of PyDictObject. */
enum { RG_DICT_USED = 16, RG_DICT_KEYS = 32, RG_DICT_VALUES = 40, RG_DICT_SIZE = 48 };

struct rg_entries {
	const uint8_t *table;
	const uint64_t *values; /* of a split table, else NULL */
	uint64_t count, at;
	unsigned stride, key, value;
	uint64_t lookup; /* to 3.10: the function that finds a key */
	bool text; /* all keys are str: tp_traverse does not visit them (to 3.10: see lookup) */
	bool embedded; /* the values are an instance's own, behind its body */
	uint64_t bytes; /* what the key table takes */
	uint64_t room; /* entries used and still usable: how many values a split one has */
	uint64_t capacity; /* entries it has room for */
};

/* Open a key table, with the split VALUES (address or 0); false where it makes no sense. */
bool rg_entries_open(struct rg_entries *entries_ret, struct rg_image *image,
	const struct rg_layout *layout, uint64_t keys, uint64_t values);

/* Open the dict object at ADDRESS. */
bool rg_entries_of_dict(struct rg_entries *entries_ret, struct rg_image *image,
	const struct rg_layout *layout, uint64_t address);

/* The next entry that has a key and a value. */
static inline bool rg_entries_next(struct rg_entries *entries, uint64_t *key, uint64_t *value)
{
	while (entries->at < entries->count) {
		uint64_t i = entries->at++;

		memcpy(key, entries->table + i * entries->stride + entries->key, sizeof(*key));
		if (entries->values)
			*value = entries->values[i];
		else
			memcpy(value, entries->table + i * entries->stride + entries->value,
				sizeof(*value));
		if (*key && *value)
			return true;
	}
	return false;
}

/* The value of the str key NAME in the dict at ADDRESS, or 0. Linear. */
uint64_t rg_entries_lookup(
	struct rg_image *image, const struct rg_layout *layout, uint64_t address, const char *name);

#endif
