#include "src/emit/dot.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <graphviz/cgraph.h>

#include "heapdump/base/arena.h"
#include "src/emit/escape.h"

/* Okabe and Ito's colours, the yellow darkened; every meaning has a shape or a word as well. */
#define BLUE "#0072B2"
#define ORANGE "#D55E00"
#define YELLOW "#B07900"
#define BROWN "#8a3c00"
#define INK "#1b1f24"
#define SLATE "#57606a"
#define GREY "#8c959f"
#define PINK "#f7e3ef"

#define BLANK "\xc2\xa0"
#define FONT "Helvetica,Arial,sans-serif"

/* The widest texts of a drawing, in columns. */
enum {
	TITLE_COLUMNS = 40,
	FACTS_COLUMNS = 60,
	LABEL_COLUMNS = 40,
	CAPTION_COLUMNS = 80,
	HEADING_COLUMNS = 120,
	NAME_COLUMNS = 60,
	TOOLTIP_COLUMNS = 400,
};

struct attribute {
	int kind;
	const char *name, *value;
};

/* The defaults; cgraph wants every attribute declared before an object gets one. */
static const struct attribute defaults[] = {
	{ AGRAPH, "rankdir", "TB" },
	{ AGRAPH, "bgcolor", "#ffffff" },
	{ AGRAPH, "fontname", FONT },
	{ AGRAPH, "fontsize", "10" },
	{ AGRAPH, "fontcolor", SLATE },
	{ AGRAPH, "nodesep", ".30" },
	{ AGRAPH, "ranksep", ".42" },
	{ AGRAPH, "newrank", "true" },
	{ AGRAPH, "ordering", "out" },
	{ AGRAPH, "outputorder", "edgesfirst" },
	{ AGRAPH, "pad", ".2" },
	{ AGRAPH, "labelloc", "t" },
	{ AGRAPH, "labeljust", "l" },
	{ AGRAPH, "linelength", "0" },
	{ AGRAPH, "label", "" },
	{ AGRAPH, "id", "" },
	{ AGRAPH, "style", "" },
	{ AGRAPH, "color", "" },
	{ AGRAPH, "fillcolor", "" },
	{ AGRAPH, "penwidth", "" },
	{ AGRAPH, "margin", "" },
	{ AGRAPH, "tooltip", "" },

	{ AGNODE, "shape", "box" },
	{ AGNODE, "style", "filled,rounded" },
	{ AGNODE, "fontname", FONT },
	{ AGNODE, "fontsize", "10" },
	{ AGNODE, "margin", "0.12,0.07" },
	{ AGNODE, "height", ".1" },
	{ AGNODE, "color", SLATE },
	{ AGNODE, "fillcolor", "#f6f8fa" },
	{ AGNODE, "fontcolor", INK },
	{ AGNODE, "penwidth", "1" },
	{ AGNODE, "id", "" },
	{ AGNODE, "label", "" },
	{ AGNODE, "tooltip", "" },

	{ AGEDGE, "fontname", FONT },
	{ AGEDGE, "fontsize", "9" },
	{ AGEDGE, "fontcolor", "#424a53" },
	{ AGEDGE, "color", SLATE },
	{ AGEDGE, "arrowsize", ".7" },
	{ AGEDGE, "penwidth", "1" },
	{ AGEDGE, "style", "" },
	{ AGEDGE, "id", "" },
	{ AGEDGE, "label", "" },
	{ AGEDGE, "tooltip", "" },
};

static const struct attribute simple_defaults[] = {
	{ AGRAPH, "splines", "polyline" },
	{ AGRAPH, "nslimit", "1" },
	{ AGRAPH, "nslimit1", "1" },
	{ AGRAPH, "mclimit", ".3" },
	{ AGEDGE, "xlabel", "" },
};

static const struct attribute cluster_attributes[] = {
	{ AGRAPH, "labelloc", "b" },
	{ AGRAPH, "labeljust", "l" },
	{ AGRAPH, "fontsize", "9" },
	{ AGRAPH, "style", "rounded,filled" },
	{ AGRAPH, "color", ORANGE },
	{ AGRAPH, "penwidth", "1.4" },
	{ AGRAPH, "fillcolor", "#fff4ec" },
	{ AGRAPH, "fontcolor", BROWN },
	{ AGRAPH, "margin", "14" },
};

