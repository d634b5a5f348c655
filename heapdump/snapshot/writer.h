/*
 * Writing a snapshot, in one pass and bounded memory.
 *
 * Records may come in any order; each kind collects in a block of its own until that is full.
 * Before a block is written, the open blocks of strings, types, threads, frames and sites are: so
 * what a good block refers to by number stands before it, and a truncated file still makes sense.
 * References of one object may be written in several goes. The first failure sticks; every later
 * call does nothing, and rg_writer_finish reports it.
 */
#ifndef RG_SNAPSHOT_WRITER_H
#define RG_SNAPSHOT_WRITER_H

#include <stddef.h>
#include <stdio.h>

#include "heapdump/base/error.h"
#include "heapdump/snapshot/format.h"

struct rg_writer;

/*
 * A writer onto STREAM, which stays the caller's. Addresses are multiples of 1 << SHIFT (3 for
 * CPython). NULL when out of memory.
 */
struct rg_writer *rg_writer_create(FILE *stream, unsigned shift);
void rg_writer_destroy(struct rg_writer *writer);

/*
 * A second writer to the same stream, for another thread: what is told by number is counted by
 * FIRST, whose functions may be called meanwhile. NULL when out of memory.
 */
struct rg_writer *rg_writer_second(struct rg_writer *first);

/* Write what is open in SECOND, when its thread has ended, add it to FIRST, and destroy it. */
void rg_writer_join(struct rg_writer *first, struct rg_writer *second);

/* Write the open blocks now, so that even a cut file has them: for facts known at the start. */
void rg_writer_flush(struct rg_writer *writer);

/* Write what is open and the END block, and flush the stream, which is not closed. */
enum rg_code rg_writer_finish(struct rg_writer *writer, struct rg_error *err);

/* Add a string (at most 64 KiB are kept); returns its number. Callers share equal strings. */
uint32_t rg_writer_string(struct rg_writer *writer, const char *text, size_t length);

/* Add a type; returns its number. */
uint32_t rg_writer_type(struct rg_writer *writer, const struct rg_type_record *type);

void rg_writer_object(struct rg_writer *writer, const struct rg_object_record *object);
void rg_writer_value(struct rg_writer *writer, const struct rg_value_record *value);
void rg_writer_root(struct rg_writer *writer, const struct rg_root_record *root);
uint32_t rg_writer_thread(struct rg_writer *writer, const struct rg_thread_record *thread);
uint32_t rg_writer_frame(struct rg_writer *writer, const struct rg_frame_record *frame);

/* Add a line of code, after its caller; returns its number. Callers share equal sites. */
uint32_t rg_writer_site(struct rg_writer *writer, const struct rg_site_record *site);
void rg_writer_allocation(struct rg_writer *writer, const struct rg_allocation_record *allocation);

/*
 * COUNT references from SOURCE, as the records of one go. The label of RG_LABEL_NEXT must be set
 * too: one more than the index before it, or any index where it is the first.
 */
void rg_writer_references(struct rg_writer *writer, uint64_t source,
	const struct rg_reference_record *references, size_t count);

/* Facts about the runtime and the capture, by name; rg_writer_fact: with NULs in key or text. */
void rg_writer_fact(struct rg_writer *writer, const struct rg_fact_record *fact);
void rg_writer_fact_text(struct rg_writer *writer, const char *key, const char *text);
void rg_writer_fact_number(struct rg_writer *writer, const char *key, int64_t number);

#endif
