#include "src/answer/leaks.h"

#include <string.h>

#include "heapdump/base/units.h"
#include "src/analysis/places.h"
#include "src/answer/rows.h"
#include "src/heap/label.h"

#define OMIT RG_OMIT_EMPTY

const char *const rg_fails[RG_FAIL_COUNT + 1] = {
#define F(id, name) name,
	RG_FAILS(F)
#undef F
		NULL,
};

/* --- descriptions ------------------------------------------------------------------------- */

static const struct rg_field growth_fields[] = {
	RG_FIELD(rg_answer_growth, delta, RG_DELTA, NULL, "of these objects how many more"),
	RG_FIELD(rg_answer_growth, size_delta, RG_DELTA_BYTES, NULL,
		"bytes more, with what hangs on them"),
};
static const struct rg_record growth_record = RG_RECORD_OF(rg_answer_growth, growth_fields);

static const struct rg_field suspect_fields[] = {
	RG_FIELD(rg_answer_suspect, signature, RG_TEXT, NULL,
		"what names the leak: the same in every run, on any machine; for --known"),
	RG_FIELD(rg_answer_suspect, kind, RG_TEXT, NULL,
		"retainer, growth, cycle, garbage, classes or held-from-c"),
	RG_FIELD(rg_answer_suspect, cause, RG_TEXT, NULL, "what it looks like, in a word"),
	RG_FIELD(rg_answer_suspect, retained, RG_BYTES, NULL,
		"what would be freed with it; of cycles their bytes, and what only garbage holds"),
	RG_FIELD(rg_answer_suspect, objects, RG_COUNT, NULL, "how many objects that is"),
	RG_FIELD(rg_answer_suspect, share, RG_SHARE, NULL, "of the bytes that roots reach"),
	RG_FIELD(rg_answer_suspect, count, RG_COUNT, NULL,
		"things that accumulate; of cycles and classes, how many"),
	RG_FIELD(rg_answer_suspect, type, RG_TEXT, NULL, "of these things"),
	RG_FIELD(rg_answer_suspect, young, RG_COUNT, NULL,
		"objects of it that are of a younger generation than what they are in: they came "
		"later"),
	RG_FIELD_OF(rg_answer_suspect, chain, RG_RECORD, &rg_record_chain,
		"from a root to one of the things, or null"),
	RG_FIELD_OF(rg_answer_suspect, accumulation, RG_RECORD, &rg_record_object,
		"what that one is in, or null"),
	{ "break", RG_LIST, offsetof(struct rg_answer_suspect, breaks), &rg_record_break, 0, NULL,
		"of the cycles that they are in: references without which there are none" },
	{ "growth", RG_RECORD, offsetof(struct rg_answer_suspect, growth), &growth_record, OMIT,
		NULL, "since the earlier snapshot" },
	RG_FIELD(rg_answer_suspect, text, RG_TEXT, NULL, "what it looks like"),
	RG_FIELD(rg_answer_suspect, advice, RG_TEXT, NULL, "what to do"),
	RG_FIELD(rg_answer_suspect, fails, RG_FLAG, NULL, "it is what --fail-on asks for"),
};
static const struct rg_record suspect_record = RG_RECORD_OF(rg_answer_suspect, suspect_fields);

static const struct rg_field leaks_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_leaks),
	RG_FIELD(rg_answer_leaks, triage, RG_TEXT, NULL, "where to look first, in one sentence"),
	RG_FIELD(rg_answer_leaks, reached, RG_BYTES, NULL, "bytes that roots reach"),
	RG_FIELD(rg_answer_leaks, known, RG_COUNT, NULL,
		"suspects that are left out, as --known lists them"),
	RG_FIELD(rg_answer_leaks, failing, RG_COUNT, NULL, "suspects that --fail-on asks for"),
	RG_FIELD_OF(rg_answer_leaks, suspects, RG_LIST, &suspect_record, "the likeliest first"),
};
static const struct rg_record leaks_record = RG_RECORD_OF(rg_answer_leaks, leaks_fields);
const struct rg_answer rg_answer_leaks = { "leaks", &leaks_record };

/* --- suspects ----------------------------------------------------------------------------- */

/* Garbage comes and goes with the collector, where that is on and finds it. */
static bool stays(const struct rg_suspect *suspect)
{
	return suspect->kind != RG_SUSPECT_GARBAGE ||
	       (suspect->cause != RG_CAUSE_GARBAGE && suspect->cause != RG_CAUSE_FINALIZER);
}

