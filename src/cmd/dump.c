#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/cli/launch.h"
#include "src/cli/report.h"
#include "src/cli/source.h"
#include "src/cmd/commands.h"

/* "refgraph-4711-20260131T120000.rgs" of what is called WHAT */
static void default_name(char *out, size_t size, const char *what)
{
	time_t now = time(NULL);
	struct tm local;
	char when[32];

	localtime_r(&now, &local);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%S", &local);
	snprintf(out, size, "refgraph-%s-%s.rgs", what, when);
}

static enum rg_code dump_core(struct rg_context *context)
{
	const char *core = context->words[0], *path = context->settings.output;
	const char *slash = strrchr(core, '/');
	char name[256];
	enum rg_code code;

	if (!path) {
		default_name(name, sizeof(name), slash ? slash + 1 : core);
		path = name;
	}
	code = rg_source_capture_core(context, core, path);
	if (code)
		return code;
	printf("%s\n", path);
	rg_remark("next: refgraph cycles %s", path);
	return RG_OK;
}

/* PROGRAM [ARGUMENT ...] behind `--`, under the agent. */
static enum rg_code dump_program(struct rg_context *context)
{
	const char *path = context->settings.output;
	const char *slash = strrchr(context->words[0], '/');
	enum rg_code code;
	char name[256];

	if (!path) {
		default_name(name, sizeof(name), slash ? slash + 1 : context->words[0]);
		path = name;
	}
	code = rg_launch(context, path);
	if (code)
		return code;
	printf("%s\n", path);
	rg_remark("next: refgraph cycles %s", path);
	return RG_OK;
}

static enum rg_code run(struct rg_context *context)
{
	const char *path = context->settings.output;
	char name[64], number[16];
	uint64_t pause_ns;
	enum rg_code code;
	pid_t pid;

	if (context->settings.separated)
		return dump_program(context);
	code = rg_source_pid(context->words[0], &pid, &context->err);
	if (code)
		return code;
	if (!pid && rg_source_is_foreign(context->words[0]))
		return dump_core(context);
	if (!pid) {
		rg_fail(&context->err, RG_USAGE, "not-a-pid", "'%s' is no pid and no process name",
			context->words[0]);
		if (access(context->words[0], F_OK) == 0)
			return rg_hint(&context->err,
				"it is a snapshot already; ask it with: refgraph cycles %s",
				context->words[0]);
		return rg_hint(&context->err, "see the Python processes here with: refgraph ps");
	}
	if (!path) {
		snprintf(number, sizeof(number), "%d", pid);
		default_name(name, sizeof(name), number);
		path = name;
	}
	code = rg_source_capture(context, pid, path, &pause_ns);
	if (code)
		return code;
	rg_remark("pid %d stood still for %.1f ms", pid, (double)pause_ns / 1e6);
	printf("%s\n", path);
	rg_remark("next: refgraph cycles %s", path);
	return RG_OK;
}

const struct rg_command rg_cmd_dump = {
	.name = "dump",
	.arguments = "PID|CORE|-- PROGRAM",
	.summary = "write a snapshot of a running process, a core file or a program",
	.description = "Stops the process for milliseconds, copies it as the kernel does for fork, "
		       "and reads the copy: no code runs in it, nothing in it changes. Without -o "
		       "the file is called refgraph-PID-TIME.rgs. Of a core file, the kernel's or "
		       "gcore's, "
		       "what it leaves out is taken from the binaries, if they are of the same "
		       "build. A PROGRAM behind -- is run with an agent in it, which writes the "
		       "snapshot from within: at its exit, or when --on says. "
		       "The file holds short previews of "
		       "values unless --no-values; it can be read by you alone (mode 0600).",
	.examples = { { "dump 4711", "of process 4711, into refgraph-4711-*.rgs" },
		{ "dump 4711 -o leak.rgs", "into leak.rgs" },
		{ "dump 4711 --no-values", "without values, to hand it to others" },
		{ "dump core.4711 -o leak.rgs", "of a core file" },
		{ "dump core.4711 --sysroot /srv/image -o leak.rgs", "written elsewhere" },
		{ "dump -o a.rgs -- python3 app.py", "of a program, at its end" } },
	.options = RG_OPTION(OUTPUT) | RG_OPTION(SYSROOT) | RG_OPTION(ON) | RG_OPTION(NO_VALUES) |
		   RG_OPTION(REDACT) | RG_OPTION(FORCE),
	.min_words = 1,
	.max_words = 1,
	.runs = true,
	.run = run,
};
