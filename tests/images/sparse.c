#include "tests/images/sparse.h"

#include <stdlib.h>
#include <zstd.h>

#include "heapdump/base/cursor.h"

#define PAGE 4096u
#define LEVEL 19
#define MAGIC "rgimage1"

enum { CAN_READ = 1, CAN_WRITE = 2, CAN_EXECUTE = 4 };

static uint64_t page_address(const struct sparse *sparse, uint32_t i)
{
	uint64_t address;

	memcpy(&address, sparse->addresses + 8ull * i, sizeof(address));
	return address;
}

/* The number of the page at ADDRESS, or of the next one behind it. */
static uint32_t find_page(const struct sparse *sparse, uint64_t address)
{
	uint32_t low = 0, high = sparse->n_pages;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (page_address(sparse, middle) < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Whole pages as long as they are there; the image asks again behind a hole. */
static int64_t read_pages(void *context, uint64_t address, void *buffer, size_t length)
{
	const struct sparse *sparse = context;
	uint32_t i = find_page(sparse, address);
	size_t done = 0;

	while (done + PAGE <= length && i < sparse->n_pages &&
		page_address(sparse, i) == address + done) {
		memcpy((char *)buffer + done, sparse->pages + (uint64_t)PAGE * i, PAGE);
		done += PAGE;
		i++;
	}
	return done ? (int64_t)done : -1;
}

static enum rg_code read_mapping(
	struct rg_cursor *cursor, struct rg_image *image, struct rg_error *err)
{
	struct rg_mapping mapping = { .start = rg_cursor_u64(cursor),
		.end = rg_cursor_u64(cursor),
		.offset = rg_cursor_u64(cursor) };
	uint8_t rights = rg_cursor_u8(cursor);
	uint16_t length = rg_cursor_u16(cursor);
	const uint8_t *bytes = rg_cursor_bytes(cursor, length);
	enum rg_code code;

	mapping.readable = rights & CAN_READ;
	mapping.writable = rights & CAN_WRITE;
	mapping.executable = rights & CAN_EXECUTE;
	mapping.path = bytes ? strndup((const char *)bytes, length) : NULL;
	if (!mapping.path)
		return rg_fail(err, RG_BAD_DATA, "bad-image", "the image is cut in its mappings");
	code = rg_image_add_mapping(image, &mapping, err);
	free(mapping.path);
	return code;
}

enum rg_code sparse_map(struct sparse *sparse, struct rg_image *image, const struct rg_bytes *bytes,
	struct rg_error *err)
{
	struct rg_cursor cursor = rg_cursor_over(bytes->data, bytes->size);
	const uint8_t *magic = rg_cursor_bytes(&cursor, sizeof(MAGIC) - 1);
	enum rg_code code = RG_OK;
	uint32_t n;

	*sparse = (struct sparse){ 0 };
	rg_image_init(image, read_pages, sparse);
	if (!magic || memcmp(magic, MAGIC, sizeof(MAGIC) - 1) != 0)
		return rg_fail(err, RG_BAD_DATA, "bad-image", "no sparse image");
	sparse->version = rg_cursor_u32(&cursor);
	n = rg_cursor_u32(&cursor);
	for (uint32_t i = 0; i < n && !code && rg_cursor_ok(&cursor); i++)
		code = read_mapping(&cursor, image, err);
	sparse->n_pages = rg_cursor_u32(&cursor);
	sparse->addresses = rg_cursor_bytes(&cursor, 8ull * sparse->n_pages);
	sparse->pages = rg_cursor_bytes(&cursor, (uint64_t)PAGE * sparse->n_pages);
	if (!code && !rg_cursor_ok(&cursor))
		code = rg_fail(err, RG_BAD_DATA, "bad-image", "the image is cut");
	return code ? code : rg_image_seal(image, err);
}

enum rg_code sparse_open(
	struct sparse *sparse, struct rg_image *image, const char *path, struct rg_error *err)
{
	struct rg_bytes bytes = { 0 };
	enum rg_code code;

	*sparse = (struct sparse){ 0 };
	rg_image_init(image, read_pages, sparse);
	code = rg_bytes_init(&bytes, path, err);
	if (!code)
		code = sparse_map(sparse, image, &bytes, err);
	sparse->bytes = bytes;
	return code;
}

void sparse_close(struct sparse *sparse)
{
	rg_bytes_deinit(&sparse->bytes);
	*sparse = (struct sparse){ 0 };
}

/* --- writing ------------------------------------------------------------------------------ */

static void put(FILE *out, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		putc((int)(value >> 8 * i & 255), out);
}

static void put_mapping(FILE *out, const struct rg_mapping *mapping)
{
	size_t length = strlen(mapping->path);

	put(out, mapping->start, 8);
	put(out, mapping->end, 8);
	put(out, mapping->offset, 8);
	put(out,
		(mapping->readable ? CAN_READ : 0) | (mapping->writable ? CAN_WRITE : 0) |
			(mapping->executable ? CAN_EXECUTE : 0),
		1);
	put(out, length, 2);
	fwrite(mapping->path, 1, length, out);
}

/* Call STEP for each page that was read, in order; how many there are. */
static uint32_t each_page(const struct rg_image *image, FILE *out,
	void (*step)(FILE *out, const struct rg_segment *segment, uint64_t at))
{
	uint32_t n = 0;

	for (size_t i = 0; i < image->n_segments; i++) {
		const struct rg_segment *segment = &image->segments[i];

		for (uint64_t at = 0; at < segment->end - segment->start; at += PAGE)
			if (segment->pages[at / PAGE] == 1) {
				if (step)
					step(out, segment, at);
				n++;
			}
	}
	return n;
}

static void put_address(FILE *out, const struct rg_segment *segment, uint64_t at)
{
	put(out, segment->start + at, 8);
}

static void put_page(FILE *out, const struct rg_segment *segment, uint64_t at)
{
	fwrite(segment->mirror + at, PAGE, 1, out);
}

static enum rg_code write_compressed(
	const char *path, const char *bytes, size_t size, struct rg_error *err)
{
	size_t room = ZSTD_compressBound(size), length;
	char *packed = malloc(room);
	FILE *out = fopen(path, "we");

	if (!packed || !out) {
		free(packed);
		if (out)
			fclose(out);
		return rg_fail(err, RG_SYSTEM, "write", "%s: it cannot be written", path);
	}
	length = ZSTD_compress(packed, room, bytes, size, LEVEL);
	fwrite(packed, 1, ZSTD_isError(length) ? 0 : length, out);
	free(packed);
	return fclose(out) ? rg_fail(err, RG_SYSTEM, "write", "%s: it cannot be written", path)
			   : RG_OK;
}

enum rg_code sparse_write(
	struct rg_image *image, uint32_t version, const char *path, struct rg_error *err)
{
	char *bytes = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&bytes, &size);
	enum rg_code code;

	if (!out)
		return rg_nomem(err);
	fputs(MAGIC, out);
	put(out, version, 4);
	put(out, image->n_mappings, 4);
	for (size_t i = 0; i < image->n_mappings; i++)
		put_mapping(out, &image->mappings[i]);
	put(out, each_page(image, out, NULL), 4);
	each_page(image, out, put_address);
	each_page(image, out, put_page);
	code = fclose(out) ? rg_nomem(err) : write_compressed(path, bytes, size, err);
	free(bytes);
	return code;
}
