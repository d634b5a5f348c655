#include "src/answer/common.h"

#include <string.h>

#include "src/heap/fold.h"
#include "src/heap/label.h"

#define HIDE RG_VOLATILE
#define OMIT RG_OMIT_EMPTY

static const struct rg_field warning_fields[] = {
	RG_FIELD(rg_answer_warning, code, RG_TEXT, NULL, "a short word for scripts"),
	RG_FIELD(rg_answer_warning, message, RG_TEXT, NULL, "one line for people"),
};
static const struct rg_record warning_record = RG_RECORD_OF(rg_answer_warning, warning_fields);

static const struct rg_field source_fields[] = {
	RG_FIELD(rg_answer_source, kind, RG_TEXT, NULL, "process, core, snapshot or ndjson"),
	RG_FIELD_FLAGGED(rg_answer_source, name, RG_TEXT, HIDE, NULL, "as the command named it"),
	RG_FIELD(rg_answer_source, runtime, RG_TEXT, NULL, "such as CPython 3.11.2"),
	RG_FIELD_FLAGGED(rg_answer_source, pid, RG_OPTIONAL, HIDE, NULL, "of the process"),
	RG_FIELD_FLAGGED(rg_answer_source, captured, RG_TEXT, HIDE, NULL, "when, ISO 8601 UTC"),
	RG_FIELD(rg_answer_source, complete, RG_FLAG, NULL, "false when cut or damaged"),
	RG_FIELD_FLAGGED(rg_answer_source, snapshot, RG_TEXT, HIDE, NULL,
		"where the snapshot is kept, or null"),
	RG_FIELD_FLAGGED(rg_answer_source, fingerprint, RG_TEXT, HIDE, NULL,
		"object numbers belong to the snapshot of this fingerprint"),
	RG_FIELD_OF(rg_answer_source, warnings, RG_ROWS, &warning_record, "what to know of it"),
};
const struct rg_record rg_record_source = RG_RECORD_OF(rg_answer_source, source_fields);

static const struct rg_field policy_fields[] = {
	RG_FIELD(rg_answer_policy, edges, RG_TEXT, NULL, "data, strong or all"),
	RG_FIELD(rg_answer_policy, raw, RG_FLAG, NULL, "true when nothing was folded"),
};
const struct rg_record rg_record_policy = RG_RECORD_OF(rg_answer_policy, policy_fields);

static const struct rg_field totals_fields[] = {
	RG_FIELD(rg_answer_totals, objects, RG_COUNT, NULL, "all objects"),
	RG_FIELD(rg_answer_totals, references, RG_COUNT, NULL, "all references"),
	RG_FIELD(rg_answer_totals, size, RG_BYTES, NULL, "sum of the objects' sizes"),
};
const struct rg_record rg_record_totals = RG_RECORD_OF(rg_answer_totals, totals_fields);

