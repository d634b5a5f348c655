#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/utf8.h"
#include "heapdump/snapshot/ndjson.h"
#include "heapdump/snapshot/reader.h"

#define BUFFER ((size_t)64 << 10)
#define ROOM 512u /* more than anything but a text takes at once */

struct text {
	const char *bytes;
	uint32_t length;
};

struct writer {
	FILE *out;
	struct text *strings;
	size_t n_strings, strings_capacity;
	uint64_t counts[RG_BLOCK_TYPE_COUNT];
	bool failed; /* a record that makes no sense, or `starved` */
	bool starved; /* out of memory */
	size_t used;
	char buffer[BUFFER];
};

/* --- bytes -------------------------------------------------------------------------------- */

static void flush(struct writer *w)
{
	/* a failure sticks to the stream, which is asked at the end */
	fwrite(w->buffer, 1, w->used, w->out);
	w->used = 0;
}

static void need(struct writer *w, size_t room)
{
	if (w->used + room > BUFFER)
		flush(w);
}

/* At most ROOM bytes. */
static void put(struct writer *w, const char *text, size_t length)
{
	need(w, ROOM);
	memcpy(w->buffer + w->used, text, length);
	w->used += length;
}

#define PUT(w, literal) put(w, literal, sizeof(literal) - 1)

static void put_name(struct writer *w, const char *name)
{
	put(w, name, strlen(name));
}

static void put_number(struct writer *w, uint64_t value)
{
	char digits[20], *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	put(w, at, (size_t)(digits + sizeof(digits) - at));
}

static void put_address(struct writer *w, uint64_t address)
{
	char digits[20] = "\"0x", *at = digits + 3;
	int shift = 60;

	while (shift > 0 && !(address >> shift & 15))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*at++ = "0123456789abcdef"[address >> shift & 15];
	*at++ = '"';
	put(w, digits, (size_t)(at - digits));
}

/* --- texts -------------------------------------------------------------------------------- */

/*
 * Escaped although JSON does not ask for it: what a terminal would obey (C1 controls, changes of
 * the writing direction), and what ends a line for some readers.
 */
static bool is_unseemly(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x61c || cp == 0x200e ||
	       cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) ||
	       cp == 0xfeff;
}

static void put_escape(struct writer *w, uint32_t cp)
{
	char text[8];

	snprintf(text, sizeof(text), "\\u%04x", (unsigned)cp);
	put(w, text, 6);
}

/* One character of valid UTF-8, and what it took. */
static size_t put_character(struct writer *w, const char *text, size_t length)
{
	size_t used;
	uint32_t cp = rg_utf8_get(text, length, &used, NULL);

	if (cp == '\n')
		PUT(w, "\\n");
	else if (is_unseemly(cp))
		put_escape(w, cp);
	else if (cp == '"' || cp == '\\')
		put(w, cp == '"' ? "\\\"" : "\\\\", 2);
	else
		put(w, text, used);
	return used;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '/';
}

static void put_string(struct writer *w, const char *text, size_t length)
{
	PUT(w, "\"");
	for (size_t i = 0; i < length;) {
		size_t end = i, most = length - i < ROOM ? length : i + ROOM;

		while (end < most && is_plain((unsigned char)text[end]))
			end++;
		put(w, text + i, end - i);
		/* in a page, "</script>" would end what holds it */
		if (end < most && text[end] == '/') {
			if (end > 0 && text[end - 1] == '<')
				PUT(w, "\\");
			PUT(w, "/");
			end++;
		} else if (end < most) {
			end += put_character(w, text + end, length - end);
		}
		i = end;
	}
	PUT(w, "\"");
}

static void put_hex(struct writer *w, const char *text, size_t length)
{
	PUT(w, "{\"hex\":\"");
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		char pair[2] = { "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15] };

		put(w, pair, 2);
	}
	PUT(w, "\"}");
}

/* A text as a string, or in hex where it is no UTF-8. */
static void put_text(struct writer *w, const char *text, size_t length)
{
	if (rg_utf8_valid(text, length))
		put_string(w, text, length);
	else
		put_hex(w, text, length);
}

