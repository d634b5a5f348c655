/*
 * ELF notes: small named records, in core files and in binaries. Source: the ELF gABI.
 */
#ifndef RG_IMAGE_NOTES_H
#define RG_IMAGE_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "heapdump/base/cursor.h"

struct rg_note {
	uint32_t type;
	char name[16]; /* whose note: "CORE", "GNU"; a longer one is cut */
	struct rg_cursor content;
};

/*
 * Take the next note off CURSOR, whose parts are padded to ALIGN (4 or 8) bytes; false at the end
 * and where a length leaves the bytes there are. The content is the caller's bytes.
 */
bool rg_note_next(struct rg_cursor *cursor, unsigned align, struct rg_note *note_ret);

#endif
