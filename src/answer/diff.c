#include "src/answer/diff.h"

#include "src/analysis/signature.h"
#include "src/answer/cycles.h"
#include "src/answer/rows.h"
#include "src/heap/label.h"

/* --- descriptions ------------------------------------------------------------------------- */

static const struct rg_field matching_fields[] = {
	RG_FIELD(rg_answer_matching, certain, RG_OPTIONAL, NULL,
		"objects of both snapshots: address, type and content agree; null where the "
		"snapshots are of two processes"),
	RG_FIELD(rg_answer_matching, likely, RG_OPTIONAL, NULL,
		"objects of both: what they hold has changed in part, or says nothing"),
	{ "new", RG_OPTIONAL, offsetof(struct rg_answer_matching, made), NULL, 0, NULL,
		"objects of the last snapshot alone" },
	RG_FIELD(rg_answer_matching, freed, RG_OPTIONAL, NULL, "objects of the first alone"),
};
static const struct rg_record matching_record = RG_RECORD_OF(rg_answer_matching, matching_fields);

static const struct rg_field type_fields[] = {
	RG_FIELD(rg_answer_grown_type, size_delta, RG_DELTA_BYTES, "BYTES", "bytes more or fewer"),
	RG_FIELD(rg_answer_grown_type, delta, RG_DELTA, "OBJECTS", "objects more or fewer"),
	RG_FIELD(rg_answer_grown_type, before, RG_COUNT, "BEFORE", "objects in the first snapshot"),
	RG_FIELD(rg_answer_grown_type, after, RG_COUNT, "AFTER", "objects in the last"),
	{ "new", RG_COUNT, offsetof(struct rg_answer_grown_type, made), NULL, 0, "NEW",
		"objects of the last alone" },
	RG_FIELD(rg_answer_grown_type, freed, RG_COUNT, "FREED", "objects of the first alone"),
	RG_FIELD(rg_answer_grown_type, type, RG_TEXT, "TYPE", "its name, with the module"),
	RG_FIELD(rg_answer_grown_type, module, RG_TEXT, NULL, "its module"),
	RG_FIELD(rg_answer_grown_type, size_before, RG_BYTES, NULL, "their bytes in the first"),
	RG_FIELD(rg_answer_grown_type, size_after, RG_BYTES, NULL, "their bytes in the last"),
};
const struct rg_record rg_record_grown_type = RG_RECORD_OF(rg_answer_grown_type, type_fields);

static const struct rg_field path_fields[] = {
	RG_FIELD(rg_answer_grown_path, signature, RG_TEXT, NULL,
		"of the path: the same in every run of the program, on any machine"),
	RG_FIELD(rg_answer_grown_path, size_delta, RG_DELTA_BYTES, NULL,
		"bytes more, with what hangs on these objects"),
	RG_FIELD(rg_answer_grown_path, delta, RG_DELTA, NULL, "objects more"),
	RG_FIELD(rg_answer_grown_path, before, RG_COUNT, NULL, "objects so held in the first"),
	RG_FIELD(rg_answer_grown_path, after, RG_COUNT, NULL, "objects so held in the last"),
	RG_FIELD(rg_answer_grown_path, steady, RG_SHARE, NULL,
		"of the objects of the type that came or went, how many stayed"),
	RG_FIELD(rg_answer_grown_path, type, RG_TEXT, NULL, "of these objects"),
	RG_FIELD(rg_answer_grown_path, path, RG_TEXT, NULL, "one of them, as an expression"),
	RG_FIELD_OF(rg_answer_grown_path, chain, RG_RECORD, &rg_record_chain, "object by object"),
};
const struct rg_record rg_record_grown_path = RG_RECORD_OF(rg_answer_grown_path, path_fields);

static const struct rg_field cycle_fields[] = {
	RG_FIELD(rg_answer_new_cycle, size_delta, RG_DELTA_BYTES, "BYTES", "bytes more"),
	RG_FIELD(rg_answer_new_cycle, delta, RG_DELTA, "CYCLES", "cycles more"),
	RG_FIELD(rg_answer_new_cycle, before, RG_COUNT, "BEFORE", "cycles in the first snapshot"),
	RG_FIELD(rg_answer_new_cycle, after, RG_COUNT, "AFTER", "cycles in the last"),
	{ "made_of", RG_TEXT, offsetof(struct rg_answer_new_cycle, gist), NULL, 0, "MADE OF",
		"types of one" },
	RG_FIELD(rg_answer_new_cycle, signature, RG_TEXT, NULL, "of the pattern, on any machine"),
	RG_FIELD(rg_answer_new_cycle, garbage, RG_FLAG, NULL, "the collector finds it dead"),
	RG_FIELD(rg_answer_new_cycle, held_by, RG_TEXT, NULL, "what keeps one of them alive"),
	{ "break", RG_LIST, offsetof(struct rg_answer_new_cycle, breaks), &rg_record_break, 0, NULL,
		"references without which no cycle is left" },
};
const struct rg_record rg_record_new_cycle = RG_RECORD_OF(rg_answer_new_cycle, cycle_fields);

