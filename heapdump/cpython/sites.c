#include "heapdump/cpython/sites.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"
#include "heapdump/image/elf.h"

#define FRAME_SIZE 12 /* a packed pointer to the file's name, and a line */
#define FRAME_LINE 8
#define FRAMES_LIMIT 65535 /* tracemalloc's own */
#define BUCKETS_LIMIT (1ull << 40)
#define PIECE_LIMIT (1ull << 47) /* bytes of a piece of memory */
#define TRACES_TRIED 16 /* entries that a table must convince by */
#define MOVED_LIMIT 1024 /* bytes by which a patch release may move a part of _PyRuntime */
#define DOMAIN_BYTES 4 /* behind the pointer, in a key of 3.8 that has a domain */

/* A walk along the chains of a _Py_hashtable_t. */
struct table {
	uint64_t buckets, n_buckets, bucket; /* the next one */
	uint64_t entry; /* the next of this chain, or 0 */
	uint64_t left; /* entries, at most */
	unsigned key_size; /* of keys that lie in the entry (3.8), or 0 */
};

struct trace {
	uint64_t memory, traceback;
};

struct search {
	struct rg_walk *walk;
	struct rg_map tracebacks; /* address -> number of its site, or UNKNOWN */
	struct rg_map numbers; /* hash of a site -> its number */
	struct rg_site_record *sites;
	size_t n_sites, capacity;
};

#define UNKNOWN (RG_MAP_NONE - 1)

/* --- the table ---------------------------------------------------------------------------- */

static bool open_table(struct table *table, struct rg_walk *walk, uint64_t at)
{
	const struct rg_layout *layout = walk->layout;

	if (at & 7 || !rg_image_at(walk->image, at, 32))
		return false;
	*table = (struct table){ .buckets = rg_walk_field(walk, at, layout->hashtable_buckets),
		.n_buckets = rg_walk_field(walk, at, layout->hashtable_size),
		.left = rg_walk_field(walk, at, layout->hashtable_count),
		.key_size = (unsigned)rg_walk_field(walk, at, layout->hashtable_key_size) };
	return table->left > 0 && table->n_buckets > 0 && table->n_buckets < BUCKETS_LIMIT &&
	       !(table->n_buckets & (table->n_buckets - 1)) && !(table->buckets & 7) &&
	       rg_image_at(walk->image, table->buckets, 8) &&
	       (table->key_size == 0 || table->key_size == 8 ||
		       table->key_size == 8 + DOMAIN_BYTES);
}

/* The next entry's address, or 0. What lies about is bounded by what can be read. */
static uint64_t next_entry(struct table *table, struct rg_walk *walk)
{
	uint64_t entry;

	while (!table->entry && table->bucket < table->n_buckets) {
		uint64_t at = table->buckets + 8 * table->bucket++;

		if (!rg_walk_spend(walk, 1) || !rg_image_at(walk->image, at, 8))
			return 0;
		table->entry = rg_image_u64(walk->image, at);
	}
	entry = table->entry;
	if (!entry || table->left-- == 0 || !rg_walk_spend(walk, 1))
		return 0;
	table->entry = rg_image_u64(walk->image, entry);
	return entry;
}

static unsigned frames_of(struct rg_walk *walk, uint64_t traceback)
{
	return rg_image_u16(walk->image, traceback + (unsigned)walk->layout->traceback_count);
}

static uint64_t frame_at(struct rg_walk *walk, uint64_t traceback, unsigned i)
{
	return traceback + (unsigned)walk->layout->traceback_frames + (uint64_t)FRAME_SIZE * i;
}

/* A file's name is a str; from 3.15 on a C string (gh-155725), which may reach patch releases. */
static uint32_t file_of(struct rg_walk *walk, uint64_t frame)
{
	uint64_t name = rg_image_u64(walk->image, frame);

	return rg_walk_is(walk, name, "str") ? rg_walk_name(walk, name)
					     : rg_walk_c_name(walk, name);
}

static bool is_file(struct rg_walk *walk, uint64_t frame)
{
	uint64_t name = rg_image_u64(walk->image, frame);
	char text[8];

	if (rg_walk_is(walk, name, "str"))
		return true;
	if (!rg_image_string(walk->image, name, text, sizeof(text)))
		return false;
	for (const char *c = text; *c; c++)
		if (*c < ' ')
			return false;
	return text[0] != 0;
}

