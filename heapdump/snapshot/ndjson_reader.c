#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/scan.h"
#include "heapdump/base/map.h"
#include "heapdump/base/names.h"
#include "heapdump/base/utf8.h"
#include "heapdump/snapshot/ndjson.h"
#include "heapdump/snapshot/writer.h"

#define CHUNK ((size_t)1 << 20)
#define NO_COUNT UINT32_MAX /* the refcount of an object that has none known */

/* What is known of an id, where a stream has no header: whether its object was listed. */
enum { REFERRED = 1, LISTED };

/* The totals of an end record, in the order of the blocks from types on. */
#define TOTALS (RG_BLOCK_END - RG_BLOCK_TYPES)

/* The fields of one line, as its keys have filled them. */
struct line {
	uint64_t address, number, size, items, extra, flags, basicsize, itemsize, refcount;
	uint64_t native_id, ident, shift, at_line;
	uint64_t totals[TOTALS];
	struct rg_scan_text name, module, kind, reference, text, place, function, file, key,
		version, format;
	uint32_t type, type_flags, thread, frame;
	enum rg_value_kind value_kind;
	enum rg_generation generation;
	int64_t integer;
	bool immortal, finalized, size_open, inexact, is_number;
	const char *start; /* of the value that is read */
};

struct record;

struct reader {
	struct rg_stream *stream;
	struct rg_writer *writer;
	FILE *out;
	struct rg_ndjson_summary *summary;
	struct rg_error *err;
	struct rg_scan json;
	const struct record *record;
	uint64_t seen; /* of the line: which keys of the record came, by bit */
	struct line line;

	struct rg_reference_record *references; /* of the line */
	size_t n_references, references_capacity;
	uint64_t next_index;

	char *buffer;
	size_t buffer_size, at, filled, searched;
	bool drained;

	struct rg_names strings, ids, type_names;
	uint32_t *type_of_name; /* by the number of the name */
	size_t n_type_names, type_names_capacity;
	struct rg_map type_of_id, thread_of_id, frame_of_id; /* by id + 1 */
	struct rg_map objects; /* where there is no header: address + 1 -> REFERRED or LISTED */
	uint64_t counts[RG_BLOCK_TYPE_COUNT];
	unsigned shift;
	bool has_header, ended, high_ids, out_of_memory;
	char missing[80]; /* "a root with a \"target\"" */
};

/* A key of a record: its name, how its value is read, and where to. */
struct key {
	const char *name;
	bool (*read)(struct reader *reader, void *to);
	size_t offset; /* in struct line */
};

struct record {
	const char *name;
	const struct key *keys;
	unsigned n_keys;
	uint64_t needed; /* the keys it cannot do without, by bit */
	bool (*take)(struct reader *reader);
};

/* --- mistakes ----------------------------------------------------------------------------- */

/* The value that was just read is not what it should be. */
static bool wrong(struct reader *r, const char *expected)
{
	return rg_scan_fail(&r->json, r->line.start, expected);
}

static bool no_memory(struct reader *r)
{
	r->out_of_memory = true;
	return wrong(r, "more memory");
}

static bool came(const struct reader *r, unsigned key)
{
	return r->seen >> key & 1;
}

/* --- names and ids ------------------------------------------------------------------------ */

/* The number of a string in the snapshot. */
static bool intern(struct reader *r, const char *text, size_t length, uint32_t *number_ret)
{
	size_t before = r->strings.count;

	*number_ret = rg_names_add(&r->strings, text, length);
	if (*number_ret == RG_MAP_NONE)
		return no_memory(r);
	if (r->strings.count > before)
		rg_writer_string(r->writer, text, rg_utf8_cut(text, length, RG_NDJSON_TEXT_LIMIT));
	return true;
}

/* The same, or RG_NO_STRING where the key did not come. */
static bool intern_optional(
	struct reader *r, unsigned key, const struct rg_scan_text *text, uint32_t *number_ret)
{
	*number_ret = RG_NO_STRING;
	return !came(r, key) || intern(r, text->bytes, text->length, number_ret);
}

static void put_value(struct reader *r, uint64_t address, enum rg_value_kind kind,
	const struct rg_scan_text *text, bool exact)
{
	size_t length = kind == RG_VALUE_BYTES && text->length > RG_NDJSON_TEXT_LIMIT
				? RG_NDJSON_TEXT_LIMIT
				: rg_utf8_cut(text->bytes, text->length, RG_NDJSON_TEXT_LIMIT);

	rg_writer_value(
		r->writer, &(struct rg_value_record){ .address = address,
				   .text = text->bytes,
				   .length = (uint32_t)length,
				   .kind = kind,
				   .exact = exact && text->exact && length == text->length });
	r->counts[RG_BLOCK_VALUES]++;
}

/* Where there is no header, remember that ADDRESS is an object; false where it was listed before. */
static bool note_object(struct reader *r, uint64_t address, uint32_t state)
{
	uint32_t known;

	if (r->has_header)
		return true;
	if (address == UINT64_MAX)
		return wrong(r, "an id less than 18446744073709551615");
	known = rg_map_get(&r->objects, address + 1);
	if (known == LISTED)
		return state == REFERRED || wrong(r, "an id that no object before this one has");
	if (known != state && !rg_map_set(&r->objects, address + 1, state))
		return no_memory(r);
	return true;
}

