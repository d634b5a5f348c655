#include "heapdump/capture/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define OWN_PARTS 2 /* our memory, in parts of the target's private memory */
#define DISK_DIVISOR 2 /* of the target's private memory, at most that part on disk */
#define TEXT 16384 /* bytes of a file of /proc or of a cgroup that are looked at */
#define LEVELS 64 /* of cgroups above one another */

/* Where the limits of one kind of cgroup are. */
struct hierarchy {
	const char *mount; /* below the root */
	const char *limits[2]; /* the names of its limits; the second may be NULL */
	const char *usage;
	const char *cached; /* in memory.stat: of the usage, what is given back when asked for */
};

static const struct hierarchy unified[] = {
	{ "/sys/fs/cgroup", { "memory.max", "memory.high" }, "memory.current", "inactive_file " },
	{ "/sys/fs/cgroup/unified", { "memory.max", "memory.high" }, "memory.current",
		"inactive_file " },
};
static const struct hierarchy first_version = { "/sys/fs/cgroup/memory",
	{ "memory.limit_in_bytes", NULL }, "memory.usage_in_bytes", "total_inactive_file " };

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* --- files of the kernel ------------------------------------------------------------------ */

/* The start of the file PATH as a string; false where there is none. */
static bool slurp(const char *path, char text[TEXT])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t used = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	while (used < TEXT - 1 && (n = read(fd, text + used, TEXT - 1 - used)) > 0)
		used += (size_t)n;
	close(fd);
	text[used] = '\0';
	return used > 0;
}

/* The number that TEXT starts with; RG_ROOM_ENOUGH for "max" and what is none. */
static uint64_t number_of(const char *text)
{
	unsigned long long value;
	char *end;

	while (*text == ' ' || *text == '\t')
		text++;
	if (*text < '0' || *text > '9')
		return RG_ROOM_ENOUGH;
	errno = 0;
	value = strtoull(text, &end, 10);
	return errno || (*end && !strchr(" \n", *end)) ? RG_ROOM_ENOUGH : value;
}

/* The number behind KEY at the start of a line of TEXT, or RG_ROOM_ENOUGH. */
static uint64_t field_of(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) == 0)
			return number_of(line + length);
	}
	return RG_ROOM_ENOUGH;
}

/* The file NAME of the folder FOLDER. */
static bool slurp_in(const char *folder, const char *name, char text[TEXT])
{
	char path[1024];
	int n = snprintf(path, sizeof(path), "%s/%s", folder, name);

	return n > 0 && (size_t)n < sizeof(path) && slurp(path, text);
}

/* KiB behind KEY in the file NAME of /proc, in bytes, or RG_ROOM_ENOUGH. */
static uint64_t kib_field(const char *root, const char *name, const char *key)
{
	char text[TEXT], path[512];
	uint64_t kib;

	snprintf(path, sizeof(path), "%s/proc", root);
	kib = slurp_in(path, name, text) ? field_of(text, key) : RG_ROOM_ENOUGH;
	return kib > UINT64_MAX >> 10 ? RG_ROOM_ENOUGH : kib << 10;
}

uint64_t rg_room_machine(const char *root)
{
	return kib_field(root, "meminfo", "MemAvailable:");
}

uint64_t rg_room_private(const char *root, pid_t pid, uint64_t rss)
{
	char name[32];
	uint64_t bytes;

	snprintf(name, sizeof(name), "%d/status", pid);
	bytes = kib_field(root, name, "RssAnon:");
	return least(bytes, rss);
}

/* --- cgroups ------------------------------------------------------------------------------ */

/* What the cgroup of FOLDER leaves of its limits, by itself. */
static uint64_t left_in(const struct hierarchy *kind, const char *folder)
{
	uint64_t limit = RG_ROOM_ENOUGH, usage, cached;
	char text[TEXT];

	for (int i = 0; i < 2 && kind->limits[i]; i++)
		if (slurp_in(folder, kind->limits[i], text))
			limit = least(limit, number_of(text));
	/* the first version writes "no limit" as the largest number of pages */
	if (limit >= INT64_MAX >> 13 << 13)
		return RG_ROOM_ENOUGH;
	usage = slurp_in(folder, kind->usage, text) ? number_of(text) : RG_ROOM_ENOUGH;
	if (usage == RG_ROOM_ENOUGH)
		return RG_ROOM_ENOUGH;
	cached = slurp_in(folder, "memory.stat", text) ? field_of(text, kind->cached) : 0;
	usage -= cached < usage ? cached : 0;
	return limit > usage ? limit - usage : 0;
}

/* The least that the cgroup PATH and those above it leave. */
static uint64_t left_above(
	const char *root, const struct hierarchy *kind, const char *path, char where_ret[128])
{
	uint64_t left = RG_ROOM_ENOUGH;
	char folder[1024];
	int n = snprintf(folder, sizeof(folder), "%s%s%s", root, kind->mount, path);
	size_t mount = strlen(root) + strlen(kind->mount);

	if (n < 0 || (size_t)n >= sizeof(folder))
		return RG_ROOM_ENOUGH;
	for (int level = 0; level < LEVELS; level++) {
		uint64_t here = left_in(kind, folder);
		char *slash = strrchr(folder + mount, '/');

		if (here < left) {
			left = here;
			snprintf(where_ret, 128, "%.127s", folder + mount);
			if (!*where_ret)
				strcpy(where_ret, "/");
		}
		if (!slash)
			break;
		*slash = '\0';
	}
	return left;
}

