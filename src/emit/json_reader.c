#include "src/emit/json_reader.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/file.h"

struct reading {
	struct rg_arena *arena;
	const char *wrong; /* the name of what is missing or of another type */
};

static bool read_record(
	struct reading *reading, const struct rg_record *record, json_t *object, void *data);

static bool read_whole(json_t *value, uint64_t *number_ret)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*number_ret = (uint64_t)json_integer_value(value);
	return true;
}

static bool read_text(struct reading *reading, json_t *value, const char **text_ret)
{
	if (json_is_null(value))
		return true;
	if (!json_is_string(value))
		return false;
	*text_ret = rg_arena_text(
		reading->arena, json_string_value(value), json_string_length(value));
	return true;
}

/* A new array of as many items as ARRAY has, of SIZE bytes. */
static char *new_rows(struct reading *reading, struct rg_list *list, json_t *array, size_t size)
{
	list->shown = list->of = json_array_size(array);
	list->rows = rg_arena_new(reading->arena, list->shown, size);
	list->shown = list->rows ? list->shown : 0;
	return list->rows;
}

static bool read_counts(struct reading *reading, json_t *array, struct rg_list *list)
{
	uint64_t *counts;
	bool all = json_is_array(array);

	counts = all ? (uint64_t *)(void *)new_rows(reading, list, array, sizeof(*counts)) : NULL;
	for (size_t i = 0; counts && all && i < list->shown; i++)
		all = read_whole(json_array_get(array, i), &counts[i]);
	return all;
}

static bool read_rows(struct reading *reading, const struct rg_record *record, json_t *array,
	struct rg_list *list)
{
	size_t size = record ? record->size : sizeof(char *);
	bool all = json_is_array(array);
	char *rows = all ? new_rows(reading, list, array, size) : NULL;

	for (size_t i = 0; rows && all && i < list->shown; i++) {
		json_t *row = json_array_get(array, i);
		void *at = rows + i * size;

		all = record ? read_record(reading, record, row, at) : read_text(reading, row, at);
	}
	return all;
}

static bool read_list(struct reading *reading, const struct rg_record *record, json_t *object,
	struct rg_list *list)
{
	json_t *rows = json_object_get(object, "rows");
	uint64_t of;

	if (!read_whole(json_object_get(object, "of"), &of) ||
		!read_rows(reading, record, rows, list) || of < list->shown)
		return false;
	list->of = of;
	return true;
}

static bool read_inner(
	struct reading *reading, const struct rg_record *record, json_t *value, void **record_ret)
{
	if (json_is_null(value))
		return true;
	*record_ret = rg_arena_new(reading->arena, 1, record->size);
	/* without memory for it nothing more is read, and the arena knows */
	return !*record_ret || read_record(reading, record, value, *record_ret);
}

static bool read_number(json_t *value, double least, double most, double *number_ret)
{
	*number_ret = json_number_value(value);
	return json_is_number(value) && *number_ret >= least && *number_ret <= most;
}

static bool read_value(
	struct reading *reading, const struct rg_field *field, json_t *value, void *at)
{
	switch (field->type) {
	case RG_COUNT:
	case RG_BYTES:
	case RG_PLAIN:
		return read_whole(value, at);
	case RG_OPTIONAL:
	case RG_OPTIONAL_BYTES:
		*(uint64_t *)at = RG_NOTHING;
		return json_is_null(value) || read_whole(value, at);
	case RG_DELTA:
	case RG_DELTA_BYTES:
		*(int64_t *)at = json_integer_value(value);
		return json_is_integer(value);
	case RG_SHARE:
		return read_number(value, 0, 1, at);
	case RG_NUMBER:
		return read_number(value, -1e18, 1e18, at);
	case RG_FLAG:
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value);
	case RG_TEXT:
		return read_text(reading, value, at);
	case RG_RECORD:
		return read_inner(reading, field->record, value, at);
	case RG_LIST:
		return read_list(reading, field->record, value, at);
	case RG_ROWS:
		return read_rows(reading, field->record, value, at);
	case RG_COUNTS:
		return read_counts(reading, value, at);
	case RG_ADDRESS:
	case RG_ID:
	case RG_INLINE:
		break;
	}
	/* no answer that is read again has such a field */
	return false;
}

static bool read_record(
	struct reading *reading, const struct rg_record *record, json_t *object, void *data)
{
	for (size_t i = 0; i < record->n_fields; i++) {
		const struct rg_field *field = &record->fields[i];
		json_t *value = field->name ? json_object_get(object, field->name) : NULL;

		if (!field->name || (!value && field->flags))
			continue;
		if (!value || !read_value(reading, field, value, (char *)data + field->offset)) {
			/* of what is in one another the innermost is told */
			if (!reading->wrong)
				reading->wrong = field->name;
			return false;
		}
	}
	return json_is_object(object);
}

/* jansson goes on without what it cannot allocate, a character of a text, and does not say so. */
static bool starved;

static void *allocate(size_t size)
{
	void *memory = malloc(size);

	starved |= !memory && size;
	return memory;
}

static enum rg_code parse(
	const char *path, const struct rg_bytes *bytes, json_t **json_ret, struct rg_error *err)
{
	json_malloc_t get;
	json_free_t put;
	json_error_t at;

	if (bytes->size > RG_JSON_MOST)
		return rg_fail(err, RG_LIMIT, "file-too-big", "%s: larger than %u MiB", path,
			RG_JSON_MOST >> 20);
	starved = false;
	json_get_alloc_funcs(&get, &put);
	json_set_alloc_funcs(allocate, free);
	*json_ret = json_loadb((const char *)bytes->data, bytes->size, JSON_REJECT_DUPLICATES, &at);
	json_set_alloc_funcs(get, put);
	if (starved)
		return rg_nomem(err);
	if (*json_ret)
		return RG_OK;
	return rg_fail(err, RG_BAD_DATA, "bad-json", "%s: no JSON: line %d, column %d: %s", path,
		at.line, at.column, at.text);
}

static enum rg_code read_answer(const struct rg_answer *answer, const char *path, json_t *json,
	void *data, struct rg_arena *arena, struct rg_error *err)
{
	struct reading reading = { .arena = arena };
	const char *schema = json_string_value(json_object_get(json, "schema"));
	char wanted[64];
	bool read;

	snprintf(wanted, sizeof(wanted), "refgraph.%s/1", answer->name);
	if (!schema || strcmp(schema, wanted) != 0)
		return rg_fail(err, RG_BAD_DATA, "other-schema",
			"%s: its schema is %s%.60s%s, not %s", path, schema ? "'" : "",
			schema ? schema : "missing", schema ? "'" : "", wanted);
	read = read_record(&reading, answer->record, json, data);
	if (arena->failed)
		return rg_nomem(err);
	if (!read)
		return rg_fail(err, RG_BAD_DATA, "bad-answer",
			"%s: '%s' is missing, or is not what %s says", path,
			reading.wrong ? reading.wrong : "rows", wanted);
	return RG_OK;
}

enum rg_code rg_json_read(const struct rg_answer *answer, const char *path, void *data,
	struct rg_arena *arena, struct rg_error *err)
{
	struct rg_bytes bytes;
	json_t *json = NULL;
	enum rg_code code = rg_bytes_init(&bytes, path, err);

	if (code)
		return code;
	code = parse(path, &bytes, &json, err);
	rg_bytes_deinit(&bytes);
	if (!code)
		code = read_answer(answer, path, json, data, arena, err);
	json_decref(json);
	return code == RG_BAD_DATA ? rg_at_file(err, path, 0) : code;
}
