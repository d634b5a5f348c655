/*
 * An image: the memory of one process at one moment, wherever its bytes come from.
 *
 * A back end gives the mappings and a function that reads bytes; the image mirrors what is asked
 * for, in pieces of 64 KiB, so that a walker works on plain pointers. Nothing is trusted: a read
 * outside the mappings, or of a page that cannot be had, is NULL.
 */
#ifndef RG_IMAGE_IMAGE_H
#define RG_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "heapdump/base/error.h"

#define RG_IMAGE_PAGES 256u
#define RG_IMAGE_SEGMENTS 256u
#define RG_IMAGE_PAGE 4096u

/* One line of /proc/PID/maps, [start, end). */
struct rg_mapping {
	uint64_t start, end, offset;
	bool readable, writable, executable, shared;
	char *path; /* "" for anonymous memory */
};

/* Adjacent readable mappings, mirrored as one. */
struct rg_segment {
	uint64_t start, end;
	uint8_t *mirror; /* end - start bytes, filled piece by piece */
	uint8_t *pages; /* a state for each page: PAGE_* in image.c */
	uint8_t *claims; /* whether a thread has taken each piece to load; NULL: there is one */
};

/* A page that is there: what a translation look-aside buffer is to a processor. */
struct rg_page {
	uint64_t address; /* 1: none */
	const uint8_t *bytes;
};

struct rg_image {
	struct rg_mapping *mappings;
	size_t n_mappings, mappings_capacity;
	struct rg_segment *segments;
	size_t n_segments, segments_capacity;
	struct rg_page recent[RG_IMAGE_PAGES]; /* those read last, by their number */
	const struct rg_segment *recent_segments[RG_IMAGE_SEGMENTS]; /* by a hash of the address */
	/* Read up to LENGTH bytes at ADDRESS: how many were read, or -1. */
	int64_t (*read)(void *context, uint64_t address, void *buffer, size_t length);
	void *context; /* the back end's, not owned */
	bool shared; /* each of two threads may have a copy of this struct and read by it */
	uint64_t piece; /* bytes that are asked for at once; a page for who records what is used */
};

/* An empty image over a back end; rg_image_add_mapping in ascending order, then _seal. */
void rg_image_init(
	struct rg_image *image, int64_t (*read)(void *, uint64_t, void *, size_t), void *context);
void rg_image_deinit(struct rg_image *image);
enum rg_code rg_image_add_mapping(
	struct rg_image *image, const struct rg_mapping *mapping, struct rg_error *err);
enum rg_code rg_image_seal(struct rg_image *image, struct rg_error *err);

/*
 * Of a sealed image of this very process: its memory becomes its own mirror, and nothing is read.
 * Devices and the kernel's own pages stay out. Such an image is never to be deinitialised.
 */
void rg_image_be_direct(struct rg_image *image);

/* Load all that can be read, of a sealed image; it is shared then. */
void rg_image_load_all(struct rg_image *image);

/*
 * Of a sealed image whose back end two threads may use: they share what they have loaded, each with
 * a copy of the struct. False when out of memory.
 */
bool rg_image_share(struct rg_image *image);

/* The slow path of rg_image_at: find the segment, read what is missing. */
const void *rg_image_fetch(struct rg_image *image, uint64_t address, size_t length);

/*
 * Read [start, end) now, as far as it is in the image, for the process will run on; or take it for
 * zero, where the back end is known to have nothing there. O(bytes), at the speed of memory.
 */
void rg_image_take(struct rg_image *image, uint64_t start, uint64_t end);
void rg_image_blank(struct rg_image *image, uint64_t start, uint64_t end);

/* LENGTH bytes at ADDRESS, or NULL where they cannot be read. Valid as long as the image. */
static inline const void *rg_image_at(struct rg_image *image, uint64_t address, size_t length)
{
	uint64_t offset = address % RG_IMAGE_PAGE;
	const struct rg_page *page = &image->recent[address / RG_IMAGE_PAGE % RG_IMAGE_PAGES];

	if (page->address == address - offset && offset + length <= RG_IMAGE_PAGE)
		return page->bytes + offset;
	return rg_image_fetch(image, address, length);
}

/* Numbers at ADDRESS; 0 where it cannot be read. */
#define RG_IMAGE_READER(name, type)                                                                \
	static inline type name(struct rg_image *image, uint64_t address)                          \
	{                                                                                          \
		const void *bytes = rg_image_at(image, address, sizeof(type));                     \
		type value = 0;                                                                    \
                                                                                                   \
		if (bytes)                                                                         \
			memcpy(&value, bytes, sizeof(value));                                      \
		return value;                                                                      \
	}
RG_IMAGE_READER(rg_image_u8, uint8_t)
RG_IMAGE_READER(rg_image_u16, uint16_t)
RG_IMAGE_READER(rg_image_u32, uint32_t)
RG_IMAGE_READER(rg_image_u64, uint64_t)
#undef RG_IMAGE_READER

/* The C string at ADDRESS cut at SIZE - 1 bytes in OUT; false where it cannot be read. */
bool rg_image_string(struct rg_image *image, uint64_t address, char *out, size_t size);

#endif
