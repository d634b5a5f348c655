/*
 * The walk over a CPython heap: from the collector's lists and the roots to every object that
 * can be reached, each written to the snapshot with its references.
 *
 * One queue, no recursion: objects are numbered as they are found and read in that order. Linear
 * in objects and references. The image is hostile: every pointer is checked before it is
 * followed, every count bounded by what can be read.
 */
#ifndef RG_CPYTHON_WALK_H
#define RG_CPYTHON_WALK_H

#include "heapdump/base/error.h"
#include "heapdump/cpython/objects.h"
#include "heapdump/cpython/runtime.h"
#include "heapdump/cpython/types.h"
#include "heapdump/image/image.h"
#include "heapdump/snapshot/writer.h"

/* A word that may be a reference, judged when all exact references are known. */
struct rg_guess {
	uint64_t target;
	uint32_t source; /* object number, or RG_NO_OBJECT for a root */
	struct rg_root_record root; /* then: all but its target */
};

/* What only the process itself can tell: the agent's, which runs in a copy of it. */
struct rg_inside {
	/* Have the type's TP_TRAVERSE tell VISIT what the object refers to. */
	void (*traverse)(uint64_t object, uint64_t tp_traverse,
		void (*visit)(void *context, uint64_t target), void *context);
	/* What METHOD says, a __sizeof__ of C that takes nothing else; 0 where it fails. */
	uint64_t (*size)(uint64_t object, uint64_t method);
};

struct rg_walk {
	struct rg_image *image;
	const struct rg_inside *inside; /* or NULL */
	const struct rg_runtime *runtime;
	const struct rg_layout *layout;
	struct rg_writer *writer;
	bool dict_values; /* a __dict__ refers to values that are part of its instance */
	bool values; /* write previews of values, not names alone */

	struct rg_objects objects;
	struct rg_types types;
	struct rg_map borrowers; /* addresses of dicts that borrow what they refer to */
	uint64_t any_lookup; /* to 3.10: what finds a key that may be no str */
	struct rg_map names; /* address of a str -> its string number */
	struct rg_map literals; /* address of our own text -> its string number */

	/* the object being read */
	uint32_t current;
	struct rg_reference_record *references;
	size_t n_references, references_capacity;
	uint64_t items; /* its element count, or UINT64_MAX */
	bool unknown; /* to the collector, which sees none of its references */
	bool uncounted; /* what it refers to does not count it */

	struct rg_guess *guesses;
	size_t n_guesses, guesses_capacity;

	uint64_t *threads; /* the identifier of each thread, by its number in the snapshot */
	size_t n_threads, threads_capacity;

	struct rg_map native; /* address of an object -> name of what C memory held it last */
	struct rg_map passed; /* addresses of interpreters, threads, frames: each is walked once */
	uint64_t room; /* words that may still be read as references; 0: more than there are */
	uint64_t bad_pointers;
	bool out_of_memory;
};

/* What is written beside objects and references. */
struct rg_walk_options {
	bool values; /* previews of values, not names alone */
	bool sites; /* where objects were allocated, if the program traces that */
	const struct rg_inside *inside; /* from within, what no table knows; or NULL */
};

/* Walk IMAGE and write all but the END block. */
enum rg_code rg_walk_heap(struct rg_image *image, const struct rg_runtime *runtime,
	struct rg_writer *writer, const struct rg_walk_options *options, struct rg_error *err);

/* --- for readers and roots ---------------------------------------------------------------- */

/*
 * The number of the object at ADDRESS, added to the queue when new; RG_NO_OBJECT where there is
 * none (null, unaligned, unreadable, no valid type).
 */
uint32_t rg_walk_object(struct rg_walk *walk, uint64_t address);

/* The pointer OFFSET bytes behind ADDRESS; 0 where this version has no such field. */
static inline uint64_t rg_walk_field(struct rg_walk *walk, uint64_t address, int offset)
{
	return offset < 0 ? 0 : rg_image_u64(walk->image, address + (unsigned)offset);
}

/* The reference count of the object at ADDRESS; UINT64_MAX of an immortal one. */
static inline uint64_t rg_walk_refcount(struct rg_walk *walk, uint64_t address)
{
	return rg_layout_refcount(walk->layout, rg_image_u64(walk->image, address + RG_OB_REFCNT));
}

/*
 * Account for COUNT words that are read as references, before they are; false where that makes
 * more than the memory can hold. The walk then ends: the heap is made to have no end.
 */
bool rg_walk_spend(struct rg_walk *walk, uint64_t count);

/* A reference from the current object. A null target is no reference. */
void rg_walk_refer(struct rg_walk *walk, enum rg_kind kind, uint64_t target,
	enum rg_label_form form, uint64_t label, bool untraversed);

/* The same with a label of our own, a literal. */
void rg_walk_refer_as(struct rg_walk *walk, enum rg_kind kind, uint64_t target, const char *label,
	bool untraversed);

/* A word of the current object that may be a reference. */
void rg_walk_guess(struct rg_walk *walk, uint64_t word);

/* An object that a root owns a reference to. */
void rg_walk_root(struct rg_walk *walk, const struct rg_root_record *root);

/* The address of the memory that holds object NUMBER: its heads come before it. */
uint64_t rg_walk_base(struct rg_walk *walk, uint32_t number);

/* True when exact references do not explain the refcount of object NUMBER. */
bool rg_walk_unexplained(struct rg_walk *walk, uint32_t number);

/* String numbers: of the str or C string at ADDRESS, of a literal of ours; RG_NO_STRING if none. */
uint32_t rg_walk_name(struct rg_walk *walk, uint64_t address);
uint32_t rg_walk_c_name(struct rg_walk *walk, uint64_t address);
uint32_t rg_walk_literal(struct rg_walk *walk, const char *text);

/* True when ADDRESS holds an instance of the C type NAME or of a subclass. */
bool rg_walk_is(struct rg_walk *walk, uint64_t address, const char *name);

#endif
