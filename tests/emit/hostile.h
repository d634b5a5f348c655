/*
 * Texts that try to break out, pictures full of them, and checks of what came out.
 */
#ifndef RG_TESTS_EMIT_HOSTILE_H
#define RG_TESTS_EMIT_HOSTILE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heapdump/base/error.h"
#include "heapdump/base/utf8.h"
#include "src/view/picture.h"
#include "tests/tap.h"

static const char *const hostile[] = {
	"",
	" ",
	"  two  blanks  ",
	"plain",
	"caf\xc3\xa9 \xf0\x9f\x90\x8d \xe6\xbc\xa2\xe5\xad\x97",
	"\"",
	"'",
	"\"quoted\" 'text'",
	"\\",
	"\\\\",
	"trailing\\",
	"\\\"",
	"\\N",
	"\\G \\E \\T \\H \\L",
	"x\\Ny",
	"\\n\\l\\r",
	"C:\\new\\Node",
	"a&b",
	"&",
	"&amp;",
	"&lt;",
	"&foo;",
	"&#1;",
	"&#x1b;",
	"&nbsp;",
	"&amp;lt;",
	"<",
	">",
	"<lambda>",
	"<B>",
	"</B>",
	"<B>x</B>\n",
	"<BR/>",
	"]]>",
	"<![CDATA[",
	"<!--",
	"-->",
	"--",
	"</script>",
	"</title></svg>",
	"<?xml?>",
	"<svg ",
	"stroke=\"transparent\"",
	"\x1b[31mred\x1b[0m",
	"\x1b]0;title\x07",
	"a\nb",
	"a\r\nb",
	"a\tb",
	"\x7f",
	"\xc2\x80\xc2\x85\xc2\x9b",
	("\xe2\x80\xae"
	 "evil"),
	"\xe2\x81\xa6x\xe2\x81\xa9",
	"\xe2\x80\x8e\xe2\x80\x8f",
	"\xe2\x80\xa8\xe2\x80\xa9",
	"\xef\xbf\xbe\xef\xbf\xbf",
	"\xed\xa0\x80",
	"\xed\xa0\xbd\xed\xb0\x8d",
	"\xc0\x80",
	"\xff\xfe",
	"\xe2\x82",
	"\xf5\x80\x80\x80",
	"%s%n%p",
	"{a|b}",
	"a;b->c[d=e]",
	"subgraph",
	"node",
	"digraph",
	"+\\\n+",
	"# c",
	"// c",
	"/* c",
	"e\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
	"\xcc\x81",
	"\xef\xbb\xbf",
	"0",
	"-1.5",
	"_",
	"%3",
};

#define N_HOSTILE (sizeof(hostile) / sizeof(*hostile))

/* 1 to LENGTH - 1 random bytes, none 0, the dangerous ones often. */
static inline void random_text(uint64_t *state, char *text, uint32_t length)
{
	static const char often[] =
		"\\\\&&<>\"';#-]\x1b\n NGELx1amp lt\xe2\x80\xae\xf0\xed\xa0\xff";
	uint32_t n = 1 + random_below(state, length - 1);

	for (uint32_t i = 0; i < n; i++)
		text[i] = random_below(state, 4) ? often[random_below(state, sizeof(often) - 1)]
						 : (char)(1 + random_below(state, 255));
	text[n] = 0;
}

/* Valid UTF-8 of characters that XML 1.0 allows. */
static inline bool is_xml_text(const char *text, size_t length)
{
	for (size_t at = 0, used; at < length; at += used) {
		bool valid;
		uint32_t cp = rg_utf8_get(text + at, length - at, &used, &valid);

		if (!valid || cp == 0xfffe || cp == 0xffff)
			return false;
		if (cp < 0x20 && cp != '\t' && cp != '\n' && cp != '\r')
			return false;
	}
	return true;
}