/* KEY (with its comma and colon) and the string of that number; nothing where there is none. */
static void put_string_number(struct writer *w, const char *key, uint64_t number)
{
	if (number >= w->n_strings)
		return;
	put_name(w, key);
	put_text(w, w->strings[number].bytes, w->strings[number].length);
}

static void put_field(struct writer *w, const char *key, uint64_t value)
{
	put_name(w, key);
	put_number(w, value);
}

/* --- records ------------------------------------------------------------------------------ */

static bool keep_string(struct writer *w, struct rg_block *block)
{
	struct text *slot = RG_PUSH(w->strings, w->n_strings, w->strings_capacity);

	w->starved = !slot;
	return slot && rg_read_string(block, &slot->bytes, &slot->length);
}

static void put_flags(struct writer *w, uint32_t flags)
{
	bool first = true;

	PUT(w, ",\"flags\":[");
	for (unsigned bit = 0; bit < 32; bit++) {
		if (!(flags >> bit & 1))
			continue;
		if (!first)
			PUT(w, ",");
		first = false;
		if (bit < RG_NDJSON_TYPE_FLAGS) {
			PUT(w, "\"");
			put_name(w, rg_ndjson_type_flags[bit]);
			PUT(w, "\"");
		} else {
			put_number(w, UINT64_C(1) << bit);
		}
	}
	PUT(w, "]");
}

static bool write_type(struct writer *w, struct rg_block *block)
{
	struct rg_type_record type;

	if (!rg_read_type(block, &type))
		return false;
	PUT(w, "{\"record\":\"type\",\"id\":");
	put_number(w, w->counts[RG_BLOCK_TYPES]);
	if (type.name < w->n_strings)
		put_string_number(w, ",\"name\":", type.name);
	else
		PUT(w, ",\"name\":\"\"");
	put_string_number(w, ",\"module\":", type.module);
	if (type.address) {
		PUT(w, ",\"address\":");
		put_address(w, type.address);
	}
	if (type.flags)
		put_flags(w, type.flags);
	put_field(w, ",\"basicsize\":", type.basicsize);
	put_field(w, ",\"itemsize\":", type.itemsize);
	PUT(w, "}\n");
	return true;
}

static bool write_object(struct writer *w, struct rg_block *block)
{
	struct rg_object_record object;

	if (!rg_read_object(block, &object) || object.type >= w->counts[RG_BLOCK_TYPES])
		return false;
	PUT(w, "{\"record\":\"object\",\"id\":");
	put_address(w, object.address);
	put_field(w, ",\"type\":", object.type);
	put_field(w, ",\"size\":", object.size);
	put_field(w, ",\"refcount\":", object.refcount);
	PUT(w, ",\"generation\":\"");
	put_name(w, rg_generation_names[object.flags & RG_OBJECT_GENERATION]);
	PUT(w, "\"");
	if (object.flags & RG_OBJECT_IMMORTAL)
		PUT(w, ",\"immortal\":true");
	if (object.flags & RG_OBJECT_FINALIZED)
		PUT(w, ",\"finalized\":true");
	if (object.flags & RG_OBJECT_SIZE_OPEN)
		PUT(w, ",\"size_open\":true");
	if (object.flags & RG_OBJECT_ITEMS)
		put_field(w, ",\"items\":", object.items);
	if (object.flags & RG_OBJECT_EXTRA)
		put_field(w, ",\"extra\":", object.extra);
	if (object.flags & ~(uint32_t)RG_OBJECT_FLAGS)
		put_field(w, ",\"flags\":", object.flags & ~(uint32_t)RG_OBJECT_FLAGS);
	PUT(w, "}\n");
	return true;
}

static void put_reference(struct writer *w, const struct rg_reference_record *reference)
{
	PUT(w, "{\"to\":");
	put_address(w, reference->target);
	PUT(w, ",\"kind\":\"");
	put_name(w, rg_ndjson_kind(reference->kind));
	PUT(w, "\"");
	if (reference->form == RG_LABEL_INDEX) {
		put_field(w, ",\"label\":", reference->label);
	} else if (reference->form == RG_LABEL_STRING) {
		put_string_number(w, ",\"label\":", reference->label);
	} else if (reference->form == RG_LABEL_OBJECT) {
		PUT(w, ",\"label\":{\"object\":");
		put_address(w, reference->label);
		PUT(w, "}");
	}
	if (reference->untraversed)
		PUT(w, ",\"untraversed\":true");
	PUT(w, "}");
}

