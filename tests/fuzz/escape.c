/*
 * The escapers: what comes out is safe wherever it is shown, no wider than asked, and says what
 * went in. The first byte of the input is the width, the rest the text.
 */
#include "src/emit/escape.h"

#include <jansson.h>

#include "heapdump/base/scan.h"
#include "heapdump/base/utf8.h"
#include "src/cli/output.h"
#include "src/emit/json.h"
#include "tests/fuzz/fuzz.h"

typedef const char *escape_function(struct rg_arena *, const char *, size_t, unsigned);

/* A character that steers what shows it: controls, and marks that turn the reading direction. */
static bool steers(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x61c || cp == 0x200e ||
	       cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

/* Valid UTF-8 on one line, of characters that XML allows and no terminal obeys. */
static bool is_safe(const char *text)
{
	size_t length = strlen(text);

	for (size_t at = 0, used; at < length; at += used) {
		bool valid;
		uint32_t cp = rg_utf8_get(text + at, length - at, &used, &valid);

		if (!valid || steers(cp) || cp == 0xfeff || cp == 0xfffe || cp == 0xffff)
			return false;
	}
	return true;
}

/* --- reading back ------------------------------------------------------------------------- */

/* What an output's escapes stand for. */
struct escape {
	const char *written, *meant;
};

static const struct escape xml[] = { { "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" },
	{ "&quot;", "\"" }, { "&#39;", "'" }, { 0 } };
static const struct escape xml_label[] = { { "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" },
	{ "&quot;", "\"" }, { "\\\\", "\\" }, { 0 } };
static const struct escape dot[] = { { "&amp;", "&" }, { "\\\\", "\\" }, { 0 } };
static const struct escape dot_tooltip[] = { { "&amp;", "&" }, { "\\\\\\\\", "\\" }, { 0 } };

/* TEXT with its ESCAPES undone, allocated; no character of FORBIDDEN stands outside them. */
static char *undone(const char *text, const struct escape *escapes, const char *forbidden)
{
	char *result = malloc(strlen(text) + 1), *out = result;

	REQUIRE(result);
	while (*text) {
		const struct escape *escape = escapes;

		while (escape->written &&
			strncmp(text, escape->written, strlen(escape->written)) != 0)
			escape++;
		REQUIRE(escape->written || !strchr(forbidden, *text));
		*out++ = escape->written ? *escape->meant : *text;
		text += escape->written ? strlen(escape->written) : 1;
	}
	*out = '\0';
	return result;
}

static const struct form {
	escape_function *function;
	const struct escape *escapes;
	const char *forbidden;
} forms[] = {
	{ rg_escape_xml, xml, "&<>\"'" },
	{ rg_escape_xml_label, xml_label, "&<>\"\\" },
	{ rg_escape_dot, dot, "&\\" },
	{ rg_escape_dot_tooltip, dot_tooltip, "&\\" },
};

/* Every output says what a terminal shows, cut at the same place. */
static void check_forms(struct rg_arena *arena, const char *text, size_t length, unsigned columns,
	const char *shown)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const char *written = forms[i].function(arena, text, length, columns);
		char *meant;

		REQUIRE(is_safe(written));
		meant = undone(written, forms[i].escapes, forms[i].forbidden);
		if (length > 0 || forms[i].function != rg_escape_xml_label)
			REQUIRE(strcmp(meant, shown) == 0);
		else
			REQUIRE(strcmp(meant, " ") == 0);
		free(meant);
	}
}

static void check_display(struct rg_arena *arena, const char *text, size_t length, unsigned columns)
{
	const char *whole = rg_escape_display(arena, text, length, RG_UNCUT);
	const char *shown = rg_escape_display(arena, text, length, columns);
	const char *ascii = rg_escape_ascii(arena, shown);
	size_t kept = strlen(shown);

	REQUIRE(is_safe(whole) && is_safe(shown));
	REQUIRE(columns == RG_UNCUT || rg_escape_columns(shown) <= columns);
	if (strcmp(shown, whole) != 0) {
		REQUIRE(kept >= 3 && memcmp(shown + kept - 3, "\xe2\x80\xa6", 3) == 0);
		REQUIRE(memcmp(shown, whole, kept - 3) == 0);
	}
	for (; *ascii; ascii++)
		REQUIRE(*ascii >= 0x20 && *ascii < 0x7f);
	/* what is safe already stays as it is */
	REQUIRE(strcmp(rg_escape_display(arena, whole, strlen(whole), RG_UNCUT), whole) == 0);
	check_forms(arena, text, length, columns, shown);
}

/* --- JSON and shell ----------------------------------------------------------------------- */

/* TEXT with what is no UTF-8 as U+FFFD, allocated. */
static char *repaired(const char *text)
{
	size_t length = strlen(text), used;
	char *result = malloc(3 * length + 1), *out = result;

	REQUIRE(result);
	for (size_t at = 0; at < length; at += used)
		out += rg_utf8_put(out, rg_utf8_get(text + at, length - at, &used, NULL));
	*out = '\0';
	REQUIRE(rg_utf8_valid(result, (size_t)(out - result)));
	return result;
}

/* Both readers of JSON find the text that was meant, and a terminal nothing to obey. */
static void check_json(const char *text)
{
	struct text written;
	FILE *out = text_open(&written);
	json_t *read;
	char *meant = repaired(text);
	struct rg_scan scan;
	struct rg_scan_text scanned;

	rg_json_put_string(text, out);
	REQUIRE(fclose(out) == 0);
	for (size_t at = 0, used; at < written.size; at += used) {
		bool valid;
		uint32_t cp = rg_utf8_get(written.bytes + at, written.size - at, &used, &valid);

		REQUIRE(valid && !steers(cp));
	}
	read = json_loadb(written.bytes, written.size, JSON_DECODE_ANY, NULL);
	REQUIRE(json_is_string(read) && strcmp(json_string_value(read), meant) == 0);
	scan = rg_scan_over(written.bytes, written.size);
	REQUIRE(rg_scan_string(&scan, &scanned) && rg_scan_finish(&scan) && scanned.exact);
	REQUIRE(scanned.length == strlen(meant) && !memcmp(scanned.bytes, meant, scanned.length));
	json_decref(read);
	free(written.bytes);
	free(meant);
}

/* What a shell makes of the one word QUOTED is TEXT. */
static void check_quoted(struct rg_arena *arena, const char *text)
{
	const char *at = rg_output_quote(text, arena);
	bool quoted = false;

	REQUIRE(*at);
	for (; *at; at++) {
		if (*at == '\'') {
			quoted = !quoted;
			continue;
		}
		if (!quoted && *at == '\\')
			at++;
		else if (!quoted)
			REQUIRE(!strchr(" \t\n|&;<>()$`\"*?[#~!{}", *at));
		REQUIRE(*at == *text);
		text++;
	}
	REQUIRE(!*text && !quoted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rg_arena arena = { 0 };
	char *text;

	if (size == 0)
		return 0;
	check_display(&arena, (const char *)data + 1, size - 1, data[0]);
	text = strndup((const char *)data + 1, size - 1);
	REQUIRE(text);
	check_json(text);
	check_quoted(&arena, text);
	free(text);
	rg_arena_deinit(&arena);
	return 0;
}
