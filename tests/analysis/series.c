/* A series of counts: bounded, with the first and the newest sample, whatever comes and goes. */
#include "src/analysis/series.h"

#include "tests/heap.h"
#include "tests/tap.h"

#define CAPTURES 5000
#define LATE 700 /* the capture in which a type comes */

enum { GROWING, CONSTANT, COMING, TYPES };

static const char *const names[TYPES] = { "Growing", "Constant", "Coming" };

static void make_heap(struct rg_heap *heap)
{
	struct made made;

	made_open(&made);
	for (uint32_t i = 0; i < TYPES; i++)
		made_type(&made, names[i], i);
	for (uint32_t i = 0; i < TYPES; i++)
		made_object(&made, i + 1, i, 1, RG_GEN_0);
	made_load(&made, heap);
}

/* How many of a type capture NUMBER has. */
static uint64_t expected(uint32_t type, uint64_t number)
{
	return type == GROWING ? 7 * number : type == CONSTANT ? 3 : number < LATE ? 0 : number;
}

static void add(struct rg_series *series, const struct rg_heap *heap, uint64_t number)
{
	struct rg_series_sample sample = { .time = (double)number, .rss = number << 12 };
	struct rg_type_sum rows[TYPES + 1];
	struct rg_type_sums sums = { .rows = rows };

	for (uint32_t i = 0; i < TYPES; i++) {
		uint64_t count = expected(i, number);

		if (count == 0)
			continue;
		rows[sums.count++] = (struct rg_type_sum){ i, count, 10 * count };
		sums.objects += count;
		sums.size += 10 * count;
	}
	/* another type of the same name */
	if (sums.count && rows[0].type == GROWING) {
		rows[0].count--;
		rows[sums.count++] = (struct rg_type_sum){ GROWING, 1, 0 };
	}
	ck_assert(!rg_series_add(series, heap, &sums, sample, NULL));
}

static const struct rg_series_type *find(const struct rg_series *series, uint32_t type)
{
	for (size_t i = 0; i < series->n_types; i++)
		if (strstr(series->types[i].name, names[type]))
			return &series->types[i];
	return NULL;
}

static void check(const struct rg_series *series, uint64_t newest)
{
	ck_assert_uint_le(series->n, RG_SERIES_MOST);
	ck_assert_uint_eq(series->taken, newest + 1);
	/* half of what there is room for, at least, once it was full */
	ck_assert(series->n == series->taken || series->n >= RG_SERIES_MOST / 2);
	for (size_t i = 0; i < series->n; i++) {
		uint64_t number = (uint64_t)series->samples[i].time;

		ck_assert_uint_eq(number, i + 1 < series->n ? i * series->stride : newest);
		ck_assert_uint_eq(series->samples[i].rss, number << 12);
		for (uint32_t type = 0; type < TYPES; type++) {
			const struct rg_series_type *row = find(series, type);

			ck_assert_uint_eq(
				row ? rg_series_count(row, i) : 0, expected(type, number));
		}
	}
}

START_TEST(bounded)
{
	struct rg_series *series = calloc(1, sizeof(*series));
	struct rg_heap heap;

	make_heap(&heap);
	for (uint64_t number = 0; number < CAPTURES; number++) {
		add(series, &heap, number);
		if (number % 97 == 0 || number < 3 || number + 3 > CAPTURES)
			check(series, number);
	}
	ck_assert_uint_eq(series->n_types, TYPES);
	ck_assert_ptr_null(find(series, CONSTANT)->counts);
	ck_assert_uint_eq(find(series, GROWING)->size_last, 70 * (CAPTURES - 1));
	ck_assert_str_eq(find(series, COMING)->module, "test");
	rg_series_deinit(series);
	rg_series_deinit(series);
	rg_heap_deinit(&heap);
	free(series);
}
END_TEST

TEST_MAIN("series", bounded)
