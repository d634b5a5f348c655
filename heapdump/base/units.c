#include "heapdump/base/units.h"

#include <math.h>
#include <stdio.h>

const char *rg_units_count(uint64_t count, struct rg_arena *arena)
{
	char digits[24], text[32];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count), used = 0;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			text[used++] = ',';
		text[used++] = digits[i];
	}
	return rg_arena_text(arena, text, (size_t)used);
}

const char *rg_units_bytes(uint64_t bytes, struct rg_arena *arena)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes;
	unsigned unit = 0;

	while (value >= 1023.95 && unit < 5) {
		value /= 1024;
		unit++;
	}
	return rg_arena_print(arena, unit ? "%.1f %s" : "%.0f %s", value, names[unit]);
}

const char *rg_units_share(double share, struct rg_arena *arena)
{
	return rg_arena_print(arena, "%.1f %%", share * 100);
}

const char *rg_units_delta(int64_t delta, bool bytes, struct rg_arena *arena)
{
	uint64_t amount = delta < 0 ? 0 - (uint64_t)delta : (uint64_t)delta;

	if (!delta)
		return "";
	return rg_arena_print(arena, "%s%s", delta < 0 ? "-" : "+",
		bytes ? rg_units_bytes(amount, arena) : rg_units_count(amount, arena));
}

const char *rg_units_number(double number, struct rg_arena *arena)
{
	double amount = fabs(number);

	if (amount >= 99.5 && amount < 1e18)
		return rg_arena_print(arena, "%s%s", number < 0 ? "-" : "",
			rg_units_count((uint64_t)(amount + 0.5), arena));
	if (amount < 0.005)
		return "0";
	return rg_arena_print(arena,
		amount >= 9.95    ? "%.0f"
		: amount >= 0.995 ? "%.1f"
				  : "%.2f",
		number);
}

const char *rg_units_time(double seconds, struct rg_arena *arena)
{
	unsigned long long whole = (unsigned long long)(seconds + 0.5);

	if (seconds < 0.0005)
		return "0 s";
	if (seconds < 1)
		return rg_arena_print(arena, "%.0f ms", seconds * 1000);
	if (seconds < 9.95)
		return rg_arena_print(arena, "%.2g s", seconds);
	if (whole < 60)
		return rg_arena_print(arena, "%llu s", whole);
	if (whole < 3600)
		return rg_arena_print(
			arena, whole % 60 ? "%llu min %llu s" : "%llu min", whole / 60, whole % 60);
	whole /= 60;
	return rg_arena_print(
		arena, whole % 60 ? "%llu h %llu min" : "%llu h", whole / 60, whole % 60);
}

const char *rg_units_things(
	uint64_t count, const char *one, const char *many, struct rg_arena *arena)
{
	return rg_arena_print(
		arena, "%s %s", rg_units_count(count, arena), count == 1 ? one : many);
}