/* How a kind of node looks; NULL is the default. */
static const struct look {
	const char *shape, *style, *fill, *border, *margin;
} looks[] = {
	[RG_PICTURE_ORDINARY] = { NULL, NULL, NULL, NULL, NULL },
	[RG_PICTURE_CONTAINER] = { NULL, NULL, "#fdf3dc", YELLOW, NULL },
	[RG_PICTURE_ROOT] = { "house", "filled", "#dbe9f6", BLUE, "0.04,0.02" },
	[RG_PICTURE_AGGREGATE] = { "box3d", "filled", "#eaeef2", NULL, "0.16,0.10" },
	[RG_PICTURE_REST] = { NULL, "filled,rounded,dashed", "#ffffff", GREY, NULL },
};

/* How what changed looks, over the look of its kind; the glyph says what the colour does. */
static const struct change {
	const char *glyph, *fill, *border, *width, *ink;
	bool dashed;
} changes[] = {
	[RG_PICTURE_NO_CHANGE] = { "", NULL, NULL, NULL, SLATE, false },
	[RG_PICTURE_GROWN] = { "▲ ", "#fff4ec", ORANGE, "2.2", BROWN, false },
	[RG_PICTURE_FREED] = { "▼ ", "#eef6fc", BLUE, NULL, "#005a8c", true },
};

struct builder {
	const struct rg_picture *picture;
	enum rg_dot_form form;
	struct rg_arena *arena;
	Agraph_t *graph;
	Agraph_t **clusters;
	Agnode_t **nodes;
};

/* Set an attribute of a graph, node or edge; cgraph copies VALUE and means const. */
static void set(void *object, const char *name, const char *value)
{
	if (value)
		agset(object, (char *)name, (char *)value);
}

static void set_tooltip(struct builder *b, void *object, const char *text)
{
	if (text && *text)
		set(object, "tooltip",
			rg_escape_dot_tooltip(b->arena, text, strlen(text), TOOLTIP_COLUMNS));
}

static void set_id(struct builder *b, void *object, const char *prefix, uint32_t row)
{
	set(object, "id", rg_arena_print(b->arena, "%s%" PRIu32, prefix, row));
}

/*
 * An HTML-like label of the graph. cgraph keeps one copy of equal strings, HTML or not: MARKUP has
 * a newline, which no plain label can have, and so cannot be taken for one.
 */
static char *html(struct builder *b, const char *markup)
{
	return agstrdup_html(b->graph, (char *)markup);
}

static const char *label_text(struct builder *b, const char *text, unsigned columns)
{
	return rg_escape_xml_label(b->arena, text, strlen(text), columns);
}

/* A line of the picture's heading, or "" where there is nothing to say. */
static const char *heading_line(
	struct builder *b, const char *before, const char *text, const char *after)
{
	if (!text || !*text)
		return "";
	return rg_arena_print(b->arena, "%s%s%s<BR ALIGN=\"LEFT\"/>\n", before,
		label_text(b, text, HEADING_COLUMNS), after);
}

static const char *heading(struct builder *b)
{
	const char *title = heading_line(b, "<FONT POINT-SIZE=\"13\" COLOR=\"" INK "\"><B>",
		b->picture->title, "</B></FONT>");
	const char *subtitle = heading_line(b, "", b->picture->subtitle, "");
	const char *legend = heading_line(
		b, "<FONT POINT-SIZE=\"8\">", b->picture->legend, "</FONT>");

	/* the blank is a line that keeps the heading off the drawing */
	return rg_arena_print(b->arena, "%s%s%s \n", title, subtitle, legend);
}

static void declare(struct builder *b, const struct attribute *attributes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		agattr(b->graph, attributes[i].kind, (char *)attributes[i].name,
			(char *)attributes[i].value);
}

/*
 * Number objects in the order they are made. cgraph itself takes the address of a name for a
 * number and orders subgraphs by it: neither the text nor the layout would come out the same
 * twice. To decline a name makes cgraph keep it itself, of which agclose forgets 48 bytes a name;
 * odd numbers are not taken for addresses.
 */
static long number(void *state, int kind, char *name, IDTYPE *number_ret, int create)
{
	static IDTYPE next = 1;

	(void)state;
	(void)kind;
	if (name || !create)
		return false;
	*number_ret = next;
	next += 2;
	return true;
}

static Agdisc_t *discipline(void)
{
	static Agiddisc_t numbers;
	static Agdisc_t all;

	numbers = AgIdDisc;
	numbers.map = number;
	all = AgDefaultDisc;
	all.id = &numbers;
	return &all;
}

