#include "src/analysis/suspects_parts.h"

#include <stdlib.h>

#include "heapdump/base/array.h"
#include "src/heap/fold.h"
#include "src/heap/policy.h"

/* For each component how many references lead into it from outside. */
static uint32_t *count_holders(const struct rg_cycles *cycles)
{
	const struct rg_heap *heap = cycles->heap;
	const uint32_t *of = cycles->components.of;
	uint32_t *holders = rg_array_new(cycles->components.count, sizeof(*holders));

	for (uint32_t id = 0; holders && id < heap->n_objects; id++)
		for (uint32_t e = heap->offset[id]; e < heap->offset[id + 1]; e++) {
			uint32_t to = of[heap->owner[heap->target[e]]];

			if (rg_policy_follows(RG_EDGES_ALL, heap->edge[e]))
				holders[to] += to != of[heap->owner[id]];
		}
	return holders;
}

struct weighing {
	struct rg_suspects *suspects;
	const struct rg_cycles *cycles;
	const uint32_t *holders;
	const struct rg_new_cycle **appeared; /* of each group how it grew, or NULL */
	struct rg_bitset claimed; /* dead objects that were counted */
	uint32_t *stack;
	uint32_t n_stack;
	size_t stack_capacity;
};

/* The bytes of what hangs on the dead ID, and was counted with nothing else. */
static bool add_hanging(struct weighing *weighing, uint32_t id, struct rg_suspect *row)
{
	const struct rg_graph *graph = &weighing->cycles->graph;

	for (;;) {
		for (uint32_t e = graph->offset[id]; e < graph->offset[id + 1]; e++) {
			if (!rg_bitset_add(&weighing->claimed, graph->target[e]))
				continue;
			if (!rg_array_reserve(&weighing->stack, &weighing->stack_capacity,
				    (size_t)weighing->n_stack + 1, sizeof(uint32_t)))
				return false;
			weighing->stack[weighing->n_stack++] = graph->target[e];
			row->bytes += rg_heap_footprint(
				weighing->suspects->heap, graph->target[e], weighing->cycles->raw);
			row->objects++;
		}
		if (!weighing->n_stack)
			return true;
		id = weighing->stack[--weighing->n_stack];
	}
}

static bool in_set(const struct weighing *weighing, const struct rg_bitset *set, size_t group)
{
	return rg_bitset_get(set, weighing->cycles->groups[group].entry);
}

static enum rg_cause cause_of_garbage(const struct weighing *weighing, size_t group)
{
	const struct rg_garbage *garbage = &weighing->cycles->garbage;

	if (in_set(weighing, &garbage->hidden, group))
		return RG_CAUSE_HIDDEN;
	if (in_set(weighing, &garbage->uncollectable, group))
		return RG_CAUSE_UNCOLLECTABLE;
	if (!weighing->suspects->collecting)
		return RG_CAUSE_DISABLED;
	return weighing->cycles->groups[group].finalizers ? RG_CAUSE_FINALIZER : RG_CAUSE_GARBAGE;
}

/* The type of the program's own that a cycle of GROUP has, or the type of its entry. */
static uint32_t main_type_of(const struct weighing *weighing, size_t group, bool *own_ret)
{
	const struct rg_suspects *suspects = weighing->suspects;
	const struct rg_cycle_group *row = &weighing->cycles->groups[group];
	uint32_t n;
	const uint32_t *members = rg_cycle_members(weighing->cycles, row->component, &n);

	*own_ret = true;
	for (uint32_t i = 0; i < n; i++)
		if (suspects->traits.own[suspects->heap->type[members[i]]])
			return suspects->heap->type[members[i]];
	*own_ret = false;
	return suspects->heap->type[row->entry];
}

/* Whether one reference keeps each of most of the group's cycles alive. */
static bool has_one_holder(const struct weighing *weighing, const struct rg_cycle_group *group)
{
	size_t single = 0;

	for (size_t i = 0; i < group->n_components; i++)
		single += weighing->holders[group->components[i]] == 1;
	return 2 * single > group->n_components;
}

