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

/* What is written: a snapshot, and where NDJSON that it was made of ended early. */
struct exported {
	const struct rg_bytes *bytes;
	const char *damage;
};

static enum rg_code write_ndjson(struct rg_context *context, const void *subject, FILE *out)
{
	const struct exported *exported = subject;
	char cut[160];
	enum rg_code code;

	rg_progress_phase("writing NDJSON");
	code = rg_ndjson_write(exported->bytes->data, exported->bytes->size, context->words[0], out,
		cut, &context->err);
	if (!code && (*exported->damage || *cut))
		rg_remark("warning: %s: %s; what is written is of the part before",
			context->words[0], *exported->damage ? exported->damage : cut);
	return code;
}

static enum rg_code run(struct rg_context *context)
{
	struct rg_source source = { 0 };
	struct rg_bytes bytes = { 0 };
	char damage[200] = "";
	enum rg_code code = open_bytes(context, &source, &bytes, damage);
	struct exported exported = { bytes.data ? &bytes : &source.heap.bytes, damage };

	if (!code)
		code = rg_output_write(context, &exported, write_ndjson);
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
