#include "src/heap/load.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"
#include "heapdump/snapshot/reader.h"

/* Object rows as they come, before they are sorted by address. */
struct rows {
	struct rg_object_record *items;
	size_t count, capacity;
};

struct load {
	struct rg_heap *heap;
	const char *file;
	struct rows rows;
	struct rg_root_record *roots;
	size_t n_roots, roots_capacity;
	struct rg_value_record *values;
	size_t n_values, values_capacity;
	struct rg_allocation_record *allocations;
	size_t n_allocations, allocations_capacity;
	struct rg_block *references; /* the blocks of references, for the second pass */
	size_t n_blocks, blocks_capacity;
	struct rg_error *err;
};

static enum rg_code malformed(struct load *load, const struct rg_block *block)
{
	rg_fail(load->err, RG_BAD_DATA, "bad-record",
		"%s: a block of %s at offset %zu holds a record that makes no sense", load->file,
		rg_block_name(block->type), block->offset);
	return rg_at_file(load->err, load->file, block->offset);
}

/* --- first pass: rows --------------------------------------------------------------------- */

static enum rg_code load_string(struct load *load, struct rg_block *block)
{
	struct rg_heap *heap = load->heap;
	struct rg_text *slot = RG_PUSH(heap->strings, heap->n_strings, heap->strings_capacity);

	if (!slot)
		return RG_NOMEM;
	return rg_read_string(block, &slot->bytes, &slot->length) ? RG_OK : RG_BAD_DATA;
}

static enum rg_code load_type(struct load *load, struct rg_block *block)
{
	struct rg_heap *heap = load->heap;
	struct rg_heap_type *slot = RG_PUSH(heap->types, heap->n_types, heap->types_capacity);
	struct rg_type_record record;

	if (!slot)
		return RG_NOMEM;
	if (!rg_read_type(block, &record))
		return RG_BAD_DATA;
	*slot = (struct rg_heap_type){ .address = record.address,
		.flags = record.flags,
		.basicsize = record.basicsize,
		.itemsize = record.itemsize,
		.name = rg_heap_string(heap, record.name),
		.module = rg_heap_string(heap, record.module) };
	return RG_OK;
}

static enum rg_code load_object(struct load *load, struct rg_block *block)
{
	struct rows *rows = &load->rows;
	struct rg_object_record *slot = RG_PUSH(rows->items, rows->count, rows->capacity);

	if (!slot)
		return RG_NOMEM;
	return rg_read_object(block, slot) && slot->type < load->heap->n_types ? RG_OK
									       : RG_BAD_DATA;
}

static enum rg_code load_value(struct load *load, struct rg_block *block)
{
	struct rg_value_record *slot = RG_PUSH(load->values, load->n_values, load->values_capacity);

	if (!slot)
		return RG_NOMEM;
	return rg_read_value(block, slot) ? RG_OK : RG_BAD_DATA;
}

static enum rg_code load_root(struct load *load, struct rg_block *block)
{
	struct rg_root_record *slot = RG_PUSH(load->roots, load->n_roots, load->roots_capacity);

	if (!slot)
		return RG_NOMEM;
	return rg_read_root(block, slot) ? RG_OK : RG_BAD_DATA;
}

static enum rg_code load_thread(struct load *load, struct rg_block *block)
{
	struct rg_heap *heap = load->heap;
	struct rg_heap_thread *slot = RG_PUSH(
		heap->threads, heap->n_threads, heap->threads_capacity);
	struct rg_thread_record record;

	if (!slot)
		return RG_NOMEM;
	if (!rg_read_thread(block, &record))
		return RG_BAD_DATA;
	*slot = (struct rg_heap_thread){ record.native_id, record.name };
	return RG_OK;
}

static enum rg_code load_frame(struct load *load, struct rg_block *block)
{
	struct rg_heap *heap = load->heap;
	struct rg_frame_record *slot = RG_PUSH(heap->frames, heap->n_frames, heap->frames_capacity);

