/*
 * Text of a heap on its way out. Nobody vouches for it: it may be no UTF-8, steer a terminal, turn
 * the reading direction around, or break out of the markup around it.
 *
 * Each function takes LENGTH bytes of claimed UTF-8 (a NUL is a character like any other) and
 * returns a terminated string in ARENA, "" when out of memory, never NULL. The result is valid
 * UTF-8 of characters that XML allows, on one line:
 *
 *	a byte that is no UTF-8			U+FFFD
 *	C0, DEL and C1 controls			\xNN
 *	bidirectional controls, line and
 *	paragraph separators, a byte order
 *	mark, U+FFFE, U+FFFF			\uNNNN
 *
 * A result wider than COLUMNS display columns is cut and ends in an ellipsis; it never is wider
 * than COLUMNS, and a sequence above is never cut in two. RG_UNCUT cuts nothing. O(LENGTH), and
 * with COLUMNS O(COLUMNS).
 */
#ifndef RG_EMIT_ESCAPE_H
#define RG_EMIT_ESCAPE_H

#include <stddef.h>

#include "heapdump/base/arena.h"

#define RG_UNCUT 0u

/* For terminals and plain text: the above and no more. */
const char *rg_escape_display(
	struct rg_arena *arena, const char *text, size_t length, unsigned columns);

/* The same, but of a text wider than COLUMNS the two ends stay, which say most of a path. */
const char *rg_escape_middle(
	struct rg_arena *arena, const char *text, size_t length, unsigned columns);

/*
 * TEXT, escaped already, for a terminal that knows ASCII alone: the characters that this program
 * draws with have likenesses ("->" for an arrow), all others become \uNNNN.
 */
const char *rg_escape_ascii(struct rg_arena *arena, const char *text);

/* Columns of a terminal that an escaped TEXT takes. */
unsigned rg_escape_columns(const char *text);

/* How many of the LENGTH bytes of an escaped TEXT fit in COLUMNS, one character at least. */
size_t rg_escape_fitting(const char *text, size_t length, unsigned columns, unsigned *columns_ret);

/* The content of an XML or HTML element, or of an attribute in quotes of either kind. */
const char *rg_escape_xml(
	struct rg_arena *arena, const char *text, size_t length, unsigned columns);

/*
 * The content of a graphviz HTML-like label: as XML, with backslashes doubled, as graphviz
 * replaces \N and its like there too. Never an empty string, which <B></B> could not hold.
 */
const char *rg_escape_xml_label(
	struct rg_arena *arena, const char *text, size_t length, unsigned columns);

/*
 * A name or a plain label given to libcgraph, which writes the quotes itself: backslashes are
 * doubled and & is an entity, both of which graphviz would otherwise replace.
 */
const char *rg_escape_dot(
	struct rg_arena *arena, const char *text, size_t length, unsigned columns);

/* A tooltip given to libcgraph: as rg_escape_dot, but graphviz replaces backslashes twice. */
const char *rg_escape_dot_tooltip(
	struct rg_arena *arena, const char *text, size_t length, unsigned columns);

#endif
