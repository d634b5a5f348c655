#include "src/answer/cycles.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "src/answer/rows.h"
#include "heapdump/base/units.h"
#include "src/heap/label.h"

#define INNER_LIMIT 20 /* rows of the lists within a cycle */
#define MEMBERS_LIMIT 20
#define PATTERNS_LIMIT 100

/* --- descriptions ------------------------------------------------------------------------- */

static const struct rg_field pattern_fields[] = {
	RG_FIELD(rg_answer_pattern, from_type, RG_TEXT, NULL, "owner of the reference"),
	RG_FIELD(rg_answer_pattern, kind, RG_TEXT, NULL, "its kind"),
	RG_FIELD(rg_answer_pattern, label, RG_TEXT, NULL, "its label, indices generalised"),
	RG_FIELD(rg_answer_pattern, to_type, RG_TEXT, NULL, "what it leads to"),
};
static const struct rg_record pattern_record = RG_RECORD_OF(rg_answer_pattern, pattern_fields);

static const struct rg_field shape_fields[] = {
	RG_FIELD(rg_answer_shape, shape, RG_TEXT, NULL, "the same on any machine"),
	RG_FIELD(rg_answer_shape, alike, RG_COUNT, "CYCLES", "how many cycles"),
	RG_FIELD(rg_answer_shape, objects, RG_COUNT, "OBJECTS", "of one"),
	RG_FIELD(rg_answer_shape, references, RG_COUNT, "REFERENCES", "inside one"),
	RG_FIELD(rg_answer_shape, size, RG_BYTES, "SIZE", "of one"),
};
static const struct rg_record shape_record = RG_RECORD_OF(rg_answer_shape, shape_fields);

static const struct rg_field break_fields[] = {
	RG_FIELD(rg_answer_break, kind, RG_TEXT, NULL, "its kind"),
	RG_FIELD(rg_answer_break, label, RG_TEXT, NULL, "as Python writes it"),
	RG_FIELD(rg_answer_break, from_type, RG_TEXT, NULL, "its owner; null: of any type"),
	RG_FIELD(rg_answer_break, to_type, RG_TEXT, NULL, "what it leads to; null: any type"),
	RG_FIELD(rg_answer_break, expression, RG_TEXT, NULL, "as a person would write it"),
	RG_FIELD(rg_answer_break, count, RG_COUNT, NULL, "references of the pattern"),
	RG_FIELD(rg_answer_break, up, RG_SHARE, NULL, "share of them that point towards the root"),
	RG_FIELD(rg_answer_break, leaves, RG_COUNT, NULL,
		"objects still in cycles when it alone is removed"),
	RG_FIELD_OF(rg_answer_break, example, RG_RECORD, &rg_record_reference, "one of them"),
	RG_FIELD(rg_answer_break, advice, RG_TEXT, NULL, "what to do"),
};
const struct rg_record rg_record_break = RG_RECORD_OF(rg_answer_break, break_fields);

