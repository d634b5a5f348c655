/*
 * Values of Python objects in an image, as text: str, bytes, int, float.
 */
#ifndef RG_CPYTHON_TEXT_H
#define RG_CPYTHON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapdump/cpython/layout.h"
#include "heapdump/image/image.h"

/*
 * The start of the str at ADDRESS as UTF-8 in OUT, at most SIZE bytes; its length there.
 * *EXACT_RET (may be NULL) is false when it was cut or a character replaced.
 */
size_t rg_text_str(struct rg_image *image, const struct rg_layout *layout, uint64_t address,
	char *out, size_t size, bool *exact_ret);

/* True when the str is TEXT. */
bool rg_text_equals(
	struct rg_image *image, const struct rg_layout *layout, uint64_t address, const char *text);

/* True for an interned str that could be a name: an ASCII identifier of at most 100 letters. */
bool rg_text_is_name(struct rg_image *image, const struct rg_layout *layout, uint64_t address);

/* The int at ADDRESS as Python prints it; *EXACT_RET false for one of more than 120 bits. */
size_t rg_text_int(struct rg_image *image, const struct rg_layout *layout, uint64_t address,
	char *out, size_t size, bool *exact_ret);

/* The int at ADDRESS where it fits 64 bits, else 0. */
int64_t rg_int_value(struct rg_image *image, const struct rg_layout *layout, uint64_t address);

/* How many digits of 30 bits the int at ADDRESS has, and its sign. */
uint64_t rg_int_digits(struct rg_image *image, const struct rg_layout *layout, uint64_t address,
	bool *negative_ret);

/* What the state word of a str says. */
struct rg_str_state {
	unsigned interned, kind; /* kind: bytes a character, 0 of one that is not ready */
	bool compact, ascii;
};

struct rg_str_state rg_str_state(struct rg_image *image, uint64_t address);

/* The float at ADDRESS as repr() prints it. */
size_t rg_text_float(struct rg_image *image, uint64_t address, char *out, size_t size);

#endif
