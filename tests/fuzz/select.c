/*
 * What people type: selections on a small heap, lists of objects, filters, fields and options. The
 * input is words, one a line.
 */
#include "src/select/select.h"

#include "heapdump/snapshot/writer.h"
#include "src/cli/option.h"
#include "src/heap/policy.h"
#include "src/view/extra.h"
#include "tests/fuzz/fuzz.h"

#define WORDS 32
#define OBJECTS 8u
#define ADDRESS(i) (0x7f0000000000ull + 64ull * (i))

static const char *const type_names[] = { "Session", "Cache.Entry", "f.<locals>.C", "*", "",
	"\xff\xfe", "app.models.Session" };

#define TYPES ((uint32_t)(sizeof(type_names) / sizeof(type_names[0])))

static uint32_t put_text(struct rg_writer *writer, const char *text)
{
	return rg_writer_string(writer, text, strlen(text));
}

static void put_value(
	struct rg_writer *writer, uint32_t i, enum rg_value_kind kind, const char *text)
{
	rg_writer_value(writer, &(struct rg_value_record){ .address = ADDRESS(i),
					.text = text,
					.length = (uint32_t)strlen(text),
					.kind = kind,
					.exact = true });
}

/* Each object refers to the next but one, the last two to the first: two cycles. */
static void put_object(struct rg_writer *writer, uint32_t i)
{
	struct rg_reference_record next = { .target = ADDRESS((i + 2) % OBJECTS) };

	rg_writer_object(writer, &(struct rg_object_record){ .address = ADDRESS(i),
					 .size = 48 * (i + 1),
					 .refcount = 1 + (i == 0),
					 .items = i,
					 .type = i % (TYPES - 1),
					 .flags = i % RG_GEN_COUNT | (i % 3 ? RG_OBJECT_ITEMS : 0) |
						  (i == 5 ? RG_OBJECT_IMMORTAL : 0) });
	put_value(writer, i, i % 2 ? RG_VALUE_STR : RG_VALUE_NAME, type_names[i % TYPES]);
	rg_writer_references(writer, ADDRESS(i), &next, 1);
}

/* A heap with an object of each type but the last, of which there is none; the first is a root. */
static void make_heap(struct rg_heap *heap)
{
	struct text text;
	FILE *stream = text_open(&text);
	struct rg_writer *writer = rg_writer_create(stream, 3);
	struct rg_bytes bytes;

	for (uint32_t i = 0; i < TYPES; i++)
		rg_writer_type(writer,
			&(struct rg_type_record){ .address = ADDRESS(100 + i),
				.name = put_text(writer, type_names[i]),
				.module = i ? put_text(writer, "app.models") : RG_NO_STRING });
	for (uint32_t i = 0; i < OBJECTS; i++)
		put_object(writer, i);
	rg_writer_root(writer, &(struct rg_root_record){ .target = ADDRESS(0),
				       .name = put_text(writer, "app"),
				       .label = RG_NO_STRING,
				       .thread = UINT32_MAX,
				       .frame = UINT32_MAX });
	REQUIRE(rg_writer_finish(writer, NULL) == RG_OK && fclose(stream) == 0);
	rg_writer_destroy(writer);
	bytes = (struct rg_bytes){ .data = (uint8_t *)text.bytes, .size = text.size };
	REQUIRE(rg_heap_init_bytes(heap, &bytes, "made", NULL) == RG_OK);
}

/* The heap that all inputs ask, and what was computed for it; made once, reached until the end. */
static struct rg_selector *the_selector(bool live)
{
	static struct rg_heap heap;
	static struct rg_selector selectors[2];

	if (!heap.n_objects) {
		make_heap(&heap);
		for (int i = 0; i < 2; i++)
			rg_selector_init(&selectors[i], &heap,
				&(struct rg_select_options){
					.live = i, .redacted = i, .edges = RG_EDGES_DATA });
	}
	return &selectors[live];
}

/* A failure says what it is about. */
static void check_said(enum rg_code code, const struct rg_error *err)
{
	if (code)
		REQUIRE(err->code == code && err->name && *err->name && *err->message);
}

