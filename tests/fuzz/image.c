/*
 * The walk over a whole heap of a recorded interpreter, bytes of which are changed anywhere. The
 * input: which image (1 byte), then changes of 7 bytes each: the number of a page (4 bytes, modulo
 * how many there are), where in it (2, modulo its size), and what to XOR there (1).
 */
#include <glob.h>

#include "heapdump/base/cursor.h"
#include "heapdump/cpython/passes.h"
#include "tests/fuzz/fuzz.h"
#include "tests/images/sparse.h"

#define PAGE 4096u
#define SHIFT 3
#define IMAGES 32

static struct {
	char *path;
	uint8_t *pages; /* as recorded; the input's changes are made, and undone, in place */
	struct sparse sparse;
} images[IMAGES];
static size_t n_images;

static void find_images(void)
{
	const char *source = getenv("srcdir");
	char pattern[512];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/tests/images/*.image.zst", source ? source : ".");
	if (glob(pattern, 0, NULL, &found) == 0)
		for (; n_images < found.gl_pathc && n_images < IMAGES; n_images++)
			images[n_images].path = strdup(found.gl_pathv[n_images]);
	globfree(&found);
	REQUIRE(n_images > 0);
}

/* Open image I for this input; its bytes are read from the file once. */
static void open_image(size_t i, struct sparse *sparse, struct rg_image *image)
{
	struct sparse *kept = &images[i].sparse;
	struct rg_error err;

	rg_error_init(&err);
	if (!kept->bytes.data) {
		REQUIRE(sparse_open(kept, image, images[i].path, &err) == RG_OK);
		rg_image_deinit(image);
		images[i].pages = exact_copy(kept->pages, (size_t)PAGE * kept->n_pages);
	}
	REQUIRE(sparse_map(sparse, image, &kept->bytes, &err) == RG_OK);
	sparse->pages = images[i].pages;
}

/* Apply the changes that the input asks for; the same once more undoes them. */
static void change(size_t i, struct rg_cursor cursor)
{
	while (rg_cursor_left(&cursor) >= 7) {
		uint32_t page = rg_cursor_u32(&cursor) % images[i].sparse.n_pages;
		uint32_t at = rg_cursor_u16(&cursor) % PAGE;

		images[i].pages[(size_t)PAGE * page + at] ^= rg_cursor_u8(&cursor);
	}
}

static void walk(struct rg_image *image)
{
	struct text text;
	FILE *stream = text_open(&text);
	struct rg_writer *writer = rg_writer_create(stream, SHIFT);
	struct rg_runtime runtime;
	struct rg_gc_state gc;
	struct rg_error err;
	enum rg_code code;

	rg_error_init(&err);
	REQUIRE(writer);
	code = rg_runtime_find(&runtime, image, &err);
	if (!code)
		code = rg_runtime_gc(&runtime, image, runtime.main, &gc, &err);
	if (!code)
		code = rg_walk_heap(image, &runtime, writer,
			&(struct rg_walk_options){ .values = true, .sites = true }, &err);
	REQUIRE(code == RG_OK || (*err.message && *err.name));
	rg_writer_destroy(writer);
	fclose(stream);
	free(text.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rg_cursor cursor = rg_cursor_over(data, size);
	struct rg_image image;
	struct sparse sparse;
	size_t i;

	if (size == 0)
		return 0;
	if (n_images == 0)
		find_images();
	i = rg_cursor_u8(&cursor) % n_images;
	open_image(i, &sparse, &image);
	change(i, cursor);
	/* by two threads, now and then */
	if (size % 2)
		rg_image_load_all(&image);
	walk(&image);
	change(i, cursor);
	rg_image_deinit(&image);
	return 0;
}
