#include "heapdump/cpython/passes.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "heapdump/base/array.h"
#include "heapdump/cpython/entries.h"
#include "heapdump/cpython/native.h"
#include "heapdump/cpython/reading.h"
#include "heapdump/cpython/roots.h"
#include "heapdump/cpython/sites.h"

#define STRAY_LIMIT 1000 /* broken links in the collector's lists before we give up */
#define READINGS 4 /* how often a word of memory is read as a reference, at most and on average */
#define BASES_LIMIT 64
#define BYTES_AN_OBJECT 64 /* of memory, on average or more */
#define MOST_OBJECTS (RG_OBJECTS_LIMIT - RG_OBJECTS_MARGIN)
#define LEAST_OBJECT 16 /* bytes: its head */
#define EXPECTED_LIMIT (16u << 20) /* objects for which room is made at once */
#define INTERPRETERS 10000
#define STACK_SIZE (1u << 20) /* of the second thread; the C library has its variables there, too */

static uint64_t memory_size(const struct rg_image *image)
{
	uint64_t size = 0;

	for (size_t i = 0; i < image->n_segments; i++)
		size += image->segments[i].end - image->segments[i].start;
	return size;
}

/* No more objects than this can be in IMAGE, or be numbered. */
static size_t most_objects(const struct rg_image *image)
{
	uint64_t count = memory_size(image) / LEAST_OBJECT;

	return count < MOST_OBJECTS ? (size_t)count : MOST_OBJECTS;
}

/* About how many objects IMAGE may hold. */
static size_t expected_count(const struct rg_image *image)
{
	uint64_t count = memory_size(image) / BYTES_AN_OBJECT;

	return count < EXPECTED_LIMIT ? (size_t)count : EXPECTED_LIMIT;
}

/* Room at once, for two threads for all there may be: what is not used costs nothing. */
static void make_room(struct rg_objects *objects, const struct rg_image *image)
{
	if (image->shared)
		rg_objects_expect(objects, most_objects(image) + RG_OBJECTS_MARGIN);
	if (!objects->capacity)
		rg_objects_expect(objects, expected_count(image));
}

/*
 * To 3.10 a table of str keys is told by the function that searches it. The table of subclasses
 * of `object`, which all bases lead to, has int keys.
 */
static uint64_t find_any_lookup(struct rg_walk *walk)
{
	uint64_t modules = rg_walk_field(
		walk, walk->runtime->interpreter, walk->layout->interp_modules);
	uint64_t type = rg_walk_field(walk, modules, RG_OB_TYPE);
	struct rg_entries entries;

	for (int i = 0; i < BASES_LIMIT && rg_walk_field(walk, type, RG_TP_BASE); i++)
		type = rg_walk_field(walk, type, RG_TP_BASE);
	if (walk->layout->keys_lookup < 0 ||
		!rg_entries_of_dict(&entries, walk->image, walk->layout,
			rg_walk_field(walk, type, RG_TP_SUBCLASSES)))
		return 0;
	return entries.lookup;
}

/* --- the collector's lists ---------------------------------------------------------------- */

/*
 * The object of the collector's head at AT, new or found before by a reference; RG_NO_OBJECT where
 * there is none.
 */
static uint32_t listed_object(struct rg_walk *walk, uint64_t at, uint8_t generation)
{
	uint64_t address = at + RG_GC_HEAD;
	uint32_t number = rg_objects_find(walk->objects, address);
	bool fresh;

	if (number != RG_NO_OBJECT)
		return number;
	return rg_image_at(walk->image, at, RG_GC_HEAD) && rg_walk_type_at(walk, address)
		       ? rg_objects_add(walk->objects, walk->lane, address, generation, &fresh)
		       : RG_NO_OBJECT;
}

/* Note that object NUMBER is in the list of GENERATION; false where it is in one already. */
static bool list_object(struct rg_walk *walk, uint32_t number, uint8_t generation)
{
	uint8_t *state = &walk->objects->generation[number];

	if (__atomic_load_n(state, __ATOMIC_RELAXED) & RG_OBJECTS_LISTED)
		return false;
	generation |= RG_OBJECTS_LISTED | RG_OBJECTS_READ;
	return !(__atomic_exchange_n(state, generation, __ATOMIC_RELAXED) & RG_OBJECTS_LISTED);
}

