#include "src/answer/retained.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/units.h"
#include "src/analysis/places.h"
#include "src/analysis/types.h"
#include "src/answer/rows.h"
#include "src/heap/fold.h"
#include "src/heap/label.h"

#define HIDE RG_VOLATILE
#define OMIT RG_OMIT_EMPTY

/* --- descriptions ------------------------------------------------------------------------- */

static const struct rg_field retainer_fields[] = {
	RG_FIELD_OF(rg_answer_retainer, object, RG_INLINE, &rg_record_object, "the object"),
	RG_FIELD(rg_answer_retainer, count, RG_COUNT, NULL,
		"held in the same way: more than 1 where the row is of several, and the object "
		"the largest of them"),
	RG_FIELD(rg_answer_retainer, retained, RG_BYTES, NULL,
		"what would be freed if it went: footprints, its own included; of several the sum"),
	RG_FIELD(rg_answer_retainer, retained_objects, RG_COUNT, NULL, "how many objects that is"),
	RG_FIELD(rg_answer_retainer, share, RG_SHARE, NULL, "of the bytes that roots reach"),
	RG_FIELD_FLAGGED(rg_answer_retainer, dominator, RG_ID, HIDE, NULL,
		"the nearest object that alone holds it, or null"),
	RG_FIELD(rg_answer_retainer, dominated, RG_COUNT, NULL,
		"objects whose nearest dominator it is"),
	RG_FIELD(rg_answer_retainer, drop, RG_BYTES, NULL,
		"bytes of itself and of those of them that are smaller than 1 % of all"),
	RG_FIELD_FLAGGED(rg_answer_retainer, mostly, RG_TEXT, OMIT, NULL,
		"the type that most of them are by what they retain"),
	RG_FIELD_FLAGGED(
		rg_answer_retainer, alike, RG_OPTIONAL, OMIT, NULL, "how many of them are of it"),
	RG_FIELD_OF(rg_answer_retainer, chain, RG_RECORD, &rg_record_chain,
		"the shortest chain from a root, or null"),
};
static const struct rg_record retainer_record = RG_RECORD_OF(rg_answer_retainer, retainer_fields);

static const struct rg_field part_fields[] = {
	RG_FIELD(
		rg_answer_part, objects, RG_COUNT, NULL, "how many; helpers count as their owners"),
	RG_FIELD(rg_answer_part, size, RG_BYTES, NULL, "their footprints"),
};
static const struct rg_record part_record = RG_RECORD_OF(rg_answer_part, part_fields);

static const struct rg_field code_fields[] = {
	RG_FIELD(rg_answer_code, modules, RG_COUNT, NULL, "modules with no remarkable part"),
	RG_FIELD(rg_answer_code, modules_size, RG_BYTES, NULL, "what they retain"),
	RG_FIELD(rg_answer_code, classes, RG_COUNT, NULL, "classes likewise"),
	RG_FIELD(rg_answer_code, classes_size, RG_BYTES, NULL, "what they retain"),
};
static const struct rg_record code_record = RG_RECORD_OF(rg_answer_code, code_fields);

static const struct rg_field type_fields[] = {
	RG_FIELD(rg_answer_retained_type, retained, RG_BYTES, "RETAINED",
		"what they retain, an object counted once"),
	RG_FIELD(
		rg_answer_retained_type, share, RG_SHARE, "SHARE", "of the bytes that roots reach"),
	RG_FIELD(rg_answer_retained_type, size, RG_BYTES, "SIZE", "their own footprints"),
	RG_FIELD(rg_answer_retained_type, count, RG_COUNT, "COUNT", "how many that roots reach"),
	RG_FIELD(rg_answer_retained_type, type, RG_TEXT, "TYPE", "its name with the module"),
	RG_FIELD(rg_answer_retained_type, module, RG_TEXT, NULL, "its module"),
	RG_FIELD_FLAGGED(rg_answer_retained_type, type_id, RG_COUNT, HIDE, NULL,
		"two types may share a name, never this"),
};
const struct rg_record rg_record_retained_type = RG_RECORD_OF(rg_answer_retained_type, type_fields);

