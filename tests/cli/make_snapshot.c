/*
 * Hand-written heaps for the tests of the command line: make_snapshot NAME FILE writes one.
 *
 *	empty	no objects at all
 *	leak	a small web shop that leaks: a cache of sessions in cycles with their requests, pages
 *		dropped in cycles, and one of each other thing that `garbage` keeps apart
 *	hostile	names and values that try to break out of a terminal, of DOT, of XML, of JSON
 *	newer	a file whose format has a newer major version
 *
 * The same bytes every time. A refcount is what the references in the heap and the roots add up
 * to, and what hold() adds: references of C code that no snapshot shows.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/hash.h"
#include "heapdump/snapshot/writer.h"

#define BASE 0x7f2a10000000u
#define STEP 64 /* bytes from one object to the next */
#define MOST 256 /* objects, and eight times as many references */

struct object {
	struct rg_object_record record;
	struct rg_value_record values[3];
	unsigned n_values;
};

struct reference {
	uint32_t from, to;
	struct rg_reference_record record;
};

struct heap {
	struct rg_writer *writer;
	struct object objects[MOST];
	struct reference references[8 * MOST];
	uint32_t n_objects, n_references;
	uint32_t types[MOST]; /* by number: the object that is the type, or NONE */
};

#define NONE UINT32_MAX

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "make_snapshot: %s\n", what);
	exit(1);
}

/* --- building ----------------------------------------------------------------------------- */

static uint32_t text(struct heap *heap, const char *bytes)
{
	return rg_writer_string(heap->writer, bytes, strlen(bytes));
}

static uint64_t address(uint32_t object)
{
	return BASE + (uint64_t)STEP * object;
}

static uint32_t add_object(struct heap *heap, uint32_t type, uint32_t generation, uint64_t size)
{
	struct object *object = &heap->objects[heap->n_objects];

	if (heap->n_objects == MOST)
		die("too many objects");
	object->record = (struct rg_object_record){
		.address = address(heap->n_objects), .size = size, .type = type, .flags = generation
	};
	return heap->n_objects++;
}

static void refer(struct heap *heap, uint32_t from, uint32_t to, struct rg_reference_record record)
{
	if (heap->n_references == 8 * MOST)
		die("too many references");
	record.target = address(to);
	if (record.kind != RG_KIND_WEAK)
		heap->objects[to].record.refcount++;
	heap->references[heap->n_references++] = (struct reference){ from, to, record };
}

/* A reference with a name. */
static void name_to(
	struct heap *heap, uint32_t from, enum rg_kind kind, const char *name, uint32_t to)
{
	refer(heap, from, to,
		(struct rg_reference_record){
			.kind = kind, .form = RG_LABEL_STRING, .label = text(heap, name) });
}

static void attribute(struct heap *heap, uint32_t from, const char *name, uint32_t to)
{
	name_to(heap, from, RG_KIND_ATTR, name, to);
}

/* The next item of a list or tuple. */
static void append(struct heap *heap, uint32_t sequence, uint32_t to)
{
	struct rg_object_record *record = &heap->objects[sequence].record;

	refer(heap, sequence, to,
		(struct rg_reference_record){
			.kind = RG_KIND_ITEM, .form = RG_LABEL_INDEX, .label = record->items });
	record->items++;
	record->flags |= RG_OBJECT_ITEMS;
}

static void hold(struct heap *heap, uint32_t object)
{
	heap->objects[object].record.refcount++;
}

static void add_value(struct heap *heap, uint32_t object, enum rg_value_kind kind,
	const char *bytes, size_t length, bool exact)
{
	struct object *to = &heap->objects[object];

	to->values[to->n_values++] = (struct rg_value_record){ .address = to->record.address,
		.text = bytes,
		.length = (uint32_t)length,
		.kind = kind,
		.exact = exact };
}

static void name_object(struct heap *heap, uint32_t object, const char *name, const char *place)
{
	add_value(heap, object, RG_VALUE_NAME, name, strlen(name), true);
	if (place)
		add_value(heap, object, RG_VALUE_PLACE, place, strlen(place), true);
}

static void add_root(struct heap *heap, enum rg_root_kind kind, const char *name, uint32_t to)
{
	rg_writer_root(heap->writer, &(struct rg_root_record){ .target = address(to),
					     .kind = kind,
					     .reference = RG_KIND_OTHER,
					     .name = text(heap, name),
					     .label = RG_NO_STRING,
					     .thread = NONE,
					     .frame = NONE });
	hold(heap, to);
}

