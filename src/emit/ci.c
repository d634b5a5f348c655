#include "src/emit/ci.h"

#include <string.h>

#include "heapdump/base/units.h"
#include "src/emit/escape.h"

#define MESSAGE 2000 /* columns of one message */

/* "4,812 app.cache.Session held at ...: 18.4 MiB": plain, and escaped for a terminal. */
static const char *message_of(const struct rg_answer_suspect *row, struct rg_arena *arena)
{
	const char *text = rg_arena_print(arena, "%s, held by %s: %s; %s", row->things, row->where,
		rg_units_bytes(row->retained, arena), row->text);

	return rg_escape_display(arena, text, strlen(text), MESSAGE);
}

/* TEXT as a workflow command takes it: %, and in a property : and , are escapes of their own. */
static void put_escaped(const char *text, bool property, FILE *out)
{
	for (; *text; text++)
		if (*text == '%' || *text == '\n' || *text == '\r' ||
			(property && (*text == ':' || *text == ',')))
			fprintf(out, "%%%02X", (unsigned char)*text);
		else
			fputc(*text, out);
}

enum rg_code rg_ci_annotations(
	const struct rg_answer_leaks *answer, FILE *out, struct rg_error *err)
{
	const struct rg_answer_suspect *rows = answer->suspects.rows;
	struct rg_arena arena = { 0 };

	for (uint64_t i = 0; i < answer->suspects.shown; i++) {
		fprintf(out, "::%s title=", rows[i].fails ? "error" : "warning");
		put_escaped(rg_arena_print(&arena, "refgraph: %s (%s) %s", rows[i].kind,
				    rows[i].cause, rows[i].signature),
			true, out);
		fputs("::", out);
		put_escaped(message_of(&rows[i], &arena), false, out);
		fputs(". To do: ", out);
		put_escaped(rows[i].advice, false, out);
		fputc('\n', out);
	}
	return rg_arena_end(&arena, RG_OK, err);
}

static const char *xml(const char *text, struct rg_arena *arena)
{
	return rg_escape_xml(arena, text, strlen(text), MESSAGE);
}

static void put_case(const struct rg_answer_suspect *row, struct rg_arena *arena, FILE *out)
{
	fprintf(out, "  <testcase classname=\"refgraph.leaks.%s\" name=\"%s\">\n", row->kind,
		xml(rg_arena_print(arena, "%s %s", row->signature, row->things), arena));
	if (row->fails)
		fprintf(out, "    <failure type=\"%s\" message=\"%s\">%s</failure>\n", row->cause,
			xml(message_of(row, arena), arena), xml(row->advice, arena));
	else
		fprintf(out, "    <system-out>%s. To do: %s</system-out>\n",
			xml(message_of(row, arena), arena), xml(row->advice, arena));
	fprintf(out, "  </testcase>\n");
}

enum rg_code rg_ci_junit(const struct rg_answer_leaks *answer, FILE *out, struct rg_error *err)
{
	const struct rg_answer_suspect *rows = answer->suspects.rows;
	struct rg_arena arena = { 0 };
	uint64_t shown = answer->suspects.shown, failures = 0;

	for (uint64_t i = 0; i < shown; i++)
		failures += rows[i].fails;
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuite name=\"refgraph leaks\" tests=\"%llu\" failures=\"%llu\">\n",
		(unsigned long long)(shown ? shown : 1), (unsigned long long)failures);
	if (!shown)
		fprintf(out, "  <testcase classname=\"refgraph.leaks\" name=\"%s\"/>\n",
			xml(answer->triage, &arena));
	for (uint64_t i = 0; i < shown; i++)
		put_case(&rows[i], &arena, out);
	fprintf(out, "</testsuite>\n");
	return rg_arena_end(&arena, RG_OK, err);
}

enum rg_code rg_ci_known(const struct rg_answer_leaks *answer, FILE *out, struct rg_error *err)
{
	const struct rg_answer_suspect *rows = answer->suspects.rows;
	struct rg_arena arena = { 0 };

	for (uint64_t i = 0; i < answer->suspects.shown; i++)
		fprintf(out, "%s  # %s: %s\n", rows[i].signature, rows[i].cause,
			message_of(&rows[i], &arena));
	return rg_arena_end(&arena, RG_OK, err);
}
