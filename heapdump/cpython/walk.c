#include "heapdump/cpython/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/cpython/native.h"
#include "heapdump/cpython/readers.h"
#include "heapdump/cpython/roots.h"
#include "heapdump/cpython/sites.h"
#include "heapdump/cpython/text.h"

#define STRAY_LIMIT 1000 /* broken links in the collector's lists before we give up */
#define READINGS 4 /* how often a word of memory is read as a reference, at most and on average */
#define ITEMS_LIMIT (64 << 10) /* bytes of an unknown C type's items that are scanned */
#define BASES_LIMIT 64
#define BYTES_AN_OBJECT 64 /* of memory, on average or more */
#define EXPECTED_LIMIT (16u << 20) /* objects for which room is made at once */
#define PREFETCH 8 /* objects that are on their way to the cache */

/* --- names -------------------------------------------------------------------------------- */

uint32_t rg_walk_name(struct rg_walk *walk, uint64_t address)
{
	uint32_t number = rg_map_get(&walk->names, address);
	char text[512];
	size_t length;

	if (number != RG_MAP_NONE)
		return number;
	if (!address || !rg_walk_is(walk, address, "str"))
		return RG_NO_STRING;
	length = rg_text_str(walk->image, walk->layout, address, text, sizeof(text), NULL);
	number = rg_writer_string(walk->writer, text, length);
	if (!rg_map_set(&walk->names, address, number))
		walk->out_of_memory = true;
	return number;
}

uint32_t rg_walk_c_name(struct rg_walk *walk, uint64_t address)
{
	uint32_t number = rg_map_get(&walk->names, address);
	char text[512];

	if (number != RG_MAP_NONE)
		return number;
	if (!rg_image_string(walk->image, address, text, sizeof(text)))
		return RG_NO_STRING;
	number = rg_writer_string(walk->writer, text, strlen(text));
	if (!rg_map_set(&walk->names, address, number))
		walk->out_of_memory = true;
	return number;
}

uint32_t rg_walk_literal(struct rg_walk *walk, const char *text)
{
	uint64_t key = (uint64_t)(uintptr_t)text;
	uint32_t number = rg_map_get(&walk->literals, key);

	if (number == RG_MAP_NONE) {
		number = rg_writer_string(walk->writer, text, strlen(text));
		if (!rg_map_set(&walk->literals, key, number))
			walk->out_of_memory = true;
	}
	return number;
}

bool rg_walk_is(struct rg_walk *walk, uint64_t address, const char *name)
{
	struct rg_pytype type = { 0 };

	if (address & 7 || !rg_image_at(walk->image, address, 16))
		return false;
	type.address = rg_image_u64(walk->image, address + RG_OB_TYPE);
	return rg_type_is(walk, &type, name);
}

/* --- objects and references --------------------------------------------------------------- */

/* Objects of a type the collector knows have a head before them; static types have none. */
static bool has_gc_head(struct rg_walk *walk, const struct rg_pytype *type, uint64_t address)
{
	if (!(type->tp_flags & RG_TPFLAG_GC))
		return false;
	return !(type->tp_flags & RG_TPFLAG_TYPE) ||
	       rg_image_u64(walk->image, address + RG_TP_FLAGS) & RG_TPFLAG_HEAP;
}

bool rg_walk_spend(struct rg_walk *walk, uint64_t count)
{
	walk->room = count < walk->room ? walk->room - count : 0;
	return walk->room > 0;
}

