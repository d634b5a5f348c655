/* The records of the commands: one file each. */
#ifndef RG_CMD_COMMANDS_H
#define RG_CMD_COMMANDS_H

#include "src/cli/command.h"

extern const struct rg_command rg_cmd_ps, rg_cmd_dump, rg_cmd_info, rg_cmd_types, rg_cmd_cycles,
	rg_cmd_generations, rg_cmd_garbage, rg_cmd_audit, rg_cmd_retained, rg_cmd_diff,
	rg_cmd_leaks, rg_cmd_objects, rg_cmd_show, rg_cmd_refs, rg_cmd_backrefs, rg_cmd_why,
	rg_cmd_path, rg_cmd_export, rg_cmd_import, rg_cmd_watch, rg_cmd_completion, rg_cmd_help;

/* Options of every command that reads a source, and of those that show lists. */
#define RG_OPTIONS_SOURCE                                                                          \
	(RG_OPTION(OUTPUT) | RG_OPTION(FORMAT) | RG_OPTION(STABLE) | RG_OPTION(SAVE) |             \
		RG_OPTION(NO_SAVE) | RG_OPTION(SYSROOT) | RG_OPTION(NO_VALUES) |                   \
		RG_OPTION(REDACT) | RG_OPTION(FORCE))
#define RG_OPTIONS_LIST (RG_OPTIONS_SOURCE | RG_OPTION(LIMIT))

#endif
