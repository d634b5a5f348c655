#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heapdump/base/file.h"
#include "heapdump/base/units.h"
#include "heapdump/snapshot/ndjson.h"
#include "heapdump/snapshot/reader.h"
#include "src/cli/output.h"
#include "src/cli/progress.h"
#include "src/cli/report.h"
#include "src/cmd/commands.h"

/* NAME without SUFFIX at its end, where it has it. */
static bool strip(char *name, const char *suffix)
{
	size_t length = strlen(name), cut = strlen(suffix);

	if (length <= cut || strcmp(name + length - cut, suffix) != 0)
		return false;
	name[length - cut] = '\0';
	return true;
}

/* "heap.rgs" of "/tmp/heap.ndjson.zst", in the folder one is in. */
static enum rg_code default_name(const char *word, char **path_ret, struct rg_error *err)
{
	const char *slash = strrchr(word, '/');
	char *name;

	if (strcmp(word, "-") == 0) {
		rg_fail(err, RG_USAGE, "missing-output",
			"import: standard input has no name to call the snapshot by");
		return rg_hint(err, "say where it goes with -o FILE.rgs");
	}
	name = strdup(slash ? slash + 1 : word);
	if (!name)
		return rg_nomem(err);
	strip(name, ".zst");
	if (!strip(name, ".ndjson") && !strip(name, ".jsonl"))
		strip(name, ".json");
	*path_ret = NULL;
	if (asprintf(path_ret, "%s.rgs", name) < 0)
		*path_ret = NULL;
	free(name);
	if (!*path_ret)
		return rg_nomem(err);
	if (access(*path_ret, F_OK) != 0)
		return RG_OK;
	rg_fail(err, RG_USAGE, "exists", "%s is there already", *path_ret);
	free(*path_ret);
	*path_ret = NULL;
	return rg_hint(err, "say where the snapshot goes with -o FILE.rgs");
}

static enum rg_code open_input(struct rg_stream *stream, const char *word, struct rg_error *err)
{
	enum rg_code code = rg_stream_open(stream, word, err);

	if (!code)
		code = rg_stream_look(stream, err);
	if (code || rg_ndjson_knows(stream->head, stream->head_size))
		return code;
	if (rg_reader_knows(stream->head, stream->head_size)) {
		rg_fail(err, RG_BAD_DATA, "is-a-snapshot", "%s: it is a snapshot already", word);
		rg_hint(err, "every command reads it as it is");
	} else {
		rg_fail(err, RG_BAD_DATA, "not-ndjson",
			"%s: no NDJSON, expected '{' at the start of the first record", word);
		rg_hint(err, "the form is described in: man 5 refgraph-ndjson");
	}
	rg_stream_close(stream);
	return rg_at_file(err, word, 0);
}

static enum rg_code convert(struct rg_context *context, struct rg_stream *stream, FILE *out)
{
	const char *objects, *references, *lines, *added;
	struct rg_ndjson_summary summary;
	struct rg_arena arena = { 0 };
	enum rg_code code;

	rg_progress_phase("reading NDJSON");
	code = rg_ndjson_read(stream, out, &summary, &context->err);
	if (code)
		return code;
	if (summary.truncated)
		rg_remark("warning: %s: %s; what is written is of the part before",
			context->words[0], summary.damage);
	objects = rg_units_things(summary.objects, "object", "objects", &arena);
	references = rg_units_things(summary.references, "reference", "references", &arena);
	lines = rg_units_things(summary.lines, "line", "lines", &arena);
	added = rg_units_things(summary.added, "object", "objects", &arena);
	if (arena.failed)
		code = rg_nomem(&context->err);
	else
		rg_remark("%s and %s in %s", objects, references, lines);
	if (!code && summary.added)
		rg_remark("only referred to, so of unknown type and size 0: %s", added);
	rg_arena_deinit(&arena);
	return code;
}

static enum rg_code write_snapshot(
	struct rg_context *context, struct rg_stream *stream, const char *path)
{
	struct rg_output output;
	enum rg_code code;

	if (strcmp(path, "-") == 0) {
		code = convert(context, stream, stdout);
		return code ? code : rg_output_flush(&context->err);
	}
	code = rg_output_open(&output, path, 0600, &context->err);
	if (code)
		return code;
	code = convert(context, stream, output.stream);
	if (code) {
		rg_output_abandon(&output);
		return code;
	}
	code = rg_output_commit(&output, &context->err);
	if (code)
		return code;
	printf("%s\n", path);
	rg_remark("next: refgraph cycles %s", path);
	return RG_OK;
}

static enum rg_code run(struct rg_context *context)
{
	const char *path = context->settings.output;
	struct rg_stream stream = { 0 };
	char *name = NULL;
	enum rg_code code = RG_OK;

	if (path && strcmp(path, "-") == 0 && isatty(STDOUT_FILENO)) {
		rg_fail(&context->err, RG_USAGE, "terminal",
			"import: a snapshot is no text for a terminal");
		return rg_hint(&context->err, "say where it goes with -o FILE.rgs");
	}
	if (!path) {
		code = default_name(context->words[0], &name, &context->err);
		path = name;
	}
	if (!code)
		code = open_input(&stream, context->words[0], &context->err);
	if (!code) {
		code = write_snapshot(context, &stream, path);
		rg_stream_close(&stream);
	}
	free(name);
	return code;
}

const struct rg_command rg_cmd_import = {
	.name = "import",
	.arguments = "FILE",
	.summary = "make a snapshot of a heap that another runtime wrote as NDJSON",
	.description = "Reads NDJSON, one record a line, from FILE or from standard input (-), and "
		       "writes a snapshot. Objects with nothing but an id and references will do. "
		       "Without -o the snapshot is called as FILE is, with .rgs. The form is "
		       "specified in refgraph-ndjson(5). Every command reads NDJSON too: a "
		       "snapshot is what opens faster the second time.",
	.examples = { { "import heap.ndjson", "into heap.rgs" },
		{ "import - -o graph.rgs < heap.ndjson", "from a pipe" } },
	.options = RG_OPTION(OUTPUT),
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
