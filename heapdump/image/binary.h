/*
 * Binaries: the executables and libraries that a core file's memory was mapped from, found on
 * this machine or below a sysroot, and known by their build-id.
 */
#ifndef RG_IMAGE_BINARY_H
#define RG_IMAGE_BINARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What tells one build of a binary from another. */
struct rg_identity {
	bool elf; /* it begins as an ELF file */
	uint8_t id[32]; /* the build-id, cut at 32 bytes */
	size_t id_length; /* 0: it has none, or none that can be read */
	uint64_t headers; /* a hash of its program headers; 0: they cannot be read */
};

/* Read LENGTH bytes at offset AT of an ELF file, all or none. */
typedef bool rg_identity_reader(void *context, uint64_t at, void *buffer, size_t length);

/*
 * The identity of an ELF file that READ reads, as it lies on disk, or with MAPPED as the loader
 * has put it into memory. Reads at most a few KiB; everything in it may lie.
 */
struct rg_identity rg_identity_read(rg_identity_reader *read, void *context, bool mapped);

/* The build-id as 64 hexadecimal digits at most, or "none", in OUT of at least 65 bytes. */
const char *rg_identity_text(const struct rg_identity *identity, char *out);

/*
 * Open the regular file PATH for reading: below SYSROOT, which no link in it leaves, unless that
 * is NULL. Never opens a device or a pipe. The descriptor, or -1 with errno set.
 */
int rg_binary_open(const char *sysroot, const char *path);

/* The identity of the open file FD. */
struct rg_identity rg_binary_identity(int fd);

#endif
