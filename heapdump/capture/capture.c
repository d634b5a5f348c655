#include "heapdump/capture/capture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "heapdump/base/clock.h"
#include "heapdump/capture/facts.h"
#include "heapdump/capture/room.h"
#include "heapdump/cpython/runtime.h"
#include "heapdump/cpython/passes.h"
#include "heapdump/image/guardian.h"
#include "heapdump/image/process.h"
#include "heapdump/snapshot/writer.h"

#define COLLECTION_RETRIES 20 /* while the collector runs, its lists are in motion */
#define COLLECTION_WAIT_US 2000 /* before the second attempt; then longer and longer */
#define COLLECTION_WAIT_MAX_US 200000
#define STILL_MAX_NS 200000000u /* that a process may stand still for unless it is forced */
#define SHORT_NS 20000000u /* for less nothing is prepared */
#define READ_BYTES_A_US 1000u /* of memory, when nothing else is done; measured 1 to 5 GB/s */
#define SWAP_BYTES_A_US 100u
#define RESERVED_MAX (256u << 20) /* that it may have reserved and not used */
#define SHIFT 3 /* CPython's objects are 8-aligned at least */

/* A frozen process and what was found in it. */
struct frozen {
	struct rg_guardian guardian;
	struct rg_image image;
	struct rg_runtime runtime;
	struct rg_gc_state gc;
	bool mapped;
	bool moving; /* the collector's lists are in motion */
};

/* --- before anything is stopped ----------------------------------------------------------- */

/* A running process, for looking at what does not move. */
struct running {
	struct rg_memory memory;
	struct rg_image image;
};

static enum rg_code open_running(struct running *running, pid_t pid, struct rg_error *err)
{
	enum rg_code code = rg_memory_open(&running->memory, pid, err);
	int maps;

	if (code)
		return code;
	code = rg_process_open(pid, "maps", &maps, err);
	if (!code) {
		code = rg_process_image(&running->image, &running->memory, maps, err);
		close(maps);
	}
	if (code)
		rg_memory_close(&running->memory);
	return code;
}

static void close_running(struct running *running)
{
	rg_image_deinit(&running->image);
	rg_memory_close(&running->memory);
}

/* An error about the memory of a process, which does not know whose it was. */
static enum rg_code at_process(struct rg_error *err, pid_t pid)
{
	char text[sizeof(err->message)];

	if (!err)
		return RG_SYSTEM;
	memcpy(text, err->message, sizeof(text));
	snprintf(err->message, sizeof(err->message), "pid %d: %.*s", pid,
		(int)sizeof(err->message) - 20, text);
	return rg_at_pid(err, pid);
}

/* Refuse what cannot work before the target is stopped for it. */
static enum rg_code check_target(const struct rg_process *process, struct rg_error *err)
{
	struct rg_runtime runtime;
	struct running running;
	enum rg_code code;

	if (process->pid == getpid()) {
		rg_fail(err, RG_USAGE, "own-pid", "pid %d: that is this refgraph itself",
			process->pid);
		return rg_at_pid(err, process->pid);
	}
	/* the main thread may end before the others: these have the memory still */
	if ((process->state == 'Z' || process->state == 'X') && process->threads < 2) {
		rg_fail(err, RG_SYSTEM, "zombie",
			"pid %d: a zombie, it has ended and has no memory any more", process->pid);
		rg_hint(err, "its parent, pid %d, has not collected it yet", process->parent);
		return rg_at_pid(err, process->pid);
	}
	if (process->rss == 0 && process->command[0] == '[' && process->state != 'Z') {
		rg_fail(err, RG_BAD_DATA, "not-python",
			"pid %d: not a CPython process: a thread of the kernel", process->pid);
		return rg_at_pid(err, process->pid);
	}
	code = open_running(&running, process->pid, err);
	if (code)
		return code;
	code = rg_runtime_find(&runtime, &running.image, err);
	close_running(&running);
	return code ? at_process(err, process->pid) : RG_OK;
}

/* Hold what the capture may need against what there is. */
static enum rg_code check_room(const struct rg_capture *capture, const struct rg_process *process,
	FILE *stream, struct rg_error *err)
{
	uint64_t resident = rg_room_private("", process->pid, process->rss);
	struct rg_room_need need = rg_room_need_of(resident);
	enum rg_code code = RG_OK;

	if (!capture->force)
		code = rg_room_check_memory("", process->pid, getpid(), &need, err);
	if (!code && !capture->force)
		code = rg_room_check_disk(fileno(stream), &need, err);
	return code ? at_process(err, process->pid) : RG_OK;
}

