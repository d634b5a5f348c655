#include "heapdump/cpython/types.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/cpython/bytecode.h"
#include "heapdump/cpython/fields.h"
#include "heapdump/cpython/readers.h"
#include "heapdump/cpython/text.h"
#include "heapdump/cpython/values.h"

#define BASES 64 /* the longest chain of bases that is followed */
#define MEMBERS 256 /* members of one class that are looked at */
#define MEMBER_SIZE 40 /* sizeof(PyMemberDef) */
#define T_OBJECT 6
#define T_OBJECT_EX 16
#define BODY_LIMIT (64 << 10) /* bytes of an unknown C type's body that are scanned */

void rg_types_deinit(struct rg_types *types)
{
	for (size_t i = 0; i < types->count; i++) {
		free(types->rows[i]->fields);
		free(types->rows[i]->scan);
		free(types->rows[i]);
	}
	free(types->rows);
	rg_map_deinit(&types->by_address);
	*types = (struct rg_types){ 0 };
}

/* --- is it a type ------------------------------------------------------------------------- */

/* The checks that a live type passes and stray words do not. */
static bool is_plausible(struct rg_walk *walk, uint64_t address)
{
	struct rg_image *image = walk->image;
	int64_t basicsize = (int64_t)rg_image_u64(image, address + RG_TP_BASICSIZE);
	int64_t itemsize = (int64_t)rg_image_u64(image, address + RG_TP_ITEMSIZE);
	const uint8_t *name;

	if (address & 7 || !rg_image_at(image, address, (size_t)walk->layout->statictype_size) ||
		basicsize < 16 || basicsize > 1 << 20 || itemsize < 0 || itemsize > 1 << 16 ||
		!(rg_image_u64(image, address + RG_TP_FLAGS) & RG_TPFLAG_READY))
		return false;
	name = rg_image_at(image, rg_image_u64(image, address + RG_TP_NAME), 1);
	return name && *name >= 0x20 && *name != 0x7f;
}

/* A type's type is a type, up to `type` itself. */
static bool is_type(struct rg_walk *walk, uint64_t address)
{
	for (int depth = 0; depth < 8; depth++) {
		uint64_t meta;

		if (!is_plausible(walk, address))
			return false;
		meta = rg_image_u64(walk->image, address + RG_OB_TYPE);
		if (meta == address)
			return true;
		if (!is_plausible(walk, meta) ||
			!(rg_image_u64(walk->image, meta + RG_TP_FLAGS) & RG_TPFLAG_TYPE))
			return false;
		address = meta;
	}
	return false;
}

/* The record of the static type at ADDRESS in the table at OFFSET of the interpreter, or 0. */
static uint64_t static_record(struct rg_walk *walk, uint64_t address, int offset)
{
	const struct rg_layout *layout = walk->layout;
	/* in the place of the subclasses: its number in the table, from 1 on */
	uint64_t number = rg_walk_field(walk, address, RG_TP_SUBCLASSES), record;

	if (offset < 0 || number == 0 || number > RG_STATIC_TYPES)
		return 0;
	record = walk->runtime->main + (unsigned)offset +
		 (number - 1) * (unsigned)layout->static_type_size;
	return rg_walk_field(walk, record, layout->static_type_type) == address ? record : 0;
}

uint64_t rg_type_owned(struct rg_walk *walk, uint64_t address, int own, int state)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t flags = rg_walk_field(walk, address, RG_TP_FLAGS), record;

	if (flags & RG_TPFLAG_HEAP || layout->static_type_size < 0 || state < 0)
		return rg_walk_field(walk, address, own);
	record = static_record(walk, address, layout->interp_builtin_types);
	if (!record)
		record = static_record(walk, address, layout->interp_extension_types);
	return rg_walk_field(walk, record ? record : address, record ? state : own);
}

uint64_t rg_type_dict(struct rg_walk *walk, uint64_t address)
{
	return rg_type_owned(walk, address, RG_TP_DICT, walk->layout->static_type_dict);
}

/* --- the plan ----------------------------------------------------------------------------- */

