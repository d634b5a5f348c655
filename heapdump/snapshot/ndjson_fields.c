#include "heapdump/snapshot/ndjson_parts.h"

#include "heapdump/base/array.h"
#include "heapdump/base/utf8.h"

/* --- mistakes ----------------------------------------------------------------------------- */

/* The value that was just read is not what it should be. */
bool rg_ndjson_wrong(struct rg_ndjson_reader *r, const char *expected)
{
	return rg_scan_fail(&r->json, r->line.start, expected);
}

bool rg_ndjson_no_memory(struct rg_ndjson_reader *r)
{
	r->out_of_memory = true;
	return rg_ndjson_wrong(r, "more memory");
}

/* --- names and ids ------------------------------------------------------------------------ */

/* The number of a string in the snapshot. */
bool rg_ndjson_intern(
	struct rg_ndjson_reader *r, const char *text, size_t length, uint32_t *number_ret)
{
	size_t before = r->strings.count;

	*number_ret = rg_names_add(&r->strings, text, length);
	if (*number_ret == RG_MAP_NONE)
		return rg_ndjson_no_memory(r);
	if (r->strings.count > before)
		rg_writer_string(r->writer, text, rg_utf8_cut(text, length, RG_NDJSON_TEXT_LIMIT));
	return true;
}

/* The same, or RG_NO_STRING where the key did not come. */
bool rg_ndjson_intern_optional(struct rg_ndjson_reader *r, unsigned key,
	const struct rg_scan_text *text, uint32_t *number_ret)
{
	*number_ret = RG_NO_STRING;
	return !rg_ndjson_came(r, key) ||
	       rg_ndjson_intern(r, text->bytes, text->length, number_ret);
}

void rg_ndjson_put_value(struct rg_ndjson_reader *r, uint64_t address, enum rg_value_kind kind,
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

/* Without a header, remember that ADDRESS is an object; false where it was listed before. */
bool rg_ndjson_note_object(struct rg_ndjson_reader *r, uint64_t address, uint32_t state)
{
	uint32_t known;

	if (r->has_header)
		return true;
	if (address == UINT64_MAX)
		return rg_ndjson_wrong(r, "an id less than 18446744073709551615");
	known = rg_map_get(&r->objects, address + 1);
	if (known == RG_NDJSON_LISTED)
		return state == RG_NDJSON_REFERRED ||
		       rg_ndjson_wrong(r, "an id that no object before this one has");
	if (known != state && !rg_map_set(&r->objects, address + 1, state))
		return rg_ndjson_no_memory(r);
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
static bool made_address(
	struct rg_ndjson_reader *r, const struct rg_scan_text *text, uint64_t *address_ret)
{
	size_t before = r->ids.count;
	uint32_t number = rg_names_add(&r->ids, text->bytes, text->length);

	if (number == RG_MAP_NONE)
		return rg_ndjson_no_memory(r);
	if (r->high_ids)
		return rg_ndjson_wrong(r, meets_made);
	*address_ret = RG_NDJSON_MADE + (uint64_t)number * RG_NDJSON_MADE_STEP;
	if (r->ids.count > before)
		rg_ndjson_put_value(r, *address_ret, RG_VALUE_NAME, text, true);
	return true;
}

/* The address that an id means: a number, "0x..." or another text; of any alignment. */
bool rg_ndjson_read_any_address(struct rg_ndjson_reader *r, void *to)
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
		return rg_ndjson_wrong(r, "an id: a number from 0, \"0x...\" or a text");
	}
	if (*address >= RG_NDJSON_MADE && *address < RG_NDJSON_MADE_END) {
		r->high_ids = true;
		if (r->ids.count)
			return rg_ndjson_wrong(r, meets_made);
	}
	return true;
}

/* The same of an object. */
bool rg_ndjson_read_address(struct rg_ndjson_reader *r, void *to)
{
	uint64_t unit = UINT64_C(1) << r->shift;

	return rg_ndjson_read_any_address(r, to) &&
	       (*(uint64_t *)to % unit == 0 ||
		       rg_ndjson_wrong(
			       r, "an id that is a multiple of 2^shift, as the header says"));
}

