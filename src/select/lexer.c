#include "src/select/lexer.h"

#include <string.h>

#define BLANKS " \t\r\n\v\f"
#define SPECIAL BLANKS "=<>!()'\""

/* The length of a part such as <locals> at AT, or 0. */
static size_t angles(const char *at)
{
	size_t length = 1 + strcspn(at + 1, SPECIAL);

	return length > 1 && at[length] == '>' ? length + 1 : 0;
}

static struct rg_token word(const char *from, bool value)
{
	struct rg_token token = { .kind = RG_TOKEN_WORD, .text = from, .at = from };
	const char *at = from, *bracket = NULL;
	size_t depth = 0, part;

	while (*at && (depth || !strchr(SPECIAL, *at) || *at == '<')) {
		part = 1;
		if (*at == '[' && depth++ == 0)
			bracket = at;
		else if (*at == ']' && depth)
			depth--;
		else if (*at == '<' && !depth)
			part = (at > from ? at[-1] == '.' : value) ? angles(at) : 0;
		if (!part)
			break;
		at += part;
	}
	token.end = at;
	token.length = (size_t)(at - from);
	if (depth) {
		token.kind = RG_TOKEN_UNENDED;
		token.at = bracket;
	}
	return token;
}

static struct rg_token quoted(const char *from)
{
	struct rg_token token = { .kind = RG_TOKEN_QUOTED, .text = from + 1, .at = from };
	const char *at = from + 1;

	while (*at && *at != *from)
		at += *at == '\\' && at[1] ? 2 : 1;
	token.length = (size_t)(at - from - 1);
	token.end = at + (*at != '\0');
	if (!*at)
		token.kind = RG_TOKEN_UNENDED;
	return token;
}

static struct rg_token sign(const char *at)
{
	static const struct {
		const char *text;
		enum rg_token_kind kind;
		enum rg_select_compare compare;
	} signs[] = {
		{ "==", RG_TOKEN_OPERATOR, RG_EQ },
		{ "!=", RG_TOKEN_OPERATOR, RG_NE },
		{ "<=", RG_TOKEN_OPERATOR, RG_LE },
		{ ">=", RG_TOKEN_OPERATOR, RG_GE },
		{ "=", RG_TOKEN_OPERATOR, RG_EQ },
		{ "<", RG_TOKEN_OPERATOR, RG_LT },
		{ ">", RG_TOKEN_OPERATOR, RG_GT },
		{ "(", RG_TOKEN_OPEN, RG_ALONE },
		{ ")", RG_TOKEN_CLOSE, RG_ALONE },
	};
	struct rg_token token = {
		.kind = RG_TOKEN_BAD, .text = at, .length = 1, .at = at, .end = at + 1
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t length = strlen(signs[i].text);

		if (strncmp(at, signs[i].text, length) != 0)
			continue;
		token.kind = signs[i].kind;
		token.compare = signs[i].compare;
		token.length = length;
		token.end = at + length;
		break;
	}
	return token;
}

struct rg_token rg_token_next(const char *at, bool value)
{
	at += strspn(at, BLANKS);
	if (!*at)
		return (struct rg_token){ .text = at, .at = at, .end = at };
	if (*at == '\'' || *at == '"')
		return quoted(at);
	if (!strchr(SPECIAL, *at) || (value && *at == '<' && angles(at)))
		return word(at, value);
	return sign(at);
}

bool rg_token_is(const struct rg_token *token, const char *word)
{
	return token->kind == RG_TOKEN_WORD && strlen(word) == token->length &&
	       memcmp(token->text, word, token->length) == 0;
}
