#include "heapdump/cpython/layout.h"

#include <stddef.h>

#include "heapdump/cpython/fields.h"

static const struct rg_owned_field interp_311[] = {
	{ 888, "sys.modules" },
	{ 896, "modules by index" },
	{ 904, "sys.__dict__" },
	{ 912, "builtins.__dict__" },
	{ 920, "importlib" },
	{ 936, "codec search path" },
	{ 944, "codec search cache" },
	{ 952, "codec error registry" },
	{ 1400, "interpreter dict" },
	{ 1408, "copy of builtins" },
	{ 1416, "import function" },
	{ 3480, "os.register_at_fork(before)" },
	{ 3488, "os.register_at_fork(after_in_parent)" },
	{ 3496, "os.register_at_fork(after_in_child)" },
	{ 3552, "sys.addaudithook" },
	{ 0, NULL },
};

static const struct rg_owned_field thread_311[] = {
	{ 80, "profile function" },
	{ 88, "trace function" },
	{ 96, "exception being raised, type" },
	{ 104, "exception being raised" },
	{ 112, "exception being raised, traceback" },
	{ 128, "thread state dict" },
	{ 144, "asynchronous exception" },
	{ 208, "async generator hook" },
	{ 216, "async generator finalizer hook" },
	{ 224, "context" },
	{ 320, "exception being handled" },
	{ 0, NULL },
};

static const struct rg_layout layouts[] = {
	{
		.minor = 11,
		.fields = rg_fields_311,
		.runtime_interpreters = 40,
		.interp_next = 0,
		.interp_id = 48,
		.interp_gc = 648,
		.interp_threads = 16,
		.interp_modules = 888,
		.interp_owned = interp_311,
		.interp_atexit = 3536,
		.gc_enabled_before = 12,
		.gc_stats_after = 104,
		.gc_collecting_after = 176,
		.gc_garbage_after = 184,
		.gc_callbacks_after = 192,
		.thread_next = 8,
		.thread_ident = 152,
		.thread_native_id = 160,
		.thread_cframe = 56,
		.cframe_frame = 8,
		.thread_owned = thread_311,
		.frame_func = 0,
		.frame_locals = 24,
		.frame_code = 32,
		.frame_object = 40,
		.frame_previous = 48,
		.frame_instruction = 56,
		.frame_stacktop = 64,
		.frame_owner = 69,
		.frame_localsplus = 72,
		.generator_frame = 80,
		.generator_state = 75,
		.code_stacksize = 68,
		.code_firstlineno = 72,
		.code_nlocalsplus = 76,
		.code_localsplusnames = 96,
		.code_filename = 112,
		.code_qualname = 128,
		.code_linetable = 136,
		.code_bytecode = 184,
		.heaptype_qualname = 864,
		.heaptype_cached_keys = 872,
		.heaptype_size = 904,
		.statictype_size = 408,
		.tuple_items = 24,
		.str_ascii_header = 48,
		.str_compact_header = 72,
	},
};

const struct rg_layout *rg_layout_find(int minor)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].minor == minor)
			return &layouts[i];
	return NULL;
}
