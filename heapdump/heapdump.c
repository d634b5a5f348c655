#include "heapdump/heapdump.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heapdump/base/array.h"
#include "heapdump/base/names.h"
#include "heapdump/base/utf8.h"
#include "heapdump/snapshot/writer.h"

#define TEXT_LIMIT (64u << 10)
#define PENDING 256u

struct heapdump {
	struct rg_writer *writer;
	FILE *stream;
	bool owned; /* the stream is ours to close */
	bool finished; /* what is declared now comes too late, and is nothing */
	char *path, *temporary; /* of heapdump_open; NULL else */
	unsigned alignment;
	struct rg_names strings;
	uint32_t n_types, n_threads, n_frames, n_sites;
	uint32_t *frame_threads; /* by frame */
	size_t frames_capacity;

	/* references of one source that are not written yet */
	uint64_t source, next_index;
	struct rg_reference_record pending[PENDING];
	size_t n_pending;

	enum heapdump_status status;
	char message[200];
};

/* --- failing ------------------------------------------------------------------------------ */

static void fail(struct heapdump *dump, enum heapdump_status status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void fail(struct heapdump *dump, enum heapdump_status status, const char *fmt, ...)
{
	va_list args;

	if (dump->status)
		return;
	dump->status = status;
	va_start(args, fmt);
	vsnprintf(dump->message, sizeof(dump->message), fmt, args);
	va_end(args);
}

/* False where DUMP cannot take any more. */
static bool is_well(const struct heapdump *dump)
{
	return dump && !dump->status && !dump->finished;
}

/* A condition on what the caller passed. */
#define EXPECT(dump, condition, ...)                                                               \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fail((dump), HEAPDUMP_MISUSE, __VA_ARGS__);                                \
			return;                                                                    \
		}                                                                                  \
	} while (0)

static bool is_aligned(const struct heapdump *dump, uint64_t id)
{
	return id % dump->alignment == 0;
}

enum heapdump_status heapdump_error(const struct heapdump *dump)
{
	return dump ? dump->status : HEAPDUMP_NO_MEMORY;
}

const char *heapdump_message(const struct heapdump *dump)
{
	return dump ? dump->message : "there is no dump: it could not be opened";
}

/* --- opening and closing ------------------------------------------------------------------ */

static struct heapdump *create(FILE *stream, bool owned, unsigned alignment)
{
	struct heapdump *dump;
	unsigned shift = 0;

	if (!stream)
		return NULL;
	while (shift < RG_SHIFT_LIMIT && alignment >> (shift + 1) && !(alignment >> shift & 1))
		shift++;
	dump = calloc(1, sizeof(*dump));
	if (dump)
		dump->writer = rg_writer_create(stream, shift);
	if (!dump || !dump->writer) {
		free(dump);
		if (owned)
			fclose(stream);
		errno = ENOMEM;
		return NULL;
	}
	dump->stream = stream;
	dump->owned = owned;
	dump->alignment = 1u << shift;
	return dump;
}

struct heapdump *heapdump_open_stream(FILE *stream, unsigned alignment)
{
	return create(stream, false, alignment);
}

struct heapdump *heapdump_open_fd(int fd, unsigned alignment)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	FILE *stream = copy < 0 ? NULL : fdopen(copy, "w");

	if (copy >= 0 && !stream)
		close(copy);
	return create(stream, true, alignment);
}

struct heapdump *heapdump_open(const char *path, unsigned alignment)
{
	struct heapdump *dump = NULL;
	char *temporary = NULL, *final = strdup(path);
	FILE *stream = NULL;
	int fd = -1, error;

	if (final && asprintf(&temporary, "%s.XXXXXX", path) < 0)
		temporary = NULL;
	if (temporary)
		fd = mkostemp(temporary, O_CLOEXEC);
	if (fd >= 0 && !(stream = fdopen(fd, "w")))
		close(fd);
	dump = create(stream, true, alignment);
	if (dump) {
		dump->path = final;
		dump->temporary = temporary;
		return dump;
	}
	error = errno;
	if (fd >= 0)
		unlink(temporary);
	free(temporary);
	free(final);
	errno = error;
	return NULL;
}

