#include "src/emit/plot.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/units.h"
#include "src/emit/apart.h"
#include "src/emit/escape.h"

#define WIDTH 900
#define HEIGHT 620
#define LINES 6 /* types */
#define LEFT 84
#define RIGHT 688 /* where labels begin, but for a gap */
#define GAP 18
#define LABEL_HEIGHT 30
#define TITLE_COLUMNS 108
#define NAME_COLUMNS 26
#define SECONDS 10 /* of processor time */

#define FONT "Helvetica"
#define INK 0x1b1f24
#define GREY 0x57606a
#define GRID 0xeaeef2
#define AXIS 0x8c959f

/* Colour, dash and marker of a line: each alone tells them apart. */
static const struct style {
	unsigned colour;
	double dash[4];
	int n_dash;
	unsigned corners; /* of the marker; 0: round */
	double turn;
} styles[LINES] = {
	{ 0xd55e00, { 0 }, 0, 0, 0 },
	{ 0x0072b2, { 8, 3 }, 2, 4, M_PI / 4 },
	{ 0x8a6100, { 2, 3 }, 2, 3, -M_PI / 2 },
	{ 0x1b1f24, { 9, 3, 2, 3 }, 4, 4, 0 },
	{ 0x007a5e, { 5, 2 }, 2, 3, M_PI / 2 },
	{ 0xa24b83, { 1, 2 }, 2, 6, 0 },
};
static const struct style memory_style = { 0x0072b2, { 0 }, 0, 0, 0 };

/* A part of the plot: where it is, and what its edges stand for. */
struct panel {
	double top, height;
	double low, high; /* values at its lower and upper edge */
	double seconds; /* at the right edge; 0 is at the left */
};

struct plot {
	cairo_t *cairo;
	const struct rg_answer_watch *answer;
	struct rg_arena *arena;
};

static double x_of(const struct panel *panel, double time)
{
	return LEFT + (panel->seconds > 0 ? time / panel->seconds : 0) * (RIGHT - LEFT);
}

static double y_of(const struct panel *panel, double value)
{
	return panel->top + panel->height * (panel->high - value) / (panel->high - panel->low);
}

/* --- pen ---------------------------------------------------------------------------------- */

static void use_colour(const struct plot *plot, unsigned colour)
{
	cairo_set_source_rgb(plot->cairo, (colour >> 16 & 255) / 255., (colour >> 8 & 255) / 255.,
		(colour & 255) / 255.);
}

static void draw_line(const struct plot *plot, double x, double y, double to_x, double to_y)
{
	cairo_move_to(plot->cairo, x, y);
	cairo_line_to(plot->cairo, to_x, to_y);
	cairo_stroke(plot->cairo);
}

/* TEXT, escaped, with ALIGN of its width left of X: 0 starts there, 1 ends there. */
static void put_text(const struct plot *plot, const char *text, double x, double y, double size,
	bool bold, double align)
{
	cairo_text_extents_t extents;

	cairo_select_font_face(plot->cairo, FONT, CAIRO_FONT_SLANT_NORMAL,
		bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(plot->cairo, size);
	cairo_text_extents(plot->cairo, text, &extents);
	cairo_move_to(plot->cairo, x - align * extents.x_advance, y);
	cairo_show_text(plot->cairo, text);
}

static void put_marker(const struct plot *plot, const struct style *style, double x, double y)
{
	double radius = style->corners ? 5 : 4;

	use_colour(plot, style->colour);
	cairo_new_path(plot->cairo);
	if (!style->corners)
		cairo_arc(plot->cairo, x, y, radius, 0, 2 * M_PI);
	for (unsigned i = 0; i < style->corners; i++) {
		double angle = style->turn + 2 * M_PI * i / style->corners;

		cairo_line_to(plot->cairo, x + radius * cos(angle), y + radius * sin(angle));
	}
	cairo_close_path(plot->cairo);
	cairo_fill(plot->cairo);
}

/* --- axes --------------------------------------------------------------------------------- */

/* 1, 2 or 5 times a power of ten: so that RANGE has MOST steps or fewer. */
static double nice_step(double range, double most)
{
	static const double nice[] = { 1, 2, 5, 10 };
	double power = pow(10, floor(log10(range / most)));
	unsigned i = 0;

	while (i < 3 && power * nice[i] * most < range)
		i++;
	return power * nice[i];
}

/* The same for seconds, as clocks have them. */
static double nice_time(double range, double most)
{
	static const double nice[] = { 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600,
		7200, 10800, 21600, 43200, 86400 };

	if (range < nice[0] * most)
		return nice_step(range, most);
	for (size_t i = 0; i < sizeof(nice) / sizeof(nice[0]); i++)
		if (nice[i] * most >= range)
			return nice[i];
	return 86400 * nice_step(range / 86400, most);
}

/* What bytes are counted in, where the largest is MOST. */
static double unit_of(double most, const char **name_ret)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double unit = 1;
	unsigned i = 0;

	for (; i < 4 && most >= 2 * 1024 * unit; i++)
		unit *= 1024;
	*name_ret = names[i];
	return unit;
}

