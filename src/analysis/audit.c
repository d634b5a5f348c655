#include "src/analysis/audit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"

#define STACK_SLACK 4 /* references that C functions may hold to what is on a stack */

const char *const rg_audit_reasons[RG_AUDIT_REASON_COUNT] = {
#define R(id, name) name,
	RG_AUDIT_REASONS(R)
#undef R
};

/* --- counting ----------------------------------------------------------------------------- */

/* In 3.11 immortal objects are those of frozen modules, which do not count what they refer to. */
static bool counts_nothing(const struct rg_heap *heap)
{
	struct rg_text version = rg_heap_fact_text(heap, "version");

	return version.length >= 5 && memcmp(version.bytes, "3.11.", 5) == 0;
}

static void count(struct rg_audit *audit, uint32_t target, enum rg_kind kind)
{
	if (rg_kind_table[kind].class == RG_CLASS_GUESS)
		audit->guessed[target]++;
	else if (rg_kind_table[kind].class != RG_CLASS_WEAK)
		audit->found[target]++;
}

static void count_references(struct rg_audit *audit, const struct rg_heap *heap)
{
	bool frozen = counts_nothing(heap);

	for (uint32_t id = 0; id < heap->n_objects; id++)
		for (uint32_t edge = heap->offset[id]; edge < heap->offset[id + 1]; edge++)
			if (!frozen || !(heap->flags[id] & RG_OBJECT_IMMORTAL))
				count(audit, heap->target[edge], RG_EDGE_KIND(heap->edge[edge]));
}

/* Roots of the kinds frame, thread and interpreter own a reference each. */
static void count_roots(struct rg_audit *audit, const struct rg_heap *heap)
{
	for (size_t i = 0; i < heap->n_roots; i++) {
		const struct rg_heap_root *root = &heap->roots[i];

		if (root->kind == RG_ROOT_THREAD && root->reference == RG_KIND_GUESS)
			rg_bitset_set(&audit->on_stack, root->object);
		if (root->kind == RG_ROOT_MODULE || root->kind == RG_ROOT_STATIC)
			rg_bitset_set(&audit->named, root->object);
		if (root->kind == RG_ROOT_FRAME || root->kind == RG_ROOT_THREAD ||
			root->kind == RG_ROOT_INTERPRETER)
			count(audit, root->object, (enum rg_kind)root->reference);
	}
}

uint64_t rg_audit_excess(const struct rg_audit *audit, const struct rg_heap *heap, uint32_t id)
{
	uint64_t found = audit->found[id];

	return heap->refcount[id] > found ? heap->refcount[id] - found : 0;
}

uint64_t rg_audit_unexplained(const struct rg_audit *audit, const struct rg_heap *heap, uint32_t id)
{
	uint64_t excess = rg_audit_excess(audit, heap, id);

	return excess > audit->guessed[id] ? excess - audit->guessed[id] : 0;
}

bool rg_audit_is_alone(const struct rg_audit *audit, uint32_t id)
{
	return audit->found[id] == 0 && audit->guessed[id] == 0 &&
	       !rg_bitset_get(&audit->named, id);
}

/* --- reasons ------------------------------------------------------------------------------ */

static bool is_name(const struct rg_heap *heap, uint32_t id)
{
	const struct rg_heap_value *value = rg_heap_value(heap, id, RG_VALUE_STR);

	if (!(rg_heap_type(heap, id)->flags & RG_TYPE_STR))
		return false;
	/* without values only names have one */
	for (uint32_t i = 0; value && i < value->text.length; i++) {
		unsigned char c = (unsigned char)value->text.bytes[i];

		if (!isalnum(c) && c != '_')
			return false;
	}
	return value && value->exact;
}

/* An int that CPython has one of: from -5 to 256; where its value is not known, any. */
static bool is_small(const struct rg_heap *heap, uint32_t id)
{
	const struct rg_heap_value *value = rg_heap_value(heap, id, RG_VALUE_NUMBER);
	char text[8] = "";
	long number;

	if (!value)
		return true;
	if (value->text.length >= sizeof(text))
		return false;
	memcpy(text, value->text.bytes, value->text.length);
	number = strtol(text, NULL, 10);
	return number >= -5 && number <= 256;
}

/* A str or bytes that CPython has one of: empty, or of one character. */
static bool is_short(const struct rg_heap *heap, uint32_t id)
{
	const struct rg_heap_value *str = rg_heap_value(heap, id, RG_VALUE_STR);
	const struct rg_heap_value *bytes = rg_heap_value(heap, id, RG_VALUE_BYTES);

	/* a character of Latin-1 takes two bytes in UTF-8 */
	return (str && str->exact && str->text.length <= 2) ||
	       (bytes && bytes->exact && bytes->text.length <= 1);
}