/*
 * Read what this thread has found besides and nobody has read: what the collector knows nothing of,
 * or, when the lists are done, ALL. There is more to find meanwhile.
 */
static void drain(struct rg_walk *walk, bool all)
{
	struct rg_objects *objects = walk->objects;
	const uint32_t *count = &objects->lanes[walk->lane].count;

	for (; walk->next < *count && rg_walk_goes_on(walk); walk->next++) {
		uint32_t number = rg_objects_of(objects, walk->lane, walk->next);
		uint8_t state = __atomic_load_n(&objects->generation[number], __ATOMIC_RELAXED);

		if (state & RG_OBJECTS_READ || (state != RG_GEN_UNTRACKED && !all))
			continue;
		objects->generation[number] = state | RG_OBJECTS_READ;
		rg_reading_object(walk, number);
	}
}

/* Read all that is left when both threads have read their lists. */
static void drain_all(struct rg_walk *walk)
{
	walk->next = 0;
	drain(walk, true);
}

/* The head behind AT in the lists; for the second thread the one before it. */
static uint64_t follow(struct rg_walk *walk, uint64_t at)
{
	return rg_image_u64(walk->image, at + (walk->lane ? RG_GC_PREV : 0)) & ~7ull;
}

/*
 * The second thread goes back only where the list agrees: then what it has listed is all of the
 * list's end, and the first one may stop where it meets it.
 */
static bool may_follow(struct rg_walk *walk, uint64_t at, uint64_t next)
{
	return !walk->lane || (rg_image_u64(walk->image, next) & ~7ull) == at;
}

/*
 * Read the objects of one of the collector's lists, each while it is in the cache and the next one
 * is on its way there.
 */
static void walk_list(struct rg_walk *walk, uint64_t head, uint8_t generation)
{
	uint64_t at = head, next = follow(walk, head);
	unsigned stray = 0;

	while (next && next != head && may_follow(walk, at, next) && rg_walk_goes_on(walk)) {
		uint32_t number = listed_object(walk, next, generation);

		at = next;
		next = follow(walk, at);
		if (number == RG_NO_OBJECT) {
			walk->bad_pointers++;
			if (++stray > STRAY_LIMIT || !rg_image_at(walk->image, at, 8))
				break;
		} else if (!list_object(walk, number, generation)) {
			/* the other thread was here, or the list runs in a circle */
			break;
		} else {
			__builtin_prefetch(rg_image_at(walk->image, next, 1));
			rg_reading_object(walk, number);
			drain(walk, false);
		}
	}
}

static enum rg_code walk_lists(struct rg_walk *walk, struct rg_error *err)
{
	uint64_t interpreter = walk->runtime->interpreter;

	for (int i = 0; interpreter && i < INTERPRETERS; i++) {
		struct rg_gc_state gc;
		enum rg_code code = rg_runtime_gc(
			walk->runtime, walk->image, interpreter, &gc, err);

		if (code)
			return code;
		for (uint8_t generation = 0; generation < 4; generation++)
			walk_list(walk, gc.heads[generation],
				gc.incremental && generation == RG_GEN_1 ? RG_GEN_2 : generation);
		/* one collector for all of them, to 3.8 */
		if (walk->layout->interp_gc < 0)
			break;
		interpreter = rg_walk_field(walk, interpreter, walk->layout->interp_next);
	}
	return RG_OK;
}

/* --- two threads -------------------------------------------------------------------------- */

struct second {
	struct rg_walk walk;
	struct rg_image image; /* with its own memory of what was looked up last */
	pthread_t thread;
	void *stack;
	pthread_barrier_t listed; /* what is in the lists is known to be: the rest is in none */
};

static void *run_second(void *context)
{
	struct second *second = context;

	walk_lists(&second->walk, NULL);
	pthread_barrier_wait(&second->listed);
	drain_all(&second->walk);
	return NULL;
}

