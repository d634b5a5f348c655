/*
 * Whether a series grows: how often what does not grow is said to, and what grows is not; the
 * chances of short series against all their orders.
 */
#include "src/analysis/trend.h"

#include <math.h>
#include <string.h>

#include "tests/tap.h"

#define MOST 120
#define SERIES 10000

struct series {
	double times[MOST], values[MOST];
	size_t n;
};

/* --- what is invented --------------------------------------------------------------------- */

static double uniform(uint64_t *state)
{
	return (double)(random_bits(state) >> 11) * 0x1p-53;
}

static double normal(uint64_t *state)
{
	return sqrt(-2 * log(1 - uniform(state))) * cos(2 * 3.14159265358979 * uniform(state));
}

static void noise(struct series *s, uint64_t *state)
{
	double spread = 2 + 50 * uniform(state);

	for (size_t i = 0; i < s->n; i++)
		s->values[i] = floor(1000 + spread * normal(state));
}

/* Many ties. */
static void few(struct series *s, uint64_t *state)
{
	for (size_t i = 0; i < s->n; i++)
		s->values[i] = random_below(state, 4);
}

static void spikes(struct series *s, uint64_t *state)
{
	for (size_t i = 0; i < s->n; i++)
		s->values[i] = floor(100 + 3 * normal(state)) +
			       (random_below(state, 10) ? 0 : random_below(state, 500));
}

/* A random walk that comes back: a tenth to half of the way each time. */
static void walk(struct series *s, uint64_t *state)
{
	double stays = 0.5 + 0.4 * uniform(state), at = normal(state) / sqrt(1 - stays * stays);

	for (size_t i = 0; i < s->n; i++) {
		s->values[i] = floor(5000 + 200 * at);
		at = stays * at + normal(state);
	}
}

/* A cache that fills and is emptied: twice and a half at least. */
static void sawtooth(struct series *s, uint64_t *state)
{
	double period = 2 + uniform(state) * ((double)s->n / 2.5 - 2),
	       phase = period * uniform(state);
	double height = 50 + random_below(state, 500), jitter = height * 0.05 * uniform(state);

	for (size_t i = 0; i < s->n; i++)
		s->values[i] = floor(1000 + height * fmod((double)i + phase, period) / period +
				     jitter * normal(state));
}

/* One that was emptied early, and fills again. */
static void emptied(struct series *s, uint64_t *state)
{
	size_t at = 1 + random_below(state, (uint32_t)s->n / 3);

	for (size_t i = 0; i < s->n; i++)
		s->values[i] = floor(
			(i < at ? 2000. : 1000 + 900. * (double)(i - at) / (double)s->n) +
			5 * normal(state));
}

/* What grows while the program starts, and no more. */
static void warm_up(struct series *s, uint64_t *state)
{
	double pace = (double)s->n / (6 + 6 * uniform(state)), jitter = 20 * uniform(state);

	for (size_t i = 0; i < s->n; i++)
		s->values[i] = floor(2000 - 1000 * exp(-(double)i / pace) + jitter * normal(state));
}

static void one_step(struct series *s, uint64_t *state)
{
	size_t at = 1 + random_below(state, (uint32_t)s->n - 1);

	for (size_t i = 0; i < s->n; i++)
		s->values[i] = floor((i < at ? 1000 : 1500) + 10 * normal(state));
}

/* Ten times the noise, over all. */
static void leak_in_noise(struct series *s, uint64_t *state)
{
	for (size_t i = 0; i < s->n; i++)
		s->values[i] = floor(1000 + 300. * (double)i / (double)s->n + 30 * normal(state));
}

static void leak_in_sawtooth(struct series *s, uint64_t *state)
{
	double period = (double)s->n / 6, phase = period * uniform(state);

	for (size_t i = 0; i < s->n; i++)
		s->values[i] = floor(1000 + 100 * fmod((double)i + phase, period) / period +
				     200. * (double)i / (double)s->n + 5 * normal(state));
}

static void plain_leak(struct series *s, uint64_t *state)
{
	for (size_t i = 0; i < s->n; i++)
		s->values[i] = (double)(10 * i + random_below(state, 4));
}

/* --- how often ---------------------------------------------------------------------------- */

/* The share of SERIES series of LEAST to MOST_VALUES values of which the verdict is WANTED. */
static double share(void (*invent)(struct series *s, uint64_t *state), uint32_t least,
	uint32_t most, enum rg_trend wanted)
{
	uint64_t state = first_seed();
	unsigned found = 0;

	for (unsigned i = 0; i < SERIES; i++) {
		struct rg_trend_test test;
		struct series s;

		s.n = least + random_below(&state, most - least + 1);
		for (size_t k = 0; k < s.n; k++)
			s.times[k] = 10. * (double)k + uniform(&state);
		invent(&s, &state);
		ck_assert(!rg_trend_test_init(&test, s.times, s.values, s.n, NULL));
		ck_assert(test.chance >= 0 && test.chance <= 1);
		found += rg_trend_verdict(&test, test.chance) == wanted;
	}
	return (double)found / SERIES;
}

static const struct quiet {
	const char *name;
	void (*invent)(struct series *s, uint64_t *state);
	double most; /* that may be said to grow */
} quiet[] = {
	{ "noise", noise, 0.003 },
	{ "few", few, 0.003 },
	{ "spikes", spikes, 0.003 },
	{ "walk", walk, 0.02 },
	{ "sawtooth", sawtooth, 0.001 },
	{ "emptied", emptied, 0.001 },
	{ "warm_up", warm_up, 0.001 },
	{ "one_step", one_step, 0.002 },
};