static bool write_references(struct writer *w, struct rg_block *block)
{
	struct rg_reference_record reference;
	struct rg_reference_run run;
	bool good = true;

	if (!rg_read_references(block, &run))
		return false;
	PUT(w, "{\"record\":\"references\",\"source\":");
	put_address(w, run.source);
	PUT(w, ",\"references\":[");
	for (uint64_t i = 0; i < run.count; i++) {
		good = rg_read_reference(block, &run, &reference);
		if (!good)
			break;
		if (i > 0)
			PUT(w, ",");
		put_reference(w, &reference);
	}
	PUT(w, "]}\n");
	/* the caller counts one a record */
	w->counts[RG_BLOCK_REFERENCES] += run.count - 1;
	return good;
}

static bool write_value(struct writer *w, struct rg_block *block)
{
	struct rg_value_record value;

	if (!rg_read_value(block, &value))
		return false;
	PUT(w, "{\"record\":\"value\",\"object\":");
	put_address(w, value.address);
	PUT(w, ",\"kind\":\"");
	put_name(w, rg_ndjson_values[value.kind]);
	PUT(w, "\",\"value\":");
	put_text(w, value.text, value.length);
	if (!value.exact)
		PUT(w, ",\"value_exact\":false");
	PUT(w, "}\n");
	return true;
}

static bool write_root(struct writer *w, struct rg_block *block)
{
	struct rg_root_record root;

	if (!rg_read_root(block, &root))
		return false;
	PUT(w, "{\"record\":\"root\",\"target\":");
	put_address(w, root.target);
	PUT(w, ",\"kind\":\"");
	put_name(w, rg_root_names[root.kind]);
	PUT(w, "\"");
	if (root.reference != RG_KIND_OTHER) {
		PUT(w, ",\"reference\":\"");
		put_name(w, rg_ndjson_kind(root.reference));
		PUT(w, "\"");
	}
	put_string_number(w, ",\"name\":", root.name);
	put_string_number(w, ",\"label\":", root.label);
	if (root.thread < w->counts[RG_BLOCK_THREADS])
		put_field(w, ",\"thread\":", root.thread);
	if (root.frame < w->counts[RG_BLOCK_FRAMES])
		put_field(w, ",\"frame\":", root.frame);
	PUT(w, "}\n");
	return true;
}

static bool write_thread(struct writer *w, struct rg_block *block)
{
	struct rg_thread_record thread;

	if (!rg_read_thread(block, &thread))
		return false;
	put_field(w, "{\"record\":\"thread\",\"id\":", w->counts[RG_BLOCK_THREADS]);
	put_field(w, ",\"native_id\":", thread.native_id);
	put_field(w, ",\"ident\":", thread.ident);
	put_string_number(w, ",\"name\":", thread.name);
	PUT(w, "}\n");
	return true;
}

static bool write_frame(struct writer *w, struct rg_block *block)
{
	struct rg_frame_record frame;

	if (!rg_read_frame(block, &frame) || frame.thread >= w->counts[RG_BLOCK_THREADS])
		return false;
	put_field(w, "{\"record\":\"frame\",\"id\":", w->counts[RG_BLOCK_FRAMES]);
	put_field(w, ",\"thread\":", frame.thread);
	put_string_number(w, ",\"function\":", frame.function);
	put_string_number(w, ",\"file\":", frame.file);
	if (frame.line)
		put_field(w, ",\"line\":", frame.line);
	PUT(w, "}\n");
	return true;
}

static bool write_site(struct writer *w, struct rg_block *block)
{
	struct rg_site_record site;

	if (!rg_read_site(block, &site))
		return false;
	put_field(w, "{\"record\":\"site\",\"id\":", w->counts[RG_BLOCK_SITES]);
	put_string_number(w, ",\"file\":", site.file);
	if (site.line)
		put_field(w, ",\"line\":", site.line);
	if (site.caller < w->counts[RG_BLOCK_SITES])
		put_field(w, ",\"caller\":", site.caller);
	PUT(w, "}\n");
	return true;
}

