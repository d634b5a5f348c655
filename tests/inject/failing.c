/*
 * A library to preload: the allocation of number RG_FAIL_AT fails, and with RG_FAIL_ON=1 every one
 * behind it. At the end the number of allocations is written to the descriptor RG_FAIL_COUNT, if
 * that is set. Children that were forked neither fail nor count; with RG_FAIL_IN=children they
 * alone fail, each counting for itself.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static atomic_ulong count;
static unsigned long fail_at;
static bool fail_on, in_children, is_child, ready;
/* dlsym, and what libraries do on loading (pixman), allocate before there is one to hand on to */
static char early[1 << 16];
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

static void enter_child(void)
{
	is_child = true;
	atomic_store(&count, 0);
}

static void __attribute__((constructor)) start(void)
{
	const char *at = getenv("RG_FAIL_AT"), *on = getenv("RG_FAIL_ON");
	const char *in = getenv("RG_FAIL_IN");

	next_malloc = dlsym(RTLD_NEXT, "malloc");
	next_calloc = dlsym(RTLD_NEXT, "calloc");
	next_realloc = dlsym(RTLD_NEXT, "realloc");
	fail_at = at ? strtoul(at, NULL, 10) : 0;
	fail_on = on && *on == '1';
	in_children = in && strcmp(in, "children") == 0;
	pthread_atfork(NULL, NULL, enter_child);
	ready = true;
}

static void __attribute__((destructor)) stop(void)
{
	const char *fd = getenv("RG_FAIL_COUNT");

	if (fd && !is_child)
		dprintf(atoi(fd), "%lu\n", atomic_load(&count));
}

static bool fails(void)
{
	unsigned long number;

	if (!ready || is_child != in_children)
		return false;
	number = atomic_fetch_add(&count, 1) + 1;
	if (!fail_at || !(number == fail_at || (fail_on && number > fail_at)))
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
