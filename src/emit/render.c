#include "src/emit/render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <graphviz/gvc.h>

#include "heapdump/base/arena.h"
#include "src/emit/apart.h"
#include "src/emit/dot.h"

struct drawing {
	char *bytes;
	size_t count;
};

struct format {
	const char *graphviz; /* its name there; NULL: no layout */
	const char *what; /* it is, for a message */
	/* write what graphviz drew, with what it left wrong put right */
	bool (*put)(const struct rg_picture *picture, const struct drawing *drawing, FILE *out);
};

/* One attempt at drawing. */
struct job {
	const struct rg_picture *picture;
	const struct format *format;
	enum rg_dot_form form;
	unsigned seconds;
};

/* In the child */

static int report(char *text)
{
	return fputs(text, stderr);
}

static enum rg_code draw(const void *subject, FILE *out, struct rg_error *err)
{
	const struct job *job = subject;
	Agraph_t *graph;
	GVC_t *gvc;

	agseterrf(report);
	if (!job->format->graphviz)
		return rg_dot_write(job->picture, out, err);
	if (rg_dot_build(job->picture, job->form, &graph, err) != RG_OK)
		return err->code;
	gvc = gvContext();
	if (!gvc || gvLayout(gvc, graph, "dot") || gvRender(gvc, graph, job->format->graphviz, out))
		return RG_SYSTEM;
	return RG_OK;
}

static enum rg_code attempt(const struct job *job, struct drawing *drawing, struct rg_error *err)
{
	struct rg_apart apart = { draw, job, "graphviz", job->seconds };

	return rg_apart_draw(&apart, &drawing->bytes, &drawing->count, err);
}

/* The formats */

static bool put_text(FILE *out, const char *text, size_t length)
{
	return fwrite(text, 1, length, out) == length;
}

/* The name of the drawing for those who do not see it. */
static bool put_role(const struct rg_picture *picture, FILE *out)
{
	struct rg_arena arena = { 0 };
	const char *title = picture->title ? picture->title : "";
	const char *subtitle = picture->subtitle ? picture->subtitle : "";
	const char *label = rg_arena_print(
		&arena, "%s%s%s", title, *subtitle ? " · " : "", subtitle);
	bool done = !arena.failed && rg_apart_put_label(label, out);

	rg_arena_deinit(&arena);
	return done;
}

/*
 * graphviz draws the background with a stroke "transparent", which SVG 1.1 does not know. Neither
 * text found here can be one of the heap's: graphviz writes their < and " as entities.
 */
static bool put_svg(const struct rg_picture *picture, const struct drawing *drawing, FILE *out)
{
	static const char start_tag[] = "<svg ", wrong[] = "stroke=\"transparent\"";
	const char *at = drawing->bytes, *end = at + drawing->count, *found;

	found = at ? memmem(at, (size_t)(end - at), start_tag, strlen(start_tag)) : NULL;
	if (!found)
		return false;
	found += strlen(start_tag);
	if (!put_text(out, at, (size_t)(found - at)) || !put_role(picture, out))
		return false;
	for (at = found; (found = memmem(at, (size_t)(end - at), wrong, strlen(wrong)));
		at = found + strlen(wrong))
		if (!put_text(out, at, (size_t)(found - at)) || fputs("stroke=\"none\"", out) < 0)
			return false;
	return put_text(out, at, (size_t)(end - at));
}

static bool put_bytes(const struct rg_picture *picture, const struct drawing *drawing, FILE *out)
{
	(void)picture;
	return put_text(out, drawing->bytes, drawing->count);
}

static const struct format formats[RG_RENDER_FORMATS] = {
	[RG_RENDER_SVG] = { "svg", "the drawing", put_svg },
	[RG_RENDER_PNG] = { "png", "the drawing", put_bytes },
	[RG_RENDER_DOT] = { NULL, "DOT", put_bytes },
};

/* Whether to try a simpler form: graphviz had too much to do, or took a wrong turn. */
static bool is_worth_another(const struct rg_error *err)
{
	return !strcmp(err->name, "layout-time") || !strcmp(err->name, "layout-crashed");
}

static enum rg_code lay_out(const struct rg_picture *picture, const struct format *format,
	struct rg_render_limits limits, struct drawing *drawing, struct rg_error *err)
{
	struct job full = { picture, format, RG_DOT_FULL, limits.full };
	struct job simple = { picture, format, RG_DOT_SIMPLE, limits.simple };
	struct rg_error again;
	enum rg_code code;

	if (!limits.full)
		return attempt(&simple, drawing, err);
	if (!format->graphviz)
		return attempt(&full, drawing, err);
	code = attempt(&full, drawing, err);
	if (code == RG_OK || !is_worth_another(err))
		return code;
	if (attempt(&simple, drawing, &again) != RG_OK)
		return code;
	rg_error_init(err);
	return RG_OK;
}

enum rg_code rg_render(const struct rg_picture *picture, enum rg_render_format format,
	struct rg_render_limits limits, FILE *out, struct rg_error *err)
{
	struct drawing drawing = { 0 };
	struct rg_error own;
	enum rg_code code;

	if (!err)
		err = &own;
	rg_error_init(err);
	if (rg_dot_check(picture, err) != RG_OK)
		return err->code;
	code = lay_out(picture, &formats[format], limits, &drawing, err);
	if (code != RG_OK)
		return rg_hint(err, "draw less of it, or write DOT (-o FILE.dot) and lay that out");
	errno = 0;
	if (!formats[format].put(picture, &drawing, out) || fflush(out) || ferror(out)) {
		if (errno == ENOMEM && !ferror(out))
			code = rg_nomem(err);
		else
			code = rg_fail(err, RG_SYSTEM, "write-failed", "cannot write %s: %s",
				formats[format].what, strerror(errno ? errno : EIO));
	}
	free(drawing.bytes);
	return code;
}

enum rg_code rg_render_svg(const struct rg_picture *picture, FILE *out, struct rg_error *err)
{
	return rg_render(picture, RG_RENDER_SVG, RG_RENDER_LIMITS, out, err);
}