/* Spread the edges to whole steps of a UNIT; the step. */
static double spread(struct panel *panel, double least, double most, double unit)
{
	double range = most > least ? most - least : most > 0 ? most : unit, step;

	/* from nothing on, unless that leaves no room for the line */
	if (least > 0 && least < range * 2)
		least = 0;
	/* a step must be large enough to count */
	range = fmax(most > least ? most - least : range, fabs(most) * 1e-9);
	step = unit * nice_step(range / unit, 5);
	/* what hardly goes below a step, as noise below 0 does, gets no step of its own */
	panel->low = fmod(least, step) > -step / 2 && least < 0 ? least
								: step * floor(least / step);
	panel->high = step * ceil(most / step);
	if (panel->high <= panel->low)
		panel->high = panel->low + step;
	return step;
}

/* VALUE at a scale: of a UNIT with its name, or how many more. */
static const char *scale_text(
	const struct plot *plot, double value, double step, double unit, const char *suffix)
{
	if (fabs(value) < step / 2)
		return "0";
	if (*suffix)
		return rg_arena_print(plot->arena, "%.10g %s", value / unit, suffix);
	return fabs(value) < 1e18 ? rg_units_delta(llround(value), false, plot->arena)
				  : rg_arena_print(plot->arena, "%+.3g", value);
}

/* A line and a number at each STEP; SUFFIX names the UNIT. */
static void draw_scale(const struct plot *plot, const struct panel *panel, double step, double unit,
	const char *suffix)
{
	double first = ceil(panel->low / step - 1e-9), last = floor(panel->high / step + 1e-9);

	cairo_set_line_width(plot->cairo, 1);
	for (double i = first; i <= last; i++) {
		double value = i * step, y = y_of(panel, value);

		use_colour(plot, fabs(value) < step / 2 ? AXIS : GRID);
		draw_line(plot, LEFT, floor(y) + 0.5, RIGHT, floor(y) + 0.5);
		use_colour(plot, GREY);
		put_text(plot, scale_text(plot, value, step, unit, suffix), LEFT - 8, y + 4, 11,
			false, 1);
	}
}

/* The times below a panel, and a line for each. */
static void draw_times(const struct plot *plot, const struct panel *panel, bool numbers)
{
	double step = nice_time(panel->seconds, 7);

	cairo_set_line_width(plot->cairo, 1);
	for (double time = 0; time <= panel->seconds * 1.0001; time += step) {
		double x = floor(x_of(panel, time)) + 0.5;

		use_colour(plot, GRID);
		draw_line(plot, x, panel->top, x, panel->top + panel->height + 4);
		use_colour(plot, GREY);
		if (numbers)
			put_text(plot, time == 0 ? "0" : rg_units_time(time, plot->arena), x,
				panel->top + panel->height + 18, 11, false, 0.5);
	}
}

static void put_heading(const struct plot *plot, const struct panel *panel, const char *text)
{
	use_colour(plot, INK);
	put_text(plot, text, LEFT, panel->top - 10, 12, true, 0);
}

