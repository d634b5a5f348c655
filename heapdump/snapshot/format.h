/*
 * The snapshot format in numbers; refgraph-snapshot(5) is its specification in words.
 *
 * A file is a header and a sequence of blocks; a block is a frame and its records. All numbers
 * of header and frame are little-endian.
 */
#ifndef RG_SNAPSHOT_FORMAT_H
#define RG_SNAPSHOT_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#define RG_MAGIC "\x8brgs\r\n\x1a\n"
#define RG_MAJOR 1
#define RG_MINOR 0
#define RG_HEADER_SIZE 32
#define RG_FRAME_SIZE 32
#define RG_BLOCK_LIMIT (1u << 20) /* bytes of records in a block, at most */
#define RG_SHIFT_LIMIT 3u /* addresses are multiples of 1 << this, at most */

/* Kinds of block. A reader skips what it does not know. */
enum rg_block_type {
	RG_BLOCK_STRINGS = 1,
	RG_BLOCK_TYPES,
	RG_BLOCK_OBJECTS,
	RG_BLOCK_REFERENCES,
	RG_BLOCK_VALUES,
	RG_BLOCK_ROOTS,
	RG_BLOCK_THREADS,
	RG_BLOCK_FRAMES,
	RG_BLOCK_FACTS,
	RG_BLOCK_END,
	RG_BLOCK_SITES,
	RG_BLOCK_ALLOCATIONS,
	RG_BLOCK_TYPE_COUNT, /* not a type: one past the last */
};

/* The kinds that hold records, in the order of END's totals: all but END itself. */
#define RG_RECORD_BLOCKS (RG_BLOCK_TYPE_COUNT - 2)
static inline enum rg_block_type rg_record_block(unsigned i)
{
	return (enum rg_block_type)(i + 1 < RG_BLOCK_END ? i + 1 : i + 2);
}

/* The name of a kind of block: what END's totals and messages call it; "unknown" otherwise. */
const char *rg_block_name(uint32_t type);

/* Generations as the objects' flags hold them, and how JSON and text write them. */
enum rg_generation {
	RG_GEN_0,
	RG_GEN_1,
	RG_GEN_2,
	RG_GEN_PERMANENT,
	RG_GEN_UNTRACKED,
	RG_GEN_COUNT,
};
extern const char *const rg_generation_names[RG_GEN_COUNT];

/* Flags of an object record; the low three bits are its generation. */
enum {
	RG_OBJECT_GENERATION = 7,
	RG_OBJECT_IMMORTAL = 1 << 3, /* its refcount means nothing */
	RG_OBJECT_ITEMS = 1 << 4, /* an element count follows */
	RG_OBJECT_FINALIZED = 1 << 5, /* its finalizer has run */
	RG_OBJECT_SIZE_OPEN = 1 << 6, /* a __sizeof__ in Python decides: size is a lower bound */
	RG_OBJECT_EXTRA = 1 << 7, /* storage that getsizeof() does not count follows */
	RG_OBJECT_FLAGS = (1 << 8) - 1,
};

/* Flags of a type record. */
enum {
	RG_TYPE_HEAP = 1 << 0, /* made at run time: instances own a reference to it */
	RG_TYPE_GC = 1 << 1, /* the collector can track its instances */
	RG_TYPE_METATYPE = 1 << 2, /* its instances are types */
	RG_TYPE_MODULE = 1 << 3, /* its instances are modules */
	RG_TYPE_DICT = 1 << 4, /* a dict or a subclass */
	RG_TYPE_STR = 1 << 5, /* a str or a subclass */
	RG_TYPE_SEQUENCE = 1 << 6, /* a list, tuple or a subclass */
	RG_TYPE_FUNCTION = 1 << 7, /* function, builtin function */
	RG_TYPE_FINALIZER = 1 << 8, /* has __del__ written in Python */
	RG_TYPE_SIZEOF = 1 << 9, /* has __sizeof__ written in Python */
	RG_TYPE_FRAME = 1 << 10, /* its instances are frames */
	RG_TYPE_LEGACY_DEL = 1 << 11, /* has tp_del: the collector refuses it */
	RG_TYPE_CELL = 1 << 12, /* its instances are closure cells */
	RG_TYPE_GUESSED = 1 << 13, /* parts of it were found by scanning its body */
	RG_TYPE_KEEPS_SELF = 1 << 14, /* its __del__ cannot bring an instance back */
	RG_TYPE_HUB = 1 << 15, /* runs others that all refer back to it: an event loop */
};

/* How the label of a reference is given. */
enum rg_label_form {
	RG_LABEL_NONE,
	RG_LABEL_NEXT, /* an index: one more than the label before it in the record, or 0 */
	RG_LABEL_INDEX, /* an index, given */
	RG_LABEL_STRING, /* a string's number: an attribute, a local, a field */
	RG_LABEL_OBJECT, /* a dict's key: the address of the key object */
	RG_LABEL_FORM_COUNT,
};

/* The head of a reference: form | untraversed | kind. */
#define RG_HEAD_FORM 7u
#define RG_HEAD_UNTRAVERSED 8u /* owned, but the type's tp_traverse does not visit it */
#define RG_HEAD_KIND_SHIFT 4

/* Classes of reference kinds: what an edge policy follows. */
enum rg_kind_class { RG_CLASS_DATA, RG_CLASS_TYPE, RG_CLASS_CODE, RG_CLASS_WEAK, RG_CLASS_GUESS };