/* Write what was built. References are written object by object, in the order they were made. */
static void finish(struct heap *heap)
{
	for (uint32_t id = 0; id < heap->n_objects; id++) {
		const struct object *object = &heap->objects[id];

		rg_writer_object(heap->writer, &object->record);
		for (unsigned i = 0; i < object->n_values; i++)
			rg_writer_value(heap->writer, &object->values[i]);
		for (uint32_t i = 0; i < heap->n_references; i++)
			if (heap->references[i].from == id)
				rg_writer_references(
					heap->writer, address(id), &heap->references[i].record, 1);
	}
}

/* --- kinds of object ---------------------------------------------------------------------- */

/* The types that every heap here has. */
struct builtins {
	uint32_t type, module, dict, str, list, tuple, function, code, cell;
};

static uint32_t add_type(
	struct heap *heap, const char *module, const char *name, uint32_t flags, uint64_t basicsize)
{
	return rg_writer_type(heap->writer, &(struct rg_type_record){ .basicsize = basicsize,
						    .name = text(heap, name),
						    .module = text(heap, module),
						    .flags = flags });
}

static struct builtins add_builtins(struct heap *heap)
{
	struct builtins types;

	types.type = add_type(heap, "builtins", "type", RG_TYPE_GC | RG_TYPE_METATYPE, 408);
	types.module = add_type(heap, "builtins", "module", RG_TYPE_GC | RG_TYPE_MODULE, 72);
	types.dict = add_type(heap, "builtins", "dict", RG_TYPE_GC | RG_TYPE_DICT, 48);
	types.str = add_type(heap, "builtins", "str", RG_TYPE_STR, 80);
	types.list = add_type(heap, "builtins", "list", RG_TYPE_GC | RG_TYPE_SEQUENCE, 40);
	types.tuple = add_type(heap, "builtins", "tuple", RG_TYPE_GC | RG_TYPE_SEQUENCE, 24);
	types.function = add_type(heap, "builtins", "function", RG_TYPE_GC | RG_TYPE_FUNCTION, 136);
	types.code = add_type(heap, "builtins", "code", 0, 184);
	types.cell = add_type(heap, "builtins", "cell", RG_TYPE_GC | RG_TYPE_CELL, 24);
	return types;
}

static uint32_t add_str(struct heap *heap, const struct builtins *types, const char *bytes)
{
	uint32_t id = add_object(heap, types->str, RG_GEN_UNTRACKED, 49 + strlen(bytes));

	heap->objects[id].record.items = strlen(bytes);
	heap->objects[id].record.flags |= RG_OBJECT_ITEMS;
	add_value(heap, id, RG_VALUE_STR, bytes, strlen(bytes), true);
	return id;
}

static uint32_t add_dict(struct heap *heap, const struct builtins *types)
{
	uint32_t id = add_object(heap, types->dict, RG_GEN_2, 232);

	heap->objects[id].record.flags |= RG_OBJECT_ITEMS;
	return id;
}

/* dict[KEY] = TO; the key is a new str. */
static void set_item(struct heap *heap, const struct builtins *types, uint32_t dict,
	const char *key, uint32_t to)
{
	uint32_t label = add_str(heap, types, key);

	refer(heap, dict, label,
		(struct rg_reference_record){ .kind = RG_KIND_DICTKEY,
			.form = RG_LABEL_OBJECT,
			.label = address(label) });
	refer(heap, dict, to,
		(struct rg_reference_record){
			.kind = RG_KIND_KEY, .form = RG_LABEL_OBJECT, .label = address(label) });
	heap->objects[dict].record.items++;
}

/* A module in sys.modules; returns its dict. */
static uint32_t add_module(struct heap *heap, const struct builtins *types, const char *name)
{
	uint32_t module = add_object(heap, types->module, RG_GEN_2, 72);
	uint32_t dict = add_dict(heap, types);

	name_object(heap, module, name, NULL);
	name_to(heap, module, RG_KIND_DICT, "__dict__", dict);
	add_root(heap, RG_ROOT_MODULE, name, module);
	return dict;
}

/* A class of the program, kept by the dict of its module; the number of the type. */
static uint32_t add_class(struct heap *heap, const struct builtins *types, uint32_t module_dict,
	const char *module, const char *name, uint32_t flags)
{
	uint32_t type = add_type(heap, module, name, RG_TYPE_HEAP | RG_TYPE_GC | flags, 48);
	uint32_t object = add_object(heap, types->type, RG_GEN_2, 1064);

	heap->types[type] = object;
	name_object(heap, object, name, NULL);
	set_item(heap, types, module_dict, name, object);
	return type;
}

