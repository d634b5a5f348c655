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
#include "heapdump/image/freeze.h"
#include "heapdump/image/memory.h"

struct rg_guardian {
	pid_t pid; /* of the guardian */
	int socket; /* closing it is the order to clean up */
	struct rg_memory memory; /* what was frozen */
	int maps_fd;
	uint64_t
		pause_ns; /* how long the target stood still; of one that does, once it is let go */
	bool stopped; /* the target stands still: read all and let it go at once */
	char why[120]; /* why it does: no copy could be made */
};

/*
 * Freeze TARGET by TERMS. On RG_OK its memory is behind memory and maps_fd until
 * rg_guardian_release. A target that stands still is let go after four times the time that was
 * told, and a second, whatever becomes of the command: it may be stopped itself, by Ctrl-Z.
 */
enum rg_code rg_guardian_start(struct rg_guardian *guardian, pid_t target,
	const struct rg_freeze_terms *terms, struct rg_error *err);

/*
 * Order the clean-up and wait until it is done, but keep the descriptors: of a target that stood
 * still what cannot change, such as the names of static types, may be read while it runs on.
 * RG_SYSTEM where it ran on before: what was read is no heap of one moment.
 */
enum rg_code rg_guardian_let_go(struct rg_guardian *guardian, struct rg_error *err);

/* Order the clean-up and wait until it is done; closes all descriptors. Safe when zeroed. */
void rg_guardian_release(struct rg_guardian *guardian);

#endif