/* Whether LIST, "cpu,memory", names the memory controller. */
static bool names_memory(const char *list, size_t length)
{
	const char *end = list + length;

	while (list < end) {
		const char *comma = memchr(list, ',', (size_t)(end - list));
		size_t word = (size_t)((comma ? comma : end) - list);

		if (word == 6 && memcmp(list, "memory", 6) == 0)
			return true;
		list += word + 1;
	}
	return false;
}

/* One line of /proc/PID/cgroup, "4:memory:/a/b" or "0::/a/b", ended by a NUL. */
static uint64_t left_by_line(const char *root, const char *line, char where_ret[128])
{
	const char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
	uint64_t left = RG_ROOM_ENOUGH;

	/* outside of what is mounted here */
	if (!path || strstr(path, "/.."))
		return left;
	list++;
	path++;
	if (names_memory(list, (size_t)(path - 1 - list)))
		return left_above(root, &first_version, path, where_ret);
	for (size_t i = 0; list + 1 == path && i < sizeof(unified) / sizeof(unified[0]); i++) {
		char where[128] = "";
		uint64_t here = left_above(root, &unified[i], path, where);

		if (here < left) {
			left = here;
			memcpy(where_ret, where, sizeof(where));
		}
	}
	return left;
}

uint64_t rg_room_cgroup(const char *root, pid_t pid, char where_ret[128])
{
	uint64_t left = RG_ROOM_ENOUGH;
	char text[TEXT], path[512], *line, *end;

	*where_ret = '\0';
	snprintf(path, sizeof(path), "%s/proc/%d", root, pid);
	if (!slurp_in(path, "cgroup", text))
		return RG_ROOM_ENOUGH;
	/* a line without an end is cut */
	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		char where[128] = "";
		uint64_t here;

		*end = '\0';
		here = left_by_line(root, line, where);
		if (here < left) {
			left = here;
			memcpy(where_ret, where, sizeof(where));
		}
	}
	return left;
}

/* --- checks ------------------------------------------------------------------------------- */

struct rg_room_need rg_room_need_of(uint64_t private_bytes)
{
	uint64_t own = 0;

	for (int i = 0; i < OWN_PARTS; i++)
		own = add(own, private_bytes);
	return (struct rg_room_need){
		.target = private_bytes, .own = own, .disk = private_bytes / DISK_DIVISOR
	};
}

static unsigned long long mib(uint64_t bytes)
{
	return (unsigned long long)(bytes >> 20) + (bytes % (1 << 20) != 0);
}

static enum rg_code refuse(struct rg_error *err, uint64_t needed, uint64_t left, const char *where)
{
	rg_fail(err, RG_LIMIT, "little-memory",
		"up to %llu MiB of memory may be needed, only %llu MiB are free %s", mib(needed),
		(unsigned long long)(left >> 20), where);
	return rg_hint(err, "free some memory or raise the limit, or take the risk with --force");
}

enum rg_code rg_room_check_memory(const char *root, pid_t pid, pid_t own,
	const struct rg_room_need *need, struct rg_error *err)
{
	char of_target[128] = "", of_own[128] = "", where[200];
	uint64_t both = add(need->target, need->own), machine = rg_room_machine(root);
	uint64_t target = pid ? rg_room_cgroup(root, pid, of_target) : RG_ROOM_ENOUGH;
	uint64_t ours = rg_room_cgroup(root, own, of_own);
	bool shared = pid && strcmp(of_target, of_own) == 0;

	if (machine < both)
		return refuse(err, both, machine, "on this machine");
	snprintf(where, sizeof(where), "in the target's cgroup %s", of_target);
	if (target < (shared ? both : need->target))
		return refuse(err, shared ? both : need->target, target, where);
	snprintf(where, sizeof(where), "in our cgroup %s", of_own);
	if (ours < need->own)
		return refuse(err, need->own, ours, where);
	return RG_OK;
}

enum rg_code rg_room_check_disk(int fd, const struct rg_room_need *need, struct rg_error *err)
{
	struct statvfs fs;
	struct stat st;
	uint64_t left;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || fstatvfs(fd, &fs) < 0)
		return RG_OK;
	if (__builtin_mul_overflow((uint64_t)fs.f_bavail, (uint64_t)fs.f_frsize, &left) ||
		left >= need->disk)
		return RG_OK;
	rg_fail(err, RG_LIMIT, "little-disk",
		"up to %llu MiB of disk may be needed for the snapshot, only %llu MiB are free "
		"there",
		mib(need->disk), (unsigned long long)(left >> 20));
	return rg_hint(err,
		"free some space, choose another place (-o FILE, --save FILE, XDG_CACHE_HOME), or "
		"try with --force");
}
