/* DOT: what is written reads back the same, whatever the texts hold. */
#include "src/emit/dot.h"

#include <string.h>

#include <graphviz/cgraph.h>

#include "tests/emit/hostile.h"

static unsigned complaints;

static int complain(char *text)
{
	fputs(text, stderr);
	complaints++;
	return 0;
}

static char *dot_of(const struct rg_picture *picture, size_t *length)
{
	enum rg_code code;
	char *dot = written(rg_dot_write, picture, length, &code);

	ck_assert_int_eq(code, RG_OK);
	return dot;
}

/* Whether node NAME of GRAPH has ATTRIBUTE as VALUE. */
static bool says(Agraph_t *graph, const char *name, const char *attribute, const char *value)
{
	Agnode_t *node = agnode(graph, (char *)name, false);

	return node && !strcmp(agget(node, (char *)attribute), value);
}

/* PICTURE as DOT is text that graphviz reads, with as many of everything. */
static void check_picture(const struct rg_picture *picture, uint64_t seed)
{
	size_t length, again_length;
	char *dot = dot_of(picture, &length), *again = dot_of(picture, &again_length);
	Agraph_t *graph;
	uint32_t found = 0;

	CHECK(seed, length == again_length && !memcmp(dot, again, length));
	CHECK(seed, strlen(dot) == length && is_xml_text(dot, length));
	complaints = 0;
	agseterrf(complain);
	graph = agmemread(dot);
	CHECK(seed, graph && !complaints);
	CHECK(seed, agnnodes(graph) == (int)picture->n_nodes);
	CHECK(seed, agnedges(graph) == (int)picture->n_edges);
	CHECK(seed, agnsubg(graph) == (int)picture->n_clusters);
	for (Agnode_t *n = agfstnode(graph); n; n = agnxtnode(graph, n)) {
		CHECK(seed, !strcmp(agnameof(n), agget(n, "id")));
		CHECK(seed, aghtmlstr(agget(n, "label")) && !aghtmlstr(agget(n, "tooltip")));
		found++;
	}
	CHECK(seed, found == picture->n_nodes);
	agclose(graph);
	free(dot);
	free(again);
}

START_TEST(dot_of_hostile_texts)
{
	for (size_t i = 0; i < N_HOSTILE; i++)
		check_picture(picture_of(hostile[i]), i);
}
END_TEST

START_TEST(dot_of_every_byte)
{
	for (unsigned i = 1; i < 256; i++) {
		char text[] = { 'a', (char)i, 'b', (char)i, 0 };

		check_picture(picture_of(text), i);
	}
}
END_TEST

START_TEST(dot_of_random_texts)
{
	FOR_SEEDS(seed, 3000)
	{
		uint64_t state = seed;
		char text[80];

		random_text(&state, text, sizeof(text));
		check_picture(picture_of(text), seed);
	}
}
END_TEST

START_TEST(dot_of_a_megabyte)
{
	size_t size = 1 << 20, length;
	char *text = calloc(size + 1, 1), *dot;

	memset(text, '\\', size);
	check_picture(picture_of(text), 0);
	dot = dot_of(picture_of(text), &length);
	ck_assert_uint_le(length, 64 << 10);
	free(dot);
	free(text);
}
END_TEST

START_TEST(dot_of_random_pictures)
{
	FOR_SEEDS(seed, 200)
	{
		uint64_t state = seed;
		uint32_t n = 1 + random_below(&state, 60);
		struct rg_picture picture = random_picture(seed, n, random_below(&state, 2 * n));

		check_picture(&picture, seed);
		free_picture(&picture);
	}
}
END_TEST

START_TEST(dot_of_nothing)
{
	struct rg_picture picture = { 0 };

	check_picture(&picture, 0);
}
END_TEST

/* A tooltip that is a label's markup, letter for letter, stays a text. */
START_TEST(dot_markup_is_no_text)
{
	struct rg_picture_node nodes[2] = {
		{ .cluster = RG_PICTURE_NO_CLUSTER, .title = "x", .tooltip = "<B>x</B>\n" },
		{ .cluster = RG_PICTURE_NO_CLUSTER, .title = "x", .tooltip = "<B>x</B>" },
	};
	struct rg_picture picture = { .name = "p", .nodes = nodes, .n_nodes = 2 };

	check_picture(&picture, 0);
}
END_TEST

