/* The words of a selection: see selection.h for where one ends. */
#ifndef RG_SELECT_LEXER_H
#define RG_SELECT_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "src/select/fields.h"

enum rg_token_kind {
	RG_TOKEN_END,
	RG_TOKEN_WORD,
	RG_TOKEN_QUOTED, /* without its quotes; backslashes are left for the pattern */
	RG_TOKEN_OPERATOR,
	RG_TOKEN_OPEN,
	RG_TOKEN_CLOSE,
	RG_TOKEN_BAD, /* a character that nothing begins with */
	RG_TOKEN_UNENDED, /* a quote or a bracket, from its place on */
};

struct rg_token {
	enum rg_token_kind kind;
	enum rg_select_compare compare; /* what an operator asks */
	const char *text; /* in what is read; not terminated */
	size_t length;
	const char *at; /* where it begins, the quote included */
	const char *end; /* where the next may begin */
};

/* The token at AT or behind the blanks there; a VALUE, behind an operator, may be <lambda>. */
struct rg_token rg_token_next(const char *at, bool value);

/* Whether a token is this word, outside of quotes. */
bool rg_token_is(const struct rg_token *token, const char *word);

#endif
