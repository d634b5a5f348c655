/* Heaps made by hand or at random, written as a snapshot and loaded again. */
#ifndef RG_TESTS_HEAP_H
#define RG_TESTS_HEAP_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heapdump/snapshot/writer.h"
#include "src/heap/heap.h"

#define ADDRESS(i) (0x7f0000000000ull + 64ull * (i))

/* A snapshot being written to a temporary file. */
struct made {
	char path[64];
	FILE *stream;
	struct rg_writer *writer;
};

static inline void made_open(struct made *made)
{
	int fd;

	strcpy(made->path, "/tmp/refgraph-test-XXXXXX");
	fd = mkstemp(made->path);
	ck_assert_int_ge(fd, 0);
	made->stream = fdopen(fd, "w");
	made->writer = rg_writer_create(made->stream, 3);
	ck_assert_ptr_nonnull(made->writer);
}

/* Load what was written; the file goes. */
static inline void made_load(struct made *made, struct rg_heap *heap)
{
	struct rg_error err;

	ck_assert_int_eq(rg_writer_finish(made->writer, &err), RG_OK);
	rg_writer_destroy(made->writer);
	ck_assert_int_eq(fclose(made->stream), 0);
	ck_assert_msg(rg_heap_init(heap, made->path, &err) == RG_OK, "%s", err.message);
	unlink(made->path);
	ck_assert(rg_heap_check(heap));
}

static inline uint32_t made_string(struct made *made, const char *text)
{
	return rg_writer_string(made->writer, text, strlen(text));
}

static inline uint32_t made_type(struct made *made, const char *name, uint32_t flags)
{
	struct rg_type_record record = { .address = ADDRESS(1000000 + flags),
		.basicsize = 48,
		.name = made_string(made, name),
		.module = made_string(made, "test"),
		.flags = flags };

	return rg_writer_type(made->writer, &record);
}

static inline void made_object(struct made *made, uint32_t i, uint32_t type, uint32_t refcount,
	enum rg_generation generation)
{
	struct rg_object_record record = { .address = ADDRESS(i),
		.size = 48,
		.type = type,
		.refcount = refcount,
		.flags = generation };

	rg_writer_object(made->writer, &record);
}

static inline void made_root(struct made *made, uint32_t i, const char *name)
{
	struct rg_root_record record = { .target = ADDRESS(i),
		.kind = RG_ROOT_MODULE,
		.reference = RG_KIND_OTHER,
		.name = made_string(made, name),
		.label = RG_NO_STRING,
		.thread = UINT32_MAX,
		.frame = UINT32_MAX };

	rg_writer_root(made->writer, &record);
}

#endif