static void flush_references(struct heapdump *dump)
{
	rg_writer_references(dump->writer, dump->source, dump->pending, dump->n_pending);
	dump->n_pending = 0;
}

/* Close the file and give it its name. */
static void put_in_place(struct heapdump *dump)
{
	if (dump->owned && fclose(dump->stream) != 0)
		fail(dump, HEAPDUMP_CANNOT_WRITE, "the dump cannot be written: %s",
			strerror(errno));
	dump->owned = false;
	if (!dump->temporary || dump->status)
		return;
	if (rename(dump->temporary, dump->path) < 0) {
		fail(dump, HEAPDUMP_CANNOT_WRITE, "%s: cannot be written: %s", dump->path,
			strerror(errno));
		return;
	}
	free(dump->temporary);
	dump->temporary = NULL;
}

enum heapdump_status heapdump_finish(struct heapdump *dump)
{
	struct rg_error err;

	if (!is_well(dump))
		return heapdump_error(dump);
	flush_references(dump);
	if (rg_writer_finish(dump->writer, &err))
		fail(dump, HEAPDUMP_CANNOT_WRITE, "%s", err.message);
	put_in_place(dump);
	dump->finished = true;
	return dump->status;
}

void heapdump_close(struct heapdump *dump)
{
	if (!dump)
		return;
	rg_writer_destroy(dump->writer);
	if (dump->owned)
		fclose(dump->stream);
	if (dump->temporary)
		unlink(dump->temporary);
	free(dump->temporary);
	free(dump->path);
	free(dump->frame_threads);
	rg_names_deinit(&dump->strings);
	free(dump);
}

/* --- declaring ---------------------------------------------------------------------------- */

/* The number of a text in the snapshot; none for NULL. */
static uint32_t intern(struct heapdump *dump, const char *text)
{
	size_t length = text ? strlen(text) : 0, before = dump->strings.count;
	uint32_t number;

	if (!text)
		return RG_NO_STRING;
	number = rg_names_add(&dump->strings, text, length);
	if (number == RG_MAP_NONE)
		fail(dump, HEAPDUMP_NO_MEMORY, "out of memory");
	else if (dump->strings.count > before)
		rg_writer_string(dump->writer, text, rg_utf8_cut(text, length, TEXT_LIMIT));
	return number;
}

uint32_t heapdump_type(struct heapdump *dump, const char *name, const char *module, unsigned flags)
{
	struct rg_type_record type = { .flags = flags };

	if (!is_well(dump))
		return 0;
	type.name = intern(dump, name ? name : "");
	type.module = intern(dump, module);
	if (dump->status)
		return 0;
	dump->n_types++;
	return rg_writer_type(dump->writer, &type);
}

void heapdump_object(struct heapdump *dump, uint64_t id, uint32_t type, uint64_t size,
	uint64_t refcount, enum heapdump_generation generation)
{
	bool counted = refcount != HEAPDUMP_NO_REFCOUNT;
	struct rg_object_record object = { .address = id,
		.size = size,
		.refcount = counted ? refcount : UINT32_MAX,
		.type = type,
		.flags = (uint32_t)generation | (counted ? 0 : RG_OBJECT_IMMORTAL) };

	if (!is_well(dump))
		return;
	EXPECT(dump, is_aligned(dump, id), "object 0x%" PRIx64 ": its id is no multiple of %u", id,
		dump->alignment);
	EXPECT(dump, type < dump->n_types, "object 0x%" PRIx64 ": there is no type %u", id, type);
	EXPECT(dump, (unsigned)generation < RG_GEN_COUNT,
		"object 0x%" PRIx64 ": there is no generation %u", id, (unsigned)generation);
	rg_writer_object(dump->writer, &object);
}