static const struct rg_field cycle_fields[] = {
	{ NULL, RG_COUNT, offsetof(struct rg_answer_cycle, rank), NULL, RG_VOLATILE, "#", NULL },
	RG_FIELD(rg_answer_cycle, signature, RG_TEXT, NULL, "of the pattern, on any machine"),
	RG_FIELD_OF(rg_answer_cycle, pattern, RG_LIST, &pattern_record,
		"the reference patterns it is made of"),
	RG_FIELD(rg_answer_cycle, alike, RG_COUNT, "CYCLES", "how many cycles of the pattern"),
	RG_FIELD_OF(rg_answer_cycle, shapes, RG_LIST, &shape_record, "exact structures"),
	RG_FIELD(rg_answer_cycle, objects_min, RG_COUNT, NULL, "objects of the smallest"),
	RG_FIELD(rg_answer_cycle, objects_max, RG_COUNT, NULL, "objects of the largest"),
	{ NULL, RG_TEXT, offsetof(struct rg_answer_cycle, each), NULL, 0, "EACH", NULL },
	RG_FIELD(rg_answer_cycle, objects_all, RG_COUNT, "OBJECTS", "objects of all"),
	RG_FIELD(rg_answer_cycle, size_all, RG_BYTES, "SIZE", "bytes of all"),
	{ NULL, RG_TEXT, offsetof(struct rg_answer_cycle, state), NULL, 0, "STATE", NULL },
	{ NULL, RG_TEXT, offsetof(struct rg_answer_cycle, gist), NULL, 0, "MADE OF", NULL },
	RG_FIELD_OF(rg_answer_cycle, types, RG_LIST, &rg_record_type, "over all alike"),
	RG_FIELD_OF(rg_answer_cycle, generations, RG_LIST, &rg_record_generation, "over all alike"),
	RG_FIELD(rg_answer_cycle, garbage, RG_FLAG, NULL, "the next full collection finds it dead"),
	RG_FIELD(rg_answer_cycle, hidden, RG_FLAG, NULL,
		"held by itself alone, through references the collector cannot see"),
	RG_FIELD(rg_answer_cycle, finalizers, RG_COUNT, NULL, "objects with __del__ in Python"),
	RG_FIELD_OF(rg_answer_cycle, held_by, RG_RECORD, &rg_record_chain,
		"the chain that keeps the example alive, or null"),
	{ "break", RG_LIST, offsetof(struct rg_answer_cycle, breaks), &rg_record_break, 0, NULL,
		"references without which no cycle is left" },
	RG_FIELD_OF(rg_answer_cycle, members, RG_LIST, &rg_record_object, "objects of one of them"),
};
const struct rg_record rg_record_cycle = RG_RECORD_OF(rg_answer_cycle, cycle_fields);

static const struct rg_field totals_fields[] = {
	{ "objects", RG_COUNT, offsetof(struct rg_answer_cycle_totals, heap.objects), NULL, 0, NULL,
		"all objects" },
	{ "references", RG_COUNT, offsetof(struct rg_answer_cycle_totals, heap.references), NULL, 0,
		NULL, "all references" },
	{ "size", RG_BYTES, offsetof(struct rg_answer_cycle_totals, heap.size), NULL, 0, NULL,
		"sum of the objects' sizes" },
	RG_FIELD(rg_answer_cycle_totals, cycles, RG_COUNT, NULL, "all cycles"),
	RG_FIELD(rg_answer_cycle_totals, cyclic_objects, RG_COUNT, NULL, "objects in them"),
	RG_FIELD(rg_answer_cycle_totals, cyclic_size, RG_BYTES, NULL, "bytes in them"),
	RG_FIELD(rg_answer_cycle_totals, largest, RG_COUNT, NULL, "objects of the largest"),
};
static const struct rg_record totals_record = RG_RECORD_OF(rg_answer_cycle_totals, totals_fields);

static const struct rg_field answer_fields[] = {
	RG_FIELD_OF(rg_answer_cycles, source, RG_RECORD, &rg_record_source,
		"where the graph comes from"),
	RG_FIELD_OF(rg_answer_cycles, policy, RG_RECORD, &rg_record_policy,
		"which references were followed"),
	RG_FIELD_OF(rg_answer_cycles, totals, RG_RECORD, &totals_record,
		"the whole heap, and what is cyclic in it"),
	RG_FIELD_OF(rg_answer_cycles, cycles, RG_LIST, &rg_record_cycle,
		"grouped by pattern, most bytes first"),
};
static const struct rg_record answer_record = RG_RECORD_OF(rg_answer_cycles, answer_fields);

const struct rg_answer rg_answer_cycles = { "cycles", &answer_record };

/* --- breaks ------------------------------------------------------------------------------- */

/* The attribute that leads from outside a container to it, within the cycle: its holder. */
static uint32_t holder_of(
	const struct rg_cycles *cycles, uint32_t component, uint32_t container, uint32_t *edge_ret)
{
	uint32_t n;
	const uint32_t *members = rg_cycle_members(cycles, component, &n);

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t e = cycles->graph.offset[members[i]];
			e < cycles->graph.offset[members[i] + 1]; e++)
			if (cycles->graph.target[e] == container && members[i] != container) {
				*edge_ret = rg_graph_label(&cycles->graph, e);
				return members[i];
			}
	return RG_NO_ID;
}

