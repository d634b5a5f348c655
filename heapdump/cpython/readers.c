#include "heapdump/cpython/readers.h"

#include <string.h>

/* A row with NULL for its reader says: fields.c, tp_members and the __dict__ are all there is. */
static const struct rg_traverser readers[] = {
	/* containers */
	{ "dict", rg_traverse_dict, rg_size_dict },
	{ "collections.OrderedDict", rg_traverse_odict, rg_size_odict },
	{ "list", rg_traverse_list, rg_size_list },
	{ "tuple", rg_traverse_tuple, NULL },
	{ "set", rg_traverse_set, rg_size_set },
	{ "frozenset", rg_traverse_set, rg_size_set },
	{ "collections.deque", rg_traverse_deque, rg_size_deque },

	/* types, frames and what keeps a frame */
	{ "type", rg_traverse_type, rg_size_type },
	{ "frame", rg_traverse_frame, rg_size_frame },
	{ "generator", rg_traverse_generator, rg_size_generator },
	{ "coroutine", rg_traverse_generator, rg_size_generator },
	{ "async_generator", rg_traverse_generator, rg_size_generator },
	{ "code", NULL, rg_size_code },
	{ "module", rg_traverse_module_state, NULL },

	/* scalars */
	{ "str", rg_traverse_length, rg_size_str },
	{ "bytes", rg_traverse_length, NULL },
	{ "bytearray", rg_traverse_length, rg_size_bytearray },
	{ "int", NULL, rg_size_int },
	{ "float", NULL, NULL },
	{ "complex", NULL, NULL },
	{ "NoneType", NULL, NULL },
	{ "NotImplementedType", NULL, NULL },
	{ "ellipsis", NULL, NULL },
	{ "object", NULL, NULL },
	{ "PyCapsule", NULL, NULL },
	{ "range_iterator", NULL, NULL },
	{ "Token.MISSING", NULL, NULL },
	{ "stderrprinter", NULL, NULL },
	{ "hamt_bitmap_node", rg_traverse_hamt_bitmap, NULL },
	{ "hamt_array_node", rg_traverse_hamt_array, NULL },
	{ "hamt_collision_node", rg_traverse_hamt_collision, NULL },

	/* the standard library's extension types */
	{ "functools._lru_cache_wrapper", rg_traverse_lru_cache, NULL },
	{ "itertools._tee_dataobject", rg_traverse_tee_data, NULL },
	{ "xml.etree.ElementTree.Element", rg_traverse_element, rg_size_element },
	{ "array.array", rg_traverse_length, rg_size_array },
	{ "_struct.Struct", NULL, rg_size_struct },
	{ "_io.BytesIO", NULL, rg_size_memory_io },
	{ "_io.StringIO", NULL, NULL },
	{ "_io.FileIO", NULL, NULL },
	{ "_io._IOBase", NULL, NULL },
	{ "_io._RawIOBase", NULL, NULL },
	{ "_io._BufferedIOBase", NULL, NULL },
	{ "_io._TextIOBase", NULL, NULL },
	{ "_thread.lock", NULL, NULL },
	{ "_thread.RLock", NULL, NULL },
	{ "_thread._localdummy", NULL, NULL },
	{ "datetime.date", NULL, NULL },
	{ "datetime.timedelta", NULL, NULL },
	{ "datetime.tzinfo", NULL, NULL },
	{ "decimal.Decimal", NULL, NULL },
	{ "_random.Random", NULL, NULL },
	{ "_hashlib.HASH", NULL, NULL },
	{ "select.epoll", NULL, NULL },
	{ "select.poll", NULL, NULL },
	{ "mmap.mmap", NULL, NULL },
	{ "_socket.socket", NULL, NULL },
	{ "posix.DirEntry", NULL, NULL },
	{ "unicodedata.UCD", NULL, NULL },
};

const struct rg_traverser *rg_traverser_find(const char *name)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (strcmp(readers[i].type, name) == 0)
			return &readers[i];
	return NULL;
}
