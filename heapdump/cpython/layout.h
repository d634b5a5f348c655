/*
 * Where the fields of CPython's structures lie: one row a version, never a branch.
 *
 * Offsets are in bytes, of x86-64 GIL builds, printed from each version's own headers
 * (Include/internal/pycore_*.h). What patch releases move is not here: runtime.c finds it in
 * the process and checks it. -1 stands for a field that a version does not have.
 */
#ifndef RG_CPYTHON_LAYOUT_H
#define RG_CPYTHON_LAYOUT_H

#include <stdint.h>

/* A pointer to an object that the interpreter or a thread owns, and what to call it. */
struct rg_owned_field {
	int offset;
	const char *name;
};

struct rg_field_row;

struct rg_layout {
	int minor; /* of CPython 3.minor */
	const struct rg_field_row *fields; /* of its C types */

	int runtime_interpreters; /* _PyRuntimeState.interpreters.head */
	int interp_next, interp_id, interp_gc, interp_threads, interp_modules;
	const struct rg_owned_field *interp_owned; /* ends with a NULL name */
	int interp_atexit; /* struct atexit_state */

	/* struct _gc_runtime_state: distances from the pointer `generation0`'s own list heads */
	int gc_enabled_before; /* generations[0] - enabled */
	int gc_stats_after, gc_collecting_after; /* field - generations[0] */
	int gc_garbage_after, gc_callbacks_after;

	int thread_next, thread_ident, thread_native_id;
	int thread_cframe, cframe_frame; /* where the current frame hangs */
	const struct rg_owned_field *thread_owned;

	int frame_func, frame_locals, frame_code, frame_object, frame_previous;
	int frame_instruction, frame_stacktop, frame_owner, frame_localsplus;
	int generator_frame, generator_state;

	int code_stacksize, code_firstlineno, code_nlocalsplus, code_localsplusnames;
	int code_filename, code_qualname, code_linetable, code_bytecode;

	int heaptype_qualname, heaptype_cached_keys, heaptype_size, statictype_size;
	int tuple_items, str_ascii_header, str_compact_header;
};

/* The layout of CPython 3.MINOR, or NULL where this refgraph has none. */
const struct rg_layout *rg_layout_find(int minor);

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
	RG_TP_DEL = 376,
	RG_GC_HEAD = 16, /* sizeof(PyGC_Head), before an object the collector knows */
};

/* Bits of tp_flags. */
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
