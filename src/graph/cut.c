#include "src/graph/cut.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "src/graph/acyclic.h"
#include "src/graph/components.h"
#include "src/graph/distances.h"
#include "heapdump/base/pages.h"

#define SINGLE_TRIALS 64 /* reluctant patterns tried as the only one */

/* The work on one cut: a set of patterns that shrinks to the answer. */
struct work {
	const struct rg_graph *graph;
	const uint32_t *pattern; /* m */
	const uint8_t *reluctant; /* n_patterns */
	uint32_t n_patterns, trials;
	struct rg_cut_row *tally; /* n_patterns: edges, up and example of each */
	uint8_t *chosen; /* n_patterns: nonzero = to be removed */
	uint32_t *order; /* n_patterns: the chosen, the first to be given back first */
	uint32_t n_order;
	uint8_t *dropped; /* m: scratch */
};

static void work_deinit(struct work *w)
{
	free(w->tally);
	free(w->chosen);
	free(w->order);
	free(w->dropped);
}

static enum rg_code work_init(struct work *w, struct rg_error *err)
{
	w->tally = rg_array_new(w->n_patterns, sizeof(*w->tally));
	w->chosen = rg_array_new(w->n_patterns, sizeof(*w->chosen));
	w->order = rg_array_new(w->n_patterns, sizeof(*w->order));
	w->dropped = rg_pages_new(w->graph->m, sizeof(*w->dropped));
	if (w->tally && w->chosen && w->order && w->dropped)
		return RG_OK;
	work_deinit(w);
	return rg_nomem(err);
}

/* Count one edge of ROW's pattern. */
static void tally_edge(struct rg_cut_row *row, uint32_t edge, bool up)
{
	if (!row->edges || (up && !row->up))
		row->example = edge;
	row->edges++;
	row->up += up;
}

/* Count the edges of each pattern, and those of them that point up seen from ENTRY. */
static enum rg_code tally_all(struct work *w, uint32_t entry, struct rg_error *err)
{
	const struct rg_graph *graph = w->graph;
	struct rg_distances d;
	enum rg_code code = rg_distances_init(&d, graph, &entry, 1, err);

	if (code != RG_OK)
		return code;
	for (uint32_t p = 0; p < w->n_patterns; p++)
		w->tally[p].pattern = p;
	for (uint32_t v = 0; v < graph->n; v++)
		for (uint32_t e = graph->offset[v]; e < graph->offset[v + 1]; e++)
			tally_edge(&w->tally[w->pattern[e]], e,
				d.distance[graph->target[e]] <= d.distance[v]);
	rg_distances_deinit(&d);
	return RG_OK;
}

/* Whether no cycle is left without the chosen patterns. */
static enum rg_code try_chosen(struct work *w, bool *acyclic_ret, struct rg_error *err)
{
	w->trials++;
	for (uint32_t e = 0; e < w->graph->m; e++)
		w->dropped[e] = w->chosen[w->pattern[e]];
	return rg_graph_acyclic(w->graph, w->dropped, acyclic_ret, err);
}

enum choice {
	UPWARD, /* every pattern with an edge that points up: always enough */
	EAGER_UPWARD, /* of them, those that are not reluctant */
	EAGER, /* every pattern that is not reluctant */
	EAGER_OR_UPWARD, /* both: always enough, and leaves the most to give back */
};

static bool in_choice(const struct rg_cut_row *row, bool reluctant, enum choice choice)
{
	switch (choice) {
	case UPWARD:
		return row->up;
	case EAGER_UPWARD:
		return row->up && !reluctant;
	case EAGER:
		return row->edges && !reluctant;
	case EAGER_OR_UPWARD:
		return row->edges && (!reluctant || row->up);
	}
	return false;
}

/* Choose by CHOICE; whether a reluctant pattern is among the chosen. */
static bool choose(struct work *w, enum choice choice)
{
	bool any = false;

	for (uint32_t p = 0; p < w->n_patterns; p++) {
		w->chosen[p] = in_choice(&w->tally[p], w->reluctant[p], choice);
		any |= w->chosen[p] && w->reluctant[p];
	}
	return any;
}

