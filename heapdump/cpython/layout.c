#include "heapdump/cpython/layout.h"

#include <stddef.h>

#define NONE RG_NO_FIELD
#define OFFSET_LIMIT (4 << 20) /* no structure of an interpreter is larger */

struct row {
	size_t at; /* in struct rg_layout */
	int column[RG_VERSIONS];
};

static const struct row rows[] = {
#define LAYOUT(name, structure, member, ...) { offsetof(struct rg_layout, name), { __VA_ARGS__ } },
#define VALUE(name, ...) { offsetof(struct rg_layout, name), { __VA_ARGS__ } },
#define OWNED(owner, name, structure, member, ...)
#define DEBUG(name, ...)
#include "heapdump/cpython/layout.def"
#undef LAYOUT
#undef VALUE
#undef OWNED
#undef DEBUG
};

#define LAYOUT(name, structure, member, ...)
#define VALUE(name, ...)
#define DEBUG(name, ...)
#define OWNED(owner, name, structure, member, ...) OWNED_##owner(name, __VA_ARGS__)

const struct rg_owned_field rg_interp_owned[] = {
#define OWNED_interp(name, ...) { name, { __VA_ARGS__ } },
#define OWNED_thread(name, ...)
#include "heapdump/cpython/layout.def"
	{ NULL, { 0 } },
#undef OWNED_interp
#undef OWNED_thread
};

const struct rg_owned_field rg_thread_owned[] = {
#define OWNED_interp(name, ...)
#define OWNED_thread(name, ...) { name, { __VA_ARGS__ } },
#include "heapdump/cpython/layout.def"
	{ NULL, { 0 } },
};
#undef LAYOUT
#undef VALUE
#undef OWNED
#undef DEBUG

/* The word of _Py_DebugOffsets that gives a field, in each version that has it. */
#define FIRST_DEBUG_MINOR 13
#define DEBUG_VERSIONS 3

static const struct {
	size_t at;
	int word[DEBUG_VERSIONS];
} debug_rows[] = {
#define LAYOUT(name, structure, member, ...)
#define VALUE(name, ...)
#define OWNED(owner, name, structure, member, ...)
#define DEBUG(name, ...) { offsetof(struct rg_layout, name), { __VA_ARGS__ } },
#include "heapdump/cpython/layout.def"
};

static int *field_at(struct rg_layout *layout, size_t at)
{
	return (int *)(void *)((char *)layout + at);
}

bool rg_layout_init(struct rg_layout *layout, int minor)
{
	*layout = (struct rg_layout){ .minor = minor };
	if (minor < RG_FIRST_MINOR || minor >= RG_FIRST_MINOR + RG_VERSIONS)
		return false;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		*field_at(layout, rows[i].at) = rows[i].column[minor - RG_FIRST_MINOR];
	return true;
}

/* The fields behind the collector's state that the debug offsets do not tell. */
static void move_fields(struct rg_layout *layout)
{
	int *fields[] = { &layout->interp_atexit_module, &layout->interp_atexit,
		&layout->interp_atexit_count, &layout->interp_interned,
		&layout->interp_builtin_types, &layout->interp_extension_types };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		*fields[i] = rg_layout_interp(layout, *fields[i]);
}

void rg_layout_correct(struct rg_layout *layout, const uint64_t *words, unsigned count)
{
	int version = layout->minor - FIRST_DEBUG_MINOR, modules = layout->interp_modules;

	if (version < 0 || version >= DEBUG_VERSIONS)
		return;
	for (size_t i = 0; i < sizeof(debug_rows) / sizeof(debug_rows[0]); i++) {
		int word = debug_rows[i].word[version];

		if (word >= 0 && (unsigned)word < count && words[word] < OFFSET_LIMIT)
			*field_at(layout, debug_rows[i].at) = (int)words[word];
	}
	layout->moved = layout->interp_modules - modules;
	move_fields(layout);
}
