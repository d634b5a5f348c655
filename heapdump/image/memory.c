#include "heapdump/image/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "heapdump/image/process.h"
#include "heapdump/image/rights.h"

/* Whether process_vm_readv is allowed: a null pointer is found bad only after that is asked. */
static bool may_read(pid_t pid)
{
	struct rg_memory by_call = { .fd = -1, .pid = pid };
	char byte;

	return rg_memory_read(&by_call, 0, &byte, 1) >= 0 || errno == EFAULT;
}

enum rg_code rg_memory_open(struct rg_memory *memory, pid_t pid, struct rg_error *err)
{
	pid_t thread = rg_process_living_thread(pid);
	char path[64];
	int error;

	snprintf(path, sizeof(path), "/proc/%d/mem", thread);
	*memory = (struct rg_memory){ .fd = open(path, O_RDONLY | O_CLOEXEC), .pid = thread };
	error = errno;
	if (memory->fd >= 0 || (error == EACCES && may_read(thread)))
		return RG_OK;
	return rg_rights_refuse(err, "", pid, "its memory cannot be read", error);
}

void rg_memory_close(struct rg_memory *memory)
{
	/* a zeroed one is of no process, and its descriptor is not its own */
	if (memory->pid && memory->fd >= 0)
		close(memory->fd);
	*memory = (struct rg_memory){ .fd = -1 };
}

int64_t rg_memory_read(void *context, uint64_t address, void *buffer, size_t length)
{
	const struct rg_memory *memory = context;
	struct iovec here = { buffer, length }, there = { (void *)(uintptr_t)address, length };

	if (memory->fd >= 0)
		return pread(memory->fd, buffer, length, (off_t)address);
	return process_vm_readv(memory->pid, &here, 1, &there, 1, 0);
}