static const struct rg_field selection_fields[] = {
	RG_FIELD(rg_answer_selection, objects, RG_COUNT, NULL, "selected, and no garbage"),
	RG_FIELD(rg_answer_selection, size, RG_BYTES, NULL, "their footprints"),
	RG_FIELD(rg_answer_selection, unreached, RG_COUNT, NULL,
		"selected, but garbage: no part of the other figures"),
	RG_FIELD(rg_answer_selection, retained, RG_BYTES, NULL,
		"what would be freed if all of them went"),
	RG_FIELD(rg_answer_selection, retained_objects, RG_COUNT, NULL, "how many objects that is"),
	RG_FIELD(rg_answer_selection, share, RG_SHARE, NULL, "of the bytes that roots reach"),
	RG_FIELD_OF(rg_answer_selection, alone, RG_RECORD, &part_record,
		"what it alone keeps alive beside itself"),
	RG_FIELD_OF(rg_answer_selection, held_by, RG_RECORD, &retainer_record,
		"the nearest object that alone holds all of them, or null"),
	RG_FIELD_OF(rg_answer_selection, types, RG_LIST, &rg_record_typeshare,
		"what would be freed, by type"),
};
static const struct rg_record selection_record = RG_RECORD_OF(
	rg_answer_selection, selection_fields);

static const struct rg_field retained_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_retained),
	RG_FIELD_OF(rg_answer_retained, reached, RG_RECORD, &part_record,
		"what roots reach, and what C code holds"),
	RG_FIELD_OF(rg_answer_retained, unreached, RG_RECORD, &part_record,
		"what they do not: garbage"),
	{ "code", RG_RECORD, offsetof(struct rg_answer_retained, code), &code_record, OMIT, NULL,
		"what is no place of its own: modules and classes" },
	{ "selection", RG_RECORD, offsetof(struct rg_answer_retained, selection), &selection_record,
		OMIT, NULL, "the selected as one" },
	RG_FIELD_OF(rg_answer_retained, objects, RG_LIST, &retainer_record,
		"the selected, or the places where the memory is, none part of another"),
	RG_FIELD_OF(rg_answer_retained, drops, RG_LIST, &retainer_record,
		"what retains much in many small things; with a selection among what it retains"),
	RG_FIELD_OF(rg_answer_retained, types, RG_LIST, &rg_record_retained_type, "by type"),
	{ "graph", RG_RECORD, offsetof(struct rg_answer_retained, graph), &rg_record_graph, OMIT,
		NULL, "with --tree or --graph: the tree as data" },
};
static const struct rg_record retained_record = RG_RECORD_OF(rg_answer_retained, retained_fields);
const struct rg_answer rg_answer_retained = { "retained", &retained_record };

/* --- rows --------------------------------------------------------------------------------- */

struct making {
	const struct rg_retained *retained;
	struct rg_arena *arena;
	struct rg_error *err;
};

static double share_of(const struct rg_retained *retained, uint64_t bytes)
{
	return retained->bytes[0] ? (double)bytes / (double)retained->bytes[0] : 0;
}

/* "dict of 60,000 × Session", "list of 8", "function handle". */
static const char *what_of(const struct making *making, uint32_t id,
	const struct rg_answer_retainer *row, const struct rg_drop *drop)
{
	const struct rg_heap *heap = making->retained->heap;
	struct rg_arena *arena = making->arena;
	struct rg_text short_type = rg_heap_type(heap, id)->name;
	const char *type = rg_arena_text(arena, short_type.bytes, short_type.length);
	const char *name = row->object ? row->object->name : NULL;

	if (row->count > 1)
		return rg_arena_print(arena, "%s × %s", rg_units_count(row->count, arena), type);
	if (rg_heap_type(heap, rg_heap_stand_in(heap, id))->flags & RG_TYPE_MODULE)
		return "module";
	if (row->alike != RG_NOTHING && row->alike > 1 &&
		2 * drop->alike_bytes >= row->retained - row->object->footprint)
		type = rg_arena_print(arena, "%s of %s × %.*s", type,
			rg_units_count(row->alike, arena), (int)heap->types[drop->type].name.length,
			heap->types[drop->type].name.bytes);
	else if (heap->items[id] != RG_NO_ITEMS && !(rg_heap_type(heap, id)->flags & RG_TYPE_STR))
		type = rg_arena_print(
			arena, "%s of %s", type, rg_units_count(heap->items[id], arena));
	return name ? rg_arena_print(arena, "%s %s", type, name) : type;
}

