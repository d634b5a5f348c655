/*
 * Completion scripts for shells, printed from the tables of commands and options. What only a
 * running program knows (pids, the types of a snapshot) they ask the program for.
 */
#ifndef RG_CLI_COMPLETION_H
#define RG_CLI_COMPLETION_H

#include <stdio.h>

#include "src/cli/command.h"

struct rg_shell {
	const char *name; /* "bash" */
	void (*print)(FILE *out);
};

/* The shells, in the order help names them; ends with a NULL name. */
extern const struct rg_shell rg_shells[];

#endif
