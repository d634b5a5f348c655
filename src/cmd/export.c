#include <string.h>

#include "heapdump/base/file.h"
#include "heapdump/image/core.h"
#include "heapdump/snapshot/ndjson.h"
#include "src/cli/output.h"
#include "src/cli/progress.h"
#include "src/cli/report.h"
#include "src/cmd/commands.h"

/* The snapshot behind the command's word; of a pid, SOURCE holds it. */
static enum rg_code open_bytes(struct rg_context *context, struct rg_source *source,
	struct rg_bytes *bytes, char damage[200])
{
	const char *word = context->words[0];
	enum rg_code code;
	pid_t pid;

	code = rg_source_pid(word, &pid, &context->err);
	if (code)
		return code;
	if (pid || rg_core_probe(word))
		return rg_source_open(source, context, word);
	return rg_source_bytes(
		&context->settings, word, bytes, &source->ndjson, damage, &context->err);
}

/* DAMAGE: where NDJSON that was read ended early; the snapshot made of it then does, too. */
static enum rg_code write_ndjson(
	struct rg_context *context, const struct rg_bytes *bytes, char damage[200], FILE *out)
{
	char cut[160];
	enum rg_code code;

	rg_progress_phase("writing NDJSON");
	code = rg_ndjson_write(
		bytes->data, bytes->size, context->words[0], out, cut, &context->err);
	if (!code && (*damage || *cut))
		rg_remark("warning: %s: %s; what is written is of the part before",
			context->words[0], *damage ? damage : cut);
	return code;
}

static enum rg_code write_export(
	struct rg_context *context, const struct rg_bytes *bytes, char damage[200])
{
	const char *path = context->settings.output;
	struct rg_output output;
	enum rg_code code;

	if (!path || strcmp(path, "-") == 0) {
		code = write_ndjson(context, bytes, damage, stdout);
		return code ? code : rg_output_flush(&context->err);
	}
	code = rg_output_open(&output, path, 0600, &context->err);
	if (code)
		return code;
	code = write_ndjson(context, bytes, damage, output.stream);
	if (code) {
		rg_output_abandon(&output);
		return code;
	}
	code = rg_output_commit(&output, &context->err);
	if (!code)
		rg_remark("wrote %s", path);
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	struct rg_source source = { 0 };
	struct rg_bytes bytes = { 0 };
	char damage[200] = "";
	enum rg_code code = open_bytes(context, &source, &bytes, damage);

	if (!code)
		code = write_export(context, bytes.data ? &bytes : &source.heap.bytes, damage);
	rg_bytes_deinit(&bytes);
	rg_source_close(&source);
	return code;
}

const struct rg_command rg_cmd_export = {
	.name = "export",
	.arguments = "SOURCE",
	.summary = "write a heap in a form that other programs read",
	.description = "Writes all that a snapshot holds as NDJSON: one record a line, each a JSON "
		       "object. Nothing is lost: refgraph import makes the same heap of it. The "
		       "form is specified in refgraph-ndjson(5).",
	.examples = { { "export leak.rgs", "to standard output, for a script" },
		{ "export leak.rgs -o leak.ndjson", "into a file" } },
	.options = RG_OPTION(OUTPUT) | RG_OPTION(FORMAT) | RG_OPTION(SAVE) | RG_OPTION(NO_SAVE) |
		   RG_OPTION(NO_VALUES) | RG_OPTION(REDACT) | RG_OPTION(FORCE) | RG_OPTION(SYSROOT),
	.formats = 1u << RG_FORMAT_NDJSON,
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
