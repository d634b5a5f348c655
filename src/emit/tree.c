#include "src/emit/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/base/arena.h"
#include "src/emit/escape.h"
#include "src/emit/lines.h"

#define LABEL_COLUMNS 40
#define TITLE_COLUMNS 60
#define FACTS_COLUMNS 60

#define NONE UINT32_MAX
#define UNSEEN UINT32_MAX
#define START (UINT32_MAX - 1)
#define STARTED (UINT32_MAX - 2)

struct printing {
	const struct rg_picture *picture;
	const struct rg_tree_style *style;
	struct rg_arena arena;
	struct libscols_table *table;
	uint32_t *first, *next; /* edges by the node they start from, as lists */
	uint32_t *last, *before; /* the same backwards */
	uint32_t *via; /* the edge by which a node is shown in full, UNSEEN or START */
	bool has_numbers;
	bool failed;
};

/* One edge that waits to be printed. */
struct step {
	uint32_t edge;
	struct libscols_line *parent;
};

static const char *plain(struct printing *p, const char *text, unsigned columns)
{
	return text ? rg_escape_display(&p->arena, text, strlen(text), columns) : "";
}

/* "['u:81'] → Session  48 B": the reference, then what it leads to. */
static const char *line_text(struct printing *p, const struct rg_picture_edge *edge,
	const struct rg_picture_node *node, bool again)
{
	const char *label = edge ? plain(p, edge->label, LABEL_COLUMNS) : "";
	const char *arrow = p->style->back ? " ← " : " → ";

	return rg_arena_print(&p->arena, "%s%s%s%s%s%s%s%s%s", label, *label ? arrow : "",
		node->highlighted ? "★ " : "", plain(p, node->title, TITLE_COLUMNS),
		node->facts && *node->facts && !again ? "  " : "",
		again ? "" : plain(p, node->facts, FACTS_COLUMNS), again ? "  (again)" : "",
		edge && edge->weak ? "  (weak)" : "", edge && edge->cut ? "  ✂" : "");
}

static struct libscols_line *add_line(struct printing *p, const struct rg_picture_edge *edge,
	uint32_t row, struct libscols_line *parent, bool again)
{
	const struct rg_picture_node *node = &p->picture->nodes[row];
	struct libscols_line *line = scols_table_new_line(p->table, parent);
	const char *text = line_text(p, edge, node, again);

	if (p->style->ascii)
		text = rg_escape_ascii(&p->arena, text);
	if (!line || scols_line_set_data(line, 0, text))
		p->failed = true;
	else if (p->has_numbers && node->object != RG_PICTURE_NO_OBJECT &&
		 scols_line_set_data(line, 1, rg_arena_print(&p->arena, "@%" PRIu32, node->object)))
		p->failed = true;
	return line;
}

static uint32_t start_of(const struct printing *p, uint32_t edge)
{
	const struct rg_picture_edge *row = &p->picture->edges[edge];

	return p->style->back ? row->to : row->from;
}

static uint32_t end_of(const struct printing *p, uint32_t edge)
{
	const struct rg_picture_edge *row = &p->picture->edges[edge];

	return p->style->back ? row->from : row->to;
}

/* Each node's edge by which a tree shows it in full: the one nearest what was asked about. */
static void choose_edges(
	struct printing *p, const uint32_t *starts, uint32_t n_starts, uint32_t *queue)
{
	uint32_t head = 0, tail = 0;

	for (uint32_t i = 0; i < n_starts; i++) {
		if (p->via[starts[i]] != UNSEEN)
			continue;
		p->via[starts[i]] = START;
		queue[tail++] = starts[i];
		while (head < tail) {
			uint32_t row = queue[head++];

			for (uint32_t e = p->first[row]; e != NONE; e = p->next[e])
				if (p->via[end_of(p, e)] == UNSEEN) {
					p->via[end_of(p, e)] = e;
					queue[tail++] = end_of(p, e);
				}
		}
	}
}

