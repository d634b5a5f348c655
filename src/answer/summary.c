#include "src/answer/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "src/answer/rows.h"
#include "src/heap/label.h"

/* --- descriptions ------------------------------------------------------------------------- */

static const struct rg_field stat_fields[] = {
	RG_FIELD(rg_answer_gc_stat, collections, RG_COUNT, NULL, "how many so far"),
	RG_FIELD(rg_answer_gc_stat, collected, RG_COUNT, NULL, "objects freed by them"),
	RG_FIELD(rg_answer_gc_stat, uncollectable, RG_COUNT, NULL, "objects they could not free"),
};
static const struct rg_record stat_record = RG_RECORD_OF(rg_answer_gc_stat, stat_fields);

static const struct rg_field gc_fields[] = {
	RG_FIELD(rg_answer_gc, enabled, RG_FLAG, NULL, "gc.isenabled()"),
	RG_FIELD(rg_answer_gc, thresholds, RG_COUNTS, NULL, "gc.get_threshold()"),
	RG_FIELD(rg_answer_gc, counts, RG_COUNTS, NULL, "gc.get_count()"),
	RG_FIELD_OF(rg_answer_gc, stats, RG_ROWS, &stat_record, "gc.get_stats()"),
};
static const struct rg_record gc_record = RG_RECORD_OF(rg_answer_gc, gc_fields);

static const struct rg_field runtime_fields[] = {
	RG_FIELD(rg_answer_runtime, version, RG_TEXT, NULL, "such as 3.11.2"),
	RG_FIELD_FLAGGED(rg_answer_runtime, pid, RG_OPTIONAL, RG_VOLATILE, NULL, "of the process"),
	RG_FIELD_FLAGGED(rg_answer_runtime, inner_pid, RG_OPTIONAL, RG_VOLATILE, NULL,
		"its pid in the pid namespace that it was in, null where that is unknown or ours"),
	RG_FIELD_FLAGGED(rg_answer_runtime, argv, RG_TEXT, RG_VOLATILE, NULL, "command line"),
	RG_FIELD_FLAGGED(rg_answer_runtime, rss, RG_OPTIONAL, RG_VOLATILE, NULL, "resident bytes"),
	RG_FIELD_OF(rg_answer_runtime, gc, RG_RECORD, &gc_record, "the collector"),
};
static const struct rg_record runtime_record = RG_RECORD_OF(rg_answer_runtime, runtime_fields);

static const struct rg_field root_fields[] = {
	RG_FIELD(rg_answer_root_count, kind, RG_TEXT, "ROOTS", "kind of root"),
	RG_FIELD(rg_answer_root_count, count, RG_COUNT, "COUNT", "how many"),
};
const struct rg_record rg_record_root_count = RG_RECORD_OF(rg_answer_root_count, root_fields);

static const struct rg_field file_fields[] = {
	RG_FIELD_FLAGGED(rg_answer_file, size, RG_BYTES, RG_VOLATILE, NULL, "of the snapshot"),
	{ "bytes_per_object", RG_NUMBER, offsetof(struct rg_answer_file, bytes_per_object), NULL,
		RG_VOLATILE, NULL, "of the snapshot" },
};
static const struct rg_record file_record = RG_RECORD_OF(rg_answer_file, file_fields);

static const struct rg_field info_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_info),
	RG_FIELD_OF(rg_answer_info, runtime, RG_RECORD, &runtime_record, "what was captured"),
	RG_FIELD_OF(rg_answer_info, generations, RG_LIST, &rg_record_generation,
		"objects of each generation"),
	RG_FIELD_OF(rg_answer_info, roots, RG_LIST, &rg_record_root_count, "roots of each kind"),
	RG_FIELD_OF(rg_answer_info, file, RG_RECORD, &file_record, "the snapshot"),
};
static const struct rg_record info_record = RG_RECORD_OF(rg_answer_info, info_fields);
const struct rg_answer rg_answer_info = { "info", &info_record };

static const struct rg_field types_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_types),
	RG_FIELD_OF(rg_answer_types, types, RG_LIST, &rg_record_typeshare, "most bytes first"),
};
static const struct rg_record types_record = RG_RECORD_OF(rg_answer_types, types_fields);
const struct rg_answer rg_answer_types = { "types", &types_record };

