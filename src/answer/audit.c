#include "src/answer/audit.h"

#include "src/heap/label.h"

/* --- descriptions ------------------------------------------------------------------------- */

#define COLUMN(struct_, member, type, flags, heading)                                              \
	{                                                                                          \
		NULL, type, offsetof(struct struct_, member), NULL, flags, heading, NULL           \
	}

static const struct rg_field audited_fields[] = {
	COLUMN(rg_answer_audited, id, RG_ID, RG_VOLATILE, "ID"),
	COLUMN(rg_answer_audited, type, RG_TEXT, 0, "TYPE"),
	COLUMN(rg_answer_audited, refcount, RG_COUNT, 0, "REFS"),
	RG_FIELD(rg_answer_audited, found, RG_COUNT, "FOUND", "references to it that are exact"),
	RG_FIELD(rg_answer_audited, guessed, RG_COUNT, "GUESSED",
		"words of C memory and of unknown types that point at it"),
	RG_FIELD(rg_answer_audited, unexplained, RG_COUNT, "MISSING",
		"of its reference count: more than were found and guessed"),
	RG_FIELD(rg_answer_audited, alone, RG_FLAG, "ALONE", "nothing that was found holds it"),
	COLUMN(rg_answer_audited, value, RG_TEXT, 0, "VALUE"),
	RG_FIELD_OF(rg_answer_audited, object, RG_INLINE, &rg_record_object, "the object"),
};
const struct rg_record rg_record_audited = RG_RECORD_OF(rg_answer_audited, audited_fields);

static const struct rg_field type_fields[] = {
	RG_FIELD(rg_answer_audit_type, objects, RG_COUNT, "OBJECTS",
		"with references for no known reason"),
	RG_FIELD(rg_answer_audit_type, excess, RG_COUNT, "MISSING",
		"references that were not found"),
	RG_FIELD(rg_answer_audit_type, alone, RG_COUNT, "ALONE",
		"objects that nothing else holds: these are leaked"),
	RG_FIELD(rg_answer_audit_type, deficit, RG_COUNT, "TOO MANY",
		"references that were found beyond the count"),
	RG_FIELD(rg_answer_audit_type, size, RG_BYTES, "SIZE", "of these objects"),
	RG_FIELD(rg_answer_audit_type, type, RG_TEXT, "TYPE", "its name, with the module"),
	RG_FIELD(rg_answer_audit_type, module, RG_TEXT, NULL, "its module"),
	RG_FIELD_FLAGGED(rg_answer_audit_type, type_id, RG_COUNT, RG_VOLATILE, NULL,
		"two types may share a name, never this"),
};
const struct rg_record rg_record_audit_type = RG_RECORD_OF(rg_answer_audit_type, type_fields);

static const struct rg_field reason_fields[] = {
	RG_FIELD(rg_answer_audit_reason, objects, RG_COUNT, "OBJECTS", "how many"),
	RG_FIELD(rg_answer_audit_reason, references, RG_COUNT, "MISSING",
		"references to them that no object and no root owns"),
	RG_FIELD(rg_answer_audit_reason, reason, RG_TEXT, "HELD BY", "why they live"),
};
const struct rg_record rg_record_audit_reason = RG_RECORD_OF(rg_answer_audit_reason, reason_fields);

static const struct rg_field sum_fields[] = {
	RG_FIELD(rg_audit_sum, objects, RG_COUNT, NULL, "how many"),
	RG_FIELD(rg_audit_sum, references, RG_COUNT, NULL, "of all of them"),
};
static const struct rg_record sum_record = RG_RECORD_OF(rg_audit_sum, sum_fields);