/* "0x" and 1 to 16 hexadecimal digits: an address. */
static bool hex_address(const struct rg_scan_text *text, uint64_t *address_ret)
{
	uint64_t value = 0;

	if (text->length < 3 || text->length > 18 || memcmp(text->bytes, "0x", 2) != 0)
		return false;
	for (size_t i = 2; i < text->length; i++) {
		char c = text->bytes[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			value = value << 4 | (uint64_t)(c - 'A' + 10);
		else
			return false;
	}
	*address_ret = value;
	return true;
}

static const char *const meets_made =
	"no id from 2^47 to 2^48 - 1 beside ids that are text: these lie there";

/* An id that is text: the address made up for it. The text becomes the object's name. */
static bool made_address(struct reader *r, const struct rg_scan_text *text, uint64_t *address_ret)
{
	size_t before = r->ids.count;
	uint32_t number = rg_names_add(&r->ids, text->bytes, text->length);

	if (number == RG_MAP_NONE)
		return no_memory(r);
	if (r->high_ids)
		return wrong(r, meets_made);
	*address_ret = RG_NDJSON_MADE + (uint64_t)number * RG_NDJSON_MADE_STEP;
	if (r->ids.count > before)
		put_value(r, *address_ret, RG_VALUE_NAME, text, true);
	return true;
}

/* The address that an id means: a number, "0x..." or another text; of any alignment. */
static bool read_any_address(struct reader *r, void *to)
{
	struct rg_scan_text text;
	uint64_t *address = to;

	if (rg_scan_peek(&r->json) == '"') {
		if (!rg_scan_string(&r->json, &text))
			return false;
		if (!hex_address(&text, address))
			return made_address(r, &text, address);
	} else if (!rg_scan_u64(&r->json, address)) {
		/* say what an id may be, not what this form of it may */
		r->json.expected = NULL;
		return wrong(r, "an id: a number from 0, \"0x...\" or a text");
	}
	if (*address >= RG_NDJSON_MADE && *address < RG_NDJSON_MADE_END) {
		r->high_ids = true;
		if (r->ids.count)
			return wrong(r, meets_made);
	}
	return true;
}

/* The same of an object. */
static bool read_address(struct reader *r, void *to)
{
	uint64_t unit = UINT64_C(1) << r->shift;

	return read_any_address(r, to) &&
	       (*(uint64_t *)to % unit == 0 ||
		       wrong(r, "an id that is a multiple of 2^shift, as the header says"));
}

/* An id that refers to an object, listed or not. */
static bool read_referred(struct reader *r, void *to)
{
	return read_address(r, to) && note_object(r, *(uint64_t *)to, REFERRED);
}

/* --- values of keys ----------------------------------------------------------------------- */

static bool read_u64(struct reader *r, void *to)
{
	return rg_scan_u64(&r->json, to);
}

static bool read_u32(struct reader *r, void *to)
{
	uint64_t value;

	if (!rg_scan_u64(&r->json, &value))
		return false;
	if (value >= UINT32_MAX)
		return wrong(r, "a whole number from 0 to 4294967294");
	*(uint32_t *)to = (uint32_t)value;
	return true;
}

static bool read_flag(struct reader *r, void *to)
{
	return rg_scan_bool(&r->json, to);
}

/* true: the flag is NOT set. */
static bool read_not(struct reader *r, void *to)
{
	bool value;

	if (!rg_scan_bool(&r->json, &value))
		return false;
	*(bool *)to = !value;
	return true;
}

/* The two digits at P, or -1. */
static int hex_pair(const char *p)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *high = p[0] ? strchr(digits, p[0]) : NULL;
	const char *low = p[1] ? strchr(digits, p[1]) : NULL;

	return high && low ? (int)((high - digits) % 16 * 16 + (low - digits) % 16) : -1;
}

/* The text in hex digits, decoded where it stands. */
static bool decode_hex(struct reader *r, struct rg_scan_text *text)
{
	char *out = r->json.start + (text->bytes - r->json.start);

	if (text->length % 2)
		return wrong(r, "an even number of hexadecimal digits");
	for (size_t i = 0; i < text->length; i += 2) {
		int byte = hex_pair(text->bytes + i);

		if (byte < 0)
			return wrong(r, "hexadecimal digits");
		out[i / 2] = (char)byte;
	}
	text->length /= 2;
	return true;
}

/* A text: a string, or {"hex": "..."}. */
static bool read_text(struct reader *r, void *to)
{
	struct rg_scan_text key, *text = to;
	bool found = false;

	if (rg_scan_peek(&r->json) != '{')
		return rg_scan_string(&r->json, text);
	for (bool more = rg_scan_begin(&r->json, '{'); more; more = rg_scan_more(&r->json, '}')) {
		if (!rg_scan_key(&r->json, &key))
			return false;
		if (key.length != 3 || memcmp(key.bytes, "hex", 3) != 0 || found)
			return wrong(r, "a text, or {\"hex\":\"...\"}");
		if (!rg_scan_string(&r->json, text) || !decode_hex(r, text))
			return false;
		found = true;
	}
	return rg_scan_ok(&r->json) && (found || wrong(r, "a text, or {\"hex\":\"...\"}"));
}

/* A value: a text, or a number, which is kept as it is written. */
static bool read_preview(struct reader *r, void *to)
{
	char c = rg_scan_peek(&r->json);

	r->line.is_number = c == '-' || (c >= '0' && c <= '9');
	return r->line.is_number ? rg_scan_number(&r->json, to) : read_text(r, to);
}

/* A fact's value: a text, or a whole number. */
static bool read_fact(struct reader *r, void *to)
{
	char c = rg_scan_peek(&r->json);

	r->line.is_number = c == '-' || (c >= '0' && c <= '9');
	return r->line.is_number ? rg_scan_i64(&r->json, &r->line.integer) : read_text(r, to);
}

static bool is_text(const struct rg_scan_text *text, const char *name)
{
	return text->length == strlen(name) && memcmp(text->bytes, name, text->length) == 0;
}

static bool read_generation(struct reader *r, void *to)
{
	struct rg_scan_text text;
	uint64_t number;

	if (rg_scan_peek(&r->json) != '"') {
		if (!rg_scan_u64(&r->json, &number) || number > RG_GEN_2)
			return wrong(r, "a generation: 0, 1, 2, permanent or untracked");
		*(enum rg_generation *)to = (enum rg_generation)number;
		return true;
	}
	if (!rg_scan_string(&r->json, &text))
		return false;
	for (int g = 0; g < RG_GEN_COUNT; g++)
		if (is_text(&text, rg_generation_names[g])) {
			*(enum rg_generation *)to = (enum rg_generation)g;
			return true;
		}
	return wrong(r, "a generation: 0, 1, 2, permanent or untracked");
}

/* A kind of reference by its name. */
static bool kind_of(struct reader *r, const struct rg_scan_text *text, enum rg_kind *kind_ret)
{
	for (int kind = 0; kind < RG_KIND_COUNT; kind++)
		if (is_text(text, rg_ndjson_kind((enum rg_kind)kind))) {
			*kind_ret = (enum rg_kind)kind;
			return true;
		}
	return wrong(r, "a kind of reference, as attr, item, key or other");
}

