/*
 * What people type: selections on a small heap, lists of objects, filters, fields and options. The
 * input is words, one a line.
 */
#include "src/select/select.h"

#include "heapdump/snapshot/writer.h"
#include "src/cli/option.h"
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

/* A heap with an object of each type but the last, of which there is none. */
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
		rg_writer_object(writer, &(struct rg_object_record){ .address = ADDRESS(i),
						 .size = 48,
						 .refcount = 1,
						 .type = i % (TYPES - 1) });
	REQUIRE(rg_writer_finish(writer, NULL) == RG_OK && fclose(stream) == 0);
	rg_writer_destroy(writer);
	bytes = (struct rg_bytes){ .data = (uint8_t *)text.bytes, .size = text.size };
	REQUIRE(rg_heap_init_bytes(heap, &bytes, "made", NULL) == RG_OK);
}

/* The heap that all inputs ask; made once, reached until the end. */
static const struct rg_heap *the_heap(void)
{
	static struct rg_heap heap;

	if (!heap.n_objects)
		make_heap(&heap);
	return &heap;
}

/* A failure says what it is about. */
static void check_said(enum rg_code code, const struct rg_error *err)
{
	if (code)
		REQUIRE(err->code == code && err->name && *err->name && *err->message);
}

static void ask_word(const struct rg_heap *heap, const char *word)
{
	struct rg_arena arena = { 0 };
	struct rg_bitset selected;
	struct rg_error err;
	enum rg_code code;

	for (int live = 0; live < 2; live++) {
		REQUIRE(!rg_bitset_init(&selected, heap->n_objects, NULL));
		rg_error_init(&err);
		code = rg_select(heap, word, live, &selected, &err);
		check_said(code, &err);
		REQUIRE((code == RG_OK) == (rg_bitset_count(&selected) > 0));
		rg_bitset_deinit(&selected);
	}
	rg_error_init(&err);
	code = rg_extra_check(word, &err);
	check_said(code, &err);
	if (!code)
		REQUIRE(rg_extra_text(heap, 0, word, &arena));
	rg_format_by_suffix(word);
	rg_arena_deinit(&arena);
}

static void ask_filter(const struct rg_heap *heap, const char *type, const char *module)
{
	struct rg_bitset selected;
	struct rg_error err;
	enum rg_code code;

	rg_error_init(&err);
	code = rg_select_filter(heap, type, module, &selected, &err);
	check_said(code, &err);
	if (!code)
		rg_bitset_deinit(&selected);
}

static void ask_list(const struct rg_heap *heap, const uint8_t *data, size_t size)
{
	struct rg_bitset selected;
	struct rg_error err;
	char path[64];
	int fd = input_file(data, size, path);

	REQUIRE(!rg_bitset_init(&selected, heap->n_objects, NULL));
	rg_error_init(&err);
	check_said(rg_select_from(heap, path, false, &selected, &err), &err);
	rg_bitset_deinit(&selected);
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
	const struct rg_heap *heap = the_heap();
	char *text = strndup((const char *)data, size), *words[WORDS], *rest = text;
	int n = 0;

	REQUIRE(text);
	ask_list(heap, data, size);
	while (n < WORDS && rest)
		words[n++] = strsep(&rest, "\n");
	for (int i = 0; i < n; i++)
		ask_word(heap, words[i]);
	ask_filter(heap, words[0], n > 1 ? words[1] : NULL);
	ask_filter(heap, NULL, words[0]);
	ask_options(words, n);
	free(text);
	return 0;
}