/* Constants that are immortal from 3.12 on. */
static bool is_constant(const struct rg_heap *heap, uint32_t id)
{
	static const char *const names[] = { "NoneType", "NotImplementedType", "ellipsis", "bool" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (rg_text_is(rg_heap_type(heap, id)->name, names[i]))
			return true;
	return is_short(heap, id) ||
	       (rg_text_is(rg_heap_type(heap, id)->name, "int") && is_small(heap, id));
}

static bool is_module(const struct rg_heap *heap, uint32_t id)
{
	const struct rg_heap_type *type = rg_heap_type(heap, id);

	return type->flags & RG_TYPE_MODULE || rg_text_is(type->name, "moduledef");
}

enum rg_audit_reason rg_audit_reason(
	const struct rg_audit *audit, const struct rg_heap *heap, uint32_t id)
{
	uint64_t unexplained;

	if (heap->flags[id] & RG_OBJECT_IMMORTAL || !rg_audit_excess(audit, heap, id))
		return RG_AUDIT_EXACT;
	/* however it got there, it lives by nothing else */
	if (rg_audit_is_alone(audit, id))
		return RG_AUDIT_UNKNOWN;
	unexplained = rg_audit_unexplained(audit, heap, id);
	/* of a stack one word is counted, though several C functions may hold a reference each */
	if (!unexplained || (unexplained <= STACK_SLACK && rg_bitset_get(&audit->on_stack, id)))
		return RG_AUDIT_MEMORY;
	if (is_constant(heap, id))
		return RG_AUDIT_CONSTANT;
	if (rg_heap_type(heap, id)->flags & RG_TYPE_METATYPE)
		return RG_AUDIT_TYPE;
	if (is_module(heap, id))
		return RG_AUDIT_MODULE;
	return is_name(heap, id) ? RG_AUDIT_TEXT : RG_AUDIT_UNKNOWN;
}

/* --- sums --------------------------------------------------------------------------------- */

static void add(struct rg_audit_sum *sum, uint64_t references)
{
	sum->objects++;
	sum->references += references;
}

static void sum_object(
	struct rg_audit *audit, const struct rg_heap *heap, uint32_t id, struct rg_audit_type *type)
{
	uint64_t excess = rg_audit_excess(audit, heap, id);
	enum rg_audit_reason reason = rg_audit_reason(audit, heap, id);
	uint64_t deficit = audit->found[id] > heap->refcount[id]
				   ? audit->found[id] - heap->refcount[id]
				   : 0;

	audit->checked++;
	audit->exact += excess == 0 && deficit == 0;
	if (excess)
		add(&audit->excess, excess);
	if (deficit)
		add(&audit->deficit, deficit);
	add(&audit->reasons[reason], excess);
	type->deficit += deficit;
	if (reason != RG_AUDIT_UNKNOWN)
		return;
	type->objects++;
	type->excess += rg_audit_unexplained(audit, heap, id);
	type->alone += rg_audit_is_alone(audit, id);
	type->size += heap->size[id];
	audit->suspects[audit->n_suspects++] = id;
}

/* --- order -------------------------------------------------------------------------------- */

struct order {
	const struct rg_audit *audit;
	const struct rg_heap *heap;
};

static int by_number(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* What nothing else holds is the surest; then the most references that are missing. */
static int by_sureness(const void *a, const void *b, void *context)
{
	const struct order *order = context;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	bool alone_x = rg_audit_is_alone(order->audit, x),
	     alone_y = rg_audit_is_alone(order->audit, y);
	int difference;

	if (alone_x != alone_y)
		return alone_x ? -1 : 1;
	difference = by_number(rg_audit_unexplained(order->audit, order->heap, y),
		rg_audit_unexplained(order->audit, order->heap, x));
	if (!difference)
		difference = by_number(order->heap->size[y], order->heap->size[x]);
	return difference ? difference : by_number(x, y);
}

static int by_excess(const void *a, const void *b)
{
	const struct rg_audit_type *x = a, *y = b;
	int difference = by_number(y->alone, x->alone);

	if (!difference)
		difference = by_number(y->excess, x->excess);
	if (!difference)
		difference = by_number(y->deficit, x->deficit);
	return difference ? difference : by_number(x->type, y->type);
}

/* Keep the rows of types that have something to tell, in order. */
static void sort_types(struct rg_audit *audit)
{
	size_t kept = 0;

	for (size_t i = 0; i < audit->n_types; i++)
		if (audit->types[i].objects || audit->types[i].deficit)
			audit->types[kept++] = audit->types[i];
	audit->n_types = kept;
	if (kept)
		qsort(audit->types, kept, sizeof(*audit->types), by_excess);
}

enum rg_code rg_audit_init(struct rg_audit *audit, const struct rg_heap *heap,
	const struct rg_bitset *within, struct rg_error *err)
{
	struct order order = { audit, heap };

	*audit = (struct rg_audit){ .n_types = heap->n_types };
	audit->found = rg_array_new(heap->n_objects, sizeof(*audit->found));
	audit->guessed = rg_array_new(heap->n_objects, sizeof(*audit->guessed));
	audit->suspects = rg_array_new(heap->n_objects, sizeof(*audit->suspects));
	audit->types = rg_array_new(heap->n_types, sizeof(*audit->types));
	if (!audit->found || !audit->guessed || !audit->suspects || !audit->types)
		return rg_nomem(err);
	if (rg_bitset_init(&audit->on_stack, heap->n_objects, err) ||
		rg_bitset_init(&audit->named, heap->n_objects, err))
		return RG_NOMEM;
	for (uint32_t i = 0; i < heap->n_types; i++)
		audit->types[i].type = i;
	count_references(audit, heap);
	count_roots(audit, heap);
	for (uint32_t id = 0; id < heap->n_objects; id++)
		if (!(heap->flags[id] & RG_OBJECT_IMMORTAL) &&
			(!within || rg_bitset_get(within, id)))
			sum_object(audit, heap, id, &audit->types[heap->type[id]]);
	if (audit->n_suspects)
		qsort_r(audit->suspects, audit->n_suspects, sizeof(*audit->suspects), by_sureness,
			&order);
	sort_types(audit);
	return RG_OK;
}

void rg_audit_deinit(struct rg_audit *audit)
{
	free(audit->found);
	free(audit->guessed);
	rg_bitset_deinit(&audit->on_stack);
	rg_bitset_deinit(&audit->named);
	free(audit->suspects);
	free(audit->types);
	*audit = (struct rg_audit){ 0 };
}
