#include "heapdump/snapshot/ndjson_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "heapdump/base/array.h"

#define CHUNK ((size_t)1 << 20)

/* --- lines -------------------------------------------------------------------------------- */

/* Whether the next member of JSON is "record"; if so its value, read. */
static bool is_record_key(struct rg_scan *json, struct rg_scan_text *name_ret, bool *found_ret)
{
	struct rg_scan_text key;

	if (!rg_scan_key(json, &key))
		return false;
	*found_ret = rg_ndjson_is_text(&key, "record");
	return *found_ret ? rg_scan_string(json, name_ret) : rg_scan_skip(json);
}

/* Look for "record" behind the first member; the line is not changed. Mistakes wait for later. */
static bool search_record(
	struct rg_ndjson_reader *r, char *line, size_t length, const struct rg_ndjson_record **ret)
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
			return rg_ndjson_no_memory(r);
		memcpy(copy, line, length + 1);
	}
	json = rg_scan_over(copy ? copy : line, length);
	for (bool more = rg_scan_begin(&json, '{'); more && !found; more = rg_scan_more(&json, '}'))
		if (!is_record_key(&json, &name, &found))
			break;
	if (found)
		*ret = rg_ndjson_record_of(&name);
	free(copy);
	return true;
}

/* The key of the record that TEXT is, tried first where the last one was left; -1: none. */
static int find_key(
	const struct rg_ndjson_record *record, const struct rg_scan_text *text, unsigned hint)
{
	for (unsigned i = 0; i < record->n_keys; i++) {
		unsigned k = hint + i < record->n_keys ? hint + i : hint + i - record->n_keys;

		if (rg_ndjson_is_text(text, record->keys[k].name))
			return (int)k;
	}
	return -1;
}

/* One member of the line's object; *HINT is the key that may come next. */
static bool read_line_member(
	struct rg_ndjson_reader *r, const struct rg_ndjson_record *record, unsigned *hint)
{
	struct rg_scan_text key;
	const char *at = r->json.at;
	int found;

	if (!rg_scan_key(&r->json, &key))
		return false;
	found = record ? find_key(record, &key, *hint) : -1;
	if (found < 0 && rg_ndjson_is_text(&key, "record"))
		found = RG_NDJSON_KEY_RECORD;
	if (found < 0)
		return rg_scan_skip(&r->json);
	if (rg_ndjson_came(r, (unsigned)found))
		return rg_scan_fail(&r->json, at, "a key that did not come before");
	if (found == RG_NDJSON_KEY_RECORD) {
		r->seen |= (UINT64_C(1) << (RG_NDJSON_KEY_RECORD));
		return rg_scan_skip(&r->json);
	}
	*hint = (unsigned)found + 1 < record->n_keys ? (unsigned)found + 1 : 0;
	if (rg_scan_peek(&r->json) == 'n')
		return rg_scan_skip(&r->json);
	r->seen |= (UINT64_C(1) << (found));
	r->line.start = r->json.at;
	return record->keys[found].read(r, (char *)&r->line + record->keys[found].offset);
}

/* The rest of the line, from its next member on. */
static bool read_members(
	struct rg_ndjson_reader *r, const struct rg_ndjson_record *record, bool more)
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
static bool need_writer(struct rg_ndjson_reader *r)
{
	if (!r->writer)
		r->writer = rg_writer_create(r->out, r->shift);
	return r->writer || rg_ndjson_no_memory(r);
}

static bool read_line(struct rg_ndjson_reader *r, char *line, size_t length)
{
	const struct rg_ndjson_record *record = rg_ndjson_record_default;
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
		record = rg_ndjson_record_of(&name);
		r->seen |= (UINT64_C(1) << (RG_NDJSON_KEY_RECORD));
		more = rg_scan_more(&r->json, '}');
	} else if (more && !search_record(r, line, length, &record)) {
		return false;
	} else {
		r->json = ahead;
	}
	if ((!record || !record->opens) && !need_writer(r))
		return false;
	if (!read_members(r, record, more) || (record && !record->take(r)))
		return false;
	return need_writer(r);
}

static enum rg_code more_bytes(struct rg_ndjson_reader *r)
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
static enum rg_code next_line(struct rg_ndjson_reader *r, char **line_ret, size_t *length_ret)
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
static enum rg_code bad_line(struct rg_ndjson_reader *r, uint64_t good)
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

static enum rg_code read_lines(struct rg_ndjson_reader *r)
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

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The addresses that were only referred to, ascending; in the map they lie by chance. */
static uint64_t *only_referred(const struct rg_map *objects, size_t *count_ret)
{
	uint64_t *addresses = NULL;
	size_t count = 0, capacity = 0;

	for (size_t i = 0; i < objects->size; i++)
		if (objects->keys[i] && objects->values[i] == RG_NDJSON_REFERRED) {
			uint64_t *slot = RG_PUSH(addresses, count, capacity);

			if (!slot) {
				free(addresses);
				return NULL;
			}
			*slot = objects->keys[i] - 1;
		}
	if (count)
		qsort(addresses, count, sizeof(*addresses), by_number);
	*count_ret = count;
	return addresses ? addresses : calloc(1, sizeof(*addresses));
}

/* The objects that were only referred to: of no known type, size or reference count. */
static bool add_objects(struct rg_ndjson_reader *r)
{
	struct rg_object_record object = { .refcount = RG_NDJSON_UNCOUNTED,
		.flags = RG_GEN_UNTRACKED | RG_OBJECT_IMMORTAL };
	size_t count = 0;
	uint64_t *addresses = only_referred(&r->objects, &count);
	bool done = addresses && (count == 0 || rg_ndjson_unknown_type(r, &object.type));

	for (size_t i = 0; done && i < count; i++) {
		object.address = addresses[i];
		rg_writer_object(r->writer, &object);
		r->counts[RG_BLOCK_OBJECTS]++;
	}
	free(addresses);
	r->summary->added = count;
	r->summary->uncounted += count;
	return done;
}

static void put_warning(
	struct rg_ndjson_reader *r, const char *key, const char *what, uint64_t count)
{
	char text[160];

	if (!count)
		return;
	snprintf(text, sizeof(text), "%s: %" PRIu64 " of %" PRIu64 " objects", what, count,
		r->counts[RG_BLOCK_OBJECTS]);
	rg_writer_fact_text(r->writer, key, text);
}

static void put_warnings(struct rg_ndjson_reader *r)
{
	put_warning(r, "warning.only-referred", "only referred to, so of unknown type and size 0",
		r->summary->added);
	put_warning(r, "warning.no-refcounts", "without a reference count, so taken as alive",
		r->summary->uncounted);
}

static enum rg_code finish(struct rg_ndjson_reader *r)
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
	struct rg_ndjson_reader r = {
		.stream = stream, .out = out, .summary = &summary, .err = err
	};
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
	rg_map_deinit(&r.site_of_id);
	rg_map_deinit(&r.objects);
	return code;
}
