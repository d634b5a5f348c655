/* Rows that several answers make: of types, generations, chains and objects. */
#ifndef RG_ANSWER_ROWS_H
#define RG_ANSWER_ROWS_H

#include "src/analysis/paths.h"
#include "src/analysis/types.h"
#include "src/answer/common.h"

/* At most LIMIT type rows; shares are of TOTAL bytes. */
void rg_rows_types(struct rg_list *list, const struct rg_heap *heap,
	const struct rg_type_sums *sums, uint64_t total, uint64_t limit, struct rg_arena *arena);

/* A row for each generation that has a member among the N ids. */
void rg_rows_generations(struct rg_list *list, const struct rg_heap *heap, const uint32_t *ids,
	size_t n, bool raw, struct rg_arena *arena);

/* The chain from a root to ID; NULL where no root reaches it. */
struct rg_answer_chain *rg_chain_new(const struct rg_heap *heap, const struct rg_paths *paths,
	uint32_t id, bool raw, struct rg_arena *arena, struct rg_error *err);

/* The chain of COUNT STEPS that starts at ROOT. */
void rg_chain_fill(struct rg_answer_chain *chain, const struct rg_heap *heap,
	const struct rg_heap_root *root, const struct rg_path_step *steps, uint32_t count, bool raw,
	struct rg_arena *arena);

/* The chain of COUNT STEPS that starts at an object, not at a root. */
void rg_chain_between(struct rg_answer_chain *chain, const struct rg_heap *heap,
	const struct rg_path_step *steps, uint32_t count, bool raw, struct rg_arena *arena);

/* A list of the first LIMIT of N objects. */
void rg_rows_objects(struct rg_list *list, const struct rg_heap *heap, const uint32_t *ids,
	uint64_t n, uint64_t limit, bool raw, struct rg_arena *arena);

#endif
