#include "heapdump/image/rights.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heapdump/base/file.h"

#define CAP_SYS_PTRACE 19 /* its bit, of <linux/capability.h> */
#define UNKNOWN (-1)

/* Of one side, what the kernel looks at; UNKNOWN where /proc does not tell. */
struct party {
	int64_t users[3], groups[3]; /* real, effective, saved */
	int64_t tracer;
	uint64_t permitted, effective; /* sets of capabilities */
	int64_t owner; /* of its file mem: not its user's where it cannot be dumped */
	char id_map[256]; /* of its user namespace, "" where it cannot be read */
};

/* Both sides, and what holds for all. */
struct question {
	const char *root, *what;
	pid_t pid;
	int error;
	struct party we, it;
	int64_t yama; /* kernel.yama.ptrace_scope, or UNKNOWN without it */
};

/* --- what /proc says ---------------------------------------------------------------------- */

/* The start of ROOT/proc/PLACE/NAME as a string. */
static bool slurp(const char *root, const char *place, const char *name, char *text, size_t size)
{
	char path[512];
	size_t n;

	snprintf(path, sizeof(path), "%s/proc/%s/%s", root, place, name);
	n = rg_file_start(path, text, size - 1);
	text[n] = '\0';
	return n > 0;
}

/* COUNT numbers in BASE behind KEY at the start of a line of TEXT; false where they are not. */
static bool read_numbers(const char *text, const char *key, int base, uint64_t *ret, int count)
{
	size_t length = strlen(key);

	while (text && strncmp(text, key, length) != 0) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	if (!text)
		return false;
	text += length;
	for (int i = 0; i < count; i++) {
		char *end;

		/* strtoull would take the next line for it */
		text += strspn(text, " \t");
		ret[i] = strtoull(text, &end, base);
		if (end == text || *text == '-')
			return false;
		text = end;
	}
	return true;
}

static void read_ids(const char *text, const char *key, int64_t ids[3])
{
	uint64_t numbers[3];
	bool known = read_numbers(text, key, 10, numbers, 3);

	for (int i = 0; i < 3; i++)
		ids[i] = known && numbers[i] <= UINT32_MAX ? (int64_t)numbers[i] : UNKNOWN;
}

/* PLACE is a pid, or "self". */
static void read_party(const char *root, const char *place, struct party *party)
{
	char text[4096], path[512];
	uint64_t tracer;
	struct stat st;

	memset(party, 0, sizeof(*party));
	if (!slurp(root, place, "status", text, sizeof(text)))
		*text = '\0';
	read_ids(text, "Uid:", party->users);
	read_ids(text, "Gid:", party->groups);
	party->tracer = read_numbers(text, "TracerPid:", 10, &tracer, 1) && tracer <= INT32_MAX
				? (int64_t)tracer
				: 0;
	if (!read_numbers(text, "CapPrm:", 16, &party->permitted, 1))
		party->permitted = 0;
	if (!read_numbers(text, "CapEff:", 16, &party->effective, 1))
		party->effective = 0;
	snprintf(path, sizeof(path), "%s/proc/%s/mem", root, place);
	party->owner = stat(path, &st) == 0 ? (int64_t)st.st_uid : UNKNOWN;
	slurp(root, place, "uid_map", party->id_map, sizeof(party->id_map));
}

static void read_question(struct question *question)
{
	char place[32], text[32];

	snprintf(place, sizeof(place), "%d", question->pid);
	read_party(question->root, "self", &question->we);
	read_party(question->root, place, &question->it);
	question->yama = UNKNOWN;
	if (slurp(question->root, "sys/kernel/yama", "ptrace_scope", text, sizeof(text)))
		question->yama = strtol(text, NULL, 10);
}

/* --- what follows from it ----------------------------------------------------------------- */

static bool is_able(const struct question *q)
{
	return q->we.effective >> CAP_SYS_PTRACE & 1;
}

static bool is_root(const struct question *q)
{
	return q->we.users[1] == 0;
}

/* A call that can only fail for want of a tracee, unless a filter of our own answers it. */
static bool is_filtered(const struct question *q)
{
	if (q->error == ENOSYS)
		return true;
	return ptrace(PTRACE_CONT, getpid(), 0, 0) < 0 && errno != ESRCH;
}

/* The capabilities of a namespace reach those below it only: of the first one, all. */
static bool is_foreign(const struct question *q)
{
	unsigned long long inside, outside, count;
	bool first = sscanf(q->we.id_map, "%llu %llu %llu", &inside, &outside, &count) == 3 &&
		     inside == 0 && outside == 0 && count == UINT32_MAX;

	if (!*q->it.id_map || !*q->we.id_map || strcmp(q->it.id_map, q->we.id_map) == 0)
		return false;
	return !first || !is_able(q);
}

/* The kernel wants all three of the target's ids to be ours. */
static bool is_others(const int64_t ids[3], int64_t ours)
{
	for (int i = 0; i < 3; i++)
		if (ids[i] != UNKNOWN && ours != UNKNOWN && ids[i] != ours)
			return true;
	return false;
}

static bool is_undumpable(const struct question *q)
{
	return q->it.owner != UNKNOWN && q->it.users[1] != UNKNOWN && q->it.owner != q->it.users[1];
}

/* --- saying it ---------------------------------------------------------------------------- */

/* "pid 4711: ptrace: Operation not permitted: BECAUSE" */
static enum rg_code refuse(struct rg_error *err, const struct question *q, const char *because)
{
	return rg_fail(err, RG_SYSTEM, "no-permission", "pid %d: %s: %s: %s", q->pid, q->what,
		strerror(q->error), because);
}

