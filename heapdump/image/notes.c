#include "heapdump/image/notes.h"

/* Skip what pads SIZE bytes to ALIGN; the last note may lack it. */
static void skip_padding(struct rg_cursor *cursor, uint64_t size, unsigned align)
{
	uint64_t padding = -size & (align - 1);

	rg_cursor_bytes(
		cursor, padding < rg_cursor_left(cursor) ? padding : rg_cursor_left(cursor));
}

bool rg_note_next(struct rg_cursor *cursor, unsigned align, struct rg_note *note_ret)
{
	uint32_t name_size = rg_cursor_u32(cursor), size = rg_cursor_u32(cursor);
	struct rg_note note = { .type = rg_cursor_u32(cursor) };
	const uint8_t *name = rg_cursor_bytes(cursor, name_size), *content;

	if (!rg_cursor_ok(cursor))
		return false;
	/* the twelve bytes before the name count */
	skip_padding(cursor, 12ull + name_size, align);
	content = rg_cursor_bytes(cursor, size);
	if (!rg_cursor_ok(cursor))
		return false;
	skip_padding(cursor, size, align);
	memcpy(note.name, name, name_size < sizeof(note.name) ? name_size : sizeof(note.name) - 1);
	note.content = rg_cursor_over(content, size);
	*note_ret = note;
	return true;
}