/* Read what the structure itself says. */
static void read_header(struct rg_walk *walk, struct rg_pytype *type, uint64_t address)
{
	struct rg_image *image = walk->image;

	type->address = address;
	type->tp_flags = rg_image_u64(image, address + RG_TP_FLAGS);
	type->basicsize = (int64_t)rg_image_u64(image, address + RG_TP_BASICSIZE);
	type->itemsize = (int64_t)rg_image_u64(image, address + RG_TP_ITEMSIZE);
	type->dictoffset = (int64_t)rg_image_u64(image, address + RG_TP_DICTOFFSET);
	rg_image_string(
		image, rg_image_u64(image, address + RG_TP_NAME), type->name, sizeof(type->name));
	type->python = type->tp_flags & RG_TPFLAG_HEAP && !strchr(type->name, '.');
	if (type->tp_flags & RG_TPFLAG_HEAP)
		type->cached_keys = rg_image_u64(
			image, address + (unsigned)walk->layout->heaptype_cached_keys);
}

static void add_field(struct rg_pytype *type, uint32_t offset, enum rg_kind kind, uint32_t label,
	bool untraversed)
{
	struct rg_plan_field *field;

	if (offset < 16 || (int64_t)offset + 8 > type->basicsize)
		return;
	for (size_t i = 0; i < type->n_fields; i++)
		if (type->fields[i].offset == offset)
			return;
	field = RG_PUSH(type->fields, type->n_fields, type->fields_capacity);
	if (field)
		*field = (struct rg_plan_field){ offset, label, kind, untraversed };
}

/* The name of member I of a type, which stands at MEMBER; 0 behind the last. */
static uint64_t member_name(struct rg_walk *walk, uint64_t member, int i)
{
	return member && i < MEMBERS ? rg_image_u64(walk->image, member) : 0;
}

/* Where BASE itself says that its member NAME is; OFFSET where it does not. */
static int member_offset(struct rg_walk *walk, uint64_t base, const char *name, int offset)
{
	uint64_t member = rg_image_u64(walk->image, base + RG_TP_MEMBERS), at;
	char found[64];

	for (int i = 0; (at = member_name(walk, member, i)) != 0; i++, member += MEMBER_SIZE) {
		int64_t there = (int64_t)rg_image_u64(walk->image, member + 16);

		if (there > 0 && there < INT16_MAX &&
			rg_image_string(walk->image, at, found, sizeof(found)) &&
			strcmp(found, name) == 0)
			return (int)there;
	}
	return offset;
}

/*
 * The fields of BASE in this version; false where there are none. A patch release may have moved
 * one: then the type is right, and not the table.
 */
static bool add_rows(struct rg_walk *walk, struct rg_pytype *type, uint64_t base,
	const struct rg_field_row *rows, size_t n)
{
	unsigned column = rg_layout_column(walk->layout);
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		int offset = rows[i].offset[column];

		if (offset < 0)
			continue;
		any = true;
		if (rows[i].label)
			offset = member_offset(walk, base, rows[i].label, offset);
		add_field(type, (uint32_t)offset, rows[i].kind,
			rows[i].label ? rg_walk_literal(walk, rows[i].label) : RG_NO_STRING,
			rows[i].untraversed);
	}
	return any;
}

/* A member that is a pointer to an object. */
static void add_member(struct rg_walk *walk, struct rg_pytype *type, uint64_t member)
{
	uint32_t kind = rg_image_u32(walk->image, member + 8);
	int64_t offset = (int64_t)rg_image_u64(walk->image, member + 16);

	/* a __dict__ is read as one */
	if ((kind == T_OBJECT || kind == T_OBJECT_EX) && offset > 0 && offset < 1 << 20 &&
		offset != type->dictoffset)
		add_field(type, (uint32_t)offset, RG_KIND_SLOT,
			rg_walk_c_name(walk, rg_image_u64(walk->image, member)), false);
}

