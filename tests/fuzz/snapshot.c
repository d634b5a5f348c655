/*
 * A snapshot: loaded, and everything asked of it that walks all it holds; redacted; exported. Most
 * mutations leave a file whose checksums are right, or none would get past them.
 */
#include "heapdump/base/hash.h"
#include "heapdump/snapshot/ndjson.h"
#include "heapdump/snapshot/reader.h"
#include "heapdump/snapshot/redact.h"
#include "src/analysis/between.h"
#include "src/analysis/cycles.h"
#include "src/analysis/order.h"
#include "src/analysis/holders.h"
#include "src/analysis/routes.h"
#include "src/analysis/types.h"
#include "src/emit/dot.h"
#include "src/emit/tree.h"
#include "src/heap/fold.h"
#include "src/heap/label.h"
#include "src/heap/policy.h"
#include "src/view/cycle.h"
#include "src/view/dominated.h"
#include "src/view/neighbourhood.h"
#include "src/view/routes.h"
#include "tests/fuzz/fuzz.h"

/* --- labels ------------------------------------------------------------------------------- */

static void ask_labels(const struct rg_heap *heap)
{
	struct rg_arena arena = { 0 };
	bool exact;

	for (uint32_t id = 0; id < heap->n_objects; id++)
		for (uint32_t edge = heap->offset[id]; edge < heap->offset[id + 1]; edge++) {
			REQUIRE(rg_label_reference(heap, edge, &arena));
			REQUIRE(rg_label_pattern(heap, id, edge, &arena));
			rg_label_is_dict(heap, edge);
		}
	for (uint32_t id = 0; id < heap->n_objects; id++) {
		rg_label_value(heap, id, &exact, &arena);
		rg_label_name(heap, id, &arena);
		rg_label_place(heap, id, &arena);
		REQUIRE(rg_label_type(heap, heap->type[id], &arena));
		rg_heap_footprint(heap, id, false);
	}
	for (size_t i = 0; i < heap->n_roots; i++) {
		REQUIRE(rg_label_root(heap, &heap->roots[i], &arena));
		REQUIRE(rg_label_root_path(heap, &heap->roots[i], &arena));
	}
	rg_arena_deinit(&arena);
}

/* --- pictures ----------------------------------------------------------------------------- */

/* A picture that holds together, as DOT and as a tree of plain ASCII lines. */
static void check_picture(const struct rg_picture *picture)
{
	struct rg_tree_style style = { .width = 80, .ascii = true };
	struct text text;
	FILE *out = text_open(&text);

	REQUIRE(rg_dot_check(picture, NULL) == RG_OK);
	REQUIRE(rg_tree_print(picture, &style, out, NULL) == RG_OK && fclose(out) == 0);
	for (size_t i = 0; i < text.size; i++)
		REQUIRE((text.bytes[i] >= 0x20 && text.bytes[i] < 0x7f) || text.bytes[i] == '\n');
	free(text.bytes);
	out = text_open(&text);
	REQUIRE(rg_dot_write(picture, out, NULL) == RG_OK && fclose(out) == 0);
	free(text.bytes);
}

static void draw_cycles(const struct rg_cycles *cycles, bool raw)
{
	struct rg_arena arena = { 0 };
	struct rg_draw draw;

	rg_draw_init(&draw, cycles->heap, raw, false, 0, &arena);
	REQUIRE(rg_view_cycles(&draw, cycles, 3, NULL) == RG_OK);
	check_picture(&draw.picture);
	rg_draw_deinit(&draw);
	rg_arena_deinit(&arena);
}

static void draw_routes(const struct rg_routes *routes, bool raw)
{
	struct rg_arena arena = { 0 };
	struct rg_draw draw;

	rg_draw_init(&draw, routes->heap, raw, true, 20, &arena);
	REQUIRE(rg_view_routes(&draw, routes, 5, NULL) == RG_OK);
	check_picture(&draw.picture);
	rg_draw_deinit(&draw);
	rg_arena_deinit(&arena);
}

static void draw_dominated(const struct rg_retained *retained)
{
	struct rg_dominated options = { .depth = RG_DOMINATED_DEPTH,
		.breadth = RG_DOMINATED_BREADTH };
	struct rg_arena arena = { 0 };
	struct rg_retained_list tops;
	struct rg_draw draw;

	REQUIRE(rg_retained_children(retained, 0, &tops, NULL) == RG_OK);
	rg_draw_init(&draw, retained->heap, retained->raw, true, 20, &arena);
	REQUIRE(rg_view_dominated(&draw, retained, &options, tops.numbers, tops.count, NULL) ==
		RG_OK);
	check_picture(&draw.picture);
	rg_draw_deinit(&draw);
	rg_arena_deinit(&arena);
	free(tops.numbers);
}

