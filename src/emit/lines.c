#include "src/emit/lines.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

bool rg_lines_print(struct libscols_table *table, const char *indent, FILE *out)
{
	char *text = NULL;
	bool done = errno != ENOMEM && scols_print_table_to_string(table, &text) == 0 && text &&
		    errno != ENOMEM;

	for (const char *at = text; done && *at;) {
		size_t length = strcspn(at, "\n"), kept = length;

		while (kept > 0 && at[kept - 1] == ' ')
			kept--;
		fprintf(out, "%s%.*s\n", indent, (int)kept, at);
		at += length + (at[length] == '\n');
	}
	free(text);
	return done;
}