/* Signals are the first thread's to handle, but for those that a faulty read brings. */
static void block_signals(sigset_t *before_ret)
{
	sigset_t blocked;

	sigfillset(&blocked);
	sigdelset(&blocked, SIGSEGV);
	sigdelset(&blocked, SIGBUS);
	pthread_sigmask(SIG_BLOCK, &blocked, before_ret);
}

/*
 * Start the thread, on a stack of our own: in a forked child the C library would give it that of a
 * thread of the program's, which is read, and take the others' away when it ends.
 */
static bool start_thread(struct second *second)
{
	pthread_attr_t attributes;
	sigset_t before;
	bool started;

	second->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (second->stack == MAP_FAILED)
		return false;
	pthread_attr_init(&attributes);
	block_signals(&before);
	started = pthread_attr_setstack(&attributes, second->stack, STACK_SIZE) == 0 &&
		  pthread_create(&second->thread, &attributes, run_second, second) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (!started)
		munmap(second->stack, STACK_SIZE);
	return started;
}

/* Start a second thread for WALK's lists; NULL where there is to be none. */
static struct second *start_second(struct rg_walk *walk)
{
	struct second *second = calloc(1, sizeof(*second));

	if (!second ||
		!rg_objects_share(walk->objects, &walk->shared->lock, most_objects(walk->image))) {
		free(second);
		return NULL;
	}
	second->image = *walk->image;
	second->walk = (struct rg_walk){ .shared = walk->shared,
		.objects = walk->objects,
		.lane = 1,
		.image = &second->image,
		.inside = walk->inside,
		.runtime = walk->runtime,
		.layout = walk->layout,
		.writer = rg_writer_second(walk->writer),
		.dict_values = walk->dict_values,
		.values = walk->values,
		.any_lookup = walk->any_lookup,
		.room = walk->room };
	pthread_barrier_init(&second->listed, NULL, 2);
	walk->alone = false;
	if (second->walk.writer && start_thread(second))
		return second;
	walk->alone = true;
	rg_objects_unshare(walk->objects);
	pthread_barrier_destroy(&second->listed);
	rg_writer_destroy(second->walk.writer);
	free(second);
	return NULL;
}

static void take_guesses(struct rg_walk *walk, const struct rg_walk *other)
{
	for (size_t i = 0; i < other->n_guesses; i++) {
		struct rg_guess *slot = RG_PUSH(
			walk->guesses, walk->n_guesses, walk->guesses_capacity);

		if (slot)
			*slot = other->guesses[i];
		walk->out_of_memory |= !slot;
	}
}

static void read_put_off(struct rg_walk *walk, const struct rg_walk *other)
{
	for (size_t i = 0; i < other->n_put_off; i++)
		rg_reading_object(walk, other->put_off[i]);
}

/* Take over what the second thread leaves when it ends. */
static void end_second(struct rg_walk *walk, struct second *second)
{
	struct rg_walk *other = &second->walk;

	pthread_join(second->thread, NULL);
	munmap(second->stack, STACK_SIZE);
	rg_objects_unshare(walk->objects);
	walk->alone = other->alone = true;
	rg_writer_join(walk->writer, other->writer);
	walk->bad_pointers += other->bad_pointers;
	walk->out_of_memory |= other->out_of_memory;
	walk->room = other->room ? walk->room : 0;
	take_guesses(walk, other);
	read_put_off(walk, other);
	read_put_off(walk, walk);
	rg_walk_deinit(other);
	pthread_barrier_destroy(&second->listed);
	free(second);
}

/* From the lists to all that can be reached. */
static enum rg_code walk_all(struct rg_walk *walk, struct rg_error *err)
{
	struct second *second = walk->image->shared ? start_second(walk) : NULL;
	enum rg_code code = walk_lists(walk, err);

	if (second)
		pthread_barrier_wait(&second->listed);
	drain_all(walk);
	if (second)
		end_second(walk, second);
	drain(walk, true);
	return code;
}

/* --- guesses ------------------------------------------------------------------------------ */

