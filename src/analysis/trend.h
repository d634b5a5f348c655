/*
 * Whether a series of counts grows: a test that neither noise, nor a sawtooth (a cache that fills
 * and is emptied, a collector that comes by), nor a warm-up shall pass.
 *
 * What it asks of a series that grows, all of it:
 *
 *	order	later values are larger than earlier ones more often than by chance: the test of
 *		Mann (1945) and Kendall (1975) with its correction for ties, exact for short series
 *		without any. Where what is left of the values besides a straight line depends on the
 *		value before, as in all that wanders and comes back, the variance of the test is that
 *		of fewer values (Yue and Wang 2004), unless the line goes 12 times as far as that.
 *	floor	of 3 or 4 parts of the series each has a higher minimum than the part before it,
 *		and the last part a higher maximum than the first half
 *	now	the second half still grows, at no less than a quarter of the slope of the whole
 *
 * The slope is the median over all pairs (Theil 1950, Sen 1968), which a few outliers do not move.
 * For many series at once the chances are corrected (Benjamini and Hochberg 1995).
 *
 *	H. B. Mann, Nonparametric tests against trend, Econometrica 13, 1945
 *	M. G. Kendall, Rank Correlation Methods, 4th edition, 1975
 *	H. Theil, A rank-invariant method of linear and polynomial regression analysis, 1950
 *	P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, 1968
 *	S. Yue, C. Wang, The Mann-Kendall test modified by effective sample size, 2004
 *	Y. Benjamini, Y. Hochberg, Controlling the false discovery rate, 1995
 *
 * Pure functions of arrays; O(n^2 log n) each.
 */
#ifndef RG_ANALYSIS_TREND_H
#define RG_ANALYSIS_TREND_H

#include <stdbool.h>
#include <stddef.h>

#include "heapdump/base/error.h"

#define RG_TREND_LEAST 6 /* values, with fewer nothing is said */
#define RG_TREND_CHANCE 0.01 /* with which a verdict may be wrong */

enum rg_trend {
	RG_TREND_UNKNOWN, /* too few values */
	RG_TREND_GROWS,
	RG_TREND_FALLS,
	RG_TREND_STEADY, /* the second half stays within a tenth */
	RG_TREND_NOISE,
};
extern const char *const rg_trend_names[]; /* NULL for RG_TREND_UNKNOWN */

/* A series that was examined, before others are known. */
struct rg_trend_test {
	double chance; /* of such an order without a trend, 0..1; 1 where floor and now say no */
	enum rg_trend verdict; /* what it is if that is small enough */
	enum rg_trend otherwise; /* what it is if not */
};

/*
 * Examine VALUES at TIMES, which increase. Fails where memory is out. O(n) where the floor says no.
 */
enum rg_code rg_trend_test_init(struct rg_trend_test *test, const double *times,
	const double *values, size_t n, struct rg_error *err);

/*
 * The slope of VALUES at TIMES, a unit of time; 0 with fewer than two. Fails where memory is out.
 */
enum rg_code rg_trend_slope(const double *times, const double *values, size_t n, double *slope_ret,
	struct rg_error *err);

/* The verdict with CHANCE, that of the test or a corrected one. */
enum rg_trend rg_trend_verdict(const struct rg_trend_test *test, double chance);

/* Correct the N CHANCES of as many tests, in their place. Fails where memory is out. */
enum rg_code rg_trend_correct(double *chances, size_t n, struct rg_error *err);

#endif