/* --- lines -------------------------------------------------------------------------------- */

static void draw_series(const struct plot *plot, const struct panel *panel,
	const struct style *style,
	double (*value)(const struct plot *plot, const void *row, uint64_t i), const void *row)
{
	const struct rg_answer_sample *samples = plot->answer->samples.rows;
	uint64_t n = plot->answer->samples.shown;
	double x = 0, y = 0;

	cairo_new_path(plot->cairo);
	for (uint64_t i = 0; i < n; i++) {
		x = x_of(panel, samples[i].time);
		y = y_of(panel, value(plot, row, i));
		cairo_line_to(plot->cairo, x, y);
	}
	use_colour(plot, style->colour);
	cairo_set_line_width(plot->cairo, 1.8);
	cairo_set_dash(plot->cairo, style->dash, style->n_dash, 0);
	cairo_stroke(plot->cairo);
	cairo_set_dash(plot->cairo, NULL, 0, 0);
	put_marker(plot, style, x, y);
}

static double rss_at(const struct plot *plot, const void *row, uint64_t i)
{
	(void)row;
	return (double)((const struct rg_answer_sample *)plot->answer->samples.rows)[i].rss;
}

/* By how much it has grown. */
static double growth_at(const struct plot *plot, const void *row, uint64_t i)
{
	const uint64_t *counts = ((const struct rg_answer_series *)row)->series.rows;

	(void)plot;
	return (double)counts[i] - (double)counts[0];
}

/* Two lines of text right of a line, at Y, with its marker. */
static void put_label(const struct plot *plot, const struct style *style, const char *name,
	const char *facts, double y)
{
	put_marker(plot, style, RIGHT + GAP, y - 2);
	put_text(plot, name, RIGHT + GAP + 10, y + 2, 12, true, 0);
	use_colour(plot, GREY);
	put_text(plot, facts, RIGHT + GAP + 10, y + 15, 11, false, 0);
}

/* --- memory ------------------------------------------------------------------------------- */

static void draw_memory(const struct plot *plot, struct panel *panel)
{
	const struct rg_answer_memory *rss = plot->answer->rss;
	double least = INFINITY, most = 0, unit, step;
	const char *suffix, *delta = rg_units_delta(rss->delta, true, plot->arena);

	for (uint64_t i = 0; i < plot->answer->samples.shown; i++) {
		least = fmin(least, rss_at(plot, NULL, i));
		most = fmax(most, rss_at(plot, NULL, i));
	}
	unit = unit_of(most, &suffix);
	step = spread(panel, least, most, unit);
	put_heading(plot, panel, "memory of the process (RSS)");
	draw_times(plot, panel, false);
	draw_scale(plot, panel, step, unit, suffix);
	draw_series(plot, panel, &memory_style, rss_at, NULL);
	put_label(plot, &memory_style, rg_units_bytes(rss->last, plot->arena),
		rg_arena_print(plot->arena, "%s%s%s", *delta ? delta : "as at the start",
			rss->trend ? ", " : "", rss->trend ? rss->trend : ""),
		y_of(panel, rss_at(plot, NULL, plot->answer->samples.shown - 1)));
}

/* --- types -------------------------------------------------------------------------------- */

/* A type that is drawn, and where its label goes. */
struct line {
	const struct rg_answer_series *row;
	const struct style *style;
	double end, label; /* y of the end of the line, and of the label's */
};

static int by_end(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->end != y->end)
		return x->end > y->end ? 1 : -1;
	return (x->style > y->style) - (x->style < y->style);
}

/* Those that grow; where none does, those that changed most. */
static unsigned choose_lines(const struct plot *plot, struct line lines[LINES])
{
	const struct rg_answer_series *rows = plot->answer->types.rows;
	unsigned n = 0;

	for (uint64_t i = 0; i < plot->answer->types.shown && n < LINES; i++) {
		if (plot->answer->growing && i >= plot->answer->growing)
			break;
		lines[n] = (struct line){ .row = &rows[i], .style = &styles[n] };
		n++;
	}
	return n;
}

