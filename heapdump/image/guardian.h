/*
 * The guardian: a small process of its own that freezes the target, holds the copy, and cleans
 * up whatever becomes of the command that asked: killed, interrupted, or done.
 */
#ifndef RG_IMAGE_GUARDIAN_H
#define RG_IMAGE_GUARDIAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "heapdump/base/error.h"

struct rg_guardian {
	pid_t pid; /* of the guardian */
	int socket; /* closing it is the order to clean up */
	int mem_fd, maps_fd; /* of the frozen memory */
	uint64_t pause_ns;
	bool stopped; /* the target stands still: read all and release at once */
};

/* Freeze TARGET. On RG_OK its memory is behind mem_fd and maps_fd until rg_guardian_release. */
enum rg_code rg_guardian_start(struct rg_guardian *guardian, pid_t target, struct rg_error *err);

/*
 * Order the clean-up and wait until it is done, but keep the descriptors: of a target that stood
 * still what cannot change, such as the names of static types, may be read while it runs on.
 */
void rg_guardian_let_go(struct rg_guardian *guardian);

/* Order the clean-up and wait until it is done; closes all descriptors. Safe when zeroed. */
void rg_guardian_release(struct rg_guardian *guardian);

#endif