static bool read_flags(struct reader *r, void *to)
{
	uint32_t *flags = to;
	struct rg_scan_text text;

	*flags = 0;
	for (bool more = rg_scan_begin(&r->json, '['); more; more = rg_scan_more(&r->json, ']')) {
		uint64_t number;
		unsigned bit = 0;

		if (rg_scan_peek(&r->json) != '"') {
			if (!rg_scan_u64(&r->json, &number) || number > UINT32_MAX)
				return wrong(r, "the name of a flag");
			*flags |= (uint32_t)number;
			continue;
		}
		if (!rg_scan_string(&r->json, &text))
			return false;
		while (bit < RG_NDJSON_TYPE_FLAGS && !is_text(&text, rg_ndjson_type_flags[bit]))
			bit++;
		if (bit == RG_NDJSON_TYPE_FLAGS)
			return wrong(r, "flags of a type, as gc, heap or finalizer");
		*flags |= 1u << bit;
	}
	return rg_scan_ok(&r->json);
}

/* --- types -------------------------------------------------------------------------------- */

/* Remember the type NUMBER by its dotted name; the first one of a name counts. */
static bool name_type(struct reader *r, const char *text, size_t length, uint32_t number)
{
	size_t before = r->type_names.count;
	uint32_t *slot;

	if (rg_names_add(&r->type_names, text, length) == RG_MAP_NONE)
		return no_memory(r);
	if (r->type_names.count == before)
		return true;
	slot = RG_PUSH(r->type_of_name, r->n_type_names, r->type_names_capacity);
	if (!slot)
		return no_memory(r);
	*slot = number;
	return true;
}

/* The type of a dotted name, made where there is none: the module is what stands before the dot. */
static bool type_by_name(struct reader *r, const struct rg_scan_text *text, uint32_t *type_ret)
{
	struct rg_type_record type = { .module = RG_NO_STRING };
	size_t before = r->type_names.count;
	uint32_t known = rg_names_add(&r->type_names, text->bytes, text->length);
	const char *dot = memrchr(text->bytes, '.', text->length);
	const char *name = dot ? dot + 1 : text->bytes;
	uint32_t *slot;

	if (known == RG_MAP_NONE)
		return no_memory(r);
	if (known < before) {
		*type_ret = r->type_of_name[known];
		return true;
	}
	slot = RG_PUSH(r->type_of_name, r->n_type_names, r->type_names_capacity);
	if (!slot || !intern(r, name, (size_t)(text->bytes + text->length - name), &type.name) ||
		(dot && !intern(r, text->bytes, (size_t)(dot - text->bytes), &type.module)))
		return no_memory(r);
	*slot = *type_ret = rg_writer_type(r->writer, &type);
	r->counts[RG_BLOCK_TYPES]++;
	return true;
}

/* The number of a type record, or a dotted name. */
static bool read_type(struct reader *r, void *to)
{
	struct rg_scan_text text;
	uint64_t id;
	uint32_t *type = to;

	if (rg_scan_peek(&r->json) == '"')
		return rg_scan_string(&r->json, &text) && type_by_name(r, &text, type);
	if (!rg_scan_u64(&r->json, &id))
		return false;
	*type = id == UINT64_MAX ? RG_MAP_NONE : rg_map_get(&r->type_of_id, id + 1);
	return *type != RG_MAP_NONE || wrong(r, "the id of a type that stands before this line");
}

/* --- references --------------------------------------------------------------------------- */

/* {"object": id}, the key of a dict, or {"hex": "..."}, a name that is no UTF-8. */
static bool read_label_object(struct reader *r, struct rg_reference_record *reference)
{
	static const char expected[] = "a label: a text, an index or {\"object\":id}";
	struct rg_scan_text key = { 0 }, text;
	bool more = rg_scan_begin(&r->json, '{');
	uint32_t number;

	if (!more || !rg_scan_key(&r->json, &key))
		return wrong(r, expected);
	if (is_text(&key, "object")) {
		r->line.start = r->json.at;
		reference->form = RG_LABEL_OBJECT;
		if (!read_referred(r, &reference->label))
			return false;
	} else if (is_text(&key, "hex")) {
		reference->form = RG_LABEL_STRING;
		if (!rg_scan_string(&r->json, &text) || !decode_hex(r, &text) ||
			!intern(r, text.bytes, text.length, &number))
			return false;
		reference->label = number;
	} else {
		return wrong(r, expected);
	}
	if (rg_scan_more(&r->json, '}'))
		return wrong(r, expected);
	return rg_scan_ok(&r->json);
}

/* An index that is the one after the last takes no room in the snapshot. */
static void set_index(struct reader *r, struct rg_reference_record *reference)
{
	reference->form = reference->label == r->next_index ? RG_LABEL_NEXT : RG_LABEL_INDEX;
	r->next_index = reference->label + 1;
}

static bool read_label(struct reader *r, struct rg_reference_record *reference)
{
	struct rg_scan_text text;
	uint32_t number;
	char c = rg_scan_peek(&r->json);

	if (c == 'n')
		return rg_scan_skip(&r->json);
	if (c == '{')
		return read_label_object(r, reference);
	if (c == '"') {
		if (!rg_scan_string(&r->json, &text) ||
			!intern(r, text.bytes, text.length, &number))
			return false;
		reference->form = RG_LABEL_STRING;
		reference->label = number;
		return true;
	}
	if (!rg_scan_u64(&r->json, &reference->label))
		return false;
	reference->form = RG_LABEL_INDEX;
	return true;
}

/* What a reference is that does not say its kind: what its label says. */
static enum rg_kind default_kind(enum rg_label_form form)
{
	static const enum rg_kind kinds[RG_LABEL_FORM_COUNT] = {
		[RG_LABEL_NONE] = RG_KIND_OTHER,
		[RG_LABEL_NEXT] = RG_KIND_ITEM,
		[RG_LABEL_INDEX] = RG_KIND_ITEM,
		[RG_LABEL_STRING] = RG_KIND_ATTR,
		[RG_LABEL_OBJECT] = RG_KIND_KEY,
	};

	return kinds[form];
}

enum { TO = 1, KIND = 2, LABEL = 4, UNTRAVERSED = 8 };

/* One member of a reference; its bit, 0 for one that is not known, -1 for a mistake. */
static int read_member(struct reader *r, struct rg_reference_record *reference)
{
	struct rg_scan_text key, text;

	if (!rg_scan_key(&r->json, &key))
		return -1;
	rg_scan_peek(&r->json);
	r->line.start = r->json.at;
	if (is_text(&key, "to"))
		return read_referred(r, &reference->target) ? TO : -1;
	if (is_text(&key, "kind"))
		return rg_scan_string(&r->json, &text) && kind_of(r, &text, &reference->kind) ? KIND
											      : -1;
	if (is_text(&key, "label"))
		return read_label(r, reference) ? LABEL : -1;
	if (is_text(&key, "untraversed"))
		return rg_scan_bool(&r->json, &reference->untraversed) ? UNTRAVERSED : -1;
	return rg_scan_skip(&r->json) ? 0 : -1;
}

