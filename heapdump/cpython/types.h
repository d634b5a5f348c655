/*
 * The types a walk has met, each with a plan for reading its instances.
 *
 * A plan is made once a type, from the tables of fields.def and readers.c, from tp_members (the
 * __slots__ of Python classes among them) and from where instances keep their __dict__; words of
 * a C type's body that nothing explains are scanned for guesses.
 */
#ifndef RG_CPYTHON_TYPES_H
#define RG_CPYTHON_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapdump/base/map.h"
#include "heapdump/snapshot/format.h"

struct rg_walk;
struct rg_traverser;

#define RG_TYPE_READERS 4 /* of one type and its bases: an OrderedDict is a dict too */

/* One pointer at a fixed place in the body of each instance. */
struct rg_plan_field {
	uint32_t offset;
	uint32_t label; /* string number, or RG_NO_STRING */
	enum rg_kind kind;
	bool untraversed;
};

struct rg_pytype {
	uint64_t address, tp_flags, cached_keys;
	int64_t basicsize, itemsize, dictoffset;
	uint32_t number; /* in the snapshot */
	uint32_t flags; /* RG_TYPE_* */
	bool known; /* it is among the objects */
	bool valid; /* false: what was pointed at is no type */
	bool python_size; /* it has a __sizeof__ in Python */
	uint64_t foreign_size; /* the method in C that says its size, which no table does, or 0 */
	bool python; /* made by a class statement */
	bool typeless; /* the collector is not shown that an instance refers to its type */
	bool hollow; /* its references are shown as its holder's */
	bool leaf; /* an instance refers to nothing, and the collector does not know it */
	char name[64]; /* tp_name, cut */

	const struct rg_traverser *readers[RG_TYPE_READERS]; /* most derived first */
	unsigned n_readers;
	void (*value)(struct rg_walk *walk, uint64_t address); /* writes a preview; or NULL */
	uint64_t (*size)(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type);
	struct rg_plan_field *fields;
	size_t n_fields, fields_capacity;
	uint32_t *scan; /* offsets of words that nothing explains */
	size_t n_scan, scan_capacity;
	bool scan_items; /* and the variable part */
};

struct rg_types {
	struct rg_pytype **rows; /* a row stays where it is */
	size_t count, capacity;
	struct rg_map by_address; /* -> place in rows */
};

/* A zeroed struct is empty and valid. */
void rg_types_deinit(struct rg_types *types);

/* The type at ADDRESS, made and checked on first sight; NULL where there is none. */
struct rg_pytype *rg_types_get(struct rg_walk *walk, uint64_t address);

/* True when TYPE or one of its bases is the C type called NAME. */
bool rg_type_is(struct rg_walk *walk, const struct rg_pytype *type, const char *name);

/*
 * What a type at ADDRESS holds outside of its own structure: from 3.12 on a builtin static type
 * has its __dict__ and subclasses in each interpreter. OWN is the place of that in PyTypeObject,
 * STATE in the interpreter's record of it.
 */
uint64_t rg_type_owned(struct rg_walk *walk, uint64_t address, int own, int state);

/* The __dict__ of the type at ADDRESS, or 0. */
uint64_t rg_type_dict(struct rg_walk *walk, uint64_t address);

#endif