uint32_t rg_walk_object(struct rg_walk *walk, uint64_t address)
{
	uint32_t number, type;
	uint8_t generation = RG_GEN_UNTRACKED;

	if (!address || address & 7)
		return RG_NO_OBJECT;
	number = rg_objects_find(&walk->objects, address);
	if (number != RG_NO_OBJECT)
		return number;
	type = rg_image_at(walk->image, address, 16) && rg_objects_fits(&walk->objects, address)
		       ? rg_types_get(walk, rg_image_u64(walk->image, address + RG_OB_TYPE))
		       : RG_NO_TYPE;
	if (type == RG_NO_TYPE) {
		walk->bad_pointers++;
		return RG_NO_OBJECT;
	}
	/* linked, yet in none of the lists: a collection was moving it */
	if (has_gc_head(walk, walk->types.rows[type], address) &&
		rg_image_u64(walk->image, address - RG_GC_HEAD))
		generation = RG_GEN_0;
	number = rg_objects_add(&walk->objects, address, type, generation);
	if (number == RG_NO_OBJECT)
		walk->out_of_memory = true;
	return number;
}

void rg_walk_refer(struct rg_walk *walk, enum rg_kind kind, uint64_t target,
	enum rg_label_form form, uint64_t label, bool untraversed)
{
	struct rg_reference_record *slot;
	uint32_t number;

	if (!rg_walk_spend(walk, 1))
		return;
	number = target ? rg_walk_object(walk, target) : RG_NO_OBJECT;
	if (number == RG_NO_OBJECT)
		return;
	slot = RG_PUSH(walk->references, walk->n_references, walk->references_capacity);
	if (!slot) {
		walk->out_of_memory = true;
		return;
	}
	*slot = (struct rg_reference_record){ .target = target,
		.label = label,
		.kind = kind,
		.form = form,
		.untraversed = untraversed || walk->unknown };
	if (kind != RG_KIND_WEAK && !walk->uncounted)
		walk->objects.found[number]++;
}

void rg_walk_refer_as(struct rg_walk *walk, enum rg_kind kind, uint64_t target, const char *label,
	bool untraversed)
{
	if (target)
		rg_walk_refer(walk, kind, target, RG_LABEL_STRING, rg_walk_literal(walk, label),
			untraversed);
}

void rg_walk_guess(struct rg_walk *walk, uint64_t word)
{
	struct rg_guess *slot;

	if (!rg_walk_spend(walk, 1) || !word || word & 7)
		return;
	slot = RG_PUSH(walk->guesses, walk->n_guesses, walk->guesses_capacity);
	if (!slot) {
		walk->out_of_memory = true;
		return;
	}
	*slot = (struct rg_guess){ .target = word, .source = walk->current };
}

void rg_walk_root(struct rg_walk *walk, const struct rg_root_record *root)
{
	uint32_t number = rg_walk_spend(walk, 1) ? rg_walk_object(walk, root->target)
						 : RG_NO_OBJECT;

	if (number == RG_NO_OBJECT)
		return;
	/* a module is held by sys.modules, whose references are counted where it is read */
	if (root->kind != RG_ROOT_MODULE && root->kind != RG_ROOT_STATIC)
		walk->objects.found[number]++;
	rg_writer_root(walk->writer, root);
}

bool rg_walk_unexplained(struct rg_walk *walk, uint32_t number)
{
	uint64_t refcount = rg_walk_refcount(walk, walk->objects.address[number]);

	return refcount != UINT64_MAX && refcount > walk->objects.found[number];
}

uint64_t rg_walk_base(struct rg_walk *walk, uint32_t number)
{
	uint64_t address = walk->objects.address[number];
	const struct rg_pytype *type = walk->types.rows[walk->objects.type[number]];

	if (has_gc_head(walk, type, address))
		address -= RG_GC_HEAD;
	if (type->tp_flags & (RG_TPFLAG_MANAGED_DICT | RG_TPFLAG_MANAGED_WEAKREF))
		address -= RG_MANAGED_HEAD;
	return address;
}

/* --- reading one object ------------------------------------------------------------------- */

/* True for a word that stands for a reference which tp_traverse has shown; once for each. */
static bool is_shown(struct rg_walk *walk, uint64_t word)
{
	for (size_t i = 0; walk->inside && word && i < walk->n_references; i++)
		if (walk->references[i].visited && walk->references[i].target == word) {
			walk->references[i].visited = false;
			return true;
		}
	return false;
}