static bool write_allocation(struct writer *w, struct rg_block *block)
{
	struct rg_allocation_record allocation;

	if (!rg_read_allocation(block, &allocation) || allocation.site >= w->counts[RG_BLOCK_SITES])
		return false;
	PUT(w, "{\"record\":\"allocation\",\"object\":");
	put_address(w, allocation.address);
	put_field(w, ",\"site\":", allocation.site);
	PUT(w, "}\n");
	return true;
}

static bool write_fact(struct writer *w, struct rg_block *block)
{
	struct rg_fact_record fact;

	if (!rg_read_fact(block, &fact))
		return false;
	PUT(w, "{\"record\":\"fact\",\"key\":");
	put_text(w, fact.key, fact.key_length);
	PUT(w, ",\"value\":");
	if (fact.text)
		put_text(w, fact.text, fact.text_length);
	else if (fact.number < 0)
		PUT(w, "-");
	if (!fact.text)
		put_number(w, fact.number < 0 ? -(uint64_t)fact.number : (uint64_t)fact.number);
	PUT(w, "}\n");
	return true;
}

static bool (*const writers[RG_BLOCK_TYPE_COUNT])(struct writer *, struct rg_block *) = {
	[RG_BLOCK_STRINGS] = keep_string,
	[RG_BLOCK_TYPES] = write_type,
	[RG_BLOCK_OBJECTS] = write_object,
	[RG_BLOCK_REFERENCES] = write_references,
	[RG_BLOCK_VALUES] = write_value,
	[RG_BLOCK_ROOTS] = write_root,
	[RG_BLOCK_THREADS] = write_thread,
	[RG_BLOCK_FRAMES] = write_frame,
	[RG_BLOCK_FACTS] = write_fact,
	[RG_BLOCK_SITES] = write_site,
	[RG_BLOCK_ALLOCATIONS] = write_allocation,
};

/* --- the whole ---------------------------------------------------------------------------- */

static void write_header(struct writer *w, unsigned shift)
{
	PUT(w, "{\"record\":\"header\",\"format\":\"" RG_NDJSON_FORMAT
	       "\",\"version\":\"" RG_NDJSON_VERSION "\",\"shift\":");
	put_number(w, shift);
	PUT(w, "}\n");
}

static void write_end(struct writer *w)
{
	PUT(w, "{\"record\":\"end\"");
	/* strings are not counted: here they stand where they are used */
	for (unsigned i = 0; i + 1 < RG_RECORD_BLOCKS; i++) {
		PUT(w, ",\"");
		put_name(w, rg_block_name(rg_record_block(i + 1)));
		put_field(w, "\":", w->counts[rg_record_block(i + 1)]);
	}
	PUT(w, "}\n");
}

/* The records of one block; false where one makes no sense: of that one no half line is written. */
static bool write_block(struct writer *w, struct rg_block *block)
{
	for (uint32_t i = 0; i < block->count; i++) {
		if (!writers[block->type](w, block))
			return false;
		w->counts[block->type]++;
	}
	return true;
}

enum rg_code rg_ndjson_write(const uint8_t *data, size_t size, const char *file, FILE *out,
	char damage[160], struct rg_error *err)
{
	struct writer *w;
	struct rg_reader reader;
	struct rg_block block;
	enum rg_code code = rg_reader_init(&reader, data, size, file, err);

	if (code)
		return code;
	w = calloc(1, sizeof(*w));
	if (!w)
		return rg_nomem(err);
	w->out = out;
	write_header(w, reader.shift);
	while (!w->failed && !ferror(out) && rg_reader_next(&reader, &block)) {
		w->failed = !write_block(w, &block);
		if (w->failed)
			snprintf(reader.damage, sizeof(reader.damage),
				"a record that makes no sense in the block of %s at offset %zu",
				rg_block_name(block.type), block.offset);
	}
	if (!w->failed && !ferror(out) && reader.ended && !reader.truncated)
		write_end(w);
	flush(w);
	memcpy(damage, reader.damage, sizeof(reader.damage));
	if (w->starved)
		code = rg_nomem(err);
	free(w->strings);
	free(w);
	return code;
}
