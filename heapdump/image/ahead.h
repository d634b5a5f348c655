/*
 * Reading ahead: a thread brings memory to an image before the walker asks for it.
 *
 * A heap is walked more or less as it lies. Each time that the walker had to wait for a piece, the
 * thread is told, and reads those behind it, up to the size of a huge page: so much memory the
 * mirror takes at once anyway. Nobody depends on it: without the thread, or when it is late, the
 * walker reads for itself.
 */
#ifndef RG_IMAGE_AHEAD_H
#define RG_IMAGE_AHEAD_H

#include "heapdump/image/image.h"

struct rg_ahead;

/*
 * Start to read ahead in IMAGE, which is sealed and whose back end may be asked by two threads at
 * once. NULL where there can be no thread. To be stopped before the image is deinitialised.
 */
struct rg_ahead *rg_ahead_start(struct rg_image *image);
void rg_ahead_stop(struct rg_ahead *ahead);

#endif