/*
 * Kinds of reference: number in the file, name, class. "dict" is data for an instance's dict;
 * a reader makes it type or code by what its owner is, and likewise the values of that dict.
 */
#define RG_KINDS(K)                                                                                \
	K(0, ATTR, "attr", DATA)                                                                   \
	K(1, KEY, "key", DATA)                                                                     \
	K(2, ITEM, "item", DATA)                                                                   \
	K(3, DICTKEY, "dictkey", DATA)                                                             \
	K(4, TYPE, "type", TYPE)                                                                   \
	K(5, SLOT, "slot", DATA)                                                                   \
	K(6, DICT, "dict", DATA)                                                                   \
	K(7, CELL, "cell", DATA)                                                                   \
	K(8, ELEMENT, "element", DATA)                                                             \
	K(9, SELF, "self", DATA)                                                                   \
	K(10, FUNC, "func", DATA)                                                                  \
	K(11, DEFAULT, "default", DATA)                                                            \
	K(12, CLOSURE, "closure", DATA)                                                            \
	K(13, LOCAL, "local", DATA)                                                                \
	K(14, STACK, "stack", DATA)                                                                \
	K(15, CALLBACK, "callback", DATA)                                                          \
	K(16, OTHER, "other", DATA)                                                                \
	K(17, BASE, "base", TYPE)                                                                  \
	K(18, MRO, "mro", TYPE)                                                                    \
	K(19, CLASSATTR, "classattr", TYPE)                                                        \
	K(20, CLASSDICT, "dict", TYPE)                                                             \
	K(21, GLOBALS, "globals", CODE)                                                            \
	K(22, BUILTINS, "builtins", CODE)                                                          \
	K(23, CODE, "code", CODE)                                                                  \
	K(24, MODATTR, "modattr", CODE)                                                            \
	K(25, MODDICT, "dict", CODE)                                                               \
	K(26, OWNER, "owner", CODE)                                                                \
	K(27, BACK, "back", CODE)                                                                  \
	K(28, WEAK, "weak", WEAK)                                                                  \
	K(29, GUESS, "guess", GUESS)

enum rg_kind {
#define K(number, id, name, class) RG_KIND_##id = number,
	RG_KINDS(K)
#undef K
		RG_KIND_COUNT
};

struct rg_kind_info {
	const char *name;
	enum rg_kind_class class;
};
extern const struct rg_kind_info rg_kind_table[RG_KIND_COUNT];

/* Kinds of value preview. */
enum rg_value_kind {
	RG_VALUE_STR = 1, /* text of a str */
	RG_VALUE_BYTES, /* bytes as they are */
	RG_VALUE_NUMBER, /* int, float, bool: as Python prints it */
	RG_VALUE_NAME, /* the name of a function, module, type, code */
	RG_VALUE_PLACE, /* where it was written: file:line of a function, code, frame */
	RG_VALUE_KIND_COUNT,
};
/* Flag of a value record: the preview is the whole value, nothing cut or replaced. */
#define RG_VALUE_EXACT 0x80u

/* Kinds of root, in the order in which a chain prefers them. */
#define RG_ROOTS(R)                                                                                \
	R(0, MODULE, "module")                                                                     \
	R(1, FRAME, "frame")                                                                       \
	R(2, THREAD, "thread")                                                                     \
	R(3, INTERPRETER, "interpreter")                                                           \
	R(4, STATIC, "static type")                                                                \
	R(5, HELD, "held from C")

enum rg_root_kind {
#define R(number, id, name) RG_ROOT_##id = number,
	RG_ROOTS(R)
#undef R
		RG_ROOT_KIND_COUNT
};
extern const char *const rg_root_names[RG_ROOT_KIND_COUNT];

/* The records, decoded. Strings are numbers into the string table. */
#define RG_NO_STRING UINT32_MAX

struct rg_type_record {
	uint64_t address, basicsize, itemsize;
	uint32_t name, module, flags; /* name: the qualified name; module may be RG_NO_STRING */
};

struct rg_object_record {
	uint64_t address, size, refcount, items, extra;
	uint32_t type, flags;
};

struct rg_reference_record {
	uint64_t target, label; /* label: index, string number or key address, by form */
	enum rg_kind kind;
	enum rg_label_form form;
	bool untraversed;
	bool visited; /* not written: tp_traverse has shown it to the one who collects them */
};

struct rg_value_record {
	uint64_t address;
	const char *text;
	uint32_t length;
	enum rg_value_kind kind;
	bool exact;
};

struct rg_root_record {
	uint64_t target;
	enum rg_root_kind kind;
	enum rg_kind reference; /* local, stack, guess ... of a frame's; else other */
	uint32_t name, label; /* RG_NO_STRING where there is none */
	uint32_t thread, frame; /* their numbers, or UINT32_MAX */
};

struct rg_thread_record {
	uint64_t native_id, ident;
	uint32_t name;
};

struct rg_frame_record {
	uint32_t thread, function, file, line; /* line 0: not known */
};

/*
 * A line of code that called another, or allocated. Tracebacks share what they have in common:
 * each is a way from a site by its callers.
 */
struct rg_site_record {
	uint32_t file, line; /* file may be RG_NO_STRING; line 0: not known */
	uint32_t caller; /* the number of the site before it, or RG_NO_SITE */
};
#define RG_NO_SITE UINT32_MAX

/* Where an object's memory was allocated. */
struct rg_allocation_record {
	uint64_t address;
	uint32_t site;
};

struct rg_fact_record {
	const char *key, *text; /* text NULL: a number */
	uint32_t key_length, text_length;
	int64_t number;
};

#endif
