/*
 * heapdump: write the heap of a runtime as a snapshot that refgraph reads.
 *
 * One pass, bounded memory: records go out as they are declared, in any order but for types, which
 * come before their objects. Objects are known by ids: any numbers that are multiples of the
 * alignment the dump was opened with, as a rule their addresses. A reference may be declared before
 * or after the objects at its ends.
 *
 *	struct heapdump *dump = heapdump_open("app.rgs", 8);
 *	uint32_t pair = heapdump_type(dump, "Pair", "tiny", 0);
 *
 *	heapdump_object(dump, (uintptr_t)p, pair, sizeof(*p), p->refcount, HEAPDUMP_GEN_0);
 *	heapdump_reference_named(dump, (uintptr_t)p, (uintptr_t)p->head, HEAPDUMP_SLOT, "head");
 *	heapdump_root(dump, (uintptr_t)globals, "globals");
 *	if (heapdump_finish(dump))
 *		fprintf(stderr, "%s\n", heapdump_message(dump));
 *	heapdump_close(dump);
 *
 * The first failure sticks: every later call does nothing, and heapdump_finish reports it. So
 * nothing needs to be checked on the way. A NULL dump is allowed everywhere, and fails with
 * HEAPDUMP_NO_MEMORY. Texts are copied, in UTF-8, at most 64 KiB of each are kept. There is no
 * global state: dumps of several threads do not meet; one dump belongs to one thread at a time.
 */
#ifndef HEAPDUMP_H
#define HEAPDUMP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HEAPDUMP_API __attribute__((visibility("default")))

struct heapdump;

enum heapdump_status {
	HEAPDUMP_OK = 0,
	HEAPDUMP_NO_MEMORY, /* an allocation failed */
	HEAPDUMP_CANNOT_WRITE, /* the system said no: no space, no permission */
	HEAPDUMP_MISUSE /* the caller's numbers are off; the message says which */
};

/* Which of the collector's lists an object is in. */
enum heapdump_generation {
	HEAPDUMP_GEN_0,
	HEAPDUMP_GEN_1,
	HEAPDUMP_GEN_2,
	HEAPDUMP_PERMANENT, /* set aside: not collected */
	HEAPDUMP_UNTRACKED /* in none: the collector does not know it, or there is no collector */
};

/* For an object of which no reference count is known: it is then never taken for garbage. */
#define HEAPDUMP_NO_REFCOUNT UINT64_MAX

/* What a type is; 0 for most. */
enum heapdump_type_flags {
	HEAPDUMP_TYPE_GC = 1 << 1, /* the collector can track its objects */
	HEAPDUMP_TYPE_METATYPE = 1 << 2, /* its objects are types */
	HEAPDUMP_TYPE_MODULE = 1 << 3, /* its objects are modules */
	HEAPDUMP_TYPE_DICT = 1 << 4,
	HEAPDUMP_TYPE_STR = 1 << 5,
	HEAPDUMP_TYPE_SEQUENCE = 1 << 6,
	HEAPDUMP_TYPE_FUNCTION = 1 << 7,
	HEAPDUMP_TYPE_FINALIZER = 1 << 8, /* runs code when an object dies */
	HEAPDUMP_TYPE_FRAME = 1 << 10,
	HEAPDUMP_TYPE_CELL = 1 << 12
};

/* What a reference is. All but HEAPDUMP_WEAK count in the target's reference count. */
enum heapdump_kind {
	HEAPDUMP_ATTR = 0, /* attribute of an object, by name */
	HEAPDUMP_KEY = 1, /* value of a dict, by its key */
	HEAPDUMP_ITEM = 2, /* element of a list or array, by index */
	HEAPDUMP_DICTKEY = 3, /* key of a dict */
	HEAPDUMP_INSTANCE_OF = 4, /* the type of the object, where types are objects */
	HEAPDUMP_SLOT = 5, /* field of a structure, by name */
	HEAPDUMP_CAPTURED = 7, /* content of a closure's cell */
	HEAPDUMP_ELEMENT = 8, /* element of a set */
	HEAPDUMP_SELF = 9, /* the object of a bound method */
	HEAPDUMP_FUNC = 10, /* the function of a bound method */
	HEAPDUMP_CLOSURE = 12, /* the cells of a function */
	HEAPDUMP_LOCAL = 13, /* local variable of a frame, by name */
	HEAPDUMP_STACK = 14, /* entry of an evaluation stack */
	HEAPDUMP_CALLBACK = 15,
	HEAPDUMP_OTHER = 16, /* no name for it */
	HEAPDUMP_GLOBALS = 21, /* the globals of a function */
	HEAPDUMP_CODE = 23, /* the code of a function */
	HEAPDUMP_WEAK = 28 /* owns nothing */
};

