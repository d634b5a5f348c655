/*
 * A core file: what its header, program headers and notes say. Its memory is coreimage.h.
 *
 * Both kinds are read: the kernel's, in which every mapping has a program header and those of
 * files are mostly empty; and gcore's, in which unchanged mappings of files have none and stand
 * in the note NT_FILE alone. Everything in the file may lie: sizes, counts and offsets are
 * checked against the file, overlaps refused. Source: the ELF gABI; core(5), elf(5).
 */
#ifndef RG_IMAGE_CORE_H
#define RG_IMAGE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "heapdump/base/error.h"

/* A mapping of the process, by its program header: [start, end). */
struct rg_core_load {
	uint64_t start, end;
	uint64_t offset; /* of its bytes in the core file */
	uint64_t promised; /* how many bytes of it the core was to hold, from the start on */
	uint64_t present; /* how many it holds: fewer where it is cut; whole pages */
	uint32_t flags; /* PF_R, PF_W, PF_X */
};

/* What file a piece of memory was mapped from, by NT_FILE: [start, end). */
struct rg_core_mapped {
	uint64_t start, end;
	uint64_t offset; /* of START in that file */
	const char *path; /* the core's */
};

struct rg_core {
	const char *path; /* of the core file: the caller's */
	int fd;
	uint64_t size, expected; /* bytes there are and should be: a cut core has fewer */
	time_t written; /* when it was last written to */
	/* both ascending and without overlaps */
	struct rg_core_load *loads;
	size_t n_loads, loads_capacity;
	struct rg_core_mapped *mapped;
	size_t n_mapped, mapped_capacity;
	/* of the process; 0 and "" where the core does not say */
	int pid, signal;
	uint32_t threads;
	char name[17], command[81]; /* of the program, and its first arguments */
	/* working state of the parser */
	uint8_t *notes;
	size_t notes_size, notes_capacity;
};

/*
 * Read the core file PATH, which must outlive CORE. RG_BAD_DATA with the reason: no core, of
 * another architecture, cut in its headers, contradictory. O(n log n) in its mappings.
 */
enum rg_code rg_core_open(struct rg_core *core, const char *path, struct rg_error *err);
/* Safe on a zeroed CORE too. */
void rg_core_close(struct rg_core *core);

/* True when PATH is a regular file that begins as an ELF file. */
bool rg_core_probe(const char *path);

/* True when the file is shorter than its headers say. */
static inline bool rg_core_is_cut(const struct rg_core *core)
{
	return core->size < core->expected;
}

/* What a compressed file that begins with these SIZE bytes is read with first, or NULL. */
const char *rg_core_packer(const uint8_t *bytes, size_t size);

#endif
