/* What a process says of its own layout: taken over, and what it does not say moves along. */
#include "heapdump/cpython/layout.h"

#include "tests/tap.h"

#define WORDS 111
#define MODULES 12 /* words of _Py_DebugOffsets in 3.14: where sys.modules is, and the collector */
#define COLLECTOR 11
#define SMALLER 24 /* bytes by which the state of an incremental collector is smaller */

/* Words of 3.14 that say what the tables say, and are out of range elsewhere. */
static void fill(uint64_t words[WORDS], const struct rg_layout *layout)
{
	for (int i = 0; i < WORDS; i++)
		words[i] = UINT64_MAX;
	words[MODULES] = (uint64_t)layout->interp_modules;
	words[COLLECTOR] = (uint64_t)layout->interp_gc;
}

START_TEST(what_is_said_as_the_tables_say_it)
{
	struct rg_layout layout, before;
	uint64_t words[WORDS];

	ck_assert(rg_layout_init(&layout, 14));
	before = layout;
	fill(words, &layout);
	rg_layout_correct(&layout, words, WORDS);
	ck_assert_mem_eq(&layout, &before, sizeof(layout));
}
END_TEST

/* As in 3.14.0 to 3.14.4. */
START_TEST(what_stands_behind_the_collector_moves_with_the_modules)
{
	struct rg_layout layout, before;
	uint64_t words[WORDS];

	ck_assert(rg_layout_init(&layout, 14));
	before = layout;
	fill(words, &layout);
	words[MODULES] -= SMALLER;
	rg_layout_correct(&layout, words, WORDS);
	ck_assert_int_eq(layout.interp_modules, before.interp_modules - SMALLER);
	ck_assert_int_eq(layout.interp_interned, before.interp_interned - SMALLER);
	ck_assert_int_eq(layout.interp_builtin_types, before.interp_builtin_types - SMALLER);
	ck_assert_int_eq(layout.interp_extension_types, before.interp_extension_types - SMALLER);
	/* no such fields in this version, and one in front of the collector's state */
	ck_assert_int_eq(layout.interp_atexit, before.interp_atexit);
	ck_assert_int_eq(layout.interp_threads, before.interp_threads);
	ck_assert_int_eq(
		rg_layout_interp(&layout, before.interp_gc + 8), before.interp_gc + 8 - SMALLER);
	ck_assert_int_eq(rg_layout_interp(&layout, RG_NO_FIELD), RG_NO_FIELD);
}
END_TEST

START_TEST(before_there_are_such_words_nothing_moves)
{
	for (int minor = RG_FIRST_MINOR; minor < 13; minor++) {
		struct rg_layout layout, before;
		uint64_t words[WORDS] = { 0 };

		ck_assert(rg_layout_init(&layout, minor));
		before = layout;
		rg_layout_correct(&layout, words, WORDS);
		ck_assert_mem_eq(&layout, &before, sizeof(layout));
	}
}
END_TEST

TEST_MAIN("layout", what_is_said_as_the_tables_say_it,
	what_stands_behind_the_collector_moves_with_the_modules,
	before_there_are_such_words_nothing_moves)