/* What is around the last object, both ways. */
static void draw_neighbours(const struct rg_heap *heap, bool raw)
{
	struct rg_neighbourhood options = { .both = true,
		.whole = raw,
		.edges = RG_EDGES_ALL,
		.depth = RG_NEIGHBOURHOOD_DEPTH,
		.breadth = RG_NEIGHBOURHOOD_BREADTH,
		.alike = RG_NEIGHBOURHOOD_ALIKE };
	struct rg_arena arena = { 0 };
	struct rg_draw draw;

	if (heap->n_objects == 0)
		return;
	rg_draw_init(&draw, heap, raw, false, 30, &arena);
	REQUIRE(rg_view_neighbourhood(
			&draw, &options, &(uint32_t){ heap->n_objects - 1 }, 1, NULL) == RG_OK);
	check_picture(&draw.picture);
	rg_draw_deinit(&draw);
	rg_arena_deinit(&arena);
}

/* --- analyses ----------------------------------------------------------------------------- */

static void ask_types(const struct rg_heap *heap, bool raw)
{
	struct rg_type_sums sums;
	uint64_t objects = 0;

	REQUIRE(rg_type_sums_init(&sums, heap, NULL, raw, NULL) == RG_OK);
	for (size_t i = 0; i < sums.count; i++)
		objects += sums.rows[i].count;
	REQUIRE(objects == sums.objects);
	REQUIRE(raw ? objects == heap->n_objects : objects <= heap->n_objects);
	rg_type_sums_deinit(&sums);
}

static void ask_cycles(const struct rg_heap *heap, unsigned edges, bool raw)
{
	struct rg_cycles_options options = { .edges = edges, .raw = raw };
	struct rg_cycles cycles;
	uint64_t alike = 0;

	REQUIRE(rg_cycles_init(&cycles, heap, &options, NULL) == RG_OK);
	for (size_t i = 0; i < cycles.n_groups; i++)
		alike += cycles.groups[i].alike;
	REQUIRE(alike == cycles.cycles && cycles.objects <= heap->n_objects);
	draw_cycles(&cycles, raw);
	rg_cycles_deinit(&cycles);
}

static void ask_chains(const struct rg_heap *heap, const struct rg_paths *paths)
{
	for (uint32_t id = 0; id < heap->n_objects && id < 100; id++) {
		struct rg_path_step *steps;
		uint32_t count;

		REQUIRE(rg_paths_chain(paths, id, &steps, &count, NULL) == RG_OK);
		REQUIRE(count == 0 || steps[count - 1].object == id);
		free(steps);
	}
}

static void ask_order(const struct rg_heap *heap, const struct rg_paths *paths)
{
	uint32_t *ids = rg_array_new(heap->n_objects, sizeof(*ids));

	REQUIRE(ids);
	for (uint32_t field = 0; field < RG_ORDER_COUNT; field++) {
		struct rg_order order = { .field = (enum rg_order_field)field,
			.reverse = field & 1,
			.paths = field == RG_ORDER_DISTANCE ? paths : NULL };

		for (uint32_t id = 0; id < heap->n_objects; id++)
			ids[id] = id;
		REQUIRE(rg_order_sort(heap, &order, ids, heap->n_objects, NULL) == RG_OK);
	}
	free(ids);
}

/* Routes to all objects, and the shortest paths from the first half of them to the second. */
static void ask_routes(const struct rg_heap *heap, const struct rg_paths *paths, bool raw)
{
	struct rg_bitset all, first, second;
	struct rg_between between;
	struct rg_routes routes;

	REQUIRE(!rg_bitset_init(&all, heap->n_objects, NULL));
	REQUIRE(!rg_bitset_init(&first, heap->n_objects, NULL));
	REQUIRE(!rg_bitset_init(&second, heap->n_objects, NULL));
	for (uint32_t id = 0; id < heap->n_objects; id++) {
		rg_bitset_set(&all, id);
		rg_bitset_set(id < heap->n_objects / 2 ? &first : &second, id);
	}
	REQUIRE(rg_routes_init(&routes, heap, paths, &all, raw, NULL) == RG_OK);
	draw_routes(&routes, raw);
	rg_routes_deinit(&routes);
	REQUIRE(rg_between_init(&between, heap, RG_EDGES_ALL, raw, &first, &second, 20, NULL) ==
		RG_OK);
	rg_between_deinit(&between);
	rg_bitset_deinit(&all);
	rg_bitset_deinit(&first);
	rg_bitset_deinit(&second);
}