/* As a person would write it: "Record.attrs['self']"; of many types the label alone. */
static const char *break_expression(
	const struct rg_cycles *cycles, const struct rg_cycle_break *row, struct rg_arena *arena)
{
	const struct rg_heap *heap = cycles->heap;
	const struct rg_pattern *pattern = &cycles->patterns.rows[row->pattern];
	uint32_t holder = RG_NO_ID, edge = 0;

	if (row->rolled)
		return rg_arena_print(arena, "%s", pattern->label);
	/* an item says more with what holds its container */
	if (pattern->label[0] == '[')
		holder = holder_of(cycles, cycles->components.of[row->from], row->from, &edge);
	if (holder != RG_NO_ID && *rg_label_pattern(heap, holder, edge, arena) == '.')
		return rg_arena_print(arena, "%s%s%s",
			rg_label_type(heap, heap->type[holder], arena),
			rg_label_pattern(heap, holder, edge, arena), pattern->label);
	return rg_arena_print(
		arena, "%s%s", rg_label_type(heap, pattern->from_type, arena), pattern->label);
}

static bool takes_weakrefs(const struct rg_heap *heap, uint32_t type)
{
	/* list, dict, tuple, int, str and their like do not; classes do */
	return heap->types[type].flags & (RG_TYPE_HEAP | RG_TYPE_FUNCTION | RG_TYPE_MODULE);
}

static const char *advice(const struct rg_cycles *cycles, const struct rg_cycle_break *row,
	const char *expression, struct rg_arena *arena)
{
	const struct rg_pattern *pattern = &cycles->patterns.rows[row->pattern];

	switch (pattern->kind) {
	case RG_KIND_CELL:
		return "do not close over the object: pass it as an argument, or close over a "
		       "weakref";
	case RG_KIND_SELF:
		return "do not keep the bound method: keep a weakref.WeakMethod";
	case RG_KIND_LOCAL:
	case RG_KIND_STACK:
		return rg_arena_print(
			arena, "del the local of %s before the frame is kept", expression);
	case RG_KIND_OTHER:
		if (strstr(pattern->label, "__traceback__") || strstr(pattern->label, "tb_frame"))
			return "do not keep the exception: raise from it, or clear its "
			       "__traceback__";
		break;
	case RG_KIND_TYPE:
	case RG_KIND_MRO:
	case RG_KIND_BASE:
	case RG_KIND_CLASSATTR:
		return "a class always refers to itself: make it once, not in a call";
	default:
		break;
	}
	if (cycles->heap->types[pattern->to_type].flags & RG_TYPE_FUNCTION)
		return rg_arena_print(arena,
			"do not close over the owner in %s: pass it in when "
			"calling",
			expression);
	if (takes_weakrefs(cycles->heap, pattern->to_type))
		return rg_arena_print(arena, "make %s a weakref", expression);
	return rg_arena_print(arena, "clear %s when the object is done with", expression);
}

static void fill_breaks(struct rg_answer_cycle *to, const struct rg_cycles *cycles,
	const struct rg_cycle_group *group, struct rg_arena *arena)
{
	const struct rg_heap *heap = cycles->heap;
	uint64_t n = group->n_breaks < INNER_LIMIT ? group->n_breaks : INNER_LIMIT;
	struct rg_answer_break *rows = rg_answer_rows(
		&to->breaks, n, group->n_breaks, sizeof(*rows), arena);

	for (uint64_t i = 0; rows && i < n; i++) {
		const struct rg_cycle_break *row = &group->breaks[i];
		const struct rg_pattern *pattern = &cycles->patterns.rows[row->pattern];

		rows[i].kind = rg_kind_table[pattern->kind].name;
		rows[i].label = rg_arena_print(arena, "%s", pattern->label);
		/* null: whatever the types, they are too many to name */
		if (!row->rolled) {
			rows[i].from_type = rg_label_type(heap, pattern->from_type, arena);
			rows[i].to_type = rg_label_type(heap, pattern->to_type, arena);
		}
		rows[i].expression = break_expression(cycles, row, arena);
		rows[i].count = row->count;
		rows[i].leaves = row->leaves;
		rows[i].up = row->count ? (double)row->up / (double)row->count : 0;
		rows[i].example = rg_answer_reference_new(heap, row->from, row->edge, arena);
		rows[i].advice = advice(cycles, row, rows[i].expression, arena);
	}
}

/* --- one group ---------------------------------------------------------------------------- */

static bool in_set(const struct rg_bitset *set, const struct rg_cycles *cycles,
	const struct rg_cycle_group *group)
{
	uint32_t n;

	return rg_bitset_get(set, rg_cycle_members(cycles, group->component, &n)[0]);
}