/* What reading the process itself would take, if no copy of it can be made. */
static struct rg_freeze_terms terms_of(
	const struct rg_capture *capture, const struct rg_process *process)
{
	uint64_t resident = rg_room_private("", process->pid, process->rss);
	int64_t swapped_kib = rg_process_status(process->pid, "VmSwap:");
	uint64_t swapped = swapped_kib > 0 ? (uint64_t)swapped_kib << 10 : 0;

	return (struct rg_freeze_terms){
		.still_ns = resident / READ_BYTES_A_US * 1000 + swapped / SWAP_BYTES_A_US * 1000,
		.most_ns = capture->force ? UINT64_MAX : STILL_MAX_NS,
	};
}

/* --- freezing ----------------------------------------------------------------------------- */

static void thaw(struct frozen *frozen)
{
	if (frozen->mapped)
		rg_image_deinit(&frozen->image);
	frozen->mapped = false;
	rg_guardian_release(&frozen->guardian);
}

/* The target itself stands still: take what can change and let it go. */
static enum rg_code take_stopped(
	struct frozen *frozen, const struct rg_process *process, struct rg_error *err)
{
	uint64_t most = process->rss * 4 + RESERVED_MAX;
	enum rg_code code = rg_process_take(&frozen->image, process->pid, most, err);

	return code ? code : rg_guardian_let_go(&frozen->guardian, err);
}

static enum rg_code freeze_once(struct frozen *frozen, const struct rg_process *process,
	const struct rg_freeze_terms *terms, struct rg_error *err)
{
	enum rg_code code = rg_guardian_start(&frozen->guardian, process->pid, terms, err);

	if (code)
		return code;
	code = rg_process_image(
		&frozen->image, &frozen->guardian.memory, frozen->guardian.maps_fd, err);
	frozen->mapped = !code;
	if (!code)
		code = rg_runtime_find(&frozen->runtime, &frozen->image, err);
	if (!code) {
		code = rg_runtime_gc(&frozen->runtime, &frozen->image, frozen->runtime.interpreter,
			&frozen->gc, err);
		frozen->moving = code || frozen->gc.collecting;
	}
	if (!code && frozen->guardian.stopped)
		code = take_stopped(frozen, process, err);
	if (code)
		thaw(frozen);
	return code;
}

/*
 * Freeze at a moment when no collection runs, if there is one. During most of a collection, and
 * for an instant while an object is added, the lists do not even close: they look like none.
 */
static enum rg_code freeze(struct frozen *frozen, const struct rg_process *process,
	const struct rg_freeze_terms *terms, struct rg_error *err)
{
	unsigned wait = COLLECTION_WAIT_US;

	for (int attempt = 0;; attempt++) {
		enum rg_code code;

		memset(frozen, 0, sizeof(*frozen));
		code = freeze_once(frozen, process, terms, err);
		if (code && attempt == COLLECTION_RETRIES)
			rg_hint(err, "or a collection ran at each of %d attempts: try again",
				attempt + 1);
		if (!frozen->moving || attempt == COLLECTION_RETRIES)
			return code == RG_BAD_DATA ? at_process(err, process->pid) : code;
		if (!code)
			thaw(frozen);
		usleep(wait);
		wait = wait * 3 / 2 < COLLECTION_WAIT_MAX_US ? wait * 3 / 2
							     : COLLECTION_WAIT_MAX_US;
	}
}

/*
 * Have memory at hand: where a hypervisor gives it on first touch, reading into it takes five
 * times as long. What is freed last is what is given out next.
 */
