#include "heapdump/cpython/native.h"

#include <stdio.h>
#include <string.h>

#include "heapdump/image/elf.h"

#define CHUNK 4096
#define INTERPRETERS 1000
#define DATA_LIMIT (64ull << 20) /* bytes of one library's variables that are searched */
#define STACK_LIMIT (256ull << 10) /* of one thread's stack */
#define USER_END (1ull << 47)
#define ARENA_OBJECTS 16 /* PyArena.a_objects (Python/pyarena.c) */

static struct rg_root_record new_root(enum rg_root_kind kind, uint32_t name)
{
	return (struct rg_root_record){ .kind = kind,
		.reference = RG_KIND_GUESS,
		.name = name,
		.label = RG_NO_STRING,
		.thread = UINT32_MAX,
		.frame = UINT32_MAX };
}

/*
 * Make a root of the object at ADDRESS where nothing else explains why it lives; once for each
 * place by name, however often None is in it.
 */
static bool take(struct rg_walk *walk, uint64_t address, struct rg_root_record root)
{
	uint32_t number = address & 7 ? RG_NO_OBJECT : rg_objects_find(walk->objects, address);

	if (number == RG_NO_OBJECT || !rg_walk_unexplained(walk, address, number) ||
		rg_map_get(&walk->native, address) == root.name)
		return false;
	if (!rg_map_set(&walk->native, address, root.name))
		walk->out_of_memory = true;
	root.target = address;
	rg_walk_root(walk, &root);
	return true;
}

/*
 * The parser keeps the constants of the main script as long as that runs, in a list that only its
 * arena refers to, and only the C stack to that.
 */
static void take_arena(struct rg_walk *walk, uint64_t address, struct rg_root_record root)
{
	uint64_t list;

	if (address & 7 || !rg_image_at(walk->image, address, ARENA_OBJECTS + 8))
		return;
	list = rg_image_u64(walk->image, address + ARENA_OBJECTS);
	root.name = rg_walk_literal(walk, "parser's arena");
	if (rg_objects_find(walk->objects, list) != RG_NO_OBJECT && rg_walk_is(walk, list, "list"))
		take(walk, list, root);
}

static void search(struct rg_walk *walk, uint64_t start, uint64_t end, struct rg_root_record root)
{
	bool is_stack = root.kind == RG_ROOT_THREAD;

	for (uint64_t at = start & ~7ull; at + 8 <= end;) {
		uint64_t next = (at / CHUNK + 1) * CHUNK;
		uint64_t size = (next < end ? next : end) - at;
		const uint64_t *words = rg_image_at(walk->image, at, size);

		if (!rg_walk_spend(walk, words ? size / 8 : 1))
			return;
		for (uint64_t i = 0; words && i < size / 8; i++)
			if (words[i] && !take(walk, words[i], root) && is_stack)
				take_arena(walk, words[i], root);
		at = next;
	}
}

/* --- the interpreters' own state ---------------------------------------------------------- */

static void search_interpreters(struct rg_walk *walk)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t at = walk->runtime->interpreter;
	struct rg_root_record root = new_root(
		RG_ROOT_INTERPRETER, rg_walk_literal(walk, "interpreter state"));

	for (int i = 0; at && i < INTERPRETERS; i++) {
		search(walk, at, at + (unsigned)layout->interp_size, root);
		at = rg_walk_field(walk, at, layout->interp_next);
	}
}

/* --- variables of libraries --------------------------------------------------------------- */

static uint32_t name_of(struct rg_walk *walk, const char *path)
{
	const char *slash = strrchr(path, '/');
	char text[280];
	int length = snprintf(text, sizeof(text), "C data of %.255s", slash ? slash + 1 : path);
	char *deleted = strstr(text, " (deleted)");

	/* the file was replaced since: the process has the old one still */
	if (deleted && !deleted[sizeof(" (deleted)") - 1])
		length = (int)(deleted - text);
	return rg_writer_string(walk->writer, text, (size_t)length);
}

/* True for the piece of a file that begins as programs and libraries do. */
static bool is_library(struct rg_walk *walk, const struct rg_mapping *mapping)
{
	const char *magic = mapping->path[0] == '/' && mapping->offset == 0 && mapping->readable
				    ? rg_image_at(walk->image, mapping->start, 4)
				    : NULL;

	return magic && memcmp(magic, "\177ELF", 4) == 0;
}

/*
 * A library is mapped in one piece: its code, then its variables from the file, then those that
 * begin as zeros, in anonymous memory that follows. What follows those, in the same mapping as
 * likely as not, is somebody else's: a heap.
 */
static void search_libraries(struct rg_walk *walk)
{
	struct rg_root_record root = new_root(RG_ROOT_INTERPRETER, RG_NO_STRING);
	const struct rg_image *image = walk->image;
	const char *library = NULL;
	uint64_t end = 0, left = 0;

	for (size_t i = 0; i < image->n_mappings; i++) {
		const struct rg_mapping *mapping = &image->mappings[i];
		uint64_t stop = mapping->end;

		if (is_library(walk, mapping)) {
			library = mapping->path;
			root.name = name_of(walk, library);
			left = DATA_LIMIT;
			end = rg_elf_end(walk->image, mapping->start);
		}
		if (!library || !mapping->writable || !mapping->readable)
			continue;
		if (mapping->path[0] && strcmp(library, mapping->path) != 0)
			continue;
		if (!mapping->path[0] && end < stop)
			stop = end;
		if (stop <= mapping->start)
			continue;
		stop = stop - mapping->start < left ? stop : mapping->start + left;
		search(walk, mapping->start, stop, root);
		left -= stop - mapping->start;
	}
}

/* --- stacks ------------------------------------------------------------------------------- */

/* The mapping that holds ADDRESS, or NULL. */
static const struct rg_mapping *mapping_of(const struct rg_image *image, uint64_t address)
{
	size_t low = 0, high = image->n_mappings;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (image->mappings[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < image->n_mappings && image->mappings[low].start <= address
		       ? &image->mappings[low]
		       : NULL;
}

/* The main thread's stack is the last memory of a process that can be written. */
static const struct rg_mapping *main_stack(const struct rg_image *image)
{
	for (size_t i = image->n_mappings; i-- > 0;)
		if (image->mappings[i].writable && image->mappings[i].end <= USER_END)
			return &image->mappings[i];
	return NULL;
}

/* Another thread's ends with what pthread_self() points at, which is its identifier. */
static void search_stacks(struct rg_walk *walk)
{
	struct rg_root_record root = new_root(RG_ROOT_THREAD, rg_walk_literal(walk, "C stack"));

	for (size_t i = 0; i < walk->n_threads; i++) {
		uint64_t end = walk->threads[i];
		const struct rg_mapping *stack = i == 0 ? main_stack(walk->image)
							: mapping_of(walk->image, end);

		if (!stack)
			continue;
		root.thread = (uint32_t)i;
		if (i == 0)
			end = stack->end;
		search(walk, end - stack->start > STACK_LIMIT ? end - STACK_LIMIT : stack->start,
			end, root);
	}
}

void rg_native_walk(struct rg_walk *walk)
{
	search_interpreters(walk);
	search_libraries(walk);
	/* last: what a stack holds may be left of a call that has returned */
	search_stacks(walk);
}
