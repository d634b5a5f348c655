#include "heapdump/base/suggest.h"

#include <stdint.h>
#include <string.h>

#define LONGEST 40 /* of words that are compared, with the end */

/* Letters to add, drop, change or swap to get from A to B; of a long word more than there are. */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), rows[3][LONGEST];

	if (n >= LONGEST || m >= LONGEST)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[n % 3][m];
}

const char *rg_suggest(const char *word, const char *const *names, size_t count)
{
	const char *best = NULL;
	size_t nearest = strlen(word) / 3 + 2;

	for (size_t i = 0; i < count; i++) {
		size_t far = distance(word, names[i]);

		if (strncmp(names[i], word, strlen(word)) == 0 && strlen(word) > 1)
			far = 1;
		if (far < nearest) {
			nearest = far;
			best = names[i];
		}
	}
	return best;
}
