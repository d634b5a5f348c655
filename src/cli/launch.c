#include "src/cli/launch.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/cli/report.h"

enum { NOT_RUN = 126, NOT_FOUND = 127 }; /* as a shell has it */

/* The agent's library: as installed, or of a build tree. */
static const char *agent_library(void)
{
	const char *library = getenv("REFGRAPH_AGENT");

	return library && *library ? library : AGENT_FOLDER "/agent.so";
}

/* The dynamic linker splits at blanks and colons, and goes on without what it cannot find. */
static enum rg_code check_library(struct rg_error *err)
{
	const char *library = agent_library();

	if (access(library, R_OK)) {
		rg_fail(err, RG_SYSTEM, "no-agent", "%s: %s", library, strerror(errno));
		return rg_hint(err, "install refgraph with `make install`, or name the agent's "
				    "library in $REFGRAPH_AGENT");
	}
	if (strpbrk(library, " :"))
		return rg_fail(err, RG_USAGE, "bad-path",
			"%s: a library with a blank or a colon in its path cannot be preloaded",
			library);
	return RG_OK;
}

static enum rg_code check_on(const char *on, struct rg_error *err)
{
	const char *unit;

	if (!on || strcmp(on, "exit") == 0 || strcmp(on, "signal") == 0)
		return RG_OK;
	if (strncmp(on, "rss=", 4) == 0) {
		unit = on + 4 + strspn(on + 4, "0123456789");
		if (unit > on + 4 && (!*unit || (strchr("kKmMgGtT", *unit) && !unit[1])))
			return RG_OK;
	}
	rg_fail(err, RG_USAGE, "bad-value", "--on: '%s' is not one of its values", on);
	return rg_hint(err, "it takes one of: exit, signal, rss=SIZE (rss=500M)");
}

/* What the agent is told, by the environment that the command starts with. */
static bool set_environment(const struct rg_settings *settings, const char *path)
{
	const char *before = getenv("LD_PRELOAD");
	char folder[PATH_MAX] = "", absolute[2 * PATH_MAX], preload[2 * PATH_MAX + 32768];

	if (path[0] != '/' && !getcwd(folder, sizeof(folder)))
		return false;
	snprintf(absolute, sizeof(absolute), "%s%s%s", folder, *folder ? "/" : "", path);
	snprintf(preload, sizeof(preload), "%s%s%s", agent_library(), before ? ":" : "",
		before ? before : "");
	return setenv("REFGRAPH_DUMP", absolute, 1) == 0 &&
	       setenv("REFGRAPH_DUMP_ON", settings->on ? settings->on : "exit", 1) == 0 &&
	       setenv("REFGRAPH_LD_PRELOAD", before ? before : "", 1) == 0 &&
	       setenv("LD_PRELOAD", preload, 1) == 0 &&
	       (!settings->no_values || setenv("REFGRAPH_DUMP_NO_VALUES", "1", 1) == 0);
}

static void run(struct rg_context *context, const char *path)
{
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (set_environment(&context->settings, path))
		execvp(context->words[0], context->words);
	_exit(errno == ENOENT ? NOT_FOUND : NOT_RUN);
}

/* Say how the command ended, where that is not as it should. */
static void remark_end(const char *command, int status)
{
	if (WIFSIGNALED(status))
		rg_remark("%s ended by signal %d", command, WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) < NOT_RUN)
		rg_remark("%s ended with exit status %d", command, WEXITSTATUS(status));
}

/* True when PATH is another file than it was. */
static bool is_new(const char *path, const struct stat *before)
{
	struct stat now;

	return stat(path, &now) == 0 &&
	       (now.st_ino != before->st_ino || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
		       now.st_mtim.tv_nsec != before->st_mtim.tv_nsec);
}

enum rg_code rg_launch(struct rg_context *context, const char *path)
{
	enum rg_code code = check_library(&context->err);
	void (*interrupt)(int) = SIG_DFL;
	struct stat before = { 0 };
	int status = 0;
	pid_t pid;

	if (!code)
		code = check_on(context->settings.on, &context->err);
	if (code)
		return code;
	if (stat(path, &before))
		before = (struct stat){ 0 };
	pid = fork();
	if (pid == 0)
		run(context, path);
	/* Ctrl-C is the command's: it may have much to do at its end */
	interrupt = signal(SIGINT, SIG_IGN);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	signal(SIGINT, interrupt);
	if (pid < 0)
		return rg_fail(&context->err, RG_SYSTEM, "fork", "no process can be started: %s",
			strerror(errno));
	remark_end(context->words[0], status);
	if (is_new(path, &before))
		return RG_OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) >= NOT_RUN)
		return rg_fail(&context->err, RG_USAGE, "not-a-command", "%s: it cannot be run%s",
			context->words[0],
			WEXITSTATUS(status) == NOT_FOUND ? ": there is no such command" : "");
	rg_fail(&context->err, RG_BAD_DATA, "no-snapshot", "%s: it ended without a snapshot",
		context->words[0]);
	return rg_hint(&context->err,
		"it must be CPython 3.8 to 3.15, and end by itself (not by os._exit)");
}