/* Move labels apart, each as near to its line's end as can be. */
static void place_labels(const struct panel *panel, struct line *lines, unsigned n)
{
	double bottom = panel->top + panel->height + LABEL_HEIGHT / 2.;

	qsort(lines, n, sizeof(*lines), by_end);
	for (unsigned i = 0; i < n; i++) {
		lines[i].label = lines[i].end;
		if (i && lines[i].label < lines[i - 1].label + LABEL_HEIGHT)
			lines[i].label = lines[i - 1].label + LABEL_HEIGHT;
	}
	for (unsigned i = n; i-- > 0;) {
		double most = i + 1 < n ? lines[i + 1].label - LABEL_HEIGHT : bottom - LABEL_HEIGHT;

		lines[i].label = fmin(lines[i].label, most);
	}
}

/* A name that fits: without its first parts, if need be. */
static const char *short_name(const struct plot *plot, const char *name)
{
	const char *from = name, *dot;

	while (strlen(from) > NAME_COLUMNS && (dot = strchr(from, '.')) && dot[1])
		from = dot + 1;
	return rg_escape_display(plot->arena, from, strlen(from), NAME_COLUMNS);
}

static void label_line(const struct plot *plot, const struct line *line)
{
	const struct rg_answer_series *row = line->row;
	const char *delta = rg_units_delta(row->delta, false, plot->arena);
	const char *facts = row->trend && strcmp(row->trend, "grows") == 0
				    ? rg_arena_print(plot->arena, "%s, %s a minute", delta,
					      rg_units_number(row->per_minute, plot->arena))
				    : rg_arena_print(plot->arena, "%s%s%s",
					      *delta ? delta : "as at the start",
					      row->trend ? ", " : "", row->trend ? row->trend : "");

	use_colour(plot, line->style->colour);
	cairo_set_line_width(plot->cairo, 0.8);
	draw_line(plot, RIGHT, line->end, RIGHT + GAP, line->label - 2);
	put_label(plot, line->style, short_name(plot, row->type), facts, line->label);
}

static void draw_types(const struct plot *plot, struct panel *panel)
{
	struct line lines[LINES];
	unsigned n = choose_lines(plot, lines);
	double least = 0, most = 1, step;

	for (unsigned k = 0; k < n; k++)
		for (uint64_t i = 0; i < plot->answer->samples.shown; i++) {
			least = fmin(least, growth_at(plot, lines[k].row, i));
			most = fmax(most, growth_at(plot, lines[k].row, i));
		}
	/* there are no parts of objects */
	step = fmax(1, spread(panel, least, most, 1));
	put_heading(plot, panel,
		plot->answer->growing
			? "objects of the types that grow, more than at the start"
			: "objects of the types that changed most, more than at the start");
	draw_times(plot, panel, true);
	draw_scale(plot, panel, step, 1, "");
	/*
	 * the first is drawn through: where two are one line, the dashes of the other lie upon it
	 */
	for (unsigned k = 0; k < n; k++) {
		draw_series(plot, panel, lines[k].style, growth_at, lines[k].row);
		lines[k].end = y_of(
			panel, growth_at(plot, lines[k].row, plot->answer->samples.shown - 1));
	}
	place_labels(panel, lines, n);
	for (unsigned k = 0; k < n; k++)
		label_line(plot, &lines[k]);
	if (plot->answer->growing > n) {
		use_colour(plot, GREY);
		put_text(plot,
			rg_arena_print(plot->arena, "… and %s that grow",
				rg_units_things(plot->answer->growing - n, "other type",
					"other types", plot->arena)),
			RIGHT + GAP, panel->top + panel->height + 18, 11, false, 0);
	}
}

/* --- all of it ---------------------------------------------------------------------------- */

static const char *escaped(const char *text, struct rg_arena *arena)
{
	return rg_escape_display(arena, text, strlen(text), TITLE_COLUMNS);
}

