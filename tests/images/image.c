/*
 * Walks the memory of a Python process: a living one, of which it records what was read, or a
 * recorded one.
 *
 *   image record PID FILE.zst   a process that waits; it is not stopped
 *   image walk FILE.zst A.rgs   the snapshot of it
 *   image walk2 FILE.zst A.rgs  the same by two threads
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heapdump/capture/facts.h"
#include "heapdump/cpython/passes.h"
#include "heapdump/image/process.h"
#include "tests/images/sparse.h"

#define SHIFT 3
#define PAGE 4096u

static int64_t read_process(void *context, uint64_t address, void *buffer, size_t length)
{
	return pread(*(int *)context, buffer, length, (off_t)address);
}

static int open_proc(const char *pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Write the snapshot of IMAGE to OUT; *VERSION_RET is CPython's. */
static enum rg_code walk(
	struct rg_image *image, FILE *out, uint32_t *version_ret, struct rg_error *err)
{
	struct rg_writer *writer = rg_writer_create(out, SHIFT);
	struct rg_runtime runtime;
	struct rg_gc_state gc;
	enum rg_code code = writer ? rg_runtime_find(&runtime, image, err) : rg_nomem(err);

	if (!code)
		code = rg_runtime_gc(&runtime, image, runtime.main, &gc, err);
	if (!code) {
		*version_ret = runtime.version;
		rg_facts_runtime(writer, &runtime, "core", "image", 0);
		rg_facts_gc(writer, &gc);
		code = rg_walk_heap(image, &runtime, writer,
			&(struct rg_walk_options){ .values = true, .sites = true }, err);
	}
	if (!code)
		code = rg_writer_finish(writer, err);
	rg_writer_destroy(writer);
	return code;
}

static enum rg_code record(const char *pid, const char *path, struct rg_error *err)
{
	int mem = open_proc(pid, "mem"), maps = open_proc(pid, "maps");
	FILE *nowhere = fopen("/dev/null", "we");
	struct rg_image image;
	uint32_t version = 0;
	enum rg_code code;

	rg_image_init(&image, read_process, &mem);
	image.piece = PAGE;
	code = mem < 0 || maps < 0 || !nowhere
		       ? rg_fail(err, RG_SYSTEM, "read", "pid %s: it cannot be read", pid)
		       : rg_process_map(&image, maps, err);
	if (!code)
		code = walk(&image, nowhere, &version, err);
	if (!code)
		code = sparse_write(&image, version, path, err);
	rg_image_deinit(&image);
	if (nowhere)
		fclose(nowhere);
	close(mem);
	close(maps);
	return code;
}

static enum rg_code replay(
	const char *path, const char *snapshot, bool two, struct rg_error *err)
{
	FILE *out = fopen(snapshot, "we");
	struct sparse sparse;
	struct rg_image image;
	uint32_t version;
	enum rg_code code;

	if (!out)
		return rg_fail(err, RG_SYSTEM, "write", "%s: it cannot be written", snapshot);
	code = sparse_open(&sparse, &image, path, err);
	if (!code && two)
		rg_image_load_all(&image);
	if (!code)
		code = walk(&image, out, &version, err);
	if (!code && version != sparse.version)
		code = rg_fail(err, RG_BAD_DATA, "version", "found CPython %08x, expected %08x",
			version, sparse.version);
	rg_image_deinit(&image);
	sparse_close(&sparse);
	return fclose(out) && !code ? RG_SYSTEM : code;
}

int main(int argc, char **argv)
{
	enum rg_code code = RG_USAGE;
	struct rg_error err;

	rg_error_init(&err);
	if (argc == 4 && strcmp(argv[1], "record") == 0)
		code = record(argv[2], argv[3], &err);
	else if (argc == 4 && strcmp(argv[1], "walk") == 0)
		code = replay(argv[2], argv[3], false, &err);
	else if (argc == 4 && strcmp(argv[1], "walk2") == 0)
		code = replay(argv[2], argv[3], true, &err);
	else
		fputs("usage: image record PID FILE | image walk|walk2 FILE SNAPSHOT\n", stderr);
	if (code)
		fprintf(stderr, "image: %s\n", err.message);
	return code ? EXIT_FAILURE : EXIT_SUCCESS;
}