/* The entity or character reference at TEXT: its character, and its length in *USED; 0 for none. */
static inline uint32_t entity(const char *text, size_t *used)
{
	static const char *const names[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&apos;" };
	char *end;
	unsigned long cp;

	for (size_t i = 0; i < 5; i++)
		if (!strncmp(text, names[i], strlen(names[i]))) {
			*used = strlen(names[i]);
			return (uint32_t) "&<>\"'"[i];
		}
	if (text[1] != '#')
		return 0;
	cp = text[2] == 'x' ? strtoul(text + 3, &end, 16) : strtoul(text + 2, &end, 10);
	*used = (size_t)(end - text) + 1;
	return *end == ';' && (cp >= 0x20 || cp == '\n') && cp < 0xfffe ? (uint32_t)cp : 0;
}

/* Step over the tag, comment or declaration at AT; NULL where it does not end. *DEPTH follows. */
static inline const char *skip_markup(const char *at, int *depth)
{
	char quote = 0, before = 0;
	bool closes = at[1] == '/', element = at[1] != '?' && at[1] != '!';

	if (!strncmp(at, "<!--", 4)) {
		at = strstr(at + 4, "--");
		return at && at[2] == '>' ? at + 3 : NULL;
	}
	for (at++; *at && (quote || *at != '>'); before = *at++) {
		if (*at == '<')
			return NULL;
		if (quote ? *at == quote : *at == '"' || *at == '\'')
			quote = quote ? 0 : *at;
	}
	if (element)
		*depth += closes ? -1 : before == '/' ? 0 : 1;
	return *at && *depth >= 0 ? at + 1 : NULL;
}

/* A rough check: markup ends and nests, and every & begins an entity that XML has. */
static inline bool is_well_formed(const char *xml, size_t length)
{
	const char *at = xml;
	int depth = 0;

	if (strlen(xml) != length || !is_xml_text(xml, length))
		return false;
	while (*at) {
		size_t used = 1;

		if (*at == '&' && !entity(at, &used))
			return false;
		if (*at != '<')
			at += used;
		else if (!(at = skip_markup(at, &depth)))
			return false;
	}
	for (at = xml; (at = strchr(at, '&')); at++) {
		size_t used;

		if (!entity(at, &used))
			return false;
	}
	return depth == 0;
}

/* The judgement of xmllint, where it is installed. */
static inline bool xmllint_agrees(const char *xml, size_t length)
{
	FILE *pipe;

	if (system("command -v xmllint >/dev/null 2>&1"))
		return true;
	pipe = popen("xmllint --noout --nonet - 2>&1", "w");
	fwrite(xml, 1, length, pipe);
	return pclose(pipe) == 0;
}

/* XML with its entities resolved, allocated. */
static inline char *resolved(const char *xml)
{
	char *text = malloc(strlen(xml) + 1), *out = text;

	while (*xml) {
		size_t used;
		uint32_t cp = *xml == '&' ? entity(xml, &used) : 0;

		if (!cp)
			cp = rg_utf8_get(xml, strlen(xml), &used, NULL);
		out += rg_utf8_put(out, cp);
		xml += used;
	}
	*out = 0;
	return text;
}

#define PICTURE_NODES 3
#define PICTURE_EDGES 4

/* A small picture with TEXT everywhere; valid until the next call. */
static inline const struct rg_picture *picture_of(const char *text)
{
	static struct rg_picture_node nodes[PICTURE_NODES];
	static struct rg_picture_edge edges[PICTURE_EDGES];
	static struct rg_picture_cluster clusters[1];
	static struct rg_picture picture;

	for (uint32_t i = 0; i < PICTURE_NODES; i++)
		nodes[i] = (struct rg_picture_node){ .kind = (enum rg_picture_kind)i,
			.asked = i == 1,
			.cluster = i ? 0 : RG_PICTURE_NO_CLUSTER,
			.title = text,
			.facts = text,
			.tooltip = text };
	for (uint32_t i = 0; i < PICTURE_EDGES; i++)
		edges[i] = (struct rg_picture_edge){ .from = i % 3,
			.to = (i + 1) % 3,
			.label = text,
			.tooltip = text,
			.alike = i ? 1 : 12,
			.cut = i == 2 };
	edges[2].to = 1;
	edges[3].to = 0;
	clusters[0] = (struct rg_picture_cluster){ .caption = text, .tooltip = text };
	picture = (struct rg_picture){ .name = text,
		.title = text,
		.subtitle = text,
		.legend = text,
		.nodes = nodes,
		.edges = edges,
		.clusters = clusters,
		.n_nodes = PICTURE_NODES,
		.n_edges = PICTURE_EDGES,
		.n_clusters = 1 };
	return &picture;
}

/*
 * N nodes and M random edges with labels, every seventh few nodes a cluster: what the layout finds
 * hard. The caller frees it with free_picture.
 */
static inline struct rg_picture random_picture(uint64_t seed, uint32_t n, uint32_t m)
{
	struct rg_picture picture = { .name = "random",
		.title = "Random",
		.subtitle = "",
		.legend = "",
		.n_nodes = n,
		.n_edges = m,
		.n_clusters = n / 7 };
	uint64_t state = seed;

	picture.nodes = calloc(n + 1, sizeof(*picture.nodes));
	picture.edges = calloc(m + 1, sizeof(*picture.edges));
	picture.clusters = calloc(n / 7 + 1, sizeof(*picture.clusters));
	for (uint32_t i = 0; i < n / 7; i++)
		picture.clusters[i] = (struct rg_picture_cluster){ "a cycle", "a cycle" };
	for (uint32_t i = 0; i < n; i++)
		picture.nodes[i] = (struct rg_picture_node){
			.kind = (enum rg_picture_kind)random_below(&state, 5),
			.asked = !random_below(&state, 10),
			.cluster = i / 7 < n / 7 && i % 7 < 4 ? i / 7 : RG_PICTURE_NO_CLUSTER,
			.title = "Session",
			.facts = "1.9 KiB",
			.tooltip = ""
		};
	for (uint32_t i = 0; i < m; i++)
		picture.edges[i] = (struct rg_picture_edge){ .from = random_below(&state, n),
			.to = random_below(&state, n),
			.label = i % 3 ? "attribute" : "",
			.alike = random_number(&state),
			.cut = !random_below(&state, 10) };
	return picture;
}

static inline void free_picture(struct rg_picture *picture)
{
	free(picture->nodes);
	free(picture->edges);
	free(picture->clusters);
}

/* What FUNCTION writes of PICTURE, allocated; its return value in *CODE. */
typedef enum rg_code write_picture(const struct rg_picture *, FILE *, struct rg_error *);

static inline char *written(write_picture *function, const struct rg_picture *picture,
	size_t *length, enum rg_code *code)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length);
	struct rg_error err;

	rg_error_init(&err);
	*code = function(picture, out, &err);
	ck_assert_msg(*code == err.code, "code %d, error %d", *code, err.code);
	fclose(out);
	return text;
}

#endif
