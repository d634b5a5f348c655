#include "heapdump/image/ahead.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#define REACH (2u << 20) /* bytes behind a piece that was waited for */
#define STACK (64u << 10)

struct rg_ahead {
	struct rg_image *image;
	pthread_t thread;
	sem_t missed; /* posted when `place` is new, or at the end */
	uint64_t place; /* where the walker had to wait */
	bool ended;
};

/* Read what is behind the place where the walker was last, as long as it does not go elsewhere. */
static void read_on(struct rg_ahead *ahead)
{
	uint64_t place = __atomic_load_n(&ahead->place, __ATOMIC_ACQUIRE), at = place;

	while (at - place < REACH && !__atomic_load_n(&ahead->ended, __ATOMIC_RELAXED)) {
		uint64_t now = __atomic_load_n(&ahead->place, __ATOMIC_ACQUIRE);

		if (now != place)
			place = at = now;
		at += ahead->image->piece;
		if (!rg_image_load(ahead->image, at))
			return;
	}
}

static void *run(void *context)
{
	struct rg_ahead *ahead = context;

	while (!__atomic_load_n(&ahead->ended, __ATOMIC_ACQUIRE)) {
		read_on(ahead);
		while (sem_wait(&ahead->missed))
			continue;
	}
	return NULL;
}

static void note_miss(void *context, uint64_t address)
{
	struct rg_ahead *ahead = context;

	__atomic_store_n(&ahead->place, address, __ATOMIC_RELEASE);
	sem_post(&ahead->missed);
}

/* Start the thread; signals are the others' to handle. */
static bool start(struct rg_ahead *ahead)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int error;

	if (pthread_attr_init(&attributes))
		return false;
	pthread_attr_setstacksize(&attributes, STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	error = pthread_create(&ahead->thread, &attributes, run, ahead);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return error == 0;
}

struct rg_ahead *rg_ahead_start(struct rg_image *image)
{
	struct rg_ahead *ahead = calloc(1, sizeof(*ahead));

	if (!ahead)
		return NULL;
	ahead->image = image;
	sem_init(&ahead->missed, 0, 0);
	if (rg_image_share(image, note_miss, ahead) && start(ahead))
		return ahead;
	image->missed = NULL;
	sem_destroy(&ahead->missed);
	free(ahead);
	return NULL;
}

void rg_ahead_stop(struct rg_ahead *ahead)
{
	if (!ahead)
		return;
	__atomic_store_n(&ahead->ended, true, __ATOMIC_RELEASE);
	sem_post(&ahead->missed);
	pthread_join(ahead->thread, NULL);
	sem_destroy(&ahead->missed);
	ahead->image->missed = NULL;
	free(ahead);
}
