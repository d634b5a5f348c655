/*
 * Where the fields of CPython's structures lie: one column a version in layout.def, never a
 * branch on the version.
 *
 * Offsets are in bytes, of x86-64 GIL builds. What patch releases move is found in the process
 * and checked (runtime.c). -1 stands for a field that a version does not have.
 */
#ifndef RG_CPYTHON_LAYOUT_H
#define RG_CPYTHON_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

/* The versions of the tables: 3.8 to 3.15. */
#define RG_FIRST_MINOR 8
#define RG_VERSIONS 8
#define RG_NO_FIELD (-1)

/* Where an instance of a Python class keeps its attributes until its __dict__ is asked for. */
enum rg_instance_values {
	RG_VALUES_NONE, /* always in a __dict__ (to 3.10) */
	RG_VALUES_BEFORE, /* a pointer to the values, and one to the dict, before the object (3.11) */
	RG_VALUES_TAGGED, /* one word there is either of them (3.12) */
	RG_VALUES_INLINE, /* behind the object's body; the dict's pointer before it (from 3.13) */
};

/* How a code object maps instructions to lines. */
enum rg_line_table {
	RG_LINES_STEPS, /* pairs of steps, in bytes of code and in lines (co_lnotab, to 3.9) */
	RG_LINES_RANGES, /* the same pairs as ranges (3.10) */
	RG_LINES_LOCATIONS, /* entries of variable length, in units of two bytes (from 3.11) */
};

struct rg_layout {
	int minor; /* of CPython 3.minor */
	int moved; /* of an interpreter's fields behind the collector's state, by how much */
#define LAYOUT(name, structure, member, ...) int name;
#define VALUE(name, ...) int name;
#define OWNED(owner, name, structure, member, ...)
#define DEBUG(name, ...)
#include "heapdump/cpython/layout.def"
#undef LAYOUT
#undef VALUE
#undef OWNED
#undef DEBUG
};

/* A pointer to an object that the interpreter or a thread owns, and what to call it. */
struct rg_owned_field {
	const char *name; /* NULL ends a table */
	int offset[RG_VERSIONS];
};

extern const struct rg_owned_field rg_interp_owned[], rg_thread_owned[];

/* Fill in the layout of CPython 3.MINOR; false where there is none. */
bool rg_layout_init(struct rg_layout *layout, int minor);

/* The column of a table that LAYOUT's version has. */
static inline unsigned rg_layout_column(const struct rg_layout *layout)
{
	return (unsigned)(layout->minor - RG_FIRST_MINOR);
}

/*
 * Take over what the process itself says: WORDS of _Py_DebugOffsets, COUNT of them (from 3.13 on).
 * An offset that is out of range is not believed. What stands behind the collector's state in an
 * interpreter moves as sys.modules has: the state of 3.14.0 to 3.14.4 is smaller than later ones.
 */
void rg_layout_correct(struct rg_layout *layout, const uint64_t *words, unsigned count);

#define RG_STATIC_TYPES 1000 /* of one kind in one interpreter, at most */

/* Where a field of an interpreter is that the tables have at OFFSET; RG_NO_FIELD stays. */
static inline int rg_layout_interp(const struct rg_layout *layout, int offset)
{
	return offset > layout->interp_gc ? offset + layout->moved : offset;
}

/* The reference count in the first word of an object, or UINT64_MAX of an immortal one. */
static inline uint64_t rg_layout_refcount(const struct rg_layout *layout, uint64_t word)
{
	uint64_t count = layout->refcount_bytes == 4 ? (uint32_t)word : word;

	return count >= (uint32_t)layout->immortal_from ? UINT64_MAX : count;
}

/* Fields of PyTypeObject and PyObject, the same in every version from 3.8 on. */
enum {
	RG_OB_REFCNT = 0,
	RG_OB_TYPE = 8,
	RG_OB_SIZE = 16,
	RG_TP_NAME = 24,
	RG_TP_BASICSIZE = 32,
	RG_TP_ITEMSIZE = 40,
	RG_TP_FLAGS = 168,
	RG_TP_TRAVERSE = 184,
	RG_TP_WEAKLISTOFFSET = 208,
	RG_TP_MEMBERS = 240,
	RG_TP_BASE = 256,
	RG_TP_DICT = 264,
	RG_TP_DICTOFFSET = 288,
	RG_TP_SUBCLASSES = 360,
	RG_TP_DEL = 376,
	RG_GC_PREV = 8, /* in that head */
	RG_GC_HEAD = 16, /* sizeof(PyGC_Head), before an object the collector knows */
	RG_BYTES_HEADER = 33, /* sys.getsizeof(b"") */
	RG_MANAGED_HEAD = 16, /* before that, of an object with a managed dict or weak references */
};

/* Bits of tp_flags. */
#define RG_TPFLAG_INLINE_VALUES (1ull << 2)
#define RG_TPFLAG_MANAGED_WEAKREF (1ull << 3)
#define RG_TPFLAG_MANAGED_DICT (1ull << 4)
#define RG_TPFLAG_HEAP (1ull << 9)
#define RG_TPFLAG_READY (1ull << 12)
#define RG_TPFLAG_GC (1ull << 14)
#define RG_TPFLAG_LONG (1ull << 24)
#define RG_TPFLAG_LIST (1ull << 25)
#define RG_TPFLAG_TUPLE (1ull << 26)
#define RG_TPFLAG_BYTES (1ull << 27)
#define RG_TPFLAG_STR (1ull << 28)
#define RG_TPFLAG_DICT (1ull << 29)
#define RG_TPFLAG_TYPE (1ull << 31)

#endif