/* What the ENTRY of a table of traces says; false where it says nothing that makes sense. */
static bool read_trace(
	struct rg_walk *walk, const struct table *table, uint64_t entry, struct trace *trace)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t key = entry + (unsigned)layout->hashentry_size, value = key + table->key_size;

	/* to 3.8 the key and the value lie behind the entry, from then on pointers in it */
	if (layout->hashentry_key >= 0) {
		key = entry + (unsigned)layout->hashentry_key;
		value = rg_walk_field(walk, entry, layout->hashentry_value);
	} else if (table->key_size > 8 && rg_image_u32(walk->image, key + 8)) {
		return false;
	}
	trace->memory = rg_image_u64(walk->image, key);
	trace->traceback = rg_walk_field(walk, value, layout->trace_traceback);
	return trace->memory && !(trace->memory & 7) && trace->traceback &&
	       !(trace->traceback & 3) && rg_image_u64(walk->image, value) < PIECE_LIMIT;
}

/* True for a table whose first entries lead to tracebacks that name files, as far as they go. */
static bool is_traces(struct rg_walk *walk, uint64_t at)
{
	struct table table;
	struct trace trace;
	uint64_t entry;
	unsigned convincing = 0;

	if (!open_table(&table, walk, at))
		return false;
	for (int i = 0; i < TRACES_TRIED && (entry = next_entry(&table, walk)) != 0; i++) {
		if (!read_trace(walk, &table, entry, &trace))
			return false;
		if (!frames_of(walk, trace.traceback))
			continue;
		if (!is_file(walk, frame_at(walk, trace.traceback, 0)))
			return false;
		convincing++;
	}
	return convincing > 0;
}

/* Among the variables of Python's own binary, from the mapping on that ADDRESS is in. */
static uint64_t search_variables(struct rg_walk *walk, uint64_t address)
{
	const struct rg_image *image = walk->image;
	uint64_t end = rg_elf_end(walk->image, walk->runtime->binary);

	for (size_t i = 0; i < image->n_mappings; i++) {
		const struct rg_mapping *mapping = &image->mappings[i];
		uint64_t stop = mapping->end < end ? mapping->end : end;

		if (mapping->end <= address || !mapping->writable)
			continue;
		for (uint64_t at = mapping->start; at + 8 <= stop; at += 8) {
			uint64_t word = rg_image_u64(walk->image, at);

			if (word && is_traces(walk, word))
				return word;
		}
	}
	return 0;
}

/* True where a struct _PyTraceMalloc_Config says that the program traces. */
static bool is_tracing(struct rg_walk *walk, uint64_t config, uint32_t *limit_ret)
{
	const struct rg_layout *layout = walk->layout;

	*limit_ret = rg_image_u32(walk->image, config + (unsigned)layout->tracemalloc_limit);
	return rg_image_u32(walk->image, config + (unsigned)layout->tracemalloc_tracing) == 1 &&
	       *limit_ret > 0 && *limit_ret <= FRAMES_LIMIT;
}

/* The table of traces, or 0 where the program does not trace; how many frames it keeps of each. */
static uint64_t find_static_traces(struct rg_walk *walk, uint32_t *limit_ret)
{
	uint64_t config = rg_elf_symbol(
		walk->image, walk->runtime->binary, "_Py_tracemalloc_config");

	return config && is_tracing(walk, config, limit_ret) ? search_variables(walk, config) : 0;
}

/* The same in _PyRuntime: near to where the layout has it, for patch releases move it. */
static uint64_t find_runtime_traces(struct rg_walk *walk, uint32_t *limit_ret)
{
	const struct rg_layout *layout = walk->layout;
	uint64_t expected = walk->runtime->address + (unsigned)layout->runtime_tracemalloc;

	for (uint64_t far = 0; far <= MOVED_LIMIT; far += 8)
		for (int side = 0; side < 2; side++) {
			uint64_t config = side ? expected + far : expected - far;
			uint64_t traces = rg_walk_field(walk, config, layout->tracemalloc_traces);

			if (is_tracing(walk, config, limit_ret) && is_traces(walk, traces))
				return traces;
		}
	return 0;
}

/* --- sites -------------------------------------------------------------------------------- */

