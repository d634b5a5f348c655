/*
 * The state of a walk over a CPython heap, and what readers of objects and roots tell it.
 *
 * Two threads may walk together: each has a struct rg_walk of its own, and both one struct
 * rg_shared. The image is hostile: every pointer is checked before it is followed, every count
 * bounded by what can be read.
 */
#ifndef RG_CPYTHON_WALK_H
#define RG_CPYTHON_WALK_H

#include <pthread.h>

#include "heapdump/base/error.h"
#include "heapdump/cpython/objects.h"
#include "heapdump/cpython/runtime.h"
#include "heapdump/cpython/types.h"
#include "heapdump/image/image.h"
#include "heapdump/snapshot/writer.h"

#define RG_RECENT_TYPES 1024

/* A word that may be a reference, judged when all exact references are known. */
struct rg_guess {
	uint64_t target;
	uint64_t source; /* 0: a root */
	size_t place; /* among the guesses of its source */
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

/* What is found once for both threads. */
struct rg_shared {
	pthread_mutex_t lock; /* of all there is here; may be taken twice by the same thread */
	struct rg_objects objects;
	struct rg_types types;
	struct rg_map names; /* address of a str -> its string number */
	struct rg_map literals; /* address of our own text -> its string number */
	struct rg_map borrowers; /* addresses of dicts that borrow what they refer to */
};

struct rg_walk {
	struct rg_shared *shared;
	struct rg_objects *objects; /* its */
	unsigned lane; /* 0, or 1: the second thread's */
	bool alone; /* there is no other thread */

	struct rg_image *image;
	const struct rg_inside *inside; /* or NULL */
	const struct rg_runtime *runtime;
	const struct rg_layout *layout;
	struct rg_writer *writer;
	bool dict_values; /* a __dict__ refers to values that are part of its instance */
	bool values; /* write previews of values, not names alone */
	uint64_t any_lookup; /* to 3.10: what finds a key that may be no str */

	/* what was looked up last, for it comes again */
	struct rg_pytype *types[RG_RECENT_TYPES]; /* by a hash of their address */
	struct rg_map names, literals;

	/* the object being read */
	uint64_t current;
	struct rg_reference_record *references;
	size_t n_references, references_capacity;
	uint64_t items; /* its element count, or UINT64_MAX */
	bool unknown; /* to the collector, which sees none of its references */
	bool uncounted; /* what it refers to does not count it */

	uint32_t next; /* of this thread's objects, the first not looked at again */
	uint32_t *put_off; /* numbers of objects that are read when the other thread has ended */
	size_t n_put_off, put_off_capacity;
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

/* Of SHARED, zeroed. */
void rg_shared_init(struct rg_shared *shared);
void rg_shared_deinit(struct rg_shared *shared);

/* Release what is WALK's own. */
void rg_walk_deinit(struct rg_walk *walk);

static inline void rg_walk_lock(struct rg_walk *walk)
{
	if (!walk->alone)
		pthread_mutex_lock(&walk->shared->lock);
}

static inline void rg_walk_unlock(struct rg_walk *walk)
{
	if (!walk->alone)
		pthread_mutex_unlock(&walk->shared->lock);
}

/* False when memory or the bound of what may be read has come to its end. */
static inline bool rg_walk_goes_on(const struct rg_walk *walk)
{
	return !walk->out_of_memory && walk->room > 0 &&
	       !__atomic_load_n(&walk->objects->out_of_memory, __ATOMIC_RELAXED);
}

/*
 * The type of what may be an object at ADDRESS, which is not found yet; NULL where there is none.
 */
struct rg_pytype *rg_walk_type_at(struct rg_walk *walk, uint64_t address);

/* As rg_walk_object; and the type of one that was new, else NULL. */
uint32_t rg_walk_find(struct rg_walk *walk, uint64_t address, struct rg_pytype **fresh_ret);

/* Objects of a type the collector knows have a head before them; static types have none. */
static inline bool rg_walk_has_head(
	struct rg_walk *walk, const struct rg_pytype *type, uint64_t address)
{
	if (!(type->tp_flags & RG_TPFLAG_GC))
		return false;
	return !(type->tp_flags & RG_TPFLAG_TYPE) ||
	       rg_image_u64(walk->image, address + RG_TP_FLAGS) & RG_TPFLAG_HEAP;
}

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

/* The address of the memory that holds the object at ADDRESS: its heads come before it. */
uint64_t rg_walk_base(struct rg_walk *walk, uint64_t address);

/* True when exact references do not explain the refcount of object NUMBER, at ADDRESS. */
bool rg_walk_unexplained(struct rg_walk *walk, uint64_t address, uint32_t number);

/* String numbers: of the str or C string at ADDRESS, of a literal of ours; RG_NO_STRING if none. */
uint32_t rg_walk_name(struct rg_walk *walk, uint64_t address);
uint32_t rg_walk_c_name(struct rg_walk *walk, uint64_t address);
uint32_t rg_walk_literal(struct rg_walk *walk, const char *text);

/* True when ADDRESS holds an instance of the C type NAME or of a subclass. */
bool rg_walk_is(struct rg_walk *walk, uint64_t address, const char *name);

#endif
