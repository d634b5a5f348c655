#include "src/analysis/breaks.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "src/graph/acyclic.h"
#include "src/graph/cut.h"
#include "src/graph/distances.h"

#define ROLL_UP 3 /* type pairs that share a label before the label alone is proposed */

/* One component as the search for its cut sees it. */
struct piece {
	const uint32_t *members;
	struct rg_graph graph; /* label: the edge in cycles->graph */
	uint32_t entry;
	uint32_t *pattern; /* of each edge: a number within the group */
	uint8_t *dropped; /* of each edge: its pattern is chosen already */
};

/* A group while its breaks are sought. */
struct search {
	struct rg_cycles *cycles;
	struct rg_cycle_group *group;
	uint32_t *local;
	uint32_t *rolled; /* pattern of the group -> number for the cut */
	uint8_t *reluctant, *chosen; /* of each such number */
	uint8_t *shared; /* of each such number: several patterns have it */
	uint32_t n_numbers;
	struct rg_error *err;
};

/* --- rolling up --------------------------------------------------------------------------- */

static bool same_label(const struct rg_pattern *a, const struct rg_pattern *b)
{
	return a->kind == b->kind && strcmp(a->label, b->label) == 0;
}

/*
 * Number the group's patterns for the cut. A label that more than ROLL_UP type pairs share gets
 * one number for all of them: ".parent" on a tree of sixty node classes is one proposal.
 */
static bool roll_up(struct search *search)
{
	const struct rg_cycle_group *group = search->group;
	const struct rg_pattern *rows = search->cycles->patterns.rows;

	search->rolled = rg_array_new(group->n_patterns, sizeof(uint32_t));
	search->reluctant = rg_array_new(group->n_patterns, 1);
	search->chosen = rg_array_new(group->n_patterns, 1);
	search->shared = rg_array_new(group->n_patterns, 1);
	if (!search->rolled || !search->reluctant || !search->chosen || !search->shared)
		return false;
	for (uint32_t i = 0; i < group->n_patterns; i++) {
		const struct rg_pattern *row = &rows[group->patterns[i]];
		uint32_t pairs = 0, first = i;

		for (uint32_t k = group->n_patterns; k-- > 0;)
			if (same_label(row, &rows[group->patterns[k]])) {
				pairs++;
				first = k;
			}
		if (pairs > ROLL_UP && first < i) {
			search->rolled[i] = search->rolled[first];
			search->shared[search->rolled[i]] = 1;
			continue;
		}
		search->rolled[i] = search->n_numbers;
		search->reluctant[search->n_numbers++] = row->reluctant;
	}
	return true;
}