/* An id, or {"to": id, "kind": ..., "label": ...}. */
static bool read_reference(struct reader *r, struct rg_reference_record *reference)
{
	const char *start;
	int seen = 0;

	*reference = (struct rg_reference_record){ .kind = RG_KIND_OTHER };
	if (rg_scan_peek(&r->json) != '{') {
		r->line.start = r->json.at;
		return read_referred(r, &reference->target);
	}
	start = r->json.at;
	for (bool more = rg_scan_begin(&r->json, '{'); more; more = rg_scan_more(&r->json, '}')) {
		const char *at = r->json.at;
		int bit = read_member(r, reference);

		if (bit < 0)
			return false;
		if (seen & bit)
			return rg_scan_fail(&r->json, at, "a key that did not come before");
		seen |= bit;
	}
	if (rg_scan_ok(&r->json) && !(seen & TO))
		return rg_scan_fail(&r->json, start, "a reference with a \"to\"");
	if (!(seen & KIND))
		reference->kind = default_kind(reference->form);
	if (reference->form == RG_LABEL_INDEX)
		set_index(r, reference);
	return rg_scan_ok(&r->json);
}

static bool read_references(struct reader *r, void *to)
{
	(void)to;
	r->n_references = 0;
	r->next_index = 0;
	for (bool more = rg_scan_begin(&r->json, '['); more; more = rg_scan_more(&r->json, ']')) {
		struct rg_reference_record *slot = RG_PUSH(
			r->references, r->n_references, r->references_capacity);

		if (!slot)
			return no_memory(r);
		if (!read_reference(r, slot))
			return false;
	}
	return rg_scan_ok(&r->json);
}

static void put_references(struct reader *r, uint64_t source)
{
	rg_writer_references(r->writer, source, r->references, r->n_references);
	r->counts[RG_BLOCK_REFERENCES] += r->n_references;
}

/* --- records ------------------------------------------------------------------------------ */

#define AT(member) offsetof(struct line, member)
#define NEEDS(key) (UINT64_C(1) << (key))
#define KEYS(table) (table), sizeof(table) / sizeof(*(table))

enum { HEADER_FORMAT, HEADER_VERSION, HEADER_SHIFT };
static const struct key header_keys[] = {
	[HEADER_FORMAT] = { "format", read_text, AT(format) },
	[HEADER_VERSION] = { "version", read_text, AT(version) },
	[HEADER_SHIFT] = { "shift", read_u64, AT(shift) },
};

static bool take_header(struct reader *r)
{
	const struct line *line = &r->line;
	const char *version = line->version.bytes;

	if (r->writer)
		return rg_scan_fail(&r->json, r->json.start, "no header behind other records");
	if (!is_text(&line->format, RG_NDJSON_FORMAT))
		return rg_scan_fail(&r->json, r->json.start, "the format \"" RG_NDJSON_FORMAT "\"");
	if (line->version.length < 2 || version[0] != '0' + RG_NDJSON_MAJOR || version[1] != '.')
		return rg_scan_fail(&r->json, r->json.start,
			"a version 1.x of the format; a newer refgraph reads others");
	if (line->shift > RG_SHIFT_LIMIT)
		return rg_scan_fail(&r->json, r->json.start, "a shift from 0 to 3");
	r->has_header = true;
	r->shift = (unsigned)line->shift;
	return true;
}

enum { TYPE_ID, TYPE_NAME, TYPE_MODULE, TYPE_ADDRESS, TYPE_FLAGS, TYPE_BASICSIZE, TYPE_ITEMSIZE };
static const struct key type_keys[] = {
	[TYPE_ID] = { "id", read_u64, AT(number) },
	[TYPE_NAME] = { "name", read_text, AT(name) },
	[TYPE_MODULE] = { "module", read_text, AT(module) },
	[TYPE_ADDRESS] = { "address", read_any_address, AT(address) },
	[TYPE_FLAGS] = { "flags", read_flags, AT(type_flags) },
	[TYPE_BASICSIZE] = { "basicsize", read_u64, AT(basicsize) },
	[TYPE_ITEMSIZE] = { "itemsize", read_u64, AT(itemsize) },
};

/* The name by which objects may refer to the type. */
static bool name_type_record(struct reader *r, uint32_t number)
{
	const struct line *line = &r->line;
	size_t length = line->module.length + line->name.length + 1;
	char *dotted;
	bool done;

	if (!came(r, TYPE_MODULE) || is_text(&line->module, "builtins"))
		return name_type(r, line->name.bytes, line->name.length, number);
	dotted = malloc(length);
	if (!dotted)
		return no_memory(r);
	memcpy(dotted, line->module.bytes, line->module.length);
	dotted[line->module.length] = '.';
	memcpy(dotted + line->module.length + 1, line->name.bytes, line->name.length);
	done = name_type(r, dotted, length, number);
	free(dotted);
	return done;
}

/* Remember in MAP that the record of this line's id is the NUMBER-th; without id, NUMBER is it. */
static bool set_id(struct reader *r, struct rg_map *map, uint32_t number)
{
	uint64_t id = came(r, 0) ? r->line.number : number;

	if (id == UINT64_MAX || rg_map_get(map, id + 1) != RG_MAP_NONE)
		return rg_scan_fail(
			&r->json, r->json.start, "an id that no such record before it has");
	return rg_map_set(map, id + 1, number) || no_memory(r);
}

static bool take_type(struct reader *r)
{
	struct rg_type_record type = { .address = r->line.address,
		.flags = r->line.type_flags,
		.basicsize = r->line.basicsize,
		.itemsize = r->line.itemsize };
	uint32_t number = (uint32_t)r->counts[RG_BLOCK_TYPES];

	if (r->counts[RG_BLOCK_TYPES] >= RG_MAP_NONE - 1)
		return rg_scan_fail(&r->json, r->json.start, "fewer types");
	/* a type without id is known by its name */
	if ((came(r, TYPE_ID) && !set_id(r, &r->type_of_id, number)) ||
		!intern(r, r->line.name.bytes, r->line.name.length, &type.name) ||
		!intern_optional(r, TYPE_MODULE, &r->line.module, &type.module) ||
		!name_type_record(r, number))
		return false;
	rg_writer_type(r->writer, &type);
	r->counts[RG_BLOCK_TYPES]++;
	return true;
}