static void fill_row(
	struct rg_answer_retainer *row, const struct making *making, const struct rg_holder *holder)
{
	const struct rg_retained *retained = making->retained;
	uint32_t number = holder->number, id = rg_retained_object(retained, number);
	struct rg_drop drop;

	row->object = rg_answer_object_new(retained->heap, id, retained->raw, making->arena);
	row->count = holder->count;
	row->retained = holder->bytes;
	row->retained_objects = holder->objects;
	row->own = holder->size;
	row->share = share_of(retained, row->retained);
	row->dominator = rg_retained_object(retained, retained->dominators.dominator[number]);
	row->dominated = retained->tree.offset[number + 1] - retained->tree.offset[number];
	row->alike = RG_NOTHING;
	if (rg_drop_of(retained, number, &drop, making->err)) {
		making->arena->failed = true;
		return;
	}
	row->drop = drop.bytes;
	if (drop.alike) {
		row->alike = drop.alike;
		row->mostly = rg_label_type(retained->heap, drop.type, making->arena);
	}
	row->chain = rg_chain_new(
		retained->heap, &retained->paths, id, retained->raw, making->arena, making->err);
	row->label = rg_place_text(
		retained->heap, &retained->paths, id, row->count > 1, making->arena);
	row->what = what_of(making, id, row, &drop);
}

/* The row of one. */
static void fill_single(
	struct rg_answer_retainer *row, const struct making *making, uint32_t number)
{
	struct rg_holder holder = { .number = number,
		.count = 1,
		.bytes = making->retained->bytes[number],
		.objects = making->retained->objects[number],
		.size = rg_heap_footprint(making->retained->heap,
			rg_retained_object(making->retained, number), making->retained->raw) };

	fill_row(row, making, &holder);
}

static void fill_list(struct rg_list *list, const struct making *making,
	const struct rg_retained_list *numbers, uint64_t limit)
{
	uint64_t n = numbers ? numbers->count : 0;
	struct rg_answer_retainer *rows = rg_answer_rows(
		list, n < limit ? n : limit, n, sizeof(*rows), making->arena);

	for (uint64_t i = 0; rows && i < list->shown; i++)
		fill_single(&rows[i], making, numbers->numbers[i]);
}

static void fill_holders(struct rg_answer_retained *answer, const struct making *making,
	const struct rg_holders *holders, uint64_t limit)
{
	struct rg_list *list = &answer->objects;
	struct rg_answer_code *code = rg_arena_new(making->arena, 1, sizeof(*code));
	struct rg_answer_retainer *rows = rg_answer_rows(list,
		holders->count < limit ? holders->count : limit, holders->count, sizeof(*rows),
		making->arena);

	for (uint64_t i = 0; rows && i < list->shown; i++)
		fill_row(&rows[i], making, &holders->rows[i]);
	if (code)
		*code = (struct rg_answer_code){ .modules = holders->modules.count,
			.modules_size = holders->modules.bytes,
			.classes = holders->classes.count,
			.classes_size = holders->classes.bytes };
	answer->code = code;
}