	if (!slot)
		return RG_NOMEM;
	return rg_read_frame(block, slot) ? RG_OK : RG_BAD_DATA;
}

static enum rg_code load_site(struct load *load, struct rg_block *block)
{
	struct rg_heap *heap = load->heap;
	struct rg_site_record *slot = RG_PUSH(heap->sites, heap->n_sites, heap->sites_capacity);

	if (!slot)
		return RG_NOMEM;
	if (!rg_read_site(block, slot))
		return RG_BAD_DATA;
	/* so that no traceback runs in a circle */
	return slot->caller == RG_NO_SITE || slot->caller < heap->n_sites - 1 ? RG_OK : RG_BAD_DATA;
}

static enum rg_code load_allocation(struct load *load, struct rg_block *block)
{
	struct rg_allocation_record *slot = RG_PUSH(
		load->allocations, load->n_allocations, load->allocations_capacity);

	if (!slot)
		return RG_NOMEM;
	return rg_read_allocation(block, slot) && slot->site < load->heap->n_sites ? RG_OK
										   : RG_BAD_DATA;
}

static enum rg_code load_fact(struct load *load, struct rg_block *block)
{
	struct rg_heap *heap = load->heap;
	struct rg_heap_fact *slot = RG_PUSH(heap->facts, heap->n_facts, heap->facts_capacity);
	struct rg_fact_record record;

	if (!slot)
		return RG_NOMEM;
	if (!rg_read_fact(block, &record))
		return RG_BAD_DATA;
	*slot = (struct rg_heap_fact){ .key = { record.key, record.key_length },
		.text = { record.text, record.text_length },
		.number = record.number };
	return RG_OK;
}

/* One record of a block: RG_BAD_DATA where it makes no sense; neither fills the error. */
static enum rg_code (*const loaders[RG_BLOCK_TYPE_COUNT])(struct load *, struct rg_block *) = {
	[RG_BLOCK_STRINGS] = load_string,
	[RG_BLOCK_TYPES] = load_type,
	[RG_BLOCK_OBJECTS] = load_object,
	[RG_BLOCK_VALUES] = load_value,
	[RG_BLOCK_ROOTS] = load_root,
	[RG_BLOCK_THREADS] = load_thread,
	[RG_BLOCK_FRAMES] = load_frame,
	[RG_BLOCK_FACTS] = load_fact,
	[RG_BLOCK_SITES] = load_site,
	[RG_BLOCK_ALLOCATIONS] = load_allocation,
};

static enum rg_code load_block(struct load *load, struct rg_block *block)
{
	for (uint32_t i = 0; i < block->count; i++) {
		enum rg_code code = loaders[block->type](load, block);

		if (code)
			return code == RG_NOMEM ? rg_nomem(load->err) : malformed(load, block);
	}
	return RG_OK;
}

static enum rg_code load_rows(struct load *load, struct rg_reader *reader)
{
	struct rg_block block, *slot;
	enum rg_code code = RG_OK;

	while (!code && rg_reader_next(reader, &block)) {
		if (block.type != RG_BLOCK_REFERENCES) {
			code = load_block(load, &block);
			continue;
		}
		slot = RG_PUSH(load->references, load->n_blocks, load->blocks_capacity);
		if (!slot)
			return rg_nomem(load->err);
		*slot = block;
	}
	return code;
}

/* --- types and objects in address order --------------------------------------------------- */

struct type_place {
	uint64_t address;
	uint32_t number; /* in the file */
};

