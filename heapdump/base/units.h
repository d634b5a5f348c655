/* Numbers as people read them: "4,811", "18.4 MiB", "76.7 %". */
#ifndef RG_BASE_UNITS_H
#define RG_BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "heapdump/base/arena.h"

const char *rg_units_count(uint64_t count, struct rg_arena *arena);
const char *rg_units_bytes(uint64_t bytes, struct rg_arena *arena);
const char *rg_units_share(double share, struct rg_arena *arena);

/* "+12", "-3.4 KiB"; "" for no change. */
const char *rg_units_delta(int64_t delta, bool bytes, struct rg_arena *arena);

/* "840", "8.4", "-0.04": three digits that count, or all of a whole number. */
const char *rg_units_number(double number, struct rg_arena *arena);

/* "500 ms", "2.5 s", "2 min 10 s", "3 h 20 min". */
const char *rg_units_time(double seconds, struct rg_arena *arena);

/* "1 object", "4,811 objects". */
const char *rg_units_things(
	uint64_t count, const char *one, const char *many, struct rg_arena *arena);

#endif
