/*
 * Running a program under the agent (heapdump/agent), which writes a snapshot from within.
 */
#ifndef RG_CLI_LAUNCH_H
#define RG_CLI_LAUNCH_H

#include "src/cli/command.h"

/*
 * Run the words of CONTEXT as a command, with --on and --no-values, and wait for it. RG_OK when
 * the snapshot PATH was written meanwhile, however the command ended.
 */
enum rg_code rg_launch(struct rg_context *context, const char *path);

#endif
