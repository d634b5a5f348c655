#include "heapdump/image/image.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "heapdump/base/array.h"

#define PAGE RG_IMAGE_PAGE
#define PIECE (64u << 10)

enum { PAGE_UNREAD, PAGE_READ, PAGE_BAD };

void rg_image_init(
	struct rg_image *image, int64_t (*read)(void *, uint64_t, void *, size_t), void *context)
{
	memset(image, 0, sizeof(*image));
	image->read = read;
	image->context = context;
	image->piece = PIECE;
	for (unsigned i = 0; i < RG_IMAGE_PAGES; i++)
		image->recent[i].address = 1;
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
		free(image->segments[i].claims);
	}
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
	/* nearly all of a heap is read: a fault for each small page costs more than the copying */
	madvise(mirror, end - start, MADV_HUGEPAGE);
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

/* A page's state, which another thread may set: then what it says is there. */
static uint8_t state_of(const struct rg_segment *segment, uint64_t page)
{
	return __atomic_load_n(&segment->pages[page], __ATOMIC_ACQUIRE);
}

static void mark(struct rg_segment *segment, uint64_t from, uint64_t to, uint8_t state)
{
	for (uint64_t page = from / PAGE; page < to / PAGE; page++)
		__atomic_store_n(&segment->pages[page], state, __ATOMIC_RELEASE);
}

/* Read [from, to) of SEGMENT, whole pages of which none has been read. */
static void load_run(struct rg_image *image, struct rg_segment *segment, uint64_t from, uint64_t to)
{
	while (from < to) {
		int64_t n = image->read(
			image->context, segment->start + from, segment->mirror + from, to - from);
		uint64_t good = n > 0 ? (uint64_t)n & ~(uint64_t)(PAGE - 1) : 0;

		mark(segment, from, from + good, PAGE_READ);
		from += good;
		/* a page that cannot be had: go on behind it */
		if (good == 0 && from < to) {
			mark(segment, from, from + PAGE, PAGE_BAD);
			from += PAGE;
		}
	}
}

/* Read what is not read yet of [from, to) of SEGMENT, offsets of pages within it. */
static void load(struct rg_image *image, struct rg_segment *segment, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t until = from;

		while (until < to && segment->pages[until / PAGE] == PAGE_UNREAD)
			until += PAGE;
		load_run(image, segment, from, until);
		from = until + PAGE;
	}
}

/* Read the piece of SEGMENT that the offset AT is in, or wait for the thread that does. */
static void load_piece(struct rg_image *image, struct rg_segment *segment, uint64_t at)
{
	uint64_t size = segment->end - segment->start, from = at - at % image->piece;

	if (segment->claims &&
		__atomic_exchange_n(&segment->claims[at / image->piece], 1, __ATOMIC_ACQUIRE)) {
		while (state_of(segment, at / PAGE) == PAGE_UNREAD)
			sched_yield();
		return;
	}
	load(image, segment, from, size - from < image->piece ? size : from + image->piece);
}

/* The number of the segment that ADDRESS is in, or n_segments. */
static size_t segment_at(const struct rg_image *image, uint64_t address)
{
	size_t low = 0, high = image->n_segments;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (image->segments[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < image->n_segments && address >= image->segments[low].start ? low
										: image->n_segments;
}

static struct rg_segment *find_segment(struct rg_image *image, uint64_t address)
{
	const struct rg_segment **recent =
		&image->recent_segments[(address >> 21 ^ address >> 40) % RG_IMAGE_SEGMENTS];
	size_t number;

	if (*recent && address - (*recent)->start < (*recent)->end - (*recent)->start)
		return &image->segments[*recent - image->segments];
	number = segment_at(image, address);
	if (number == image->n_segments)
		return NULL;
	*recent = &image->segments[number];
	return &image->segments[number];
}

/* Reading those may do something, or never end. */
static bool is_memory(const struct rg_mapping *mapping)
{
	return mapping->readable && mapping->path[0] != '[' &&
	       strncmp(mapping->path, "/dev/", 5) != 0;
}

void rg_image_be_direct(struct rg_image *image)
{
	image->shared = true;
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

/* Have rg_image_at know the page at the offset AT of SEGMENT, unless a strange core cuts it. */
static void note_page(struct rg_image *image, const struct rg_segment *segment, uint64_t at)
{
	uint64_t address = segment->start + at;

	if (segment->start % PAGE == 0 && segment->end % PAGE == 0)
		image->recent[address / PAGE % RG_IMAGE_PAGES] = (struct rg_page){
			address - address % PAGE, segment->mirror + (at - at % PAGE)
		};
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
		if (state_of(segment, page) == PAGE_UNREAD)
			load_piece(image, segment, page * PAGE);
		if (state_of(segment, page) != PAGE_READ)
			return NULL;
	}
	note_page(image, segment, at);
	return segment->mirror + at;
}

bool rg_image_share(struct rg_image *image)
{
	for (size_t i = 0; i < image->n_segments; i++) {
		struct rg_segment *segment = &image->segments[i];

		segment->claims = calloc((segment->end - segment->start) / image->piece + 1, 1);
		if (!segment->claims)
			return false;
	}
	image->shared = true;
	return true;
}

/* The segment of [start, *END), which is cut where that ends; NULL where there is none. */
static struct rg_segment *segment_of(struct rg_image *image, uint64_t start, uint64_t *end)
{
	struct rg_segment *segment = find_segment(image, start);

	if (segment && *end > segment->end)
		*end = segment->end;
	return segment && start < *end ? segment : NULL;
}

void rg_image_take(struct rg_image *image, uint64_t start, uint64_t end)
{
	struct rg_segment *segment = segment_of(image, start, &end);

	if (!segment)
		return;
	load(image, segment, start - segment->start, end - segment->start);
}

void rg_image_load_all(struct rg_image *image)
{
	for (size_t i = 0; i < image->n_segments; i++)
		rg_image_take(image, image->segments[i].start, image->segments[i].end);
	image->shared = true;
}

void rg_image_blank(struct rg_image *image, uint64_t start, uint64_t end)
{
	struct rg_segment *segment = segment_of(image, start, &end);

	for (uint64_t at = start; segment && at < end; at += PAGE)
		if (segment->pages[(at - segment->start) / PAGE] == PAGE_UNREAD)
			segment->pages[(at - segment->start) / PAGE] = PAGE_READ;
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
