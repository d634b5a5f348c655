/*
 * What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput: linked with
 * libFuzzer it is fuzzed, linked with driver.c it replays files.
 */
#ifndef RG_TESTS_FUZZ_FUZZ_H
#define RG_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* One input; always 0. What must not happen ends the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property of what was made of the input, with any build and with NDEBUG. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* Bytes that a function wrote to a stream. */
struct text {
	char *bytes;
	size_t size;
};

static inline FILE *text_open(struct text *text)
{
	FILE *stream = open_memstream(&text->bytes, &text->size);

	REQUIRE(stream);
	return stream;
}

/* The input as a regular file by name, for what opens files; the descriptor to close. */
static inline int input_file(const uint8_t *data, size_t size, char path[64])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

/* The input in an allocation of its own size, where a sanitizer sees each step beyond. */
static inline uint8_t *exact_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	REQUIRE(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

#endif
