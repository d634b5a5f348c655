#include "src/cli/source.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heapdump/base/file.h"
#include "heapdump/capture/capture.h"
#include "heapdump/capture/core.h"
#include "heapdump/image/core.h"
#include "heapdump/image/process.h"
#include "heapdump/snapshot/reader.h"
#include "heapdump/snapshot/redact.h"
#include "heapdump/snapshot/ndjson.h"
#include "src/cli/cache.h"
#include "src/cli/progress.h"
#include "src/cli/report.h"

/* --- which process ------------------------------------------------------------------------ */

struct search {
	const char *name;
	pid_t found;
	unsigned count;
};

static bool match_name(void *context, pid_t pid)
{
	struct search *search = context;
	char path[64], comm[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	rg_file_start(path, comm, sizeof(comm) - 1);
	comm[strcspn(comm, "\n")] = '\0';
	/* one that has ended meanwhile has none */
	if (*comm && strcmp(comm, search->name) == 0 && pid != getpid()) {
		search->found = pid;
		search->count++;
	}
	return true;
}

/* The digits of a pid, or NULL. */
static const char *pid_digits(const char *word)
{
	const char *digits = strncmp(word, "pid:", 4) == 0 ? word + 4 : word;

	for (const char *c = digits; *c; c++)
		if (!isdigit((unsigned char)*c))
			return NULL;
	return *digits ? digits : NULL;
}

enum rg_code rg_source_pid(const char *word, pid_t *pid_ret, struct rg_error *err)
{
	struct search search = { .name = word };
	const char *digits = pid_digits(word);

	*pid_ret = 0;
	if (digits) {
		unsigned long number = strtoul(digits, NULL, 10);

		*pid_ret = number > 0 && number < 1u << 30 ? (pid_t)number : -1;
		if (*pid_ret > 0)
			return RG_OK;
		return rg_fail(err, RG_USAGE, "bad-pid", "'%s' is not a pid", word);
	}
	if (strcmp(word, "-") == 0 || access(word, F_OK) == 0 || strpbrk(word, "/."))
		return RG_OK;
	if (rg_process_each("/proc", match_name, &search))
		return rg_nomem(err);
	if (search.count == 1)
		*pid_ret = search.found;
	if (search.count <= 1)
		return RG_OK;
	rg_fail(err, RG_USAGE, "ambiguous-name", "%u processes are called '%s'", search.count,
		word);
	return rg_hint(err, "choose one by its pid: refgraph ps");
}

/* --- opening ------------------------------------------------------------------------------ */

/* BYTES of the snapshot NAME without what --no-values or --redact leave out, in their place. */
static enum rg_code redact(const struct rg_settings *settings, struct rg_bytes *bytes,
	const char *name, struct rg_error *err)
{
	struct rg_bytes redacted = { 0 };
	FILE *file;
	enum rg_code code;

	file = rg_file_temporary(err);
	if (!file)
		return err->code;
	code = rg_redact(bytes->data, bytes->size, name,
		settings->redact ? RG_REDACT_NAMES : RG_REDACT_VALUES, file, err);
	if (!code && fflush(file) != 0)
		code = rg_fail(
			err, RG_SYSTEM, "cannot-write", "a temporary file: %s", strerror(errno));
	if (!code)
		code = rg_bytes_map(&redacted, fileno(file), name, err);
	fclose(file);
	if (code)
		return code;
	rg_bytes_deinit(bytes);
	*bytes = redacted;
	return RG_OK;
}

static enum rg_code capture_pid(
	struct rg_context *context, pid_t pid, FILE *stream, uint64_t *pause_ns_ret)
{
	struct rg_capture capture = { .pid = pid,
		.values = !context->settings.no_values,
		.force = context->settings.force,
		.tool = "refgraph " PACKAGE_VERSION };
	enum rg_code code;

	rg_progress_phase("capturing the process");
	code = rg_capture_write(&capture, stream, &context->err);
	if (!code && capture.stopped)
		rg_remark("warning: no copy of pid %d could be made, so it stood still for %.1f ms "
			  "while it was read: %s",
			pid, (double)capture.pause_ns / 1e6, capture.why_stopped);
	if (pause_ns_ret)
		*pause_ns_ret = capture.pause_ns;
	return code;
}

static void print_warning(void *context, const char *text)
{
	rg_remark("warning: %s: %s", (const char *)context, text);
}

static enum rg_code capture_core(struct rg_context *context, const char *core, FILE *stream)
{
	struct rg_core_capture capture = { .path = core,
		.sysroot = context->settings.sysroot,
		.values = !context->settings.no_values,
		.force = context->settings.force,
		.tool = "refgraph " PACKAGE_VERSION,
		.warn = print_warning,
		.context = (void *)core };

	rg_progress_phase("reading the core file");
	return rg_core_capture_write(&capture, stream, &context->err);
}

/*
 * Capture PID, or CORE where that is not NULL, onto OUT. With --redact by way of a file without a
 * name: what it leaves out never reaches another.
 */
static enum rg_code capture(
	struct rg_context *context, pid_t pid, const char *core, FILE *out, uint64_t *pause_ns_ret)
{
	struct rg_error *err = &context->err;
	FILE *stream = context->settings.redact ? rg_file_temporary(err) : out;
	struct rg_bytes bytes = { 0 };
	enum rg_code code;

	if (!stream)
		return err->code;
	code = core ? capture_core(context, core, stream)
		    : capture_pid(context, pid, stream, pause_ns_ret);
	if (stream == out)
		return code;
	if (!code)
		code = rg_bytes_map(&bytes, fileno(stream), "the capture", err);
	fclose(stream);
	if (!code)
		code = rg_redact(bytes.data, bytes.size, "the capture", RG_REDACT_NAMES, out, err);
	rg_bytes_deinit(&bytes);
	return code;
}

enum rg_code rg_source_capture(
	struct rg_context *context, pid_t pid, const char *path, uint64_t *pause_ns_ret)
{
	struct rg_output output;
	enum rg_code code = rg_output_open(&output, path, 0600, &context->err);

	if (code)
		return code;
	code = capture(context, pid, NULL, output.stream, pause_ns_ret);
	if (!code)
		return rg_output_commit(&output, &context->err);
	rg_output_abandon(&output);
	return code;
}

enum rg_code rg_source_capture_core(struct rg_context *context, const char *core, const char *path)
{
	struct rg_output output;
	struct stat from, to;
	enum rg_code code;

	if (stat(core, &from) == 0 && stat(path, &to) == 0 && from.st_dev == to.st_dev &&
		from.st_ino == to.st_ino) {
		rg_fail(&context->err, RG_USAGE, "same-file",
			"%s: the snapshot would replace the core file", path);
		return rg_hint(&context->err, "give the snapshot another name");
	}
	code = rg_output_open(&output, path, 0600, &context->err);
	if (code)
		return code;
	code = capture(context, 0, core, output.stream, NULL);
	if (!code)
		return rg_output_commit(&output, &context->err);
	rg_output_abandon(&output);
	return code;
}

bool rg_source_is_foreign(const char *word)
{
	uint8_t magic[8];

	return access(word, F_OK) == 0 &&
	       !rg_reader_knows(magic, rg_file_start(word, magic, sizeof(magic)));
}

/* Capture PID, or the core file of SOURCE, into a file without a name, and open that. */
static enum rg_code open_unkept(struct rg_source *source, struct rg_context *context, pid_t pid)
{
	struct rg_error *err = &context->err;
	FILE *file = rg_file_temporary(err);
	struct rg_bytes bytes;
	enum rg_code code;

	if (!file)
		return err->code;
	code = capture(context, pid, source->core, file, NULL);
	rg_progress_phase("reading the heap");
	if (!code)
		code = rg_bytes_map(&bytes, fileno(file), context->words[0], err);
	fclose(file);
	return code ? code : rg_heap_init_bytes(&source->heap, &bytes, context->words[0], err);
}

/* Whether a file can be made at PATH; else a remark says that nothing is kept, and why. */
static bool can_keep(struct rg_context *context, const char *path)
{
	struct rg_output output;

	if (!rg_output_open(&output, path, 0600, &context->err)) {
		rg_output_abandon(&output);
		return true;
	}
	rg_remark("warning: the capture is not kept: %s", context->err.message);
	rg_error_init(&context->err);
	return false;
}

/* Capture PID, or the core file of SOURCE, keep what was captured, and open it. */
static enum rg_code open_captured(struct rg_source *source, struct rg_context *context, pid_t pid)
{
	const struct rg_settings *settings = &context->settings;
	enum rg_code code;

	if (settings->no_save && !settings->save)
		return open_unkept(source, context, pid);
	if (settings->save)
		source->path = strdup(settings->save);
	else
		source->path = source->core ? rg_cache_path_of_core(source->core)
					    : rg_cache_path_of_pid(pid);
	if (!source->path)
		return rg_nomem(&context->err);
	/* nobody asked for the cache: without it there is an answer all the same */
	if (!settings->save && !can_keep(context, source->path)) {
		free(source->path);
		source->path = NULL;
		return open_unkept(source, context, pid);
	}
	if (source->core)
		code = rg_source_capture_core(context, source->core, source->path);
	else
		code = rg_source_capture(context, pid, source->path, NULL);
	rg_progress_phase("reading the heap");
	if (!code)
		code = rg_heap_init(&source->heap, source->path, &context->err);
	if (!code && !settings->save)
		rg_cache_prune(source->path);
	return code;
}

/* A snapshot that could not be read is perhaps a core that somebody has compressed. */
static enum rg_code explain_packed(const char *path, enum rg_code code, struct rg_error *err)
{
	/* a packed snapshot is unpacked on the way, so that only what was in it is known */
	bool unpacked = strstr(err->message, "an ELF file") != NULL;
	const char *advice;
	uint8_t magic[8];

	if (code != RG_BAD_DATA)
		return code;
	advice = rg_core_packer(magic, rg_file_start(path, magic, sizeof(magic)));
	if (!advice || (strncmp(advice, "zstd", 4) == 0 && !unpacked))
		return code;
	rg_fail(err, code, "compressed", "%s: %s%s", path, unpacked ? "a core file, " : "", advice);
	return rg_at_file(err, path, 0);
}

/* NDJSON from STREAM as the bytes of a snapshot, in a temporary file that has no name. */
static enum rg_code convert(struct rg_stream *stream, struct rg_bytes *bytes_ret,
	struct rg_ndjson_summary *summary_ret, struct rg_error *err)
{
	FILE *file = rg_file_temporary(err);
	enum rg_code code;

	if (!file)
		return err->code;
	code = rg_ndjson_read(stream, file, summary_ret, err);
	if (!code)
		code = rg_bytes_map(bytes_ret, fileno(file), stream->path, err);
	fclose(file);
	return code;
}

enum rg_code rg_source_bytes(const struct rg_settings *settings, const char *word,
	struct rg_bytes *bytes_ret, bool *ndjson_ret, char damage_ret[200], struct rg_error *err)
{
	struct rg_ndjson_summary summary = { 0 };
	struct rg_stream stream;
	enum rg_code code = rg_stream_open(&stream, word, err);

	if (!code)
		code = rg_stream_look(&stream, err);
	if (!code) {
		bool known = rg_reader_knows(stream.head, stream.head_size);

		*ndjson_ret = rg_ndjson_knows(stream.head, stream.head_size);
		if (*ndjson_ret)
			code = convert(&stream, bytes_ret, &summary, err);
		else if (stream.regular && known)
			code = rg_bytes_init(bytes_ret, word, err);
		else
			/* of what is no snapshot the start says what it is: it may have no end */
			code = rg_stream_rest(&stream, known ? SIZE_MAX : 1, bytes_ret, err);
	}
	if (!code)
		memcpy(damage_ret, summary.damage, sizeof(summary.damage));
	rg_stream_close(&stream);
	if (!code && (settings->no_values || settings->redact)) {
		code = redact(settings, bytes_ret, word, err);
		if (code)
			rg_bytes_deinit(bytes_ret);
	}
	return code;
}

/* A snapshot, or NDJSON. */
static enum rg_code open_file(struct rg_source *source, const struct rg_settings *settings,
	const char *word, struct rg_error *err)
{
	struct rg_bytes bytes = { 0 };
	char damage[200] = "";
	enum rg_code code = rg_source_bytes(settings, word, &bytes, &source->ndjson, damage, err);

	if (!code)
		code = rg_heap_init_bytes(&source->heap, &bytes, word, err);
	if (!code && *damage)
		/* say where the text ends, not where its snapshot does */
		snprintf(source->heap.damage, sizeof(source->heap.damage), "%.*s",
			(int)sizeof(source->heap.damage) - 1, damage);
	return code;
}

/* The opening of the file WORD; WORD is no core. */
struct opening {
	struct rg_source *source;
	const struct rg_settings *settings;
	const char *word;
	struct rg_error err;
	enum rg_code code;
};

static void *open_snapshot(void *context)
{
	struct opening *opening = context;
	struct rg_source *source = opening->source;
	struct rg_error *err = &opening->err;

	source->path = strdup(opening->word);
	opening->code = source->path ? open_file(source, opening->settings, opening->word, err)
				     : rg_nomem(err);
	opening->code = explain_packed(opening->word, opening->code, err);
	return NULL;
}

/* The end of an opening that ended with CODE. */
static enum rg_code finish(struct rg_source *source, const struct rg_settings *settings,
	const char *word, enum rg_code code)
{
	if (code) {
		rg_source_close(source);
		return code;
	}
	source->hidden = source->live || source->core ? ""
			 : settings->redact           ? " --redact"
			 : settings->no_values        ? " --no-values"
						      : "";
	if (!source->heap.complete)
		rg_remark("warning: %s: %s; what follows is of the part before", word,
			source->heap.damage);
	return RG_OK;
}

enum rg_code rg_source_open(struct rg_source *source, struct rg_context *context, const char *word)
{
	struct opening opening = { .source = source, .settings = &context->settings, .word = word };
	enum rg_code code;
	pid_t pid;

	memset(source, 0, sizeof(*source));
	rg_progress_phase("reading the heap");
	code = rg_source_pid(word, &pid, &context->err);
	source->live = pid != 0;
	source->core = !code && !pid && rg_core_probe(word) ? word : NULL;
	if (!code && (pid || source->core)) {
		code = open_captured(source, context, pid);
	} else if (!code) {
		open_snapshot(&opening);
		code = opening.code;
		context->err = code ? opening.err : context->err;
	}
	return finish(source, &context->settings, word, code);
}

/* Open both at once, each as if the other were not there. */
static enum rg_code open_files(struct opening *first, struct opening *second, struct rg_error *err)
{
	pthread_t thread;
	bool apart = pthread_create(&thread, NULL, open_snapshot, first) == 0;
	enum rg_code code;

	if (!apart)
		open_snapshot(first);
	open_snapshot(second);
	if (apart)
		pthread_join(thread, NULL);
	if (first->code || second->code)
		*err = first->code ? first->err : second->err;
	code = finish(first->source, first->settings, first->word, first->code);
	second->code = finish(second->source, second->settings, second->word, second->code);
	return code ? code : second->code;
}

/* True of a file that can be read beside another: nothing is captured, nor standard input read. */
static bool is_snapshot(const char *word)
{
	struct rg_error err;
	pid_t pid;

	return strcmp(word, "-") != 0 && rg_source_pid(word, &pid, &err) == RG_OK && !pid &&
	       !rg_core_probe(word);
}

enum rg_code rg_source_open_two(struct rg_source *first, struct rg_source *second,
	struct rg_context *context, const char *first_word, const char *second_word)
{
	struct opening a = { .source = first, .settings = &context->settings, .word = first_word };
	struct opening b = {
		.source = second, .settings = &context->settings, .word = second_word
	};
	enum rg_code code;

	memset(first, 0, sizeof(*first));
	memset(second, 0, sizeof(*second));
	if (is_snapshot(first_word) && is_snapshot(second_word)) {
		rg_progress_phase("reading the heaps");
		return open_files(&a, &b, &context->err);
	}
	code = rg_source_open(first, context, first_word);
	return code ? code : rg_source_open(second, context, second_word);
}

void rg_source_close(struct rg_source *source)
{
	rg_heap_deinit(&source->heap);
	free(source->path);
	memset(source, 0, sizeof(*source));
}
