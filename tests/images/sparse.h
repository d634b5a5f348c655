/*
 * A sparse image: what a walk read of a process, in a file, to walk again where there is no such
 * process and no such interpreter. Compressed by zstd; all numbers little-endian:
 *
 *   "rgimage1", version of CPython as Py_Version (4 bytes), number of mappings (4)
 *   of each mapping: start, end, offset (8 each), rights (1: 1 read, 2 write, 4 execute),
 *                    length of the path (2), the path
 *   number of pages (4), the address of each (8), ascending; then 4096 bytes of each
 */
#ifndef RG_TESTS_IMAGES_SPARSE_H
#define RG_TESTS_IMAGES_SPARSE_H

#include <stdint.h>

#include "heapdump/base/file.h"
#include "heapdump/image/image.h"

struct sparse {
	struct rg_bytes bytes;
	uint32_t version, n_pages;
	const uint8_t *addresses; /* unaligned in the file */
	const uint8_t *pages;
};

/* Open PATH as an image, which is to be used while SPARSE lives. */
enum rg_code sparse_open(
	struct sparse *sparse, struct rg_image *image, const char *path, struct rg_error *err);
/* The same of BYTES in memory, which the caller keeps. */
enum rg_code sparse_map(struct sparse *sparse, struct rg_image *image,
	const struct rg_bytes *bytes, struct rg_error *err);
void sparse_close(struct sparse *sparse);

/* Write what was read of IMAGE to PATH. */
enum rg_code sparse_write(
	struct rg_image *image, uint32_t version, const char *path, struct rg_error *err);

#endif