static void accept_guess(struct rg_walk *walk, const struct rg_guess *guess, uint32_t number)
{
	struct rg_reference_record reference = { .target = guess->target,
		.kind = RG_KIND_GUESS,
		.form = RG_LABEL_NONE,
		/* whether the collector sees it is as unknown as what it is */
		.untraversed = true };
	struct rg_root_record root = guess->root;

	if (!guess->source) {
		root.target = guess->target;
		rg_walk_root(walk, &root);
		return;
	}
	walk->objects->found[walk->lane][number]++;
	rg_writer_references(walk->writer, guess->source, &reference, 1);
}

/*
 * True when a guess may lead to an object that nothing exact led to. Stray words of a stack never
 * make an object, those of a body may; what claims to be tracked is in the lists or none at all.
 */
static bool may_be_new(struct rg_walk *walk, const struct rg_guess *guess)
{
	uint64_t refcount = rg_walk_refcount(walk, guess->target);
	const struct rg_pytype *type;

	if (!guess->source || refcount == 0 || refcount == UINT64_MAX ||
		!rg_image_at(walk->image, guess->target, 16))
		return false;
	type = rg_types_get(walk, rg_image_u64(walk->image, guess->target + RG_OB_TYPE));
	return type && !(rg_walk_has_head(walk, type, guess->target) &&
			       rg_image_u64(walk->image, guess->target - RG_GC_HEAD));
}

/* In an order that does not depend on who found them: those of roots first. */
static int compare_guesses(const void *a, const void *b)
{
	const struct rg_guess *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/*
 * Judge the guesses in order. One that leads to a new object is followed at once, so that what
 * that object explains is known to the guesses behind it.
 */
static void resolve_guesses(struct rg_walk *walk)
{
	if (walk->n_guesses)
		qsort(walk->guesses, walk->n_guesses, sizeof(*walk->guesses), compare_guesses);
	for (size_t i = 0; i < walk->n_guesses && rg_walk_goes_on(walk); i++) {
		struct rg_guess guess = walk->guesses[i];
		uint32_t number = rg_objects_find(walk->objects, guess.target);

		if (number == RG_NO_OBJECT && may_be_new(walk, &guess))
			number = rg_walk_object(walk, guess.target);
		if (number == RG_NO_OBJECT || !rg_walk_unexplained(walk, guess.target, number))
			continue;
		accept_guess(walk, &guess, number);
		drain(walk, true);
	}
}

static enum rg_code refuse_endless(struct rg_error *err)
{
	rg_fail(err, RG_BAD_DATA, "endless-heap",
		"the heap has more references than its memory can hold: it is damaged, or made so");
	return rg_hint(err, "take it again from the process, or from another core");
}

enum rg_code rg_walk_heap(struct rg_image *image, const struct rg_runtime *runtime,
	struct rg_writer *writer, const struct rg_walk_options *options, struct rg_error *err)
{
	struct rg_shared shared = { 0 };
	struct rg_walk walk = { .shared = &shared,
		.objects = &shared.objects,
		.alone = true,
		.image = image,
		.inside = options->inside,
		.runtime = runtime,
		.layout = &runtime->layout,
		.writer = writer,
		.dict_values = runtime->layout.dict_values_since >= 0 &&
			       (int)(runtime->version >> 8 & 255) >=
				       runtime->layout.dict_values_since,
		.values = options->values,
		.room = memory_size(image) / 8 * READINGS };
	enum rg_code code;

	rg_shared_init(&shared);
	make_room(&shared.objects, image);
	walk.any_lookup = find_any_lookup(&walk);
	rg_roots_walk(&walk);
	code = walk_all(&walk, err);
	if (!code) {
		resolve_guesses(&walk);
		rg_native_walk(&walk);
		rg_roots_static(&walk);
		if (options->sites)
			rg_sites_walk(&walk);
		rg_writer_fact_number(writer, "bad_pointers", (int64_t)walk.bad_pointers);
		if (walk.out_of_memory || shared.objects.out_of_memory)
			code = rg_nomem(err);
		else if (walk.room == 0)
			code = refuse_endless(err);
	}
	rg_walk_deinit(&walk);
	rg_shared_deinit(&shared);
	return code;
}
