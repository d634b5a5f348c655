/* Why a process may not be traced, by made-up trees of /proc, and what hostile ones say. */
#include "heapdump/image/rights.h"

#include <errno.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/tree.h"

#define PID 42
#define ALL "000001ffffffffff"
#define DOCKER "00000000a80425fb" /* what root of a container has: no CAP_SYS_PTRACE */
#define ABLE "0000000000080000" /* CAP_SYS_PTRACE alone */
#define NONE "0000000000000000"
#define FIRST_MAP "         0          0 4294967295\n"
#define CHILD_MAP "         0     100000      65536\n"

/* The status of a process of user ID, with the capabilities CAPS. */
static void write_status(const char *place, unsigned id, const char *caps, int tracer)
{
	char name[64], text[512];

	snprintf(name, sizeof(name), "/proc/%s/status", place);
	snprintf(text, sizeof(text),
		"Name:\tUid:\t1\nTracerPid:\t%d\nUid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n"
		"CapInh:\t" NONE "\nCapPrm:\t%s\nCapEff:\t%s\n",
		tracer, id, id, id, id, id, id, id, id, caps, caps);
	write_text(name, text);
	snprintf(name, sizeof(name), "/proc/%s/uid_map", place);
	write_text(name, FIRST_MAP);
}

static void refuse(struct rg_error *err, int error)
{
	rg_error_init(err);
	ck_assert_int_eq(rg_rights_refuse(err, root, PID, "ptrace", error), RG_SYSTEM);
	ck_assert_int_eq(err->pid, PID);
	ck_assert_ptr_nonnull(strstr(err->message, "pid 42: ptrace: "));
}

/* In the world called NAME the refusal names REASON, and its hint CURE. */
static void expect(const char *name, const char *reason, const char *cure)
{
	struct rg_error err;

	refuse(&err, EPERM);
	ck_assert_msg(strstr(err.message, "Operation not permitted") && strstr(err.message, reason),
		"%s: '%s', expected '%s'", name, err.message, reason);
	ck_assert_msg(strstr(err.hint, cure), "%s: '%s', expected '%s'", name, err.hint, cure);
	ck_assert_str_eq(err.name, "no-permission");
	/* nothing is cut */
	ck_assert_uint_lt(strlen(err.message), sizeof(err.message) - 1);
	ck_assert_uint_lt(strlen(err.hint), sizeof(err.hint) - 1);
}

struct world {
	const char *name;
	unsigned our_id, its_id;
	const char *our_caps, *its_caps, *yama;
	const char *reason, *cure;
};

static const struct world worlds[] = {
	{ "other user", 1000, 1001, NONE, NONE, NULL,
		"it belongs to user 1001, and we are user 1000", "sudo -u '#1001' refgraph" },
	{ "other user, in a container", 0, 1001, DOCKER, NONE, NULL, "it belongs to user 1001",
		"--cap-add SYS_PTRACE" },
	{ "capable", 1000, 1000, NONE, DOCKER, NULL, "capabilities that we have not", "setcap" },
	{ "privileged container", 0, 0, DOCKER, ALL, NULL, "capabilities that we have not",
		"--cap-add SYS_PTRACE" },
	{ "yama 1", 1000, 1000, NONE, NONE, "1\n", "ptrace_scope is 1",
		"kernel.yama.ptrace_scope=0" },
	{ "yama 1, in a container", 0, 0, DOCKER, DOCKER, "1\n", "ptrace_scope is 1",
		"--cap-add SYS_PTRACE" },
	{ "yama 2", 1000, 1000, NONE, NONE, "2\n", "ptrace_scope is 2", "setcap cap_sys_ptrace" },
	{ "yama 3", 1000, 1000, NONE, NONE, "3\n", "ptrace_scope is 3", "core file" },
	{ "yama 3, root", 0, 1000, ALL, NONE, "3\n", "ptrace_scope is 3", "core file" },
	{ "yama does not matter", 1000, 1001, NONE, NONE, "1\n", "it belongs to user 1001",
		"sudo" },
	{ "yama 0", 1000, 1000, NONE, NONE, "0\n", "a security module or a container", "sudo" },
	{ "root", 0, 1000, ALL, NONE, NULL, "a security module forbids it", "attr/current" },
	{ "able", 1000, 1001, ABLE, NONE, "1\n", "a security module forbids it", "attr/current" },
};

START_TEST(rights_worlds)
{
	for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++) {
		const struct world *world = &worlds[i];

		open_root();
		write_status("self", world->our_id, world->our_caps, 0);
		write_status("42", world->its_id, world->its_caps, 0);
		if (world->yama)
			write_text("/proc/sys/kernel/yama/ptrace_scope", world->yama);
		expect(world->name, world->reason, world->cure);
		close_root();
	}
}
END_TEST