static void warm(uint64_t bytes)
{
	void *memory = mmap(
		NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return;
	madvise(memory, bytes, MADV_HUGEPAGE);
	madvise(memory, bytes, MADV_POPULATE_WRITE);
	munmap(memory, bytes);
}

/* Freeze by a copy; else hold the target for as short as can be, if the TERMS allow it. */
static enum rg_code freeze_or_hold(struct frozen *frozen, const struct rg_process *process,
	const struct rg_freeze_terms *terms, struct rg_error *err)
{
	struct rg_freeze_terms copy = { terms->still_ns, SHORT_NS };
	enum rg_code code = freeze(frozen, process, &copy, err);

	if (code != RG_LIMIT || terms->still_ns <= SHORT_NS || terms->still_ns > terms->most_ns)
		return code;
	warm(rg_room_private("", process->pid, process->rss));
	if (err)
		rg_error_init(err);
	return freeze(frozen, process, terms, err);
}

/* A copy that was killed reads as if there were nothing: what was found in it is no heap. */
static enum rg_code check_copy(struct frozen *frozen, pid_t pid, struct rg_error *err)
{
	char byte;

	if (rg_memory_read(&frozen->guardian.memory, frozen->runtime.address, &byte, 1) == 1)
		return RG_OK;
	rg_fail(err, RG_SYSTEM, "copy-died",
		"pid %d: its frozen copy was killed before it was read; the process itself runs on",
		pid);
	rg_hint(err, "was it for want of memory? try again");
	return rg_at_pid(err, pid);
}

/* --- facts -------------------------------------------------------------------------------- */

static void write_stop(struct rg_writer *writer, const struct rg_capture *capture)
{
	char text[300];

	if (!capture->stopped)
		return;
	snprintf(text, sizeof(text),
		"no copy of the process could be made, so it stood still for %.1f ms while it was "
		"read: %s",
		(double)capture->pause_ns / 1e6, capture->why_stopped);
	rg_writer_fact_text(writer, "warning.stopped", text);
}

static void write_facts(struct rg_writer *writer, const struct rg_capture *capture,
	const struct rg_process *process, const struct frozen *frozen)
{
	rg_facts_runtime(writer, &frozen->runtime, "process", capture->tool, time(NULL));
	rg_writer_fact_number(writer, "pid", process->pid);
	if (process->inner_pid != process->pid)
		rg_writer_fact_number(writer, "pid.inner", process->inner_pid);
	/* a command line may hold a password */
	if (capture->values)
		rg_writer_fact_text(writer, "argv", process->command);
	rg_writer_fact_number(writer, "rss", (int64_t)process->rss);
	rg_writer_fact_number(writer, "pause_ns", (int64_t)capture->pause_ns);
	rg_facts_gc(writer, &frozen->gc);
	write_stop(writer, capture);
}

enum rg_code rg_capture_write(struct rg_capture *capture, FILE *stream, struct rg_error *err)
{
	struct rg_process process;
	struct frozen frozen;
	struct rg_freeze_terms terms;
	struct rg_writer *writer;
	enum rg_code code = rg_process_check_proc(err);

	if (!code)
		code = rg_process_read(&process, capture->pid, err);
	if (!code)
		code = check_target(&process, err);
	if (!code)
		code = check_room(capture, &process, stream, err);
	if (code)
		return code;
	writer = rg_writer_create(stream, SHIFT);
	if (!writer)
		return rg_nomem(err);
	terms = terms_of(capture, &process);
	code = freeze_or_hold(&frozen, &process, &terms, err);
	if (!code) {
		capture->pause_ns = frozen.guardian.pause_ns;
		capture->stopped = frozen.guardian.stopped;
		memcpy(capture->why_stopped, frozen.guardian.why, sizeof(capture->why_stopped));
		/* without the memory for it, one thread reads alone */
		if (!capture->stopped)
			(void)rg_image_share(&frozen.image);
		write_facts(writer, capture, &process, &frozen);
		rg_writer_flush(writer);
		code = rg_walk_heap(&frozen.image, &frozen.runtime, writer,
			&(struct rg_walk_options){ .values = capture->values, .sites = true }, err);
		if (!capture->stopped && (!code || code == RG_BAD_DATA) &&
			check_copy(&frozen, capture->pid, err))
			code = RG_SYSTEM;
		thaw(&frozen);
	}
	if (!code)
		code = rg_writer_finish(writer, err);
	rg_writer_destroy(writer);
	return code;
}

/* --- looking for processes ---------------------------------------------------------------- */

static bool named_python(const struct rg_process *process)
{
	char path[64], target[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", process->pid);
	n = readlink(path, target, sizeof(target) - 1);
	if (n > 0) {
		const char *slash;

		target[n] = '\0';
		slash = strrchr(target, '/');
		return strncmp(slash ? slash + 1 : target, "python", 6) == 0;
	}
	return strstr(process->command, "python") != NULL;
}

bool rg_capture_probe(pid_t pid, struct rg_candidate *candidate_ret)
{
	struct rg_candidate candidate = { .pid = pid };
	struct rg_runtime runtime = { 0 };
	struct rg_process process;
	struct running running;
	struct rg_error err;
	bool found = false;

	rg_error_init(&err);
	if (pid == getpid() || rg_process_read(&process, pid, &err) || process.state == 'Z')
		return false;
	candidate.rss = process.rss;
	candidate.threads = process.threads;
	memcpy(candidate.command, process.command, sizeof(candidate.command));
	candidate.inner_pid = process.inner_pid;
	if (open_running(&running, pid, &err)) {
		found = named_python(&process);
	} else {
		candidate.attachable = !rg_runtime_find(&runtime, &running.image, &err);
		found = runtime.address != 0;
		close_running(&running);
	}
	if (candidate.attachable && process.tracer) {
		candidate.attachable = false;
		snprintf(err.message, sizeof(err.message), "traced by pid %d", process.tracer);
	}
	if (!candidate.attachable)
		memcpy(candidate.why_not, err.message, sizeof(candidate.why_not));
	if (runtime.version) {
		char version[20];

		rg_version_text(runtime.version, version, sizeof(version));
		snprintf(candidate.runtime, sizeof(candidate.runtime), "CPython %s", version);
	}
	if (found)
		*candidate_ret = candidate;
	return found;
}
