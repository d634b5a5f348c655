/* Room for a capture, by made-up trees of /proc and of cgroups, and what hostile ones say. */
#include "heapdump/capture/room.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/tree.h"

#define MIB (UINT64_C(1) << 20)
#define PID 42
#define SELF 43

static uint64_t left_for(pid_t pid, const char *expected_where)
{
	char where[128];
	uint64_t left = rg_room_cgroup(root, pid, where);

	ck_assert_str_eq(where, expected_where);
	return left;
}

START_TEST(room_machine)
{
	open_root();
	ck_assert_uint_eq(rg_room_machine(root), RG_ROOM_ENOUGH);
	write_text("/proc/meminfo", "MemTotal:  9 kB\nMemAvailable:    2048 kB\nX: 1 kB\n");
	ck_assert_uint_eq(rg_room_machine(root), 2 * MIB);
	write_text("/proc/42/status", "Name:\tpython3\nRssAnon:\t    1024 kB\nRssFile:\t 9 kB\n");
	ck_assert_uint_eq(rg_room_private(root, PID, 5 * MIB), MIB);
	/* an old kernel does not tell: all that is resident, at worst */
	write_text("/proc/42/status", "Name:\tpython3\n");
	ck_assert_uint_eq(rg_room_private(root, PID, 5 * MIB), 5 * MIB);
	close_root();
}
END_TEST

START_TEST(room_no_cgroup)
{
	open_root();
	ck_assert_uint_eq(left_for(PID, ""), RG_ROOM_ENOUGH);
	write_text("/proc/42/cgroup", "0::/a/b\n");
	ck_assert_uint_eq(left_for(PID, ""), RG_ROOM_ENOUGH);
	write_text("/sys/fs/cgroup/a/b/memory.max", "max\n");
	write_text("/sys/fs/cgroup/a/b/memory.current", "4096\n");
	ck_assert_uint_eq(left_for(PID, ""), RG_ROOM_ENOUGH);
	close_root();
}
END_TEST

/* The least of all that are above one another; memory.high counts as memory.max does. */
START_TEST(room_cgroups_above)
{
	open_root();
	write_text("/proc/42/cgroup", "0::/a/b\n");
	write_text("/sys/fs/cgroup/a/b/memory.max", "104857600\n");
	write_text("/sys/fs/cgroup/a/b/memory.current", "20971520\n");
	ck_assert_uint_eq(left_for(PID, "/a/b"), 80 * MIB);
	write_text("/sys/fs/cgroup/a/memory.max", "max\n");
	write_text("/sys/fs/cgroup/a/memory.high", "52428800\n");
	write_text("/sys/fs/cgroup/a/memory.current", "41943040\n");
	ck_assert_uint_eq(left_for(PID, "/a"), 10 * MIB);
	/* cached files are given back */
	write_text(
		"/sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 10485760\nactive_file 3\n");
	ck_assert_uint_eq(left_for(PID, "/a"), 20 * MIB);
	/* a container sees its own limit at the top */
	write_text("/sys/fs/cgroup/memory.max", "1048576\n");
	write_text("/sys/fs/cgroup/memory.current", "2097152\n");
	ck_assert_uint_eq(left_for(PID, "/"), 0);
	close_root();
}
END_TEST