static bool open_graph(struct builder *b)
{
	const char *name = b->picture->name ? b->picture->name : "";

	name = rg_escape_dot(b->arena, name, strlen(name), NAME_COLUMNS);
	b->graph = agopen((char *)name, Agdirected, discipline());
	if (!b->graph)
		return false;
	declare(b, defaults, sizeof(defaults) / sizeof(*defaults));
	if (b->form == RG_DOT_SIMPLE)
		declare(b, simple_defaults, sizeof(simple_defaults) / sizeof(*simple_defaults));
	agattr(b->graph, AGRAPH, "label", html(b, heading(b)));
	if (b->picture->sideways)
		agattr(b->graph, AGRAPH, "rankdir", "LR");
	return true;
}

static bool add_cluster(struct builder *b, uint32_t row)
{
	const struct rg_picture_cluster *cluster = &b->picture->clusters[row];
	const char *name = rg_arena_print(b->arena, "cluster_%" PRIu32, row);
	const char *caption = cluster->caption ? cluster->caption : "";
	Agraph_t *subgraph = agsubg(b->graph, (char *)name, true);

	if (!subgraph)
		return false;
	for (size_t i = 0; i < sizeof(cluster_attributes) / sizeof(*cluster_attributes); i++)
		set(subgraph, cluster_attributes[i].name, cluster_attributes[i].value);
	set(subgraph, "id", name);
	set(subgraph, "label", rg_escape_dot(b->arena, caption, strlen(caption), CAPTION_COLUMNS));
	set_tooltip(b, subgraph, cluster->tooltip);
	b->clusters[row] = subgraph;
	return true;
}

/* One font run a line: a layout that measures bold as normal still sets them apart. */
static char *node_label(struct builder *b, const struct rg_picture_node *node)
{
	const char *title = label_text(b, node->title ? node->title : "", TITLE_COLUMNS);
	const struct change *change = &changes[node->change];

	if (node->highlighted)
		title = rg_arena_print(b->arena, "★ %s", title);

	if (!node->facts || !*node->facts)
		return html(b, rg_arena_print(b->arena, "<B>%s</B>\n", title));
	return html(
		b, rg_arena_print(b->arena,
			   "<B>%s</B><BR/>\n<FONT POINT-SIZE=\"8\" COLOR=\"%s\">%s%s</FONT>", title,
			   change->ink, change->glyph, label_text(b, node->facts, FACTS_COLUMNS)));
}

static bool add_node(struct builder *b, uint32_t row)
{
	const struct rg_picture_node *node = &b->picture->nodes[row];
	const struct look *look = &looks[node->kind];
	bool inside = node->cluster != RG_PICTURE_NO_CLUSTER;
	const char *name = rg_arena_print(b->arena, "n%" PRIu32, row);
	Agnode_t *n = agnode(inside ? b->clusters[node->cluster] : b->graph, (char *)name, true);

	if (!n)
		return false;
	set(n, "id", name);
	set(n, "shape", look->shape);
	set(n, "style", look->style);
	set(n, "margin", look->margin);
	set(n, "fillcolor", node->highlighted ? PINK : inside ? "#ffffff" : look->fill);
	set(n, "color", node->asked ? ORANGE : look->border);
	set(n, "penwidth", node->asked ? "2.4" : NULL);
	if (node->change) {
		const struct change *change = &changes[node->change];

		set(n, "style", change->dashed ? "filled,rounded,dashed" : NULL);
		set(n, "fillcolor", change->fill);
		set(n, "color", change->border);
		set(n, "penwidth", change->width);
	}
	set(n, "label", node_label(b, node));
	set_tooltip(b, n, node->tooltip);
	b->nodes[row] = n;
	return true;
}

/* A line of WIDTH hundredths and half a point more for every power of ten; no locale's comma. */
static const char *pen(struct builder *b, unsigned width, uint64_t alike)
{
	if (alike > 1)
		width += (unsigned)lround(50 * log10((double)alike));
	return rg_arena_print(b->arena, "%u.%02u", width / 100, width % 100);
}

/*
 * Blanks keep a label off its line: in front, and behind where an edge may pass on its right. They
 * are no-break spaces, as SVG drops others that it begins or ends with.
 */
