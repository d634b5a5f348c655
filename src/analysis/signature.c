#include "src/analysis/signature.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/hash.h"
#include "src/heap/label.h"

#define STEPS 200 /* of a longer chain those at its start and at its end */

void rg_signer_init(
	struct rg_signer *signer, const struct rg_heap *heap, const struct rg_traits *traits)
{
	*signer = (struct rg_signer){ .heap = heap, .traits = traits };
}

void rg_signer_deinit(struct rg_signer *signer)
{
	rg_arena_deinit(&signer->arena);
}

uint64_t rg_signature_reference(
	struct rg_signer *signer, uint32_t type, uint32_t from, uint32_t edge)
{
	const struct rg_heap *heap = signer->heap;
	const char *label = rg_label_pattern(heap, from, edge, &signer->arena);

	/* of what has no label the kind, by name: a number may change from format to format */
	if (!*label)
		label = rg_kind_table[RG_EDGE_KIND(heap->edge[edge])].name;
	return rg_hash_with(signer->traits->hash[type], label, strlen(label));
}

uint64_t rg_signature_root(const struct rg_heap *heap, const struct rg_heap_root *root)
{
	struct rg_text name = rg_heap_string(heap, root->name);
	struct rg_text label = rg_heap_string(heap, root->label);
	struct rg_text function = { "", 0 };
	uint64_t hash = root->kind;

	if (root->frame < heap->n_frames)
		function = rg_heap_string(heap, heap->frames[root->frame].function);
	hash = rg_hash_with(hash, name.bytes, name.length);
	hash = rg_hash_with(hash, label.bytes, label.length);
	return rg_hash_with(hash, function.bytes, function.length);
}

/* The hashes of COUNT steps, each once, in the order in which they first came. */
static void hash_steps(struct rg_signer *signer, const struct rg_path_step *steps, uint32_t count,
	uint64_t hash, struct rg_signature *signature)
{
	const struct rg_heap *heap = signer->heap;
	uint64_t seen[STEPS];
	uint32_t n = 0, owner = heap->type[steps[0].object];

	for (uint32_t i = 1; i < count; i++) {
		uint64_t step;
		uint32_t k = 0;

		if (count > STEPS && i == STEPS / 2) {
			i = count - STEPS / 2;
			owner = heap->type[steps[i - 1].object];
		}
		if (rg_label_is_dict(heap, steps[i].reference))
			continue;
		step = rg_signature_reference(
			signer, owner, steps[i - 1].object, steps[i].reference);
		owner = heap->type[steps[i].object];
		while (k < n && seen[k] != step)
			k++;
		if (k < n)
			continue;
		seen[n++] = step;
		hash = rg_mix(hash, step);
		if (signature->n_ways < RG_SIGNATURE_WAYS)
			signature->ways[signature->n_ways++] = hash | 1;
		if (rg_label_is_general(heap, steps[i - 1].object, steps[i].reference))
			signature->many = hash | 1;
	}
	signature->whole = hash | 1;
}

uint64_t rg_signature_kind(const char *kind, uint64_t hash)
{
	return rg_mix(rg_hash(kind, strlen(kind)), hash) | 1;
}

enum rg_code rg_signature_chain(struct rg_signer *signer, const struct rg_paths *paths, uint32_t id,
	struct rg_signature *signature_ret, struct rg_error *err)
{
	const struct rg_heap *heap = signer->heap;
	struct rg_path_step *steps;
	uint32_t count;
	enum rg_code code = rg_paths_chain(paths, id, &steps, &count, err);

	*signature_ret = (struct rg_signature){ 0 };
	if (code)
		return code;
	if (!count) {
		signature_ret->whole = rg_signature_kind(
			"held-from-c", signer->traits->hash[heap->type[id]]);
		return RG_OK;
	}
	hash_steps(signer, steps, count,
		rg_signature_root(heap, &heap->roots[paths->root_of[steps[0].object]]),
		signature_ret);
	free(steps);
	return signer->arena.failed ? rg_nomem(err) : RG_OK;
}

bool rg_signature_passes(const struct rg_signature *below, uint64_t above)
{
	for (uint32_t i = 0; i < below->n_ways; i++)
		if (below->ways[i] == above)
			return true;
	return false;
}