/* The place of a pattern among the group's, which are sorted. */
static uint32_t index_in_group(const struct rg_cycle_group *group, uint32_t pattern)
{
	uint32_t low = 0, high = group->n_patterns;

	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;

		if (group->patterns[middle] <= pattern)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* --- one component ------------------------------------------------------------------------ */

static void close_piece(struct piece *piece)
{
	rg_graph_deinit(&piece->graph);
	free(piece->pattern);
	free(piece->dropped);
}

static enum rg_code open_piece(struct search *search, uint32_t component, struct piece *piece)
{
	struct rg_cycles *cycles = search->cycles;
	enum rg_code code;
	uint32_t n;

	memset(piece, 0, sizeof(*piece));
	piece->members = rg_cycle_members(cycles, component, &n);
	for (uint32_t i = 0; i < n; i++)
		search->local[piece->members[i]] = i;
	piece->entry = search->local[rg_cycle_entry(cycles, component)];
	code = rg_graph_induced(
		&cycles->graph, piece->members, n, search->local, &piece->graph, search->err);
	for (uint32_t i = 0; i < n; i++)
		search->local[piece->members[i]] = RG_NO_ID;
	piece->pattern = code ? NULL : rg_array_new(piece->graph.m, sizeof(uint32_t));
	piece->dropped = code ? NULL : rg_array_new(piece->graph.m, 1);
	if (!code && (!piece->pattern || !piece->dropped))
		code = rg_nomem(search->err);
	for (uint32_t v = 0; !code && v < n; v++)
		for (uint32_t e = piece->graph.offset[v]; e < piece->graph.offset[v + 1]; e++) {
			uint32_t row = rg_graph_label(&cycles->graph, piece->graph.label[e]);
			uint32_t pattern = rg_patterns_of(
				&cycles->patterns, piece->members[v], row);

			piece->pattern[e] = search->rolled[index_in_group(search->group, pattern)];
			piece->dropped[e] = search->chosen[piece->pattern[e]];
		}
	if (code)
		close_piece(piece);
	return code;
}

/* Choose what this component needs beyond what is chosen already. */
static enum rg_code cut_piece(struct search *search, struct piece *piece)
{
	bool acyclic = false;
	struct rg_cut cut;
	enum rg_code code = rg_graph_acyclic(&piece->graph, piece->dropped, &acyclic, search->err);

	if (code || acyclic)
		return code;
	code = rg_cut_init(&cut, &piece->graph, piece->entry, piece->pattern, search->n_numbers,
		search->reluctant, search->err);
	for (uint32_t i = 0; !code && i < cut.count; i++)
		search->chosen[cut.rows[i].pattern] = 1;
	if (!code)
		rg_cut_deinit(&cut);
	return code;
}

/* --- the rows ----------------------------------------------------------------------------- */

static struct rg_cycle_break *row_of(struct search *search, uint32_t number, uint32_t *row_number)
{
	struct rg_cycle_group *group = search->group;

	if (row_number[number] != RG_NO_ID)
		return &group->breaks[row_number[number]];
	row_number[number] = (uint32_t)group->n_breaks;
	return RG_PUSH(group->breaks, group->n_breaks, group->breaks_capacity);
}

/* Count this component's references of the chosen patterns. */
static enum rg_code count_piece(
	struct search *search, const struct piece *piece, uint32_t *row_number)
{
	struct rg_cycles *cycles = search->cycles;
	struct rg_distances distances;
	enum rg_code code = rg_distances_init(
		&distances, &piece->graph, &piece->entry, 1, search->err);

	if (code)
		return code;
	for (uint32_t v = 0; v < piece->graph.n; v++)
		for (uint32_t e = piece->graph.offset[v]; e < piece->graph.offset[v + 1]; e++) {
			bool up = distances.distance[piece->graph.target[e]] <=
				  distances.distance[v];
			bool fresh = row_number[piece->pattern[e]] == RG_NO_ID;
			uint32_t edge = rg_graph_label(&cycles->graph, piece->graph.label[e]);
			struct rg_cycle_break *row;

			if (!search->chosen[piece->pattern[e]])
				continue;
			row = row_of(search, piece->pattern[e], row_number);
			if (!row) {
				rg_distances_deinit(&distances);
				return rg_nomem(search->err);
			}
			if (fresh)
				*row = (struct rg_cycle_break){ 0 };
			if (fresh || (up && row->up == 0)) {
				row->from = piece->members[v];
				row->edge = edge;
				row->rolled = search->shared[piece->pattern[e]];
				row->pattern = rg_patterns_of(&cycles->patterns, row->from, edge);
			}
			row->count++;
			row->up += up;
		}
	rg_distances_deinit(&distances);
	return RG_OK;
}

/* Objects of the component that stay in cycles when one pattern alone is removed. */
static enum rg_code count_leaves(
	struct search *search, const struct piece *piece, const uint32_t *row_number)
{
	struct rg_cycle_group *group = search->group;

	for (uint32_t number = 0; number < search->n_numbers; number++) {
		struct rg_graph rest = { .n = piece->graph.n };
		struct rg_components components;
		enum rg_code code;

		if (row_number[number] == RG_NO_ID || group->n_breaks < 2)
			continue;
		rest.offset = rg_array_new((size_t)rest.n + 1, sizeof(uint32_t));
		rest.target = rg_array_new(piece->graph.m, sizeof(uint32_t));
		if (!rest.offset || !rest.target) {
			rg_graph_deinit(&rest);
			return rg_nomem(search->err);
		}
		for (uint32_t v = 0; v < rest.n; v++) {
			rest.offset[v] = rest.m;
			for (uint32_t e = piece->graph.offset[v]; e < piece->graph.offset[v + 1];
				e++)
				if (piece->pattern[e] != number)
					rest.target[rest.m++] = piece->graph.target[e];
		}
		rest.offset[rest.n] = rest.m;
		code = rg_components_init(&components, &rest, search->err);
		for (uint32_t c = 0; !code && c < components.count; c++)
			if (rg_component_is_cycle(&components, &rest, c))
				group->breaks[row_number[number]].leaves +=
					components.offset[c + 1] - components.offset[c];
		if (!code)
			rg_components_deinit(&components);
		rg_graph_deinit(&rest);
		if (code)
			return code;
	}
	return RG_OK;
}

static int most_upward(const void *a, const void *b)
{
	const struct rg_cycle_break *x = a, *y = b;

	if (x->up != y->up)
		return x->up > y->up ? -1 : 1;
	return (x->pattern > y->pattern) - (x->pattern < y->pattern);
}

/* Over all components of the group, in two rounds: choose, then count. */
static enum rg_code search_group(struct search *search)
{
	struct rg_cycle_group *group = search->group;
	uint32_t *row_number = rg_array_new(group->n_patterns, sizeof(uint32_t));
	enum rg_code code = row_number && roll_up(search) ? RG_OK : rg_nomem(search->err);

	if (!code)
		memset(row_number, 0xff, group->n_patterns * sizeof(uint32_t));
	for (int counting = 0; counting < 2; counting++)
		for (size_t i = 0; !code && i < group->n_components; i++) {
			struct piece piece;

			code = open_piece(search, group->components[i], &piece);
			if (code)
				break;
			if (!counting)
				code = cut_piece(search, &piece);
			else
				code = count_piece(search, &piece, row_number);
			if (!code && counting)
				code = count_leaves(search, &piece, row_number);
			close_piece(&piece);
		}
	if (group->n_breaks)
		qsort(group->breaks, group->n_breaks, sizeof(*group->breaks), most_upward);
	free(row_number);
	return code;
}

enum rg_code rg_breaks_find(struct rg_cycles *cycles, uint32_t *local, struct rg_error *err)
{
	enum rg_code code = RG_OK;

	for (size_t i = 0; !code && i < cycles->n_groups; i++) {
		struct search search = {
			.cycles = cycles, .group = &cycles->groups[i], .local = local, .err = err
		};

		code = search_group(&search);
		free(search.rolled);
		free(search.reluctant);
		free(search.chosen);
		free(search.shared);
	}
	return code;
}