bool rg_suspect_fails(const struct rg_suspect *suspect, unsigned fail_on)
{
	if (fail_on & RG_FAIL(NEW))
		return true;
	if (suspect->kind == RG_SUSPECT_GROWTH)
		return fail_on & RG_FAIL(GROWTH);
	if (suspect->more > 0 && fail_on & RG_FAIL(GROWTH) && stays(suspect))
		return true;
	if (suspect->kind == RG_SUSPECT_GARBAGE)
		return fail_on & (RG_FAIL(GARBAGE) | RG_FAIL(CYCLES));
	return suspect->kind == RG_SUSPECT_CYCLE && fail_on & RG_FAIL(CYCLES);
}

struct making {
	const struct rg_leaks *leaks;
	const struct rg_heap *heap;
	struct rg_arena *arena;
	struct rg_error *err;
	bool raw;
};

/* The target of the first reference of KIND from ID, or RG_NO_ID. */
static uint32_t target_of(const struct rg_heap *heap, uint32_t id, enum rg_kind kind)
{
	for (uint32_t edge = heap->offset[id]; edge < heap->offset[id + 1]; edge++)
		if (RG_EDGE_KIND(heap->edge[edge]) == kind)
			return heap->target[edge];
	return RG_NO_ID;
}

/* "method app.web.View.on_price", "function audited.<locals>.line"; of all else the type. */
static const char *thing_of(const struct making *making, const struct rg_suspect *suspect)
{
	const struct rg_heap *heap = making->heap;
	const char *type = rg_label_type(heap, suspect->type, making->arena);
	uint32_t id = suspect->example, self = target_of(heap, id, RG_KIND_SELF);
	uint32_t function = target_of(heap, id, RG_KIND_FUNC);
	const char *name = rg_label_name(heap, id, making->arena);

	if (self != RG_NO_ID && function != RG_NO_ID) {
		name = rg_label_name(heap, function, making->arena);
		type = rg_label_type(heap, heap->type[self], making->arena);
		/* "View.on_price": what is behind the class's name */
		name = name && strrchr(name, '.') ? strrchr(name, '.') + 1 : name;
		return name ? rg_arena_print(making->arena, "method %s.%s", type, name)
			    : rg_arena_print(making->arena, "method of %s", type);
	}
	return name && heap->types[suspect->type].flags & RG_TYPE_FUNCTION
		       ? rg_arena_print(making->arena, "%s %s", type, name)
		       : type;
}

/* "12 cycles of Session"; "4,812 × app.cache.Session". */
static const char *things_of(const struct making *making, const struct rg_suspect *suspect)
{
	struct rg_arena *arena = making->arena;
	const char *type = rg_label_type(making->heap, suspect->type, arena);

	if (suspect->kind == RG_SUSPECT_CYCLE || suspect->kind == RG_SUSPECT_GARBAGE)
		return rg_arena_print(arena, "%s of %s",
			rg_units_things(suspect->count, "cycle", "cycles", arena), type);
	if (suspect->kind == RG_SUSPECT_CLASSES)
		return rg_arena_print(
			arena, "%s classes %s", rg_units_count(suspect->count, arena), type);
	return suspect->count == 1
		       ? rg_arena_print(arena, "one %s", type)
		       : rg_arena_print(arena, "%s × %s", rg_units_count(suspect->count, arena),
				 thing_of(making, suspect));
}

/* Where the suspect is held, as it is of all its things. */
static const char *where_of(const struct making *making, const struct rg_suspect *suspect,
	const struct rg_answer_chain *chain)
{
	if (suspect->kind == RG_SUSPECT_GARBAGE)
		return "nothing: it is garbage";
	if (suspect->kind == RG_SUSPECT_HELD_FROM_C || suspect->cause == RG_CAUSE_C)
		return chain && suspect->container != RG_NO_ID
			       ? rg_arena_print(making->arena, "C code, beside %s", chain->path)
			       : "C code alone";
	return rg_place_text(making->heap, &making->leaks->retained->paths, suspect->example,
		suspect->count > 1, making->arena);
}

static void fill_growth(const struct making *making, struct rg_answer_suspect *row,
	const struct rg_suspect *suspect)
{
	if (suspect->kind != RG_SUSPECT_GROWTH && suspect->more <= 0 && suspect->more_bytes <= 0)
		return;
	row->growth = rg_arena_new(making->arena, 1, sizeof(*row->growth));
	if (row->growth)
		*row->growth = (struct rg_answer_growth){ suspect->more, suspect->more_bytes };
}

/* Garbage is beside what roots reach, and may be more than that. */
static double share_of(uint64_t bytes, uint64_t reached)
{
	if (bytes >= reached)
		return reached ? 1 : 0;
	return (double)bytes / (double)reached;
}

