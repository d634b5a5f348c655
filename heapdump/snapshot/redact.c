#include "heapdump/snapshot/redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"
#include "heapdump/base/map.h"
#include "heapdump/snapshot/reader.h"
#include "heapdump/snapshot/standard.h"
#include "heapdump/snapshot/writer.h"

#define HIDDEN 9 /* bytes that a part of a name becomes: x1a2b3c4d */

struct text {
	const char *bytes;
	uint32_t length;
};

struct redaction {
	const uint8_t *data;
	size_t size;
	const char *file;
	bool names; /* hide them too */
	bool cpython; /* the runtime is */
	struct rg_writer *writer;
	struct text *strings;
	size_t n_strings, strings_capacity;
	uint8_t *clear; /* of each string: it may be shown */
	struct rg_map namespaces; /* address of a dict of an instance, class or module -> 0 */
	struct rg_map attributes; /* address of a key that is the name of an attribute -> 0 */
	struct rg_reference_record *references; /* of one record */
	size_t n_references, references_capacity;
	bool failed;
};

/* --- names -------------------------------------------------------------------------------- */

/* What Python calls things itself: __init__, <lambda>, <locals>, MainThread. */
static bool is_pythons(const char *part, size_t length)
{
	static const char *const names[] = { "<lambda>", "<locals>", "<module>", "<genexpr>",
		"<listcomp>", "<dictcomp>", "<setcomp>", "MainThread" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == length && memcmp(names[i], part, length) == 0)
			return true;
	return length > 4 && length < 20 && memcmp(part, "__", 2) == 0 &&
	       memcmp(part + length - 2, "__", 2) == 0;
}

static size_t hide_all(const char *text, size_t length, char *out)
{
	return (size_t)snprintf(
		out, HIDDEN + 1, "x%08x", (unsigned)(rg_hash(text, length) & 0xffffffff));
}

static size_t hide_part(const char *part, size_t length, char *out)
{
	if (!is_pythons(part, length))
		return hide_all(part, length, out);
	memcpy(out, part, length);
	return length;
}

/* The parts of a dotted name, each hidden; what does not fit is left out. */
static size_t hide_name(const char *text, size_t length, char out[RG_REDACTED])
{
	size_t used = 0;

	for (size_t at = 0; at <= length && used + 42 < RG_REDACTED - 1;) {
		const char *dot = memchr(text + at, '.', length - at);
		size_t part = dot ? (size_t)(dot - text) - at : length - at;

		if (at > 0)
			out[used++] = '.';
		if (part)
			used += hide_part(text + at, part, out + used);
		at += part + 1;
	}
	return used;
}

/* A file: its folder goes, its name is hidden, ".py" and a line stay. */
static size_t hide_file(const char *text, size_t length, char out[RG_REDACTED])
{
	const char *slash = memrchr(text, '/', length), *end = text + length, *colon, *stop;
	size_t used;

	if (slash)
		text = slash + 1;
	colon = memrchr(text, ':', (size_t)(end - text));
	stop = colon ? colon : end;
	for (const char *c = colon ? colon + 1 : end; c < end; c++)
		if (*c < '0' || *c > '9')
			stop = end;
	if (stop - text > 3 && memcmp(stop - 3, ".py", 3) == 0)
		stop -= 3;
	else if (stop != colon)
		stop = end;
	used = hide_part(text, (size_t)(stop - text), out);
	if ((size_t)(end - stop) < 16) {
		memcpy(out + used, stop, (size_t)(end - stop));
		used += (size_t)(end - stop);
	}
	return used;
}

static bool is_file(const char *text, size_t length)
{
	return memchr(text, '/', length) ||
	       (length > 3 && memcmp(text + length - 3, ".py", 3) == 0);
}

static size_t hide(const char *text, size_t length, char out[RG_REDACTED])
{
	return is_file(text, length) ? hide_file(text, length, out) : hide_name(text, length, out);
}

/* A text, with a blank in it if it is no name: a key that names a field still looks like one. */
static size_t hide_text(const char *text, size_t length, char out[RG_REDACTED])
{
	bool name = length > 0;
	size_t used;

	for (size_t i = 0; i < length; i++)
		name &= text[i] == '_' || isalpha((unsigned char)text[i]) ||
			(i > 0 && isdigit((unsigned char)text[i]));
	used = hide_all(text, length, out);
	if (!name)
		memcpy(out + used, " …", 4);
	return used + (name ? 0 : 4);
}