static void scan_word(struct rg_walk *walk, uint64_t address)
{
	uint64_t word = rg_image_u64(walk->image, address);

	if (!is_shown(walk, word))
		rg_walk_guess(walk, word);
}

static void read_scan(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	int64_t items, end;

	for (size_t i = 0; i < type->n_scan; i++)
		scan_word(walk, address + type->scan[i]);
	items = (int64_t)rg_image_u64(walk->image, address + RG_OB_SIZE);
	if (!type->scan_items || items <= 0)
		return;
	end = items < ITEMS_LIMIT / type->itemsize ? items * type->itemsize : ITEMS_LIMIT;
	for (int64_t at = 0; at < end; at += 8)
		scan_word(walk, address + (uint64_t)(type->basicsize + at));
}

/* What tp_traverse showed and no reference stands for yet. */
static void take_visited(void *context, uint64_t target)
{
	struct rg_walk *walk = context;

	for (size_t i = 0; i < walk->n_references; i++)
		if (walk->references[i].target == target && !walk->references[i].untraversed &&
			!walk->references[i].visited) {
			walk->references[i].visited = true;
			return;
		}
	rg_walk_refer(walk, RG_KIND_OTHER, target, RG_LABEL_NONE, 0, false);
	if (walk->n_references)
		walk->references[walk->n_references - 1].visited = true;
}

/* From inside, the type itself says what an object refers to that no table describes. */
static void read_inside(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	uint64_t tp_traverse = rg_image_u64(walk->image, type->address + RG_TP_TRAVERSE);

	if (walk->inside && type->flags & RG_TYPE_GUESSED && tp_traverse &&
		has_gc_head(walk, type, address))
		walk->inside->traverse(address, tp_traverse, take_visited, walk);
}

static void read_references(struct rg_walk *walk, uint64_t address, const struct rg_pytype *type)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct rg_plan_field *field = &type->fields[i];

		rg_walk_refer(walk, field->kind, rg_image_u64(walk->image, address + field->offset),
			field->label == RG_NO_STRING ? RG_LABEL_NONE : RG_LABEL_STRING,
			field->label, field->untraversed);
	}
	for (unsigned i = 0; i < type->n_readers; i++)
		type->readers[i]->read(walk, address, type);
	rg_traverse_attributes(walk, address, type);
	if (type->tp_flags & RG_TPFLAG_HEAP && !type->hollow)
		rg_walk_refer(walk, RG_KIND_TYPE, type->address, RG_LABEL_NONE, 0, type->typeless);
	read_inside(walk, address, type);
	read_scan(walk, address, type);
}

/*
 * sys.getsizeof(): the type's own __sizeof__ and the headers before the object. OPEN_RET says
 * whether the former is not known.
 */
static uint64_t size_of(
	struct rg_walk *walk, uint64_t address, const struct rg_pytype *type, bool *open_ret)
{
	uint64_t size = walk->inside && type->foreign_size
				? walk->inside->size(address, type->foreign_size)
				: 0;

	*open_ret = size == 0 && type->flags & RG_TYPE_SIZEOF;
	if (type->size) {
		size = type->size(walk, address, type);
	} else if (size == 0) {
		/* object.__sizeof__ */
		int64_t items = type->itemsize
					? (int64_t)rg_image_u64(walk->image, address + RG_OB_SIZE)
					: 0;

		size = (uint64_t)type->basicsize;
		if (items > 0 && items < INT64_MAX / (1 << 16))
			size += (uint64_t)(items * type->itemsize);
	}
	if (walk->layout->head_by_type ? (type->tp_flags & RG_TPFLAG_GC) != 0
				       : has_gc_head(walk, type, address))
		size += RG_GC_HEAD;
	if (type->tp_flags & (RG_TPFLAG_MANAGED_DICT | RG_TPFLAG_MANAGED_WEAKREF))
		size += RG_MANAGED_HEAD;
	return size;
}

