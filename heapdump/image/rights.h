/*
 * Rights: why the kernel lets us not trace a process, and the cure.
 *
 * It only says "Operation not permitted". Whose the process is, what it forbids, what yama and
 * namespaces make of it stands in /proc, for most of it even without the right in question.
 */
#ifndef RG_IMAGE_RIGHTS_H
#define RG_IMAGE_RIGHTS_H

#include <sys/types.h>

#include "heapdump/base/error.h"

/*
 * Fill ERR: WHAT we asked of PID failed with ERROR, an errno; with the first reason that holds and
 * what to do about it, when it is one of permission, or when the process is gone. ROOT is where
 * /proc is: "" but in tests. RG_SYSTEM.
 */
enum rg_code rg_rights_refuse(
	struct rg_error *err, const char *root, pid_t pid, const char *what, int error);

#endif