/* What gives the right that is lacking, to root as to others. */
static enum rg_code hint_right(struct rg_error *err, const struct question *q, const char *also)
{
	if (is_root(q))
		return rg_hint(err,
			"this root lacks CAP_SYS_PTRACE: start the container with --cap-add "
			"SYS_PTRACE (Kubernetes: capabilities: add: [SYS_PTRACE]), or ask from the "
			"host, by the pid there");
	return rg_hint(err,
		"run it as root: sudo refgraph ...%s; or once: setcap cap_sys_ptrace+ep refgraph",
		also);
}

static enum rg_code refuse_traced(struct rg_error *err, const struct question *q)
{
	char place[32], command[64], because[160];

	snprintf(place, sizeof(place), "%d", (int)q->it.tracer);
	if (!slurp(q->root, place, "comm", command, sizeof(command)))
		*command = '\0';
	command[strcspn(command, "\n")] = '\0';
	snprintf(because, sizeof(because), "pid %d%s%s%s traces it already", (int)q->it.tracer,
		*command ? " (" : "", command, *command ? ")" : "");
	refuse(err, q, because);
	return rg_hint(err, "a process has one tracer: end that one first (a debugger, strace)");
}

static enum rg_code refuse_user(struct rg_error *err, const struct question *q)
{
	char because[160], also[80];

	snprintf(because, sizeof(because), "it belongs to user %lld, and we are user %lld",
		(long long)q->it.users[1], (long long)q->we.users[1]);
	snprintf(also, sizeof(also), ", or as its user: sudo -u '#%lld' refgraph ...",
		(long long)q->it.users[1]);
	refuse(err, q, because);
	return hint_right(err, q, also);
}

static enum rg_code refuse_foreign(struct rg_error *err, const struct question *q)
{
	refuse(err, q, "it is in another user namespace, where we have no rights");
	if (is_root(q))
		return rg_hint(err, "this is the root of a container: ask from the host, by the "
				    "pid there, as root");
	return rg_hint(err,
		"run it as root: sudo refgraph ...; or as who started the container, "
		"in its namespace: nsenter --user --preserve-credentials --target %d",
		q->pid);
}

static enum rg_code refuse_yama(struct rg_error *err, const struct question *q)
{
	if (q->yama >= 3) {
		refuse(err, q,
			"kernel.yama.ptrace_scope is 3: nobody may trace until the next boot");
		return rg_hint(err, "read a core file of it instead (kill -ABRT ends it and leaves "
				    "one): refgraph dump CORE; or boot with ptrace_scope 1");
	}
	if (q->yama == 2) {
		refuse(err, q, "kernel.yama.ptrace_scope is 2: only CAP_SYS_PTRACE may trace");
		return hint_right(err, q, "");
	}
	refuse(err, q,
		"kernel.yama.ptrace_scope is 1: only who has started a process may trace it");
	return hint_right(
		err, q, ", or until the next boot: sudo sysctl kernel.yama.ptrace_scope=0");
}

/* What stands between it and who has no CAP_SYS_PTRACE. */
static enum rg_code refuse_unable(struct rg_error *err, const struct question *q)
{
	if (is_others(q->it.users, q->we.users[1]))
		return refuse_user(err, q);
	if (is_others(q->it.groups, q->we.groups[1])) {
		refuse(err, q, "it runs with another group than ours (setgid?)");
		return hint_right(err, q, "");
	}
	if (q->it.permitted & ~q->we.permitted) {
		refuse(err, q, "it has capabilities that we have not");
		return hint_right(err, q, "");
	}
	if (is_undumpable(q)) {
		refuse(err, q,
			"it may not be dumped: it gave up root, or asked so by PR_SET_DUMPABLE");
		return hint_right(err, q, ", or let the program call prctl(PR_SET_DUMPABLE, 1)");
	}
	if (q->yama >= 1)
		return refuse_yama(err, q);
	refuse(err, q, "a security module or a container forbids it");
	return hint_right(err, q, "");
}

/* The first reason of those that can be seen; the kernel asks in about this order. */
static enum rg_code refuse_right(struct rg_error *err, const struct question *q)
{
	if (q->it.tracer > 0)
		return refuse_traced(err, q);
	if (is_filtered(q)) {
		refuse(err, q, "a seccomp filter on refgraph itself forbids it");
		return rg_hint(err, "run it outside of that sandbox; docker: --cap-add SYS_PTRACE, "
				    "or --security-opt seccomp=unconfined; systemd: add @debug to "
				    "SystemCallFilter");
	}
	if (q->yama >= 3)
		return refuse_yama(err, q);
	if (is_foreign(q))
		return refuse_foreign(err, q);
	if (!is_able(q))
		return refuse_unable(err, q);
	refuse(err, q, "although we have CAP_SYS_PTRACE: a security module forbids it");
	return rg_hint(err,
		"see its log (dmesg, ausearch -m avc), for AppArmor /proc/%d/attr/current; or read "
		"a core file of it",
		q->pid);
}

enum rg_code rg_rights_refuse(
	struct rg_error *err, const char *root, pid_t pid, const char *what, int error)
{
	struct question question = { .root = root, .what = what, .pid = pid, .error = error };

	if (error == ESRCH || error == ENOENT) {
		rg_fail(err, RG_SYSTEM, "no-such-process", "pid %d: %s: %s", pid, what,
			strerror(error));
		rg_hint(err, "the process has ended; see the others with: refgraph ps");
	} else if (error == EPERM || error == EACCES || error == ENOSYS) {
		read_question(&question);
		refuse_right(err, &question);
	} else {
		rg_fail(err, RG_SYSTEM, "no-permission", "pid %d: %s: %s", pid, what,
			strerror(error));
	}
	return rg_at_pid(err, pid);
}