/* The tree from ROW on, depth first; what waits is on a stack of its own. */
static void add_tree(struct printing *p, uint32_t row, struct step *stack)
{
	struct libscols_line *line = add_line(p, NULL, row, NULL, false);
	uint32_t n = 0;

	for (uint32_t e = p->last[row]; e != NONE; e = p->before[e])
		stack[n++] = (struct step){ e, line };
	while (n > 0 && !p->failed) {
		struct step step = stack[--n];
		uint32_t to = end_of(p, step.edge);
		bool again = p->via[to] != step.edge;

		line = add_line(p, &p->picture->edges[step.edge], to, step.parent, again);
		for (uint32_t e = again ? NONE : p->last[to]; e != NONE; e = p->before[e])
			stack[n++] = (struct step){ e, line };
	}
}

/* The edges of each node as two lists: in their order, and backwards. */
static void list_edges(struct printing *p)
{
	uint32_t m = p->picture->n_edges;

	for (uint32_t e = 0; e < m; e++) {
		uint32_t row = start_of(p, e);

		p->before[e] = p->last[row];
		p->last[row] = e;
	}
	for (uint32_t e = m; e-- > 0;) {
		uint32_t row = start_of(p, e);

		p->next[e] = p->first[row];
		p->first[row] = e;
	}
}

/* What the trees start from: what was asked about, or else the roots; then all others. */
static uint32_t choose_starts(struct printing *p, uint32_t *starts)
{
	const struct rg_picture *picture = p->picture;
	uint32_t n = 0;

	for (uint32_t i = 0; i < picture->n_nodes; i++)
		if (p->style->from_roots ? picture->nodes[i].kind == RG_PICTURE_ROOT
					 : picture->nodes[i].asked)
			starts[n++] = i;
	for (uint32_t i = 0; i < picture->n_nodes; i++)
		starts[n++] = i;
	return n;
}

static void add_trees(struct printing *p)
{
	const struct rg_picture *picture = p->picture;
	uint32_t n = picture->n_nodes, m = picture->n_edges;
	uint32_t *rows = rg_arena_new(&p->arena, 5 * (size_t)n + 2 * (size_t)m, sizeof(*rows));
	struct step *stack = rg_arena_new(&p->arena, m + 1, sizeof(*stack));
	uint32_t *starts = rg_arena_new(&p->arena, 2 * (size_t)n, sizeof(*starts)), n_starts;

	if (p->arena.failed)
		return;
	memset(rows, 0xff, (5 * (size_t)n + 2 * (size_t)m) * sizeof(*rows));
	p->first = rows;
	p->last = rows + n;
	p->via = rows + 2 * (size_t)n;
	p->next = rows + 4 * (size_t)n;
	p->before = p->next + m;
	list_edges(p);
	n_starts = choose_starts(p, starts);
	choose_edges(p, starts, n_starts, rows + 3 * (size_t)n);
	for (uint32_t i = 0; i < n_starts; i++)
		if (p->via[starts[i]] == START) {
			p->via[starts[i]] = STARTED;
			add_tree(p, starts[i], stack);
		}
}

static bool has_numbers(const struct rg_picture *picture)
{
	for (uint32_t i = 0; i < picture->n_nodes; i++)
		if (picture->nodes[i].object != RG_PICTURE_NO_OBJECT)
			return true;
	return false;
}

enum rg_code rg_tree_print(const struct rg_picture *picture, const struct rg_tree_style *style,
	FILE *out, struct rg_error *err)
{
	struct printing p = { .picture = picture, .style = style, .table = scols_new_table() };
	bool done = false;

	errno = 0;
	p.has_numbers = !style->stable && has_numbers(picture);
	if (p.table && scols_table_new_column(p.table, "", 0.9, SCOLS_FL_TREE | SCOLS_FL_TRUNC) &&
		(!p.has_numbers || scols_table_new_column(p.table, "", 8, SCOLS_FL_RIGHT))) {
		/* the cells are escaped already */
		scols_table_enable_noencoding(p.table, 1);
		scols_table_enable_noheadings(p.table, 1);
		scols_table_set_termforce(p.table, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(p.table, style->width);
		p.failed = scols_table_set_column_separator(p.table, "  ") != 0;
		add_trees(&p);
		done = !p.failed && !p.arena.failed &&
		       (scols_table_is_empty(p.table) || rg_lines_print(p.table, "", out));
	}
	scols_unref_table(p.table);
	rg_arena_deinit(&p.arena);
	return done ? RG_OK : rg_nomem(err);
}
