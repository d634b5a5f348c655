/* Which modules are Python's own. */
#ifndef RG_SNAPSHOT_STANDARD_H
#define RG_SNAPSHOT_STANDARD_H

#include <stdbool.h>
#include <stddef.h>

/* True for a module of Python's own library, or of a package of it, in any version from 3.8 on. */
bool rg_is_standard_module(const char *module, size_t length);

#endif
