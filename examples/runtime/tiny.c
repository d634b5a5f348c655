/*
 * tiny: a small runtime of its own, and how it shows its heap to refgraph.
 *
 * Its objects are strings, pairs, tables and closures. They are counted, and grow old through
 * three generations; what it does not have is a collector of cycles, and the program at the end
 * of this file leaks one.
 *
 *	tiny heap.rgs           writes a snapshot through heapdump.h
 *	tiny --ndjson           prints the same heap as NDJSON, with printf and nothing else
 *	refgraph garbage heap.rgs
 *
 * Everything that refgraph needs is in visit(): one function that names every reference of an
 * object. A runtime that can mark or free has one like it already.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump.h"

/* --- objects ------------------------------------------------------------------------------ */

enum kind { STRING, PAIR, TABLE, CLOSURE, KINDS };
static const char *const kind_names[KINDS] = { "string", "pair", "table", "closure" };

#define GENERATIONS 3
#define ENTRIES 8

struct entry {
	struct object *key, *value;
};

struct object {
	struct object *next; /* in its generation */
	size_t refcount;
	enum kind kind;
	int generation;
	union {
		char text[64];
		struct {
			struct object *head, *tail;
		} pair;
		struct {
			size_t count;
			struct entry entries[ENTRIES];
		} table;
		struct {
			const char *function;
			struct object *captured;
		} closure;
	};
};

static struct object *generations[GENERATIONS]; /* lists, the newest object first */

/* A reference, as visit() shows it: where to, and what it is called, by a field or a key. */
struct reference {
	struct object *to, *key;
	const char *field;
};

typedef void visitor(struct object *from, const struct reference *reference, void *context);

/* Call VISIT for every reference that OBJECT owns. */
static void visit(struct object *object, visitor *each, void *context)
{
	switch (object->kind) {
	case PAIR:
		if (object->pair.head)
			each(object, &(struct reference){ object->pair.head, NULL, "head" },
				context);
		if (object->pair.tail)
			each(object, &(struct reference){ object->pair.tail, NULL, "tail" },
				context);
		break;
	case TABLE:
		for (size_t i = 0; i < object->table.count; i++) {
			struct entry *entry = &object->table.entries[i];

			each(object, &(struct reference){ entry->key, NULL, NULL }, context);
			each(object, &(struct reference){ entry->value, entry->key, NULL },
				context);
		}
		break;
	case CLOSURE:
		each(object, &(struct reference){ object->closure.captured, NULL, "captured" },
			context);
		break;
	default:
		break;
	}
}

/* --- counting ----------------------------------------------------------------------------- */

static struct object *keep(struct object *object)
{
	object->refcount++;
	return object;
}

static void drop(struct object *object);

static void drop_each(struct object *from, const struct reference *reference, void *context)
{
	(void)from, (void)context;
	drop(reference->to);
}

static void drop(struct object *object)
{
	struct object **link = &generations[object->generation];

	if (--object->refcount > 0)
		return;
	while (*link != object)
		link = &(*link)->next;
	*link = object->next;
	visit(object, drop_each, NULL);
	free(object);
}

/* A new object of the youngest generation, which the caller owns. */
static struct object *create(enum kind kind)
{
	struct object *object = calloc(1, sizeof(*object));

	if (!object)
		abort();
	object->kind = kind;
	object->refcount = 1;
	object->next = generations[0];
	generations[0] = object;
	return object;
}

/* Everything of the younger generations moves up by one, as it does when a collector has run. */
static void grow_old(void)
{
	for (int g = GENERATIONS - 2; g >= 0; g--)
		while (generations[g]) {
			struct object *object = generations[g];

			generations[g] = object->next;
			object->generation = g + 1;
			object->next = generations[g + 1];
			generations[g + 1] = object;
		}
}

/* --- making objects: each function owns what it is given and returns what the caller owns --- */

static struct object *string(const char *text)
{
	struct object *object = create(STRING);

	snprintf(object->text, sizeof(object->text), "%s", text);
	return object;
}

static struct object *pair(struct object *head, struct object *tail)
{
	struct object *object = create(PAIR);

	object->pair.head = head;
	object->pair.tail = tail;
	return object;
}

static struct object *closure(const char *function, struct object *captured)
{
	struct object *object = create(CLOSURE);

	object->closure.function = function;
	object->closure.captured = captured;
	return object;
}

static void set(struct object *table, const char *key, struct object *value)
{
	if (table->table.count == ENTRIES)
		abort();
	table->table.entries[table->table.count++] = (struct entry){ string(key), value };
}

/* --- the heap as a snapshot, through heapdump.h ------------------------------------------- */

static uint64_t id(const struct object *object)
{
	return (uintptr_t)object;
}