static void fill_suspect(const struct making *making, struct rg_answer_suspect *row,
	const struct rg_suspect *suspect, uint64_t rank)
{
	const struct rg_leaks *leaks = making->leaks;
	const struct rg_answer_cycle *cycle = suspect->cycle < leaks->n_cycles
						      ? leaks->cycles[suspect->cycle]
						      : NULL;

	*row = (struct rg_answer_suspect){
		.signature = rg_arena_print(
			making->arena, "%016llx", (unsigned long long)suspect->signature.whole),
		.kind = rg_suspect_kinds[suspect->kind],
		.cause = rg_causes[suspect->cause].name,
		.text = rg_causes[suspect->cause].what,
		.advice = rg_causes[suspect->cause].advice,
		.type = rg_label_type(making->heap, suspect->type, making->arena),
		.retained = suspect->bytes,
		.objects = suspect->objects,
		.count = suspect->count,
		.young = suspect->young,
		.share = share_of(suspect->bytes, leaks->suspects->reached),
		.fails = rg_suspect_fails(suspect, leaks->fail_on),
		.rank = rank,
		.example = suspect->example,
	};
	row->chain = rg_chain_new(making->heap, &leaks->retained->paths, suspect->example,
		making->raw, making->arena, making->err);
	if (suspect->container != RG_NO_ID)
		row->accumulation = rg_answer_object_new(
			making->heap, suspect->container, making->raw, making->arena);
	if (cycle)
		row->breaks = cycle->breaks;
	row->things = things_of(making, suspect);
	row->where = where_of(making, suspect, row->chain);
	fill_growth(making, row, suspect);
}

/* --- the sentence ------------------------------------------------------------------------- */

const char *rg_answer_suspect_share(const struct rg_answer_suspect *row, struct rg_arena *arena)
{
	/* garbage is no part of it */
	return rg_arena_print(arena,
		strcmp(row->kind, rg_suspect_kinds[RG_SUSPECT_GARBAGE]) == 0
			? "as much as %s of what is alive"
			: "%s of what is alive",
		rg_units_share(row->share, arena));
}

static const char *triage_of(const struct making *making, const struct rg_answer_leaks *answer)
{
	struct rg_arena *arena = making->arena;
	const struct rg_answer_suspect *row = answer->suspects.rows;
	const char *held;

	if (!answer->suspects.shown)
		return rg_arena_print(arena, "No suspect: %s, and nothing%s looks like a leak%s.",
			rg_units_bytes(answer->reached, arena), answer->known ? " new" : "",
			making->leaks->compared ? " or grew" : "");
	held = strcmp(row->kind, "garbage") == 0 ? "held by nothing"
	       : strncmp(row->where, "C code", strlen("C code")) == 0
		       ? rg_arena_print(arena, "held by %s", row->where)
		       : rg_arena_print(arena, "held at %s", row->where);
	if (row->growth)
		return rg_arena_print(arena, "Look first at %s, %s: %s%s%s, now %s; %s.",
			row->things, held,
			/* what is only larger may be fewer */
			row->growth->delta > 0 ? rg_units_count((uint64_t)row->growth->delta, arena)
					       : "",
			row->growth->delta > 0 ? " more and " : "",
			rg_units_delta(row->growth->size_delta, true, arena),
			rg_units_bytes(row->retained, arena), row->text);
	return rg_arena_print(arena, "Look first at %s, %s: %s, %s; %s.", row->things, held,
		rg_units_bytes(row->retained, arena), rg_answer_suspect_share(row, arena),
		row->text);
}

enum rg_code rg_answer_leaks_init(struct rg_answer_leaks *answer, const struct rg_leaks *leaks,
	const struct rg_answer_origin *origin, uint64_t limit, struct rg_arena *arena,
	struct rg_error *err)
{
	const struct rg_suspects *suspects = leaks->suspects;
	struct making making = { leaks, suspects->heap, arena, err, origin->raw };
	uint64_t of = suspects->count;
	struct rg_answer_suspect *rows = rg_answer_rows(
		&answer->suspects, of < limit ? of : limit, of, sizeof(*rows), arena);

	rg_answer_envelope_init(&answer->envelope, suspects->heap, origin, arena);
	answer->reached = suspects->reached;
	answer->known = leaks->known;
	for (uint64_t i = 0; i < of; i++)
		answer->failing += rg_suspect_fails(&suspects->rows[i], leaks->fail_on);
	for (uint64_t i = 0; rows && i < answer->suspects.shown; i++)
		fill_suspect(&making, &rows[i], &suspects->rows[i], i + 1);
	answer->triage = triage_of(&making, answer);
	return arena->failed ? rg_nomem(err) : RG_OK;
}
