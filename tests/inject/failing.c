/*
 * A library to preload: the allocation of number RG_FAIL_AT fails, and with RG_FAIL_ON=1 every one
 * behind it. Without RG_FAIL_AT the allocations are counted, and their number written to
 * descriptor 9 at the end. Children that were forked neither fail nor count.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT_FD 9

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static atomic_ulong count;
static unsigned long fail_at;
static bool fail_on, ready;
static pid_t self;
static char early[4096]; /* dlsym allocates before there is an allocator to hand on to */
static size_t early_used;

static void *early_memory(size_t size)
{
	void *memory = early + early_used;

	early_used += (size + 15) & ~(size_t)15;
	return early_used <= sizeof(early) ? memory : NULL;
}

static bool is_early(const void *memory)
{
	return (const char *)memory >= early && (const char *)memory < early + sizeof(early);
}

static void __attribute__((constructor)) start(void)
{
	const char *at = getenv("RG_FAIL_AT"), *on = getenv("RG_FAIL_ON");

	next_malloc = dlsym(RTLD_NEXT, "malloc");
	next_calloc = dlsym(RTLD_NEXT, "calloc");
	next_realloc = dlsym(RTLD_NEXT, "realloc");
	fail_at = at ? strtoul(at, NULL, 10) : 0;
	fail_on = on && *on == '1';
	self = getpid();
	ready = true;
}

static void __attribute__((destructor)) stop(void)
{
	if (getpid() == self)
		dprintf(COUNT_FD, "%lu\n", atomic_load(&count));
}

static bool fails(void)
{
	unsigned long number;

	if (!ready)
		return false;
	number = atomic_fetch_add(&count, 1) + 1;
	if (!fail_at || !(number == fail_at || (fail_on && number > fail_at)) || getpid() != self)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	if (fails())
		return NULL;
	return next_malloc ? next_malloc(size) : early_memory(size);
}

void *calloc(size_t n, size_t size)
{
	if (fails())
		return NULL;
	return next_calloc ? next_calloc(n, size) : early_memory(n * size);
}

void *realloc(void *old, size_t size)
{
	if (fails())
		return NULL;
	if (is_early(old)) {
		void *memory = malloc(size);

		return memory ? memcpy(memory, old, size) : NULL;
	}
	return next_realloc(old, size);
}

/* What came from before the start is never given back. */
void free(void *memory)
{
	static void (*next_free)(void *);

	if (is_early(memory))
		return;
	if (!next_free)
		next_free = dlsym(RTLD_NEXT, "free");
	next_free(memory);
}