static void add_reference(
	struct heapdump *dump, uint64_t from, const struct rg_reference_record *reference)
{
	EXPECT(dump, is_aligned(dump, from) && is_aligned(dump, reference->target),
		"reference from 0x%" PRIx64 " to 0x%" PRIx64 ": an id is no multiple of %u", from,
		reference->target, dump->alignment);
	EXPECT(dump, (unsigned)reference->kind < RG_KIND_COUNT,
		"reference from 0x%" PRIx64 ": there is no kind %u", from,
		(unsigned)reference->kind);
	if (dump->n_pending == PENDING || (dump->n_pending && dump->source != from))
		flush_references(dump);
	dump->source = from;
	dump->pending[dump->n_pending++] = *reference;
}

void heapdump_reference(struct heapdump *dump, uint64_t from, uint64_t to, enum heapdump_kind kind)
{
	if (is_well(dump))
		add_reference(dump, from,
			&(struct rg_reference_record){ .target = to, .kind = (enum rg_kind)kind });
}

void heapdump_reference_named(struct heapdump *dump, uint64_t from, uint64_t to,
	enum heapdump_kind kind, const char *name)
{
	uint32_t number;

	if (!is_well(dump))
		return;
	number = intern(dump, name);
	if (!dump->status)
		add_reference(dump, from,
			&(struct rg_reference_record){ .target = to,
				.kind = (enum rg_kind)kind,
				.form = name ? RG_LABEL_STRING : RG_LABEL_NONE,
				.label = name ? number : 0 });
}

void heapdump_reference_indexed(
	struct heapdump *dump, uint64_t from, uint64_t to, enum heapdump_kind kind, uint64_t index)
{
	if (!is_well(dump))
		return;
	if (!dump->n_pending || dump->source != from || dump->n_pending == PENDING)
		dump->next_index = 0;
	add_reference(dump, from,
		&(struct rg_reference_record){ .target = to,
			.kind = (enum rg_kind)kind,
			.form = index == dump->next_index ? RG_LABEL_NEXT : RG_LABEL_INDEX,
			.label = index });
	dump->next_index = index + 1;
}

void heapdump_reference_keyed(
	struct heapdump *dump, uint64_t from, uint64_t to, enum heapdump_kind kind, uint64_t key)
{
	if (!is_well(dump))
		return;
	EXPECT(dump, is_aligned(dump, key),
		"reference from 0x%" PRIx64 ": its key 0x%" PRIx64 " is no multiple of %u", from,
		key, dump->alignment);
	add_reference(dump, from,
		&(struct rg_reference_record){ .target = to,
			.kind = (enum rg_kind)kind,
			.form = RG_LABEL_OBJECT,
			.label = key });
}

void heapdump_value(struct heapdump *dump, uint64_t id, enum heapdump_value_kind kind,
	const char *text, size_t length)
{
	bool whole = length <= TEXT_LIMIT;

	if (!is_well(dump))
		return;
	EXPECT(dump, is_aligned(dump, id), "value of 0x%" PRIx64 ": the id is no multiple of %u",
		id, dump->alignment);
	EXPECT(dump, kind >= HEAPDUMP_VALUE_TEXT && kind <= HEAPDUMP_VALUE_PLACE,
		"value of 0x%" PRIx64 ": there is no kind %u", id, (unsigned)kind);
	rg_writer_value(dump->writer,
		&(struct rg_value_record){ .address = id,
			.text = text,
			.length = (uint32_t)(whole ? length
						   : rg_utf8_cut(text, length, TEXT_LIMIT)),
			.kind = (enum rg_value_kind)kind,
			.exact = whole });
}

static void add_root(struct heapdump *dump, const struct rg_root_record *root)
{
	EXPECT(dump, is_aligned(dump, root->target),
		"root of 0x%" PRIx64 ": the id is no multiple of %u", root->target,
		dump->alignment);
	rg_writer_root(dump->writer, root);
}

