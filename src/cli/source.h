/*
 * Sources: what a command's SOURCE word means, and the captures that are made and kept on the
 * way from a pid or a core file.
 */
#ifndef RG_CLI_SOURCE_H
#define RG_CLI_SOURCE_H

#include <sys/types.h>

#include "src/cli/command.h"
#include "src/heap/heap.h"

struct rg_source {
	struct rg_heap heap;
	char *path; /* of the snapshot that the heap came from; NULL where none is kept */
	bool live; /* captured from a process on the way */
	const char *core; /* captured from this core file on the way: the word, or NULL */
	bool ndjson; /* read from NDJSON; there is no snapshot of it */
	const char *hidden; /* " --redact" and the like: what the next command must say again */
};

/*
 * Open WORD: a pid ("4711", "pid:4711"), the name of a process if it is unique, a core file
 * (known by its ELF header), or a snapshot or NDJSON ("-": standard input). A pid or a core is
 * captured, and the capture kept by --save or in the cache folder (the newest 5, at most 2 GiB)
 * unless --no-save; where that cannot be written to a remark says so, and nothing is kept.
 */
enum rg_code rg_source_open(struct rg_source *source, struct rg_context *context, const char *word);
void rg_source_close(struct rg_source *source);

/*
 * Open two, in their order: the second only if the first can be, so that no process is stopped in
 * vain. Two snapshots are read at once. Where one fails the other may be open: close both.
 */
enum rg_code rg_source_open_two(struct rg_source *first, struct rg_source *second,
	struct rg_context *context, const char *first_word, const char *second_word);

/*
 * The snapshot that WORD, a file or "-", holds: NDJSON is turned into one on the way. DAMAGE_RET
 * (200 bytes) says why NDJSON ended early, or "". The caller releases the bytes.
 */
enum rg_code rg_source_bytes(const struct rg_settings *settings, const char *word,
	struct rg_bytes *bytes_ret, bool *ndjson_ret, char damage_ret[200], struct rg_error *err);

/* The pid that WORD means: 0 when it is a file. */
enum rg_code rg_source_pid(const char *word, pid_t *pid_ret, struct rg_error *err);

/* Capture PID into PATH. */
enum rg_code rg_source_capture(
	struct rg_context *context, pid_t pid, const char *path, uint64_t *pause_ns_ret);

/* True when WORD names something that is there and no snapshot: it must be a core file then. */
bool rg_source_is_foreign(const char *word);

/* Capture the core file CORE into PATH. */
enum rg_code rg_source_capture_core(struct rg_context *context, const char *core, const char *path);

#endif
