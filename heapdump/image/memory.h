/*
 * The memory of a living process, to read from.
 */
#ifndef RG_IMAGE_MEMORY_H
#define RG_IMAGE_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "heapdump/base/error.h"

/*
 * By /proc/PID/mem where that opens. It is a file of the process's user: who may trace others by
 * CAP_SYS_PTRACE alone, or as the owner of their user namespace, reads by process_vm_readv.
 */
struct rg_memory {
	int fd; /* of /proc/PID/mem, or -1 */
	pid_t pid;
};

/* Open the memory of PID, or of a thread of it that lives still; explains a refusal. */
enum rg_code rg_memory_open(struct rg_memory *memory, pid_t pid, struct rg_error *err);
/* Safe on a zeroed MEMORY too. */
void rg_memory_close(struct rg_memory *memory);

/* Read up to LENGTH bytes at ADDRESS: how many were read, or -1. For rg_image_init. */
int64_t rg_memory_read(void *memory, uint64_t address, void *buffer, size_t length);

#endif