static void write_object(struct rg_walk *walk, uint32_t number, const struct rg_pytype *type)
{
	uint64_t address = walk->objects.address[number];
	uint64_t refcount = rg_walk_refcount(walk, address);
	bool open;
	struct rg_object_record record = { .address = address,
		.type = type->number,
		.flags = walk->objects.generation[number] & RG_OBJECT_GENERATION,
		.refcount = refcount,
		.size = size_of(walk, address, type, &open),
		.extra = rg_instance_extra(walk, address, type) };

	if (refcount == UINT64_MAX) {
		record.flags |= RG_OBJECT_IMMORTAL;
		record.refcount = 0;
	}
	if (walk->items != UINT64_MAX) {
		record.flags |= RG_OBJECT_ITEMS;
		record.items = walk->items;
	}
	if (record.extra)
		record.flags |= RG_OBJECT_EXTRA;
	if (open)
		record.flags |= RG_OBJECT_SIZE_OPEN;
	/* _PyGC_PREV_MASK_FINALIZED */
	if (has_gc_head(walk, type, address) && rg_image_u64(walk->image, address - 8) & 1)
		record.flags |= RG_OBJECT_FINALIZED;
	rg_writer_object(walk->writer, &record);
}

static void read_object(struct rg_walk *walk, uint32_t number)
{
	uint64_t address = walk->objects.address[number];
	struct rg_pytype *type = walk->types.rows[walk->objects.type[number]];

	walk->current = number;
	walk->n_references = 0;
	walk->items = UINT64_MAX;
	walk->uncounted = walk->layout->frozen_uncounted &&
			  rg_walk_refcount(walk, address) == UINT64_MAX;
	walk->unknown = !has_gc_head(walk, type, address);
	if (!type->known) {
		type->known = true;
		rg_walk_object(walk, type->address);
	}
	read_references(walk, address, type);
	write_object(walk, number, type);
	if (walk->n_references)
		rg_writer_references(walk->writer, address, walk->references, walk->n_references);
	if (type->value)
		type->value(walk, address);
}

/* --- the passes --------------------------------------------------------------------------- */

/*
 * To 3.10 a table of str keys is told by the function that searches it. The table of subclasses
 * of `object`, which all bases lead to, has int keys.
 */
static uint64_t find_any_lookup(struct rg_walk *walk)
{
	uint64_t modules = rg_walk_field(
		walk, walk->runtime->interpreter, walk->layout->interp_modules);
	uint64_t type = rg_walk_field(walk, modules, RG_OB_TYPE);
	struct rg_entries entries;

	for (int i = 0; i < BASES_LIMIT && rg_walk_field(walk, type, RG_TP_BASE); i++)
		type = rg_walk_field(walk, type, RG_TP_BASE);
	if (walk->layout->keys_lookup < 0 ||
		!rg_entries_of_dict(&entries, walk->image, walk->layout,
			rg_walk_field(walk, type, RG_TP_SUBCLASSES)))
		return 0;
	return entries.lookup;
}

static bool is_going_on(const struct rg_walk *walk)
{
	return !walk->out_of_memory && walk->room > 0;
}

/*
 * The object of the collector's head at AT, new or found before by a reference; RG_NO_OBJECT where
 * there is none.
 */
static uint32_t listed_object(struct rg_walk *walk, uint64_t at, uint8_t generation)
{
	uint64_t address = at + RG_GC_HEAD;
	uint32_t number = rg_objects_find(&walk->objects, address), type;

	if (number != RG_NO_OBJECT)
		return number;
	if (!rg_image_at(walk->image, at, RG_GC_HEAD + 16) ||
		!rg_objects_fits(&walk->objects, address))
		return RG_NO_OBJECT;
	type = rg_types_get(walk, rg_image_u64(walk->image, address + RG_OB_TYPE));
	if (type == RG_NO_TYPE)
		return RG_NO_OBJECT;
	number = rg_objects_add(&walk->objects, address, type, generation);
	if (number == RG_NO_OBJECT)
		walk->out_of_memory = true;
	return number;
}