static const struct rg_field object_fields[] = {
	RG_FIELD_FLAGGED(rg_answer_object, id, RG_ID, HIDE, "ID", "its number in the snapshot"),
	RG_FIELD_FLAGGED(rg_answer_object, address, RG_ADDRESS, HIDE, "ADDRESS", "its address"),
	RG_FIELD(rg_answer_object, type, RG_TEXT, "TYPE", "its type, with the module"),
	RG_FIELD_FLAGGED(rg_answer_object, type_id, RG_COUNT, HIDE, NULL,
		"two types may share a name, never this"),
	RG_FIELD(rg_answer_object, size, RG_BYTES, "SIZE", "sys.getsizeof() of it alone"),
	RG_FIELD(rg_answer_object, footprint, RG_BYTES, NULL,
		"with folded helpers and storage that getsizeof does not count"),
	RG_FIELD(rg_answer_object, refcount, RG_OPTIONAL, "REFS", "null for an immortal one"),
	RG_FIELD_FLAGGED(rg_answer_object, immortal, RG_FLAG, OMIT, NULL, "never freed"),
	RG_FIELD(rg_answer_object, generation, RG_TEXT, "GEN", "0 1 2 permanent untracked"),
	RG_FIELD(rg_answer_object, tracked, RG_FLAG, NULL, "in one of the collector's lists"),
	RG_FIELD_FLAGGED(rg_answer_object, items, RG_OPTIONAL, OMIT, NULL, "its length"),
	RG_FIELD_FLAGGED(rg_answer_object, folded, RG_OPTIONAL, OMIT, NULL,
		"helpers that are counted with it"),
	RG_FIELD_FLAGGED(rg_answer_object, distance, RG_OPTIONAL, OMIT, "DISTANCE",
		"references from the nearest root, where it was asked for"),
	RG_FIELD_FLAGGED(rg_answer_object, retained, RG_OPTIONAL_BYTES, OMIT, "RETAINED",
		"bytes that would be freed with it, where it was asked for"),
	{ NULL, RG_TEXT, offsetof(struct rg_answer_object, allocated), NULL, 0, "ALLOCATED AT",
		NULL },
	RG_FIELD_FLAGGED(rg_answer_object, value, RG_TEXT, OMIT, "VALUE", "a short preview"),
	RG_FIELD_FLAGGED(rg_answer_object, value_exact, RG_FLAG, OMIT, NULL,
		"the preview is the whole value"),
	RG_FIELD_FLAGGED(
		rg_answer_object, name, RG_TEXT, OMIT, "NAME", "of a function, module or type"),
	RG_FIELD_FLAGGED(rg_answer_object, site, RG_TEXT, OMIT, NULL,
		"file:line where it was allocated, or else where it was written"),
	RG_FIELD_FLAGGED(rg_answer_object, traceback, RG_ROWS, OMIT, NULL,
		"with --frames: where it was allocated and the callers, the innermost first"),
};
const struct rg_record rg_record_object = RG_RECORD_OF(rg_answer_object, object_fields);

static const struct rg_field reference_fields[] = {
	RG_FIELD_FLAGGED(rg_answer_reference, from, RG_ID, HIDE, NULL, "number of the source"),
	RG_FIELD_FLAGGED(rg_answer_reference, to, RG_ID, HIDE, NULL, "number of the target"),
	RG_FIELD(rg_answer_reference, kind, RG_TEXT, NULL, "what kind of reference"),
	RG_FIELD(rg_answer_reference, label, RG_TEXT, NULL, "as Python writes it"),
};
const struct rg_record rg_record_reference = RG_RECORD_OF(rg_answer_reference, reference_fields);

static const struct rg_field step_fields[] = {
	RG_FIELD_OF(rg_answer_step, object, RG_RECORD, &rg_record_object, "where the chain is"),
	RG_FIELD_OF(rg_answer_step, reference, RG_RECORD, &rg_record_reference,
		"how it came there; null at its start"),
};
const struct rg_record rg_record_step = RG_RECORD_OF(rg_answer_step, step_fields);

static const struct rg_field chain_fields[] = {
	RG_FIELD(rg_answer_chain, root, RG_TEXT, "ROOT", "the name of the root"),
	RG_FIELD(rg_answer_chain, path, RG_TEXT, "PATH", "the whole chain as one expression"),
	{ "covers", RG_OPTIONAL, offsetof(struct rg_answer_chain, covers), NULL, OMIT, "COVERS",
		"how many of the selection it explains" },
	RG_FIELD_OF(rg_answer_chain, steps, RG_LIST, &rg_record_step,
		"object by object; of a very long chain its two ends"),
};
const struct rg_record rg_record_chain = RG_RECORD_OF(rg_answer_chain, chain_fields);

static const struct rg_field type_fields[] = {
	RG_FIELD(rg_answer_type, count, RG_COUNT, "COUNT", "objects of the type"),
	RG_FIELD(rg_answer_type, size, RG_BYTES, "SIZE", "their bytes"),
	RG_FIELD(rg_answer_type, type, RG_TEXT, "TYPE", "its name, with the module"),
	RG_FIELD(rg_answer_type, module, RG_TEXT, NULL, "its module"),
	RG_FIELD_FLAGGED(rg_answer_type, type_id, RG_COUNT, HIDE, NULL,
		"two types may share a name, never this"),
};
const struct rg_record rg_record_type = RG_RECORD_OF(rg_answer_type, type_fields);

#define GROUPED(id, name, heading, summary)                                                        \
	{                                                                                          \
		name, RG_TEXT,                                                                     \
			offsetof(struct rg_answer_type, grouped) +                                 \
				RG_GROUP_##id * sizeof(const char *),                              \
			NULL, OMIT, heading, summary                                               \
	}