static uint32_t add_instance(struct heap *heap, uint32_t type, uint32_t generation)
{
	uint32_t id = add_object(heap, type, generation, 56);

	refer(heap, id, heap->types[type], (struct rg_reference_record){ .kind = RG_KIND_TYPE });
	return id;
}

/* A function that closes over CLOSED. */
static uint32_t add_closure(struct heap *heap, const struct builtins *types, uint32_t globals,
	uint32_t generation, const char *name, uint32_t closed)
{
	uint32_t function = add_object(heap, types->function, generation, 152);
	uint32_t code = add_object(heap, types->code, RG_GEN_UNTRACKED, 240);
	uint32_t tuple = add_object(heap, types->tuple, generation, 48);
	uint32_t cell = add_object(heap, types->cell, generation, 40);

	name_object(heap, function, name, "app/web.py:41");
	name_object(heap, code, name, "app/web.py:41");
	name_to(heap, function, RG_KIND_GLOBALS, "__globals__", globals);
	name_to(heap, function, RG_KIND_CODE, "__code__", code);
	name_to(heap, function, RG_KIND_CLOSURE, "__closure__", tuple);
	append(heap, tuple, cell);
	name_to(heap, cell, RG_KIND_CELL, "cell_contents", closed);
	return function;
}

static void write_facts(struct rg_writer *writer)
{
	static const int numbers[3][5] = { { 700, 12, 40, 900, 0 }, { 10, 3, 4, 70, 0 },
		{ 10, 1, 0, 0, 0 } };
	static const char *const names[5] = { "threshold", "count", "collections", "collected",
		"uncollectable" };
	char key[64];

	rg_writer_fact_text(writer, "runtime", "CPython 3.11.2");
	rg_writer_fact_text(writer, "version", "3.11.2");
	rg_writer_fact_text(writer, "source", "process");
	rg_writer_fact_text(writer, "tool", "make_snapshot");
	rg_writer_fact_number(writer, "pid", 4711);
	rg_writer_fact_text(writer, "argv", "python3 shop.py --port 8080");
	rg_writer_fact_number(writer, "rss", 21078016);
	rg_writer_fact_number(writer, "pause_ns", 1034981);
	rg_writer_fact_text(writer, "captured", "2026-01-31T12:00:00Z");
	rg_writer_fact_number(writer, "gc.enabled", 1);
	for (int generation = 0; generation < 3; generation++)
		for (int i = 0; i < 5; i++) {
			snprintf(key, sizeof(key), "gc.%s.%d", names[i], generation);
			rg_writer_fact_number(writer, key, numbers[generation][i]);
		}
}

/* --- leak --------------------------------------------------------------------------------- */

struct shop {
	struct builtins types;
	uint32_t cache_dict, web_dict, entries; /* dicts */
	uint32_t cache, session, request, fragment, connection, zone; /* types */
	uint32_t last_seen; /* a weak reference */
};

/* cache['u:N'] -> Session <-> Request -> on_done() -> its closure -> Session */
static void add_session(struct heap *heap, struct shop *shop, const char *user, const char *path,
	uint32_t generation)
{
	uint32_t session = add_instance(heap, shop->session, generation);
	uint32_t request = add_instance(heap, shop->request, generation);
	uint32_t on_done = add_closure(heap, &shop->types, shop->web_dict, generation,
		"bind_session.<locals>.on_done", session);

	set_item(heap, &shop->types, shop->entries, user, session);
	attribute(heap, session, "user", add_str(heap, &shop->types, user + 2));
	attribute(heap, session, "request", request);
	attribute(heap, request, "path", add_str(heap, &shop->types, path));
	attribute(heap, request, "session", session);
	attribute(heap, request, "on_done", on_done);
}

/* A dropped page: a fragment with CHILDREN that know their parent. */
static void add_page(struct heap *heap, struct shop *shop, unsigned children)
{
	uint32_t page = add_instance(heap, shop->fragment, RG_GEN_0);
	uint32_t list = add_object(heap, shop->types.list, RG_GEN_0, 88);

	attribute(heap, page, "text", add_str(heap, &shop->types, "<h1>Shop</h1>"));
	attribute(heap, page, "children", list);
	for (unsigned i = 0; i < children; i++) {
		uint32_t child = add_instance(heap, shop->fragment, RG_GEN_0);

		append(heap, list, child);
		attribute(heap, child, "parent", page);
	}
}

