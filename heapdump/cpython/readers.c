#include "heapdump/cpython/readers.h"

#include <string.h>

/* A row with NULL for its reader says: fields.c, tp_members and the __dict__ are all there is. */
static const struct rg_traverser readers[] = {
	/* containers */
	{ "dict", rg_traverse_dict, rg_size_dict, false },
	{ "frozendict", rg_traverse_dict, rg_size_dict, false },
	{ "collections.OrderedDict", rg_traverse_odict, rg_size_odict, false },
	{ "list", rg_traverse_list, rg_size_list, false },
	{ "tuple", rg_traverse_tuple, NULL, false },
	{ "set", rg_traverse_set, rg_size_set, false },
	{ "frozenset", rg_traverse_set, rg_size_set, false },
	{ "collections.deque", rg_traverse_deque, rg_size_deque, false },

	/* types, frames and what keeps a frame */
	{ "type", rg_traverse_type, rg_size_type, false },
	{ "frame", rg_traverse_frame, rg_size_frame, false },
	{ "generator", rg_traverse_generator, rg_size_generator, false },
	{ "coroutine", rg_traverse_generator, rg_size_generator, false },
	{ "async_generator", rg_traverse_generator, rg_size_generator, false },
	{ "code", NULL, rg_size_code, false },
	{ "module", rg_traverse_module_state, NULL, false },

	/* scalars */
	{ "str", rg_traverse_length, rg_size_str, false },
	{ "bytes", rg_traverse_length, NULL, false },
	{ "bytearray", rg_traverse_length, rg_size_bytearray, false },
	{ "int", NULL, rg_size_int, false },
	{ "float", NULL, NULL, false },
	{ "complex", NULL, NULL, false },
	{ "NoneType", NULL, NULL, false },
	{ "NotImplementedType", NULL, NULL, false },
	{ "ellipsis", NULL, NULL, false },
	{ "object", NULL, NULL, false },
	{ "PyCapsule", NULL, NULL, false },
	{ "range_iterator", NULL, NULL, false },
	{ "Token.MISSING", NULL, NULL, false },
	{ "stderrprinter", NULL, NULL, false },
	{ "hamt_bitmap_node", rg_traverse_hamt_bitmap, NULL, false },
	{ "hamt_array_node", rg_traverse_hamt_array, NULL, false },
	{ "hamt_collision_node", rg_traverse_hamt_collision, NULL, false },

	/* the standard library's extension types */
	{ "functools._lru_list_elem", NULL, NULL, true },
	{ "functools._lru_cache_wrapper", rg_traverse_lru_cache, NULL, false },
	{ "itertools._tee_dataobject", rg_traverse_tee_data, NULL, false },
	{ "xml.etree.ElementTree.Element", rg_traverse_element, rg_size_element, false },
	{ "array.array", rg_traverse_length, rg_size_array, false },
	{ "StgDict", NULL, rg_size_stgdict, false },
	{ "_ctypes.CType_Type", rg_traverse_ctypes_type, rg_size_ctypes_type, false },
	{ "_struct.Struct", NULL, rg_size_struct, false },
	{ "_io.BytesIO", NULL, rg_size_memory_io, false },
	{ "_io.BufferedReader", NULL, rg_size_buffered, false },
	{ "_io.BufferedWriter", NULL, rg_size_buffered, false },
	{ "_io.BufferedRandom", NULL, rg_size_buffered, false },
	{ "_io.StringIO", NULL, NULL, false },
	{ "_io.FileIO", NULL, NULL, false },
	{ "_io._IOBase", NULL, NULL, false },
	{ "_io._RawIOBase", NULL, NULL, false },
	{ "_io._BufferedIOBase", NULL, NULL, false },
	{ "_io._TextIOBase", NULL, NULL, false },
	{ "_thread.lock", NULL, NULL, false },
	{ "_thread.RLock", NULL, NULL, false },
	{ "_thread._localdummy", NULL, NULL, false },
	{ "datetime.date", NULL, NULL, false },
	{ "datetime.datetime", rg_traverse_datetime, NULL, false },
	{ "datetime.time", rg_traverse_datetime, NULL, false },
	{ "datetime.timedelta", NULL, NULL, false },
	{ "datetime.tzinfo", NULL, NULL, false },
	{ "decimal.Decimal", NULL, NULL, false },
	{ "_random.Random", NULL, NULL, false },
	{ "_hashlib.HASH", NULL, NULL, false },
	{ "select.epoll", NULL, NULL, false },
	{ "select.poll", NULL, NULL, false },
	{ "mmap.mmap", NULL, NULL, false },
	{ "_socket.socket", NULL, NULL, false },
	{ "posix.DirEntry", NULL, NULL, false },
	{ "unicodedata.UCD", NULL, NULL, false },
};

const struct rg_traverser *rg_traverser_find(const char *name)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (strcmp(readers[i].type, name) == 0)
			return &readers[i];
	return NULL;
}
