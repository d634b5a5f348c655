/*
 * A core file: opened, its memory read all over the place, and captured, with binaries of its own
 * machine below a folder that is made here.
 */
#include "heapdump/capture/core.h"

#include <sys/stat.h>

#include "heapdump/image/coreimage.h"
#include "src/heap/heap.h"
#include "tests/fuzz/fuzz.h"

/* A folder with nothing in it: what a core names on this machine is never opened. */
static const char *the_sysroot(void)
{
	static char folder[] = "/tmp/refgraph-fuzz-XXXXXX";
	static int made;

	if (!made)
		REQUIRE(mkdtemp(folder) && rmdir(folder) == 0);
	made = 1;
	return folder;
}

static void ask_memory(struct rg_coreimage *memory, const struct rg_core *core)
{
	char text[300];

	for (size_t i = 0; i < core->n_loads; i++) {
		const struct rg_core_load *load = &core->loads[i];

		rg_image_u64(&memory->image, load->start);
		rg_image_u64(&memory->image, load->end - 8);
		rg_image_u64(&memory->image, load->start + load->present - 4);
		rg_image_string(&memory->image, load->start, text, sizeof(text));
		rg_coreimage_holds(memory, load->start);
		rg_coreimage_binary(memory, load->start);
	}
	for (size_t i = 0; i < core->n_mapped; i++) {
		rg_image_u8(&memory->image, core->mapped[i].start);
		rg_coreimage_binary(memory, core->mapped[i].end);
	}
	for (int state = RG_BINARY_UNSEEN; state <= RG_BINARY_DATA; state++)
		rg_coreimage_list(memory, state, text, sizeof(text));
	for (size_t i = 0; i < memory->n_binaries; i++)
		rg_coreimage_describe(memory, &memory->binaries[i], text, sizeof(text));
}

static void open_memory(const char *path)
{
	struct rg_coreimage memory;
	struct rg_core core;
	struct rg_error err;

	rg_error_init(&err);
	if (rg_core_open(&core, path, &err)) {
		REQUIRE(*err.message && *err.name);
		return;
	}
	if (!rg_coreimage_init(&memory, &core, the_sysroot(), &err)) {
		ask_memory(&memory, &core);
		rg_coreimage_deinit(&memory);
	}
	rg_core_close(&core);
}

/* What is captured, if anything is, can be loaded. */
static void capture(const char *path)
{
	struct rg_core_capture request = {
		.path = path, .sysroot = the_sysroot(), .values = true, .tool = "fuzz"
	};
	struct text text;
	FILE *stream = text_open(&text);
	struct rg_bytes bytes;
	struct rg_heap heap;
	struct rg_error err;

	rg_error_init(&err);
	if (rg_core_capture_write(&request, stream, &err)) {
		REQUIRE(*err.message && *err.name);
		fclose(stream);
		free(text.bytes);
		return;
	}
	REQUIRE(fclose(stream) == 0);
	bytes = (struct rg_bytes){ .data = (uint8_t *)text.bytes, .size = text.size };
	REQUIRE(rg_heap_init_bytes(&heap, &bytes, "captured", NULL) == RG_OK);
	REQUIRE(rg_heap_check(&heap) && heap.complete);
	rg_heap_deinit(&heap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = input_file(data, size, path);

	rg_core_packer(data, size);
	if (rg_core_probe(path)) {
		open_memory(path);
		capture(path);
	}
	close(fd);
	return 0;
}
