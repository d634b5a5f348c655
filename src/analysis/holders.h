/*
 * Where the memory is, as one would say it: the places that retain most, none part of another, and
 * the containers of many small things.
 */
#ifndef RG_ANALYSIS_HOLDERS_H
#define RG_ANALYSIS_HOLDERS_H

#include "src/analysis/retained.h"

/* A place where memory is: one object, or several that are held in the same way. */
struct rg_holder {
	uint32_t number; /* the largest of them */
	uint32_t count;
	uint64_t bytes, objects; /* what all of them retain */
	uint64_t size; /* their own footprints */
};

struct rg_holders {
	struct rg_holder *rows; /* most retained bytes first, then by number */
	uint32_t count;
	struct rg_holder modules, classes; /* that are no more than code */
};

/*
 * Where the memory is, none part of another. From what the roots hold down: where nearly all of an
 * object is in one that it dominates, that one is meant (Cache -> its dict, a module -> one of its
 * values); where most of it is in a few that have names, those are (the values of a module or of a
 * record). So a container of very many stays whole, and a chain of links alike its head. Of what
 * is not big those objects are one that routes merge (analysis/routes.h): a thousand tasks that
 * are held by an event loop and by a list, so that neither of the two dominates them. Modules and
 * classes with no remarkable part are code, as large as it ever was: they are only summed up.
 * O(objects log objects + references).
 */
enum rg_code rg_holders_init(
	struct rg_holders *holders, const struct rg_retained *retained, struct rg_error *err);
void rg_holders_deinit(struct rg_holders *holders);

/*
 * The big drops: objects that retain much, but in many small things: at least a hundredth of all
 * in 16 or more that are smaller than that. Modules and classes, unless they are large, are left
 * out. Most bytes in small things first. O(objects log objects).
 */
enum rg_code rg_drops_list(const struct rg_retained *retained, struct rg_retained_list *list_ret,
	struct rg_error *err);

/*
 * A module or class that is not large and has no big part but such. O(what it and they dominate
 * immediately).
 */
bool rg_holder_is_code(const struct rg_retained *retained, uint32_t number);

/* A module whose dict is a place of its own, as functions hold that as well: to be counted once. */
bool rg_holder_stands_aside(const struct rg_retained *retained, uint32_t number);

/* Of NUMBER: what is not in big ones of those it dominates immediately. O(those). */
struct rg_drop {
	uint64_t bytes; /* of itself and of the small ones */
	uint32_t small; /* how many */
	uint32_t largest; /* number of the largest of all; 0 where it dominates nothing */
	uint32_t type, alike; /* the type that most of their bytes are in; how many are of it */
	uint64_t alike_bytes; /* and what those retain */
};
enum rg_code rg_drop_of(const struct rg_retained *retained, uint32_t number,
	struct rg_drop *drop_ret, struct rg_error *err);

#endif