START_TEST(room_first_version)
{
	open_root();
	write_text("/proc/42/cgroup", "9:name=systemd:/x\n4:cpu,memory:/docker/1\n0::/\n");
	write_text("/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "9223372036854771712\n");
	write_text("/sys/fs/cgroup/memory/docker/1/memory.usage_in_bytes", "1048576\n");
	ck_assert_uint_eq(left_for(PID, ""), RG_ROOM_ENOUGH);
	write_text("/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "3145728\n");
	ck_assert_uint_eq(left_for(PID, "/docker/1"), 2 * MIB);
	write_text("/sys/fs/cgroup/memory/docker/1/memory.stat",
		"inactive_file 7\ntotal_inactive_file 524288\n");
	ck_assert_uint_eq(left_for(PID, "/docker/1"), 2 * MIB + MIB / 2);
	close_root();
}
END_TEST

/* What makes no sense limits nothing, and nothing is read outside of the tree. */
START_TEST(room_hostile)
{
	static const char *const numbers[] = { "", "\n", "-1\n", "maximum\n", "0x10\n",
		"99999999999999999999999999\n", "\xff\xfe" };
	char *lines = malloc(40000);

	open_root();
	write_text("/sys/fs/cgroup/a/memory.current", "4096\n");
	write_text("/proc/42/cgroup", "0::/a\n");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		write_text("/sys/fs/cgroup/a/memory.max", numbers[i]);
		ck_assert_uint_eq(left_for(PID, ""), RG_ROOM_ENOUGH);
	}
	write_text("/sys/fs/cgroup/a/memory.max", "8192\n");
	ck_assert_uint_eq(left_for(PID, "/a"), 4096);
	/* used and cached more than all there is */
	write_text("/sys/fs/cgroup/a/memory.current", "18446744073709551614\n");
	ck_assert_uint_eq(left_for(PID, "/a"), 0);
	write_text("/sys/fs/cgroup/a/memory.current", "4096\n");
	write_text("/sys/fs/cgroup/a/memory.stat", "inactive_file 18446744073709551614\n");
	ck_assert_uint_eq(left_for(PID, "/a"), 4096);
	write_text("/proc/42/cgroup", "0::/../../a\n");
	ck_assert_uint_eq(left_for(PID, ""), RG_ROOM_ENOUGH);
	write_text("/proc/42/cgroup", ":::\n\n0\n::\n0:memory\n,,:,:\n4:memor,y:/a\n0::/a");
	ck_assert_uint_eq(left_for(PID, ""), RG_ROOM_ENOUGH);
	memset(lines, '/', 39999);
	memcpy(lines, "0::/", 4);
	write_bytes("/proc/42/cgroup", lines, 39999);
	ck_assert_uint_eq(left_for(PID, ""), RG_ROOM_ENOUGH);
	lines[900] = '\n';
	write_bytes("/proc/42/cgroup", lines, 39999);
	left_for(PID, "");
	write_bytes("/proc/42/cgroup", "0::/a\0b\n", 8);
	ck_assert_uint_eq(left_for(PID, ""), RG_ROOM_ENOUGH);
	write_text("/proc/meminfo", "MemAvailable: 18446744073709551615 kB\n");
	ck_assert_uint_eq(rg_room_machine(root), RG_ROOM_ENOUGH);
	free(lines);
	close_root();
}
END_TEST

START_TEST(room_need)
{
	struct rg_room_need need = rg_room_need_of(100 * MIB);

	ck_assert_uint_eq(need.target, 100 * MIB);
	ck_assert_uint_eq(need.own, 200 * MIB);
	ck_assert_uint_eq(need.disk, 50 * MIB);
	ck_assert_uint_eq(rg_room_need_of(UINT64_MAX - 1).own, UINT64_MAX);
}
END_TEST

static enum rg_code check_memory(const struct rg_room_need *need, const char *said)
{
	struct rg_error err;
	enum rg_code code;

	rg_error_init(&err);
	code = rg_room_check_memory(root, PID, SELF, need, &err);
	if (code)
		ck_assert_msg(strstr(err.message, said) && err.hint[0], "%s", err.message);
	return code;
}

START_TEST(room_check_memory)
{
	struct rg_room_need need = rg_room_need_of(10 * MIB);

	open_root();
	ck_assert_int_eq(check_memory(&need, ""), RG_OK);
	write_text("/proc/meminfo", "MemAvailable: 30720 kB\n");
	ck_assert_int_eq(check_memory(&need, ""), RG_OK);
	write_text("/proc/meminfo", "MemAvailable: 30719 kB\n");
	ck_assert_int_eq(
		check_memory(&need, "up to 30 MiB of memory may be needed, only 29 MiB are free "
				    "on this machine"),
		RG_LIMIT);
	write_text("/proc/meminfo", "MemAvailable: 99999 kB\n");
	write_text("/proc/42/cgroup", "0::/t\n");
	write_text("/proc/43/cgroup", "0::/o\n");
	write_text("/sys/fs/cgroup/t/memory.max", "10485760\n");
	write_text("/sys/fs/cgroup/t/memory.current", "0\n");
	write_text("/sys/fs/cgroup/o/memory.max", "20971520\n");
	write_text("/sys/fs/cgroup/o/memory.current", "0\n");
	ck_assert_int_eq(check_memory(&need, ""), RG_OK);
	write_text("/sys/fs/cgroup/t/memory.current", "1\n");
	ck_assert_int_eq(check_memory(&need, "up to 10 MiB of memory may be needed, only 9 MiB "
					     "are free in the target's cgroup /t"),
		RG_LIMIT);
	write_text("/sys/fs/cgroup/t/memory.current", "0\n");
	write_text("/sys/fs/cgroup/o/memory.current", "1\n");
	ck_assert_int_eq(check_memory(&need, "in our cgroup /o"), RG_LIMIT);
	/* in one cgroup both count */
	write_text("/proc/43/cgroup", "0::/t\n");
	ck_assert_int_eq(check_memory(&need, "up to 30 MiB of memory may be needed, only 10 MiB "
					     "are free in the target's cgroup /t"),
		RG_LIMIT);
	close_root();
}
END_TEST

START_TEST(room_check_disk)
{
	struct rg_room_need need = { .disk = UINT64_MAX };
	char path[300];
	struct rg_error err;
	int fd, device = open("/dev/null", O_WRONLY);

	open_root();
	snprintf(path, sizeof(path), "%s/x", root);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	rg_error_init(&err);
	ck_assert_int_eq(rg_room_check_disk(fd, &need, &err), RG_LIMIT);
	ck_assert_ptr_nonnull(strstr(err.message, "of disk may be needed"));
	ck_assert_int_eq(rg_room_check_disk(device, &need, &err), RG_OK);
	ck_assert_int_eq(rg_room_check_disk(-1, &need, &err), RG_OK);
	need.disk = 1;
	ck_assert_int_eq(rg_room_check_disk(fd, &need, &err), RG_OK);
	close(fd);
	close(device);
	close_root();
}
END_TEST

TEST_MAIN("room", room_machine, room_no_cgroup, room_cgroups_above, room_first_version,
	room_hostile, room_need, room_check_memory, room_check_disk)