/* What a value is. */
enum heapdump_value_kind {
	HEAPDUMP_VALUE_TEXT = 1, /* text of a string */
	HEAPDUMP_VALUE_BYTES, /* bytes as they are */
	HEAPDUMP_VALUE_NUMBER, /* a number, as people read it */
	HEAPDUMP_VALUE_NAME, /* the name of a function, module, type */
	HEAPDUMP_VALUE_PLACE /* where it was written: "file:line" */
};

/*
 * Start a dump. Ids will be multiples of ALIGNMENT, a power of two (8 for what malloc returns; 1
 * for any numbers). NULL: errno says why.
 *
 * heapdump_open writes PATH, readable by its owner only, which appears when heapdump_finish has
 * succeeded; heapdump_open_stream and _fd write to what stays the caller's.
 */
HEAPDUMP_API struct heapdump *heapdump_open(const char *path, unsigned alignment);
HEAPDUMP_API struct heapdump *heapdump_open_stream(FILE *stream, unsigned alignment);
HEAPDUMP_API struct heapdump *heapdump_open_fd(int fd, unsigned alignment);

/* End the dump: all is written, flushed and in place. Once; only heapdump_close may follow. */
HEAPDUMP_API enum heapdump_status heapdump_finish(struct heapdump *dump);

/* Release DUMP. One that was not finished, or failed, leaves no file. NULL is allowed. */
HEAPDUMP_API void heapdump_close(struct heapdump *dump);

/* What has failed so far, and one line about it ("" where nothing has), DUMP's own. */
HEAPDUMP_API enum heapdump_status heapdump_error(const struct heapdump *dump);
HEAPDUMP_API const char *heapdump_message(const struct heapdump *dump);

/* Declare a type: NAME, its MODULE or NULL, flags or 0. Returns its number. */
HEAPDUMP_API uint32_t heapdump_type(
	struct heapdump *dump, const char *name, const char *module, unsigned flags);

/* Declare an object, once: TYPE from heapdump_type, SIZE in bytes, REFCOUNT or _NO_REFCOUNT. */
HEAPDUMP_API void heapdump_object(struct heapdump *dump, uint64_t id, uint32_t type, uint64_t size,
	uint64_t refcount, enum heapdump_generation generation);

/*
 * Declare a reference: without a label, by name, by index, or by the id of the key object. The
 * references of an object that follow one another take the least room.
 */
HEAPDUMP_API void heapdump_reference(
	struct heapdump *dump, uint64_t from, uint64_t to, enum heapdump_kind kind);
HEAPDUMP_API void heapdump_reference_named(struct heapdump *dump, uint64_t from, uint64_t to,
	enum heapdump_kind kind, const char *name);
HEAPDUMP_API void heapdump_reference_indexed(
	struct heapdump *dump, uint64_t from, uint64_t to, enum heapdump_kind kind, uint64_t index);
HEAPDUMP_API void heapdump_reference_keyed(
	struct heapdump *dump, uint64_t from, uint64_t to, enum heapdump_kind kind, uint64_t key);

/* Declare a preview of an object's content, for people to know it by. */
HEAPDUMP_API void heapdump_value(struct heapdump *dump, uint64_t id, enum heapdump_value_kind kind,
	const char *text, size_t length);

/* Declare that the runtime itself holds the object; NAME says by what. */
HEAPDUMP_API void heapdump_root(struct heapdump *dump, uint64_t target, const char *name);

/*
 * Declare a thread, and the calls on its stack, the innermost first; NAME, FUNCTION and FILE may be
 * NULL, LINE 0. Return their numbers. heapdump_root_local: LOCAL of FRAME holds TARGET.
 */
HEAPDUMP_API uint32_t heapdump_thread(struct heapdump *dump, uint64_t native_id, const char *name);
HEAPDUMP_API uint32_t heapdump_frame(struct heapdump *dump, uint32_t thread, const char *function,
	const char *file, uint32_t line);
HEAPDUMP_API void heapdump_root_local(
	struct heapdump *dump, uint64_t target, uint32_t frame, const char *local);

/*
 * Declare a line of code that allocates or calls: FILE may be NULL, LINE 0; CALLER is the site that
 * called it, declared before, or HEAPDUMP_NO_SITE. Returns its number. heapdump_allocation: SITE is
 * where the object was allocated; its traceback is the callers of SITE.
 */
#define HEAPDUMP_NO_SITE UINT32_MAX
HEAPDUMP_API uint32_t heapdump_site(
	struct heapdump *dump, const char *file, uint32_t line, uint32_t caller);
HEAPDUMP_API void heapdump_allocation(struct heapdump *dump, uint64_t id, uint32_t site);

/* Declare a fact: "runtime", "version", "pid", "gc.threshold.0": see refgraph-snapshot(5). */
HEAPDUMP_API void heapdump_fact_text(struct heapdump *dump, const char *key, const char *text);
HEAPDUMP_API void heapdump_fact_number(struct heapdump *dump, const char *key, int64_t number);

#ifdef __cplusplus
}
#endif

#endif