/* Note that object NUMBER is in the list of GENERATION; false where it is in one already. */
static bool list_object(struct rg_walk *walk, uint32_t number, uint8_t generation)
{
	uint8_t *state = &walk->objects.generation[number];

	if (*state & RG_OBJECTS_LISTED)
		return false;
	*state = generation | RG_OBJECTS_LISTED | RG_OBJECTS_READ;
	return true;
}

/*
 * Read the objects of one of the collector's lists, each while it is in the cache and the next one
 * is on its way there.
 */
static void walk_list(struct rg_walk *walk, uint64_t head, uint8_t generation)
{
	uint64_t at = rg_image_u64(walk->image, head) & ~7ull;
	unsigned stray = 0;

	while (at && at != head && is_going_on(walk)) {
		uint32_t number = listed_object(walk, at, generation);
		uint64_t next = rg_image_u64(walk->image, at) & ~7ull;

		if (number == RG_NO_OBJECT) {
			walk->bad_pointers++;
			if (++stray > STRAY_LIMIT || !rg_image_at(walk->image, at, 8))
				break;
		} else if (!list_object(walk, number, generation)) {
			/* a list that runs in a circle ends here */
			break;
		} else {
			__builtin_prefetch(rg_image_at(walk->image, next, 1));
			read_object(walk, number);
		}
		at = next;
	}
}

static enum rg_code walk_lists(struct rg_walk *walk, struct rg_error *err)
{
	uint64_t interpreter = walk->runtime->interpreter;

	for (int i = 0; interpreter && i < 10000; i++) {
		struct rg_gc_state gc;
		enum rg_code code = rg_runtime_gc(
			walk->runtime, walk->image, interpreter, &gc, err);

		if (code)
			return code;
		for (uint8_t generation = 0; generation < 4; generation++)
			walk_list(walk, gc.heads[generation],
				gc.incremental && generation == RG_GEN_1 ? RG_GEN_2 : generation);
		/* one collector for all of them, to 3.8 */
		if (walk->layout->interp_gc < 0)
			break;
		interpreter = rg_walk_field(walk, interpreter, walk->layout->interp_next);
	}
	return RG_OK;
}

/* Read every object from NEXT on that is not read; the queue grows meanwhile. Returns its end. */
static uint32_t drain(struct rg_walk *walk, uint32_t next)
{
	for (; next < walk->objects.count && is_going_on(walk); next++) {
		/* objects lie all over the heap: the cache is told of them in time */
		if (next + PREFETCH < walk->objects.count)
			__builtin_prefetch(rg_image_at(
				walk->image, walk->objects.address[next + PREFETCH], 1));
		if (walk->objects.generation[next] & RG_OBJECTS_READ)
			continue;
		walk->objects.generation[next] |= RG_OBJECTS_READ;
		read_object(walk, next);
	}
	return next;
}

static void accept_guess(struct rg_walk *walk, const struct rg_guess *guess, uint32_t number)
{
	struct rg_reference_record reference = { .target = guess->target,
		.kind = RG_KIND_GUESS,
		.form = RG_LABEL_NONE,
		/* whether the collector sees it is as unknown as what it is */
		.untraversed = true };
	struct rg_root_record root = guess->root;

	if (guess->source == RG_NO_OBJECT) {
		root.target = guess->target;
		rg_walk_root(walk, &root);
		return;
	}
	walk->objects.found[number]++;
	rg_writer_references(walk->writer, walk->objects.address[guess->source], &reference, 1);
}

/*
 * True when a guess may lead to an object that nothing exact led to. Stray words of a stack never
 * make an object, those of a body may; what claims to be tracked is in the lists or none at all.
 */
