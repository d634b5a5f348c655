/* The objects of a walk by address, against a search through all: near to one another and far. */
#include "heapdump/cpython/objects.h"

#include "tests/tap.h"

#define MOST 400

/* Anywhere in a few pages on both sides of a region's border, or far away. */
static uint64_t random_address(uint64_t *state)
{
	static const uint64_t bases[] = { 0x1000, 0xffffff000, 0x7f12345fff00, 0x7fffffffff00 };
	uint64_t bits = random_bits(state);

	return bits % 50 ? bases[bits % 4] + (bits >> 8) % 0x600 / 8 * 8 : bits >> 10 & ~7ull;
}

static uint32_t search(const uint64_t *addresses, uint32_t count, uint64_t address)
{
	for (uint32_t i = 0; i < count; i++)
		if (addresses[i] == address)
			return i;
	return RG_NO_OBJECT;
}

/* Whether an object may begin at ADDRESS: none does in the same 16 bytes. */
static bool may_begin(const uint64_t *addresses, uint32_t count, uint64_t address)
{
	for (uint32_t i = 0; i < count; i++)
		if (addresses[i] >> 4 == address >> 4)
			return false;
	return !(address >> 47);
}

START_TEST(objects_as_a_search_says)
{
	uint64_t addresses[MOST], beside = 0;

	FOR_SEEDS(seed, 200)
	{
		uint64_t state = seed;
		struct rg_objects objects = { 0 };
		uint32_t n = 0;

		if (seed % 2)
			rg_objects_expect(&objects, seed % 3 ? 10 : MOST);
		for (int i = 0; i < 2 * MOST && n < MOST; i++) {
			uint64_t address = random_address(&state);
			uint32_t known = search(addresses, n, address), number = known;
			bool fits = may_begin(addresses, n, address), fresh = false;

			CHECK(seed, rg_objects_find(&objects, address) == known);
			if (known == RG_NO_OBJECT)
				number = rg_objects_add(&objects, 0, address, 2, &fresh);
			CHECK(seed, fresh == fits && (!fresh || number == n));
			CHECK(seed, rg_objects_find(&objects, address) == number);
			if (fresh)
				addresses[n++] = address;
		}
		beside += objects.neighbours.used;
		CHECK(seed, objects.lanes[0].count == n && !objects.out_of_memory);
		for (uint32_t i = 0; i < n; i++)
			CHECK(seed, objects.address[i] == addresses[i] &&
					    objects.generation[i] == 2 &&
					    rg_objects_found(&objects, i) == 0);
		rg_objects_deinit(&objects);
	}
	ck_assert(getenv("RG_SEED") || beside > 1000);
}
END_TEST

/* --- two threads -------------------------------------------------------------------------- */

#define BOTH 200000
#define SPREAD 150000 /* places where objects may be: both threads come by most of them */

struct finder {
	struct rg_objects *objects;
	unsigned lane;
	uint64_t seed;
	uint32_t fresh;
	pthread_t thread;
};

/* Objects of 16 bytes and more, here and there in 4 MiB. */
static uint64_t place(uint64_t i)
{
	return 0x7f0000000000 + i % SPREAD * 32 + (i % 3 == 0 ? 16 : 0);
}

static void *find_many(void *context)
{
	struct finder *finder = context;
	uint64_t state = finder->seed;

	for (int i = 0; i < BOTH; i++) {
		uint64_t bits = random_bits(&state), address = place(bits);
		uint32_t number;
		bool fresh = false;

		/* some share the 32 bytes of a slot */
		if (bits >> 60 == 0)
			address ^= 16;
		number = rg_objects_find(finder->objects, address);
		if (number == RG_NO_OBJECT)
			number = rg_objects_add(finder->objects, finder->lane, address, 1, &fresh);
		finder->fresh += fresh;
		if (number == RG_NO_OBJECT || finder->objects->address[number] != address)
			return NULL;
		finder->objects->found[finder->lane][number]++;
	}
	return finder;
}

/* The numbers of what LANE found are its own, and say where it is. */
static uint64_t count_lane(const struct rg_objects *objects, unsigned lane)
{
	uint64_t found = 0;

	for (uint32_t i = 0; i < objects->lanes[lane].count; i++) {
		uint32_t number = rg_objects_of(objects, lane, i);

		ck_assert_uint_eq(rg_objects_find(objects, objects->address[number]), number);
		found += rg_objects_found(objects, number);
	}
	return found;
}

START_TEST(two_threads_agree)
{
	FOR_SEEDS(seed, 10)
	{
		pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
		struct rg_objects objects = { 0 };
		struct finder finders[RG_LANES];
		void *ended;

		rg_objects_expect(&objects, (size_t)4 * SPREAD);
		CHECK(seed, !rg_objects_share(&objects, &lock, (size_t)5 * SPREAD));
		CHECK(seed, rg_objects_share(&objects, &lock, (size_t)3 * SPREAD));
		for (unsigned lane = 0; lane < RG_LANES; lane++) {
			finders[lane] = (struct finder){
				.objects = &objects, .lane = lane, .seed = 2 * seed + lane
			};
			CHECK(seed, !pthread_create(&finders[lane].thread, NULL, find_many,
					    &finders[lane]));
		}
		for (unsigned lane = 0; lane < RG_LANES; lane++) {
			pthread_join(finders[lane].thread, &ended);
			CHECK(seed, ended == &finders[lane]);
			CHECK(seed, finders[lane].fresh == objects.lanes[lane].count);
		}
		rg_objects_unshare(&objects);
		/* each found once by one of them, and every reference counted */
		CHECK(seed, count_lane(&objects, 0) + count_lane(&objects, 1) ==
				    (uint64_t)RG_LANES * BOTH);
		CHECK(seed, objects.neighbours.used > 0);
		rg_objects_deinit(&objects);
	}
}
END_TEST

TEST_MAIN("objects", objects_as_a_search_says, two_threads_agree)