static const struct rg_field peak_fields[] = {
	RG_FIELD(rg_answer_peak, over, RG_COUNT, "OVER PEAK", "objects more than ever before"),
	RG_FIELD(rg_answer_peak, count, RG_COUNT, "NOW", "objects in the last snapshot"),
	RG_FIELD(rg_answer_peak, type, RG_TEXT, "TYPE", "its name, with the module"),
	RG_FIELD(rg_answer_peak, module, RG_TEXT, NULL, "its module"),
};
const struct rg_record rg_record_peak = RG_RECORD_OF(rg_answer_peak, peak_fields);

static const struct rg_field diff_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_diff),
	RG_FIELD_OF(rg_answer_diff, sources, RG_ROWS, &rg_record_source,
		"the snapshots, the earliest first"),
	RG_FIELD_OF(rg_answer_diff, matching, RG_RECORD, &matching_record,
		"how objects of the first and the last snapshot were told to be the same"),
	RG_FIELD(rg_answer_diff, delta, RG_DELTA, NULL, "objects more or fewer"),
	RG_FIELD(rg_answer_diff, size_delta, RG_DELTA_BYTES, NULL, "bytes more or fewer"),
	RG_FIELD_OF(rg_answer_diff, types, RG_LIST, &rg_record_grown_type,
		"types that changed, those that grew most first"),
	RG_FIELD_OF(rg_answer_diff, growth, RG_LIST, &rg_record_grown_path,
		"who holds what grew, by path, most bytes first"),
	RG_FIELD_OF(rg_answer_diff, cycles, RG_LIST, &rg_record_new_cycle,
		"cycles by pattern: which appeared, and of which there are more"),
	RG_FIELD_OF(rg_answer_diff, peaks, RG_LIST, &rg_record_peak,
		"of three snapshots or more: types of which there are more than in any before"),
	RG_FIELD_OF(rg_answer_diff, survivors, RG_LIST, &rg_record_type,
		"of three snapshots or more: in the second and the last, and not in the first"),
};
static const struct rg_record diff_record = RG_RECORD_OF(rg_answer_diff, diff_fields);
const struct rg_answer rg_answer_diff = { "diff", &diff_record };

/* --- filling ------------------------------------------------------------------------------ */

static void fill_sources(
	struct rg_answer_diff *answer, const struct rg_diff *diff, struct rg_arena *arena)
{
	uint64_t n = diff->n_sources;
	struct rg_answer_source *rows = rg_answer_rows(
		&answer->sources, n, n, sizeof(*rows), arena);

	for (uint64_t i = 0; rows && i < n; i++)
		rows[i] = diff->sources[i];
	rg_answer_envelope_init(
		&answer->envelope, diff->heaps[diff->n - 1], diff->origins[diff->n - 1], arena);
}

bool rg_answer_new_cycle_fill(struct rg_answer_new_cycle *row, const struct rg_new_cycle *cycle,
	const struct rg_cycles *cycles, struct rg_arena *arena, struct rg_error *err)
{
	const struct rg_answer_cycle *shown = rg_answer_cycle_new(cycles, cycle->group, arena, err);

	if (!shown)
		return false;
	*row = (struct rg_answer_new_cycle){ .signature = shown->signature,
		.gist = shown->gist,
		.held_by = shown->holder,
		.before = cycle->before,
		.after = cycle->after,
		.delta = (int64_t)(cycle->after - cycle->before),
		.size_delta = (int64_t)(cycle->size_after - cycle->size_before),
		.garbage = shown->garbage,
		.breaks = shown->breaks };
	return true;
}

static void fill_peaks(struct rg_answer_diff *answer, const struct rg_diff *diff, uint64_t limit,
	struct rg_arena *arena)
{
	const struct rg_heap *heap = diff->heaps[diff->n - 1];
	uint64_t of = diff->peaks ? diff->peaks->n_rows : 0;
	struct rg_answer_peak *rows = rg_answer_rows(
		&answer->peaks, of < limit ? of : limit, of, sizeof(*rows), arena);

	for (uint64_t i = 0; rows && i < answer->peaks.shown; i++) {
		const struct rg_peak *peak = &diff->peaks->rows[i];
		struct rg_text module = heap->types[peak->type].module;

		rows[i] = (struct rg_answer_peak){ .type = rg_label_type(heap, peak->type, arena),
			.module = rg_arena_text(arena, module.bytes, module.length),
			.count = peak->count,
			.over = peak->over };
	}
}

static struct rg_answer_matching *matching_new(
	const struct rg_matching *matching, struct rg_arena *arena)
{
	struct rg_answer_matching *made = rg_arena_new(arena, 1, sizeof(*made));

	if (made)
		*made = matching->possible ? (struct rg_answer_matching){ matching->certain,
			matching->likely, matching->made, matching->freed }
					   : (struct rg_answer_matching){ RG_NOTHING, RG_NOTHING,
						     RG_NOTHING, RG_NOTHING };
	return made;
}