/* What WORD selects, between BEFORE and AFTER, in a new set. */
static enum rg_code select_between(struct rg_selector *selector, const char *before,
	const char *word, const char *after, struct rg_bitset *selected)
{
	struct rg_arena arena = { 0 };
	struct rg_error err;
	enum rg_code code;

	REQUIRE(!rg_bitset_init(selected, selector->heap->n_objects, NULL));
	rg_error_init(&err);
	code = rg_select(
		selector, rg_arena_print(&arena, "%s%s%s", before, word, after), selected, &err);
	check_said(code, &err);
	if (err.caret)
		REQUIRE(code == RG_USAGE && err.caret < strlen(err.message));
	rg_arena_deinit(&arena);
	return code;
}

/* What can be read means the same in parentheses; and all others behind `not`. */
static void ask_selection(struct rg_selector *selector, const char *word)
{
	static const struct {
		const char *before, *after;
		uint64_t flipped;
	} forms[] = {
		{ "(", ")", 0 },
		{ " not not (", ")", 0 },
		{ "not(", "\t)", (1u << OBJECTS) - 1 },
		{ "((", "))or(size<0)", 0 },
	};
	struct rg_bitset selected, other;
	enum rg_code code = select_between(selector, "", word, "", &selected);

	/* it may be too deep or too long already */
	for (size_t i = 0; !code && strlen(word) < 100 && i < sizeof(forms) / sizeof(forms[0]);
		i++) {
		code = select_between(selector, forms[i].before, word, forms[i].after, &other);
		REQUIRE(strchr(word, '(') || !code);
		if (!code)
			REQUIRE(*other.words == (*selected.words ^ forms[i].flipped));
		rg_bitset_deinit(&other);
	}
	rg_bitset_deinit(&selected);
}

static void ask_word(const char *word)
{
	struct rg_arena arena = { 0 };
	struct rg_error err;
	enum rg_code code;

	for (int live = 0; live < 2; live++)
		ask_selection(the_selector(live), word);
	rg_error_init(&err);
	code = rg_extra_check(word, &err);
	check_said(code, &err);
	if (!code)
		REQUIRE(rg_extra_text(the_selector(false)->heap, 0, word, &arena));
	rg_format_by_suffix(word);
	rg_arena_deinit(&arena);
}

static void ask_filter(const char *type, const char *module)
{
	struct rg_bitset selected;
	struct rg_error err;
	enum rg_code code;

	rg_error_init(&err);
	code = rg_select_filter(the_selector(false), type, module, &selected, &err);
	check_said(code, &err);
	if (!code)
		rg_bitset_deinit(&selected);
}

static void ask_list(const uint8_t *data, size_t size)
{
	struct rg_select_options options = { .edges = RG_EDGES_DATA };
	struct rg_selector selector;
	struct rg_bitset selected;
	struct rg_error err;
	char path[64];
	int fd = input_file(data, size, path);

	options.from = path;
	rg_selector_init(&selector, the_selector(false)->heap, &options);
	REQUIRE(!rg_bitset_init(&selected, OBJECTS, NULL));
	rg_error_init(&err);
	check_said(rg_select_listed(&selector, &selected, &err), &err);
	rg_bitset_deinit(&selected);
	rg_selector_deinit(&selector);
	close(fd);
}

/* As a command line, with all options and with every other one. */
static void ask_options(char **words, int n)
{
	static const uint64_t masks[] = { (1ull << RG_OPTION_COUNT) - 1, 0x5555555555555555ull };

	for (size_t i = 0; i < 2; i++) {
		struct rg_settings settings = { 0 };
		char *argv[WORDS + 2] = { (char *)"refgraph" };
		struct rg_error err;
		enum rg_code code;
		int first = 0;

		memcpy(argv + 1, words, (size_t)n * sizeof(*words));
		rg_error_init(&err);
		code = rg_options_parse(&settings, masks[i], n + 1, argv, &first, &err);
		check_said(code, &err);
		REQUIRE(code ? code == RG_USAGE : first >= 1 && first <= n + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *words[WORDS], *rest = text;
	int n = 0;

	REQUIRE(text);
	ask_list(data, size);
	while (n < WORDS && rest)
		words[n++] = strsep(&rest, "\n");
	for (int i = 0; i < n; i++)
		ask_word(words[i]);
	ask_filter(words[0], n > 1 ? words[1] : NULL);
	ask_filter(NULL, words[0]);
	ask_options(words, n);
	free(text);
	return 0;
}
