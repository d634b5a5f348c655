#include "src/analysis/order.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "src/heap/fold.h"

struct sorting {
	const struct rg_heap *heap;
	const struct rg_order *order;
};

/* An amount of each object; nothing is UINT64_MAX. */
typedef uint64_t amount(const struct sorting *sorting, uint32_t id);

static uint64_t footprint_of(const struct sorting *sorting, uint32_t id)
{
	return rg_heap_footprint(sorting->heap, id, sorting->order->raw);
}

static uint64_t size_of(const struct sorting *sorting, uint32_t id)
{
	return sorting->heap->size[id];
}

static uint64_t refcount_of(const struct sorting *sorting, uint32_t id)
{
	return sorting->heap->flags[id] & RG_OBJECT_IMMORTAL ? UINT64_MAX
							     : sorting->heap->refcount[id];
}

static uint64_t items_of(const struct sorting *sorting, uint32_t id)
{
	uint32_t items = sorting->heap->items[id];

	return items == RG_NO_ITEMS ? UINT64_MAX : items;
}

static uint64_t generation_of(const struct sorting *sorting, uint32_t id)
{
	return rg_heap_generation(sorting->heap, id);
}

static uint64_t distance_of(const struct sorting *sorting, uint32_t id)
{
	const struct rg_paths *paths = sorting->order->paths;
	uint32_t shown = rg_heap_place(sorting->heap, id, sorting->order->raw);
	uint32_t distance = paths ? paths->distances.distance[shown] : RG_UNREACHED;

	return distance == RG_UNREACHED ? UINT64_MAX : distance;
}

static uint64_t retained_of(const struct sorting *sorting, uint32_t id)
{
	const struct rg_retained *retained = sorting->order->retained;
	uint32_t number = retained ? rg_retained_number(retained, id) : 0;

	return number ? retained->bytes[number] : UINT64_MAX;
}

static uint64_t number_of(const struct sorting *sorting, uint32_t id)
{
	(void)sorting;
	return id;
}

static struct rg_text value_of(const struct rg_heap *heap, uint32_t id, bool name)
{
	static const enum rg_value_kind kinds[] = { RG_VALUE_STR, RG_VALUE_BYTES, RG_VALUE_NUMBER };
	const struct rg_heap_value *value = name ? rg_heap_value(heap, id, RG_VALUE_NAME) : NULL;

	for (size_t i = 0; !name && !value && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		value = rg_heap_value(heap, id, kinds[i]);
	return value ? value->text : (struct rg_text){ NULL, 0 };
}

/* The text of FIELD of an object; no bytes where it has none. */
static struct rg_text text_of(const struct rg_heap *heap, enum rg_order_field field, uint32_t id)
{
	const struct rg_heap_type *type = rg_heap_type(heap, id);

	switch (field) {
	case RG_ORDER_TYPE:
		return type->name;
	case RG_ORDER_MODULE:
		return type->module;
	default:
		return value_of(heap, id, field == RG_ORDER_NAME);
	}
}

static const struct field {
	amount *amount; /* NULL: a text */
	bool rising; /* the smallest first */
} fields[RG_ORDER_COUNT] = {
	[RG_ORDER_FOOTPRINT] = { footprint_of, false },
	[RG_ORDER_SIZE] = { size_of, false },
	[RG_ORDER_REFCOUNT] = { refcount_of, false },
	[RG_ORDER_ITEMS] = { items_of, false },
	[RG_ORDER_GENERATION] = { generation_of, true },
	[RG_ORDER_DISTANCE] = { distance_of, true },
	[RG_ORDER_RETAINED] = { retained_of, false },
	[RG_ORDER_ID] = { number_of, true },
	[RG_ORDER_ADDRESS] = { number_of, true }, /* numbers are in the order of addresses */
	[RG_ORDER_TYPE] = { NULL, true },
	[RG_ORDER_MODULE] = { NULL, true },
	[RG_ORDER_NAME] = { NULL, true },
	[RG_ORDER_VALUE] = { NULL, true },
};

/* --- by amount ---------------------------------------------------------------------------- */

struct keyed {
	uint64_t key;
	uint32_t id;
};

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static enum rg_code sort_amounts(
	const struct sorting *sorting, uint32_t *ids, uint64_t n, struct rg_error *err)
{
	const struct field *field = &fields[sorting->order->field];
	bool falls = field->rising == sorting->order->reverse;
	struct keyed *rows = rg_array_new(n, sizeof(*rows));

	if (!rows)
		return rg_nomem(err);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t key = field->amount(sorting, ids[i]);

		rows[i] = (struct keyed){ key != UINT64_MAX && falls ? UINT64_MAX - 1 - key : key,
			ids[i] };
	}
	if (n)
		qsort(rows, n, sizeof(*rows), by_key);
	for (uint64_t i = 0; i < n; i++)
		ids[i] = rows[i].id;
	free(rows);
	return RG_OK;
}

/* --- by text ------------------------------------------------------------------------------ */

static int compare_texts(struct rg_text x, struct rg_text y)
{
	uint32_t shorter = x.length < y.length ? x.length : y.length;
	int order = shorter ? memcmp(x.bytes, y.bytes, shorter) : 0;

	return order ? order : (x.length > y.length) - (x.length < y.length);
}

struct named {
	struct rg_text text;
	uint32_t id;
};

static int by_text(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order;

	if (!x->text.bytes != !y->text.bytes)
		return x->text.bytes ? -1 : 1;
	order = compare_texts(x->text, y->text);
	return order ? order : (x->id > y->id) - (x->id < y->id);
}

/* The other way round, but for those without a text and for ties. */
static int by_text_reversed(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = x->text.bytes && y->text.bytes ? compare_texts(y->text, x->text) : 0;

	return order ? order : by_text(a, b);
}

static enum rg_code sort_texts(
	const struct sorting *sorting, uint32_t *ids, uint64_t n, struct rg_error *err)
{
	struct named *rows = rg_array_new(n, sizeof(*rows));

	if (!rows)
		return rg_nomem(err);
	for (uint64_t i = 0; i < n; i++)
		rows[i] = (struct named){ text_of(sorting->heap, sorting->order->field, ids[i]),
			ids[i] };
	if (n)
		qsort(rows, n, sizeof(*rows), sorting->order->reverse ? by_text_reversed : by_text);
	for (uint64_t i = 0; i < n; i++)
		ids[i] = rows[i].id;
	free(rows);
	return RG_OK;
}

enum rg_code rg_order_sort(const struct rg_heap *heap, const struct rg_order *order, uint32_t *ids,
	uint64_t n, struct rg_error *err)
{
	struct sorting sorting = { heap, order };

	return fields[order->field].amount ? sort_amounts(&sorting, ids, n, err)
					   : sort_texts(&sorting, ids, n, err);
}