/*
 * Look for one reluctant pattern that is enough beside all that are not. Giving back finds a set
 * of which none can be left out, which may still be larger than another; one is never too many.
 */
static enum rg_code choose_single(struct work *w, bool *found_ret, struct rg_error *err)
{
	uint32_t tried = 0;

	choose(w, EAGER);
	for (uint32_t p = 0; p < w->n_patterns && tried < SINGLE_TRIALS; p++) {
		enum rg_code code;

		if (!w->reluctant[p] || !w->tally[p].edges)
			continue;
		w->chosen[p] = true;
		code = try_chosen(w, found_ret, err);
		if (code != RG_OK || *found_ret)
			return code;
		w->chosen[p] = false;
		tried++;
	}
	*found_ret = false;
	return RG_OK;
}

/* Start from patterns that are enough, with reluctant ones only where there is no way without. */
static enum rg_code choose_start(struct work *w, struct rg_error *err)
{
	static const enum choice without[] = { EAGER_UPWARD, EAGER };
	enum rg_code code;
	bool enough = false;

	if (!choose(w, UPWARD))
		return RG_OK;
	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++) {
		choose(w, without[i]);
		code = try_chosen(w, &enough, err);
		if (code != RG_OK || enough)
			return code;
	}
	code = choose_single(w, &enough, err);
	if (code == RG_OK && !enough)
		choose(w, EAGER_OR_UPWARD);
	return code;
}

/* Which is given back first: reluctant, least upward share, most references, number. */
static int compare_give(const void *a, const void *b, void *arg)
{
	const struct work *w = arg;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	const struct rg_cut_row *l = &w->tally[left], *r = &w->tally[right];
	bool l_slow = w->reluctant[left], r_slow = w->reluctant[right];
	uint64_t l_share = (uint64_t)l->up * r->edges, r_share = (uint64_t)r->up * l->edges;

	if (l_slow != r_slow)
		return r_slow - l_slow;
	if (l_share != r_share)
		return l_share < r_share ? -1 : 1;
	if (l->edges != r->edges)
		return l->edges > r->edges ? -1 : 1;
	return (left > right) - (left < right);
}

static void list_chosen(struct work *w)
{
	w->n_order = 0;
	for (uint32_t p = 0; p < w->n_patterns; p++)
		if (w->chosen[p])
			w->order[w->n_order++] = p;
	qsort_r(w->order, w->n_order, sizeof(*w->order), compare_give, w);
}

/* Mark the patterns order[first .. end - 1] as chosen or given back. */
static void mark(struct work *w, uint32_t first, uint32_t end, bool chosen)
{
	for (uint32_t i = first; i < end; i++)
		w->chosen[w->order[i]] = chosen;
}

/*
 * Give back each chosen pattern that can stay without a cycle. While there are more of them than
 * trials left, whole groups are tried at once, growing with success: what a group may, each of
 * its members may, so the outcome is that of one by one.
 */
static enum rg_code give_back(struct work *w, struct rg_error *err)
{
	uint32_t at = 0, group = 1;

	list_chosen(w);
	while (at < w->n_order && w->trials < RG_CUT_TRIALS) {
		uint32_t left = w->n_order - at;
		enum rg_code code;
		bool acyclic;

		if (left <= RG_CUT_TRIALS - w->trials)
			group = 1;
		if (group > left)
			group = left;
		mark(w, at, at + group, false);
		code = try_chosen(w, &acyclic, err);
		if (code != RG_OK)
			return code;
		if (acyclic) {
			at += group;
			group *= 2;
			continue;
		}
		mark(w, at, at + group, true);
		at += group == 1;
		group = group > 1 ? group / 2 : 1;
	}
	return RG_OK;
}

