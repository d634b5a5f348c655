/*
 * Readers: what the instances of a C type refer to, beyond fields at fixed places.
 *
 * One file in readers/ for a kind of object; one row in readers.c for a reader. A type without a
 * row is read by its tp_members and __dict__, and scanned for guesses.
 */
#ifndef RG_CPYTHON_READERS_H
#define RG_CPYTHON_READERS_H

#include "heapdump/cpython/entries.h"
#include "heapdump/cpython/walk.h"

struct rg_traverser {
	const char *type; /* tp_name of the C type; its subclasses are read too */
	/* Report references and set walk->items; may be NULL where fields.def says all. */
	void (*read)(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type);
	/* sys.getsizeof() without the collector's header; NULL: as object.__sizeof__ */
	uint64_t (*size)(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type);
	bool hollow; /* what an instance owns is shown as its holder's: it has no references */
	bool typeless; /* its tp_traverse forgets its type */
};

/* The row of the C type called NAME, or NULL. */
const struct rg_traverser *rg_traverser_find(const char *name);

/* readers/dict.c */
void rg_traverse_dict(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_dict(struct rg_walk *, uint64_t, const struct rg_pytype *);
void rg_traverse_odict(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_odict(struct rg_walk *, uint64_t, const struct rg_pytype *);
/* readers/sequence.c */
void rg_traverse_list(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_list(struct rg_walk *, uint64_t, const struct rg_pytype *);
void rg_traverse_tuple(struct rg_walk *, uint64_t, const struct rg_pytype *);
void rg_traverse_deque(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_deque(struct rg_walk *, uint64_t, const struct rg_pytype *);
void rg_traverse_queue(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_queue(struct rg_walk *, uint64_t, const struct rg_pytype *);
/* readers/set.c */
void rg_traverse_set(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_set(struct rg_walk *, uint64_t, const struct rg_pytype *);
/* readers/scalar.c: no references, but lengths and sizes */
void rg_traverse_length(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_str(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_int(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_bytearray(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_array(struct rg_walk *, uint64_t, const struct rg_pytype *);
/* readers/instance.c: any object with a __dict__ */
void rg_traverse_attributes(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_instance_extra(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_instance_attribute(struct rg_walk *walk, uint64_t address, const char *name);
/* readers/type.c */
void rg_traverse_type(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_type(struct rg_walk *, uint64_t, const struct rg_pytype *);
/* readers/frame.c: frames, generators, coroutines, code */
void rg_traverse_generator(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_generator(struct rg_walk *, uint64_t, const struct rg_pytype *);
void rg_traverse_frame(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_frame(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_code(struct rg_walk *, uint64_t, const struct rg_pytype *);
/* readers/pickle.c */
void rg_traverse_pickler(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_pickler(struct rg_walk *, uint64_t, const struct rg_pytype *);
void rg_traverse_unpickler(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_unpickler(struct rg_walk *, uint64_t, const struct rg_pytype *);
/* readers/ctypes.c */
uint64_t rg_size_stgdict(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_ctypes_type(struct rg_walk *, uint64_t, const struct rg_pytype *);
/* readers/extension.c: C containers of the standard library */
void rg_traverse_lru_cache(struct rg_walk *, uint64_t, const struct rg_pytype *);
void rg_traverse_element(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_element(struct rg_walk *, uint64_t, const struct rg_pytype *);
void rg_traverse_module_state(struct rg_walk *, uint64_t, const struct rg_pytype *);
void rg_traverse_hamt_bitmap(struct rg_walk *, uint64_t, const struct rg_pytype *);
void rg_traverse_hamt_array(struct rg_walk *, uint64_t, const struct rg_pytype *);
void rg_traverse_hamt_collision(struct rg_walk *, uint64_t, const struct rg_pytype *);
void rg_traverse_tee_data(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_struct(struct rg_walk *, uint64_t, const struct rg_pytype *);
void rg_traverse_datetime(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_combinations(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_permutations(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_product(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_buffered(struct rg_walk *, uint64_t, const struct rg_pytype *);
uint64_t rg_size_memory_io(struct rg_walk *, uint64_t, const struct rg_pytype *);

#endif