/* --- which strings stay ------------------------------------------------------------------- */

static struct text string_of(const struct redaction *redaction, uint32_t number)
{
	return number < redaction->n_strings ? redaction->strings[number] : (struct text){ "", 0 };
}

static void keep(struct redaction *redaction, uint32_t number)
{
	if (number < redaction->n_strings)
		redaction->clear[number] = 1;
}

static void collect_strings(struct redaction *redaction, struct rg_block *block)
{
	struct text text;

	while (block->count-- > 0 && rg_read_string(block, &text.bytes, &text.length)) {
		struct text *slot = RG_PUSH(
			redaction->strings, redaction->n_strings, redaction->strings_capacity);

		if (!slot) {
			redaction->failed = true;
			return;
		}
		*slot = text;
	}
}

static void judge_facts(struct redaction *redaction, struct rg_block *block)
{
	static const char name[] = "CPython ";
	struct rg_fact_record fact;

	while (block->count-- > 0 && rg_read_fact(block, &fact))
		if (fact.text && fact.key_length == 7 && memcmp(fact.key, "runtime", 7) == 0)
			redaction->cpython = fact.text_length > strlen(name) &&
					     memcmp(fact.text, name, strlen(name)) == 0;
}

static void judge_types(struct redaction *redaction, struct rg_block *block)
{
	struct rg_type_record type;

	while (block->count-- > 0 && rg_read_type(block, &type)) {
		struct text module = string_of(redaction, type.module);

		if (!rg_is_standard_module(module.bytes, module.length))
			continue;
		keep(redaction, type.name);
		keep(redaction, type.module);
	}
}

static void judge_roots(struct redaction *redaction, struct rg_block *block)
{
	struct rg_root_record root;

	while (block->count-- > 0 && rg_read_root(block, &root)) {
		struct text name = string_of(redaction, root.name);

		/* of CPython's interpreter the names are ours, of another runtime anybody's */
		if (root.kind == RG_ROOT_MODULE || root.kind == RG_ROOT_STATIC
				? rg_is_standard_module(name.bytes, name.length)
				: redaction->cpython && root.kind != RG_ROOT_FRAME)
			keep(redaction, root.name);
	}
}

static void note(struct redaction *redaction, struct rg_map *set, uint64_t address)
{
	if (address && !rg_map_set(set, address, 0))
		redaction->failed = true;
}

static bool is_attribute(enum rg_kind kind)
{
	return kind == RG_KIND_ATTR || kind == RG_KIND_CLASSATTR || kind == RG_KIND_MODATTR;
}

/* The dicts whose keys are names of attributes; or, these known, the keys themselves. */
static void judge_references(struct redaction *redaction, struct rg_block *block, bool keys)
{
	struct rg_reference_record reference;
	struct rg_reference_run run;

	while (block->count-- > 0 && rg_read_references(block, &run)) {
		bool inside = rg_map_get(&redaction->namespaces, run.source) != RG_MAP_NONE;

		for (uint64_t i = 0; i < run.count; i++) {
			if (!rg_read_reference(block, &run, &reference))
				return;
			if (!keys && (reference.kind == RG_KIND_DICT ||
					     reference.kind == RG_KIND_CLASSDICT ||
					     reference.kind == RG_KIND_MODDICT))
				note(redaction, &redaction->namespaces, reference.target);
			else if (keys && reference.form == RG_LABEL_OBJECT &&
				 (inside || is_attribute(reference.kind)))
				note(redaction, &redaction->attributes, reference.label);
		}
	}
}

/* What one block tells in a walk: 0 strings and facts, 1 types, roots, dicts, 2 their keys. */
static void judge_block(struct redaction *redaction, struct rg_block *block, int step)
{
	if (step == 0 && block->type == RG_BLOCK_STRINGS)
		collect_strings(redaction, block);
	else if (step == 0 && block->type == RG_BLOCK_FACTS)
		judge_facts(redaction, block);
	else if (step == 1 && block->type == RG_BLOCK_TYPES)
		judge_types(redaction, block);
	else if (step == 1 && block->type == RG_BLOCK_ROOTS)
		judge_roots(redaction, block);
	else if (step > 0 && block->type == RG_BLOCK_REFERENCES)
		judge_references(redaction, block, step == 2);
}