static const struct rg_field row_fields[] = {
	RG_FIELD(rg_answer_generation_row, generation, RG_TEXT, "GENERATION",
		"0 1 2 permanent untracked"),
	RG_FIELD(rg_answer_generation_row, objects, RG_COUNT, "OBJECTS", "objects in it"),
	RG_FIELD(rg_answer_generation_row, size, RG_BYTES, "SIZE", "their bytes"),
	RG_FIELD(rg_answer_generation_row, cycles, RG_COUNT, "CYCLES",
		"cycles whose oldest member is in it"),
	RG_FIELD(rg_answer_generation_row, threshold, RG_OPTIONAL, "THRESHOLD",
		"when it is collected"),
	RG_FIELD(rg_answer_generation_row, count, RG_OPTIONAL, "COUNT", "how far it is"),
	RG_FIELD_OF(rg_answer_generation_row, types, RG_LIST, &rg_record_type, "most bytes first"),
};
const struct rg_record rg_record_generation_row = RG_RECORD_OF(
	rg_answer_generation_row, row_fields);

static const struct rg_field generations_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_generations),
	RG_FIELD_OF(rg_answer_generations, generations, RG_LIST, &rg_record_generation_row,
		"youngest first"),
};
static const struct rg_record generations_record = RG_RECORD_OF(
	rg_answer_generations, generations_fields);
const struct rg_answer rg_answer_generations = { "generations", &generations_record };

/* --- info --------------------------------------------------------------------------------- */

static uint64_t gc_fact(const struct rg_heap *heap, const char *name, unsigned i)
{
	char key[64];
	int64_t value;

	snprintf(key, sizeof(key), "gc.%s.%u", name, i);
	value = rg_heap_fact_number(heap, key, -1);
	return value < 0 ? RG_NOTHING : (uint64_t)value;
}

static void fill_numbers(
	struct rg_list *list, const struct rg_heap *heap, const char *name, struct rg_arena *arena)
{
	uint64_t *rows = rg_answer_rows(list, 3, 3, sizeof(*rows), arena);

	for (unsigned i = 0; rows && i < 3; i++)
		rows[i] = gc_fact(heap, name, i);
}

static struct rg_answer_gc *gc_new(const struct rg_heap *heap, struct rg_arena *arena)
{
	struct rg_answer_gc *gc = rg_arena_new(arena, 1, sizeof(*gc));
	struct rg_answer_gc_stat *rows;

	if (!gc || rg_heap_fact_number(heap, "gc.enabled", -1) < 0)
		return NULL;
	gc->enabled = rg_heap_fact_number(heap, "gc.enabled", 0) != 0;
	fill_numbers(&gc->thresholds, heap, "threshold", arena);
	fill_numbers(&gc->counts, heap, "count", arena);
	rows = rg_answer_rows(&gc->stats, 3, 3, sizeof(*rows), arena);
	for (unsigned i = 0; rows && i < 3; i++)
		rows[i] = (struct rg_answer_gc_stat){ gc_fact(heap, "collections", i),
			gc_fact(heap, "collected", i), gc_fact(heap, "uncollectable", i) };
	return gc;
}

static const char *text_fact(const struct rg_heap *heap, const char *key, struct rg_arena *arena)
{
	struct rg_text text = rg_heap_fact_text(heap, key);

	return text.length ? rg_arena_text(arena, text.bytes, text.length) : NULL;
}

static void fill_generations(
	struct rg_list *list, const struct rg_heap *heap, struct rg_arena *arena)
{
	struct rg_answer_generation *rows = rg_answer_rows(
		list, RG_GEN_COUNT, RG_GEN_COUNT, sizeof(*rows), arena);

	for (unsigned g = 0; rows && g < RG_GEN_COUNT; g++)
		rows[g].generation = rg_generation_names[g];
	for (uint32_t id = 0; rows && id < heap->n_objects; id++) {
		rows[rg_heap_generation(heap, id)].objects++;
		rows[rg_heap_generation(heap, id)].size += heap->size[id];
	}
}