/* One object for each of the sets that `garbage` keeps apart. */
static void add_odd_ones(struct heap *heap, struct shop *shop)
{
	uint32_t datetime = add_type(heap, "datetime", "datetime", 0, 48);
	uint32_t weakref = add_type(heap, "weakref", "ReferenceType", RG_TYPE_GC, 72);
	uint32_t handle = add_type(heap, "_native", "Handle", RG_TYPE_GC | RG_TYPE_GUESSED, 64);
	uint32_t connection = add_instance(heap, shop->connection, RG_GEN_1);
	uint32_t zone = add_instance(heap, shop->zone, RG_GEN_1);
	uint32_t when = add_object(heap, datetime, RG_GEN_UNTRACKED, 56);
	uint32_t held = add_object(heap, handle, RG_GEN_2, 64);
	uint32_t buffer = add_object(heap, shop->types.list, RG_GEN_2, 88);

	/* may resurrect: a dead cycle with a __del__ */
	attribute(heap, connection, "itself", connection);
	/* hidden: the collector does not see datetime.tzinfo */
	attribute(heap, zone, "when", when);
	refer(heap, when, zone,
		(struct rg_reference_record){ .kind = RG_KIND_SLOT,
			.form = RG_LABEL_STRING,
			.label = text(heap, "tzinfo"),
			.untraversed = true });
	/* unreached: held by C code, a pointer guessed in its body */
	hold(heap, held);
	refer(heap, held, buffer, (struct rg_reference_record){ .kind = RG_KIND_GUESS });
	shop->last_seen = add_object(heap, weakref, RG_GEN_1, 72);
	set_item(heap, &shop->types, shop->web_dict, "last_seen", shop->last_seen);
}

/* A thread that answers a request which knows no session yet. */
static void add_thread(struct heap *heap, struct shop *shop)
{
	uint32_t request = add_instance(heap, shop->request, RG_GEN_0);
	uint32_t thread = rg_writer_thread(heap->writer,
		&(struct rg_thread_record){
			.native_id = 4711, .ident = 4711, .name = text(heap, "MainThread") });
	uint32_t frame = rg_writer_frame(heap->writer, &(struct rg_frame_record){ .thread = thread,
							       .function = text(heap, "handle"),
							       .file = text(heap, "app/web.py"),
							       .line = 88 });

	rg_writer_root(heap->writer, &(struct rg_root_record){ .target = address(request),
					     .kind = RG_ROOT_FRAME,
					     .reference = RG_KIND_LOCAL,
					     .name = RG_NO_STRING,
					     .label = text(heap, "request"),
					     .thread = thread,
					     .frame = frame });
	hold(heap, request);
	attribute(heap, request, "path", add_str(heap, &shop->types, "/health"));
	/* a weak reference holds nothing */
	refer(heap, shop->last_seen, request, (struct rg_reference_record){ .kind = RG_KIND_WEAK });
}

static void make_leak(struct heap *heap)
{
	struct shop shop = { .types = add_builtins(heap) };
	const struct builtins *types = &shop.types;
	uint32_t cache, attributes;

	shop.cache_dict = add_module(heap, types, "app.cache");
	shop.web_dict = add_module(heap, types, "app.web");
	shop.cache = add_class(heap, types, shop.cache_dict, "app.cache", "Cache", 0);
	shop.session = add_class(heap, types, shop.cache_dict, "app.cache", "Session", 0);
	shop.request = add_class(heap, types, shop.web_dict, "app.web", "Request", 0);
	shop.fragment = add_class(heap, types, shop.web_dict, "app.web", "Fragment", 0);
	shop.connection = add_class(
		heap, types, shop.web_dict, "app.web", "Connection", RG_TYPE_FINALIZER);
	shop.zone = add_class(heap, types, shop.web_dict, "app.web", "Zone", 0);

	/* an instance whose __dict__ exists: it is folded */
	cache = add_instance(heap, shop.cache, RG_GEN_2);
	attributes = add_dict(heap, types);
	shop.entries = add_dict(heap, types);
	name_to(heap, cache, RG_KIND_DICT, "__dict__", attributes);
	set_item(heap, types, attributes, "_entries", shop.entries);
	set_item(heap, types, shop.cache_dict, "CACHE", cache);

	add_session(heap, &shop, "u:80", "/basket?add=tea", RG_GEN_2);
	add_session(heap, &shop, "u:81", "/basket", RG_GEN_1);
	add_session(heap, &shop, "u:82", "/catalog", RG_GEN_0);
	add_page(heap, &shop, 1);
	add_page(heap, &shop, 3);
	add_odd_ones(heap, &shop);
	add_thread(heap, &shop);
	finish(heap);
	write_facts(heap->writer);
}