static const struct rg_field typeshare_fields[] = {
	RG_FIELD(rg_answer_type, count, RG_COUNT, "COUNT", "objects of the type"),
	RG_FIELD(rg_answer_type, size, RG_BYTES, "SIZE", "their bytes"),
	RG_FIELD(rg_answer_type, share, RG_SHARE, "SHARE", "of the bytes of all rows"),
	RG_FIELD_FLAGGED(rg_answer_type, type, RG_TEXT, OMIT, "TYPE", "its name, with the module"),
	GROUPED(GENERATION, "generation", "GENERATION", "with --by generation"),
	GROUPED(SIZE, "size_class", "EACH", "with --by size: up to so many bytes"),
	GROUPED(MODULE, NULL, "MODULE", NULL),
	GROUPED(OWNER, "owner", "OWNER", "with --by owner: the type; of a dict, whose it is"),
	GROUPED(REFERRERS, "referrers", "REFERRERS", "with --by referrers: their types"),
	GROUPED(VIA, "via", "VIA", "with --by via: the labels of the references to them"),
	GROUPED(SITE, "site", "ALLOCATED AT", "with --by site: file:line"),
	GROUPED(TRACEBACK, "traceback", "ALLOCATED BY",
		"with --by traceback: file:line < file:line, the innermost first"),
	RG_FIELD_FLAGGED(rg_answer_type, module, RG_TEXT, OMIT, NULL, "its module"),
	RG_FIELD_FLAGGED(rg_answer_type, type_id, RG_OPTIONAL, HIDE | OMIT, NULL,
		"two types may share a name, never this"),
};
const struct rg_record rg_record_typeshare = { "rg_answer_typeshare", sizeof(struct rg_answer_type),
	typeshare_fields, sizeof(typeshare_fields) / sizeof(typeshare_fields[0]) };

static const struct rg_field generation_fields[] = {
	RG_FIELD(rg_answer_generation, generation, RG_TEXT, "GENERATION",
		"0 1 2 permanent untracked"),
	RG_FIELD(rg_answer_generation, objects, RG_COUNT, "OBJECTS", "objects in it"),
	RG_FIELD(rg_answer_generation, size, RG_BYTES, "SIZE", "their bytes"),
};
const struct rg_record rg_record_generation = RG_RECORD_OF(rg_answer_generation, generation_fields);

void *rg_answer_rows(
	struct rg_list *list, uint64_t shown, uint64_t of, size_t size, struct rg_arena *arena)
{
	list->rows = rg_arena_new(arena, shown, size);
	list->shown = list->rows ? shown : 0;
	list->of = of;
	return list->rows;
}

static const char *fact(const struct rg_heap *heap, const char *key, struct rg_arena *arena)
{
	struct rg_text text = rg_heap_fact_text(heap, key);

	return text.length ? rg_arena_text(arena, text.bytes, text.length) : NULL;
}

/* The snapshot's own warnings, and what was found on loading it. */
static void fill_warnings(struct rg_list *list, const struct rg_heap *heap, struct rg_arena *arena)
{
	static const char prefix[] = "warning.";
	size_t length = sizeof(prefix) - 1, n = 0;
	struct rg_answer_warning *rows = rg_answer_rows(
		list, heap->n_facts + 1, heap->n_facts + 1, sizeof(*rows), arena);

	for (size_t i = 0; rows && i < heap->n_facts; i++) {
		const struct rg_heap_fact *row = &heap->facts[i];

		if (row->key.length <= length || memcmp(row->key.bytes, prefix, length) != 0 ||
			!row->text.bytes)
			continue;
		rows[n++] = (struct rg_answer_warning){
			rg_arena_text(arena, row->key.bytes + length, row->key.length - length),
			rg_arena_text(arena, row->text.bytes, row->text.length)
		};
	}
	if (rows && !heap->complete)
		rows[n++] = (struct rg_answer_warning){ "incomplete",
			rg_arena_print(arena, "the snapshot is not complete: %s", heap->damage) };
	list->shown = list->of = n;
}