enum {
	OBJECT_ID,
	OBJECT_TYPE,
	OBJECT_SIZE,
	OBJECT_REFCOUNT,
	OBJECT_GENERATION,
	OBJECT_IMMORTAL,
	OBJECT_FINALIZED,
	OBJECT_SIZE_OPEN,
	OBJECT_ITEMS,
	OBJECT_EXTRA,
	OBJECT_FLAGS,
	OBJECT_REFERENCES,
	OBJECT_NAME,
	OBJECT_VALUE,
	OBJECT_VALUE_EXACT,
	OBJECT_SITE,
};
static const struct key object_keys[] = {
	[OBJECT_ID] = { "id", read_address, AT(address) },
	[OBJECT_TYPE] = { "type", read_type, AT(type) },
	[OBJECT_SIZE] = { "size", read_u64, AT(size) },
	[OBJECT_REFCOUNT] = { "refcount", read_u64, AT(refcount) },
	[OBJECT_GENERATION] = { "generation", read_generation, AT(generation) },
	[OBJECT_IMMORTAL] = { "immortal", read_flag, AT(immortal) },
	[OBJECT_FINALIZED] = { "finalized", read_flag, AT(finalized) },
	[OBJECT_SIZE_OPEN] = { "size_open", read_flag, AT(size_open) },
	[OBJECT_ITEMS] = { "items", read_u64, AT(items) },
	[OBJECT_EXTRA] = { "extra", read_u64, AT(extra) },
	[OBJECT_FLAGS] = { "flags", read_u64, AT(flags) },
	[OBJECT_REFERENCES] = { "references", read_references, 0 },
	[OBJECT_NAME] = { "name", read_text, AT(name) },
	[OBJECT_VALUE] = { "value", read_preview, AT(text) },
	[OBJECT_VALUE_EXACT] = { "value_exact", read_not, AT(inexact) },
	[OBJECT_SITE] = { "site", read_text, AT(place) },
};

static bool unknown_type(struct reader *r, uint32_t *type_ret)
{
	return type_by_name(r, &(struct rg_scan_text){ "unknown", 7, true }, type_ret);
}

static uint32_t object_flags(const struct reader *r)
{
	const struct line *line = &r->line;
	bool uncounted = !came(r, OBJECT_REFCOUNT);

	return (came(r, OBJECT_GENERATION) ? line->generation : RG_GEN_UNTRACKED) |
	       (line->immortal || uncounted ? RG_OBJECT_IMMORTAL : 0) |
	       (line->finalized ? RG_OBJECT_FINALIZED : 0) |
	       (line->size_open ? RG_OBJECT_SIZE_OPEN : 0) |
	       (came(r, OBJECT_ITEMS) ? RG_OBJECT_ITEMS : 0) |
	       (came(r, OBJECT_EXTRA) ? RG_OBJECT_EXTRA : 0) |
	       ((uint32_t)line->flags & ~(uint32_t)RG_OBJECT_FLAGS);
}

static void put_previews(struct reader *r)
{
	const struct line *line = &r->line;

	if (came(r, OBJECT_VALUE))
		put_value(r, line->address, line->is_number ? RG_VALUE_NUMBER : RG_VALUE_STR,
			&line->text, !line->inexact);
	if (came(r, OBJECT_NAME))
		put_value(r, line->address, RG_VALUE_NAME, &line->name, true);
	if (came(r, OBJECT_SITE))
		put_value(r, line->address, RG_VALUE_PLACE, &line->place, true);
}

static bool take_object(struct reader *r)
{
	const struct line *line = &r->line;
	bool uncounted = !came(r, OBJECT_REFCOUNT);
	struct rg_object_record object = { .address = line->address,
		.size = line->size,
		.refcount = uncounted ? NO_COUNT : line->refcount,
		.items = line->items,
		.extra = line->extra,
		.type = line->type,
		.flags = object_flags(r) };

	r->line.start = r->json.start;
	if (!note_object(r, line->address, LISTED) ||
		(!came(r, OBJECT_TYPE) && !unknown_type(r, &object.type)))
		return false;
	rg_writer_object(r->writer, &object);
	r->counts[RG_BLOCK_OBJECTS]++;
	r->summary->uncounted += uncounted && !line->immortal;
	if (came(r, OBJECT_REFERENCES))
		put_references(r, line->address);
	put_previews(r);
	return true;
}

enum { REFERENCES_SOURCE, REFERENCES_REFERENCES };
static const struct key references_keys[] = {
	[REFERENCES_SOURCE] = { "source", read_referred, AT(address) },
	[REFERENCES_REFERENCES] = { "references", read_references, 0 },
};

static bool take_references(struct reader *r)
{
	put_references(r, r->line.address);
	return true;
}

enum { VALUE_OBJECT, VALUE_KIND, VALUE_VALUE, VALUE_EXACT };
static const struct key value_keys[] = {
	[VALUE_OBJECT] = { "object", read_referred, AT(address) },
	[VALUE_KIND] = { "kind", read_text, AT(kind) },
	[VALUE_VALUE] = { "value", read_preview, AT(text) },
	[VALUE_EXACT] = { "value_exact", read_not, AT(inexact) },
};

static bool take_value(struct reader *r)
{
	const struct line *line = &r->line;
	int kind = line->is_number ? RG_VALUE_NUMBER : RG_VALUE_STR;

	if (came(r, VALUE_KIND)) {
		for (kind = RG_VALUE_STR; kind < RG_VALUE_KIND_COUNT; kind++)
			if (is_text(&line->kind, rg_ndjson_values[kind]))
				break;
		if (kind == RG_VALUE_KIND_COUNT)
			return rg_scan_fail(&r->json, r->json.start,
				"a kind of value: str, bytes, number, name or place");
	}
	put_value(r, line->address, (enum rg_value_kind)kind, &line->text, !line->inexact);
	return true;
}

enum {
	ROOT_TARGET,
	ROOT_KIND,
	ROOT_REFERENCE,
	ROOT_NAME,
	ROOT_LABEL,
	ROOT_THREAD,
	ROOT_FRAME,
};
static const struct key root_keys[] = {
	[ROOT_TARGET] = { "target", read_referred, AT(address) },
	[ROOT_KIND] = { "kind", read_text, AT(kind) },
	[ROOT_REFERENCE] = { "reference", read_text, AT(reference) },
	[ROOT_NAME] = { "name", read_text, AT(name) },
	[ROOT_LABEL] = { "label", read_text, AT(text) },
	[ROOT_THREAD] = { "thread", read_u32, AT(thread) },
	[ROOT_FRAME] = { "frame", read_u32, AT(frame) },
};

