#include "heapdump/image/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The start of /proc/PID/NAME as a string; its length, or -1. */
static ssize_t slurp(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	size_t used = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while (used < size - 1) {
		ssize_t n = read(fd, out + used, size - 1 - used);

		if (n <= 0)
			break;
		used += (size_t)n;
	}
	close(fd);
	out[used] = '\0';
	return (ssize_t)used;
}

static void read_command(struct rg_process *process, const char *comm, size_t length)
{
	char *out = process->command;
	ssize_t n = slurp(process->pid, "cmdline", out, sizeof(process->command));

	if (n <= 0) {
		snprintf(out, sizeof(process->command), "[%.*s]", (int)length, comm);
		return;
	}
	while (n > 0 && out[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (out[i] == '\0')
			out[i] = ' ';
	out[n] = '\0';
}

int64_t rg_process_status(pid_t pid, const char *field)
{
	char text[4096], *line, *end;
	int64_t value = -1;

	if (slurp(pid, "status", text, sizeof(text)) <= 0)
		return -1;
	line = strstr(text, field);
	if (!line)
		return -1;
	end = strchr(line, '\n');
	for (line += strlen(field); line && line < end;) {
		char *after;
		int64_t number = strtoll(line, &after, 10);

		if (after == line || after > end)
			break;
		value = number;
		line = after;
	}
	return value;
}

enum rg_code rg_process_read(struct rg_process *process_ret, pid_t pid, struct rg_error *err)
{
	char text[1024], *comm, *rest;
	struct rg_process process = { .pid = pid };
	long long rss_pages = 0;

	if (pid <= 0 || slurp(pid, "stat", text, sizeof(text)) <= 0) {
		rg_fail(err, RG_SYSTEM, "no-such-process", "pid %d: no such process", pid);
		rg_hint(err, "see the Python processes here with: refgraph ps");
		return rg_at_pid(err, pid);
	}
	/* the name may hold blanks and brackets: the fields start behind its last one */
	comm = strchr(text, '(');
	rest = strrchr(text, ')');
	if (!comm || !rest ||
		sscanf(rest + 1,
			" %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %u "
			"%*d %" SCNu64 " %*u %lld %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u "
			"%*u %*u %d",
			&process.state, &process.parent, &process.threads, &process.start_time,
			&rss_pages, &process.exit_signal) != 6)
		return rg_fail(err, RG_SYSTEM, "bad-proc", "pid %d: /proc/%d/stat makes no sense",
			pid, pid);
	process.rss = (uint64_t)rss_pages * (uint64_t)sysconf(_SC_PAGESIZE);
	process.tracer = (int)rg_process_status(pid, "TracerPid:");
	process.seccomp_filter = rg_process_status(pid, "Seccomp:") == 2;
	*process_ret = process;
	read_command(process_ret, comm + 1, (size_t)(rest - comm - 1));
	return RG_OK;
}

static bool parse_mapping(char *line, struct rg_mapping *mapping)
{
	char permissions[8];
	int path = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %n", &mapping->start,
		    &mapping->end, permissions, &mapping->offset, &path) != 4 ||
		!path || mapping->end <= mapping->start)
		return false;
	mapping->readable = permissions[0] == 'r';
	mapping->writable = permissions[1] == 'w';
	mapping->executable = permissions[2] == 'x';
	mapping->path = line + path;
	mapping->path[strcspn(mapping->path, "\n")] = '\0';
	/* kernel pages that only look readable */
	if (strcmp(mapping->path, "[vvar]") == 0 || strcmp(mapping->path, "[vsyscall]") == 0 ||
		strcmp(mapping->path, "[vvar_vclock]") == 0)
		mapping->readable = false;
	return true;
}

enum rg_code rg_process_map(struct rg_image *image, int maps_fd, struct rg_error *err)
{
	int fd = dup(maps_fd);
	FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
	enum rg_code code = RG_OK;
	char *line = NULL;
	size_t size = 0;

	if (!maps) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		if (error == ENOMEM)
			return rg_nomem(err);
		return rg_fail(err, RG_SYSTEM, "cannot-read", "memory map: %s", strerror(error));
	}
	errno = 0;
	while (!code && getline(&line, &size, maps) > 0) {
		struct rg_mapping mapping;

		if (parse_mapping(line, &mapping))
			code = rg_image_add_mapping(image, &mapping, err);
	}
	/* getline ends for want of memory as at the end of the file */
	if (!code && errno == ENOMEM)
		code = rg_nomem(err);
	free(line);
	fclose(maps);
	return code ? code : rg_image_seal(image, err);
}

static int64_t read_memory(void *context, uint64_t address, void *buffer, size_t length)
{
	return pread(*(int *)context, buffer, length, (off_t)address);
}

enum rg_code rg_process_image(
	struct rg_image *image, int *mem_fd, int maps_fd, struct rg_error *err)
{
	enum rg_code code;

	rg_image_init(image, read_memory, mem_fd);
	code = rg_process_map(image, maps_fd, err);
	if (code)
		rg_image_deinit(image);
	return code;
}

enum rg_code rg_process_refused(struct rg_error *err, pid_t pid, const char *what, int error)
{
	int64_t tracer = rg_process_status(pid, "TracerPid:");

	rg_fail(err, RG_SYSTEM,
		error == ESRCH || error == ENOENT ? "no-such-process" : "no-permission",
		"pid %d: %s: %s", pid, what, strerror(error));
	if (tracer > 0)
		rg_hint(err, "pid %d traces it already (a debugger, strace?): end that first",
			(int)tracer);
	else if ((error == EPERM || error == EACCES) && geteuid() == 0)
		rg_hint(err, "not even root may: a container without SYS_PTRACE (add --cap-add "
			     "SYS_PTRACE), a process that the kernel protects, or "
			     "/proc/sys/kernel/yama/ptrace_scope is 3");
	else if (error == EPERM || error == EACCES)
		rg_hint(err, "run as root or as the owner of the process, or give the program the "
			     "right: setcap cap_sys_ptrace+ep refgraph; in a container add "
			     "--cap-add SYS_PTRACE; see also /proc/sys/kernel/yama/ptrace_scope");
	else if (error == ESRCH || error == ENOENT)
		rg_hint(err, "the process has ended; see the others with: refgraph ps");
	return rg_at_pid(err, pid);
}

static bool note_living(void *context, pid_t tid)
{
	struct rg_process thread;

	if (rg_process_read(&thread, tid, NULL) || thread.state == 'Z' || thread.state == 'X')
		return true;
	*(pid_t *)context = tid;
	return false;
}

/* PID, or where its leader has ended before the others a thread that still has the memory. */
static pid_t living_thread(pid_t pid)
{
	char folder[64];
	pid_t found = pid;

	snprintf(folder, sizeof(folder), "/proc/%d/task", pid);
	rg_process_each(folder, note_living, &found);
	return found;
}

enum rg_code rg_process_open(pid_t pid, const char *name, int *fd_ret, struct rg_error *err)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", living_thread(pid), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return rg_process_refused(err, pid, "its memory cannot be read", errno);
	*fd_ret = fd;
	return RG_OK;
}

enum rg_code rg_process_each(
	const char *folder, bool (*step)(void *context, pid_t id), void *context)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return errno == ENOMEM ? RG_NOMEM : RG_OK;
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
			!step(context, (pid_t)strtol(entry->d_name, NULL, 10)))
			break;
	closedir(dir);
	return RG_OK;
}