/* Vertices in cycles of GRAPH. */
static enum rg_code count_cyclic(
	const struct rg_graph *graph, uint32_t *count_ret, struct rg_error *err)
{
	struct rg_components c;
	uint32_t count = 0;

	if (rg_components_init(&c, graph, err) != RG_OK)
		return RG_NOMEM;
	for (uint32_t i = 0; i < c.count; i++)
		if (rg_component_is_cycle(&c, graph, i))
			count += c.offset[i + 1] - c.offset[i];
	rg_components_deinit(&c);
	*count_ret = count;
	return RG_OK;
}

/* In REST, whose arrays have room for it, the graph without the edges of PATTERN. */
static void leave_out(const struct work *w, uint32_t pattern, struct rg_graph *rest)
{
	rest->m = 0;
	for (uint32_t v = 0; v < w->graph->n; v++) {
		for (uint32_t e = w->graph->offset[v]; e < w->graph->offset[v + 1]; e++)
			if (w->pattern[e] != pattern)
				rest->target[rest->m++] = w->graph->target[e];
		rest->offset[v + 1] = rest->m;
	}
}

/* Fill `leaves` of the rows; the one row of a cut leaves nothing, by what a cut is. */
static enum rg_code fill_leaves(const struct work *w, struct rg_cut *cut, struct rg_error *err)
{
	struct rg_graph rest = { .n = w->graph->n };
	enum rg_code code = RG_OK;

	if (cut->count <= 1)
		return RG_OK;
	rest.offset = rg_pages_new((size_t)rest.n + 1, sizeof(uint32_t));
	rest.target = rg_pages_new(w->graph->m, sizeof(uint32_t));
	if (!rest.offset || !rest.target)
		code = rg_nomem(err);
	for (uint32_t i = 0; i < cut->count && code == RG_OK; i++) {
		cut->rows[i].leaves = RG_CUT_UNKNOWN;
		if (i >= RG_CUT_TRIALS)
			continue;
		leave_out(w, cut->rows[i].pattern, &rest);
		code = count_cyclic(&rest, &cut->rows[i].leaves, err);
	}
	rg_graph_deinit(&rest);
	return code;
}

static int compare_rows(const void *a, const void *b)
{
	const struct rg_cut_row *l = a, *r = b;

	if (l->up != r->up)
		return l->up > r->up ? -1 : 1;
	return (l->pattern > r->pattern) - (l->pattern < r->pattern);
}

/* The chosen patterns as rows. */
static enum rg_code fill_rows(const struct work *w, struct rg_cut *cut, struct rg_error *err)
{
	uint32_t count = 0;

	for (uint32_t p = 0; p < w->n_patterns; p++)
		count += w->chosen[p];
	cut->rows = rg_array_new(count, sizeof(*cut->rows));
	if (!cut->rows)
		return rg_nomem(err);
	for (uint32_t p = 0; p < w->n_patterns; p++)
		if (w->chosen[p])
			cut->rows[cut->count++] = w->tally[p];
	qsort(cut->rows, cut->count, sizeof(*cut->rows), compare_rows);
	return fill_leaves(w, cut, err);
}

enum rg_code rg_cut_init(struct rg_cut *cut, const struct rg_graph *graph, uint32_t entry,
	const uint32_t *pattern, uint32_t n_patterns, const uint8_t *reluctant,
	struct rg_error *err)
{
	struct work w = { .graph = graph, .pattern = pattern, .reluctant = reluctant };
	enum rg_code code;

	*cut = (struct rg_cut){ 0 };
	w.n_patterns = n_patterns;
	code = work_init(&w, err);
	if (code != RG_OK)
		return code;
	code = tally_all(&w, entry, err);
	if (code == RG_OK)
		code = choose_start(&w, err);
	if (code == RG_OK)
		code = give_back(&w, err);
	if (code == RG_OK)
		code = fill_rows(&w, cut, err);
	if (code != RG_OK)
		rg_cut_deinit(cut);
	work_deinit(&w);
	return code;
}

void rg_cut_deinit(struct rg_cut *cut)
{
	free(cut->rows);
	*cut = (struct rg_cut){ 0 };
}