/* Retained sizes: what each holds is as much as what goes without all of them. */
static void ask_retained(const struct rg_heap *heap, bool raw)
{
	struct rg_holders holders;
	struct rg_retained_types types;
	struct rg_retained_list drops;
	struct rg_retained retained;
	struct rg_retained_set set;
	struct rg_bitset all;

	REQUIRE(rg_retained_init(&retained, heap, raw, true, NULL) == RG_OK);
	REQUIRE(!rg_bitset_init(&all, heap->n_objects, NULL));
	for (uint32_t id = 0; id < heap->n_objects; id++)
		rg_bitset_set(&all, id);
	REQUIRE(rg_retained_set_init(&set, &retained, &all, NULL) == RG_OK);
	REQUIRE(set.retained == set.size && set.retained == retained.bytes[0]);
	REQUIRE(set.retained_objects == retained.objects[0]);
	rg_retained_set_deinit(&set);
	rg_bitset_deinit(&all);
	REQUIRE(rg_holders_init(&holders, &retained, NULL) == RG_OK);
	rg_holders_deinit(&holders);
	REQUIRE(rg_drops_list(&retained, &drops, NULL) == RG_OK);
	free(drops.numbers);
	REQUIRE(rg_retained_types_init(&types, &retained, NULL) == RG_OK);
	rg_retained_types_deinit(&types);
	draw_dominated(&retained);
	rg_retained_deinit(&retained);
}

static void ask(const struct rg_heap *heap, bool raw)
{
	struct rg_garbage garbage;
	struct rg_paths paths;

	ask_types(heap, raw);
	ask_cycles(heap, RG_EDGES_DATA, raw);
	ask_cycles(heap, RG_EDGES_ALL, raw);
	REQUIRE(rg_garbage_init(&garbage, heap, NULL) == RG_OK);
	rg_garbage_deinit(&garbage);
	REQUIRE(rg_paths_init_around(&paths, heap, raw, NULL, NULL) == RG_OK);
	ask_chains(heap, &paths);
	ask_order(heap, &paths);
	ask_routes(heap, &paths, raw);
	draw_neighbours(heap, raw);
	ask_retained(heap, raw);
	rg_paths_deinit(&paths);
}

/* --- one input ---------------------------------------------------------------------------- */

static enum rg_code load(struct rg_heap *heap, const void *data, size_t size)
{
	struct rg_bytes bytes = { .data = exact_copy(data, size), .size = size };
	struct rg_error err;
	enum rg_code code;

	rg_error_init(&err);
	code = rg_heap_init_bytes(heap, &bytes, "input", &err);
	REQUIRE(code == RG_OK ? rg_heap_check(heap) : code == err.code && *err.message);
	return code;
}

/* A redacted snapshot has the same graph. */
static void redact(
	const struct rg_heap *heap, const uint8_t *data, size_t size, enum rg_redact_what what)
{
	struct text text;
	FILE *out = text_open(&text);
	struct rg_heap again;

	REQUIRE(rg_redact(data, size, "input", what, out, NULL) == RG_OK && fclose(out) == 0);
	REQUIRE(load(&again, text.bytes, text.size) == RG_OK);
	REQUIRE(again.n_objects == heap->n_objects && again.n_references == heap->n_references);
	REQUIRE(again.total_size == heap->total_size && again.n_roots == heap->n_roots);
	rg_heap_deinit(&again);
	free(text.bytes);
}

