/*
 * The agent by LD_PRELOAD: armed before a program's first line, whatever Python's options are.
 *
 * Python calls audit hooks from its start on, and takes them before it is initialised (PEP 578,
 * Python/sysmodule.c: PySys_AddAuditHook). The first event that an initialised Python reports runs
 * preload.py, once; where there is no Python, or nothing is to be written, nothing happens.
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/agent/agent.h"

#define SCRIPT "/preload.py"

static int (*is_initialized)(void);
static int (*run_string)(const char *code, void *flags);
static bool done;

/* The folder of the Python package: of a build tree, or where this library is. */
static bool find_folder(char *folder, size_t size)
{
	const char *named = getenv("REFGRAPH_AGENT_FOLDER");
	Dl_info here;
	char *slash;

	if (!named && !dladdr((const void *)(uintptr_t)refgraph_agent_start, &here))
		return false;
	if (snprintf(folder, size, "%s", named ? named : here.dli_fname) >= (int)size)
		return false;
	slash = named ? NULL : strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	return named || slash;
}

/* Run the script in names of its own; its path in hexadecimal, which wants no quoting. */
static void run_script(void)
{
	static const char before[] = "(lambda path: exec(compile(open(path).read(), path, 'exec'), "
				     "{'__file__': path, '__name__': 'refgraph.preload'}))"
				     "(bytes.fromhex('";
	static const char after[] = "').decode(errors='surrogateescape'))";
	static char code[sizeof(before) + sizeof(after) + 2 * (PATH_MAX + sizeof(SCRIPT))];
	char path[PATH_MAX + sizeof(SCRIPT)];
	size_t used = strlen(before);

	if (!find_folder(path, PATH_MAX))
		return;
	strcat(path, SCRIPT);
	strcpy(code, before);
	for (const char *c = path; *c; c++)
		used += (size_t)sprintf(code + used, "%02x", (unsigned char)*c);
	strcpy(code + used, after);
	run_string(code, NULL);
}

static int on_event(const char *event, void *arguments, void *context)
{
	(void)event;
	(void)arguments;
	(void)context;
	if (done || !is_initialized())
		return 0;
	done = true;
	run_script();
	return 0;
}

/* The function called NAME of the program, or NULL. */
static void *find(const char *name)
{
	return dlsym(RTLD_DEFAULT, name);
}

/* Also where Python loads the library itself: by then there is nothing to wait for. */
__attribute__((constructor)) static void start(void)
{
	int (*add_hook)(int (*hook)(const char *, void *, void *), void *context);

	*(void **)&is_initialized = find("Py_IsInitialized");
	*(void **)&run_string = find("PyRun_SimpleStringFlags");
	*(void **)&add_hook = find("PySys_AddAuditHook");
	if (getenv("REFGRAPH_DUMP") && is_initialized && run_string && add_hook &&
		!is_initialized())
		add_hook(on_event, NULL);
}
