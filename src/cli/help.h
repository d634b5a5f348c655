/* Help, printed from the tables of commands and options: examples first. */
#ifndef RG_CLI_HELP_H
#define RG_CLI_HELP_H

#include <stdio.h>

#include "src/cli/command.h"

enum rg_code rg_help_overview(FILE *out);
enum rg_code rg_help_command(const struct rg_command *command, FILE *out);
enum rg_code rg_help_version(FILE *out);

#endif
