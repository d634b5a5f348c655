#include "src/analysis/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"

#define EXACT 12 /* values at most, of which the chance is counted */
#define PARTS 4 /* of the floor, at most */
#define FAR 12 /* standard deviations of what is left besides the slope */
#define STILL 0.25 /* of the slope of the whole, in the second half */
#define LITTLE 0.1 /* of the largest value: what stays within this is steady */

const char *const rg_trend_names[] = {
	[RG_TREND_UNKNOWN] = NULL,
	[RG_TREND_GROWS] = "grows",
	[RG_TREND_FALLS] = "falls",
	[RG_TREND_STEADY] = "steady",
	[RG_TREND_NOISE] = "noise",
};

/* --- order -------------------------------------------------------------------------------- */

/* Kendall's S: how many pairs rise, less how many fall. */
static double score(const double *values, size_t n, bool *ties_ret)
{
	double s = 0;

	*ties_ret = false;
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++) {
			s += (values[k] > values[i]) - (values[k] < values[i]);
			*ties_ret |= values[k] == values[i];
		}
	return s;
}

/* The variance of S where the order is by chance, less what ties take. */
static double variance(const double *values, size_t n)
{
	double all = (double)n * (double)(n - 1) * (double)(2 * n + 5), tied = 0;

	/* each value adds its share of t (t - 1) (2t + 5), t being how many are as large */
	for (size_t i = 0; i < n; i++) {
		double t = 0;

		for (size_t k = 0; k < n; k++)
			t += values[k] == values[i];
		tied += (t - 1) * (2 * t + 5);
	}
	return (all - tied) / 18;
}

/* The share of all orders of N values with an S of at least MOST, which is positive. */
static double share_of_orders(size_t n, double most)
{
	double ways[EXACT * (EXACT - 1) / 2 + 1] = { 1 }, before[EXACT * (EXACT - 1) / 2 + 1];
	size_t pairs = n * (n - 1) / 2, falling = (size_t)(((double)pairs - most) / 2);
	double total = 1, enough = 0;

	/* orders of I values by the number of pairs that fall, from those of one less */
	for (size_t i = 2; i <= n; i++) {
		memcpy(before, ways, sizeof(ways));
		for (size_t f = 0; f <= pairs; f++) {
			ways[f] = 0;
			for (size_t more = 0; more < i && more <= f; more++)
				ways[f] += before[f - more];
		}
		total *= (double)i;
	}
	for (size_t f = 0; f <= falling; f++)
		enough += ways[f];
	return enough / total;
}

/*
 * By how much the variance of S grows where each value depends on the one before: (1 + r) /
 * (1 - r), r being the correlation of neighbours in what is left besides the slope. From few values
 * r comes out too small, by (2 + 4 r) / n on average.
 */
static double inflation(const double *times, const double *values, size_t n, double slope)
{
	double mean = 0, squares = 0, products = 0, last = 0, far, r;

	for (size_t i = 0; i < n; i++)
		mean += (values[i] - slope * times[i]) / (double)n;
	for (size_t i = 0; i < n; i++) {
		double left = values[i] - slope * times[i] - mean;

		squares += left * left;
		products += i ? left * last : 0;
		last = left;
	}
	/* a straight line, or nearly: nothing that comes back would have gone so far */
	far = slope * (times[n - 1] - times[0]) / FAR;
	if (squares <= (double)n * far * far)
		return 1;
	r = products / squares;
	r = (r * (double)n + 2) / ((double)n - 4);
	r = r > 0.95 ? 0.95 : r;
	return r > 0 ? (1 + r) / (1 - r) : 1;
}

static double chance_of(const double *times, const double *values, size_t n, double slope)
{
	bool ties;
	double s = score(values, n, &ties), more = inflation(times, values, n, slope), z;

	if (s == 0)
		return 1;
	if (!ties && n <= EXACT && more == 1)
		return fmin(1, 2 * share_of_orders(n, fabs(s)));
	/* S moves in steps of two, of which one half belongs to the tail */
	z = (fabs(s) - 1) / sqrt(variance(values, n) * more);
	return erfc(z / sqrt(2));
}