static void dump_reference(struct object *from, const struct reference *reference, void *dump)
{
	if (reference->key)
		heapdump_reference_keyed(
			dump, id(from), id(reference->to), HEAPDUMP_KEY, id(reference->key));
	else if (reference->field)
		heapdump_reference_named(
			dump, id(from), id(reference->to), HEAPDUMP_SLOT, reference->field);
	else
		heapdump_reference(dump, id(from), id(reference->to), HEAPDUMP_DICTKEY);
}

static void dump_object(struct heapdump *dump, struct object *object, const uint32_t *types)
{
	heapdump_object(dump, id(object), types[object->kind], sizeof(*object), object->refcount,
		(enum heapdump_generation)object->generation);
	visit(object, dump_reference, dump);
	if (object->kind == STRING)
		heapdump_value(
			dump, id(object), HEAPDUMP_VALUE_TEXT, object->text, strlen(object->text));
	if (object->kind == CLOSURE)
		heapdump_value(dump, id(object), HEAPDUMP_VALUE_NAME, object->closure.function,
			strlen(object->closure.function));
}

static bool dump(const char *path, struct object *globals)
{
	static const unsigned flags[KINDS] = { HEAPDUMP_TYPE_STR, HEAPDUMP_TYPE_GC,
		HEAPDUMP_TYPE_GC | HEAPDUMP_TYPE_DICT, HEAPDUMP_TYPE_GC | HEAPDUMP_TYPE_FUNCTION };
	struct heapdump *heap = heapdump_open(path, _Alignof(struct object));
	uint32_t types[KINDS];
	enum heapdump_status status;

	if (!heap) {
		perror(path);
		return false;
	}
	heapdump_fact_text(heap, "runtime", "tiny 1.0");
	for (int kind = 0; kind < KINDS; kind++)
		types[kind] = heapdump_type(heap, kind_names[kind], "tiny", flags[kind]);
	for (int g = 0; g < GENERATIONS; g++)
		for (struct object *object = generations[g]; object; object = object->next)
			dump_object(heap, object, types);
	heapdump_root(heap, id(globals), "globals");
	status = heapdump_finish(heap);
	if (status)
		fprintf(stderr, "%s: %s\n", path, heapdump_message(heap));
	heapdump_close(heap);
	return status == HEAPDUMP_OK;
}

/* --- the same as NDJSON: refgraph-ndjson(5) ----------------------------------------------- */

static void print_reference(struct object *from, const struct reference *reference, void *comma)
{
	(void)from;
	printf("%s{\"to\":%" PRIu64, (const char *)comma, id(reference->to));
	if (reference->key)
		printf(",\"kind\":\"key\",\"label\":{\"object\":%" PRIu64 "}}", id(reference->key));
	else if (reference->field)
		printf(",\"kind\":\"slot\",\"label\":\"%s\"}", reference->field);
	else
		printf(",\"kind\":\"dictkey\"}");
	strcpy(comma, ",");
}

static void print_object(struct object *object)
{
	char comma[2] = "";

	printf("{\"id\":%" PRIu64 ",\"type\":\"tiny.%s\",\"size\":%zu,\"refcount\":%zu,"
	       "\"generation\":%d",
		id(object), kind_names[object->kind], sizeof(*object), object->refcount,
		object->generation);
	/* the texts here have nothing to escape; a real runtime escapes quotes and controls */
	if (object->kind == STRING)
		printf(",\"value\":\"%s\"", object->text);
	if (object->kind == CLOSURE)
		printf(",\"name\":\"%s\"", object->closure.function);
	printf(",\"references\":[");
	visit(object, print_reference, comma);
	printf("]}\n");
}

static void print(struct object *globals)
{
	printf("{\"record\":\"fact\",\"key\":\"runtime\",\"value\":\"tiny 1.0\"}\n");
	for (int g = 0; g < GENERATIONS; g++)
		for (struct object *object = generations[g]; object; object = object->next)
			print_object(object);
	printf("{\"record\":\"root\",\"target\":%" PRIu64 ",\"name\":\"globals\"}\n", id(globals));
}

/* --- the program -------------------------------------------------------------------------- */

/* A session whose handler holds the session: nothing is left of it but a cycle. */
static struct object *session(const char *user)
{
	struct object *table = create(TABLE);

	set(table, "user", string(user));
	set(table, "on_close", closure("close_session", keep(table)));
	return table;
}

int main(int argc, char **argv)
{
	struct object *globals = create(TABLE), *sessions = create(TABLE);

	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE.rgs | --ndjson\n", argv[0]);
		return 2;
	}
	set(globals, "version", pair(string("tiny"), string("1.0")));
	set(globals, "sessions", sessions);
	grow_old();
	set(sessions, "alice", session("alice"));
	grow_old();
	/* bob has gone: the program has no way to his session any more, and it is still there */
	drop(session("bob"));
	if (strcmp(argv[1], "--ndjson") != 0)
		return dump(argv[1], globals) ? 0 : 1;
	print(globals);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