/* The first walks over the file: its strings, and which of them may be shown. */
static enum rg_code judge(struct redaction *redaction, struct rg_error *err)
{
	struct rg_reader reader;
	struct rg_block block;
	enum rg_code code;

	for (int step = 0; step < 3; step++) {
		code = rg_reader_init(
			&reader, redaction->data, redaction->size, redaction->file, err);
		if (code)
			return code;
		while (rg_reader_next(&reader, &block))
			judge_block(redaction, &block, step);
		if (step == 0)
			redaction->clear = rg_array_new(redaction->n_strings, 1);
		if (redaction->failed || !redaction->clear)
			return rg_nomem(err);
	}
	return RG_OK;
}

/* --- writing ------------------------------------------------------------------------------ */

static void write_strings(struct redaction *redaction)
{
	for (size_t i = 0; i < redaction->n_strings; i++) {
		struct text text = redaction->strings[i];
		char out[RG_REDACTED];

		if (redaction->names && !redaction->clear[i]) {
			text.length = (uint32_t)hide(text.bytes, text.length, out);
			text.bytes = out;
		}
		rg_writer_string(redaction->writer, text.bytes, text.length);
	}
}

static void write_types(struct redaction *redaction, struct rg_block *block)
{
	struct rg_type_record type;

	while (block->count-- > 0 && rg_read_type(block, &type))
		rg_writer_type(redaction->writer, &type);
}

static void write_objects(struct redaction *redaction, struct rg_block *block)
{
	struct rg_object_record object;

	while (block->count-- > 0 && rg_read_object(block, &object))
		rg_writer_object(redaction->writer, &object);
}

static void write_references(struct redaction *redaction, struct rg_block *block)
{
	struct rg_reference_run run;

	while (block->count-- > 0 && rg_read_references(block, &run)) {
		redaction->n_references = 0;
		for (uint64_t i = 0; i < run.count; i++) {
			struct rg_reference_record reference, *slot;

			if (!rg_read_reference(block, &run, &reference))
				break;
			slot = RG_PUSH(redaction->references, redaction->n_references,
				redaction->references_capacity);
			if (!slot) {
				redaction->failed = true;
				return;
			}
			*slot = reference;
		}
		rg_writer_references(redaction->writer, run.source, redaction->references,
			redaction->n_references);
	}
}

static void write_values(struct redaction *redaction, struct rg_block *block)
{
	struct rg_value_record value;
	char out[RG_REDACTED];

	while (block->count-- > 0 && rg_read_value(block, &value)) {
		bool clear = !redaction->names ||
			     (value.kind == RG_VALUE_NAME &&
				     rg_is_standard_module(value.text, value.length));

		/* a hidden text may be a key: without it two keys could not be told apart */
		if (value.kind == RG_VALUE_BYTES || value.kind == RG_VALUE_NUMBER ||
			(value.kind == RG_VALUE_STR && !redaction->names &&
				rg_map_get(&redaction->attributes, value.address) == RG_MAP_NONE))
			continue;
		if (!clear) {
			value.length = (uint32_t)(value.kind == RG_VALUE_STR
							  ? hide_text(value.text, value.length, out)
							  : hide(value.text, value.length, out));
			value.text = out;
			value.exact = value.kind == RG_VALUE_STR;
		}
		rg_writer_value(redaction->writer, &value);
	}
}

static void write_roots(struct redaction *redaction, struct rg_block *block)
{
	struct rg_root_record root;

	while (block->count-- > 0 && rg_read_root(block, &root))
		rg_writer_root(redaction->writer, &root);
}

static void write_threads(struct redaction *redaction, struct rg_block *block)
{
	struct rg_thread_record thread;

	while (block->count-- > 0 && rg_read_thread(block, &thread))
		rg_writer_thread(redaction->writer, &thread);
}

static void write_frames(struct redaction *redaction, struct rg_block *block)
{
	struct rg_frame_record frame;

	while (block->count-- > 0 && rg_read_frame(block, &frame))
		rg_writer_frame(redaction->writer, &frame);
}

