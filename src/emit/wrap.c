#include "src/emit/wrap.h"

#include <string.h>

#include "src/emit/escape.h"

void rg_wrap_print(const struct rg_wrap *wrap, const char *text, FILE *out)
{
	unsigned at = wrap->at;

	while (*text) {
		unsigned columns;
		size_t length = rg_escape_fitting(
			text, strcspn(text, " "), wrap->width - wrap->indent, &columns);

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