static const struct rg_field audit_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_audit),
	RG_FIELD(rg_answer_audit, checked, RG_COUNT, NULL, "objects; immortal ones are not"),
	RG_FIELD(rg_answer_audit, exact, RG_COUNT, NULL,
		"objects of which as many references were found as they count"),
	RG_FIELD_OF(rg_answer_audit, excess, RG_RECORD, &sum_record,
		"objects that count more, and how many more"),
	RG_FIELD_OF(rg_answer_audit, deficit, RG_RECORD, &sum_record,
		"objects that count fewer: a mistake of refgraph, or a process in motion"),
	RG_FIELD_OF(rg_answer_audit, reasons, RG_ROWS, &rg_record_audit_reason,
		"who holds those that count more"),
	RG_FIELD_OF(rg_answer_audit, types, RG_LIST, &rg_record_audit_type,
		"of the objects without a known reason, and those that count fewer"),
	RG_FIELD_OF(rg_answer_audit, objects, RG_LIST, &rg_record_audited,
		"those without a known reason, the surest first"),
};
static const struct rg_record audit_record = RG_RECORD_OF(rg_answer_audit, audit_fields);
const struct rg_answer rg_answer_audit = { "audit", &audit_record };

/* --- filling ------------------------------------------------------------------------------ */

static void fill_reasons(
	struct rg_answer_audit *answer, const struct rg_audit *audit, struct rg_arena *arena)
{
	uint64_t n = RG_AUDIT_REASON_COUNT - RG_AUDIT_MEMORY, used = 0;
	struct rg_answer_audit_reason *rows = rg_answer_rows(
		&answer->reasons, n, n, sizeof(*rows), arena);

	for (int i = RG_AUDIT_MEMORY; rows && i < RG_AUDIT_REASON_COUNT; i++)
		if (audit->reasons[i].objects)
			rows[used++] = (struct rg_answer_audit_reason){ rg_audit_reasons[i],
				audit->reasons[i].objects, audit->reasons[i].references };
	answer->reasons.shown = answer->reasons.of = used;
}

static void fill_types(struct rg_answer_audit *answer, const struct rg_heap *heap,
	const struct rg_audit *audit, uint64_t limit, struct rg_arena *arena)
{
	uint64_t of = audit->n_types;
	struct rg_answer_audit_type *rows = rg_answer_rows(
		&answer->types, of < limit ? of : limit, of, sizeof(*rows), arena);

	for (uint64_t i = 0; rows && i < answer->types.shown; i++) {
		const struct rg_audit_type *type = &audit->types[i];
		struct rg_text module = heap->types[type->type].module;

		rows[i] = (struct rg_answer_audit_type){
			.type = rg_label_type(heap, type->type, arena),
			.module = rg_arena_text(arena, module.bytes, module.length),
			.type_id = type->type,
			.objects = type->objects,
			.excess = type->excess,
			.deficit = type->deficit,
			.alone = type->alone,
			.size = type->size,
		};
	}
}

static void fill_objects(struct rg_answer_audit *answer, const struct rg_heap *heap,
	const struct rg_audit *audit, uint64_t limit, struct rg_arena *arena)
{
	uint64_t of = audit->n_suspects;
	struct rg_answer_audited *rows = rg_answer_rows(
		&answer->objects, of < limit ? of : limit, of, sizeof(*rows), arena);

	for (uint64_t i = 0; rows && i < answer->objects.shown; i++) {
		uint32_t id = audit->suspects[i];
		struct rg_answer_object *object = rg_answer_object_new(heap, id, true, arena);

		rows[i] = (struct rg_answer_audited){ .object = object,
			.found = audit->found[id],
			.guessed = audit->guessed[id],
			.unexplained = rg_audit_unexplained(audit, heap, id),
			.alone = rg_audit_is_alone(audit, id),
			.id = id,
			.refcount = heap->refcount[id],
			.type = object ? object->type : NULL,
			.value = object ? object->value ? object->value : object->name : NULL };
	}
}

enum rg_code rg_answer_audit_init(struct rg_answer_audit *answer, const struct rg_heap *heap,
	const struct rg_audit *audit, const struct rg_answer_origin *origin, uint64_t limit,
	struct rg_arena *arena, struct rg_error *err)
{
	rg_answer_envelope_init(&answer->envelope, heap, origin, arena);
	answer->checked = audit->checked;
	answer->exact = audit->exact;
	answer->excess = &audit->excess;
	answer->deficit = &audit->deficit;
	fill_reasons(answer, audit, arena);
	fill_types(answer, heap, audit, limit, arena);
	fill_objects(answer, heap, audit, limit, arena);
	return arena->failed ? rg_nomem(err) : RG_OK;
}