/* An id that refers to an object, listed or not. */
bool rg_ndjson_read_referred(struct rg_ndjson_reader *r, void *to)
{
	return rg_ndjson_read_address(r, to) &&
	       rg_ndjson_note_object(r, *(uint64_t *)to, RG_NDJSON_REFERRED);
}

/* --- values of keys ----------------------------------------------------------------------- */

bool rg_ndjson_read_u64(struct rg_ndjson_reader *r, void *to)
{
	return rg_scan_u64(&r->json, to);
}

bool rg_ndjson_read_u32(struct rg_ndjson_reader *r, void *to)
{
	uint64_t value;

	if (!rg_scan_u64(&r->json, &value))
		return false;
	if (value >= UINT32_MAX)
		return rg_ndjson_wrong(r, "a whole number from 0 to 4294967294");
	*(uint32_t *)to = (uint32_t)value;
	return true;
}

bool rg_ndjson_read_flag(struct rg_ndjson_reader *r, void *to)
{
	return rg_scan_bool(&r->json, to);
}

/* true: the flag is NOT set. */
bool rg_ndjson_read_not(struct rg_ndjson_reader *r, void *to)
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
static bool decode_hex(struct rg_ndjson_reader *r, struct rg_scan_text *text)
{
	char *out = r->json.start + (text->bytes - r->json.start);

	if (text->length % 2)
		return rg_ndjson_wrong(r, "an even number of hexadecimal digits");
	for (size_t i = 0; i < text->length; i += 2) {
		int byte = hex_pair(text->bytes + i);

		if (byte < 0)
			return rg_ndjson_wrong(r, "hexadecimal digits");
		out[i / 2] = (char)byte;
	}
	text->length /= 2;
	return true;
}

/* A text: a string, or {"hex": "..."}. */
bool rg_ndjson_read_text(struct rg_ndjson_reader *r, void *to)
{
	struct rg_scan_text key, *text = to;
	bool found = false;

	if (rg_scan_peek(&r->json) != '{')
		return rg_scan_string(&r->json, text);
	for (bool more = rg_scan_begin(&r->json, '{'); more; more = rg_scan_more(&r->json, '}')) {
		if (!rg_scan_key(&r->json, &key))
			return false;
		if (key.length != 3 || memcmp(key.bytes, "hex", 3) != 0 || found)
			return rg_ndjson_wrong(r, "a text, or {\"hex\":\"...\"}");
		if (!rg_scan_string(&r->json, text) || !decode_hex(r, text))
			return false;
		found = true;
	}
	return rg_scan_ok(&r->json) &&
	       (found || rg_ndjson_wrong(r, "a text, or {\"hex\":\"...\"}"));
}

/* A value: a text, or a number, which is kept as it is written. */
bool rg_ndjson_read_preview(struct rg_ndjson_reader *r, void *to)
{
	char c = rg_scan_peek(&r->json);

	r->line.is_number = c == '-' || (c >= '0' && c <= '9');
	return r->line.is_number ? rg_scan_number(&r->json, to) : rg_ndjson_read_text(r, to);
}

/* A fact's value: a text, or a whole number. */
bool rg_ndjson_read_fact(struct rg_ndjson_reader *r, void *to)
{
	char c = rg_scan_peek(&r->json);

	r->line.is_number = c == '-' || (c >= '0' && c <= '9');
	return r->line.is_number ? rg_scan_i64(&r->json, &r->line.integer)
				 : rg_ndjson_read_text(r, to);
}

bool rg_ndjson_read_generation(struct rg_ndjson_reader *r, void *to)
{
	struct rg_scan_text text;
	uint64_t number;

	if (rg_scan_peek(&r->json) != '"') {
		if (!rg_scan_u64(&r->json, &number) || number > RG_GEN_2)
			return rg_ndjson_wrong(r, "a generation: 0, 1, 2, permanent or untracked");
		*(enum rg_generation *)to = (enum rg_generation)number;
		return true;
	}
	if (!rg_scan_string(&r->json, &text))
		return false;
	for (int g = 0; g < RG_GEN_COUNT; g++)
		if (rg_ndjson_is_text(&text, rg_generation_names[g])) {
			*(enum rg_generation *)to = (enum rg_generation)g;
			return true;
		}
	return rg_ndjson_wrong(r, "a generation: 0, 1, 2, permanent or untracked");
}

