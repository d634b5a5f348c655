/* All commands, in the order in which help shows them. */
#include "src/cmd/commands.h"

const struct rg_command *const rg_commands[] = {
	&rg_cmd_ps,
	&rg_cmd_dump,
	&rg_cmd_info,
	&rg_cmd_leaks,
	&rg_cmd_types,
	&rg_cmd_cycles,
	&rg_cmd_generations,
	&rg_cmd_garbage,
	&rg_cmd_audit,
	&rg_cmd_retained,
	&rg_cmd_diff,
	&rg_cmd_watch,
	&rg_cmd_objects,
	&rg_cmd_show,
	&rg_cmd_refs,
	&rg_cmd_backrefs,
	&rg_cmd_why,
	&rg_cmd_path,
	&rg_cmd_export,
	&rg_cmd_import,
	&rg_cmd_completion,
	&rg_cmd_help,
	NULL,
};