START_TEST(dot_looks)
{
	struct rg_picture_node nodes[] = {
		{ .asked = true, .title = "a", .facts = "", .tooltip = "" },
		{ .kind = RG_PICTURE_CONTAINER,
			.cluster = RG_PICTURE_NO_CLUSTER,
			.title = "b",
			.facts = "f",
			.tooltip = "t" },
		{ .kind = RG_PICTURE_ROOT,
			.cluster = RG_PICTURE_NO_CLUSTER,
			.title = "c",
			.facts = "",
			.tooltip = "" },
		{ .kind = RG_PICTURE_AGGREGATE,
			.cluster = RG_PICTURE_NO_CLUSTER,
			.title = "d",
			.facts = "",
			.tooltip = "" },
		{ .kind = RG_PICTURE_REST,
			.cluster = RG_PICTURE_NO_CLUSTER,
			.title = "e",
			.facts = "",
			.tooltip = "" },
	};
	struct rg_picture_edge edges[] = {
		{ .from = 0, .to = 0, .label = "self", .tooltip = "", .alike = 1 },
		{ .from = 1, .to = 3, .label = "100 keys", .tooltip = "", .alike = 100 },
		{ .from = 1, .to = 0, .label = "", .tooltip = "", .alike = 1, .cut = true },
	};
	struct rg_picture_cluster cluster = { "cycle 1", "" };
	struct rg_picture picture = { .name = "p",
		.title = "t",
		.subtitle = "s",
		.legend = "l",
		.nodes = nodes,
		.edges = edges,
		.clusters = &cluster,
		.n_nodes = 5,
		.n_edges = 3,
		.n_clusters = 1 };
	size_t length;
	char *dot = dot_of(&picture, &length);
	Agraph_t *graph = agmemread(dot);

	ck_assert(says(graph, "n0", "color", "#D55E00") && says(graph, "n0", "penwidth", "2.4"));
	ck_assert(says(graph, "n0", "fillcolor", "#ffffff") && says(graph, "n0", "shape", "box"));
	ck_assert(says(graph, "n1", "color", "#B07900") && says(graph, "n1", "tooltip", "t"));
	ck_assert(says(graph, "n2", "shape", "house") && says(graph, "n3", "shape", "box3d"));
	ck_assert(says(graph, "n4", "style", "filled,rounded,dashed"));
	ck_assert_ptr_nonnull(strstr(dot, "penwidth=1.80"));
	ck_assert_ptr_nonnull(strstr(dot, "penwidth=2.00"));
	ck_assert_ptr_nonnull(strstr(dot, "penwidth=2.4,\n\t\tstyle=dashed"));
	ck_assert_ptr_nonnull(strstr(dot, "✂"));
	agclose(graph);
	free(dot);
}
END_TEST

START_TEST(dot_refuses_bad_rows)
{
	struct rg_picture_node node = { .cluster = 0 };
	struct rg_picture_edge edge = { .from = 0, .to = 1 };
	struct rg_picture picture = { .nodes = &node, .edges = &edge, .n_nodes = 1 };
	size_t length;
	enum rg_code code;

	free(written(rg_dot_write, &picture, &length, &code));
	ck_assert_int_eq(code, RG_BAD_DATA);
	node.cluster = RG_PICTURE_NO_CLUSTER;
	picture.n_edges = 1;
	free(written(rg_dot_write, &picture, &length, &code));
	ck_assert_int_eq(code, RG_BAD_DATA);
	ck_assert_uint_eq(length, 0);
}
END_TEST

START_TEST(dot_to_a_full_disk)
{
	FILE *full = fopen("/dev/full", "w");
	struct rg_error err;

	ck_assert_int_eq(rg_dot_write(picture_of("x"), full, &err), RG_SYSTEM);
	ck_assert_str_eq(err.name, "write-failed");
	ck_assert_ptr_nonnull(strstr(err.message, "No space left"));
	fclose(full);
}
END_TEST

TEST_MAIN("dot", dot_of_hostile_texts, dot_of_every_byte, dot_of_random_texts, dot_of_a_megabyte,
	dot_of_random_pictures, dot_of_nothing, dot_markup_is_no_text, dot_looks,
	dot_refuses_bad_rows, dot_to_a_full_disk)
