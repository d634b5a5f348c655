#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/capture/capture.h"
#include "heapdump/image/process.h"
#include "src/answer/common.h"
#include "src/answer/processes.h"
#include "src/cli/output.h"
#include "src/cli/report.h"
#include "src/cmd/commands.h"
#include "src/emit/escape.h"

struct found {
	struct rg_candidate *rows;
	size_t count, capacity;
	bool failed;
};

static bool probe(void *context, pid_t pid)
{
	struct found *found = context;
	struct rg_candidate candidate, *slot;

	if (!rg_capture_probe(pid, &candidate))
		return true;
	slot = RG_PUSH(found->rows, found->count, found->capacity);
	found->failed = !slot;
	if (slot)
		*slot = candidate;
	return slot != NULL;
}

static enum rg_code text(const void *data, struct rg_context *context, FILE *out)
{
	const struct rg_answer_ps *answer = data;
	const struct rg_answer_process *rows = answer->processes.rows;
	struct rg_arena arena = { 0 };
	enum rg_code code;

	if (answer->processes.of == 0) {
		fprintf(out, "no Python processes here\n");
		return RG_OK;
	}
	code = rg_output_table(context, &rg_record_process, &answer->processes, "", out);
	for (uint64_t i = 0; !code && i < answer->processes.shown; i++)
		if (rows[i].inner_pid != RG_NOTHING)
			fprintf(out, "%llu is pid %llu in its pid namespace\n",
				(unsigned long long)rows[i].pid,
				(unsigned long long)rows[i].inner_pid);
	for (uint64_t i = 0; !code && i < answer->processes.shown; i++)
		if (rows[i].why_not)
			fprintf(out, "%llu cannot be captured: %s\n",
				(unsigned long long)rows[i].pid,
				rg_escape_display(
					&arena, rows[i].why_not, strlen(rows[i].why_not), 0));
	return rg_arena_end(&arena, code, &context->err);
}

static enum rg_code run(struct rg_context *context)
{
	struct found found = { 0 };
	struct rg_arena arena = { 0 };
	struct rg_answer_ps answer = { 0 };
	struct rg_answer_process *rows;
	struct rg_output_forms forms = { .data = &answer, .text = text };
	uint64_t limit = context->settings.limit ? context->settings.limit : 1000;
	enum rg_code code = rg_process_check_proc(&context->err);

	if (code)
		return code;
	if (rg_process_each("/proc", probe, &found))
		arena.failed = true;
	rows = rg_answer_rows(&answer.processes, found.count < limit ? found.count : limit,
		found.count, sizeof(*rows), &arena);
	for (uint64_t i = 0; rows && i < answer.processes.shown; i++) {
		const struct rg_candidate *from = &found.rows[i];

		rows[i] = (struct rg_answer_process){ .pid = (uint64_t)from->pid,
			.inner_pid = from->inner_pid == from->pid ? RG_NOTHING
								  : (uint64_t)from->inner_pid,
			.rss = from->rss,
			.threads = from->threads,
			.command = from->command,
			.runtime = from->runtime[0] ? from->runtime : NULL,
			.attachable = from->attachable,
			.why_not = from->attachable ? NULL : from->why_not };
	}
	code = arena.failed || found.failed ? rg_nomem(&context->err)
					    : rg_output_answer(context, &forms);
	if (!code && context->settings.format == RG_FORMAT_TEXT && found.count)
		rg_remark("next: refgraph cycles PID");
	free(found.rows);
	rg_arena_deinit(&arena);
	return code;
}

const struct rg_command rg_cmd_ps = {
	.name = "ps",
	.arguments = "",
	.summary = "the Python processes here, and whether they can be captured",
	.description =
		"Lists the processes that run CPython, with version, memory and threads, and "
		"says of each whether refgraph may attach, and if not why. Nothing is "
		"stopped.",
	.examples = { { "ps", "all of them" }, { "ps --format json", "for a script" } },
	.options = RG_OPTION(OUTPUT) | RG_OPTION(FORMAT) | RG_OPTION(LIMIT),
	.formats = RG_FORMATS_PLAIN,
	.answer = &rg_answer_ps,
	.run = run,
};
