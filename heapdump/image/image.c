#include "heapdump/image/image.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "heapdump/base/array.h"

#define PAGE 4096u
#define PIECE (64u << 10)

/* rg_image_at relies on PAGE_READ being 1 */
enum { PAGE_UNREAD, PAGE_READ, PAGE_BAD };

void rg_image_init(
	struct rg_image *image, int64_t (*read)(void *, uint64_t, void *, size_t), void *context)
{
	static const struct rg_segment none;

	memset(image, 0, sizeof(*image));
	image->read = read;
	image->context = context;
	image->piece = PIECE;
	/* so that rg_image_at has a segment to miss before the image is sealed */
	image->segments = (struct rg_segment *)&none;
}

void rg_image_deinit(struct rg_image *image)
{
	for (size_t i = 0; i < image->n_mappings; i++)
		free(image->mappings[i].path);
	free(image->mappings);
	for (size_t i = 0; i < image->n_segments; i++) {
		munmap(image->segments[i].mirror,
			image->segments[i].end - image->segments[i].start);
		free(image->segments[i].pages);
	}
	if (image->segments_capacity)
		free(image->segments);
	memset(image, 0, sizeof(*image));
}

enum rg_code rg_image_add_mapping(
	struct rg_image *image, const struct rg_mapping *mapping, struct rg_error *err)
{
	struct rg_mapping *slot = RG_PUSH(
		image->mappings, image->n_mappings, image->mappings_capacity);

	if (!slot)
		return rg_nomem(err);
	*slot = *mapping;
	slot->path = strdup(mapping->path);
	if (!slot->path) {
		image->n_mappings--;
		return rg_nomem(err);
	}
	return RG_OK;
}

static enum rg_code add_segment(
	struct rg_image *image, uint64_t start, uint64_t end, struct rg_error *err)
{
	struct rg_segment *segment;
	void *mirror;

	if (!image->segments_capacity)
		image->segments = NULL;
	segment = RG_PUSH(image->segments, image->n_segments, image->segments_capacity);
	if (!segment)
		return rg_nomem(err);
	*segment = (struct rg_segment){ .start = start, .end = end };
	segment->pages = calloc((end - start) / PAGE + 1, 1);
	mirror = mmap(NULL, end - start, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!segment->pages || mirror == MAP_FAILED) {
		free(segment->pages);
		image->n_segments--;
		return rg_nomem(err);
	}
	segment->mirror = mirror;
	return RG_OK;
}

enum rg_code rg_image_seal(struct rg_image *image, struct rg_error *err)
{
	for (size_t i = 0; i < image->n_mappings;) {
		uint64_t start = image->mappings[i].start, end = start;
		enum rg_code code;

		if (!image->mappings[i].readable) {
			i++;
			continue;
		}
		while (i < image->n_mappings && image->mappings[i].readable &&
			image->mappings[i].start == end)
			end = image->mappings[i++].end;
		code = add_segment(image, start, end, err);
		if (code)
			return code;
	}
	if (image->n_segments == 0)
		return rg_fail(err, RG_BAD_DATA, "no-memory-map", "no readable memory");
	return RG_OK;
}

/* Read the pieces that cover [from, to) of SEGMENT, offsets within it. */
static void load(struct rg_image *image, struct rg_segment *segment, uint64_t from, uint64_t to)
{
	uint64_t size = segment->end - segment->start;

	from -= from % image->piece;
	for (; from < to; from += image->piece) {
		uint64_t length = size - from < image->piece ? size - from : image->piece, done = 0;

		if (segment->pages[from / PAGE] != PAGE_UNREAD)
			continue;
		while (done < length) {
			int64_t n = image->read(image->context, segment->start + from + done,
				segment->mirror + from + done, length - done);
			uint64_t good = n > 0 ? (uint64_t)n & ~(uint64_t)(PAGE - 1) : 0;

			for (uint64_t page = 0; page < good / PAGE; page++)
				segment->pages[(from + done) / PAGE + page] = PAGE_READ;
			done += good;
			/* a page that cannot be had: go on behind it */
			if (done < length && good == 0) {
				segment->pages[(from + done) / PAGE] = PAGE_BAD;
				done += PAGE;
			}
			image->bytes_read += good;
		}
	}
}

static struct rg_segment *find_segment(struct rg_image *image, uint64_t address)
{
	size_t low = 0, high = image->n_segments;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (image->segments[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == image->n_segments || address < image->segments[low].start)
		return NULL;
	image->last = low;
	return &image->segments[low];
}

/* Reading those may do something, or never end. */
static bool is_memory(const struct rg_mapping *mapping)
{
	return mapping->readable && mapping->path[0] != '[' &&
	       strncmp(mapping->path, "/dev/", 5) != 0;
}

void rg_image_be_direct(struct rg_image *image)
{
	for (size_t i = 0; i < image->n_segments; i++) {
		struct rg_segment *segment = &image->segments[i];

		munmap(segment->mirror, segment->end - segment->start);
		segment->mirror = (uint8_t *)(uintptr_t)segment->start;
		memset(segment->pages, PAGE_BAD, (segment->end - segment->start) / PAGE);
	}
	for (size_t i = 0; i < image->n_mappings; i++) {
		const struct rg_mapping *mapping = &image->mappings[i];
		struct rg_segment *segment = find_segment(image, mapping->start);

		if (segment && (is_memory(mapping) || strcmp(mapping->path, "[heap]") == 0 ||
				       strcmp(mapping->path, "[stack]") == 0))
			memset(segment->pages + (mapping->start - segment->start) / PAGE, PAGE_READ,
				(mapping->end - mapping->start) / PAGE);
	}
}

const void *rg_image_fetch(struct rg_image *image, uint64_t address, size_t length)
{
	struct rg_segment *segment = find_segment(image, address);
	uint64_t at, last;

	if (!segment || length > segment->end - address)
		return NULL;
	at = address - segment->start;
	last = length ? at + length - 1 : at;
	for (uint64_t page = at / PAGE; page <= last / PAGE; page++) {
		if (segment->pages[page] == PAGE_UNREAD)
			load(image, segment, page * PAGE, page * PAGE + 1);
		if (segment->pages[page] != PAGE_READ)
			return NULL;
	}
	return segment->mirror + at;
}

enum rg_code rg_image_read_all(struct rg_image *image, struct rg_error *err)
{
	for (size_t i = 0; i < image->n_mappings; i++) {
		const struct rg_mapping *mapping = &image->mappings[i];
		struct rg_segment *segment;

		if (!mapping->readable || !mapping->writable)
			continue;
		segment = find_segment(image, mapping->start);
		if (!segment)
			return rg_fail(err, RG_SYSTEM, "unreadable", "memory at 0x%llx is gone",
				(unsigned long long)mapping->start);
		load(image, segment, mapping->start - segment->start,
			mapping->end - segment->start);
	}
	return RG_OK;
}

bool rg_image_string(struct rg_image *image, uint64_t address, char *out, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const char *c = rg_image_at(image, address + i, 1);

		if (!c)
			return false;
		out[i] = i + 1 < size ? *c : '\0';
		if (!out[i])
			break;
	}
	return true;
}