static const char *edge_label(struct builder *b, const struct rg_picture_edge *edge, bool inside)
{
	const char *text = edge->label ? edge->label : "";

	if (!*text && !edge->cut)
		return NULL;
	return rg_arena_print(b->arena, BLANK BLANK BLANK "%s%s%s", edge->cut ? "✂ " : "",
		rg_escape_dot(b->arena, text, strlen(text), LABEL_COLUMNS), inside ? BLANK : "");
}

static bool add_edge(struct builder *b, uint32_t row)
{
	const struct rg_picture_edge *edge = &b->picture->edges[row];
	uint32_t cluster = b->picture->nodes[edge->from].cluster;
	bool inside = cluster != RG_PICTURE_NO_CLUSTER &&
		      cluster == b->picture->nodes[edge->to].cluster;
	bool orange = inside || edge->cyclic;
	Agedge_t *e = agedge(inside ? b->clusters[cluster] : b->graph, b->nodes[edge->from],
		b->nodes[edge->to], NULL, true);

	if (!e)
		return false;
	set_id(b, e, "e", row);
	set(e, b->form == RG_DOT_SIMPLE ? "xlabel" : "label", edge_label(b, edge, inside));
	set(e, "color", orange ? ORANGE : edge->alike > 1 ? GREY : NULL);
	set(e, "fontcolor", orange ? BROWN : NULL);
	set(e, "style", edge->cut ? "dashed" : edge->weak ? "dotted" : NULL);
	set(e, "penwidth", edge->cut ? "2.4" : pen(b, orange ? 180 : 100, edge->alike));
	set_tooltip(b, e, edge->tooltip);
	return true;
}

static bool add_all(struct builder *b)
{
	const struct rg_picture *picture = b->picture;

	for (uint32_t i = 0; i < picture->n_clusters; i++)
		if (!add_cluster(b, i))
			return false;
	/* sideways, graphviz puts what comes first at the bottom */
	for (uint32_t i = 0; i < picture->n_nodes; i++)
		if (!add_node(b, picture->sideways ? picture->n_nodes - 1 - i : i))
			return false;
	for (uint32_t i = 0; i < picture->n_edges; i++)
		if (!add_edge(b, i))
			return false;
	return true;
}

/* Every row that PICTURE refers to is there. */
static bool is_whole(const struct rg_picture *picture)
{
	for (uint32_t i = 0; i < picture->n_nodes; i++) {
		const struct rg_picture_node *node = &picture->nodes[i];

		if (node->cluster != RG_PICTURE_NO_CLUSTER && node->cluster >= picture->n_clusters)
			return false;
		if ((size_t)node->kind >= sizeof(looks) / sizeof(*looks))
			return false;
	}
	for (uint32_t i = 0; i < picture->n_edges; i++)
		if (picture->edges[i].from >= picture->n_nodes ||
			picture->edges[i].to >= picture->n_nodes)
			return false;
	return true;
}

enum rg_code rg_dot_check(const struct rg_picture *picture, struct rg_error *err)
{
	if (is_whole(picture))
		return RG_OK;
	return rg_fail(err, RG_BAD_DATA, "bad-picture",
		"the picture refers to a node, cluster or kind that it does not have");
}

enum rg_code rg_dot_build(const struct rg_picture *picture, enum rg_dot_form form,
	struct Agraph_s **graph_ret, struct rg_error *err)
{
	struct rg_arena arena = { 0 };
	struct builder b = { .picture = picture, .form = form, .arena = &arena };
	bool built;

	if (rg_dot_check(picture, err) != RG_OK)
		return RG_BAD_DATA;
	b.clusters = rg_arena_new(&arena, picture->n_clusters, sizeof(*b.clusters));
	b.nodes = rg_arena_new(&arena, picture->n_nodes, sizeof(*b.nodes));
	built = !arena.failed && open_graph(&b) && add_all(&b) && !arena.failed;
	rg_arena_deinit(&arena);
	if (!built) {
		if (b.graph)
			agclose(b.graph);
		return rg_nomem(err);
	}
	*graph_ret = b.graph;
	return RG_OK;
}

enum rg_code rg_dot_write(const struct rg_picture *picture, FILE *out, struct rg_error *err)
{
	Agraph_t *graph;
	enum rg_code code = rg_dot_build(picture, RG_DOT_FULL, &graph, err);

	if (code != RG_OK)
		return code;
	errno = 0;
	if (agwrite(graph, out) < 0 || fflush(out) || ferror(out))
		code = rg_fail(err, RG_SYSTEM, "write-failed", "cannot write DOT: %s",
			strerror(errno ? errno : EIO));
	agclose(graph);
	return code;
}
