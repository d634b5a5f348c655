/* Lists of signatures: leaks that are known, and that nobody shall hear of again. */
#ifndef RG_CLI_KNOWN_H
#define RG_CLI_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapdump/base/error.h"

struct rg_known {
	uint64_t *signatures; /* sorted */
	size_t count, capacity;
};

/*
 * Read the list PATH (NULL: an empty one): a signature of 16 hexadecimal digits a line, # and what
 * is behind it a remark. RG_BAD_DATA names the line that is neither. O(bytes + count log count).
 */
enum rg_code rg_known_init(struct rg_known *known, const char *path, struct rg_error *err);
void rg_known_deinit(struct rg_known *known);

/* O(log count). */
bool rg_known_has(const struct rg_known *known, uint64_t signature);

#endif