static bool may_be_new(struct rg_walk *walk, const struct rg_guess *guess)
{
	uint64_t refcount = rg_walk_refcount(walk, guess->target);
	uint32_t type;

	if (guess->source == RG_NO_OBJECT || refcount == 0 || refcount == UINT64_MAX ||
		!rg_image_at(walk->image, guess->target, 16))
		return false;
	type = rg_types_get(walk, rg_image_u64(walk->image, guess->target + RG_OB_TYPE));
	return type != RG_NO_TYPE && !(has_gc_head(walk, walk->types.rows[type], guess->target) &&
					     rg_image_u64(walk->image, guess->target - RG_GC_HEAD));
}

/*
 * Judge the guesses in order. One that leads to a new object is followed at once, so that what
 * that object explains is known to the guesses behind it.
 */
static void resolve_guesses(struct rg_walk *walk, uint32_t next)
{
	for (size_t i = 0; i < walk->n_guesses && is_going_on(walk); i++) {
		struct rg_guess guess = walk->guesses[i];
		uint32_t number = rg_objects_find(&walk->objects, guess.target);

		if (number == RG_NO_OBJECT && may_be_new(walk, &guess))
			number = rg_walk_object(walk, guess.target);
		if (number == RG_NO_OBJECT || !rg_walk_unexplained(walk, number))
			continue;
		accept_guess(walk, &guess, number);
		next = drain(walk, next);
	}
}

static void deinit(struct rg_walk *walk)
{
	rg_objects_deinit(&walk->objects);
	rg_types_deinit(&walk->types);
	rg_map_deinit(&walk->names);
	rg_map_deinit(&walk->literals);
	rg_map_deinit(&walk->borrowers);
	rg_map_deinit(&walk->native);
	rg_map_deinit(&walk->passed);
	free(walk->references);
	free(walk->guesses);
	free(walk->threads);
}

static uint64_t memory_size(const struct rg_image *image)
{
	uint64_t size = 0;

	for (size_t i = 0; i < image->n_segments; i++)
		size += image->segments[i].end - image->segments[i].start;
	return size;
}

/* About how many objects IMAGE may hold; what is not used costs nothing. */
static size_t expected_count(const struct rg_image *image)
{
	uint64_t count = memory_size(image) / BYTES_AN_OBJECT;

	return count < EXPECTED_LIMIT ? (size_t)count : EXPECTED_LIMIT;
}

static enum rg_code refuse_endless(struct rg_error *err)
{
	rg_fail(err, RG_BAD_DATA, "endless-heap",
		"the heap has more references than its memory can hold: it is damaged, or made so");
	return rg_hint(err, "take it again from the process, or from another core");
}

enum rg_code rg_walk_heap(struct rg_image *image, const struct rg_runtime *runtime,
	struct rg_writer *writer, const struct rg_walk_options *options, struct rg_error *err)
{
	struct rg_walk walk = { .image = image,
		.inside = options->inside,
		.runtime = runtime,
		.layout = &runtime->layout,
		.writer = writer,
		.dict_values = runtime->layout.dict_values_since >= 0 &&
			       (int)(runtime->version >> 8 & 255) >=
				       runtime->layout.dict_values_since,
		.values = options->values,
		.room = memory_size(image) / 8 * READINGS };
	enum rg_code code;

	rg_objects_expect(&walk.objects, expected_count(image));
	walk.any_lookup = find_any_lookup(&walk);
	rg_roots_walk(&walk);
	code = walk_lists(&walk, err);
	if (!code) {
		resolve_guesses(&walk, drain(&walk, 0));
		rg_native_walk(&walk);
		rg_roots_static(&walk);
		if (options->sites)
			rg_sites_walk(&walk);
		rg_writer_fact_number(writer, "bad_pointers", (int64_t)walk.bad_pointers);
		if (walk.out_of_memory)
			code = rg_nomem(err);
		else if (walk.room == 0)
			code = refuse_endless(err);
	}
	deinit(&walk);
	return code;
}