START_TEST(what_does_not_grow_is_not_said_to)
{
	for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
		double found = share(quiet[i].invent, RG_TREND_LEAST, 40, RG_TREND_GROWS);

		ck_assert_msg(found <= quiet[i].most, "%s: %.4f grow, %.4f may", quiet[i].name,
			found, quiet[i].most);
	}
}
END_TEST

static const struct growing {
	const char *name;
	void (*invent)(struct series *s, uint64_t *state);
	uint32_t least, most;
	double at_least; /* that are said to grow */
} growing[] = {
	{ "plain_leak", plain_leak, 6, 40, 0.99 },
	{ "leak_in_noise", leak_in_noise, 20, 40, 0.95 },
	{ "leak_in_sawtooth", leak_in_sawtooth, 24, 60, 0.97 },
};

START_TEST(what_grows_is_found)
{
	for (size_t i = 0; i < sizeof(growing) / sizeof(growing[0]); i++) {
		double found = share(
			growing[i].invent, growing[i].least, growing[i].most, RG_TREND_GROWS);

		ck_assert_msg(
			found >= growing[i].at_least, "%s: %.4f grow", growing[i].name, found);
	}
}
END_TEST

START_TEST(a_warm_up_is_steady)
{
	ck_assert(share(warm_up, 20, 40, RG_TREND_STEADY) > 0.99);
}
END_TEST

/* --- by hand ------------------------------------------------------------------------------ */

static struct rg_trend_test examine(const double *values, size_t n)
{
	struct rg_trend_test test;
	double times[MOST];

	for (size_t i = 0; i < n; i++)
		times[i] = 2. * (double)i;
	ck_assert(!rg_trend_test_init(&test, times, values, n, NULL));
	return test;
}

static enum rg_trend verdict(const double *values, size_t n)
{
	struct rg_trend_test test = examine(values, n);

	return rg_trend_verdict(&test, test.chance);
}

START_TEST(small_ones)
{
	static const double up[] = { 1, 2, 3, 4, 5, 6 }, same[] = { 7, 7, 7, 7, 7, 7 };
	static const double down[] = { 60, 50, 40, 30, 20, 10 };
	struct rg_trend_test test = examine(up, 6);

	/* one order of 6! rises all the way, and one falls */
	ck_assert(fabs(test.chance - 2. / 720) < 1e-12);
	ck_assert_int_eq(verdict(up, 6), RG_TREND_GROWS);
	ck_assert_int_eq(verdict(down, 6), RG_TREND_FALLS);
	ck_assert_int_eq(verdict(same, 6), RG_TREND_STEADY);
	ck_assert_int_eq(verdict(up, 5), RG_TREND_UNKNOWN);
	ck_assert_int_eq(verdict(up, 0), RG_TREND_UNKNOWN);
	ck_assert_int_eq(verdict(up, 1), RG_TREND_UNKNOWN);
	ck_assert_ptr_null(rg_trend_names[RG_TREND_UNKNOWN]);
}
END_TEST

/* An outlier does not move the slope. */
START_TEST(robust)
{
	static const double values[] = { 0, 10, 20, 30, 9000, 50, 60, 70, 80, 90, 100, 110 };

	double times[12], slope;

	for (size_t i = 0; i < 12; i++)
		times[i] = 2. * (double)i;
	ck_assert(!rg_trend_slope(times, values, 12, &slope, NULL));
	ck_assert(fabs(slope - 5) < 0.5);
	ck_assert(!rg_trend_slope(times, values, 3, &slope, NULL));
	ck_assert(slope == 5);
	ck_assert(!rg_trend_slope(times, values, 1, &slope, NULL));
	ck_assert(slope == 0);
	ck_assert_int_eq(verdict(values, 12), RG_TREND_NOISE);
}
END_TEST

/* By Benjamini and Hochberg: p * n / rank, never more than that of a larger one. */
START_TEST(corrected)
{
	double chances[] = { 0.04, 0.001, 0.03, 0.5 };

	ck_assert(!rg_trend_correct(chances, 4, NULL));
	ck_assert(fabs(chances[1] - 0.004) < 1e-12);
	ck_assert(fabs(chances[0] - 0.16 / 3) < 1e-12);
	ck_assert(fabs(chances[2] - 0.16 / 3) < 1e-12);
	ck_assert(fabs(chances[3] - 0.5) < 1e-12);
	ck_assert(!rg_trend_correct(chances, 0, NULL));
}
END_TEST

/* A hundred types of noise at once: hardly one of a hundred programs is suspected. */
START_TEST(many_at_once)
{
	uint64_t state = first_seed();
	unsigned programs = 0;

	for (unsigned i = 0; i < 100; i++) {
		struct rg_trend_test tests[100];
		double chances[100];
		bool any = false;

		for (unsigned k = 0; k < 100; k++) {
			struct series s = { .n = 16 };

			for (size_t v = 0; v < s.n; v++)
				s.times[v] = (double)v;
			noise(&s, &state);
			ck_assert(!rg_trend_test_init(&tests[k], s.times, s.values, s.n, NULL));
			chances[k] = tests[k].chance;
		}
		ck_assert(!rg_trend_correct(chances, 100, NULL));
		for (unsigned k = 0; k < 100; k++)
			any |= rg_trend_verdict(&tests[k], chances[k]) == RG_TREND_GROWS;
		programs += any;
	}
	ck_assert_uint_le(programs, 1);
}
END_TEST

TEST_MAIN("trend", what_does_not_grow_is_not_said_to, what_grows_is_found, a_warm_up_is_steady,
	small_ones, robust, corrected, many_at_once)