/* A kind of reference by its name. */
bool rg_ndjson_kind_of(
	struct rg_ndjson_reader *r, const struct rg_scan_text *text, enum rg_kind *kind_ret)
{
	for (int kind = 0; kind < RG_KIND_COUNT; kind++)
		if (rg_ndjson_is_text(text, rg_ndjson_kind((enum rg_kind)kind))) {
			*kind_ret = (enum rg_kind)kind;
			return true;
		}
	return rg_ndjson_wrong(r, "a kind of reference, as attr, item, key or other");
}

bool rg_ndjson_read_flags(struct rg_ndjson_reader *r, void *to)
{
	uint32_t *flags = to;
	struct rg_scan_text text;

	*flags = 0;
	for (bool more = rg_scan_begin(&r->json, '['); more; more = rg_scan_more(&r->json, ']')) {
		uint64_t number;
		unsigned bit = 0;

		if (rg_scan_peek(&r->json) != '"') {
			if (!rg_scan_u64(&r->json, &number) || number > UINT32_MAX)
				return rg_ndjson_wrong(r, "the name of a flag");
			*flags |= (uint32_t)number;
			continue;
		}
		if (!rg_scan_string(&r->json, &text))
			return false;
		while (bit < RG_NDJSON_TYPE_FLAGS &&
			!rg_ndjson_is_text(&text, rg_ndjson_type_flags[bit]))
			bit++;
		if (bit == RG_NDJSON_TYPE_FLAGS)
			return rg_ndjson_wrong(r, "flags of a type, as gc, heap or finalizer");
		*flags |= 1u << bit;
	}
	return rg_scan_ok(&r->json);
}

/* --- types -------------------------------------------------------------------------------- */

/* Remember the type NUMBER by its dotted name; the first one of a name counts. */
bool rg_ndjson_name_type(
	struct rg_ndjson_reader *r, const char *text, size_t length, uint32_t number)
{
	size_t before = r->type_names.count;
	uint32_t *slot;

	if (rg_names_add(&r->type_names, text, length) == RG_MAP_NONE)
		return rg_ndjson_no_memory(r);
	if (r->type_names.count == before)
		return true;
	slot = RG_PUSH(r->type_of_name, r->n_type_names, r->type_names_capacity);
	if (!slot)
		return rg_ndjson_no_memory(r);
	*slot = number;
	return true;
}

/* The type of a dotted name, made where there is none: the module is what stands before the dot. */
static bool type_by_name(
	struct rg_ndjson_reader *r, const struct rg_scan_text *text, uint32_t *type_ret)
{
	struct rg_type_record type = { .module = RG_NO_STRING };
	size_t before = r->type_names.count;
	uint32_t known = rg_names_add(&r->type_names, text->bytes, text->length);
	const char *dot = memrchr(text->bytes, '.', text->length);
	const char *name = dot ? dot + 1 : text->bytes;
	uint32_t *slot;

	if (known == RG_MAP_NONE)
		return rg_ndjson_no_memory(r);
	if (known < before) {
		*type_ret = r->type_of_name[known];
		return true;
	}
	slot = RG_PUSH(r->type_of_name, r->n_type_names, r->type_names_capacity);
	if (!slot ||
		!rg_ndjson_intern(
			r, name, (size_t)(text->bytes + text->length - name), &type.name) ||
		(dot && !rg_ndjson_intern(
				r, text->bytes, (size_t)(dot - text->bytes), &type.module)))
		return rg_ndjson_no_memory(r);
	*slot = *type_ret = rg_writer_type(r->writer, &type);
	r->counts[RG_BLOCK_TYPES]++;
	return true;
}

bool rg_ndjson_unknown_type(struct rg_ndjson_reader *r, uint32_t *type_ret)
{
	return type_by_name(r, &(struct rg_scan_text){ "unknown", 7, true }, type_ret);
}

/* The number of a type record, or a dotted name. */
bool rg_ndjson_read_type(struct rg_ndjson_reader *r, void *to)
{
	struct rg_scan_text text;
	uint64_t id;
	uint32_t *type = to;

	if (rg_scan_peek(&r->json) == '"')
		return rg_scan_string(&r->json, &text) && type_by_name(r, &text, type);
	if (!rg_scan_u64(&r->json, &id))
		return false;
	*type = id == UINT64_MAX ? RG_MAP_NONE : rg_map_get(&r->type_of_id, id + 1);
	return *type != RG_MAP_NONE ||
	       rg_ndjson_wrong(r, "the id of a type that stands before this line");
}