/* The __slots__ of a Python class and the object members of a C type. */
static void add_members(struct rg_walk *walk, struct rg_pytype *type, uint64_t base, bool python)
{
	uint64_t member = rg_image_u64(walk->image, base + RG_TP_MEMBERS);

	/* of types the reader knows more; those of a struct sequence are its items by name */
	if (type->tp_flags & RG_TPFLAG_TYPE || (!python && type->tp_flags & RG_TPFLAG_TUPLE))
		return;
	for (int i = 0; member_name(walk, member, i); i++, member += MEMBER_SIZE)
		add_member(walk, type, member);
}

static void add_scan(struct rg_pytype *type, int64_t from, int64_t to, int64_t weaklist)
{
	for (int64_t offset = from; offset + 8 <= to; offset += 8) {
		bool known = offset == type->dictoffset || offset == weaklist;
		uint32_t *slot;

		for (size_t i = 0; i < type->n_fields; i++)
			known |= type->fields[i].offset == offset;
		slot = known ? NULL : RG_PUSH(type->scan, type->n_scan, type->scan_capacity);
		if (slot)
			*slot = (uint32_t)offset;
	}
}

/* One class in the chain of bases. */
struct base {
	uint64_t address;
	int64_t basicsize, itemsize;
	bool complete; /* all of its own part of the body is explained */
};

/* Take what the tables know of BASE, which is TYPE or one of its bases. */
static void plan_base(struct rg_walk *walk, struct rg_pytype *type, struct base *base)
{
	const struct rg_field_row *rows;
	const struct rg_traverser *reader = NULL;
	struct rg_pytype header = { 0 };
	bool fields = false;

	read_header(walk, &header, base->address);
	base->basicsize = header.basicsize;
	base->itemsize = header.itemsize;
	if (!header.python) {
		size_t n = rg_fields_find(header.name, &rows);

		reader = rg_traverser_find(header.name);
		fields = add_rows(walk, type, base->address, rows, n);
	}
	if (reader && reader->read && type->n_readers < RG_TYPE_READERS)
		type->readers[type->n_readers++] = reader;
	if (reader && reader->size && !type->size)
		type->size = reader->size;
	type->hollow |= reader && reader->hollow;
	type->typeless |= reader && reader->typeless;
	base->complete = header.python || fields || reader;
	add_members(walk, type, base->address, header.python);
}

static void make_plan(struct rg_walk *walk, struct rg_pytype *type)
{
	struct base bases[BASES];
	unsigned n = 0;
	int64_t weaklist = (int64_t)rg_image_u64(walk->image, type->address + RG_TP_WEAKLISTOFFSET);

	for (uint64_t at = type->address; at && n < BASES && is_plausible(walk, at);
		at = rg_image_u64(walk->image, at + RG_TP_BASE)) {
		bases[n].address = at;
		plan_base(walk, type, &bases[n++]);
	}
	for (unsigned i = 0; i < n; i++) {
		int64_t from = i + 1 < n ? bases[i + 1].basicsize : 16;
		size_t before = type->n_scan;

		if (bases[i].complete)
			continue;
		add_scan(type, from,
			bases[i].basicsize < BODY_LIMIT ? bases[i].basicsize : BODY_LIMIT,
			weaklist);
		/* the items are of the base that has the first ones */
		type->scan_items |= bases[i].itemsize >= 8 &&
				    (i + 1 == n || bases[i + 1].itemsize == 0);
		/* one that adds no word to its base, such as most exceptions, hides none */
		if (type->n_scan > before || type->scan_items)
			type->flags |= RG_TYPE_GUESSED;
	}
}

/* --- what the snapshot says of a type ----------------------------------------------------- */

/* The function NAME that a class of TYPE's chain defines in Python, or 0. */
static uint64_t find_method(struct rg_walk *walk, const struct rg_pytype *type, const char *name)
{
	uint64_t at = type->address;

	for (int i = 0; at && i < BASES && is_plausible(walk, at); i++) {
		uint64_t flags = rg_image_u64(walk->image, at + RG_TP_FLAGS), value;

		value = flags & RG_TPFLAG_HEAP ? rg_entries_lookup(walk->image, walk->layout,
							 rg_type_dict(walk, at), name)
					       : 0;
		if (value)
			return rg_walk_is(walk, value, "function") ? value : 0;
		at = rg_image_u64(walk->image, at + RG_TP_BASE);
	}
	return 0;
}

