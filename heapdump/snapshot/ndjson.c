#include "heapdump/snapshot/ndjson.h"

#include <string.h>

const char *const rg_ndjson_type_flags[RG_NDJSON_TYPE_FLAGS] = { "heap", "gc", "metatype", "module",
	"dict", "str", "sequence", "function", "finalizer", "sizeof", "frame", "legacy_del", "cell",
	"guessed", "keeps_self", "hub" };

const char *const rg_ndjson_values[RG_VALUE_KIND_COUNT] = {
	[RG_VALUE_STR] = "str",
	[RG_VALUE_BYTES] = "bytes",
	[RG_VALUE_NUMBER] = "number",
	[RG_VALUE_NAME] = "name",
	[RG_VALUE_PLACE] = "place",
};

const char *rg_ndjson_kind(enum rg_kind kind)
{
	if (kind == RG_KIND_CLASSDICT)
		return "classdict";
	if (kind == RG_KIND_MODDICT)
		return "moddict";
	return rg_kind_table[kind].name;
}

bool rg_ndjson_knows(const uint8_t *data, size_t size)
{
	size_t i = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	while (i < size && (data[i] == ' ' || (data[i] >= '\t' && data[i] <= '\r')))
		i++;
	return i < size && data[i] == '{';
}