static void write_sites(struct redaction *redaction, struct rg_block *block)
{
	struct rg_site_record site;

	while (block->count-- > 0 && rg_read_site(block, &site))
		rg_writer_site(redaction->writer, &site);
}

static void write_allocations(struct redaction *redaction, struct rg_block *block)
{
	struct rg_allocation_record allocation;

	while (block->count-- > 0 && rg_read_allocation(block, &allocation))
		rg_writer_allocation(redaction->writer, &allocation);
}

/* Facts that name nothing of the program: others may, a list of its libraries or a folder. */
static bool is_harmless(const char *key)
{
	static const char *const keys[] = { "runtime", "version", "pid", "pid.inner", "captured",
		"rss", "pause_ns", "source", "tool", "core.signal", "redacted",
		"tracemalloc.frames", "warning.gc-running", "warning.stopped",
		"warning.no-refcounts", "warning.only-referred", "warning.sites-moving" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return strncmp(key, "gc.", 3) == 0;
}

static void write_facts(struct redaction *redaction, struct rg_block *block)
{
	struct rg_fact_record fact;

	while (block->count-- > 0 && rg_read_fact(block, &fact)) {
		char key[256] = "", text[1024] = "";

		if (fact.key_length >= sizeof(key) || fact.text_length >= sizeof(text))
			continue;
		memcpy(key, fact.key, fact.key_length);
		if (redaction->names ? !is_harmless(key) : strcmp(key, "argv") == 0)
			continue;
		if (!fact.text) {
			rg_writer_fact_number(redaction->writer, key, fact.number);
			continue;
		}
		memcpy(text, fact.text, fact.text_length);
		rg_writer_fact_text(redaction->writer, key, text);
	}
}

static void (*const writers[RG_BLOCK_TYPE_COUNT])(
	struct redaction *redaction, struct rg_block *block) = {
	[RG_BLOCK_TYPES] = write_types,
	[RG_BLOCK_OBJECTS] = write_objects,
	[RG_BLOCK_REFERENCES] = write_references,
	[RG_BLOCK_VALUES] = write_values,
	[RG_BLOCK_ROOTS] = write_roots,
	[RG_BLOCK_THREADS] = write_threads,
	[RG_BLOCK_FRAMES] = write_frames,
	[RG_BLOCK_FACTS] = write_facts,
	[RG_BLOCK_SITES] = write_sites,
	[RG_BLOCK_ALLOCATIONS] = write_allocations,
};

/* The second walk: every record again, its strings first as they keep their numbers. */
static enum rg_code rewrite(struct redaction *redaction, struct rg_error *err)
{
	struct rg_reader reader;
	struct rg_block block;
	enum rg_code code = rg_reader_init(
		&reader, redaction->data, redaction->size, redaction->file, err);

	if (code)
		return code;
	write_strings(redaction);
	while (!redaction->failed && rg_reader_next(&reader, &block))
		if (writers[block.type])
			writers[block.type](redaction, &block);
	rg_writer_fact_number(redaction->writer, "redacted", redaction->names);
	if (redaction->failed)
		return rg_nomem(err);
	if (!reader.truncated)
		return rg_writer_finish(redaction->writer, err);
	rg_writer_flush(redaction->writer);
	return RG_OK;
}

void rg_redact_name(const char *name, char out[RG_REDACTED])
{
	out[hide(name, strlen(name), out)] = '\0';
}

enum rg_code rg_redact(const uint8_t *data, size_t size, const char *file, enum rg_redact_what what,
	FILE *out, struct rg_error *err)
{
	struct redaction redaction = {
		.data = data, .size = size, .file = file, .names = what == RG_REDACT_NAMES
	};
	struct rg_reader reader;
	enum rg_code code = rg_reader_init(&reader, data, size, file, err);

	if (code)
		return code;
	redaction.writer = rg_writer_create(out, reader.shift);
	code = redaction.writer ? judge(&redaction, err) : rg_nomem(err);
	if (!code)
		code = rewrite(&redaction, err);
	rg_writer_destroy(redaction.writer);
	free(redaction.strings);
	free(redaction.clear);
	rg_map_deinit(&redaction.namespaces);
	rg_map_deinit(&redaction.attributes);
	free(redaction.references);
	return code;
}