static void fill_roots(struct rg_list *list, const struct rg_heap *heap, struct rg_arena *arena)
{
	struct rg_answer_root_count *rows = rg_answer_rows(
		list, RG_ROOT_KIND_COUNT, RG_ROOT_KIND_COUNT, sizeof(*rows), arena);

	for (unsigned kind = 0; rows && kind < RG_ROOT_KIND_COUNT; kind++)
		rows[kind].kind = rg_root_names[kind];
	for (size_t i = 0; rows && i < heap->n_roots; i++)
		rows[heap->roots[i].kind].count++;
}

enum rg_code rg_answer_info_init(struct rg_answer_info *answer, const struct rg_heap *heap,
	const struct rg_answer_origin *origin, struct rg_arena *arena, struct rg_error *err)
{
	int64_t pid = rg_heap_fact_number(heap, "pid", -1);
	int64_t inner_pid = rg_heap_fact_number(heap, "pid.inner", -1);
	int64_t rss = rg_heap_fact_number(heap, "rss", -1);

	rg_answer_envelope_init(&answer->envelope, heap, origin, arena);
	answer->runtime = rg_arena_new(arena, 1, sizeof(*answer->runtime));
	answer->file = rg_arena_new(arena, 1, sizeof(*answer->file));
	if (arena->failed)
		return rg_nomem(err);
	*answer->runtime = (struct rg_answer_runtime){ .version = text_fact(heap, "version", arena),
		.argv = text_fact(heap, "argv", arena),
		.pid = pid < 0 ? RG_NOTHING : (uint64_t)pid,
		.inner_pid = inner_pid < 0 ? RG_NOTHING : (uint64_t)inner_pid,
		.rss = rss < 0 ? RG_NOTHING : (uint64_t)rss,
		.gc = gc_new(heap, arena) };
	answer->file->size = heap->bytes.size;
	answer->file->bytes_per_object = heap->n_objects
						 ? (double)heap->bytes.size / heap->n_objects
						 : 0;
	fill_generations(&answer->generations, heap, arena);
	fill_roots(&answer->roots, heap, arena);
	return arena->failed ? rg_nomem(err) : RG_OK;
}

/* --- types -------------------------------------------------------------------------------- */

/* A class of the program rather than of Python: what one asks about next. */
static bool is_own_class(const struct rg_heap_type *type)
{
	return type->flags & RG_TYPE_HEAP && !(type->flags & RG_TYPE_METATYPE) &&
	       type->module.length > 0 && *type->module.bytes != '_' &&
	       !rg_text_is(type->module, "builtins");
}

enum rg_code rg_answer_types_init(struct rg_answer_types *answer, const struct rg_heap *heap,
	const struct rg_answer_origin *origin, const struct rg_bitset *selected, uint64_t limit,
	struct rg_arena *arena, struct rg_error *err)
{
	struct rg_type_sums sums;
	enum rg_code code = rg_type_sums_init(&sums, heap, selected, origin->raw, err);

	if (code)
		return code;
	rg_answer_envelope_init(&answer->envelope, heap, origin, arena);
	rg_rows_types(&answer->types, heap, &sums, sums.size, limit, arena);
	for (size_t i = 0; i < sums.count && !answer->heaviest; i++)
		if (is_own_class(&heap->types[sums.rows[i].type]))
			answer->heaviest = rg_label_type(heap, sums.rows[i].type, arena);
	rg_type_sums_deinit(&sums);
	return arena->failed ? rg_nomem(err) : RG_OK;
}

static void fill_group(struct rg_answer_type *row, const struct rg_groups *groups, unsigned by,
	const struct rg_group *group, struct rg_arena *arena)
{
	*row = (struct rg_answer_type){ .type_id = RG_NOTHING,
		.count = group->count,
		.size = group->size,
		.share = groups->size ? (double)group->size / (double)groups->size : 0 };
	for (int i = 0; i < RG_GROUPING_COUNT; i++)
		if (by >> i & 1)
			row->grouped[i] = rg_groups_label(
				groups, (enum rg_grouping)i, group->first, arena);
	row->type = row->grouped[RG_GROUP_TYPE];
	row->module = row->grouped[RG_GROUP_MODULE];
	if (row->type)
		row->type_id = groups->heap->type[group->first];
}