/* The number of the thread or frame with that id, or none where the key did not come. */
static bool look_up(
	struct reader *r, unsigned key, const struct rg_map *map, uint32_t id, uint32_t *ret)
{
	*ret = came(r, key) ? rg_map_get(map, (uint64_t)id + 1) : UINT32_MAX;
	return !came(r, key) || *ret != RG_MAP_NONE ||
	       rg_scan_fail(&r->json, r->json.start,
		       "threads and frames that stand before what refers to them");
}

static bool take_root(struct reader *r)
{
	struct line *line = &r->line;
	struct rg_root_record root = {
		.target = line->address, .kind = RG_ROOT_INTERPRETER, .reference = RG_KIND_OTHER
	};

	if (!came(r, ROOT_KIND) && !came(r, ROOT_NAME)) {
		line->name = (struct rg_scan_text){ "root", 4, true };
		r->seen |= NEEDS(ROOT_NAME);
	}
	if (came(r, ROOT_KIND)) {
		int kind = 0;

		while (kind < RG_ROOT_KIND_COUNT && !is_text(&line->kind, rg_root_names[kind]))
			kind++;
		if (kind == RG_ROOT_KIND_COUNT)
			return rg_scan_fail(&r->json, r->json.start,
				"a kind of root: module, frame, thread, interpreter, "
				"static type or held from C");
		root.kind = (enum rg_root_kind)kind;
	}
	line->start = r->json.start;
	if ((came(r, ROOT_REFERENCE) && !kind_of(r, &line->reference, &root.reference)) ||
		!intern_optional(r, ROOT_NAME, &line->name, &root.name) ||
		!intern_optional(r, ROOT_LABEL, &line->text, &root.label) ||
		!look_up(r, ROOT_THREAD, &r->thread_of_id, line->thread, &root.thread) ||
		!look_up(r, ROOT_FRAME, &r->frame_of_id, line->frame, &root.frame))
		return false;
	rg_writer_root(r->writer, &root);
	r->counts[RG_BLOCK_ROOTS]++;
	return true;
}

enum { THREAD_ID, THREAD_NATIVE_ID, THREAD_IDENT, THREAD_NAME };
static const struct key thread_keys[] = {
	[THREAD_ID] = { "id", read_u64, AT(number) },
	[THREAD_NATIVE_ID] = { "native_id", read_u64, AT(native_id) },
	[THREAD_IDENT] = { "ident", read_u64, AT(ident) },
	[THREAD_NAME] = { "name", read_text, AT(name) },
};

static bool take_thread(struct reader *r)
{
	struct rg_thread_record thread = { .native_id = r->line.native_id, .ident = r->line.ident };

	if (!set_id(r, &r->thread_of_id, (uint32_t)r->counts[RG_BLOCK_THREADS]) ||
		!intern_optional(r, THREAD_NAME, &r->line.name, &thread.name))
		return false;
	rg_writer_thread(r->writer, &thread);
	r->counts[RG_BLOCK_THREADS]++;
	return true;
}

enum { FRAME_ID, FRAME_THREAD, FRAME_FUNCTION, FRAME_FILE, FRAME_LINE };
static const struct key frame_keys[] = {
	[FRAME_ID] = { "id", read_u64, AT(number) },
	[FRAME_THREAD] = { "thread", read_u32, AT(thread) },
	[FRAME_FUNCTION] = { "function", read_text, AT(function) },
	[FRAME_FILE] = { "file", read_text, AT(file) },
	[FRAME_LINE] = { "line", read_u32, AT(frame) },
};

static bool take_frame(struct reader *r)
{
	struct rg_frame_record frame = { .line = r->line.frame };

	if (!set_id(r, &r->frame_of_id, (uint32_t)r->counts[RG_BLOCK_FRAMES]) ||
		!look_up(r, FRAME_THREAD, &r->thread_of_id, r->line.thread, &frame.thread) ||
		!intern_optional(r, FRAME_FUNCTION, &r->line.function, &frame.function) ||
		!intern_optional(r, FRAME_FILE, &r->line.file, &frame.file))
		return false;
	rg_writer_frame(r->writer, &frame);
	r->counts[RG_BLOCK_FRAMES]++;
	return true;
}

enum { FACT_KEY, FACT_VALUE };
static const struct key fact_keys[] = {
	[FACT_KEY] = { "key", read_text, AT(key) },
	[FACT_VALUE] = { "value", read_fact, AT(text) },
};

static bool take_fact(struct reader *r)
{
	const struct line *line = &r->line;
	struct rg_fact_record fact = { .key = line->key.bytes, .number = line->integer };

	fact.key_length = (uint32_t)rg_utf8_cut(fact.key, line->key.length, RG_NDJSON_KEY_LIMIT);
	if (!line->is_number) {
		fact.text = line->text.bytes;
		fact.text_length = (uint32_t)rg_utf8_cut(
			fact.text, line->text.length, RG_NDJSON_TEXT_LIMIT);
	}
	rg_writer_fact(r->writer, &fact);
	r->counts[RG_BLOCK_FACTS]++;
	return true;
}

static const struct key end_keys[] = {
	{ "types", read_u64, AT(totals[0]) },
	{ "objects", read_u64, AT(totals[1]) },
	{ "references", read_u64, AT(totals[2]) },
	{ "values", read_u64, AT(totals[3]) },
	{ "roots", read_u64, AT(totals[4]) },
	{ "threads", read_u64, AT(totals[5]) },
	{ "frames", read_u64, AT(totals[6]) },
	{ "facts", read_u64, AT(totals[7]) },
};

static bool take_end(struct reader *r)
{
	for (unsigned i = 0; i < TOTALS; i++)
		if (came(r, i) && r->line.totals[i] != r->counts[RG_BLOCK_TYPES + i])
			return rg_scan_fail(&r->json, r->json.start,
				"an end record that counts what stands before it");
	r->ended = true;
	return true;
}

