#include "heapdump/cpython/bytecode.h"

#define CODE_LIMIT 4096

/* Opcodes of 3.11 that matter. */
enum {
	POP_TOP = 1,
	UNARY_NOT = 12,
	BINARY_SUBSCR = 25,
	STORE_SUBSCR = 60,
	UNPACK_SEQUENCE = 92,
	STORE_ATTR = 95,
	LOAD_ATTR = 106,
	COMPARE_OP = 107,
	JUMP_IF_FALSE = 114,
	JUMP_IF_TRUE = 115,
	LOAD_GLOBAL = 116,
	IS_OP = 117,
	BINARY_OP = 122,
	LOAD_FAST = 124,
	JUMP_IF_NOT_NONE = 128,
	JUMP_IF_NONE = 129,
	MAKE_CELL = 135,
	EXTENDED_ARG = 144,
	FORMAT_VALUE = 155,
	LOAD_METHOD = 160,
	PRECALL = 166,
	CALL = 171,
};

/* What the specialising interpreter writes in the place of an opcode after a few runs. */
static const struct {
	uint8_t first, last, opcode;
} specialised[] = {
	{ 3, 8, BINARY_OP },
	{ 13, 14, BINARY_OP },
	{ 16, 16, BINARY_OP },
	{ 17, 21, BINARY_SUBSCR },
	{ 22, 24, CALL },
	{ 26, 29, COMPARE_OP },
	{ 34, 34, EXTENDED_ARG },
	{ 39, 43, LOAD_ATTR },
	{ 45, 46, LOAD_FAST },
	{ 47, 48, LOAD_GLOBAL },
	{ 55, 55, LOAD_GLOBAL },
	{ 56, 59, LOAD_METHOD },
	{ 62, 63, LOAD_METHOD },
	{ 64, 67, PRECALL },
	{ 72, 73, PRECALL },
	{ 76, 81, PRECALL },
	{ 113, 113, PRECALL },
	{ 121, 121, PRECALL },
	{ 127, 127, PRECALL },
	{ 141, 141, PRECALL },
	{ 143, 143, PRECALL },
	{ 153, 154, STORE_ATTR },
	{ 158, 159, STORE_ATTR },
	{ 168, 170, STORE_SUBSCR },
	{ 177, 180, UNPACK_SEQUENCE },
};

/* Units of inline cache behind an opcode. */
static const struct {
	uint8_t opcode, units;
} caches[] = {
	{ BINARY_SUBSCR, 4 },
	{ STORE_SUBSCR, 1 },
	{ UNPACK_SEQUENCE, 1 },
	{ STORE_ATTR, 4 },
	{ LOAD_ATTR, 4 },
	{ COMPARE_OP, 2 },
	{ LOAD_GLOBAL, 5 },
	{ BINARY_OP, 1 },
	{ LOAD_METHOD, 10 },
	{ PRECALL, 1 },
	{ CALL, 4 },
};

static uint8_t plain_opcode(uint8_t opcode)
{
	for (size_t i = 0; i < sizeof(specialised) / sizeof(specialised[0]); i++)
		if (opcode >= specialised[i].first && opcode <= specialised[i].last)
			return specialised[i].opcode;
	return opcode;
}

static unsigned cache_units(uint8_t opcode)
{
	for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++)
		if (opcode == caches[i].opcode)
			return caches[i].units;
	return 0;
}

/* What lies on top of the stack: something else, the first argument, or an attribute of it. */
enum top { TOP_OTHER, TOP_SELF, TOP_ATTRIBUTE, TOP_ESCAPES };

static enum top next_top(enum top top, uint8_t opcode, uint8_t argument)
{
	if (opcode == EXTENDED_ARG || (opcode == MAKE_CELL && argument == 0))
		return TOP_ESCAPES;
	if (top == TOP_SELF)
		return opcode == LOAD_ATTR ? TOP_ATTRIBUTE : TOP_ESCAPES;
	if (top == TOP_ATTRIBUTE) {
		switch (opcode) {
		case LOAD_ATTR:
			return TOP_ATTRIBUTE;
		case LOAD_METHOD:
		case POP_TOP:
		case UNARY_NOT:
		case COMPARE_OP:
		case IS_OP:
		case BINARY_OP:
		case FORMAT_VALUE:
		case JUMP_IF_FALSE:
		case JUMP_IF_TRUE:
		case JUMP_IF_NOT_NONE:
		case JUMP_IF_NONE:
			return TOP_OTHER;
		default:
			return TOP_ESCAPES;
		}
	}
	return opcode == LOAD_FAST && argument == 0 ? TOP_SELF : TOP_OTHER;
}

bool rg_bytecode_keeps_self(struct rg_walk *walk, uint64_t address)
{
	uint64_t code = rg_walk_field(walk, address, walk->layout->function_code);
	uint64_t units = rg_image_u64(walk->image, code + RG_OB_SIZE);
	const uint8_t *bytes;
	enum top top = TOP_OTHER;

	if (walk->layout->minor != 11 || !rg_walk_is(walk, address, "function") ||
		!rg_walk_is(walk, code, "code") || units > CODE_LIMIT)
		return false;
	bytes = rg_image_at(walk->image, code + (unsigned)walk->layout->code_bytecode, 2 * units);
	for (uint64_t i = 0; bytes && i < units && top != TOP_ESCAPES; i++) {
		uint8_t opcode = plain_opcode(bytes[2 * i]);

		top = next_top(top, opcode, bytes[2 * i + 1]);
		i += cache_units(opcode);
	}
	return bytes && top == TOP_OTHER;
}