/* Count what hangs on the members, which themselves are claimed already. */
static enum rg_code weigh_garbage(
	struct weighing *weighing, size_t group, struct rg_suspect *row, struct rg_error *err)
{
	const struct rg_cycle_group *from = &weighing->cycles->groups[group];

	for (size_t i = 0; i < from->n_components; i++) {
		uint32_t n;
		const uint32_t *members = rg_cycle_members(
			weighing->cycles, from->components[i], &n);

		for (uint32_t k = 0; k < n; k++)
			if (!add_hanging(weighing, members[k], row))
				return rg_nomem(err);
	}
	return RG_OK;
}

/* A few cycles more are none: they come and go. */
static void note_growth(struct rg_suspect *row, const struct rg_new_cycle *appeared)
{
	int64_t more = appeared ? (int64_t)(appeared->after - appeared->before) : 0;
	int64_t bytes = appeared ? (int64_t)(appeared->size_after - appeared->size_before) : 0;

	if (more < RG_SUSPECT_GROWN && bytes < RG_SUSPECT_GROWN_BYTES)
		return;
	row->more = more;
	row->more_bytes = bytes;
}

static enum rg_code add_group(struct weighing *weighing, size_t group, struct rg_error *err)
{
	struct rg_suspects *suspects = weighing->suspects;
	const struct rg_cycle_group *from = &weighing->cycles->groups[group];
	bool own,
		dead = from->garbage || in_set(weighing, &weighing->cycles->garbage.hidden, group);
	struct rg_suspect row = { .kind = dead ? RG_SUSPECT_GARBAGE : RG_SUSPECT_CYCLE,
		.cause = dead ? cause_of_garbage(weighing, group) : RG_CAUSE_CYCLE,
		.signature.whole = from->signature,
		.bytes = from->size_all,
		.objects = from->objects_all,
		.count = from->alike,
		.type = main_type_of(weighing, group, &own),
		.example = from->entry,
		.container = RG_NO_ID,
		.cycle = group };
	enum rg_code code = RG_OK;

	if (!dead && (!own || (!suspects->all_cycles && !has_one_holder(weighing, from))))
		return RG_OK;
	if (dead)
		code = weigh_garbage(weighing, group, &row, err);
	row.weight = (double)row.bytes * rg_causes[row.cause].weight *
		     (own ? 1 : RG_SUSPECT_PYTHONS);
	note_growth(&row, weighing->appeared[group]);
	return code ? code : rg_suspects_add(suspects, &row, err);
}

/* Note the cycles' members: of which group each is, and that what is dead is counted. */
static void note_members(struct weighing *weighing)
{
	const struct rg_cycles *cycles = weighing->cycles;

	for (size_t g = 0; g < cycles->n_groups; g++)
		for (size_t i = 0; i < cycles->groups[g].n_components; i++) {
			uint32_t n;
			const uint32_t *members = rg_cycle_members(
				cycles, cycles->groups[g].components[i], &n);

			for (uint32_t k = 0; k < n; k++) {
				weighing->suspects->cycle_of[members[k]] = (uint32_t)g + 1;
				rg_bitset_set(&weighing->claimed, members[k]);
			}
		}
}

enum rg_code rg_suspects_add_cycles(struct rg_suspects *suspects, const struct rg_cycles *cycles,
	const struct rg_new_cycles *appeared, struct rg_error *err)
{
	uint32_t *holders = count_holders(cycles);
	const struct rg_new_cycle **appeared_of = rg_array_new(
		cycles->n_groups, sizeof(*appeared_of));
	struct weighing weighing = {
		.suspects = suspects, .cycles = cycles, .holders = holders, .appeared = appeared_of
	};
	enum rg_code code = rg_bitset_init(&weighing.claimed, suspects->heap->n_objects, err);

	if (!code && (!holders || !appeared_of))
		code = rg_nomem(err);
	for (size_t i = 0; !code && appeared && i < appeared->count; i++)
		appeared_of[appeared->rows[i].group] = &appeared->rows[i];
	if (!code)
		note_members(&weighing);
	for (size_t g = 0; !code && g < cycles->n_groups; g++)
		code = add_group(&weighing, g, err);
	free(holders);
	free(appeared_of);
	free(weighing.stack);
	rg_bitset_deinit(&weighing.claimed);
	return code;
}