/* --- the slope ---------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

enum rg_code rg_trend_slope(const double *times, const double *values, size_t n, double *slope_ret,
	struct rg_error *err)
{
	size_t pairs = n ? n * (n - 1) / 2 : 0, used = 0;
	double *slopes = rg_array_new(pairs, sizeof(*slopes));

	if (!slopes)
		return rg_nomem(err);
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			if (times[k] > times[i])
				slopes[used++] = (values[k] - values[i]) / (times[k] - times[i]);
	qsort(slopes, used, sizeof(*slopes), ascending);
	*slope_ret = used == 0       ? 0
		     : used % 2 == 1 ? slopes[used / 2]
				     : (slopes[used / 2 - 1] + slopes[used / 2]) / 2;
	free(slopes);
	return RG_OK;
}

/* --- the shape ---------------------------------------------------------------------------- */

/* The least, or with SIGN -1 the largest, of the values from FROM to before TO; times SIGN. */
static double least(const double *values, size_t from, size_t to, double sign)
{
	double found = sign * values[from];

	for (size_t i = from + 1; i < to; i++)
		found = fmin(found, sign * values[i]);
	return found;
}

/*
 * Whether the floor rises from part to part, and the ceiling too; with SIGN -1 whether they fall.
 */
static bool floor_rises(const double *values, size_t n, double sign)
{
	size_t parts = n < 12 ? 3 : PARTS;

	for (size_t i = 1; i < parts; i++)
		if (least(values, i * n / parts, (i + 1) * n / parts, sign) <=
			least(values, (i - 1) * n / parts, i * n / parts, sign))
			return false;
	return -least(values, (parts - 1) * n / parts, n, -sign) > -least(values, 0, n / 2, -sign);
}

static bool stays(const double *values, size_t n)
{
	double low = least(values, n / 2, n, 1), high = -least(values, n / 2, n, -1);

	return high - low <= fmax(1, LITTLE * fmax(fabs(high), fabs(low)));
}

/* Whether the second half goes on as the whole does, in the direction of SIGN. */
static enum rg_code goes_on(const double *times, const double *values, size_t n, double slope,
	double sign, bool *goes_on_ret, struct rg_error *err)
{
	double now = 0;
	enum rg_code code = rg_trend_slope(times + n / 2, values + n / 2, n - n / 2, &now, err);

	*goes_on_ret = sign * slope > 0 && sign * now >= STILL * sign * slope;
	return code;
}

enum rg_code rg_trend_test_init(struct rg_trend_test *test, const double *times,
	const double *values, size_t n, struct rg_error *err)
{
	double sign, slope = 0;
	bool going = false;
	enum rg_code code;

	*test = (struct rg_trend_test){ .chance = 1 };
	if (n < RG_TREND_LEAST)
		return RG_OK;
	test->verdict = test->otherwise = stays(values, n) ? RG_TREND_STEADY : RG_TREND_NOISE;
	sign = floor_rises(values, n, 1) ? 1 : -1;
	if (sign < 0 && !floor_rises(values, n, -1))
		return RG_OK;
	code = rg_trend_slope(times, values, n, &slope, err);
	if (!code)
		code = goes_on(times, values, n, slope, sign, &going, err);
	if (code || !going)
		return code;
	test->chance = chance_of(times, values, n, slope);
	test->verdict = sign > 0 ? RG_TREND_GROWS : RG_TREND_FALLS;
	return RG_OK;
}

enum rg_trend rg_trend_verdict(const struct rg_trend_test *test, double chance)
{
	return chance < RG_TREND_CHANCE ? test->verdict : test->otherwise;
}

/* --- many --------------------------------------------------------------------------------- */

static int by_chance(const void *a, const void *b)
{
	return ascending(*(double *const *)a, *(double *const *)b);
}

enum rg_code rg_trend_correct(double *chances, size_t n, struct rg_error *err)
{
	double **order = rg_array_new(n, sizeof(*order));
	double least_yet = 1;

	if (!order)
		return rg_nomem(err);
	for (size_t i = 0; i < n; i++)
		order[i] = &chances[i];
	qsort(order, n, sizeof(*order), by_chance);
	for (size_t i = n; i-- > 0;) {
		least_yet = fmin(least_yet, *order[i] * (double)n / (double)(i + 1));
		*order[i] = least_yet;
	}
	free(order);
	return RG_OK;
}