void rg_answer_envelope_init(struct rg_answer_envelope *envelope, const struct rg_heap *heap,
	const struct rg_answer_origin *origin, struct rg_arena *arena)
{
	struct rg_answer_source *source = rg_arena_new(arena, 1, sizeof(*source));
	struct rg_answer_policy *policy = rg_arena_new(arena, 1, sizeof(*policy));
	struct rg_answer_totals *totals = rg_arena_new(arena, 1, sizeof(*totals));
	int64_t pid = rg_heap_fact_number(heap, "pid", -1);

	if (arena->failed)
		return;
	source->kind = origin->live     ? "process"
		       : origin->core   ? "core"
		       : origin->ndjson ? "ndjson"
					: "snapshot";
	source->pid = pid < 0 ? RG_NOTHING : (uint64_t)pid;
	source->name = origin->live   ? rg_arena_print(arena, "pid %lld", (long long)pid)
		       : origin->core ? origin->core
				      : origin->path;
	source->runtime = fact(heap, "runtime", arena);
	source->captured = fact(heap, "captured", arena);
	source->complete = heap->complete;
	source->snapshot = origin->ndjson ? NULL : origin->path;
	source->fingerprint = rg_arena_print(
		arena, "xxh64:%016llx", (unsigned long long)heap->fingerprint);
	fill_warnings(&source->warnings, heap, arena);
	policy->edges = origin->edges;
	policy->raw = origin->raw;
	totals->objects = heap->n_objects;
	totals->references = heap->n_references;
	totals->size = heap->total_size;
	*envelope = (struct rg_answer_envelope){ source, policy, totals };
}

struct rg_answer_object *rg_answer_object_new(
	const struct rg_heap *heap, uint32_t id, bool raw, struct rg_arena *arena)
{
	struct rg_answer_object *object = rg_arena_new(arena, 1, sizeof(*object));
	uint32_t helper = raw ? RG_NO_ID : rg_heap_helper(heap, id);

	if (!object)
		return NULL;
	object->id = id;
	object->address = heap->address[id];
	object->type = rg_label_type(heap, heap->type[id], arena);
	object->type_id = heap->type[id];
	object->size = heap->size[id];
	object->footprint = rg_heap_footprint(heap, id, raw);
	object->immortal = heap->flags[id] & RG_OBJECT_IMMORTAL;
	object->refcount = object->immortal ? RG_NOTHING : heap->refcount[id];
	object->generation = rg_generation_names[rg_heap_generation(heap, id)];
	object->tracked = rg_heap_tracked(heap, id);
	object->items = heap->items[id] == RG_NO_ITEMS ? RG_NOTHING : heap->items[id];
	object->folded = helper == RG_NO_ID ? RG_NOTHING : 1;
	object->distance = RG_NOTHING;
	object->retained = RG_NOTHING;
	object->value = rg_label_value(heap, id, &object->value_exact, arena);
	object->name = rg_label_name(heap, id, arena);
	object->site = rg_label_site(heap, rg_heap_site(heap, id), arena);
	object->allocated = object->site ? rg_label_short(object->site) : NULL;
	if (!object->site)
		object->site = rg_label_place(heap, id, arena);
	return object;
}

void rg_answer_object_trace(
	struct rg_answer_object *object, const struct rg_heap *heap, struct rg_arena *arena)
{
	uint32_t site = rg_heap_site(heap, object->id);
	const char **rows;
	uint64_t n = 0;

	for (uint32_t at = site; at != RG_NO_SITE; at = heap->sites[at].caller)
		n++;
	rows = rg_answer_rows(&object->traceback, n, n, sizeof(*rows), arena);
	for (uint64_t i = 0; rows && i < n; i++, site = heap->sites[site].caller)
		rows[i] = rg_label_site(heap, site, arena);
}

struct rg_answer_reference *rg_answer_reference_new(
	const struct rg_heap *heap, uint32_t from, uint32_t edge, struct rg_arena *arena)
{
	struct rg_answer_reference *reference = rg_arena_new(arena, 1, sizeof(*reference));

	if (!reference)
		return NULL;
	reference->from = from;
	reference->to = heap->target[edge];
	reference->kind = rg_kind_table[RG_EDGE_KIND(heap->edge[edge])].name;
	reference->label = rg_label_reference(heap, edge, arena);
	return reference;
}
