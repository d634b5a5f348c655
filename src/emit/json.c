#include "src/emit/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/utf8.h"

#define TOOL "refgraph " PACKAGE_VERSION

/* --- values ------------------------------------------------------------------------------- */

/* TEXT with every invalid byte as U+FFFD. */
static json_t *clean_string(const char *text)
{
	size_t length = strlen(text), used, at = 0;
	char *clean = malloc(3 * length + 1);
	json_t *string;

	if (!clean)
		return NULL;
	for (size_t i = 0; i < length; i += used)
		at += rg_utf8_put(clean + at, rg_utf8_get(text + i, length - i, &used, NULL));
	string = json_stringn(clean, at);
	free(clean);
	return string;
}

/* TEXT, invalid bytes replaced; null for NULL. */
static json_t *string_value(const char *text)
{
	json_t *string = text ? json_string(text) : json_null();

	return string ? string : clean_string(text);
}

/* A tree that is being built: what cannot be allocated is missing from it, and sticks here. */
struct building {
	bool stable, failed;
};

/* Take VALUE, which may be NULL, under KEY. */
static void set(struct building *b, json_t *object, const char *key, json_t *value)
{
	b->failed |= json_object_set_new(object, key, value) != 0;
}

static void append(struct building *b, json_t *array, json_t *value)
{
	b->failed |= json_array_append_new(array, value) != 0;
}

static json_t *record_value(struct building *b, const struct rg_record *record, const void *data);

static json_t *rows_value(
	struct building *b, const struct rg_record *record, const struct rg_list *list)
{
	json_t *rows = json_array();

	for (uint64_t i = 0; i < list->shown; i++) {
		const char *row = (const char *)list->rows +
				  i * (record ? record->size : sizeof(char *));

		append(b, rows,
			record ? record_value(b, record, row)
			       : string_value(*(const char *const *)row));
	}
	return rows;
}

static json_t *list_value(
	struct building *b, const struct rg_record *record, const struct rg_list *list)
{
	json_t *object = json_object();

	set(b, object, "shown", json_integer((json_int_t)list->shown));
	set(b, object, "of", json_integer((json_int_t)list->of));
	set(b, object, "rows", rows_value(b, record, list));
	return object;
}

static json_t *number_value(uint64_t number)
{
	return json_integer((json_int_t)(number > INT64_MAX ? INT64_MAX : number));
}

static json_t *counts_value(struct building *b, const struct rg_list *list)
{
	json_t *rows = json_array();

	for (uint64_t i = 0; i < list->shown; i++)
		append(b, rows, number_value(((const uint64_t *)list->rows)[i]));
	return rows;
}

static json_t *address_value(uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)address);
	return json_string(text);
}

static json_t *field_value(struct building *b, const struct rg_field *field, const void *at)
{
	const void *pointer;

	switch (field->type) {
	case RG_COUNT:
	case RG_PLAIN:
	case RG_BYTES:
		return number_value(*(const uint64_t *)at);
	case RG_DELTA:
	case RG_DELTA_BYTES:
		return json_integer(*(const int64_t *)at);
	case RG_OPTIONAL:
	case RG_OPTIONAL_BYTES:
		return *(const uint64_t *)at == RG_NOTHING ? json_null()
							   : number_value(*(const uint64_t *)at);
	case RG_SHARE:
	case RG_NUMBER:
		return json_real(*(const double *)at);
	case RG_FLAG:
		return json_boolean(*(const bool *)at);
	case RG_TEXT:
		return string_value(*(const char *const *)at);
	case RG_ADDRESS:
		return address_value(*(const uint64_t *)at);
	case RG_ID:
		return *(const uint32_t *)at == UINT32_MAX ? json_null()
							   : json_integer(*(const uint32_t *)at);
	case RG_RECORD:
	case RG_INLINE:
		memcpy(&pointer, at, sizeof(pointer));
		return pointer ? record_value(b, field->record, pointer) : json_null();
	case RG_LIST:
		return list_value(b, field->record, at);
	case RG_ROWS:
		return rows_value(b, field->record, at);
	case RG_COUNTS:
		return counts_value(b, at);
	}
	return NULL;
}

static json_t *record_value(struct building *b, const struct rg_record *record, const void *data)
{
	json_t *object = json_object();

	for (size_t i = 0; i < record->n_fields; i++) {
		const struct rg_field *field = &record->fields[i];
		json_t *value;

		if (!field->name || (b->stable && field->flags & RG_VOLATILE))
			continue;
		value = field_value(b, field, (const char *)data + field->offset);
		if (field->type == RG_INLINE) {
			b->failed |= !value || (!json_is_null(value) &&
						       json_object_update(object, value) != 0);
			json_decref(value);
		} else if (field->flags & RG_OMIT_EMPTY &&
			   (json_is_null(value) || json_is_false(value) ||
				   (json_is_array(value) && !json_array_size(value))))
			json_decref(value);
		else
			set(b, object, field->name, value);
	}
	return object;
}

/* Characters that are legal in JSON, and that a terminal may obey. */
static bool is_unsafe(uint32_t cp)
{
	return (cp >= 0x7f && cp < 0xa0) || (cp >= 0x202a && cp <= 0x202e) || cp == 0x200e ||
	       cp == 0x200f || (cp >= 0x2066 && cp <= 0x2069) || cp == 0x2028 || cp == 0x2029 ||
	       cp == 0x061c || cp == 0xfeff;
}

static int put_safe(const char *buffer, size_t size, void *data)
{
	FILE *out = data;
	size_t used;

	for (size_t i = 0; i < size; i += used) {
		uint32_t cp = rg_utf8_get(buffer + i, size - i, &used, NULL);

		if (is_unsafe(cp))
			fprintf(out, "\\u%04x", cp);
		else
			fwrite(buffer + i, 1, used, out);
	}
	return ferror(out) ? -1 : 0;
}