static void fill_pattern(struct rg_answer_cycle *to, const struct rg_cycles *cycles,
	const struct rg_cycle_group *group, struct rg_arena *arena)
{
	const struct rg_heap *heap = cycles->heap;
	uint64_t n = group->n_patterns < PATTERNS_LIMIT ? group->n_patterns : PATTERNS_LIMIT;
	struct rg_answer_pattern *rows = rg_answer_rows(
		&to->pattern, n, group->n_patterns, sizeof(*rows), arena);

	for (uint64_t i = 0; rows && i < n; i++) {
		const struct rg_pattern *pattern = &cycles->patterns.rows[group->patterns[i]];

		rows[i] =
			(struct rg_answer_pattern){ rg_label_type(heap, pattern->from_type, arena),
				rg_kind_table[pattern->kind].name,
				rg_arena_print(arena, "%s", pattern->label),
				rg_label_type(heap, pattern->to_type, arena) };
	}
}

static void fill_shapes(
	struct rg_answer_cycle *to, const struct rg_cycle_group *group, struct rg_arena *arena)
{
	uint64_t n = group->n_shapes < INNER_LIMIT ? group->n_shapes : INNER_LIMIT;
	struct rg_answer_shape *rows = rg_answer_rows(
		&to->shapes, n, group->n_shapes, sizeof(*rows), arena);

	for (uint64_t i = 0; rows && i < n; i++)
		rows[i] = (struct rg_answer_shape){
			rg_arena_print(arena, "%016llx", (unsigned long long)group->shapes[i].hash),
			group->shapes[i].alike, group->shapes[i].objects,
			group->shapes[i].references, group->shapes[i].size
		};
}

/* All members of all components of the group, one after the other. */
static uint32_t *all_members(const struct rg_cycles *cycles, const struct rg_cycle_group *group)
{
	uint32_t *ids = rg_array_new(group->objects_all, sizeof(*ids));
	size_t at = 0;

	for (size_t i = 0; ids && i < group->n_components; i++) {
		uint32_t n;
		const uint32_t *members = rg_cycle_members(cycles, group->components[i], &n);

		memcpy(ids + at, members, n * sizeof(*ids));
		at += n;
	}
	return ids;
}

/* "Session, Request, function on_done, tuple, cell": what it is made of, in a few words. */
static const char *gist_of(const struct rg_answer_cycle *cycle, struct rg_arena *arena)
{
	const struct rg_answer_type *types = cycle->types.rows;
	const char *text = "";

	for (uint64_t i = 0; i < cycle->types.shown && i < 6; i++) {
		const char *dot = strrchr(types[i].type, '.');

		text = rg_arena_print(
			arena, "%s%s%s", text, i ? ", " : "", dot ? dot + 1 : types[i].type);
	}
	return cycle->types.of > 6 ? rg_arena_print(arena, "%s, …", text) : text;
}

/* What a cycle's state is called in the table, and what is said to hold it. */
enum state { MAY_RETURN, REFUSED, GARBAGE, HIDDEN, HELD, HELD_FROM_C };
static const struct {
	const char *name, *holder;
} states[] = {
	[MAY_RETURN] = { "may return", "nothing: it is garbage, but a __del__ can bring it back" },
	[REFUSED] = { "uncollectable",
		"nothing: it is garbage, but a type in it forbids to free it" },
	[GARBAGE] = { "garbage", "nothing: the next full collection frees it" },
	[HIDDEN] = { "hidden", "itself alone: the collector cannot see one of its references, and "
			       "never frees it" },
	[HELD] = { "held", NULL },
	[HELD_FROM_C] = { "held from C", "C code: no named root reaches it" },
};

static enum state state_of(const struct rg_answer_cycle *cycle, const struct rg_cycles *cycles,
	const struct rg_cycle_group *group)
{
	if (in_set(&cycles->garbage.may_resurrect, cycles, group))
		return MAY_RETURN;
	if (in_set(&cycles->garbage.uncollectable, cycles, group))
		return REFUSED;
	if (cycle->garbage)
		return GARBAGE;
	if (cycle->hidden)
		return HIDDEN;
	return cycle->held_by ? HELD : HELD_FROM_C;
}

