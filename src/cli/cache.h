/*
 * The cache of captures: what was captured on the way to an answer is kept, so that the next
 * question needs no second pause. $XDG_CACHE_HOME/refgraph, or ~/.cache/refgraph.
 */
#ifndef RG_CLI_CACHE_H
#define RG_CLI_CACHE_H

#include <sys/types.h>

/* A free name for a capture of PID, PID-STARTTIME-N.rgs; NULL when out of memory. */
char *rg_cache_path_of_pid(pid_t pid);

/* The name for what is read of the core file CORE, the same each time; NULL likewise. */
char *rg_cache_path_of_core(const char *core);

/* Remove from the folder of PATH all but the newest 5 captures, and what is over 2 GiB. */
void rg_cache_prune(const char *path);

#endif
