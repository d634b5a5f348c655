#include "src/analysis/causes.h"

#define NEAR 5 /* steps above a thing that tell how it is held */
#define FEW 16 /* things, below which nothing accumulates */

const struct rg_cause_text rg_causes[RG_CAUSE_COUNT] = {
	[RG_CAUSE_CACHE] = { "cache", "entries by key, and none is dropped",
		"bound it: drop the oldest, let entries expire, or hold the values weakly "
		"(weakref.WeakValueDictionary)",
		1 },
	[RG_CAUSE_COLLECTION] = { "collection", "a collection that only grows",
		"take out what is done with, or bound it (collections.deque with maxlen)", 1 },
	[RG_CAUSE_LISTENER] = { "listener", "bound methods: listeners that nobody removes",
		"unsubscribe when the owner goes, or keep weakref.WeakMethod instead of the method",
		1.5 },
	[RG_CAUSE_CLOSURE] = { "closure", "functions that close over objects",
		"let the function close over the values that it needs, not over what has them",
		1.5 },
	[RG_CAUSE_TRACEBACK] = { "traceback",
		"exceptions: a traceback holds its frames, and those every local",
		"keep str(error) or a formatted traceback, or drop error.__traceback__", 1.5 },
	[RG_CAUSE_FRAME] = { "frame", "frames of calls, with every local",
		"do not keep the frame: take from it what is needed, and del it", 1.5 },
	[RG_CAUSE_GENERATOR] = { "generator", "generators that were never finished",
		"close() them, or run them to their end", 1.5 },
	[RG_CAUSE_TASK] = { "task", "tasks or futures that never get done",
		"await or cancel them; let what they wait for have a timeout", 1.5 },
	[RG_CAUSE_LRU] = { "lru-cache", "lru_cache: its keys hold every argument, self too",
		"give it a maxsize; of a method cache in the object (functools.cached_property)",
		1.5 },
	[RG_CAUSE_LOCAL] = { "thread-local", "thread-local, and the thread lives on",
		"empty it when a job of the thread ends", 1.2 },
	[RG_CAUSE_CLASS_ATTRIBUTE] = { "class-attribute",
		"an attribute of the class, which all instances share",
		"make it in __init__ if each instance should have its own; else bound it", 1.2 },
	[RG_CAUSE_CHAIN] = { "chain", "a chain in which each holds the next",
		"cut the link where it is not needed, or keep the last few in a deque", 1.2 },
	[RG_CAUSE_BIG] = { "big", "few objects that hold much",
		"keep less of it, or for a shorter time", 0.5 },
	[RG_CAUSE_CLASSES] = { "classes", "classes of one name, made anew at each call",
		"make the class once: at module level, or in a cache by what it depends on", 1.5 },
	[RG_CAUSE_CYCLE] = { "cycle", "cycles that one reference keeps alive",
		"break the cycle, or drop that reference", 0.5 },
	[RG_CAUSE_DISABLED] = { "collector-off", "cycles are garbage, and the collector is off",
		"break the cycle, or gc.enable()", 1 },
	[RG_CAUSE_FINALIZER] = { "finalizer", "cycles that are garbage, with a __del__ in them",
		"break the cycle, so that __del__ runs at once, or use weakref.finalize", 0.5 },
	[RG_CAUSE_UNCOLLECTABLE] = { "uncollectable", "garbage that a type forbids to free",
		"break the cycle by hand: it ends in gc.garbage", 2 },
	[RG_CAUSE_HIDDEN] = { "hidden-garbage",
		"garbage that the collector cannot see, and never frees", "break the cycle by hand",
		2 },
	[RG_CAUSE_GARBAGE] = { "garbage", "cycles that wait for the collector",
		"break the cycle, and they go at once; else the next full collection frees them",
		1.0 / 16 },
	[RG_CAUSE_C] = { "c-reference", "C code took references and gave none back",
		"look for a missing Py_DECREF where an extension handles this type (see audit)",
		1 },
};

static bool are_many(const struct rg_accumulation *found, enum rg_trait trait)
{
	return found->traits[trait] && found->traits[trait] >= found->count / 2;
}

/* What most of the things are, or have in them; RG_CAUSE_COUNT where that says nothing. */
static enum rg_cause by_things(const struct rg_traits *traits, const struct rg_accumulation *found)
{
	enum rg_trait thing = (enum rg_trait)traits->trait[found->type];

	if (thing == RG_TRAIT_CLASS || 2 * found->types > found->count)
		return RG_CAUSE_CLASSES;
	if (are_many(found, RG_TRAIT_TRACEBACK))
		return RG_CAUSE_TRACEBACK;
	if (are_many(found, RG_TRAIT_COROUTINE) || are_many(found, RG_TRAIT_TASK))
		return RG_CAUSE_TASK;
	if (thing == RG_TRAIT_GENERATOR)
		return RG_CAUSE_GENERATOR;
	if (thing == RG_TRAIT_FRAME)
		return RG_CAUSE_FRAME;
	if (thing == RG_TRAIT_METHOD)
		return RG_CAUSE_LISTENER;
	if (thing == RG_TRAIT_FUNCTION && are_many(found, RG_TRAIT_CELL))
		return RG_CAUSE_CLOSURE;
	return RG_CAUSE_COUNT;
}

/* How the things are held, from the nearest step up. */
static enum rg_cause by_chain(const struct rg_heap *heap, const struct rg_traits *traits,
	const struct rg_path_step *steps, uint32_t count)
{
	uint32_t first = count > NEAR + 1 ? count - NEAR - 1 : 0;

	for (uint32_t i = count - 1; i-- > first;) {
		enum rg_trait trait = (enum rg_trait)traits->trait[heap->type[steps[i].object]];

		if (trait == RG_TRAIT_CACHE)
			return RG_CAUSE_LRU;
		if (trait == RG_TRAIT_LOCAL)
			return RG_CAUSE_LOCAL;
		if (i > 0 && trait != RG_TRAIT_FUNCTION && trait != RG_TRAIT_CLASS &&
			RG_EDGE_KIND(heap->edge[steps[i].reference]) == RG_KIND_CLASSATTR)
			return RG_CAUSE_CLASS_ATTRIBUTE;
	}
	return RG_CAUSE_COUNT;
}

enum rg_cause rg_cause_of(const struct rg_heap *heap, const struct rg_traits *traits,
	const struct rg_accumulation *found, const struct rg_path_step *steps, uint32_t count)
{
	enum rg_cause cause = found->count < FEW ? RG_CAUSE_BIG : by_things(traits, found);

	if (cause != RG_CAUSE_COUNT)
		return cause;
	cause = count ? by_chain(heap, traits, steps, count) : RG_CAUSE_C;
	if (cause != RG_CAUSE_COUNT)
		return cause;
	if (found->chain)
		return RG_CAUSE_CHAIN;
	if (found->container != RG_NO_ID &&
		rg_heap_type(heap, found->container)->flags & RG_TYPE_DICT)
		return RG_CAUSE_CACHE;
	return RG_CAUSE_COLLECTION;
}
