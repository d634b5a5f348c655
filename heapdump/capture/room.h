/*
 * Room: whether there is memory and disk for a capture, asked before the target is stopped.
 *
 * The frozen copy shares every page with the target; one that the target writes to meanwhile is
 * copied, at worst each of its private ones, and charged to the target's memory cgroup. What we
 * read, and our tables of it, are charged to our own. Both come from the machine's memory.
 */
#ifndef RG_CAPTURE_ROOM_H
#define RG_CAPTURE_ROOM_H

#include <stdint.h>
#include <sys/types.h>

#include "heapdump/base/error.h"

#define RG_ROOM_ENOUGH UINT64_MAX /* no limit is known */

/* Bytes that a capture may need. */
struct rg_room_need {
	uint64_t target; /* copies of the target's pages; 0 for a core file */
	uint64_t own; /* our mirror and tables */
	uint64_t disk; /* the snapshot */
};

/*
 * What PRIVATE bytes of a process need, measured: a mirror of them and, of small objects, as much
 * again for tables (1.1 to 2.4 of PRIVATE in all); 24 bytes of snapshot for every 48 of PRIVATE,
 * the smallest objects that there are.
 */
struct rg_room_need rg_room_need_of(uint64_t private_bytes);

/*
 * What the memory cgroup of PID and all above it leave, the least of them: their limit without
 * what is in use, but for cached files that are given back. RG_ROOM_ENOUGH without a limit. ROOT
 * is where /proc and /sys are: "" but in tests. WHERE_RET is the cgroup that leaves least, or "".
 */
uint64_t rg_room_cgroup(const char *root, pid_t pid, char where_ret[128]);

/* MemAvailable of the machine, or RG_ROOM_ENOUGH where it does not say. */
uint64_t rg_room_machine(const char *root);

/* Private bytes of PID that are resident, or RSS where the kernel does not tell. */
uint64_t rg_room_private(const char *root, pid_t pid, uint64_t rss);

/*
 * Whether there is memory for NEED: of the machine for both, in the cgroups of PID (0: none) for
 * the target's, in those of OWN for ours. RG_LIMIT says how much is needed, how much there is,
 * and where.
 */
enum rg_code rg_room_check_memory(const char *root, pid_t pid, pid_t own,
	const struct rg_room_need *need, struct rg_error *err);

/*
 * Whether the file system of the regular file FD has room for NEED; what is no regular file has.
 * RG_LIMIT as above.
 */
enum rg_code rg_room_check_disk(int fd, const struct rg_room_need *need, struct rg_error *err);

#endif
