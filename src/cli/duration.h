/* Times that options take: 500ms, 60s, 5m, 2h; a number alone is of seconds. */
#ifndef RG_CLI_DURATION_H
#define RG_CLI_DURATION_H

#include <stdint.h>

#include "src/cli/option.h"

#define RG_DURATION_MOST (7 * 24 * 3600 * 1000ull) /* milliseconds: a week */

/* Sleep, and say before what for: "waiting 60.0 s for the second snapshot". */
void rg_duration_wait(uint64_t ms);

/* The milliseconds, 1 at least, that TEXT, the value of OPTION, means; or RG_USAGE. */
enum rg_code rg_duration_parse(
	enum rg_option_id option, const char *text, uint64_t *ms_ret, struct rg_error *err);

#endif