static void fill_types(struct rg_list *list, const struct making *making,
	const struct rg_retained_types *types, uint64_t limit)
{
	const struct rg_heap *heap = making->retained->heap;
	uint64_t n = types ? types->count : 0;
	struct rg_answer_retained_type *rows = rg_answer_rows(
		list, n < limit ? n : limit, n, sizeof(*rows), making->arena);

	for (uint64_t i = 0; rows && i < list->shown; i++) {
		const struct rg_retained_type *sum = &types->rows[i];
		const struct rg_heap_type *type = &heap->types[sum->type];

		rows[i] = (struct rg_answer_retained_type){ .type = rg_label_type(
								    heap, sum->type, making->arena),
			.module = rg_arena_text(
				making->arena, type->module.bytes, type->module.length),
			.type_id = sum->type,
			.count = sum->count,
			.size = sum->size,
			.retained = sum->retained,
			.share = share_of(making->retained, sum->retained) };
	}
}

/* --- the whole ---------------------------------------------------------------------------- */

static enum rg_code fill_selection(struct rg_answer_retained *answer, const struct making *making,
	const struct rg_retained_set *set, uint64_t limit)
{
	const struct rg_retained *retained = making->retained;
	struct rg_answer_selection *selection = rg_arena_new(making->arena, 1, sizeof(*selection));
	struct rg_answer_part *alone = rg_arena_new(making->arena, 1, sizeof(*alone));
	struct rg_type_sums sums;
	enum rg_code code;

	if (!selection || !alone)
		return rg_nomem(making->err);
	*alone = (struct rg_answer_part){ set->retained_objects - set->objects,
		set->retained - set->size };
	*selection = (struct rg_answer_selection){ .objects = set->objects,
		.size = set->size,
		.unreached = set->unreached,
		.retained_objects = set->retained_objects,
		.retained = set->retained,
		.share = share_of(retained, set->retained),
		.alone = alone };
	answer->selection = selection;
	if (set->common != RG_NO_ID) {
		selection->held_by = rg_arena_new(making->arena, 1, sizeof(*selection->held_by));
		if (!selection->held_by)
			return rg_nomem(making->err);
		fill_single(selection->held_by, making, rg_retained_number(retained, set->common));
	}
	code = rg_type_sums_init(&sums, retained->heap, &set->freed, retained->raw, making->err);
	if (code)
		return code;
	rg_rows_types(
		&selection->types, retained->heap, &sums, set->retained, limit, making->arena);
	rg_type_sums_deinit(&sums);
	return RG_OK;
}

/* What there is beside what roots reach. */
static void fill_parts(struct rg_answer_retained *answer, const struct making *making)
{
	const struct rg_retained *retained = making->retained;
	const struct rg_heap *heap = retained->heap;
	struct rg_answer_part *reached = rg_arena_new(making->arena, 1, sizeof(*reached));
	struct rg_answer_part *unreached = rg_arena_new(making->arena, 1, sizeof(*unreached));

	if (!reached || !unreached)
		return;
	*reached = (struct rg_answer_part){ retained->objects[0], retained->bytes[0] };
	for (uint32_t id = 0; id < heap->n_objects; id++)
		if (!rg_retained_number(retained, id) &&
			(retained->raw || !rg_heap_folded(heap, id))) {
			unreached->objects++;
			unreached->size += rg_heap_footprint(heap, id, retained->raw);
		}
	answer->reached = reached;
	answer->unreached = unreached;
}

enum rg_code rg_answer_retained_init(struct rg_answer_retained *answer,
	const struct rg_answer_retained_parts *parts, const struct rg_answer_origin *origin,
	uint64_t limit, struct rg_arena *arena, struct rg_error *err)
{
	struct making making = { parts->retained, arena, err };
	enum rg_code code = RG_OK;

	rg_answer_envelope_init(&answer->envelope, parts->retained->heap, origin, arena);
	fill_parts(answer, &making);
	if (parts->set)
		code = fill_selection(answer, &making, parts->set, limit);
	if (parts->set)
		fill_list(&answer->objects, &making, parts->members, limit);
	else
		fill_holders(answer, &making, parts->holders, limit);
	fill_list(&answer->drops, &making, parts->drops, limit);
	fill_types(&answer->types, &making, parts->types, limit);
	return !code && arena->failed ? rg_nomem(err) : code;
}
