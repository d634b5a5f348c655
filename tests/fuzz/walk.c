/*
 * The walk over a CPython heap. The input is the memory of the process from BASE on, with the
 * first interpreter at its start.
 */
#include "heapdump/cpython/passes.h"

#include "heapdump/image/image.h"
#include "src/heap/heap.h"
#include "tests/fuzz/fuzz.h"

#define BASE 0x500000ull
#define PAGE 4096u
#define SHIFT 3

struct input {
	const uint8_t *data;
	size_t size;
};

/* Whole pages: behind the input there are zeros. */
static int64_t read_memory(void *context, uint64_t address, void *buffer, size_t length)
{
	const struct input *input = context;
	uint64_t at = address - BASE;
	size_t there = at < input->size ? input->size - at : 0;

	memset(buffer, 0, length);
	memcpy(buffer, input->data + (there ? at : 0), there < length ? there : length);
	return (int64_t)length;
}

static void check_loads(struct text *text)
{
	struct rg_bytes bytes = { .data = (uint8_t *)text->bytes, .size = text->size };
	struct rg_heap heap;

	REQUIRE(rg_heap_init_bytes(&heap, &bytes, "walked", NULL) == RG_OK);
	REQUIRE(rg_heap_check(&heap) && heap.complete);
	rg_heap_deinit(&heap);
}

static void walk(struct rg_image *image, bool values)
{
	struct rg_runtime runtime = { .version = 0x030b02f0, .interpreter = BASE, .main = BASE };
	struct text text;
	FILE *stream = text_open(&text);
	struct rg_writer *writer = rg_writer_create(stream, SHIFT);
	struct rg_error err;

	rg_error_init(&err);
	REQUIRE(writer && rg_layout_init(&runtime.layout, 11));
	if (rg_walk_heap(image, &runtime, writer,
		    &(struct rg_walk_options){ .values = values, .sites = true }, &err)) {
		REQUIRE(*err.message && *err.name);
		rg_writer_destroy(writer);
		fclose(stream);
		free(text.bytes);
		return;
	}
	REQUIRE(rg_writer_finish(writer, NULL) == RG_OK);
	rg_writer_destroy(writer);
	REQUIRE(fclose(stream) == 0);
	check_loads(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct rg_mapping mapping = { .start = BASE,
		.end = BASE + (size + PAGE - 1) / PAGE * PAGE,
		.readable = true,
		.writable = true,
		.path = (char *)"" };
	struct rg_image image;

	if (size == 0)
		return 0;
	rg_image_init(&image, read_memory, &input);
	REQUIRE(rg_image_add_mapping(&image, &mapping, NULL) == RG_OK);
	REQUIRE(rg_image_seal(&image, NULL) == RG_OK);
	/* by two threads, now and then */
	if (size % 2)
		rg_image_load_all(&image);
	walk(&image, true);
	rg_image_deinit(&image);
	return 0;
}
