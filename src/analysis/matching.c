#include "src/analysis/matching.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"

#define REFERENCES 16 /* of an object that are compared */
#define ENOUGH 4 /* references to the same addresses that prove it by their number */

enum verdict { DIFFERENT, LIKELY, CERTAIN };

struct compare {
	const struct rg_heap *before, *after;
	struct rg_matching *matching;
};

/* --- types -------------------------------------------------------------------------------- */

static uint64_t type_hash(const struct rg_heap_type *type)
{
	uint64_t hash = rg_hash(type->module.bytes, type->module.length);

	/* a map has no key 0 */
	return rg_hash_with(hash, type->name.bytes, type->name.length) | 1;
}

static enum rg_code match_types(struct compare *compare, struct rg_error *err)
{
	const struct rg_heap *before = compare->before, *after = compare->after;
	struct rg_map names = { 0 };
	bool good = true;

	for (size_t i = 0; good && i < before->n_types; i++)
		if (rg_map_get(&names, type_hash(&before->types[i])) == RG_MAP_NONE)
			good = rg_map_set(&names, type_hash(&before->types[i]), (uint32_t)i);
	for (size_t i = 0; good && i < after->n_types; i++)
		compare->matching->type_before[i] = rg_map_get(&names, type_hash(&after->types[i]));
	rg_map_deinit(&names);
	return good ? RG_OK : rg_nomem(err);
}

/* Two types may share a name: then it is the name that counts. */
static bool same_type(const struct compare *compare, uint32_t b, uint32_t a)
{
	uint32_t known = compare->matching->type_before[compare->after->type[a]];

	return known != RG_MAP_NONE && (known == compare->before->type[b] ||
					       type_hash(&compare->before->types[known]) ==
						       type_hash(rg_heap_type(compare->before, b)));
}

/* --- evidence ----------------------------------------------------------------------------- */

/*
 * The values of KIND of both: CERTAIN where equal, DIFFERENT where not, LIKELY where there are
 * none.
 */
static enum verdict compare_value(
	const struct compare *compare, uint32_t b, uint32_t a, enum rg_value_kind kind)
{
	const struct rg_heap_value *x = rg_heap_value(compare->before, b, kind);
	const struct rg_heap_value *y = rg_heap_value(compare->after, a, kind);

	if (!x || !y)
		return !x && !y ? LIKELY : DIFFERENT;
	return x->text.length == y->text.length &&
			       memcmp(x->text.bytes, y->text.bytes, x->text.length) == 0
		       ? CERTAIN
		       : DIFFERENT;
}

/* A reference to a type says nothing of an object, nor does one to a constant. */
static bool is_telling(const struct rg_heap *heap, uint32_t edge)
{
	return RG_EDGE_KIND(heap->edge[edge]) != RG_KIND_TYPE &&
	       !(heap->flags[heap->target[edge]] & RG_OBJECT_IMMORTAL);
}

/* What the values and names of both say: LIKELY where they have none. */
static enum verdict compare_values(const struct compare *compare, uint32_t b, uint32_t a)
{
	static const enum rg_value_kind kinds[] = { RG_VALUE_STR, RG_VALUE_BYTES, RG_VALUE_NUMBER,
		RG_VALUE_NAME };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		enum verdict verdict = compare_value(compare, b, a, kinds[i]);

		if (verdict != LIKELY)
			return verdict;
	}
	return LIKELY;
}

/* Where two references lead: to the same place, and what lies there. */
static enum verdict compare_reference(
	const struct compare *compare, uint32_t edge_before, uint32_t edge_after)
{
	const struct rg_heap *before = compare->before, *after = compare->after;
	uint32_t b = before->target[edge_before], a = after->target[edge_after];

	if (RG_EDGE_KIND(before->edge[edge_before]) != RG_EDGE_KIND(after->edge[edge_after]) ||
		before->address[b] != after->address[a] || !same_type(compare, b, a))
		return DIFFERENT;
	return compare_values(compare, b, a);
}

/*
 * The first references of both, in their order. What has no value proves little: it may be at the
 * same address by chance, as the same allocations are made again and again.
 */
static enum verdict compare_references(const struct compare *compare, uint32_t b, uint32_t a)
{
	const struct rg_heap *before = compare->before, *after = compare->after;
	uint32_t x = before->offset[b], y = after->offset[a], count[3] = { 0 };

	for (unsigned i = 0;
		i < REFERENCES && x < before->offset[b + 1] && y < after->offset[a + 1];
		i++, x++, y++)
		if (is_telling(before, x) || is_telling(after, y))
			count[compare_reference(compare, x, y)]++;
	/* nothing to compare: the size must do */
	if (!count[DIFFERENT] && !count[LIKELY] && !count[CERTAIN])
		return before->size[b] == after->size[a] ? LIKELY : DIFFERENT;
	if (!count[DIFFERENT])
		return count[CERTAIN] || count[LIKELY] >= ENOUGH ? CERTAIN : LIKELY;
	return count[CERTAIN] * 2 + count[LIKELY] > count[DIFFERENT] * 2 ? LIKELY : DIFFERENT;
}

static enum verdict compare_objects(const struct compare *compare, uint32_t b, uint32_t a)
{
	enum verdict verdict;

	if (!same_type(compare, b, a))
		return DIFFERENT;
	verdict = compare_values(compare, b, a);
	return verdict == LIKELY ? compare_references(compare, b, a) : verdict;
}

/* --- pairs -------------------------------------------------------------------------------- */

static bool same_process(const struct rg_heap *before, const struct rg_heap *after)
{
	int64_t pid = rg_heap_fact_number(before, "pid", -1);

	return pid >= 0 && pid == rg_heap_fact_number(after, "pid", -2);
}

static void match_objects(struct compare *compare)
{
	const struct rg_heap *after = compare->after;
	struct rg_matching *matching = compare->matching;

	for (uint32_t a = 0; a < after->n_objects; a++) {
		uint32_t b = rg_addressmap_find(&compare->before->map, after->address[a]);
		enum verdict verdict = b == RG_NO_ID ? DIFFERENT : compare_objects(compare, b, a);

		matching->before[a] = verdict == DIFFERENT ? RG_NO_ID : b;
		matching->certain += verdict == CERTAIN;
		matching->likely += verdict == LIKELY;
	}
	matching->made = after->n_objects - matching->certain - matching->likely;
	matching->freed = compare->before->n_objects - matching->certain - matching->likely;
}

enum rg_code rg_matching_init(struct rg_matching *matching, const struct rg_heap *before,
	const struct rg_heap *after, struct rg_error *err)
{
	struct compare compare = { before, after, matching };
	enum rg_code code;

	*matching = (struct rg_matching){ .possible = same_process(before, after) };
	matching->before = rg_array_new(after->n_objects, sizeof(*matching->before));
	matching->type_before = rg_array_new(after->n_types, sizeof(*matching->type_before));
	if (!matching->before || !matching->type_before)
		return rg_nomem(err);
	code = match_types(&compare, err);
	if (code)
		return code;
	if (matching->possible) {
		match_objects(&compare);
		/* all values of both were looked at, and few are again */
		rg_bytes_rest(&before->bytes);
		rg_bytes_rest(&after->bytes);
	} else {
		memset(matching->before, 0xff, after->n_objects * sizeof(*matching->before));
	}
	return RG_OK;
}

void rg_matching_deinit(struct rg_matching *matching)
{
	free(matching->before);
	free(matching->type_before);
	*matching = (struct rg_matching){ 0 };
}
