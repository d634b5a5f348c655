/*
 * The agent: a process writes a snapshot of itself.
 *
 * One library for every CPython from 3.8 to 3.15: it uses no symbol of Python's, but walks the
 * memory of a forked child as a capture from outside does, and so stops the process for the fork
 * alone. The Python package beside it, refgraph/__init__.py, is what programs use.
 */
#ifndef RG_AGENT_AGENT_H
#define RG_AGENT_AGENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { REFGRAPH_AGENT_NO_VALUES = 1, REFGRAPH_AGENT_NO_SITES = 2 };

/*
 * Fork a child that writes a snapshot to PATH: its pid, or -errno. The caller holds the GIL, so
 * that no Python code runs while the kernel copies the process. *FD_RET is to be passed on.
 */
int refgraph_agent_start(const char *path, unsigned flags, int *fd_ret);

/*
 * Wait for the child: 0 when PATH is there, whole; else the exit status refgraph would have, and
 * one line in MESSAGE that says why. The GIL need not be held.
 */
int refgraph_agent_wait(int pid, int fd, char *message, size_t size);

#endif