static void draw_all(const struct plot *plot)
{
	const struct rg_answer_watch *answer = plot->answer;
	/* a single sample is a point at the left edge of a second */
	double seconds = answer->duration >= 0.001 ? answer->duration : 1;
	struct panel memory = { .top = 98, .height = 130, .seconds = seconds };
	struct panel types = { .top = 278, .height = 300, .seconds = seconds };

	use_colour(plot, 0xffffff);
	cairo_paint(plot->cairo);
	use_colour(plot, INK);
	put_text(plot, escaped(rg_answer_watch_title(answer, plot->arena), plot->arena), 16, 28, 16,
		true, 0);
	use_colour(plot, GREY);
	put_text(plot, escaped(rg_answer_watch_facts(answer, plot->arena), plot->arena), 16, 48, 12,
		false, 0);
	cairo_set_line_join(plot->cairo, CAIRO_LINE_JOIN_ROUND);
	draw_memory(plot, &memory);
	draw_types(plot, &types);
}

struct job {
	const struct rg_answer_watch *answer;
	enum rg_plot_format format;
};

static cairo_status_t put_bytes(void *out, const unsigned char *bytes, unsigned length)
{
	return fwrite(bytes, 1, length, out) == length ? CAIRO_STATUS_SUCCESS
						       : CAIRO_STATUS_WRITE_ERROR;
}

/* In the child. */
static enum rg_code draw(const void *subject, FILE *out, struct rg_error *err)
{
	const struct job *job = subject;
	struct rg_arena arena = { 0 };
	cairo_surface_t *surface =
		job->format == RG_PLOT_SVG
			? cairo_svg_surface_create_for_stream(put_bytes, out, WIDTH, HEIGHT)
			: cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
	struct plot plot = { cairo_create(surface), job->answer, &arena };
	cairo_status_t status;

	draw_all(&plot);
	status = cairo_status(plot.cairo);
	cairo_destroy(plot.cairo);
	if (!status && job->format == RG_PLOT_PNG)
		status = cairo_surface_write_to_png_stream(surface, put_bytes, out);
	cairo_surface_finish(surface);
	if (!status)
		status = cairo_surface_status(surface);
	cairo_surface_destroy(surface);
	if (status == CAIRO_STATUS_NO_MEMORY)
		return rg_nomem(err);
	if (status)
		return rg_fail(
			err, RG_SYSTEM, "layout-failed", "%s", cairo_status_to_string(status));
	return rg_arena_end(&arena, RG_OK, err);
}

/* The drawing, with a name where it is SVG. */
static bool put_drawing(const struct job *job, const char *bytes, size_t count, FILE *out)
{
	static const char tag[] = "<svg ";
	const char *found = job->format == RG_PLOT_SVG ? memmem(bytes, count, tag, strlen(tag))
						       : NULL;
	size_t before = found ? (size_t)(found - bytes) + strlen(tag) : 0;
	struct rg_arena arena = { 0 };
	bool done = job->format == RG_PLOT_PNG || found;

	done = done && fwrite(bytes, 1, before, out) == before;
	if (done && found)
		done = rg_apart_put_label(rg_answer_watch_title(job->answer, &arena), out);
	done = done && fwrite(bytes + before, 1, count - before, out) == count - before &&
	       !arena.failed;
	rg_arena_deinit(&arena);
	return done;
}

enum rg_code rg_plot_write(const struct rg_answer_watch *answer, enum rg_plot_format format,
	FILE *out, struct rg_error *err)
{
	struct job job = { answer, format };
	struct rg_apart apart = { draw, &job, "cairo", SECONDS };
	char *bytes = NULL;
	size_t count = 0;
	enum rg_code code = rg_apart_draw(&apart, &bytes, &count, err);

	if (code)
		return rg_hint(err, "write the series with -o FILE.json, and plot that elsewhere");
	errno = 0;
	if (!put_drawing(&job, bytes, count, out) || fflush(out) || ferror(out)) {
		if (errno == ENOMEM && !ferror(out))
			code = rg_nomem(err);
		else
			code = rg_fail(err, RG_SYSTEM, "write-failed",
				"cannot write the drawing: %s", strerror(errno ? errno : EIO));
	}
	free(bytes);
	return code;
}
