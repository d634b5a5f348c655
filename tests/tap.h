/*
 * What every unit test shares: a cheap check, seeds to replay, random numbers, and a main.
 *
 * A randomised test runs its body for many seeds: FOR_SEEDS(seed, 2000) { ... }. Every check in it
 * is a CHECK(seed, condition), which prints the seed; RG_SEED=N in the environment runs that one.
 */
#ifndef RG_TESTS_TAP_H
#define RG_TESTS_TAP_H

#include <check.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Cheap when it holds, unlike ck_assert, which writes a message each time: fit for inner loops. */
#define CHECK(seed, condition)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg(                                                              \
				"%s: replay with RG_SEED=%" PRIu64, #condition, (uint64_t)(seed)); \
	} while (0)

#define FOR_SEEDS(seed, count)                                                                     \
	for (uint64_t seed = first_seed(), seed##_end = seed + (getenv("RG_SEED") ? 1 : (count));  \
		seed < seed##_end; seed++)

static inline uint64_t first_seed(void)
{
	const char *text = getenv("RG_SEED");

	return text ? strtoull(text, NULL, 0) : 1;
}

/* splitmix64: STATE starts as the seed. */
static inline uint64_t random_bits(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* A number from 0 to BELOW - 1. */
static inline uint32_t random_below(uint64_t *state, uint32_t below)
{
	return (uint32_t)((random_bits(state) >> 32) * below >> 32);
}

/* A number of 0 to 64 bits, every length as likely, the extremes now and then. */
static inline uint64_t random_number(uint64_t *state)
{
	uint32_t bits = random_below(state, 65);
	uint64_t all = bits ? UINT64_MAX >> (64 - bits) : 0;

	return random_below(state, 4) ? random_bits(state) & all : all;
}

/* Run COUNT tests as suite NAME: the exit status of the program. */
static inline int run_tests(const char *name, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 120);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The main function of a program with these tests. */
#define TEST_MAIN(name, ...)                                                                       \
	int main(void)                                                                             \
	{                                                                                          \
		const TTest *const tests[] = { __VA_ARGS__ };                                      \
                                                                                                   \
		return run_tests(name, tests, sizeof(tests) / sizeof(*tests));                     \
	}

#endif