enum rg_code rg_answer_types_by(struct rg_answer_types *answer, const struct rg_heap *heap,
	unsigned by, const struct rg_answer_origin *origin, const struct rg_bitset *selected,
	uint64_t limit, struct rg_arena *arena, struct rg_error *err)
{
	struct rg_answer_type *rows;
	struct rg_groups groups;
	enum rg_code code = rg_groups_init(&groups, heap, by, selected, origin->raw, err);

	if (!code) {
		rg_answer_envelope_init(&answer->envelope, heap, origin, arena);
		rows = rg_answer_rows(&answer->types, groups.n < limit ? groups.n : limit, groups.n,
			sizeof(*rows), arena);
		for (uint64_t i = 0; rows && i < answer->types.shown; i++)
			fill_group(&rows[i], &groups, by, &groups.rows[i], arena);
		if (arena->failed)
			code = rg_nomem(err);
	}
	rg_groups_deinit(&groups);
	return code;
}

/* --- generations -------------------------------------------------------------------------- */

/* Older than: permanent, 2, 1, 0, untracked. */
static int age(enum rg_generation generation)
{
	return generation == RG_GEN_UNTRACKED ? -1 : (int)generation;
}

static void count_cycles(struct rg_answer_generation_row *rows, const struct rg_cycles *cycles)
{
	for (size_t g = 0; g < cycles->n_groups; g++)
		for (size_t i = 0; i < cycles->groups[g].n_components; i++) {
			enum rg_generation oldest = RG_GEN_UNTRACKED;
			uint32_t n;
			const uint32_t *members = rg_cycle_members(
				cycles, cycles->groups[g].components[i], &n);

			for (uint32_t k = 0; k < n; k++) {
				enum rg_generation its = rg_heap_generation(
					cycles->heap, members[k]);

				oldest = age(its) > age(oldest) ? its : oldest;
			}
			rows[oldest].cycles++;
		}
}

static enum rg_code fill_row(struct rg_answer_generation_row *row, enum rg_generation generation,
	const struct rg_heap *heap, bool raw, uint64_t limit, struct rg_arena *arena,
	struct rg_error *err)
{
	uint32_t *ids = rg_array_new(heap->n_objects, sizeof(*ids)), n = 0;
	struct rg_type_sums sums = { 0 };
	enum rg_code code;

	for (uint32_t id = 0; ids && id < heap->n_objects; id++)
		if (rg_heap_generation(heap, id) == generation) {
			row->size += heap->size[id];
			ids[n++] = id;
		}
	code = ids ? rg_type_sums_of(&sums, heap, ids, n, raw, err) : rg_nomem(err);
	if (!code) {
		row->generation = rg_generation_names[generation];
		row->objects = n;
		row->threshold = row->count = RG_NOTHING;
		if (generation <= RG_GEN_2) {
			row->threshold = gc_fact(heap, "threshold", generation);
			row->count = gc_fact(heap, "count", generation);
		}
		rg_rows_types(&row->types, heap, &sums, sums.size, limit, arena);
	}
	rg_type_sums_deinit(&sums);
	free(ids);
	return code;
}

enum rg_code rg_answer_generations_init(struct rg_answer_generations *answer,
	const struct rg_cycles *cycles, const struct rg_answer_origin *origin, uint64_t limit,
	struct rg_arena *arena, struct rg_error *err)
{
	struct rg_answer_generation_row *rows = rg_answer_rows(
		&answer->generations, RG_GEN_COUNT, RG_GEN_COUNT, sizeof(*rows), arena);
	enum rg_code code = rows ? RG_OK : rg_nomem(err);

	rg_answer_envelope_init(&answer->envelope, cycles->heap, origin, arena);
	for (unsigned g = 0; !code && g < RG_GEN_COUNT; g++)
		code = fill_row(&rows[g], g, cycles->heap, true, limit, arena, err);
	if (!code)
		count_cycles(rows, cycles);
	return !code && arena->failed ? rg_nomem(err) : code;
}
