/* What is hard to read: kinds of reference, names of attributes, kinds and names of roots. */
#include "src/heap/clarity.h"
#include "tests/heap.h"
#include "tests/tap.h"

static const struct {
	enum rg_kind kind;
	const char *name;
	bool hard;
} references[] = {
	{ RG_KIND_ATTR, "user", false },
	{ RG_KIND_ATTR, "_abc_impl", true },
	{ RG_KIND_ATTR, "_abc_impl2", false },
	{ RG_KIND_MODATTR, "path_importer_cache", true },
	{ RG_KIND_MODATTR, "cache", false },
	{ RG_KIND_CELL, NULL, false },
	{ RG_KIND_LOCAL, "self", false },
	{ RG_KIND_CODE, NULL, false },
	{ RG_KIND_MODDICT, NULL, false },
	{ RG_KIND_TYPE, NULL, true },
	{ RG_KIND_MRO, NULL, true },
	{ RG_KIND_GLOBALS, NULL, true },
	{ RG_KIND_OWNER, NULL, true },
	{ RG_KIND_BACK, NULL, true },
	{ RG_KIND_STACK, NULL, true },
	{ RG_KIND_GUESS, NULL, true },
};

static const struct {
	enum rg_root_kind kind;
	enum rg_kind reference;
	const char *name, *file; /* FILE: of its frame */
	unsigned rank;
} roots[] = {
	{ RG_ROOT_MODULE, RG_KIND_OTHER, "app.cache", NULL, 0 },
	{ RG_ROOT_MODULE, RG_KIND_OTHER, "zipimport", NULL, 1 },
	{ RG_ROOT_MODULE, RG_KIND_OTHER, "refgraph", NULL, 1 },
	{ RG_ROOT_FRAME, RG_KIND_LOCAL, "req", "/srv/app/web.py", 0 },
	{ RG_ROOT_FRAME, RG_KIND_STACK, "", "/srv/app/web.py", 1 },
	{ RG_ROOT_FRAME, RG_KIND_LOCAL, "path", "/usr/lib/refgraph/__init__.py", 1 },
	{ RG_ROOT_FRAME, RG_KIND_LOCAL, "path", "", 0 },
	{ RG_ROOT_THREAD, RG_KIND_OTHER, "context", NULL, 1 },
	{ RG_ROOT_INTERPRETER, RG_KIND_OTHER, "interned strings", NULL, 1 },
	{ RG_ROOT_STATIC, RG_KIND_OTHER, "int", NULL, 1 },
	{ RG_ROOT_HELD, RG_KIND_OTHER, "held from C", NULL, 2 },
	{ RG_ROOT_INTERPRETER, RG_KIND_GUESS, "C data of libfoo.so", NULL, 2 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(references_that_are_hard)
{
	struct rg_clarity clarity;
	struct rg_heap heap;
	struct rg_error err;
	struct made made;
	uint32_t type;

	made_open(&made);
	type = made_type(&made, "T", RG_TYPE_HEAP | RG_TYPE_GC);
	for (uint32_t i = 0; i <= COUNT(references); i++)
		made_object(&made, i, type, 1000, RG_GEN_2);
	for (uint32_t i = 0; i < COUNT(references); i++) {
		struct rg_reference_record record = { .target = ADDRESS(i + 1),
			.kind = references[i].kind };

		if (references[i].name) {
			record.form = RG_LABEL_STRING;
			record.label = made_string(&made, references[i].name);
		}
		rg_writer_references(made.writer, ADDRESS(0), &record, 1);
	}
	made_load(&made, &heap);
	ck_assert_int_eq(rg_clarity_init(&clarity, &heap, &err), RG_OK);
	for (uint32_t edge = heap.offset[0]; edge < heap.offset[1]; edge++) {
		uint32_t i = heap.target[edge] - 1;

		ck_assert_msg(
			rg_clarity_hard(&clarity, edge) == references[i].hard, "reference %u", i);
	}
	rg_clarity_deinit(&clarity);
	rg_heap_deinit(&heap);
}
END_TEST

/* Ranks need no object: the roots are looked at as they are loaded. */
START_TEST(roots_that_are_hard)
{
	struct rg_text strings[2 * COUNT(roots)];
	struct rg_frame_record frames[COUNT(roots)];
	struct rg_heap heap = { .strings = strings,
		.n_strings = COUNT(strings),
		.frames = frames,
		.n_frames = COUNT(frames) };

	for (uint32_t i = 0; i < COUNT(roots); i++) {
		const char *file = roots[i].file ? roots[i].file : "";
		struct rg_heap_root root = { .kind = (uint8_t)roots[i].kind,
			.reference = (uint8_t)roots[i].reference,
			.name = 2 * i,
			.frame = roots[i].file ? i : RG_NO_ID };

		strings[2 * i] = (struct rg_text){ roots[i].name, (uint32_t)strlen(roots[i].name) };
		strings[2 * i + 1] = (struct rg_text){ file, (uint32_t)strlen(file) };
		frames[i] = (struct rg_frame_record){ .file = 2 * i + 1 };
		ck_assert_msg(rg_clarity_rank(&heap, &root) == roots[i].rank, "%s", roots[i].name);
		ck_assert_uint_lt(roots[i].rank, RG_CLARITY_RANKS);
	}
}
END_TEST

TEST_MAIN("clarity", references_that_are_hard, roots_that_are_hard)
