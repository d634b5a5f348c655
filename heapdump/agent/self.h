/*
 * This process's own memory as an image, and what only the inside knows of its objects.
 */
#ifndef RG_AGENT_SELF_H
#define RG_AGENT_SELF_H

#include "heapdump/cpython/walk.h"
#include "heapdump/image/image.h"

/* An image whose mirror is the memory itself: nothing is copied. For a forked child alone. */
enum rg_code rg_self_image(struct rg_image *image, struct rg_error *err);

/* A fault while memory is read ends the process, with one line to FD. */
void rg_self_guard(int fd);

/* References by tp_traverse, sizes by __sizeof__: of types that no table describes. */
extern const struct rg_inside rg_self_inside;

#endif
