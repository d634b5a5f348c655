#include "src/heap/clarity.h"

#include <string.h>

/* Kinds of reference that are hard to read, and why. */
static const bool hard_kinds[RG_KIND_COUNT] = {
	[RG_KIND_TYPE] = true, /* an instance holds its class: a module that names it says more */
	[RG_KIND_BASE] = true,
	[RG_KIND_MRO] = true,
	[RG_KIND_OWNER] = true, /* a descriptor's class, a builtin's module */
	[RG_KIND_GLOBALS] = true, /* any function leads to all of its module */
	[RG_KIND_BUILTINS] = true,
	[RG_KIND_BACK] = true, /* a frame holds its caller, which is a root of its own */
	[RG_KIND_STACK] = true, /* for a moment */
	[RG_KIND_CALLBACK] = true, /* of a weak reference */
	[RG_KIND_GUESS] = true,
};

/* Attributes through which the interpreter and its library keep books. */
static const char *const hard_names[] = {
	/* of a module */
	"__spec__",
	"__loader__",
	"__builtins__",
	"__warningregistry__",
	/* of sys */
	"path_importer_cache",
	"meta_path",
	"path_hooks",
	/* of a class, and of what functools.lru_cache makes of a function */
	"__subclasses__",
	"_abc_impl",
	"cache_parameters",
};

/* Modules of the import system and the collector, and the agent's own. */
static const char *const hard_modules[] = {
	"_frozen_importlib",
	"_frozen_importlib_external",
	"importlib._bootstrap",
	"importlib._bootstrap_external",
	"zipimport",
	"gc",
	"_weakrefset",
	"refgraph",
};

/* By kind of root. */
static const unsigned root_ranks[RG_ROOT_KIND_COUNT] = {
	[RG_ROOT_THREAD] = 1,
	[RG_ROOT_INTERPRETER] = 1,
	[RG_ROOT_STATIC] = 1,
	[RG_ROOT_HELD] = 2,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_one_of(struct rg_text text, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(names[i]) == text.length &&
			memcmp(names[i], text.bytes, text.length) == 0)
			return true;
	return false;
}

enum rg_code rg_clarity_init(
	struct rg_clarity *clarity, const struct rg_heap *heap, struct rg_error *err)
{
	enum rg_code code;

	*clarity = (struct rg_clarity){ .heap = heap };
	code = rg_bitset_init(&clarity->strings, (uint32_t)heap->n_strings, err);
	for (uint32_t i = 0; !code && i < heap->n_strings; i++)
		if (is_one_of(heap->strings[i], hard_names, COUNT(hard_names)))
			rg_bitset_set(&clarity->strings, i);
	return code;
}

void rg_clarity_deinit(struct rg_clarity *clarity)
{
	rg_bitset_deinit(&clarity->strings);
	*clarity = (struct rg_clarity){ 0 };
}

bool rg_clarity_hard(const struct rg_clarity *clarity, uint32_t edge)
{
	uint8_t byte = clarity->heap->edge[edge];
	uint32_t label = clarity->heap->label[edge];

	return hard_kinds[RG_EDGE_KIND(byte)] ||
	       (RG_EDGE_FORM(byte) == RG_FORM_STRING && label < clarity->strings.n &&
		       rg_bitset_get(&clarity->strings, label));
}

/* A frame of the agent's: it is there because a snapshot was taken. */
static bool is_own(const struct rg_heap *heap, uint32_t frame)
{
	static const char end[] = "/refgraph/__init__.py";
	const size_t length = sizeof(end) - 1;
	struct rg_text file;

	if (frame == RG_NO_ID)
		return false;
	file = rg_heap_string(heap, heap->frames[frame].file);
	return file.length >= length && memcmp(file.bytes + file.length - length, end, length) == 0;
}

unsigned rg_clarity_rank(const struct rg_heap *heap, const struct rg_heap_root *root)
{
	if (root->reference == RG_KIND_GUESS)
		return 2;
	if (root->kind == RG_ROOT_FRAME)
		return root->reference != RG_KIND_LOCAL || is_own(heap, root->frame);
	if (root->kind == RG_ROOT_MODULE)
		return is_one_of(
			rg_heap_string(heap, root->name), hard_modules, COUNT(hard_modules));
	return root_ranks[root->kind];
}