static int by_type_address(const void *a, const void *b)
{
	const struct type_place *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/*
 * Number the types by address. In the file they are in the order in which two threads came by them,
 * and answers that are alike in all else must not depend on that.
 */
static enum rg_code place_types(struct load *load)
{
	struct rg_heap *heap = load->heap;
	size_t n = heap->n_types;
	struct type_place *places = rg_array_new(n, sizeof(*places));
	struct rg_heap_type *types = rg_array_new(n, sizeof(*types));
	uint32_t *number = rg_array_new(n, sizeof(*number));

	if (!places || !types || !number) {
		free(places);
		free(types);
		free(number);
		return rg_nomem(load->err);
	}
	for (size_t i = 0; i < n; i++)
		places[i] = (struct type_place){ heap->types[i].address, (uint32_t)i };
	qsort(places, n, sizeof(*places), by_type_address);
	for (size_t i = 0; i < n; i++) {
		types[i] = heap->types[places[i].number];
		number[places[i].number] = (uint32_t)i;
	}
	for (size_t i = 0; i < load->rows.count; i++)
		load->rows.items[i].type = number[load->rows.items[i].type];
	free(heap->types);
	free(places);
	free(number);
	heap->types = types;
	heap->types_capacity = n;
	return RG_OK;
}

static int by_address(const void *a, const void *b)
{
	const struct rg_object_record *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* Sort rows by address: LSD radix sort, 11 bits a pass, only the bits that differ. */
static bool sort_rows(struct rows *rows)
{
	struct rg_object_record *other = NULL, *from = rows->items;
	uint64_t differ = 0;
	bool sorted = true;

	for (size_t i = 1; i < rows->count; i++) {
		differ |= from[i].address ^ from[0].address;
		sorted &= from[i].address >= from[i - 1].address;
	}
	/* then there is no need for memory to sort in */
	if (sorted)
		return true;
	if (rows->count < 4096) {
		if (rows->count)
			qsort(rows->items, rows->count, sizeof(*rows->items), by_address);
		return true;
	}
	other = malloc(rows->count * sizeof(*other));
	if (!other)
		return false;
	/* not sorted, so that some bit differs; those below the first are alike in all */
	for (unsigned shift = (unsigned)__builtin_ctzll(differ); shift < 64; shift += 11) {
		size_t starts[2049] = { 0 };
		struct rg_object_record *swap = from;

		if (!(differ >> shift & 2047))
			continue;
		for (size_t i = 0; i < rows->count; i++)
			starts[(from[i].address >> shift & 2047) + 1]++;
		for (size_t i = 0; i < 2048; i++)
			starts[i + 1] += starts[i];
		for (size_t i = 0; i < rows->count; i++)
			other[starts[from[i].address >> shift & 2047]++] = from[i];
		from = other;
		other = swap;
	}
	free(other);
	rows->items = from;
	rows->capacity = rows->count;
	return true;
}

static bool allocate_objects(struct rg_heap *heap, size_t n)
{
	heap->address = rg_array_new(n, sizeof(*heap->address));
	heap->size = rg_array_new(n, sizeof(*heap->size));
	heap->type = rg_array_new(n, sizeof(*heap->type));
	heap->refcount = rg_array_new(n, sizeof(*heap->refcount));
	heap->items = rg_array_new(n, sizeof(*heap->items));
	heap->extra = rg_array_new(n, sizeof(*heap->extra));
	heap->flags = rg_array_new(n, sizeof(*heap->flags));
	return heap->address && heap->size && heap->type && heap->refcount && heap->items &&
	       heap->extra && heap->flags;
}

static uint32_t saturate(uint64_t value)
{
	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX - 1;
}

static void store_row(struct rg_heap *heap, uint32_t id, const struct rg_object_record *row)
{
	heap->address[id] = row->address;
	heap->size[id] = row->size;
	heap->type[id] = row->type;
	heap->refcount[id] = saturate(row->refcount);
	heap->items[id] = row->flags & RG_OBJECT_ITEMS ? saturate(row->items) : RG_NO_ITEMS;
	heap->extra[id] = saturate(row->extra);
	heap->flags[id] = row->flags & RG_OBJECT_FLAGS;
	heap->total_size += row->size;
}

/* Columns in address order; of two rows with one address the first stays. */
static enum rg_code place_objects(struct load *load)
{
	struct rg_heap *heap = load->heap;
	struct rows *rows = &load->rows;
	uint32_t n = 0;

	if (rows->count >= RG_NO_ID)
		return rg_fail(load->err, RG_LIMIT, "too-many-objects",
			"%s: more than 4,294,967,294 objects", load->file);
	if (!sort_rows(rows) || !allocate_objects(heap, rows->count))
		return rg_nomem(load->err);
	for (size_t i = 0; i < rows->count; i++)
		if (n == 0 || rows->items[i].address != heap->address[n - 1])
			store_row(heap, n++, &rows->items[i]);
	heap->n_objects = n;
	free(rows->items);
	rows->items = NULL;
	return rg_addressmap_init(&heap->map, heap->address, n, load->err);
}

/* --- second pass: references -------------------------------------------------------------- */

struct resolve {
	struct rg_heap *heap;
	uint64_t *place; /* where the next reference of each source goes */
	bool store; /* false: count only */
};

static enum rg_edge_form form_of(enum rg_label_form form)
{
	static const enum rg_edge_form forms[] = {
		[RG_LABEL_NONE] = RG_FORM_NONE,
		[RG_LABEL_NEXT] = RG_FORM_INDEX,
		[RG_LABEL_INDEX] = RG_FORM_INDEX,
		[RG_LABEL_STRING] = RG_FORM_STRING,
		[RG_LABEL_OBJECT] = RG_FORM_OBJECT,
	};

	return forms[form];
}

static void store_reference(struct resolve *resolve, uint64_t place, uint32_t target,
	const struct rg_reference_record *record)
{
	struct rg_heap *heap = resolve->heap;
	enum rg_edge_form form = form_of(record->form);
	uint32_t label = saturate(record->label);

	if (form == RG_FORM_OBJECT) {
		label = rg_addressmap_find(&heap->map, record->label);
		form = label == RG_NO_ID ? RG_FORM_NONE : form;
	} else if (form == RG_FORM_STRING && label >= heap->n_strings) {
		form = RG_FORM_NONE;
	}
	heap->target[place] = target;
	heap->label[place] = label;
	heap->edge[place] = (uint8_t)(record->kind | form << 5 |
				      (record->untraversed ? RG_EDGE_UNTRAVERSED : 0));
}

static bool resolve_run(struct resolve *resolve, struct rg_block *block)
{
	struct rg_heap *heap = resolve->heap;
	struct rg_reference_run run;
	uint32_t source;

	if (!rg_read_references(block, &run))
		return false;
	source = rg_addressmap_find(&heap->map, run.source);
	if (!resolve->store && source != RG_NO_ID)
		resolve->place[source] += run.count;
	for (uint64_t i = 0; i < run.count; i++) {
		struct rg_reference_record record;
		uint32_t target;

		if (!rg_read_reference(block, &run, &record))
			return false;
		if (!resolve->store)
			continue;
		target = rg_addressmap_find(&heap->map, record.target);
		if (source == RG_NO_ID || target == RG_NO_ID)
			heap->dangling++;
		else
			store_reference(resolve, resolve->place[source]++, target, &record);
	}
	return true;
}

static enum rg_code resolve_all(struct load *load, struct resolve *resolve)
{
	for (size_t i = 0; i < load->n_blocks; i++) {
		struct rg_block block = load->references[i];

		for (uint32_t k = 0; k < block.count; k++)
			if (!resolve_run(resolve, &block))
				return malformed(load, &block);
	}
	return RG_OK;
}

/* From counts, of those that lead to no object too, to offsets, in the places and in the heap. */
static enum rg_code make_offsets(struct load *load, struct resolve *resolve)
{
	struct rg_heap *heap = load->heap;
	uint64_t total = 0;

	for (uint32_t id = 0; id < heap->n_objects; id++) {
		uint64_t count = resolve->place[id];

		if (total >= UINT32_MAX)
			return rg_fail(load->err, RG_LIMIT, "too-many-references",
				"%s: more than 4,294,967,295 references", load->file);
		heap->offset[id] = (uint32_t)total;
		resolve->place[id] = total;
		total += count;
	}
	if (total >= UINT32_MAX)
		return rg_fail(load->err, RG_LIMIT, "too-many-references",
			"%s: more than 4,294,967,295 references", load->file);
	heap->offset[heap->n_objects] = (uint32_t)total;
	heap->n_references = (uint32_t)total;
	heap->target = rg_array_new(total, sizeof(*heap->target));
	heap->label = rg_array_new(total, sizeof(*heap->label));
	heap->edge = rg_array_new(total, sizeof(*heap->edge));
	if (!heap->target || !heap->label || !heap->edge)
		return rg_nomem(load->err);
	return RG_OK;
}

/* Close the gaps that references to no object have left: those of each source end at its place. */
static void close_gaps(struct rg_heap *heap, const uint64_t *place)
{
	uint32_t to = 0;

	for (uint32_t id = 0; id < heap->n_objects; id++) {
		uint32_t from = heap->offset[id], count = (uint32_t)place[id] - from;

		memmove(heap->target + to, heap->target + from, count * sizeof(*heap->target));
		memmove(heap->label + to, heap->label + from, count * sizeof(*heap->label));
		memmove(heap->edge + to, heap->edge + from, count * sizeof(*heap->edge));
		heap->offset[id] = to;
		to += count;
	}
	heap->offset[heap->n_objects] = heap->n_references = to;
}

static enum rg_code load_references(struct load *load)
{
	struct rg_heap *heap = load->heap;
	struct resolve resolve = { .heap = heap };
	enum rg_code code;

	heap->offset = rg_array_new((size_t)heap->n_objects + 1, sizeof(*heap->offset));
	resolve.place = rg_array_new(heap->n_objects, sizeof(*resolve.place));
	if (!heap->offset || !resolve.place) {
		free(resolve.place);
		return rg_nomem(load->err);
	}
	code = resolve_all(load, &resolve);
	if (!code)
		code = make_offsets(load, &resolve);
	resolve.store = true;
	if (!code)
		code = resolve_all(load, &resolve);
	if (!code && heap->dangling)
		close_gaps(heap, resolve.place);
	free(resolve.place);
	return code;
}

/* --- roots, values and sites by id -------------------------------------------------------- */

static int by_root_kind(const void *a, const void *b)
{
	const struct rg_heap_root *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->frame != y->frame)
		return x->frame < y->frame ? -1 : 1;
	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	return (x->label > y->label) - (x->label < y->label);
}

static enum rg_code place_roots(struct load *load)
{
	struct rg_heap *heap = load->heap;

	for (size_t i = 0; i < load->n_roots; i++) {
		const struct rg_root_record *record = &load->roots[i];
		uint32_t object = rg_addressmap_find(&heap->map, record->target);
		struct rg_heap_root *slot;

		if (object == RG_NO_ID)
			continue;
		slot = RG_PUSH(heap->roots, heap->n_roots, heap->roots_capacity);
		if (!slot)
			return rg_nomem(load->err);
		*slot = (struct rg_heap_root){ .object = object,
			.name = record->name,
			.label = record->label,
			.kind = (uint8_t)record->kind,
			.reference = (uint8_t)record->reference,
			.thread = record->thread < heap->n_threads ? record->thread : RG_NO_ID,
			.frame = record->frame < heap->n_frames ? record->frame : RG_NO_ID };
	}
	if (heap->n_roots)
		qsort(heap->roots, heap->n_roots, sizeof(*heap->roots), by_root_kind);
	return RG_OK;
}

static int by_object(const void *a, const void *b)
{
	const struct rg_heap_value *x = a, *y = b;

	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	return (x->kind > y->kind) - (x->kind < y->kind);
}

/*
 * Count the values of each block of objects, and turn the counts into the rows where each begins:
 * at[b + 1] is where b's next goes, and so ends where b's end.
 */
static void index_values(struct load *load, uint32_t *at, uint32_t n_blocks)
{
	const struct rg_heap *heap = load->heap;

	for (size_t i = 0; i < load->n_values; i++) {
		uint32_t object = rg_addressmap_find(&heap->map, load->values[i].address);

		if (object != RG_NO_ID)
			at[object / RG_VALUE_BLOCK + 2]++;
	}
	for (uint32_t block = 0; block < n_blocks; block++)
		at[block + 2] += at[block + 1];
}

/* By counting blocks of objects, and sorting within each. */
static enum rg_code place_values(struct load *load)
{
	struct rg_heap *heap = load->heap;
	uint32_t n_blocks = heap->n_objects / RG_VALUE_BLOCK + 1, *at;

	if (load->n_values >= UINT32_MAX)
		return rg_fail(load->err, RG_LIMIT, "too-many-values",
			"%s: more than 4,294,967,294 values", load->file);
	at = heap->value_at = rg_array_new((size_t)n_blocks + 2, sizeof(*at));
	heap->values = rg_array_new(load->n_values, sizeof(*heap->values));
	if (!at || !heap->values)
		return rg_nomem(load->err);
	index_values(load, at, n_blocks);
	for (size_t i = 0; i < load->n_values; i++) {
		const struct rg_value_record *record = &load->values[i];
		uint32_t object = rg_addressmap_find(&heap->map, record->address);

		if (object == RG_NO_ID)
			continue;
		heap->values[at[object / RG_VALUE_BLOCK + 1]++] =
			(struct rg_heap_value){ .text = { record->text, record->length },
				.object = object,
				.kind = (uint8_t)record->kind,
				.exact = record->exact };
	}
	for (uint32_t block = 0; block < n_blocks; block++)
		if (at[block + 1] - at[block] > 1)
			qsort(heap->values + at[block], at[block + 1] - at[block],
				sizeof(*heap->values), by_object);
	heap->n_values = at[n_blocks];
	return RG_OK;
}

static enum rg_code place_sites(struct load *load)
{
	struct rg_heap *heap = load->heap;

	if (!load->n_allocations)
		return RG_OK;
	heap->site = rg_array_new(heap->n_objects, sizeof(*heap->site));
	if (!heap->site)
		return rg_nomem(load->err);
	memset(heap->site, 0xff, heap->n_objects * sizeof(*heap->site));
	for (size_t i = 0; i < load->n_allocations; i++) {
		uint32_t object = rg_addressmap_find(&heap->map, load->allocations[i].address);

		if (object != RG_NO_ID)
			heap->site[object] = load->allocations[i].site;
	}
	return RG_OK;
}

enum rg_code rg_load(struct rg_heap *heap, const char *file, struct rg_error *err)
{
	struct load load = { .heap = heap, .file = file, .err = err };
	struct rg_reader reader;
	enum rg_code code = rg_reader_init(&reader, heap->bytes.data, heap->bytes.size, file, err);

	if (!code)
		code = load_rows(&load, &reader);
	if (!code) {
		heap->complete = reader.ended && !reader.truncated;
		heap->fingerprint = reader.fingerprint;
		memcpy(heap->damage, reader.damage, sizeof(heap->damage));
		code = place_types(&load);
	}
	if (!code)
		code = place_objects(&load);
	if (!code)
		code = load_references(&load);
	if (!code)
		code = place_roots(&load);
	if (!code)
		code = place_values(&load);
	if (!code)
		code = place_sites(&load);
	free(load.rows.items);
	free(load.roots);
	free(load.values);
	free(load.allocations);
	free(load.references);
	return code;
}