static void fill_words(struct rg_answer_cycle *to, const struct rg_cycles *cycles,
	const struct rg_cycle_group *group, uint64_t rank, struct rg_arena *arena)
{
	const char *least = rg_units_count(to->objects_min, arena);
	enum state state = state_of(to, cycles, group);

	to->rank = rank;
	to->gist = gist_of(to, arena);
	to->state = states[state].name;
	to->holder = state == HELD ? to->held_by->path : states[state].holder;
	to->each = to->objects_min == to->objects_max
			   ? least
			   : rg_arena_print(
				     arena, "%s–%s", least, rg_units_count(to->objects_max, arena));
}

static enum rg_code fill_cycle(struct rg_answer_cycle *to, const struct rg_cycles *cycles,
	const struct rg_cycle_group *group, struct rg_arena *arena, struct rg_error *err)
{
	const struct rg_heap *heap = cycles->heap;
	uint32_t n, *ids = all_members(cycles, group);
	const uint32_t *members = rg_cycle_members(cycles, group->component, &n);
	struct rg_type_sums sums = { 0 };
	enum rg_code code = ids ? rg_type_sums_of(
					  &sums, heap, ids, group->objects_all, cycles->raw, err)
				: rg_nomem(err);

	if (!code) {
		to->signature = rg_arena_print(
			arena, "%016llx", (unsigned long long)group->signature);
		to->alike = group->alike;
		to->objects_min = group->objects_min;
		to->objects_max = group->objects_max;
		to->objects_all = group->objects_all;
		to->size_all = group->size_all;
		to->finalizers = group->finalizers;
		to->garbage = group->garbage;
		to->hidden = in_set(&cycles->garbage.hidden, cycles, group);
		to->entry = group->entry;
		fill_pattern(to, cycles, group, arena);
		fill_shapes(to, group, arena);
		fill_breaks(to, cycles, group, arena);
		rg_rows_types(&to->types, heap, &sums, sums.size, INNER_LIMIT, arena);
		rg_rows_generations(
			&to->generations, heap, ids, group->objects_all, cycles->raw, arena);
		rg_rows_objects(&to->members, heap, members, n, MEMBERS_LIMIT, cycles->raw, arena);
		to->held_by = rg_chain_new(
			heap, &cycles->paths, group->entry, cycles->raw, arena, err);
	}
	rg_type_sums_deinit(&sums);
	free(ids);
	return code;
}

struct rg_answer_cycle *rg_answer_cycle_new(
	const struct rg_cycles *cycles, size_t group, struct rg_arena *arena, struct rg_error *err)
{
	struct rg_answer_cycle *cycle = rg_arena_new(arena, 1, sizeof(*cycle));

	if (!cycle || fill_cycle(cycle, cycles, &cycles->groups[group], arena, err)) {
		arena->failed = true;
		return NULL;
	}
	fill_words(cycle, cycles, &cycles->groups[group], group + 1, arena);
	return cycle;
}

enum rg_code rg_answer_cycles_init(struct rg_answer_cycles *answer, const struct rg_cycles *cycles,
	const struct rg_answer_origin *origin, uint64_t limit, struct rg_arena *arena,
	struct rg_error *err)
{
	struct rg_answer_envelope envelope = { 0 };
	struct rg_answer_cycle_totals *totals = rg_arena_new(arena, 1, sizeof(*totals));
	uint64_t n = cycles->n_groups < limit ? cycles->n_groups : limit;
	struct rg_answer_cycle *rows = rg_answer_rows(
		&answer->cycles, n, cycles->n_groups, sizeof(*rows), arena);
	enum rg_code code = RG_OK;

	rg_answer_envelope_init(&envelope, cycles->heap, origin, arena);
	if (arena->failed)
		return rg_nomem(err);
	*totals = (struct rg_answer_cycle_totals){ *envelope.totals, cycles->cycles,
		cycles->objects, cycles->size, cycles->largest };
	answer->source = envelope.source;
	answer->policy = envelope.policy;
	answer->totals = totals;
	for (uint64_t i = 0; !code && i < n; i++) {
		code = fill_cycle(&rows[i], cycles, &cycles->groups[i], arena, err);
		fill_words(&rows[i], cycles, &cycles->groups[i], i + 1, arena);
	}
	if (!code && arena->failed)
		code = rg_nomem(err);
	return code;
}
