#include "src/analysis/newcycles.h"

#include <pthread.h>
#include <stdlib.h>

#include "heapdump/base/array.h"

static struct rg_cycle_sum *sum_of(struct rg_new_cycles *found, uint64_t signature)
{
	uint32_t number = rg_map_get(&found->numbers, signature | 1);

	return number == RG_MAP_NONE ? NULL : &found->sums[number];
}

static struct rg_cycle_sum *make_sum(struct rg_new_cycles *found, uint64_t signature)
{
	struct rg_cycle_sum *sum = sum_of(found, signature);

	if (sum)
		return sum;
	sum = RG_PUSH(found->sums, found->n_sums, found->capacity);
	if (!sum || !rg_map_set(&found->numbers, signature | 1, (uint32_t)found->n_sums - 1))
		return NULL;
	*sum = (struct rg_cycle_sum){ 0, 0 };
	return sum;
}

/* Note the cycles of the earlier heap. */
static enum rg_code add_before(
	struct rg_new_cycles *found, const struct rg_cycles *cycles, struct rg_error *err)
{
	for (size_t i = 0; i < cycles->n_groups; i++) {
		const struct rg_cycle_group *group = &cycles->groups[i];
		struct rg_cycle_sum *sum = make_sum(found, group->signature);

		if (!sum)
			return rg_nomem(err);
		sum->cycles += group->alike;
		sum->size += group->size_all;
	}
	return RG_OK;
}

static int by_bytes(const void *a, const void *b)
{
	const struct rg_new_cycle *x = a, *y = b;
	int64_t p = (int64_t)(x->size_after - x->size_before);
	int64_t q = (int64_t)(y->size_after - y->size_before);

	if (p != q)
		return p > q ? -1 : 1;
	return (x->group > y->group) - (x->group < y->group);
}

/* Fill the rows from those of the later one. */
static enum rg_code add_after(
	struct rg_new_cycles *found, const struct rg_cycles *cycles, struct rg_error *err)
{
	found->rows = rg_array_new(cycles->n_groups, sizeof(*found->rows));
	if (!found->rows)
		return rg_nomem(err);
	for (size_t i = 0; i < cycles->n_groups; i++) {
		const struct rg_cycle_group *group = &cycles->groups[i];
		struct rg_cycle_sum *sum = sum_of(found, group->signature);
		struct rg_cycle_sum known = sum ? *sum : (struct rg_cycle_sum){ 0, 0 };

		if (group->alike > known.cycles)
			found->rows[found->count++] = (struct rg_new_cycle){ i, known.cycles,
				group->alike, known.size, group->size_all };
		/* the same pattern, living and garbage, has two groups: what was is counted once */
		if (sum) {
			sum->cycles -= group->alike < sum->cycles ? group->alike : sum->cycles;
			sum->size -= group->size_all < sum->size ? group->size_all : sum->size;
		}
	}
	if (found->count)
		qsort(found->rows, found->count, sizeof(*found->rows), by_bytes);
	return RG_OK;
}

/* The search for the cycles of one heap. */
struct search {
	const struct rg_heap *heap;
	struct rg_cycles_options options;
	struct rg_cycles cycles;
	struct rg_error err;
	enum rg_code code;
};

static void *search_cycles(void *context)
{
	struct search *search = context;

	search->code = rg_cycles_init(
		&search->cycles, search->heap, &search->options, &search->err);
	return NULL;
}

/* Both at once: neither has to do with the other. */
static enum rg_code search_both(struct search *before, struct search *after, struct rg_error *err)
{
	pthread_t thread;
	bool apart = pthread_create(&thread, NULL, search_cycles, before) == 0;

	if (!apart)
		search_cycles(before);
	search_cycles(after);
	if (apart)
		pthread_join(thread, NULL);
	if (before->code || after->code)
		*err = before->code ? before->err : after->err;
	return before->code ? before->code : after->code;
}

enum rg_code rg_new_cycles_init(struct rg_new_cycles *found, const struct rg_heap *before,
	const struct rg_heap *after, const struct rg_cycles_options *options,
	struct rg_cycles *cycles_ret, struct rg_error *err)
{
	struct search early = { .heap = before, .options = *options };
	struct search late = { .heap = after, .options = *options };
	enum rg_code code;

	*found = (struct rg_new_cycles){ 0 };
	early.options.selected = NULL;
	code = search_both(&early, &late, err);
	if (!code)
		code = add_before(found, &early.cycles, err);
	rg_cycles_deinit(&early.cycles);
	if (!code)
		code = add_after(found, &late.cycles, err);
	if (code) {
		rg_new_cycles_deinit(found);
		rg_cycles_deinit(&late.cycles);
	}
	*cycles_ret = late.cycles;
	return code;
}

void rg_new_cycles_deinit(struct rg_new_cycles *found)
{
	free(found->rows);
	free(found->sums);
	rg_map_deinit(&found->numbers);
	*found = (struct rg_new_cycles){ 0 };
}
