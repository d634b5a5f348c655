#include "heapdump/cpython/readers.h"

#include <string.h>

/* A row with NULL for its reader says: fields.def, tp_members and the __dict__ are all there is. */
static const struct rg_traverser readers[] = {
	/* containers */
	{ "dict", rg_traverse_dict, rg_size_dict, false, false },
	{ "frozendict", rg_traverse_dict, rg_size_dict, false, false },
	{ "collections.OrderedDict", rg_traverse_odict, rg_size_odict, false, false },
	{ "list", rg_traverse_list, rg_size_list, false, false },
	{ "tuple", rg_traverse_tuple, NULL, false, false },
	{ "set", rg_traverse_set, rg_size_set, false, false },
	{ "frozenset", rg_traverse_set, rg_size_set, false, false },
	{ "collections.deque", rg_traverse_deque, rg_size_deque, false, false },

	/* types, frames and what keeps a frame */
	{ "type", rg_traverse_type, rg_size_type, false, false },
	{ "frame", rg_traverse_frame, rg_size_frame, false, false },
	{ "generator", rg_traverse_generator, rg_size_generator, false, false },
	{ "coroutine", rg_traverse_generator, rg_size_generator, false, false },
	{ "async_generator", rg_traverse_generator, rg_size_generator, false, false },
	{ "code", NULL, rg_size_code, false, false },
	{ "module", rg_traverse_module_state, NULL, false, false },

	/* scalars */
	{ "str", rg_traverse_length, rg_size_str, false, false },
	{ "bytes", rg_traverse_length, NULL, false, false },
	{ "bytearray", rg_traverse_length, rg_size_bytearray, false, false },
	{ "int", NULL, rg_size_int, false, false },
	{ "float", NULL, NULL, false, false },
	{ "complex", NULL, NULL, false, false },
	{ "NoneType", NULL, NULL, false, false },
	{ "NotImplementedType", NULL, NULL, false, false },
	{ "ellipsis", NULL, NULL, false, false },
	{ "object", NULL, NULL, false, false },
	{ "PyCapsule", NULL, NULL, false, false },
	{ "range_iterator", NULL, NULL, false, false },
	{ "Token.MISSING", NULL, NULL, false, false },
	{ "stderrprinter", NULL, NULL, false, false },
	{ "hamt_bitmap_node", rg_traverse_hamt_bitmap, NULL, false, false },
	{ "hamt_array_node", rg_traverse_hamt_array, NULL, false, false },
	{ "hamt_collision_node", rg_traverse_hamt_collision, NULL, false, false },

	/* the standard library's extension types */
	{ "functools._lru_list_elem", NULL, NULL, true, false },
	{ "functools._lru_cache_wrapper", rg_traverse_lru_cache, NULL, false, false },
	{ "itertools._tee_dataobject", rg_traverse_tee_data, NULL, false, false },
	{ "itertools.combinations", NULL, rg_size_combinations, false, false },
	{ "itertools.combinations_with_replacement", NULL, rg_size_combinations, false, false },
	{ "itertools.permutations", NULL, rg_size_permutations, false, false },
	{ "itertools.product", NULL, rg_size_product, false, false },
	{ "_pickle.Pickler", rg_traverse_pickler, rg_size_pickler, false, false },
	{ "_pickle.Unpickler", rg_traverse_unpickler, rg_size_unpickler, false, false },
	{ "_queue.SimpleQueue", rg_traverse_queue, rg_size_queue, false, false },
	{ "typing.ParamSpecArgs", NULL, NULL, false, true },
	{ "typing.ParamSpecKwargs", NULL, NULL, false, true },
	{ "xml.etree.ElementTree.Element", rg_traverse_element, rg_size_element, false, false },
	{ "array.array", rg_traverse_length, rg_size_array, false, false },
	{ "StgDict", NULL, rg_size_stgdict, false, false },
	{ "_ctypes.CType_Type", NULL, rg_size_ctypes_type, false, false },
	{ "_struct.Struct", NULL, rg_size_struct, false, false },
	{ "Struct", NULL, rg_size_struct, false, false },
	{ "_io.BytesIO", NULL, rg_size_memory_io, false, false },
	{ "_io.BufferedReader", NULL, rg_size_buffered, false, false },
	{ "_io.BufferedWriter", NULL, rg_size_buffered, false, false },
	{ "_io.BufferedRandom", NULL, rg_size_buffered, false, false },
	{ "_io.StringIO", NULL, NULL, false, false },
	{ "_io.FileIO", NULL, NULL, false, false },
	{ "_io._IOBase", NULL, NULL, false, false },
	{ "_io._RawIOBase", NULL, NULL, false, false },
	{ "_io._BufferedIOBase", NULL, NULL, false, false },
	{ "_io._TextIOBase", NULL, NULL, false, false },
	{ "_thread.lock", NULL, NULL, false, false },
	{ "_thread.RLock", NULL, NULL, false, false },
	{ "_thread._localdummy", NULL, NULL, false, false },
	{ "datetime.date", NULL, NULL, false, false },
	{ "datetime.datetime", rg_traverse_datetime, NULL, false, false },
	{ "datetime.time", rg_traverse_datetime, NULL, false, false },
	{ "datetime.timedelta", NULL, NULL, false, false },
	{ "datetime.tzinfo", NULL, NULL, false, false },
	{ "decimal.Decimal", NULL, NULL, false, false },
	{ "_random.Random", NULL, NULL, false, false },
	{ "_hashlib.HASH", NULL, NULL, false, false },
	{ "select.epoll", NULL, NULL, false, false },
	{ "select.poll", NULL, NULL, false, false },
	{ "mmap.mmap", NULL, NULL, false, false },
	{ "_socket.socket", NULL, NULL, false, false },
	{ "posix.DirEntry", NULL, NULL, false, false },
	{ "unicodedata.UCD", NULL, NULL, false, false },
};

const struct rg_traverser *rg_traverser_find(const char *name)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (strcmp(readers[i].type, name) == 0)
			return &readers[i];
	return NULL;
}