bool rg_type_is(struct rg_walk *walk, const struct rg_pytype *type, const char *name)
{
	uint64_t at = type->address;

	for (int i = 0; at && i < BASES; i++) {
		char found[64];

		if (!is_plausible(walk, at))
			return false;
		if (rg_image_string(walk->image, rg_image_u64(walk->image, at + RG_TP_NAME), found,
			    sizeof(found)) &&
			strcmp(found, name) == 0)
			return true;
		at = rg_image_u64(walk->image, at + RG_TP_BASE);
	}
	return false;
}

/* With what a C type that no table describes says itself how large its objects are, or 0. */
static uint64_t find_foreign_size(struct rg_walk *walk, const struct rg_pytype *type)
{
	uint64_t at = type->address, found = 0;

	if (!(type->flags & RG_TYPE_GUESSED) || type->size)
		return 0;
	/* `object`, which has no base, has one that adds up what is known of all */
	for (int i = 0; i < BASES && !found && rg_walk_field(walk, at, RG_TP_BASE); i++) {
		found = rg_entries_lookup(
			walk->image, walk->layout, rg_type_dict(walk, at), "__sizeof__");
		at = rg_walk_field(walk, at, RG_TP_BASE);
	}
	return found;
}

static void set_flags(struct rg_walk *walk, struct rg_pytype *type)
{
	static const struct {
		uint64_t tp_flag;
		uint32_t flag;
	} by_bit[] = {
		{ RG_TPFLAG_HEAP, RG_TYPE_HEAP },
		{ RG_TPFLAG_GC, RG_TYPE_GC },
		{ RG_TPFLAG_TYPE, RG_TYPE_METATYPE },
		{ RG_TPFLAG_DICT, RG_TYPE_DICT },
		{ RG_TPFLAG_STR, RG_TYPE_STR },
		{ RG_TPFLAG_LIST, RG_TYPE_SEQUENCE },
		{ RG_TPFLAG_TUPLE, RG_TYPE_SEQUENCE },
	};
	static const struct {
		const char *name;
		uint32_t flag;
	} by_name[] = {
		{ "frozendict", RG_TYPE_DICT },
		{ "module", RG_TYPE_MODULE },
		{ "function", RG_TYPE_FUNCTION },
		{ "builtin_function_or_method", RG_TYPE_FUNCTION },
		{ "frame", RG_TYPE_FRAME },
		{ "cell", RG_TYPE_CELL },
		{ "BaseEventLoop", RG_TYPE_HUB },
		{ "uvloop.loop.Loop", RG_TYPE_HUB },
	};
	uint64_t foreign_size;

	for (size_t i = 0; i < sizeof(by_bit) / sizeof(by_bit[0]); i++)
		if (type->tp_flags & by_bit[i].tp_flag)
			type->flags |= by_bit[i].flag;
	for (size_t i = 0; i < sizeof(by_name) / sizeof(by_name[0]); i++)
		if (rg_type_is(walk, type, by_name[i].name))
			type->flags |= by_name[i].flag;
	if (rg_image_u64(walk->image, type->address + RG_TP_DEL))
		type->flags |= RG_TYPE_LEGACY_DEL;
	if (type->tp_flags & RG_TPFLAG_HEAP) {
		uint64_t del = find_method(walk, type, "__del__");

		if (del)
			type->flags |= RG_TYPE_FINALIZER;
		if (del && rg_bytecode_keeps_self(walk, del))
			type->flags |= RG_TYPE_KEEPS_SELF;
		type->python_size = find_method(walk, type, "__sizeof__") != 0;
	}
	foreign_size = type->python_size ? 0 : find_foreign_size(walk, type);
	if (type->python_size || foreign_size)
		type->flags |= RG_TYPE_SIZEOF;
	if (rg_walk_is(walk, foreign_size, "method_descriptor"))
		type->foreign_size = foreign_size;
}

