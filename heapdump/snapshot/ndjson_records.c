#include "heapdump/snapshot/ndjson_parts.h"

#include <stdlib.h>

#include "heapdump/base/utf8.h"

#define AT(member) offsetof(struct rg_ndjson_line, member)
#define NEEDS(key) (UINT64_C(1) << (key))
#define KEYS(table) (table), sizeof(table) / sizeof(*(table))

enum { HEADER_FORMAT, HEADER_VERSION, HEADER_SHIFT };
static const struct rg_ndjson_key header_keys[] = {
	[HEADER_FORMAT] = { "format", rg_ndjson_read_text, AT(format) },
	[HEADER_VERSION] = { "version", rg_ndjson_read_text, AT(version) },
	[HEADER_SHIFT] = { "shift", rg_ndjson_read_u64, AT(shift) },
};

static bool take_header(struct rg_ndjson_reader *r)
{
	const struct rg_ndjson_line *line = &r->line;
	const char *version = line->version.bytes;

	if (r->writer)
		return rg_scan_fail(&r->json, r->json.start, "no header behind other records");
	if (!rg_ndjson_is_text(&line->format, RG_NDJSON_FORMAT))
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
static const struct rg_ndjson_key type_keys[] = {
	[TYPE_ID] = { "id", rg_ndjson_read_u64, AT(number) },
	[TYPE_NAME] = { "name", rg_ndjson_read_text, AT(name) },
	[TYPE_MODULE] = { "module", rg_ndjson_read_text, AT(module) },
	[TYPE_ADDRESS] = { "address", rg_ndjson_read_any_address, AT(address) },
	[TYPE_FLAGS] = { "flags", rg_ndjson_read_flags, AT(type_flags) },
	[TYPE_BASICSIZE] = { "basicsize", rg_ndjson_read_u64, AT(basicsize) },
	[TYPE_ITEMSIZE] = { "itemsize", rg_ndjson_read_u64, AT(itemsize) },
};

/* The name by which objects may refer to the type. */
static bool name_type_record(struct rg_ndjson_reader *r, uint32_t number)
{
	const struct rg_ndjson_line *line = &r->line;
	size_t length = line->module.length + line->name.length + 1;
	char *dotted;
	bool done;

	if (!rg_ndjson_came(r, TYPE_MODULE) || rg_ndjson_is_text(&line->module, "builtins"))
		return rg_ndjson_name_type(r, line->name.bytes, line->name.length, number);
	dotted = malloc(length);
	if (!dotted)
		return rg_ndjson_no_memory(r);
	memcpy(dotted, line->module.bytes, line->module.length);
	dotted[line->module.length] = '.';
	memcpy(dotted + line->module.length + 1, line->name.bytes, line->name.length);
	done = rg_ndjson_name_type(r, dotted, length, number);
	free(dotted);
	return done;
}

/* Remember in MAP that the record of this line's id is the NUMBER-th; without id, NUMBER is it. */
static bool set_id(struct rg_ndjson_reader *r, struct rg_map *map, uint32_t number)
{
	uint64_t id = rg_ndjson_came(r, 0) ? r->line.number : number;

	if (id == UINT64_MAX || rg_map_get(map, id + 1) != RG_MAP_NONE)
		return rg_scan_fail(
			&r->json, r->json.start, "an id that no such record before it has");
	return rg_map_set(map, id + 1, number) || rg_ndjson_no_memory(r);
}

static bool take_type(struct rg_ndjson_reader *r)
{
	struct rg_type_record type = { .address = r->line.address,
		.flags = r->line.type_flags,
		.basicsize = r->line.basicsize,
		.itemsize = r->line.itemsize };
	uint32_t number = (uint32_t)r->counts[RG_BLOCK_TYPES];

	if (r->counts[RG_BLOCK_TYPES] >= RG_MAP_NONE - 1)
		return rg_scan_fail(&r->json, r->json.start, "fewer types");
	/* a type without id is known by its name */
	if ((rg_ndjson_came(r, TYPE_ID) && !set_id(r, &r->type_of_id, number)) ||
		!rg_ndjson_intern(r, r->line.name.bytes, r->line.name.length, &type.name) ||
		!rg_ndjson_intern_optional(r, TYPE_MODULE, &r->line.module, &type.module) ||
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
static const struct rg_ndjson_key object_keys[] = {
	[OBJECT_ID] = { "id", rg_ndjson_read_address, AT(address) },
	[OBJECT_TYPE] = { "type", rg_ndjson_read_type, AT(type) },
	[OBJECT_SIZE] = { "size", rg_ndjson_read_u64, AT(size) },
	[OBJECT_REFCOUNT] = { "refcount", rg_ndjson_read_u64, AT(refcount) },
	[OBJECT_GENERATION] = { "generation", rg_ndjson_read_generation, AT(generation) },
	[OBJECT_IMMORTAL] = { "immortal", rg_ndjson_read_flag, AT(immortal) },
	[OBJECT_FINALIZED] = { "finalized", rg_ndjson_read_flag, AT(finalized) },
	[OBJECT_SIZE_OPEN] = { "size_open", rg_ndjson_read_flag, AT(size_open) },
	[OBJECT_ITEMS] = { "items", rg_ndjson_read_u64, AT(items) },
	[OBJECT_EXTRA] = { "extra", rg_ndjson_read_u64, AT(extra) },
	[OBJECT_FLAGS] = { "flags", rg_ndjson_read_u64, AT(flags) },
	[OBJECT_REFERENCES] = { "references", rg_ndjson_read_references, 0 },
	[OBJECT_NAME] = { "name", rg_ndjson_read_text, AT(name) },
	[OBJECT_VALUE] = { "value", rg_ndjson_read_preview, AT(text) },
	[OBJECT_VALUE_EXACT] = { "value_exact", rg_ndjson_read_not, AT(inexact) },
	[OBJECT_SITE] = { "site", rg_ndjson_read_text, AT(place) },
};

static uint32_t object_flags(const struct rg_ndjson_reader *r)
{
	const struct rg_ndjson_line *line = &r->line;
	bool uncounted = !rg_ndjson_came(r, OBJECT_REFCOUNT);

	return (rg_ndjson_came(r, OBJECT_GENERATION) ? line->generation : RG_GEN_UNTRACKED) |
	       (line->immortal || uncounted ? RG_OBJECT_IMMORTAL : 0) |
	       (line->finalized ? RG_OBJECT_FINALIZED : 0) |
	       (line->size_open ? RG_OBJECT_SIZE_OPEN : 0) |
	       (rg_ndjson_came(r, OBJECT_ITEMS) ? RG_OBJECT_ITEMS : 0) |
	       (rg_ndjson_came(r, OBJECT_EXTRA) ? RG_OBJECT_EXTRA : 0) |
	       ((uint32_t)line->flags & ~(uint32_t)RG_OBJECT_FLAGS);
}

static void put_previews(struct rg_ndjson_reader *r)
{
	const struct rg_ndjson_line *line = &r->line;

	if (rg_ndjson_came(r, OBJECT_VALUE))
		rg_ndjson_put_value(r, line->address,
			line->is_number ? RG_VALUE_NUMBER : RG_VALUE_STR, &line->text,
			!line->inexact);
	if (rg_ndjson_came(r, OBJECT_NAME))
		rg_ndjson_put_value(r, line->address, RG_VALUE_NAME, &line->name, true);
	if (rg_ndjson_came(r, OBJECT_SITE))
		rg_ndjson_put_value(r, line->address, RG_VALUE_PLACE, &line->place, true);
}

static bool take_object(struct rg_ndjson_reader *r)
{
	const struct rg_ndjson_line *line = &r->line;
	bool uncounted = !rg_ndjson_came(r, OBJECT_REFCOUNT);
	struct rg_object_record object = { .address = line->address,
		.size = line->size,
		.refcount = uncounted ? RG_NDJSON_UNCOUNTED : line->refcount,
		.items = line->items,
		.extra = line->extra,
		.type = line->type,
		.flags = object_flags(r) };

	r->line.start = r->json.start;
	if (!rg_ndjson_note_object(r, line->address, RG_NDJSON_LISTED) ||
		(!rg_ndjson_came(r, OBJECT_TYPE) && !rg_ndjson_unknown_type(r, &object.type)))
		return false;
	rg_writer_object(r->writer, &object);
	r->counts[RG_BLOCK_OBJECTS]++;
	r->summary->uncounted += uncounted && !line->immortal;
	if (rg_ndjson_came(r, OBJECT_REFERENCES))
		rg_ndjson_put_references(r, line->address);
	put_previews(r);
	return true;
}

enum { REFERENCES_SOURCE, REFERENCES_REFERENCES };
static const struct rg_ndjson_key references_keys[] = {
	[REFERENCES_SOURCE] = { "source", rg_ndjson_read_referred, AT(address) },
	[REFERENCES_REFERENCES] = { "references", rg_ndjson_read_references, 0 },
};

static bool take_references(struct rg_ndjson_reader *r)
{
	rg_ndjson_put_references(r, r->line.address);
	return true;
}

enum { VALUE_OBJECT, VALUE_KIND, VALUE_VALUE, VALUE_EXACT };
static const struct rg_ndjson_key value_keys[] = {
	[VALUE_OBJECT] = { "object", rg_ndjson_read_referred, AT(address) },
	[VALUE_KIND] = { "kind", rg_ndjson_read_text, AT(kind) },
	[VALUE_VALUE] = { "value", rg_ndjson_read_preview, AT(text) },
	[VALUE_EXACT] = { "value_exact", rg_ndjson_read_not, AT(inexact) },
};

static bool take_value(struct rg_ndjson_reader *r)
{
	const struct rg_ndjson_line *line = &r->line;
	int kind = line->is_number ? RG_VALUE_NUMBER : RG_VALUE_STR;

	if (rg_ndjson_came(r, VALUE_KIND)) {
		for (kind = RG_VALUE_STR; kind < RG_VALUE_KIND_COUNT; kind++)
			if (rg_ndjson_is_text(&line->kind, rg_ndjson_values[kind]))
				break;
		if (kind == RG_VALUE_KIND_COUNT)
			return rg_scan_fail(&r->json, r->json.start,
				"a kind of value: str, bytes, number, name or place");
	}
	rg_ndjson_put_value(
		r, line->address, (enum rg_value_kind)kind, &line->text, !line->inexact);
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
static const struct rg_ndjson_key root_keys[] = {
	[ROOT_TARGET] = { "target", rg_ndjson_read_referred, AT(address) },
	[ROOT_KIND] = { "kind", rg_ndjson_read_text, AT(kind) },
	[ROOT_REFERENCE] = { "reference", rg_ndjson_read_text, AT(reference) },
	[ROOT_NAME] = { "name", rg_ndjson_read_text, AT(name) },
	[ROOT_LABEL] = { "label", rg_ndjson_read_text, AT(text) },
	[ROOT_THREAD] = { "thread", rg_ndjson_read_u32, AT(thread) },
	[ROOT_FRAME] = { "frame", rg_ndjson_read_u32, AT(frame) },
};

/* The number of the thread, frame or site with that id, or none where the key did not come. */
static bool look_up(struct rg_ndjson_reader *r, unsigned key, const struct rg_map *map, uint32_t id,
	uint32_t *ret)
{
	*ret = rg_ndjson_came(r, key) ? rg_map_get(map, (uint64_t)id + 1) : UINT32_MAX;
	return !rg_ndjson_came(r, key) || *ret != RG_MAP_NONE ||
	       rg_scan_fail(&r->json, r->json.start,
		       "threads, frames and sites that stand before what refers to them");
}

static bool take_root(struct rg_ndjson_reader *r)
{
	struct rg_ndjson_line *line = &r->line;
	struct rg_root_record root = {
		.target = line->address, .kind = RG_ROOT_INTERPRETER, .reference = RG_KIND_OTHER
	};

	if (!rg_ndjson_came(r, ROOT_KIND) && !rg_ndjson_came(r, ROOT_NAME)) {
		line->name = (struct rg_scan_text){ "root", 4, true };
		r->seen |= NEEDS(ROOT_NAME);
	}
	if (rg_ndjson_came(r, ROOT_KIND)) {
		int kind = 0;

		while (kind < RG_ROOT_KIND_COUNT &&
			!rg_ndjson_is_text(&line->kind, rg_root_names[kind]))
			kind++;
		if (kind == RG_ROOT_KIND_COUNT)
			return rg_scan_fail(&r->json, r->json.start,
				"a kind of root: module, frame, thread, interpreter, "
				"static type or held from C");
		root.kind = (enum rg_root_kind)kind;
	}
	line->start = r->json.start;
	if ((rg_ndjson_came(r, ROOT_REFERENCE) &&
		    !rg_ndjson_kind_of(r, &line->reference, &root.reference)) ||
		!rg_ndjson_intern_optional(r, ROOT_NAME, &line->name, &root.name) ||
		!rg_ndjson_intern_optional(r, ROOT_LABEL, &line->text, &root.label) ||
		!look_up(r, ROOT_THREAD, &r->thread_of_id, line->thread, &root.thread) ||
		!look_up(r, ROOT_FRAME, &r->frame_of_id, line->frame, &root.frame))
		return false;
	rg_writer_root(r->writer, &root);
	r->counts[RG_BLOCK_ROOTS]++;
	return true;
}

enum { THREAD_ID, THREAD_NATIVE_ID, THREAD_IDENT, THREAD_NAME };
static const struct rg_ndjson_key thread_keys[] = {
	[THREAD_ID] = { "id", rg_ndjson_read_u64, AT(number) },
	[THREAD_NATIVE_ID] = { "native_id", rg_ndjson_read_u64, AT(native_id) },
	[THREAD_IDENT] = { "ident", rg_ndjson_read_u64, AT(ident) },
	[THREAD_NAME] = { "name", rg_ndjson_read_text, AT(name) },
};

static bool take_thread(struct rg_ndjson_reader *r)
{
	struct rg_thread_record thread = { .native_id = r->line.native_id, .ident = r->line.ident };

	if (!set_id(r, &r->thread_of_id, (uint32_t)r->counts[RG_BLOCK_THREADS]) ||
		!rg_ndjson_intern_optional(r, THREAD_NAME, &r->line.name, &thread.name))
		return false;
	rg_writer_thread(r->writer, &thread);
	r->counts[RG_BLOCK_THREADS]++;
	return true;
}

enum { FRAME_ID, FRAME_THREAD, FRAME_FUNCTION, FRAME_FILE, FRAME_LINE };
static const struct rg_ndjson_key frame_keys[] = {
	[FRAME_ID] = { "id", rg_ndjson_read_u64, AT(number) },
	[FRAME_THREAD] = { "thread", rg_ndjson_read_u32, AT(thread) },
	[FRAME_FUNCTION] = { "function", rg_ndjson_read_text, AT(function) },
	[FRAME_FILE] = { "file", rg_ndjson_read_text, AT(file) },
	[FRAME_LINE] = { "line", rg_ndjson_read_u32, AT(row) },
};

static bool take_frame(struct rg_ndjson_reader *r)
{
	struct rg_frame_record frame = { .line = r->line.row };

	if (!set_id(r, &r->frame_of_id, (uint32_t)r->counts[RG_BLOCK_FRAMES]) ||
		!look_up(r, FRAME_THREAD, &r->thread_of_id, r->line.thread, &frame.thread) ||
		!rg_ndjson_intern_optional(r, FRAME_FUNCTION, &r->line.function, &frame.function) ||
		!rg_ndjson_intern_optional(r, FRAME_FILE, &r->line.file, &frame.file))
		return false;
	rg_writer_frame(r->writer, &frame);
	r->counts[RG_BLOCK_FRAMES]++;
	return true;
}

enum { SITE_ID, SITE_FILE, SITE_LINE, SITE_CALLER };
static const struct rg_ndjson_key site_keys[] = {
	[SITE_ID] = { "id", rg_ndjson_read_u64, AT(number) },
	[SITE_FILE] = { "file", rg_ndjson_read_text, AT(file) },
	[SITE_LINE] = { "line", rg_ndjson_read_u32, AT(row) },
	[SITE_CALLER] = { "caller", rg_ndjson_read_u32, AT(site) },
};

static bool take_site(struct rg_ndjson_reader *r)
{
	struct rg_site_record site = { .line = r->line.row };

	/* first, so that no site is its own caller */
	if (!look_up(r, SITE_CALLER, &r->site_of_id, r->line.site, &site.caller) ||
		!set_id(r, &r->site_of_id, (uint32_t)r->counts[RG_BLOCK_SITES]) ||
		!rg_ndjson_intern_optional(r, SITE_FILE, &r->line.file, &site.file))
		return false;
	rg_writer_site(r->writer, &site);
	r->counts[RG_BLOCK_SITES]++;
	return true;
}

enum { ALLOCATION_OBJECT, ALLOCATION_SITE };
static const struct rg_ndjson_key allocation_keys[] = {
	[ALLOCATION_OBJECT] = { "object", rg_ndjson_read_referred, AT(address) },
	[ALLOCATION_SITE] = { "site", rg_ndjson_read_u32, AT(site) },
};

static bool take_allocation(struct rg_ndjson_reader *r)
{
	struct rg_allocation_record allocation = { .address = r->line.address };

	if (!look_up(r, ALLOCATION_SITE, &r->site_of_id, r->line.site, &allocation.site))
		return false;
	rg_writer_allocation(r->writer, &allocation);
	r->counts[RG_BLOCK_ALLOCATIONS]++;
	return true;
}

enum { FACT_KEY, FACT_VALUE };
static const struct rg_ndjson_key fact_keys[] = {
	[FACT_KEY] = { "key", rg_ndjson_read_text, AT(key) },
	[FACT_VALUE] = { "value", rg_ndjson_read_fact, AT(text) },
};

static bool take_fact(struct rg_ndjson_reader *r)
{
	const struct rg_ndjson_line *line = &r->line;
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

static const struct rg_ndjson_key end_keys[] = {
	{ "types", rg_ndjson_read_u64, AT(totals[0]) },
	{ "objects", rg_ndjson_read_u64, AT(totals[1]) },
	{ "references", rg_ndjson_read_u64, AT(totals[2]) },
	{ "values", rg_ndjson_read_u64, AT(totals[3]) },
	{ "roots", rg_ndjson_read_u64, AT(totals[4]) },
	{ "threads", rg_ndjson_read_u64, AT(totals[5]) },
	{ "frames", rg_ndjson_read_u64, AT(totals[6]) },
	{ "facts", rg_ndjson_read_u64, AT(totals[7]) },
	{ "sites", rg_ndjson_read_u64, AT(totals[8]) },
	{ "allocations", rg_ndjson_read_u64, AT(totals[9]) },
};

static bool take_end(struct rg_ndjson_reader *r)
{
	for (unsigned i = 0; i < RG_NDJSON_TOTALS; i++)
		if (rg_ndjson_came(r, i) && r->line.totals[i] != r->counts[rg_record_block(i + 1)])
			return rg_scan_fail(&r->json, r->json.start,
				"an end record that counts what stands before it");
	r->ended = true;
	return true;
}

/* The kinds of record, the most frequent first. */
static const struct rg_ndjson_record records[] = {
	{ "object", KEYS(object_keys), NEEDS(OBJECT_ID), take_object, false },
	{ "references", KEYS(references_keys),
		NEEDS(REFERENCES_SOURCE) | NEEDS(REFERENCES_REFERENCES), take_references, false },
	{ "value", KEYS(value_keys), NEEDS(VALUE_OBJECT) | NEEDS(VALUE_VALUE), take_value, false },
	{ "allocation", KEYS(allocation_keys), NEEDS(ALLOCATION_OBJECT) | NEEDS(ALLOCATION_SITE),
		take_allocation, false },
	{ "type", KEYS(type_keys), NEEDS(TYPE_NAME), take_type, false },
	{ "root", KEYS(root_keys), NEEDS(ROOT_TARGET), take_root, false },
	{ "thread", KEYS(thread_keys), 0, take_thread, false },
	{ "frame", KEYS(frame_keys), NEEDS(FRAME_THREAD), take_frame, false },
	{ "site", KEYS(site_keys), 0, take_site, false },
	{ "fact", KEYS(fact_keys), NEEDS(FACT_KEY) | NEEDS(FACT_VALUE), take_fact, false },
	{ "header", KEYS(header_keys), NEEDS(HEADER_FORMAT) | NEEDS(HEADER_VERSION), take_header,
		true },
	{ "end", KEYS(end_keys), 0, take_end, false },
};

#define N_RECORDS (sizeof(records) / sizeof(records[0]))

const struct rg_ndjson_record *rg_ndjson_record_of(const struct rg_scan_text *name)
{
	for (size_t i = 0; i < N_RECORDS; i++)
		if (rg_ndjson_is_text(name, records[i].name))
			return &records[i];
	return NULL;
}

const struct rg_ndjson_record *const rg_ndjson_record_default = &records[0];
