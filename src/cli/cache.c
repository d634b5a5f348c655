#include "src/cli/cache.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heapdump/base/array.h"
#include "heapdump/image/process.h"

#define KEPT 5 /* captures in the cache folder */
#define KEPT_BYTES (2ull << 30)

/* The folder, made if it is not there; NULL when out of memory. */
static char *cache_folder(void)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *folder = NULL;
	int n;

	if (base && *base == '/')
		n = asprintf(&folder, "%s", base);
	else
		n = asprintf(&folder, "%s/.cache", home && *home == '/' ? home : "/tmp");
	if (n < 0)
		return NULL;
	mkdir(folder, 0700);
	base = folder;
	n = asprintf(&folder, "%s/refgraph", base);
	free((void *)base);
	if (n < 0)
		return NULL;
	mkdir(folder, 0700);
	return folder;
}

struct kept {
	char *path;
	struct timespec time;
	uint64_t size;
};

static int newest_first(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	if (x->time.tv_sec != y->time.tv_sec)
		return x->time.tv_sec > y->time.tv_sec ? -1 : 1;
	return (x->time.tv_nsec < y->time.tv_nsec) - (x->time.tv_nsec > y->time.tv_nsec);
}

/* Only what this program writes there: PID-STARTTIME-N.rgs, of a core INODE-TIME-1.rgs. */
static bool is_ours(const char *name)
{
	return strspn(name, "0123456789-") == strlen(name) - 4 &&
	       strcmp(name + strlen(name) - 4, ".rgs") == 0;
}

/* Remove all but the newest captures, and what is over the size allowed. */
static void prune(const char *folder)
{
	struct kept *files = NULL;
	size_t count = 0, capacity = 0;
	uint64_t total = 0;
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct kept *slot;
		struct stat st;
		char *path;

		if (strlen(entry->d_name) < 5 || !is_ours(entry->d_name) ||
			asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
			continue;
		slot = lstat(path, &st) == 0 ? RG_PUSH(files, count, capacity) : NULL;
		if (slot)
			*slot = (struct kept){ path, st.st_mtim, (uint64_t)st.st_size };
		else
			free(path);
	}
	if (dir)
		closedir(dir);
	if (count)
		qsort(files, count, sizeof(*files), newest_first);
	for (size_t i = 0; i < count; i++) {
		total += files[i].size;
		if (i > 0 && (i >= KEPT || total > KEPT_BYTES))
			unlink(files[i].path);
		free(files[i].path);
	}
	free(files);
}

char *rg_cache_path_of_pid(pid_t pid)
{
	struct rg_process process = { 0 };
	char *folder = cache_folder(), *path = NULL;

	rg_process_read(&process, pid, NULL);
	for (unsigned n = 1; folder && n < 100000; n++) {
		if (asprintf(&path, "%s/%d-%llu-%u.rgs", folder, pid,
			    (unsigned long long)process.start_time, n) < 0)
			path = NULL;
		if (!path || access(path, F_OK) != 0)
			break;
		free(path);
		path = NULL;
	}
	free(folder);
	return path;
}

char *rg_cache_path_of_core(const char *core)
{
	char *folder = cache_folder(), *path = NULL;
	struct stat st = { 0 };

	stat(core, &st);
	if (folder && asprintf(&path, "%s/%llu-%lld-1.rgs", folder, (unsigned long long)st.st_ino,
			      (long long)st.st_mtime) < 0)
		path = NULL;
	free(folder);
	return path;
}

void rg_cache_prune(const char *path)
{
	char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;

	if (slash) {
		*slash = '\0';
		prune(folder);
	}
	free(folder);
}
