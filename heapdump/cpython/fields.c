#include "heapdump/cpython/fields.h"

#include <string.h>

#define NONE RG_NO_FIELD
#define V false
#define O true

static const struct rg_field_row rows[] = {
#define FIELD(type, structure, member, kind, visited, label, ...)                                  \
	{ type, label, { __VA_ARGS__ }, RG_KIND_##kind, visited },
#include "heapdump/cpython/fields.def"
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* One pass: it is asked once a type, and most rows differ in the first letter. */
size_t rg_fields_find(const char *name, const struct rg_field_row **rows_ret)
{
	size_t first = 0, end;

	while (first < ROWS && (*rows[first].type != *name || strcmp(rows[first].type, name) != 0))
		first++;
	for (end = first; end < ROWS && strcmp(rows[end].type, name) == 0;)
		end++;
	*rows_ret = rows + first;
	return end - first;
}
