#include "heapdump/cpython/reading.h"

#include "heapdump/base/array.h"
#include "heapdump/cpython/readers.h"

#define ITEMS_LIMIT (64 << 10) /* bytes of an unknown C type's items that are scanned */

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
		rg_walk_has_head(walk, type, address))
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
				       : rg_walk_has_head(walk, type, address))
		size += RG_GC_HEAD;
	if (type->tp_flags & (RG_TPFLAG_MANAGED_DICT | RG_TPFLAG_MANAGED_WEAKREF))
		size += RG_MANAGED_HEAD;
	return size;
}

static void write_object(
	struct rg_walk *walk, uint64_t address, uint8_t generation, const struct rg_pytype *type)
{
	uint64_t refcount = rg_walk_refcount(walk, address);
	bool open;
	struct rg_object_record record = { .address = address,
		.type = type->number,
		.flags = generation & RG_OBJECT_GENERATION,
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
	if (rg_walk_has_head(walk, type, address) && rg_image_u64(walk->image, address - 8) & 1)
		record.flags |= RG_OBJECT_FINALIZED;
	rg_writer_object(walk->writer, &record);
}

/* A type of objects is one of them, though no instance of a static type refers to it. */
static void know_type(struct rg_walk *walk, struct rg_pytype *type)
{
	if (!__atomic_load_n(&type->known, __ATOMIC_RELAXED)) {
		__atomic_store_n(&type->known, true, __ATOMIC_RELAXED);
		rg_walk_object(walk, type->address);
	}
}

/*
 * An object that refers to nothing, found among the references of another: it is read now, as it is
 * in the cache.
 */
static void read_leaf(
	struct rg_walk *walk, uint64_t address, uint32_t number, struct rg_pytype *type)
{
	walk->objects->generation[number] |= RG_OBJECTS_READ;
	walk->items = UINT64_MAX;
	for (unsigned i = 0; i < type->n_readers; i++)
		type->readers[i]->read(walk, address, type);
	know_type(walk, type);
	write_object(walk, address, RG_GEN_UNTRACKED, type);
	if (type->value)
		type->value(walk, address);
}

/* Find the objects that the references lead to, and drop those that lead to none. */
static void resolve_references(struct rg_walk *walk)
{
	size_t kept = 0;

	for (size_t i = 0; i < walk->n_references; i++) {
		struct rg_reference_record *reference = &walk->references[i];
		struct rg_pytype *fresh;
		uint32_t number = rg_walk_find(walk, reference->target, &fresh);

		if (number == RG_NO_OBJECT)
			continue;
		if (reference->kind != RG_KIND_WEAK && !walk->uncounted)
			walk->objects->found[walk->lane][number]++;
		if (fresh && fresh->leaf)
			read_leaf(walk, reference->target, number, fresh);
		walk->references[kept++] = *reference;
	}
	walk->n_references = kept;
}

/* True of a type that its own functions in C are asked about: one thread can do that. */
static bool asks_inside(const struct rg_walk *walk, const struct rg_pytype *type)
{
	return walk->inside && (type->foreign_size || type->flags & RG_TYPE_GUESSED);
}

static void put_off(struct rg_walk *walk, uint32_t number)
{
	uint32_t *slot = RG_PUSH(walk->put_off, walk->n_put_off, walk->put_off_capacity);

	if (slot)
		*slot = number;
	else
		walk->out_of_memory = true;
}

/* Read the current object, which is of TYPE. */
static void read_object(
	struct rg_walk *walk, uint64_t address, uint8_t generation, struct rg_pytype *type)
{
	walk->current = address;
	walk->n_references = 0;
	walk->items = UINT64_MAX;
	walk->uncounted = walk->layout->frozen_uncounted &&
			  rg_walk_refcount(walk, address) == UINT64_MAX;
	walk->unknown = !rg_walk_has_head(walk, type, address);
	know_type(walk, type);
	read_references(walk, address, type);
	write_object(walk, address, generation, type);
	resolve_references(walk);
	if (walk->n_references)
		rg_writer_references(walk->writer, address, walk->references, walk->n_references);
	if (type->value)
		type->value(walk, address);
}

void rg_reading_object(struct rg_walk *walk, uint32_t number)
{
	/* where the two threads meet, both mark the same object, and one of them reads it */
	uint8_t state = __atomic_load_n(&walk->objects->generation[number], __ATOMIC_RELAXED);
	uint64_t address = walk->objects->address[number];
	struct rg_pytype *type = rg_types_get(
		walk, rg_image_u64(walk->image, address + RG_OB_TYPE));

	if (type && !walk->alone && asks_inside(walk, type))
		put_off(walk, number);
	else if (type)
		read_object(walk, address, state, type);
}