/* The number of SITE, written when it is new. */
static uint32_t number_of(struct search *search, const struct rg_site_record *site)
{
	uint64_t key = rg_mix(rg_mix(site->file, site->line), site->caller);
	struct rg_site_record *slot;
	uint32_t number;

	for (;; key++) {
		key += key == 0;
		number = rg_map_get(&search->numbers, key);
		if (number == RG_MAP_NONE)
			break;
		if (memcmp(&search->sites[number], site, sizeof(*site)) == 0)
			return number;
	}
	slot = RG_PUSH(search->sites, search->n_sites, search->capacity);
	if (!slot || !rg_map_set(&search->numbers, key, (uint32_t)search->n_sites - 1)) {
		search->walk->out_of_memory = true;
		return RG_NO_SITE;
	}
	*slot = *site;
	return rg_writer_site(search->walk->writer, site);
}

/* The site that a traceback ends at: its frames begin with the innermost. */
static uint32_t read_traceback(struct search *search, uint64_t traceback)
{
	struct rg_walk *walk = search->walk;
	struct rg_site_record site = { .caller = RG_NO_SITE };
	unsigned n = frames_of(walk, traceback);

	if (n == 0 || !rg_walk_spend(walk, n))
		return UNKNOWN;
	for (unsigned i = n; i-- > 0;) {
		uint64_t frame = frame_at(walk, traceback, i);

		site.file = file_of(walk, frame);
		site.line = rg_image_u32(walk->image, frame + FRAME_LINE);
		/* "<unknown>": no Python code ran */
		if (site.file == RG_NO_STRING || (n == 1 && site.line == 0))
			return UNKNOWN;
		site.caller = number_of(search, &site);
	}
	return site.caller;
}

static uint32_t site_of(struct search *search, uint64_t traceback)
{
	uint32_t site = rg_map_get(&search->tracebacks, traceback);

	if (site == RG_MAP_NONE) {
		site = read_traceback(search, traceback);
		if (!rg_map_set(&search->tracebacks, traceback, site))
			search->walk->out_of_memory = true;
	}
	return site;
}

/* The object whose memory begins at BASE, or 0: most pieces of memory are none. */
static uint64_t object_at(struct rg_walk *walk, uint64_t base)
{
	static const unsigned heads[] = { 0, RG_GC_HEAD, RG_GC_HEAD + RG_MANAGED_HEAD };

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		uint64_t address = base + heads[i];

		if (rg_objects_find(walk->objects, address) != RG_NO_OBJECT &&
			rg_walk_base(walk, address) == base)
			return address;
	}
	return 0;
}

static void write_allocation(struct search *search, const struct trace *trace)
{
	struct rg_walk *walk = search->walk;
	uint64_t address = object_at(walk, trace->memory);
	uint32_t site;

	if (!address)
		return;
	site = site_of(search, trace->traceback);
	if (site < UNKNOWN)
		rg_writer_allocation(walk->writer, &(struct rg_allocation_record){ address, site });
}

/*
 * Captured while the table was being changed, as it is at each allocation: it does not hold
 * together.
 */
static void warn_moving(struct rg_walk *walk, uint64_t seen, uint64_t count)
{
	char text[160];

	snprintf(text, sizeof(text),
		"tracemalloc's table was in motion: %" PRIu64 " of its %" PRIu64
		" allocations were read; capture again for more",
		seen, count);
	rg_writer_fact_text(walk->writer, "warning.sites-moving", text);
}

void rg_sites_walk(struct rg_walk *walk)
{
	struct search search = { .walk = walk };
	struct table table;
	struct trace trace;
	uint32_t limit = 0;
	uint64_t entry, count, seen = 0;
	uint64_t traces = walk->layout->runtime_tracemalloc >= 0 ? find_runtime_traces(walk, &limit)
								 : find_static_traces(walk, &limit);

	if (!traces || !open_table(&table, walk, traces))
		return;
	rg_writer_fact_number(walk->writer, "tracemalloc.frames", limit);
	count = table.left;
	for (; !walk->out_of_memory && (entry = next_entry(&table, walk)) != 0; seen++)
		if (read_trace(walk, &table, entry, &trace))
			write_allocation(&search, &trace);
	if (seen < count)
		warn_moving(walk, seen, count);
	rg_map_deinit(&search.tracebacks);
	rg_map_deinit(&search.numbers);
	free(search.sites);
}
