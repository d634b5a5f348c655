/*
 * ELF: symbols of a binary as it is mapped, and the identity of one on disk and in memory. The
 * input is the binary.
 */
#include "heapdump/image/elf.h"

#include "heapdump/image/binary.h"
#include "tests/fuzz/fuzz.h"

#define BASE 0x400000ull
#define PAGE 4096u

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

static bool read_exactly(void *context, uint64_t at, void *buffer, size_t length)
{
	const struct input *input = context;

	if (at > input->size || length > input->size - at)
		return false;
	memcpy(buffer, input->data + at, length);
	return true;
}

static void ask_symbols(struct input *input)
{
	static const char *const names[] = { "_PyRuntime", "Py_Version", "", "main" };
	struct rg_mapping mapping = { .start = BASE,
		.end = BASE + (input->size + PAGE - 1) / PAGE * PAGE,
		.readable = true,
		.path = (char *)"/bin/python3" };
	struct rg_image image;

	rg_image_init(&image, read_memory, input);
	REQUIRE(rg_image_add_mapping(&image, &mapping, NULL) == RG_OK);
	REQUIRE(rg_image_seal(&image, NULL) == RG_OK);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		rg_elf_symbol(&image, BASE, names[i]);
	rg_elf_end(&image, BASE);
	rg_image_deinit(&image);
}

static void ask_identity(struct input *input, bool mapped)
{
	struct rg_identity identity = rg_identity_read(read_exactly, input, mapped);
	char text[65];

	REQUIRE(identity.id_length <= sizeof(identity.id));
	REQUIRE(identity.elf || (!identity.id_length && !identity.headers));
	REQUIRE(strlen(rg_identity_text(&identity, text)) ==
		(identity.id_length ? 2 * identity.id_length : strlen("none")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };

	if (size == 0)
		return 0;
	ask_symbols(&input);
	ask_identity(&input, false);
	ask_identity(&input, true);
	return 0;
}