/* The kinds of record, the most frequent first. */
static const struct record records[] = {
	{ "object", KEYS(object_keys), NEEDS(OBJECT_ID), take_object },
	{ "references", KEYS(references_keys),
		NEEDS(REFERENCES_SOURCE) | NEEDS(REFERENCES_REFERENCES), take_references },
	{ "value", KEYS(value_keys), NEEDS(VALUE_OBJECT) | NEEDS(VALUE_VALUE), take_value },
	{ "type", KEYS(type_keys), NEEDS(TYPE_NAME), take_type },
	{ "root", KEYS(root_keys), NEEDS(ROOT_TARGET), take_root },
	{ "thread", KEYS(thread_keys), 0, take_thread },
	{ "frame", KEYS(frame_keys), NEEDS(FRAME_THREAD), take_frame },
	{ "fact", KEYS(fact_keys), NEEDS(FACT_KEY) | NEEDS(FACT_VALUE), take_fact },
	{ "header", KEYS(header_keys), NEEDS(HEADER_FORMAT) | NEEDS(HEADER_VERSION), take_header },
	{ "end", KEYS(end_keys), 0, take_end },
};
#define KEY_RECORD 63 /* the bit of the key that says which record it is */
#define N_RECORDS (sizeof(records) / sizeof(records[0]))
#define RECORD_OBJECT (&records[0])
#define RECORD_HEADER (&records[8])

/* --- lines -------------------------------------------------------------------------------- */

static const struct record *record_of(const struct rg_scan_text *name)
{
	for (size_t i = 0; i < N_RECORDS; i++)
		if (is_text(name, records[i].name))
			return &records[i];
	return NULL;
}

/* Whether the next member of JSON is "record"; if so its value, read. */
static bool is_record_key(struct rg_scan *json, struct rg_scan_text *name_ret, bool *found_ret)
{
	struct rg_scan_text key;

	if (!rg_scan_key(json, &key))
		return false;
	*found_ret = is_text(&key, "record");
	return *found_ret ? rg_scan_string(json, name_ret) : rg_scan_skip(json);
}

/* Look for "record" behind the first member; the line is not changed. Mistakes wait for later. */
static bool search_record(struct reader *r, char *line, size_t length, const struct record **ret)
{
	bool escaped = memchr(line, '\\', length), found = false;
	struct rg_scan_text name;
	struct rg_scan json;
	char *copy = NULL;

	if (!escaped && !memmem(line, length, "\"record\"", 8))
		return true;
	if (escaped) {
		/* reading unescapes in place, and the line is to be read again */
		copy = malloc(length + 1);
		if (!copy)
			return no_memory(r);
		memcpy(copy, line, length + 1);
	}
	json = rg_scan_over(copy ? copy : line, length);
	for (bool more = rg_scan_begin(&json, '{'); more && !found; more = rg_scan_more(&json, '}'))
		if (!is_record_key(&json, &name, &found))
			break;
	if (found)
		*ret = record_of(&name);
	free(copy);
	return true;
}

/* The key of the record that TEXT is, tried first where the last one was left; -1: none. */
static int find_key(const struct record *record, const struct rg_scan_text *text, unsigned hint)
{
	for (unsigned i = 0; i < record->n_keys; i++) {
		unsigned k = hint + i < record->n_keys ? hint + i : hint + i - record->n_keys;

		if (is_text(text, record->keys[k].name))
			return (int)k;
	}
	return -1;
}

/* One member of the line's object; *HINT is the key that may come next. */
static bool read_line_member(struct reader *r, const struct record *record, unsigned *hint)
{
	struct rg_scan_text key;
	const char *at = r->json.at;
	int found;

	if (!rg_scan_key(&r->json, &key))
		return false;
	found = record ? find_key(record, &key, *hint) : -1;
	if (found < 0 && is_text(&key, "record"))
		found = KEY_RECORD;
	if (found < 0)
		return rg_scan_skip(&r->json);
	if (came(r, (unsigned)found))
		return rg_scan_fail(&r->json, at, "a key that did not come before");
	if (found == KEY_RECORD) {
		r->seen |= NEEDS(KEY_RECORD);
		return rg_scan_skip(&r->json);
	}
	*hint = (unsigned)found + 1 < record->n_keys ? (unsigned)found + 1 : 0;
	if (rg_scan_peek(&r->json) == 'n')
		return rg_scan_skip(&r->json);
	r->seen |= NEEDS(found);
	r->line.start = r->json.at;
	return record->keys[found].read(r, (char *)&r->line + record->keys[found].offset);
}

/* The rest of the line, from its next member on. */
static bool read_members(struct reader *r, const struct record *record, bool more)
{
	unsigned hint = 0;
	uint64_t missing;

	for (; more; more = rg_scan_more(&r->json, '}'))
		if (!read_line_member(r, record, &hint))
			return false;
	if (!rg_scan_finish(&r->json) || !record)
		return rg_scan_ok(&r->json);
	missing = record->needed & ~r->seen;
	if (!missing)
		return true;
	snprintf(r->missing, sizeof(r->missing), "the record \"%s\" to have a \"%s\"", record->name,
		record->keys[__builtin_ctzll(missing)].name);
	return rg_scan_fail(&r->json, r->json.start, r->missing);
}

/* The writer, once it is known whether there is a header. */
static bool need_writer(struct reader *r)
{
	if (!r->writer)
		r->writer = rg_writer_create(r->out, r->shift);
	return r->writer || no_memory(r);
}

static bool read_line(struct reader *r, char *line, size_t length)
{
	const struct record *record = RECORD_OBJECT;
	struct rg_scan_text name = { 0 };
	struct rg_scan ahead;
	bool first = false, more;

	r->json = rg_scan_over(line, length);
	memset(&r->line, 0, sizeof(r->line));
	r->seen = 0;
	if (r->ended)
		return rg_scan_fail(&r->json, line, "nothing behind the end record");
	more = rg_scan_begin(&r->json, '{');
	ahead = r->json;
	if (more && strncmp(r->json.at, "\"record\"", 8) == 0) {
		if (!is_record_key(&r->json, &name, &first))
			return false;
		record = record_of(&name);
		r->seen |= NEEDS(KEY_RECORD);
		more = rg_scan_more(&r->json, '}');
	} else if (more && !search_record(r, line, length, &record)) {
		return false;
	} else {
		r->json = ahead;
	}
	if (record != RECORD_HEADER && !need_writer(r))
		return false;
	if (!read_members(r, record, more) || (record && !record->take(r)))
		return false;
	return need_writer(r);
}

static enum rg_code more_bytes(struct reader *r)
{
	size_t got;
	enum rg_code code;

	if (r->at > 0) {
		memmove(r->buffer, r->buffer + r->at, r->filled - r->at);
		r->filled -= r->at;
		r->at = 0;
	}
	if (r->filled > RG_NDJSON_LINE_LIMIT)
		return rg_fail(r->err, RG_LIMIT, "long-line",
			"%s: line %" PRIu64 " is longer than 1 GiB", r->stream->path,
			r->summary->lines + 1);
	/* one byte more, for the NUL behind the last line */
	if (!rg_array_reserve(&r->buffer, &r->buffer_size, r->filled + CHUNK / 2 + 1, 1))
		return rg_nomem(r->err);
	code = rg_stream_read(
		r->stream, r->buffer + r->filled, r->buffer_size - r->filled - 1, &got, r->err);
	r->filled += code ? 0 : got;
	r->drained = !code && got == 0;
	return code;
}

