#include "src/cli/duration.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "heapdump/base/units.h"
#include "src/cli/report.h"

static const struct {
	const char *name;
	uint64_t ms;
} units[] = {
	{ "", 1000 },
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 3600 * 1000 },
};

enum rg_code rg_duration_parse(
	enum rg_option_id option, const char *text, uint64_t *ms_ret, struct rg_error *err)
{
	char *end = NULL;
	unsigned long long number = isdigit((unsigned char)*text) ? strtoull(text, &end, 10) : 0;

	for (size_t i = 0; number && i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].name) == 0 && number <= RG_DURATION_MOST / units[i].ms) {
			*ms_ret = number * units[i].ms;
			return RG_OK;
		}
	rg_fail(err, RG_USAGE, "bad-value", "--%s: '%s' is no time", rg_options[option].name, text);
	return rg_hint(
		err, "it takes seconds, minutes or hours, a week at most: 500ms, 60s, 5m, 2h");
}

void rg_duration_wait(uint64_t ms)
{
	struct timespec left = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };
	struct rg_arena arena = { 0 };

	rg_remark("waiting %s for the second snapshot", rg_units_time((double)ms / 1000, &arena));
	rg_arena_deinit(&arena);
	while (nanosleep(&left, &left) != 0)
		continue;
}
