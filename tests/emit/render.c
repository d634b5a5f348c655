/* Drawings: well-formed, saying what they were told, the same twice; limits; nothing left over. */
#include "src/emit/render.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "heapdump/base/arena.h"
#include "src/emit/escape.h"
#include "tests/emit/hostile.h"

static enum rg_code simple_svg(const struct rg_picture *picture, FILE *out, struct rg_error *err)
{
	return rg_render(picture, RG_RENDER_SVG, (struct rg_render_limits){ 0, 10 }, out, err);
}

static unsigned count(const char *text, const char *part)
{
	unsigned n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

/* PICTURE draws with FUNCTION, twice the same, whole and well-formed; the caller frees it. */
static char *checked(write_picture *function, const struct rg_picture *picture, uint64_t seed)
{
	size_t length, again_length;
	enum rg_code code, again_code;
	char *svg = written(function, picture, &length, &code);
	char *again = written(function, picture, &again_length, &again_code);

	CHECK(seed, code == RG_OK && again_code == RG_OK);
	CHECK(seed, length == again_length && !memcmp(svg, again, length));
	CHECK(seed, is_well_formed(svg, length));
	CHECK(seed, count(svg, "class=\"node\"") == picture->n_nodes);
	CHECK(seed, count(svg, "class=\"edge\"") == picture->n_edges);
	CHECK(seed, count(svg, "class=\"cluster\"") == picture->n_clusters);
	CHECK(seed, !strstr(svg, "\"transparent\"") && strstr(svg, "role=\"img\" aria-label=\""));
	free(again);
	return svg;
}

/* No-break spaces become spaces. */
static char *with_plain_blanks(char *text)
{
	char *from = text, *to = text;

	while (*from) {
		bool nbsp = !strncmp(from, "\xc2\xa0", 2);

		*to++ = nbsp ? ' ' : *from;
		from += nbsp ? 2 : 1;
	}
	*to = 0;
	return text;
}

/* RESOLVED has BEFORE, then TEXT as it is displayed within COLUMNS, then AFTER. */
static bool says(const char *resolved_svg, const char *before, const char *text, unsigned columns,
	const char *after)
{
	struct rg_arena arena = { 0 };
	char *wanted = NULL;
	bool found;

	ck_assert_int_ge(asprintf(&wanted, "%s%s%s", before,
				 rg_escape_display(&arena, text, strlen(text), columns), after),
		0);
	found = strstr(resolved_svg, with_plain_blanks(wanted));
	free(wanted);
	rg_arena_deinit(&arena);
	return found;
}

/* Everywhere in the drawing TEXT is what the reader sees. */
static void check_text(const char *text, uint64_t seed)
{
	char *svg = checked(rg_render_svg, picture_of(text), seed);
	char *plain = with_plain_blanks(resolved(svg));

	CHECK(seed, says(plain, "font-size=\"10.00\" fill=\"#1b1f24\">", *text ? text : " ", 40,
			    "</text>"));
	CHECK(seed, !*text || says(plain, "font-size=\"8.00\" fill=\"#57606a\">", text, 60, "<"));
	CHECK(seed, !*text || says(plain, "fill=\"#424a53\">   ", text, 40, "</text>"));
	CHECK(seed, !*text || says(plain, "xlink:title=\"", text, 400, "\""));
	free(svg);
	free(plain);
	free(checked(simple_svg, picture_of(text), seed));
}

START_TEST(render_hostile_texts)
{
	for (size_t i = 0; i < N_HOSTILE; i++)
		check_text(hostile[i], i);
}
END_TEST

START_TEST(render_every_byte)
{
	for (unsigned first = 1; first < 256; first += 8) {
		char text[9] = { 0 };

		for (unsigned i = 0; i < 8; i++)
			text[i] = (char)(first + i);
		check_text(text, first);
	}
}
END_TEST

START_TEST(render_random_texts)
{
	FOR_SEEDS(seed, 50)
	{
		uint64_t state = seed;
		char text[30];

		random_text(&state, text, sizeof(text));
		check_text(text, seed);
	}
}
END_TEST

START_TEST(render_a_megabyte)
{
	size_t size = 1 << 20;
	char *text = calloc(size + 1, 1), *svg;

	for (size_t i = 0; i < size; i++)
		text[i] = "\\&\x1b<\xff"[i % 5];
	svg = checked(rg_render_svg, picture_of(text), 0);
	ck_assert_uint_le(strlen(svg), 64 << 10);
	free(svg);
	free(text);
}
END_TEST

START_TEST(render_random_pictures)
{
	FOR_SEEDS(seed, 40)
	{
		uint64_t state = seed;
		uint32_t n = 1 + random_below(&state, 60), m = random_below(&state, 3 * n / 2);
		struct rg_picture picture = random_picture(seed, n, m);

		free(checked(rg_render_svg, &picture, seed));
		free(checked(simple_svg, &picture, seed));
		free_picture(&picture);
	}
}
END_TEST

/* A parser of XML agrees, where there is one. */
START_TEST(render_as_xmllint_reads)
{
	for (size_t i = 0; i < N_HOSTILE; i += 3) {
		char *svg = checked(rg_render_svg, picture_of(hostile[i]), i);

		CHECK(i, xmllint_agrees(svg, strlen(svg)));
		free(svg);
	}
}
END_TEST

START_TEST(render_nothing)
{
	struct rg_picture picture = { .name = "empty", .title = "Nothing here" };
	struct rg_picture bare = { 0 };
	char *svg = checked(rg_render_svg, &picture, 0);

	ck_assert_ptr_nonnull(strstr(svg, "Nothing here</text>"));
	free(svg);
	free(checked(rg_render_svg, &bare, 0));
}
END_TEST

static void no_child_is_left(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

/* Far too much in both forms: a limit, said in time; nothing written, no zombie. */
START_TEST(render_gives_up)
{
	struct rg_picture picture = random_picture(1, 500, 2000);
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	struct rg_error err;

	ck_assert_int_eq(
		rg_render(&picture, RG_RENDER_SVG, (struct rg_render_limits){ 1, 1 }, out, &err),
		RG_LIMIT);
	ck_assert_str_eq(err.name, "layout-time");
	ck_assert_ptr_nonnull(strstr(err.message, "more than 1 s"));
	ck_assert_ptr_nonnull(strstr(err.hint, "DOT"));
	fclose(out);
	ck_assert_uint_eq(length, 0);
	no_child_is_left();
	free(text);
	free_picture(&picture);
}
END_TEST

static enum rg_code one_second_then_simple(
	const struct rg_picture *picture, FILE *out, struct rg_error *err)
{
	return rg_render(picture, RG_RENDER_SVG, (struct rg_render_limits){ 1, 60 }, out, err);
}

/* Too much in full, not in the simple form. */
START_TEST(render_falls_back)
{
	struct rg_picture picture = random_picture(3, 200, 400);

	free(checked(one_second_then_simple, &picture, 3));
	no_child_is_left();
	free_picture(&picture);
}
END_TEST

START_TEST(render_refuses_bad_rows)
{
	struct rg_picture_node node = { .cluster = 7 };
	struct rg_picture picture = { .nodes = &node, .n_nodes = 1 };
	struct rg_error err;

	ck_assert_int_eq(rg_render_svg(&picture, NULL, &err), RG_BAD_DATA);
	ck_assert_str_eq(err.name, "bad-picture");
}
END_TEST

START_TEST(render_to_a_full_disk)
{
	FILE *full = fopen("/dev/full", "w");
	struct rg_error err;

	ck_assert_int_eq(rg_render_svg(picture_of("x"), full, &err), RG_SYSTEM);
	ck_assert_str_eq(err.name, "write-failed");
	ck_assert_int_eq(rg_render_svg(picture_of("x"), full, NULL), RG_SYSTEM);
	fclose(full);
	no_child_is_left();
}
END_TEST

static void on_alarm(int number)
{
	(void)number;
}

/* A signal every millisecond does no harm. */
START_TEST(render_interrupted)
{
	struct sigaction action = { .sa_handler = on_alarm }, before;
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { 0 };

	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 10; i++)
		free(checked(rg_render_svg, picture_of("x"), 0));
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
	no_child_is_left();
}
END_TEST

/* Run BODY in a child: its exit status. */
static int in_child(int (*body)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(body());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int draw_without_descriptors(void)
{
	size_t length;
	enum rg_code code;

	for (int fd = 0; fd < 3; fd++)
		close(fd);
	free(written(rg_render_svg, picture_of("x"), &length, &code));
	return code == RG_OK && length ? 0 : 1;
}

START_TEST(render_without_standard_streams)
{
	ck_assert_int_eq(in_child(draw_without_descriptors), 0);
}
END_TEST

/* Draw with what OUT holds unwritten, into a file that also takes standard output and error. */
static int draw_quietly(void)
{
	FILE *file = tmpfile();
	size_t length;
	enum rg_code code;

	dup2(fileno(file), 1);
	dup2(fileno(file), 2);
	printf("unwritten");
	fputs("unwritten", file);
	setenv("FONTCONFIG_FILE", "/nonexistent", 1);
	free(written(rg_render_svg, picture_of("\\N<&\x01"), &length, &code));
	return code == RG_OK && lseek(fileno(file), 0, SEEK_END) == 0 ? 0 : 1;
}

START_TEST(render_prints_nothing)
{
	fflush(stdout);
	ck_assert_int_eq(in_child(draw_quietly), 0);
}
END_TEST

TEST_MAIN("render", render_hostile_texts, render_every_byte, render_random_texts, render_a_megabyte,
	render_random_pictures, render_as_xmllint_reads, render_nothing, render_gives_up,
	render_falls_back, render_refuses_bad_rows, render_to_a_full_disk, render_interrupted,
	render_without_standard_streams, render_prints_nothing)
