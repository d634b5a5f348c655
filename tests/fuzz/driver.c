/*
 * The main function of a fuzz target that is not linked with libFuzzer: runs it on the files
 * named, on all files of the folders named, or on standard input. Options, which are libFuzzer's,
 * are passed over. An input that takes more than ten seconds ends the program, as a crash does.
 */
#include <dirent.h>
#include <signal.h>

#include "tests/fuzz/fuzz.h"

#define SECONDS 10 /* for one input */

static const char *now = "-"; /* the input that is running */
static unsigned inputs;

/* Say on which input the program ends. */
static void name_input(int signal)
{
	static const char said[] = "the input is ";
	ssize_t done = write(STDERR_FILENO, said, sizeof(said) - 1);

	done += write(STDERR_FILENO, now, strlen(now));
	done += write(STDERR_FILENO, "\n", 1);
	_exit(done > 0 ? 128 + signal : 1);
}

static void run_stream(FILE *stream, const char *path)
{
	struct text text = { 0 };
	FILE *all = text_open(&text);
	char buffer[4096];
	uint8_t *copy;
	size_t n;

	while ((n = fread(buffer, 1, sizeof(buffer), stream)) > 0)
		fwrite(buffer, 1, n, all);
	REQUIRE(!ferror(stream) && fclose(all) == 0);
	copy = exact_copy((const uint8_t *)text.bytes, text.size);
	now = path;
	inputs++;
	alarm(SECONDS);
	LLVMFuzzerTestOneInput(copy, text.size);
	alarm(0);
	free(copy);
	free(text.bytes);
}

static void run_file(const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file) {
		perror(path);
		exit(1);
	}
	run_stream(file, path);
	fclose(file);
}

/* The files of the folder PATH, in the order of their names; false where it is none. */
static int run_folder(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char file[4096];

		snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			run_file(file);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return n >= 0;
}

int main(int argc, char **argv)
{
	unsigned named = 0;

	signal(SIGALRM, name_input);
	signal(SIGABRT, name_input);
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-')
			continue;
		named++;
		if (!run_folder(argv[i]))
			run_file(argv[i]);
	}
	if (!named)
		run_stream(stdin, "-");
	printf("%u inputs\n", inputs);
	return 0;
}