/* --- references --------------------------------------------------------------------------- */

/* {"object": id}, the key of a dict, or {"hex": "..."}, a name that is no UTF-8. */
static bool read_label_object(struct rg_ndjson_reader *r, struct rg_reference_record *reference)
{
	static const char expected[] = "a label: a text, an index or {\"object\":id}";
	struct rg_scan_text key = { 0 }, text;
	bool more = rg_scan_begin(&r->json, '{');
	uint32_t number;

	if (!more || !rg_scan_key(&r->json, &key))
		return rg_ndjson_wrong(r, expected);
	if (rg_ndjson_is_text(&key, "object")) {
		r->line.start = r->json.at;
		reference->form = RG_LABEL_OBJECT;
		if (!rg_ndjson_read_referred(r, &reference->label))
			return false;
	} else if (rg_ndjson_is_text(&key, "hex")) {
		reference->form = RG_LABEL_STRING;
		if (!rg_scan_string(&r->json, &text) || !decode_hex(r, &text) ||
			!rg_ndjson_intern(r, text.bytes, text.length, &number))
			return false;
		reference->label = number;
	} else {
		return rg_ndjson_wrong(r, expected);
	}
	if (rg_scan_more(&r->json, '}'))
		return rg_ndjson_wrong(r, expected);
	return rg_scan_ok(&r->json);
}

/* An index that is the one after the last takes no room in the snapshot. */
static void set_index(struct rg_ndjson_reader *r, struct rg_reference_record *reference)
{
	reference->form = reference->label == r->next_index ? RG_LABEL_NEXT : RG_LABEL_INDEX;
	r->next_index = reference->label + 1;
}

static bool read_label(struct rg_ndjson_reader *r, struct rg_reference_record *reference)
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
			!rg_ndjson_intern(r, text.bytes, text.length, &number))
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
static int read_member(struct rg_ndjson_reader *r, struct rg_reference_record *reference)
{
	struct rg_scan_text key, text;

	if (!rg_scan_key(&r->json, &key))
		return -1;
	rg_scan_peek(&r->json);
	r->line.start = r->json.at;
	if (rg_ndjson_is_text(&key, "to"))
		return rg_ndjson_read_referred(r, &reference->target) ? TO : -1;
	if (rg_ndjson_is_text(&key, "kind"))
		return rg_scan_string(&r->json, &text) &&
				       rg_ndjson_kind_of(r, &text, &reference->kind)
			       ? KIND
			       : -1;
	if (rg_ndjson_is_text(&key, "label"))
		return read_label(r, reference) ? LABEL : -1;
	if (rg_ndjson_is_text(&key, "untraversed"))
		return rg_scan_bool(&r->json, &reference->untraversed) ? UNTRAVERSED : -1;
	return rg_scan_skip(&r->json) ? 0 : -1;
}

/* An id, or {"to": id, "kind": ..., "label": ...}. */
static bool read_reference(struct rg_ndjson_reader *r, struct rg_reference_record *reference)
{
	const char *start;
	int seen = 0;

	*reference = (struct rg_reference_record){ .kind = RG_KIND_OTHER };
	if (rg_scan_peek(&r->json) != '{') {
		r->line.start = r->json.at;
		return rg_ndjson_read_referred(r, &reference->target);
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

bool rg_ndjson_read_references(struct rg_ndjson_reader *r, void *to)
{
	(void)to;
	r->n_references = 0;
	r->next_index = 0;
	for (bool more = rg_scan_begin(&r->json, '['); more; more = rg_scan_more(&r->json, ']')) {
		struct rg_reference_record *slot = RG_PUSH(
			r->references, r->n_references, r->references_capacity);

		if (!slot)
			return rg_ndjson_no_memory(r);
		if (!read_reference(r, slot))
			return false;
	}
	return rg_scan_ok(&r->json);
}

void rg_ndjson_put_references(struct rg_ndjson_reader *r, uint64_t source)
{
	rg_writer_references(r->writer, source, r->references, r->n_references);
	r->counts[RG_BLOCK_REFERENCES] += r->n_references;
}