/* The next line, with a NUL in place of its end; NULL behind the last. */
static enum rg_code next_line(struct reader *r, char **line_ret, size_t *length_ret)
{
	char *found = NULL;

	for (;;) {
		size_t from = r->at + r->searched;
		enum rg_code code;

		if (from < r->filled)
			found = memchr(r->buffer + from, '\n', r->filled - from);
		if (found || r->drained)
			break;
		r->searched = r->filled - r->at;
		code = more_bytes(r);
		if (code)
			return code;
	}
	*line_ret = found || r->at < r->filled ? r->buffer + r->at : NULL;
	r->searched = 0;
	if (!*line_ret)
		return RG_OK;
	*length_ret = (size_t)((found ? found : r->buffer + r->filled) - *line_ret);
	(*line_ret)[*length_ret] = '\0';
	r->at = found ? r->at + *length_ret + 1 : r->filled;
	r->summary->lines++;
	return RG_OK;
}

static bool is_blank(const char *line, size_t length)
{
	return strspn(line, " \t\r") == length;
}

/* The line makes no sense: a refusal where nothing was read before, else the end of the input. */
static enum rg_code bad_line(struct reader *r, uint64_t good)
{
	char where[160];

	if (r->out_of_memory)
		return rg_nomem(r->err);
	snprintf(where, sizeof(where), "line %" PRIu64 ", column %zu: expected %s",
		r->summary->lines, rg_scan_column(&r->json), r->json.expected);
	if (good) {
		snprintf(r->summary->damage, sizeof(r->summary->damage), "%s", where);
		r->summary->truncated = true;
		return RG_OK;
	}
	rg_fail(r->err, RG_BAD_DATA, "bad-line", "%s: %s", r->stream->path, where);
	rg_hint(r->err, "it starts like NDJSON, one record a line: see man 5 refgraph-ndjson");
	return rg_at_file(r->err, r->stream->path, RG_NO_OFFSET);
}

static enum rg_code read_lines(struct reader *r)
{
	uint64_t good = 0;

	for (;;) {
		enum rg_code code;
		size_t length = 0;
		char *line;

		code = next_line(r, &line, &length);
		if (code || !line)
			return code;
		if (r->summary->lines == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0) {
			line += 3;
			length -= 3;
		}
		if (is_blank(line, length))
			continue;
		if (!read_line(r, line, length))
			return bad_line(r, good);
		good++;
	}
}

/* --- the end ------------------------------------------------------------------------------ */

/* The objects that were only referred to: of no known type, size or reference count. */
static bool add_objects(struct reader *r)
{
	struct rg_object_record object = { .refcount = NO_COUNT,
		.flags = RG_GEN_UNTRACKED | RG_OBJECT_IMMORTAL };

	for (size_t i = 0; i < r->objects.size; i++) {
		if (!r->objects.keys[i] || r->objects.values[i] == LISTED)
			continue;
		if (r->summary->added == 0 && !unknown_type(r, &object.type))
			return false;
		object.address = r->objects.keys[i] - 1;
		rg_writer_object(r->writer, &object);
		r->counts[RG_BLOCK_OBJECTS]++;
		r->summary->added++;
	}
	r->summary->uncounted += r->summary->added;
	return true;
}

static void put_warning(struct reader *r, const char *key, const char *what, uint64_t count)
{
	char text[160];

	if (!count)
		return;
	snprintf(text, sizeof(text), "%s: %" PRIu64 " of %" PRIu64 " objects", what, count,
		r->counts[RG_BLOCK_OBJECTS]);
	rg_writer_fact_text(r->writer, key, text);
}

static void put_warnings(struct reader *r)
{
	put_warning(r, "warning.only-referred", "only referred to, so of unknown type and size 0",
		r->summary->added);
	put_warning(r, "warning.no-refcounts", "without a reference count, so taken as alive",
		r->summary->uncounted);
}

static enum rg_code finish(struct reader *r)
{
	struct rg_ndjson_summary *summary = r->summary;

	if (!r->writer) {
		rg_fail(r->err, RG_BAD_DATA, "empty-file", "%s: no record in %" PRIu64 " lines",
			r->stream->path, summary->lines);
		return rg_hint(r->err, "see man 5 refgraph-ndjson");
	}
	if (r->has_header && !r->ended && !summary->truncated) {
		snprintf(summary->damage, sizeof(summary->damage),
			"cut behind line %" PRIu64 ", there is no end record", summary->lines);
		summary->truncated = true;
	}
	if (!r->has_header && !add_objects(r))
		return rg_nomem(r->err);
	put_warnings(r);
	summary->objects = r->counts[RG_BLOCK_OBJECTS];
	summary->references = r->counts[RG_BLOCK_REFERENCES];
	if (!summary->truncated)
		return rg_writer_finish(r->writer, r->err);
	rg_writer_flush(r->writer);
	errno = 0;
	if (fflush(r->out) == 0 && !ferror(r->out))
		return RG_OK;
	rg_fail(r->err, RG_SYSTEM, "cannot-write", "the snapshot cannot be written: %s",
		errno ? strerror(errno) : "is the disk full?");
	return rg_hint(r->err, "free some space, or choose another place with -o FILE");
}

enum rg_code rg_ndjson_read(struct rg_stream *stream, FILE *out,
	struct rg_ndjson_summary *summary_ret, struct rg_error *err)
{
	struct rg_ndjson_summary summary = { 0 };
	struct reader r = { .stream = stream, .out = out, .summary = &summary, .err = err };
	enum rg_code code = read_lines(&r);

	if (!code)
		code = finish(&r);
	if (!code)
		*summary_ret = summary;
	rg_writer_destroy(r.writer);
	free(r.references);
	free(r.buffer);
	rg_names_deinit(&r.strings);
	rg_names_deinit(&r.ids);
	rg_names_deinit(&r.type_names);
	free(r.type_of_name);
	rg_map_deinit(&r.type_of_id);
	rg_map_deinit(&r.thread_of_id);
	rg_map_deinit(&r.frame_of_id);
	rg_map_deinit(&r.objects);
	return code;
}
