/*
 * Signatures: what names a leak, the same on any machine and in any run, whichever of its objects
 * is looked at. Of a chain it is the hash of its root and of its references, by owner type and
 * label with indices and keys generalised; a reference that comes back (a chain of links) counts
 * once, and a __dict__ on the way not at all, as it is folded here and not there. What the last
 * reference leads to is no part of it.
 */
#ifndef RG_ANALYSIS_SIGNATURE_H
#define RG_ANALYSIS_SIGNATURE_H

#include "heapdump/base/arena.h"
#include "src/analysis/paths.h"
#include "src/analysis/traits.h"

#define RG_SIGNATURE_WAYS 24 /* objects of a chain that are told */

struct rg_signer {
	const struct rg_heap *heap;
	const struct rg_traits *traits;
	struct rg_arena arena; /* for labels; emptied by rg_signer_deinit */
};

void rg_signer_init(
	struct rg_signer *signer, const struct rg_heap *heap, const struct rg_traits *traits);
void rg_signer_deinit(struct rg_signer *signer);

/* Of the reference of row EDGE from an object of TYPE. O(label). */
uint64_t rg_signature_reference(
	struct rg_signer *signer, uint32_t type, uint32_t from, uint32_t edge);

/* What a root is called, but for the line that a frame is at. O(name). */
uint64_t rg_signature_root(const struct rg_heap *heap, const struct rg_heap_root *root);

/* Of something of KIND that is known by HASH and not by a chain. */
uint64_t rg_signature_kind(const char *kind, uint64_t hash);

/* A chain's signature, and those of the chains to the objects on it, from the root down. */
struct rg_signature {
	uint64_t whole; /* of an object that no root reaches: that C code holds one of its type */
	uint64_t ways[RG_SIGNATURE_WAYS];
	uint32_t n_ways;
	uint64_t many; /* of the chain to the last item, or value of a key, on it; or 0 */
};

/* Of the chain from a root to ID. O(chain). */
enum rg_code rg_signature_chain(struct rg_signer *signer, const struct rg_paths *paths, uint32_t id,
	struct rg_signature *signature_ret, struct rg_error *err);

/* Whether the chain of BELOW passes what the chain ABOVE leads to. O(1). */
bool rg_signature_passes(const struct rg_signature *below, uint64_t above);

#endif