static void fill_types(struct rg_answer_diff *answer, const struct rg_diff *diff, uint64_t limit,
	struct rg_arena *arena)
{
	const struct rg_heap *before = diff->heaps[0], *after = diff->heaps[diff->n - 1];
	uint64_t of = diff->growth->n_types;
	struct rg_answer_grown_type *rows = rg_answer_rows(
		&answer->types, of < limit ? of : limit, of, sizeof(*rows), arena);

	for (uint64_t i = 0; rows && i < answer->types.shown; i++) {
		const struct rg_grown_type *row = &diff->growth->types[i];
		bool gone = row->after_type == RG_NO_ID;
		const struct rg_heap *heap = gone ? before : after;
		uint32_t type = gone ? row->before_type : row->after_type;
		struct rg_text module = heap->types[type].module;

		rows[i] = (struct rg_answer_grown_type){ .type = rg_label_type(heap, type, arena),
			.module = rg_arena_text(arena, module.bytes, module.length),
			.before = row->before,
			.after = row->after,
			.made = row->made,
			.freed = row->freed,
			.size_before = row->size_before,
			.size_after = row->size_after,
			.delta = (int64_t)(row->after - row->before),
			.size_delta = (int64_t)(row->size_after - row->size_before) };
	}
}

static enum rg_code fill_growth(struct rg_answer_diff *answer, const struct rg_diff *diff,
	uint64_t limit, struct rg_arena *arena, struct rg_error *err)
{
	const struct rg_heap *heap = diff->heaps[diff->n - 1];
	uint64_t of = diff->growth->n_paths;
	uint64_t most = diff->all ? of : diff->growth->n_remarkable;
	struct rg_answer_grown_path *rows = rg_answer_rows(
		&answer->growth, most < limit ? most : limit, of, sizeof(*rows), arena);

	for (uint64_t i = 0; rows && i < answer->growth.shown; i++) {
		const struct rg_grown_path *path = &diff->growth->paths[i];
		struct rg_answer_chain *chain = rg_chain_new(
			heap, &diff->growth->chains, path->example, diff->raw, arena, NULL);

		if (arena->failed)
			return rg_nomem(err);
		rows[i] = (struct rg_answer_grown_path){ .path = chain ? chain->path
								       : "held from C",
			.type = rg_label_type(heap, heap->type[path->example], arena),
			.before = path->before,
			.after = path->after,
			.delta = (int64_t)(path->after - path->before),
			.size_delta = path->below,
			.steady = path->steady,
			.chain = chain };
	}
	return RG_OK;
}

/* What names the rows of growth, as `leaks` names them. */
static enum rg_code sign_growth(struct rg_answer_diff *answer, const struct rg_diff *diff,
	struct rg_arena *arena, struct rg_error *err)
{
	const struct rg_heap *heap = diff->heaps[diff->n - 1];
	struct rg_answer_grown_path *rows = answer->growth.rows;
	struct rg_traits traits;
	struct rg_signer signer;
	struct rg_signature signature;
	enum rg_code code = rg_traits_init(&traits, heap, err);

	if (code)
		return code;
	rg_signer_init(&signer, heap, &traits);
	for (uint64_t i = 0; rows && !code && i < answer->growth.shown; i++) {
		code = rg_signature_chain(&signer, &diff->growth->chains,
			diff->growth->paths[i].example, &signature, err);
		rows[i].signature = rg_arena_print(
			arena, "%016llx", (unsigned long long)signature.whole);
	}
	rg_signer_deinit(&signer);
	rg_traits_deinit(&traits);
	return code;
}

enum rg_code rg_answer_diff_init(struct rg_answer_diff *answer, const struct rg_diff *diff,
	uint64_t limit, struct rg_arena *arena, struct rg_error *err)
{
	const struct rg_heap *before = diff->heaps[0], *after = diff->heaps[diff->n - 1];
	enum rg_code code;

	fill_sources(answer, diff, arena);
	answer->matching = matching_new(diff->matching, arena);
	answer->delta = (int64_t)after->n_objects - (int64_t)before->n_objects;
	answer->size_delta = (int64_t)(after->total_size - before->total_size);
	fill_types(answer, diff, limit, arena);
	answer->cycles = diff->cycles;
	fill_peaks(answer, diff, limit, arena);
	answer->has_survivors = diff->survivors != NULL;
	if (diff->survivors)
		rg_rows_types(&answer->survivors, after, diff->survivors, diff->survivors->size,
			limit, arena);
	code = fill_growth(answer, diff, limit, arena, err);
	if (!code)
		code = sign_growth(answer, diff, arena, err);
	return !code && arena->failed ? rg_nomem(err) : code;
}
