#include "src/emit/wrap.h"

#include <string.h>

#include "src/emit/escape.h"

/* Columns of the LENGTH bytes at WORD, none of which is a blank. */
static unsigned columns_of(const char *word, size_t length)
{
	char copy[512];

	if (length >= sizeof(copy))
		return (unsigned)length;
	memcpy(copy, word, length);
	copy[length] = '\0';
	return rg_escape_columns(copy);
}

void rg_wrap_print(const struct rg_wrap *wrap, const char *text, FILE *out)
{
	unsigned at = wrap->at;

	while (*text) {
		size_t length = strcspn(text, " ");
		unsigned columns = columns_of(text, length);

		if (at > wrap->indent && at + 1 + columns > wrap->width) {
			fprintf(out, "\n%*s", (int)wrap->indent, "");
			at = wrap->indent;
		} else if (at > wrap->indent) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", (int)length, text);
		at += columns;
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}
