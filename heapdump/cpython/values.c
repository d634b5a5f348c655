#include "heapdump/cpython/values.h"

#include <stdio.h>
#include <string.h>

#include "heapdump/cpython/call.h"
#include "heapdump/cpython/code.h"
#include "heapdump/cpython/readers.h"
#include "heapdump/cpython/text.h"

#define PREVIEW 120 /* bytes of a str or bytes that are kept */
#define NAME_LIMIT 200

enum { BUILTIN_DEF = 16, BYTES_DATA = 32, DESCRIPTOR_NAME = 24 };

static void put(struct rg_walk *walk, uint64_t address, enum rg_value_kind kind, const char *text,
	size_t length, bool exact)
{
	rg_writer_value(walk->writer, &(struct rg_value_record){ .address = address,
					      .kind = kind,
					      .text = text,
					      .length = (uint32_t)length,
					      .exact = exact });
}

static void put_str(struct rg_walk *walk, uint64_t address)
{
	char text[PREVIEW];
	bool exact;
	size_t length;

	if (!walk->values && !rg_text_is_name(walk->image, walk->layout, address))
		return;
	length = rg_text_str(walk->image, walk->layout, address, text, sizeof(text), &exact);
	put(walk, address, RG_VALUE_STR, text, length, exact);
}

static void put_bytes(struct rg_walk *walk, uint64_t address)
{
	uint64_t length = rg_image_u64(walk->image, address + RG_OB_SIZE);
	uint64_t shown = length < PREVIEW / 2 ? length : PREVIEW / 2;
	const char *bytes = rg_image_at(walk->image, address + BYTES_DATA, shown);

	if (walk->values && bytes)
		put(walk, address, RG_VALUE_BYTES, bytes, shown, shown == length);
}

static void put_number(struct rg_walk *walk, uint64_t address, bool is_bool)
{
	char text[64];
	bool exact = true;
	size_t length;

	if (!walk->values)
		return;
	length = rg_text_int(walk->image, walk->layout, address, text, sizeof(text), &exact);
	if (is_bool)
		length = (size_t)snprintf(
			text, sizeof(text), "%s", text[0] == '0' ? "False" : "True");
	put(walk, address, RG_VALUE_NUMBER, text, length, exact);
}

static void put_int(struct rg_walk *walk, uint64_t address)
{
	put_number(walk, address, false);
}

static void put_bool(struct rg_walk *walk, uint64_t address)
{
	put_number(walk, address, true);
}

static void put_float(struct rg_walk *walk, uint64_t address)
{
	char text[40];

	if (walk->values)
		put(walk, address, RG_VALUE_NUMBER, text,
			rg_text_float(walk->image, address, text, sizeof(text)), true);
}

/* A name that the str at NAME holds. */
static void put_name(struct rg_walk *walk, uint64_t address, uint64_t name)
{
	char text[NAME_LIMIT];
	bool exact;
	size_t length;

	if (!rg_walk_is(walk, name, "str"))
		return;
	length = rg_text_str(walk->image, walk->layout, name, text, sizeof(text), &exact);
	put(walk, address, RG_VALUE_NAME, text, length, exact);
}

/* "file:line" of a code object, for functions, generators and frames. */
static void put_place(struct rg_walk *walk, uint64_t address, uint64_t code, uint32_t line)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t file = rg_walk_field(walk, code, layout->code_filename);
	char text[NAME_LIMIT + 16];
	size_t length;

	if (!rg_walk_is(walk, code, "code") || !rg_walk_is(walk, file, "str"))
		return;
	if (!line)
		line = rg_image_u32(walk->image, code + (unsigned)layout->code_firstlineno);
	length = rg_text_str(walk->image, layout, file, text, NAME_LIMIT, NULL);
	length += (size_t)snprintf(text + length, 16, ":%u", line);
	put(walk, address, RG_VALUE_PLACE, text, length, true);
}

