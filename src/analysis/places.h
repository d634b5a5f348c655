/*
 * Where an object is held, in words: the shortest chain from a root as Python would write it, for
 * one object, or for many alike with indices and keys generalised. Nothing is escaped.
 */
#ifndef RG_ANALYSIS_PLACES_H
#define RG_ANALYSIS_PLACES_H

#include "heapdump/base/arena.h"
#include "src/analysis/paths.h"

/*
 * The way from the root of ID's chain to ID, without the root: "CACHE._entries['u:81']", GENERAL:
 * "CACHE._entries[…]". "" where ID is the root's own. Of a long one the end. O(chain).
 */
const char *rg_place_way(const struct rg_heap *heap, const struct rg_paths *paths, uint32_t id,
	bool general, struct rg_arena *arena);

/* The same with the root: "module app.cache → CACHE._entries", "main().heap['tree']". O(chain). */
const char *rg_place_text(const struct rg_heap *heap, const struct rg_paths *paths, uint32_t id,
	bool general, struct rg_arena *arena);

/* The row of the root that ID's chain starts from; RG_NO_ID where no root reaches it. O(chain). */
uint32_t rg_place_root(const struct rg_paths *paths, uint32_t id);

#endif