/* Qualified name and module: of a class from its own fields, of a C type from its tp_name. */
static void write_names(struct rg_walk *walk, struct rg_pytype *type, struct rg_type_record *record)
{
	const char *dot = strrchr(type->name, '.');
	uint64_t module = 0, qualname = 0;

	if (type->tp_flags & RG_TPFLAG_HEAP) {
		qualname = rg_image_u64(
			walk->image, type->address + (unsigned)walk->layout->heaptype_qualname);
		module = rg_entries_lookup(
			walk->image, walk->layout, rg_type_dict(walk, type->address), "__module__");
		if (module && !rg_walk_is(walk, module, "str"))
			module = 0;
	}
	record->name = qualname ? rg_walk_name(walk, qualname) : RG_NO_STRING;
	if (record->name == RG_NO_STRING)
		record->name = rg_writer_string(walk->writer, dot ? dot + 1 : type->name,
			strlen(dot ? dot + 1 : type->name));
	record->module = module ? rg_walk_name(walk, module) : RG_NO_STRING;
	if (record->module == RG_NO_STRING && dot)
		record->module = rg_writer_string(
			walk->writer, type->name, (size_t)(dot - type->name));
	if (record->module == RG_NO_STRING)
		record->module = rg_walk_literal(walk, "builtins");
}

static void write_type(struct rg_walk *walk, struct rg_pytype *type)
{
	struct rg_type_record record = { .address = type->address,
		.flags = type->flags,
		.basicsize = (uint64_t)type->basicsize,
		.itemsize = (uint64_t)type->itemsize };

	write_names(walk, type, &record);
	type->number = rg_writer_type(walk->writer, &record);
}

/*
 * True when an instance of TYPE refers to nothing: the readers of such a type tell its length alone.
 */
static bool is_leaf(const struct rg_pytype *type)
{
	bool leaf = !(type->tp_flags & (RG_TPFLAG_HEAP | RG_TPFLAG_GC)) && !type->dictoffset &&
		    !type->n_fields && !type->n_scan && !type->scan_items;

	for (unsigned i = 0; i < type->n_readers; i++)
		leaf &= type->readers[i]->read == rg_traverse_length;
	return leaf;
}

static struct rg_pytype *make_type(struct rg_walk *walk, uint64_t address)
{
	struct rg_types *types = &walk->shared->types;
	struct rg_pytype *type = calloc(1, sizeof(*type));
	struct rg_pytype **slot = type ? RG_PUSH(types->rows, types->count, types->capacity) : NULL;

	if (!slot || !rg_map_set(&types->by_address, address, (uint32_t)types->count - 1)) {
		types->count -= slot != NULL;
		free(type);
		walk->out_of_memory = true;
		return NULL;
	}
	*slot = type;
	type->address = address;
	type->valid = is_type(walk, address);
	if (type->valid) {
		read_header(walk, type, address);
		make_plan(walk, type);
		set_flags(walk, type);
		type->leaf = is_leaf(type);
		type->value = rg_values_find(type);
		write_type(walk, type);
	}
	return type;
}

/* From the table that both threads share. */
static struct rg_pytype *find_type(struct rg_walk *walk, uint64_t address)
{
	struct rg_types *types = &walk->shared->types;
	struct rg_pytype *type;
	uint32_t row;

	rg_walk_lock(walk);
	row = rg_map_get(&types->by_address, address);
	type = row == RG_MAP_NONE ? make_type(walk, address) : types->rows[row];
	rg_walk_unlock(walk);
	return type;
}

struct rg_pytype *rg_types_get(struct rg_walk *walk, uint64_t address)
{
	struct rg_pytype **recent = &walk->types[(address >> 4 ^ address >> 14) % RG_RECENT_TYPES];

	if (!address)
		return NULL;
	if (!*recent || (*recent)->address != address)
		*recent = find_type(walk, address);
	return *recent && (*recent)->valid ? *recent : NULL;
}