static void export(const uint8_t *data, size_t size)
{
	struct text text;
	FILE *out = text_open(&text);
	char damage[160];

	REQUIRE(rg_ndjson_write(data, size, "input", out, damage, NULL) == RG_OK);
	REQUIRE(fclose(out) == 0);
	free(text.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rg_heap heap;

	if (load(&heap, data, size))
		return 0;
	ask_labels(&heap);
	ask(&heap, false);
	ask(&heap, true);
	redact(&heap, data, size, RG_REDACT_VALUES);
	redact(&heap, data, size, RG_REDACT_NAMES);
	export(data, size);
	rg_heap_deinit(&heap);
	return 0;
}

/* --- mutations ---------------------------------------------------------------------------- */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

#define BLOCKS 64u

/* Where the blocks of a file stand, as far as their frames make sense. */
struct layout {
	size_t at[BLOCKS + 1]; /* at[count] is where they end */
	uint32_t count;
};

static struct layout find_blocks(const uint8_t *data, size_t size)
{
	struct layout layout = { .at = { RG_HEADER_SIZE } };
	size_t at = RG_HEADER_SIZE;

	while (layout.count < BLOCKS && at < size && size - at >= RG_FRAME_SIZE) {
		uint32_t length;

		memcpy(&length, data + at + 4, sizeof(length));
		if (length > size - at - RG_FRAME_SIZE)
			break;
		at += RG_FRAME_SIZE + length;
		layout.at[++layout.count] = at;
	}
	return layout;
}

/* Make header and frames agree with what they frame. */
static void sign(uint8_t *data, size_t size)
{
	struct layout layout = find_blocks(data, size);
	uint64_t sum = rg_hash(data, 24);

	memcpy(data + 24, &sum, sizeof(sum));
	for (uint32_t i = 0; i < layout.count; i++) {
		uint8_t *frame = data + layout.at[i];
		size_t length = layout.at[i + 1] - layout.at[i] - RG_FRAME_SIZE;

		memcpy(frame + 12, &i, sizeof(i));
		sum = rg_hash_with(rg_hash(frame, 24), frame + RG_FRAME_SIZE, length);
		memcpy(frame + 24, &sum, sizeof(sum));
	}
}

/* Mutate the content of a block, which may grow or shrink; the new size of the file. */
static size_t mutate_content(
	uint8_t *data, size_t size, size_t most, size_t from, size_t to, bool frame)
{
	size_t tail = size - to, room = most - from - tail, length;
	uint8_t *behind = exact_copy(data + to, tail);
	uint32_t kept = (uint32_t)(to - from);

	if (frame) { /* type, count, base */
		uint8_t *head = data + from - RG_FRAME_SIZE;

		LLVMFuzzerMutate(head, RG_FRAME_SIZE - 8, RG_FRAME_SIZE - 8);
		memcpy(head + 4, &kept, sizeof(kept));
		free(behind);
		return size;
	}
	length = LLVMFuzzerMutate(data + from, kept, room < RG_BLOCK_LIMIT ? room : RG_BLOCK_LIMIT);
	memcpy(data + from + length, behind, tail);
	free(behind);
	kept = (uint32_t)length;
	memcpy(data + from - RG_FRAME_SIZE + 4, &kept, sizeof(kept));
	return from + length + tail;
}

/* Repeat the block [from, to) at PLACE, which is where a block begins or ends. */
static size_t repeat_block(
	uint8_t *data, size_t size, size_t most, size_t from, size_t to, size_t place)
{
	size_t length = to - from;
	uint8_t *copy;

	if (length > most - size)
		return size;
	copy = exact_copy(data + from, length);
	memmove(data + place + length, data + place, size - place);
	memcpy(data + place, copy, length);
	free(copy);
	return size + length;
}

static size_t mutate_block(uint8_t *data, size_t size, size_t most, unsigned seed)
{
	struct layout layout = find_blocks(data, size);
	size_t from, to;
	uint32_t i;

	if (layout.count == 0)
		return LLVMFuzzerMutate(data, size, most);
	i = (seed >> 8) % layout.count;
	from = layout.at[i];
	to = layout.at[i + 1];
	switch (seed >> 4 & 15) {
	case 0:
		memmove(data + from, data + to, size - to);
		return size - (to - from);
	case 1:
		return repeat_block(
			data, size, most, from, to, layout.at[(seed >> 16) % (layout.count + 1)]);
	case 2:
		return mutate_content(data, size, most, from + RG_FRAME_SIZE, to, true);
	default:
		return mutate_content(data, size, most, from + RG_FRAME_SIZE, to, false);
	}
}

/* One mutation in sixteen stays unsigned, so that the checks of the sums are met too. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
	if (size < RG_HEADER_SIZE || (seed & 15) == 0)
		return LLVMFuzzerMutate(data, size, most);
	if ((seed & 15) == 1)
		size = LLVMFuzzerMutate(data, size, most);
	else
		size = mutate_block(data, size, most, seed);
	if (size >= RG_HEADER_SIZE)
		sign(data, size);
	return size;
}