static void put_function(struct rg_walk *walk, uint64_t address)
{
	put_name(walk, address, rg_walk_field(walk, address, walk->layout->function_qualname));
	put_place(walk, address, rg_walk_field(walk, address, walk->layout->function_code), 0);
}

static void put_builtin(struct rg_walk *walk, uint64_t address)
{
	uint64_t definition = rg_image_u64(walk->image, address + BUILTIN_DEF);
	char name[NAME_LIMIT];

	if (rg_image_string(walk->image, rg_image_u64(walk->image, definition), name, sizeof(name)))
		put(walk, address, RG_VALUE_NAME, name, strlen(name), true);
}

static void put_generator(struct rg_walk *walk, uint64_t address)
{
	put_name(walk, address, rg_walk_field(walk, address, walk->layout->generator_qualname));
	put_place(walk, address, rg_generator_code(walk, address), 0);
}

static void put_code(struct rg_walk *walk, uint64_t address)
{
	put_name(walk, address, rg_walk_field(walk, address, walk->layout->code_qualname));
	put_place(walk, address, address, 0);
}

static void put_frame(struct rg_walk *walk, uint64_t address)
{
	struct rg_call call;

	if (!rg_call_read(&call, walk, rg_call_of_frame(walk, address)))
		return;
	put_name(walk, address, rg_walk_field(walk, call.code, walk->layout->code_qualname));
	put_place(walk, address, call.code, rg_code_line(walk, call.code, call.offset));
}

static void put_module(struct rg_walk *walk, uint64_t address)
{
	put_name(walk, address, rg_walk_field(walk, address, walk->layout->module_name));
}

static void put_descriptor(struct rg_walk *walk, uint64_t address)
{
	put_name(walk, address, rg_image_u64(walk->image, address + DESCRIPTOR_NAME));
}

static void put_type(struct rg_walk *walk, uint64_t address)
{
	const struct rg_pytype *type = rg_types_get(walk, address);

	if (type && type->tp_flags & RG_TPFLAG_HEAP)
		put_name(walk, address,
			rg_walk_field(walk, address, walk->layout->heaptype_qualname));
	else if (type)
		put(walk, address, RG_VALUE_NAME, type->name, strlen(type->name), true);
}

rg_value_writer *rg_values_find(const struct rg_pytype *type)
{
	static const struct {
		const char *type;
		rg_value_writer *put;
	} named[] = {
		{ "function", put_function },
		{ "builtin_function_or_method", put_builtin },
		{ "builtin_method", put_builtin },
		{ "generator", put_generator },
		{ "coroutine", put_generator },
		{ "async_generator", put_generator },
		{ "code", put_code },
		{ "frame", put_frame },
		{ "module", put_module },
		{ "getset_descriptor", put_descriptor },
		{ "member_descriptor", put_descriptor },
		{ "method_descriptor", put_descriptor },
		{ "wrapper_descriptor", put_descriptor },
		{ "classmethod_descriptor", put_descriptor },
		{ "float", put_float },
	};

	static const struct {
		uint64_t flag;
		rg_value_writer *put;
	} flagged[] = {
		{ RG_TPFLAG_STR, put_str },
		{ RG_TPFLAG_LONG, put_int },
		{ RG_TPFLAG_BYTES, put_bytes },
		{ RG_TPFLAG_TYPE, put_type },
	};

	if (strcmp(type->name, "bool") == 0)
		return put_bool;
	for (size_t i = 0; i < sizeof(flagged) / sizeof(flagged[0]); i++)
		if (type->tp_flags & flagged[i].flag)
			return flagged[i].put;
	if (type->flags & RG_TYPE_MODULE)
		return put_module;
	for (size_t i = 0; !type->python && i < sizeof(named) / sizeof(named[0]); i++)
		if (strcmp(type->name, named[i].type) == 0)
			return named[i].put;
	return NULL;
}