void heapdump_root(struct heapdump *dump, uint64_t target, const char *name)
{
	struct rg_root_record root = { .target = target,
		.kind = RG_ROOT_INTERPRETER,
		.reference = RG_KIND_OTHER,
		.label = RG_NO_STRING,
		.thread = UINT32_MAX,
		.frame = UINT32_MAX };

	if (!is_well(dump))
		return;
	root.name = intern(dump, name ? name : "root");
	if (!dump->status)
		add_root(dump, &root);
}

uint32_t heapdump_thread(struct heapdump *dump, uint64_t native_id, const char *name)
{
	struct rg_thread_record thread = { .native_id = native_id };

	if (!is_well(dump))
		return 0;
	thread.name = intern(dump, name);
	if (dump->status)
		return 0;
	dump->n_threads++;
	return rg_writer_thread(dump->writer, &thread);
}

uint32_t heapdump_frame(struct heapdump *dump, uint32_t thread, const char *function,
	const char *file, uint32_t line)
{
	struct rg_frame_record frame = { .thread = thread, .line = line };

	if (!is_well(dump))
		return 0;
	if (thread >= dump->n_threads) {
		fail(dump, HEAPDUMP_MISUSE, "frame: there is no thread %u", thread);
		return 0;
	}
	frame.function = intern(dump, function);
	frame.file = intern(dump, file);
	if (!rg_array_reserve(&dump->frame_threads, &dump->frames_capacity,
		    (size_t)dump->n_frames + 1, sizeof(*dump->frame_threads)))
		fail(dump, HEAPDUMP_NO_MEMORY, "out of memory");
	if (dump->status)
		return 0;
	dump->frame_threads[dump->n_frames++] = thread;
	return rg_writer_frame(dump->writer, &frame);
}

uint32_t heapdump_site(struct heapdump *dump, const char *file, uint32_t line, uint32_t caller)
{
	struct rg_site_record site = { .line = line, .caller = caller };

	if (!is_well(dump))
		return 0;
	if (caller != HEAPDUMP_NO_SITE && caller >= dump->n_sites) {
		fail(dump, HEAPDUMP_MISUSE, "site: there is no site %u to call it", caller);
		return 0;
	}
	site.file = intern(dump, file);
	if (dump->status)
		return 0;
	dump->n_sites++;
	return rg_writer_site(dump->writer, &site);
}

void heapdump_allocation(struct heapdump *dump, uint64_t id, uint32_t site)
{
	if (!is_well(dump))
		return;
	EXPECT(dump, site < dump->n_sites, "allocation of 0x%" PRIx64 ": there is no site %u", id,
		site);
	EXPECT(dump, is_aligned(dump, id), "allocation of 0x%" PRIx64 ": the id is no multiple of %u",
		id, dump->alignment);
	rg_writer_allocation(dump->writer, &(struct rg_allocation_record){ id, site });
}

void heapdump_root_local(struct heapdump *dump, uint64_t target, uint32_t frame, const char *local)
{
	struct rg_root_record root = { .target = target,
		.kind = RG_ROOT_FRAME,
		.reference = local ? RG_KIND_LOCAL : RG_KIND_STACK,
		.name = RG_NO_STRING,
		.frame = frame };

	if (!is_well(dump))
		return;
	EXPECT(dump, frame < dump->n_frames, "root of 0x%" PRIx64 ": there is no frame %u", target,
		frame);
	root.thread = dump->frame_threads[frame];
	root.label = intern(dump, local);
	if (!dump->status)
		add_root(dump, &root);
}

void heapdump_fact_text(struct heapdump *dump, const char *key, const char *text)
{
	if (is_well(dump))
		rg_writer_fact_text(dump->writer, key, text);
}

void heapdump_fact_number(struct heapdump *dump, const char *key, int64_t number)
{
	if (is_well(dump))
		rg_writer_fact_number(dump->writer, key, number);
}
