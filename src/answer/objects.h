/* The answers of `objects` and `show`. */
#ifndef RG_ANSWER_OBJECTS_H
#define RG_ANSWER_OBJECTS_H

#include "src/analysis/cycles.h"
#include "src/analysis/order.h"
#include "src/answer/cycles.h"
#include "src/answer/graph.h"

struct rg_answer_objects {
	struct rg_answer_envelope envelope;
	struct rg_list objects;
	uint64_t size; /* of all that are selected: their footprints */
	uint64_t folded; /* selected, but part of what they are folded into */
};

/* One reference of an object, and who is at its other end. */
struct rg_answer_link {
	struct rg_answer_reference *reference;
	struct rg_answer_object *object;
};

struct rg_answer_show {
	struct rg_answer_envelope envelope;
	uint64_t selected; /* the first of so many objects is shown */
	uint64_t distance; /* of the object, found with its links: it is the object's then */
	uint64_t retained, retained_objects; /* what would be freed with it, or RG_NOTHING */
	struct rg_answer_object *object;
	const char *state;
	struct rg_list in, out; /* of rg_answer_link */
	struct rg_list roots; /* names of roots that hold it themselves */
	struct rg_answer_chain *chain; /* NULL where no root reaches it */
	struct rg_answer_cycle *cycle; /* NULL where it is in none */
	struct rg_answer_graph *graph; /* where it was asked for */
};

extern const struct rg_answer rg_answer_objects, rg_answer_show;

/*
 * The first LIMIT of the N objects at IDS, which are sorted by ORDER; with distances, or with what
 * they retain, where that is given in it.
 */
enum rg_code rg_answer_objects_init(struct rg_answer_objects *answer, const struct rg_heap *heap,
	const struct rg_answer_origin *origin, const uint32_t *ids, uint64_t n,
	const struct rg_order *order, uint64_t limit, struct rg_arena *arena, struct rg_error *err);

/*
 * The references from and to the object ID, at most LIMIT each, and how far it is from the roots.
 * Before the rest, and before the cycles are looked for: neither needs the memory of the other.
 * O(objects + references).
 */
enum rg_code rg_answer_show_links(struct rg_answer_show *answer, const struct rg_heap *heap,
	uint32_t id, uint64_t limit, bool raw, struct rg_arena *arena, struct rg_error *err);

/* What the object ID retains; before the rest, too. O(objects + references). */
enum rg_code rg_answer_show_retained(struct rg_answer_show *answer, const struct rg_heap *heap,
	uint32_t id, bool raw, struct rg_error *err);

/* All else about the object ID; CYCLES holds the cycle it is in, if there is one. O(chain). */
enum rg_code rg_answer_show_init(struct rg_answer_show *answer, const struct rg_cycles *cycles,
	const struct rg_answer_origin *origin, uint32_t id, uint64_t limit, struct rg_arena *arena,
	struct rg_error *err);

#endif
