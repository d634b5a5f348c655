#include "src/emit/table.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/units.h"
#include "src/emit/escape.h"
#include "src/emit/lines.h"

#define CELL 400 /* characters of a text that a cell keeps */
#define SEPARATOR 2 /* blanks between two columns */
#define LEAST_LAST 20 /* columns that the last one gets even where there is no room */

static bool is_number(enum rg_field_type type)
{
	return type == RG_PLAIN || type == RG_COUNT || type == RG_DELTA || type == RG_DELTA_BYTES ||
	       type == RG_BYTES || type == RG_SHARE || type == RG_NUMBER || type == RG_OPTIONAL ||
	       type == RG_OPTIONAL_BYTES;
}

/* The text of one field, escaped; "" for nothing. */
static const char *cell_text(const struct rg_field *field, const char *row, struct rg_arena *arena)
{
	const void *at = row + field->offset;
	uint64_t number = 0;
	const char *text;

	if (field->type == RG_COUNT || field->type == RG_BYTES || field->type == RG_OPTIONAL ||
		field->type == RG_OPTIONAL_BYTES || field->type == RG_PLAIN ||
		field->type == RG_ADDRESS)
		memcpy(&number, at, sizeof(number));
	switch (field->type) {
	case RG_COUNT:
		return rg_units_count(number, arena);
	case RG_DELTA:
	case RG_DELTA_BYTES:
		return rg_units_delta(*(const int64_t *)at, field->type == RG_DELTA_BYTES, arena);
	case RG_PLAIN:
		return rg_arena_print(arena, "%" PRIu64, number);
	case RG_OPTIONAL:
		return number == RG_NOTHING ? "" : rg_units_count(number, arena);
	case RG_OPTIONAL_BYTES:
		return number == RG_NOTHING ? "" : rg_units_bytes(number, arena);
	case RG_BYTES:
		return rg_units_bytes(number, arena);
	case RG_SHARE:
		return rg_units_share(*(const double *)at, arena);
	case RG_NUMBER:
		return rg_units_number(*(const double *)at, arena);
	case RG_FLAG:
		return *(const bool *)at ? "yes" : "";
	case RG_TEXT:
		text = *(const char *const *)at;
		return text ? rg_escape_display(arena, text, strlen(text), CELL) : "";
	case RG_ADDRESS:
		return rg_arena_print(arena, "0x%" PRIx64, number);
	case RG_ID:
		return *(const uint32_t *)at == UINT32_MAX
			       ? ""
			       : rg_arena_print(arena, "@%" PRIu32, *(const uint32_t *)at);
	default:
		return "";
	}
}

/* True when some row has something to show in the column. */
static bool has_content(const struct rg_field *field, const struct rg_record *record,
	const struct rg_list *list, struct rg_arena *arena)
{
	for (uint64_t i = 0; i < list->shown; i++)
		if (*cell_text(field, (const char *)list->rows + i * record->size, arena))
			return true;
	return false;
}

struct columns {
	const struct rg_field *fields[32];
	unsigned count;
};

static void choose_columns(struct columns *columns, const struct rg_record *record,
	const struct rg_list *list, bool stable, struct rg_arena *arena)
{
	for (size_t i = 0; i < record->n_fields && columns->count < 32; i++) {
		const struct rg_field *field = &record->fields[i];

		if (field->heading && !(stable && field->flags & RG_VOLATILE) &&
			has_content(field, record, list, arena))
			columns->fields[columns->count++] = field;
	}
}

/* What the columns before the last leave of WIDTH for it. */
static unsigned width_left(const struct columns *columns, const struct rg_record *record,
	const struct rg_list *list, unsigned width, struct rg_arena *arena)
{
	unsigned used = 0;

	for (unsigned c = 0; c + 1 < columns->count; c++) {
		unsigned most = rg_escape_columns(columns->fields[c]->heading);

		for (uint64_t i = 0; i < list->shown; i++) {
			unsigned its = rg_escape_columns(cell_text(columns->fields[c],
				(const char *)list->rows + i * record->size, arena));

			most = its > most ? its : most;
		}
		used += most + SEPARATOR;
	}
	return used + LEAST_LAST < width ? width - used : LEAST_LAST;
}

static bool fill_table(struct libscols_table *table, const struct columns *columns,
	const struct rg_record *record, const struct rg_list *list, unsigned left, bool ascii,
	struct rg_arena *arena)
{
	for (unsigned c = 0; c < columns->count; c++) {
		const struct rg_field *field = columns->fields[c];
		bool last = c + 1 == columns->count;

		if (!scols_table_new_column(table, field->heading, last ? 0.5 : 0.05,
			    is_number(field->type) ? SCOLS_FL_RIGHT
			    : last                 ? SCOLS_FL_TRUNC
						   : 0))
			return false;
	}
	for (uint64_t i = 0; i < list->shown; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (!line)
			return false;
		for (unsigned c = 0; c < columns->count; c++) {
			const char *text = cell_text(columns->fields[c],
				(const char *)list->rows + i * record->size, arena);

			if (c + 1 == columns->count && rg_escape_columns(text) > left)
				text = rg_escape_display(arena, text, strlen(text), left);
			if (ascii)
				text = rg_escape_ascii(arena, text);
			if (scols_line_set_data(line, c, text))
				return false;
		}
	}
	return true;
}

enum rg_code rg_table_print(const struct rg_record *record, const struct rg_list *list,
	const struct rg_table_style *style, FILE *out, struct rg_error *err)
{
	const char *indent = style->indent ? style->indent : "";
	struct libscols_table *table = scols_new_table();
	struct rg_arena arena = { 0 };
	struct columns columns = { 0 };
	bool done = false;

	errno = 0;
	if (table) {
		choose_columns(&columns, record, list, style->stable, &arena);
		/* the cells are escaped already */
		scols_table_enable_noencoding(table, 1);
		scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(table, style->width - strlen(indent));
		done = scols_table_set_column_separator(table, "  ") == 0 &&
		       fill_table(table, &columns, record, list,
			       width_left(&columns, record, list, style->width - strlen(indent),
				       &arena),
			       style->ascii, &arena) &&
		       (columns.count == 0 || rg_lines_print(table, indent, out));
	}
	if (done && list->of > list->shown)
		fprintf(out, "%s… %s more, see them with --limit %" PRIu64 "\n", indent,
			rg_units_count(list->of - list->shown, &arena), list->of);
	scols_unref_table(table);
	done = done && !arena.failed;
	rg_arena_deinit(&arena);
	return done ? RG_OK : rg_nomem(err);
}
