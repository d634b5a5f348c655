#include "heapdump/image/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heapdump/image/rights.h"

#define PAGE 4096u
#define PAGES 4096u /* entries of a pagemap that are read at a time */
#define DATA_MAX (64u << 20) /* of a file's private mapping, such as .data, that is read whole */

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
	char text[4096], *line = text, *end;
	int64_t value = RG_PROCESS_NO_FIELD;

	if (slurp(pid, "status", text, sizeof(text)) <= 0)
		return RG_PROCESS_UNREAD;
	/* at the start of a line: the name of the process may look like a field */
	while (line && strncmp(line, field, strlen(field)) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	end = line ? strchr(line, '\n') : NULL;
	for (line = end ? line + strlen(field) : NULL; line && line < end;) {
		char *after;
		int64_t number = strtoll(line, &after, 10);

		if (after == line || after > end)
			break;
		value = number;
		line = after;
	}
	return value;
}

/* What /proc does not show. */
static enum rg_code refuse_unseen(struct rg_error *err, pid_t pid)
{
	if (pid > 0 && (kill(pid, 0) == 0 || errno == EPERM)) {
		rg_fail(err, RG_SYSTEM, "hidden-process",
			"pid %d: it runs, but /proc does not show it: mounted with hidepid?", pid);
		rg_hint(err, "run as root: sudo refgraph");
	} else {
		rg_fail(err, RG_SYSTEM, "no-such-process", "pid %d: no such process", pid);
		rg_hint(err, "see the Python processes here with: refgraph ps");
	}
	return rg_at_pid(err, pid);
}

enum rg_code rg_process_check_proc(struct rg_error *err)
{
	char self[32];
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if (n > 0 && strtol(self, NULL, 10) == getpid())
		return RG_OK;
	if (n > 0 || access("/proc/stat", F_OK) == 0) {
		rg_fail(err, RG_SYSTEM, "foreign-proc",
			"/proc is that of another pid namespace: its pids are not those here");
		return rg_hint(err,
			"mount one (mount -t proc proc /proc), or enter all namespaces: nsenter "
			"--target PID --all");
	}
	rg_fail(err, RG_SYSTEM, "no-proc", "/proc is not mounted here: no process can be read");
	return rg_hint(err, "mount it: mount -t proc proc /proc");
}

enum rg_code rg_process_read(struct rg_process *process_ret, pid_t pid, struct rg_error *err)
{
	char text[1024], *comm, *rest;
	struct rg_process process = { .pid = pid };
	long long rss_pages = 0;

	if (pid <= 0 || slurp(pid, "stat", text, sizeof(text)) <= 0)
		return refuse_unseen(err, pid);
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
	process.inner_pid = (pid_t)rg_process_status(pid, "NSpid:");
	/* a kernel before 4.1 does not say */
	if (process.inner_pid <= 0)
		process.inner_pid = pid;
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
	mapping->shared = permissions[3] == 's';
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

enum rg_code rg_process_image(
	struct rg_image *image, struct rg_memory *memory, int maps_fd, struct rg_error *err)
{
	enum rg_code code;

	rg_image_init(image, rg_memory_read, memory);
	code = rg_process_map(image, maps_fd, err);
	if (code)
		rg_image_deinit(image);
	return code;
}

/* Whether a page is there, by its entry in pagemap: in memory, or swapped out. */
static bool is_there(uint64_t entry)
{
	return entry >> 62 != 0;
}

/* Take MAPPING by its pages: neighbours that are there, or are not, in one step. */
static void take_pages(struct rg_image *image, const struct rg_mapping *mapping, int pagemap)
{
	/* without a file behind it, what is not there is zero */
	bool anonymous = mapping->path[0] != '/';
	uint64_t entries[PAGES], at = mapping->start;

	while (at < mapping->end) {
		uint64_t left = (mapping->end - at) / PAGE;
		ssize_t n = pread(pagemap, entries, (left < PAGES ? left : PAGES) * 8,
			(off_t)(at / PAGE * 8));
		size_t count = n > 0 ? (size_t)n / 8 : 0;

		if (count == 0) {
			rg_image_take(image, at, mapping->end);
			return;
		}
		for (size_t i = 0, j; i < count; i = j) {
			bool there = is_there(entries[i]);

			for (j = i + 1; j < count && is_there(entries[j]) == there;)
				j++;
			if (there)
				rg_image_take(image, at + i * PAGE, at + j * PAGE);
			else if (anonymous)
				rg_image_blank(image, at + i * PAGE, at + j * PAGE);
		}
		at += count * PAGE;
	}
}

/* Whether MAPPING is memory that the process alone writes to. */
static bool is_own(const struct rg_mapping *mapping)
{
	return mapping->readable && mapping->writable && !mapping->shared;
}

/* Without pagemap all is read: that must not be memory which was only reserved. */
static enum rg_code check_size(
	const struct rg_image *image, pid_t pid, uint64_t most, struct rg_error *err)
{
	uint64_t total = 0;

	for (size_t i = 0; i < image->n_mappings; i++)
		if (is_own(&image->mappings[i]))
			total += image->mappings[i].end - image->mappings[i].start;
	if (total <= most)
		return RG_OK;
	rg_fail(err, RG_LIMIT, "no-pagemap",
		"pid %d: what it uses of %llu MiB cannot be told: /proc/%d/pagemap may not be read",
		pid, (unsigned long long)(total >> 20), pid);
	rg_hint(err, "run it as root, or as the user of that process");
	return rg_at_pid(err, pid);
}

enum rg_code rg_process_take(struct rg_image *image, pid_t pid, uint64_t most, struct rg_error *err)
{
	int pagemap = -1;

	/* a file of the process's user, as mem is */
	if (rg_process_open(pid, "pagemap", &pagemap, NULL) && check_size(image, pid, most, err))
		return RG_LIMIT;
	for (size_t i = 0; i < image->n_mappings; i++) {
		const struct rg_mapping *mapping = &image->mappings[i];

		if (!is_own(mapping))
			continue;
		if (mapping->path[0] == '/' && mapping->end - mapping->start <= DATA_MAX)
			rg_image_take(image, mapping->start, mapping->end);
		else
			take_pages(image, mapping, pagemap);
	}
	if (pagemap >= 0)
		close(pagemap);
	return RG_OK;
}

static bool note_living(void *context, pid_t tid)
{
	struct rg_process thread;

	if (rg_process_read(&thread, tid, NULL) || thread.state == 'Z' || thread.state == 'X')
		return true;
	*(pid_t *)context = tid;
	return false;
}

pid_t rg_process_living_thread(pid_t pid)
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

	snprintf(path, sizeof(path), "/proc/%d/%s", rg_process_living_thread(pid), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return rg_rights_refuse(err, "", pid, "its memory cannot be read", errno);
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
