/* Failures and remarks, as people and scripts read them: on standard error. */
#ifndef RG_CLI_REPORT_H
#define RG_CLI_REPORT_H

#include <stdbool.h>

#include "heapdump/base/error.h"

/* The exit status where all went well, and the answer is the one that --fail-on asks for. */
#define RG_EXIT_FOUND 1

/* The one map from codes to exit status. */
int rg_exit_status(enum rg_code code);

/* "refgraph: message" and what to do next; with JSON one object as the last line. */
void rg_report(const struct rg_error *err, bool json);

/* A remark or a warning, "refgraph: ..." */
void rg_remark(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* How many remarks there were: who draws in one place of a terminal draws below them. */
unsigned rg_remarks(void);

#endif