/* --- hostile ------------------------------------------------------------------------------ */

static const char *const nasty[] = {
	"\x1b[31mred\x1b[0m",
	"\x1b]0;title\x07",
	"a\nb\r\nc\td",
	"\x7f\x01\x08",
	"\xc2\x9b"
	"31m",
	"\xff\xfe",
	"\xed\xa0\x80",
	"\xc0\x80",
	"\xe2\x80\xae"
	"gpj.exe",
	"\xe2\x80\xa8line",
	"\xef\xbf\xbf",
	"\"'\\",
	"\\N\\G\\l",
	"a]b['c",
	"<b>&amp;</b>",
	"]]>",
	"--></svg><script>",
	"</title><svg onload=alert(1)>",
	"%s%n%p",
	"{a|b}",
	"digraph { a -> b; }",
	"$(id) `id` ; id",
	"caf\xc3\xa9 \xf0\x9f\x90\x8d",
	"",
};

#define N_NASTY (sizeof(nasty) / sizeof(*nasty))

static void make_hostile(struct heap *heap)
{
	struct builtins types = add_builtins(heap);
	uint32_t module = add_module(heap, &types, "evil\x1b[2J'\"]<&>\nmodule");
	uint32_t entries = add_dict(heap, &types);
	char *large = malloc(1001);

	if (!large)
		die("out of memory");
	memset(large, 'x', 1000);
	large[1000] = 0;
	set_item(heap, &types, module, "entries", entries);
	/* a ring of two for each text: it is a type's name, an attribute, a key and a value */
	for (size_t i = 0; i <= N_NASTY; i++) {
		const char *name = i < N_NASTY ? nasty[i] : large;
		uint32_t type = add_class(heap, &types, module, "evil\x1b[2J<&>", name, 0);
		uint32_t one = add_instance(heap, type, RG_GEN_2);
		uint32_t two = add_instance(heap, type, RG_GEN_2);

		set_item(heap, &types, entries, name, one);
		attribute(heap, one, name, two);
		attribute(heap, two, "back", one);
		attribute(heap, two, "text", add_str(heap, &types, name));
	}
	finish(heap);
	free(large);
	write_facts(heap->writer);
	rg_writer_fact_text(
		heap->writer, "warning.\x1b[31m", "\x1b[31mred\x1b[0m\nrefgraph: wrong");
}

/* --- empty and newer ---------------------------------------------------------------------- */

static void make_empty(struct heap *heap)
{
	write_facts(heap->writer);
}

/* The header of a version to come, with a good checksum. */
static void patch_major(FILE *file)
{
	uint8_t header[RG_HEADER_SIZE];
	uint64_t sum;

	if (fseek(file, 0, SEEK_SET) || fread(header, sizeof(header), 1, file) != 1)
		die("cannot read the header back");
	header[8] = RG_MAJOR + 1;
	sum = rg_hash(header, RG_HEADER_SIZE - sizeof(sum));
	memcpy(header + RG_HEADER_SIZE - sizeof(sum), &sum, sizeof(sum));
	if (fseek(file, 0, SEEK_SET) || fwrite(header, sizeof(header), 1, file) != 1)
		die("cannot write the header");
}

static const struct {
	const char *name;
	void (*make)(struct heap *heap);
	void (*patch)(FILE *file);
} heaps[] = {
	{ "empty", make_empty, NULL },
	{ "leak", make_leak, NULL },
	{ "hostile", make_hostile, NULL },
	{ "newer", make_empty, patch_major },
};

static void write_heap(size_t which, const char *path)
{
	struct heap *heap = calloc(1, sizeof(*heap));
	FILE *file = fopen(path, "w+b");
	struct rg_error err;

	rg_error_init(&err);
	if (!heap || !file)
		die("cannot open the file");
	for (uint32_t i = 0; i < MOST; i++)
		heap->types[i] = NONE;
	heap->writer = rg_writer_create(file, 3);
	if (!heap->writer)
		die("out of memory");
	heaps[which].make(heap);
	if (rg_writer_finish(heap->writer, &err))
		die(err.message);
	if (heaps[which].patch)
		heaps[which].patch(file);
	rg_writer_destroy(heap->writer);
	if (fclose(file))
		die("cannot write the file");
	free(heap);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 3 && i < sizeof(heaps) / sizeof(*heaps); i++)
		if (strcmp(heaps[i].name, argv[1]) == 0) {
			write_heap(i, argv[2]);
			return 0;
		}
	fprintf(stderr, "usage: make_snapshot empty|leak|hostile|newer FILE\n");
	return 2;
}
