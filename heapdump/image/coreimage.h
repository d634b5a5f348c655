/*
 * The memory of a core file as an image.
 *
 * A core leaves out what the process never changed of the files it had mapped: read-only data,
 * code. These pages come from the binaries, found on this machine or below a sysroot, and only
 * from a binary whose build-id is the one that the core has in memory. A page that is nowhere
 * to be had cannot be read, as in a process.
 */
#ifndef RG_IMAGE_COREIMAGE_H
#define RG_IMAGE_COREIMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "heapdump/base/error.h"
#include "heapdump/base/map.h"
#include "heapdump/image/binary.h"
#include "heapdump/image/core.h"
#include "heapdump/image/image.h"

/* A file that memory was mapped from. */
struct rg_core_binary {
	const char *path; /* the core's */
	uint64_t base; /* where its first page was mapped, or 0 */
	bool wanted; /* the core leaves out some of it */
	bool code; /* some of it was mapped executable */
	enum {
		RG_BINARY_UNSEEN,
		RG_BINARY_GOOD, /* the build-ids are equal */
		RG_BINARY_UNSURE, /* taken, with less than a build-id to compare */
		RG_BINARY_MISSING, /* cannot be opened, as ERROR says */
		RG_BINARY_WRONG, /* another build, or no ELF file any more */
		RG_BINARY_DATA, /* no ELF file: what it held is not needed */
	} state;
	struct rg_identity needed, found; /* in the core's memory; on disk */
	int error;
	int fd; /* -1 while it is closed: a process may map more files than we may open */
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

/* A run of memory and where its bytes are. */
struct rg_core_piece {
	uint64_t start, end;
	uint64_t offset; /* of START in the file */
	uint32_t binary; /* index, or RG_CORE_ITSELF */
};
#define RG_CORE_ITSELF UINT32_MAX

#define RG_CORE_OPEN 64 /* binaries open at a time */

struct rg_coreimage {
	struct rg_core *core; /* the caller's */
	const char *sysroot; /* the caller's, or NULL */
	struct rg_core_piece *pieces; /* ascending, without overlaps */
	size_t n_pieces, pieces_capacity, last;
	struct rg_core_binary *binaries;
	size_t n_binaries, binaries_capacity;
	uint32_t *binary_of; /* for each of core->mapped */
	struct rg_map by_path;
	uint32_t open[RG_CORE_OPEN]; /* ring of the binaries that are open */
	size_t next_open;
	uint64_t total; /* bytes of all pieces */
	struct rg_image image;
};

/*
 * The image of CORE, both kept by the caller while it is used. A binary that is missing, or another
 * build than the one the core was written of, leaves its memory unreadable: that is for the caller
 * to judge. O(n log n) in the mappings.
 */
enum rg_code rg_coreimage_init(struct rg_coreimage *coreimage, struct rg_core *core,
	const char *sysroot, struct rg_error *err);
/* Safe on a zeroed COREIMAGE too. */
void rg_coreimage_deinit(struct rg_coreimage *coreimage);

/* True when the byte at ADDRESS is in the core file itself, not in a binary. */
bool rg_coreimage_holds(struct rg_coreimage *coreimage, uint64_t address);

/* The binary that the memory at ADDRESS belongs to, its unnamed tail included, or NULL. */
const struct rg_core_binary *rg_coreimage_binary(
	const struct rg_coreimage *coreimage, uint64_t address);

/*
 * What is wrong with a binary that is missing or of another build, in one line that names where it
 * should be and its build-id.
 */
void rg_coreimage_describe(const struct rg_coreimage *coreimage,
	const struct rg_core_binary *binary, char *out, size_t size);

/*
 * The binaries in STATE, as "a, b and 3 more" in OUT, whole names only; how many they are.
 */
size_t rg_coreimage_list(const struct rg_coreimage *coreimage, int state, char *out, size_t size);

#endif