START_TEST(rights_undumpable)
{
	unsigned other = (unsigned)geteuid() + 1;

	open_root();
	write_status("self", other, NONE, 0);
	write_status("42", other, NONE, 0);
	/* its owner is who runs this test */
	write_text("/proc/42/mem", "");
	/* who has the right is not held up by it */
	expect("undumpable", "it may not be dumped", "PR_SET_DUMPABLE");
	write_status("self", other, ABLE, 0);
	expect("undumpable", "a security module", "");
	close_root();
}
END_TEST

START_TEST(rights_traced)
{
	open_root();
	write_status("self", 1000, NONE, 0);
	write_status("42", 1001, NONE, 4711);
	expect("traced", "pid 4711 traces it already", "end that one first");
	write_text("/proc/4711/comm", "gdb\n");
	expect("traced", "pid 4711 (gdb) traces it already", "one tracer");
	/* a name is not trusted to be short, or to end */
	write_text("/proc/4711/comm",
		"a very long name that no kernel would have given to anything, "
		"and that goes on and on");
	expect("traced", "pid 4711 (a very long name", "one tracer");
	close_root();
}
END_TEST

START_TEST(rights_namespaces)
{
	open_root();
	write_status("self", 1000, NONE, 0);
	write_status("42", 1000, NONE, 0);
	write_text("/proc/42/uid_map", CHILD_MAP);
	expect("namespaces", "another user namespace",
		"nsenter --user --preserve-credentials --target 42");
	/* root of one namespace, and a process of the one above or beside it */
	write_status("self", 0, ALL, 0);
	write_text("/proc/self/uid_map", CHILD_MAP);
	write_text("/proc/42/uid_map", "         0     200000      65536\n");
	expect("namespaces", "another user namespace", "from the host");
	/* root of them all has the right in each: that is not it */
	write_text("/proc/self/uid_map", FIRST_MAP);
	expect("namespaces", "a security module", "");
	close_root();
}
END_TEST

START_TEST(rights_errors)
{
	struct rg_error err;

	open_root();
	write_status("self", 1000, NONE, 0);
	write_status("42", 1000, NONE, 0);
	refuse(&err, ESRCH);
	ck_assert_str_eq(err.name, "no-such-process");
	ck_assert_ptr_nonnull(strstr(err.hint, "refgraph ps"));
	refuse(&err, ENOENT);
	ck_assert_str_eq(err.name, "no-such-process");
	refuse(&err, EIO);
	ck_assert_str_eq(err.name, "no-permission");
	ck_assert_str_eq(err.hint, "");
	refuse(&err, ENOSYS);
	ck_assert_ptr_nonnull(strstr(err.message, "seccomp filter on refgraph itself"));
	/* and who does not want to know */
	ck_assert_int_eq(rg_rights_refuse(NULL, root, PID, "ptrace", EPERM), RG_SYSTEM);
	close_root();
}
END_TEST

static const char *const hostile[] = { "", "Uid:", "Uid:\n", "Uid:\tx\t1\t1\n",
	"Uid:\t-1\t-1\t-1\t-1\n", "Uid:\t99999999999999999999\t1\t1\t1\nTracerPid:\t-7\n",
	"Uid:\t1\nTracerPid:\t99999999999999\nCapPrm:\tzz\n", "\n\n\n",
	"CapEff:\tffffffffffffffffff", "TracerPid:", "TracerPid:\t\nUid:\n4" };

START_TEST(rights_hostile)
{
	struct rg_error err;

	open_root();
	/* nothing there at all */
	refuse(&err, EPERM);
	ck_assert_ptr_nonnull(strstr(err.message, "a security module or a container"));
	for (size_t i = 0; i < 2 * sizeof(hostile) / sizeof(hostile[0]); i++) {
		const char *text = hostile[i / 2];

		write_status("self", 1000, NONE, 0);
		write_text("/proc/42/status", text);
		if (i % 2)
			write_text("/proc/self/status", text);
		write_text("/proc/42/uid_map", text);
		write_text("/proc/sys/kernel/yama/ptrace_scope", text);
		refuse(&err, EPERM);
		ck_assert_ptr_null(strstr(err.message, "traces it already"));
	}
	close_root();
}
END_TEST

TEST_MAIN("rights", rights_worlds, rights_undumpable, rights_traced, rights_namespaces,
	rights_errors, rights_hostile)