/* JSON's own short escapes, or NULL. */
static const char *short_escape(uint32_t cp)
{
	switch (cp) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\b':
		return "\\b";
	case '\f':
		return "\\f";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

void rg_json_put_string(const char *text, FILE *out)
{
	size_t length = text ? strlen(text) : 0, used;

	if (!text) {
		fputs("null", out);
		return;
	}
	fputc('"', out);
	for (size_t i = 0; i < length; i += used) {
		uint32_t cp = rg_utf8_get(text + i, length - i, &used, NULL);
		char bytes[5] = "";

		if (short_escape(cp))
			fputs(short_escape(cp), out);
		else if (cp < 0x20 || is_unsafe(cp))
			fprintf(out, "\\u%04x", cp);
		else
			fwrite(bytes, 1, rg_utf8_put(bytes, cp), out);
	}
	fputc('"', out);
}

/* Write VALUE, which is released, if it could be built. */
static enum rg_code dump(struct building *b, json_t *value, FILE *out, struct rg_error *err)
{
	bool failed = b->failed || !value ||
		      json_dump_callback(value, put_safe, out, JSON_INDENT(2) | JSON_SORT_KEYS) !=
			      0;

	json_decref(value);
	if (failed && !ferror(out))
		return rg_nomem(err);
	fputc('\n', out);
	return RG_OK;
}

static char *schema_name(const struct rg_answer *answer, char out[64])
{
	snprintf(out, 64, "refgraph.%s/1", answer->name);
	return out;
}

enum rg_code rg_json_write(const struct rg_answer *answer, const void *data, bool stable, FILE *out,
	struct rg_error *err)
{
	struct building b = { .stable = stable };
	json_t *object = record_value(&b, answer->record, data);
	char name[64];

	set(&b, object, "schema", json_string(schema_name(answer, name)));
	set(&b, object, "tool", json_string(TOOL));
	return dump(&b, object, out, err);
}

/* --- the schema --------------------------------------------------------------------------- */

static json_t *type_schema(const char *type, bool nullable)
{
	return nullable ? json_pack("{s:[s,s]}", "type", type, "null")
			: json_pack("{s:s}", "type", type);
}

static json_t *record_schema(struct building *b, const struct rg_record *record);

static json_t *rows_schema(struct building *b, const struct rg_record *record)
{
	return json_pack("{s:s, s:o}", "type", "array", "items",
		record ? record_schema(b, record) : type_schema("string", false));
}

static json_t *field_schema(struct building *b, const struct rg_field *field)
{
	switch (field->type) {
	case RG_COUNT:
	case RG_PLAIN:
	case RG_BYTES:
		return json_pack("{s:s, s:i}", "type", "integer", "minimum", 0);
	case RG_DELTA:
	case RG_DELTA_BYTES:
		return type_schema("integer", false);
	case RG_OPTIONAL:
	case RG_OPTIONAL_BYTES:
	case RG_ID:
		return type_schema("integer", true);
	case RG_SHARE:
		return json_pack("{s:s, s:i, s:i}", "type", "number", "minimum", 0, "maximum", 1);
	case RG_NUMBER:
		return type_schema("number", false);
	case RG_FLAG:
		return type_schema("boolean", false);
	case RG_TEXT:
		return type_schema("string", true);
	case RG_ADDRESS:
		return json_pack("{s:s, s:s}", "type", "string", "pattern", "^0x[0-9a-f]+$");
	case RG_RECORD:
		return json_pack("{s:[o,o]}", "anyOf", record_schema(b, field->record),
			type_schema("null", false));
	case RG_INLINE:
		return record_schema(b, field->record);
	case RG_LIST:
		return json_pack("{s:s, s:[s,s,s], s:{s:{s:s}, s:{s:s}, s:o}}", "type", "object",
			"required", "shown", "of", "rows", "properties", "shown", "type", "integer",
			"of", "type", "integer", "rows", rows_schema(b, field->record));
	case RG_ROWS:
		return rows_schema(b, field->record);
	case RG_COUNTS:
		return json_pack(
			"{s:s, s:o}", "type", "array", "items", type_schema("integer", false));
	}
	return NULL;
}

static json_t *record_schema(struct building *b, const struct rg_record *record)
{
	json_t *properties = json_object(), *required = json_array();

	for (size_t i = 0; i < record->n_fields; i++) {
		const struct rg_field *field = &record->fields[i];
		json_t *schema;

		if (!field->name)
			continue;
		schema = field_schema(b, field);
		if (field->type == RG_INLINE) {
			b->failed |= json_object_update_missing(properties,
					     json_object_get(schema, "properties")) != 0;
			json_decref(schema);
			continue;
		}
		if (field->summary)
			set(b, schema, "description", json_string(field->summary));
		set(b, properties, field->name, schema);
		if (!field->flags)
			append(b, required, json_string(field->name));
	}
	return json_pack("{s:s, s:o, s:o}", "type", "object", "properties", properties, "required",
		required);
}

enum rg_code rg_json_schema(const struct rg_answer *answer, FILE *out, struct rg_error *err)
{
	struct building b = { 0 };
	json_t *schema = record_schema(&b, answer->record);
	json_t *properties = json_object_get(schema, "properties");
	char name[64];

	set(&b, schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	set(&b, schema, "title", json_string(schema_name(answer, name)));
	set(&b, properties, "schema", json_pack("{s:s}", "const", name));
	set(&b, properties, "tool", json_pack("{s:s}", "type", "string"));
	append(&b, json_object_get(schema, "required"), json_string("schema"));
	append(&b, json_object_get(schema, "required"), json_string("tool"));
	return dump(&b, schema, out, err);
}
