/* Files read whole, plain and compressed, and files that appear only when they are complete. */
#include "heapdump/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "tests/tap.h"

/* A folder of the test's own: every path is in it. */
static char folder[256], path[300], other[300];

static void open_folder(void)
{
	const char *temporary = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/refgraph-file-XXXXXX", temporary ? temporary : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/x.rgs", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
}

/* How many files are in the folder. */
static int count_files(void)
{
	DIR *dir = opendir(folder);
	int n = -2;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void close_folder(void)
{
	unlink(path);
	unlink(other);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void write_file(const void *bytes, size_t size)
{
	FILE *file = fopen(path, "w");

	ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
}

static void check_reads(const void *bytes, size_t size)
{
	struct rg_bytes read;
	struct rg_error err;

	ck_assert_int_eq(rg_bytes_init(&read, path, &err), RG_OK);
	ck_assert_uint_eq(read.size, size);
	ck_assert(size == 0 || memcmp(read.data, bytes, size) == 0);
	rg_bytes_deinit(&read);
	rg_bytes_deinit(&read);
}

/* COUNT bytes that do and do not compress. */
static char *make_bytes(size_t count)
{
	char *bytes = malloc(count + 1);
	uint64_t state = 1;

	for (size_t i = 0; i < count; i++)
		bytes[i] = i & 4096 ? 'x' : (char)random_bits(&state);
	return bytes;
}

START_TEST(file_read_whole)
{
	static const size_t sizes[] = { 0, 1, 3, 4, 4096, 3000000 };
	char *bytes = make_bytes(3000000);

	open_folder();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		write_file(bytes, sizes[i]);
		check_reads(bytes, sizes[i]);
	}
	close_folder();
	free(bytes);
}
END_TEST

START_TEST(file_read_compressed)
{
	static const size_t sizes[] = { 0, 1, 1000, 1 << 20, 3000000 };
	char *bytes = make_bytes(3000000);
	size_t room = 2 * ZSTD_compressBound(3000000);
	char *packed = malloc(room);

	open_folder();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t n = ZSTD_compress(packed, room, bytes, sizes[i], 1);

		write_file(packed, n);
		check_reads(bytes, sizes[i]);
	}
	/* two streams after one another are one file */
	{
		size_t n = ZSTD_compress(packed, room, bytes, 1000, 1);

		n += ZSTD_compress(packed + n, room - n, bytes + 1000, 2000, 1);
		write_file(packed, n);
		check_reads(bytes, 3000);
	}
	close_folder();
	free(packed);
	free(bytes);
}
END_TEST

/* Cut or broken: what could be unpacked, or a failure; never a crash or a hang. */
START_TEST(file_read_damaged_zstd)
{
	char *bytes = make_bytes(20000);
	size_t room = ZSTD_compressBound(20000), n;
	char *packed = malloc(room);

	open_folder();
	n = ZSTD_compress(packed, room, bytes, 20000, 1);
	for (size_t size = 4; size < n; size += size < 40 ? 1 : 97) {
		struct rg_bytes read;
		struct rg_error err;

		write_file(packed, size);
		ck_assert_int_eq(rg_bytes_init(&read, path, &err), RG_OK);
		ck_assert_uint_lt(read.size, 20000);
		ck_assert(read.size == 0 || memcmp(read.data, bytes, read.size) == 0);
		rg_bytes_deinit(&read);
	}
	memset(packed + 4, 0xff, n - 4);
	write_file(packed, n);
	{
		struct rg_bytes read;
		struct rg_error err;

		ck_assert_int_eq(rg_bytes_init(&read, path, &err), RG_BAD_DATA);
		ck_assert_str_eq(err.name, "bad-zstd");
		ck_assert_ptr_nonnull(strstr(err.message, path));
	}
	close_folder();
	free(packed);
	free(bytes);
}
END_TEST

START_TEST(file_read_pipe)
{
	int ends[2], saved = dup(STDIN_FILENO);
	struct rg_bytes read;
	struct rg_error err;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "hello", 5), 5);
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	ck_assert_int_eq(rg_bytes_init(&read, "-", &err), RG_OK);
	ck_assert(read.size == 5 && !read.mapped && memcmp(read.data, "hello", 5) == 0);
	rg_bytes_deinit(&read);
	dup2(saved, STDIN_FILENO);
	close(saved);
}
END_TEST

START_TEST(file_read_what_is_no_file)
{
	struct rg_bytes read;
	struct rg_error err;

	open_folder();
	ck_assert_int_eq(rg_bytes_init(&read, folder, &err), RG_BAD_DATA);
	ck_assert_str_eq(err.name, "directory");
	ck_assert_int_eq(rg_bytes_init(&read, path, &err), RG_SYSTEM);
	ck_assert_str_eq(err.name, "cannot-open");
	ck_assert_ptr_nonnull(strstr(err.message, path));
	ck_assert_str_ne(err.hint, "");
	close_folder();
}
END_TEST

START_TEST(file_write_appears_when_committed)
{
	struct rg_output out;
	struct rg_error err;
	struct stat st;

	open_folder();
	for (int turn = 0; turn < 2; turn++) {
		ck_assert_int_eq(rg_output_open(&out, path, 0600, &err), RG_OK);
		fprintf(out.stream, "turn %d\n", turn);
		/* until then there is the old one, or none */
		ck_assert_int_eq(access(path, F_OK), turn ? 0 : -1);
		if (turn)
			check_reads("turn 0\n", 7);
		ck_assert_int_eq(rg_output_commit(&out, &err), RG_OK);
		check_reads(turn ? "turn 1\n" : "turn 0\n", 7);
		ck_assert_int_eq(count_files(), 1);
	}
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	rg_output_abandon(&out);
	close_folder();
}
END_TEST

START_TEST(file_write_abandoned_leaves_nothing)
{
	struct rg_output out = { 0 };
	struct rg_error err;

	rg_output_abandon(&out);
	open_folder();
	ck_assert_int_eq(rg_output_open(&out, path, 0644, &err), RG_OK);
	fprintf(out.stream, "something");
	rg_output_abandon(&out);
	ck_assert_int_eq(count_files(), 0);
	rg_output_abandon(&out);
	close_folder();
}
END_TEST

START_TEST(file_write_into_a_missing_folder)
{
	struct rg_output out;
	struct rg_error err;

	open_folder();
	snprintf(other, sizeof(other), "%s/none/x.rgs", folder);
	ck_assert_int_eq(rg_output_open(&out, other, 0644, &err), RG_SYSTEM);
	ck_assert_str_eq(err.name, "cannot-write");
	ck_assert_ptr_nonnull(strstr(err.message, other));
	ck_assert_ptr_nonnull(strstr(err.message, strerror(ENOENT)));
	ck_assert_str_ne(err.hint, "");
	rg_output_abandon(&out);
	close_folder();
}
END_TEST

/* No room on the way: the old file stays, the temporary one goes. */
START_TEST(file_write_without_room)
{
	struct rlimit old, small;
	struct rg_output out;
	struct rg_error err;

	open_folder();
	write_file("old", 3);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){ .rlim_cur = 1000, .rlim_max = old.rlim_max };
	for (int bytes = 2000; bytes <= 200000; bytes *= 100) {
		ck_assert_int_eq(rg_output_open(&out, path, 0644, &err), RG_OK);
		setrlimit(RLIMIT_FSIZE, &small);
		for (int i = 0; i < bytes; i++)
			putc('x', out.stream);
		ck_assert_int_eq(rg_output_commit(&out, &err), RG_SYSTEM);
		setrlimit(RLIMIT_FSIZE, &old);
		ck_assert_str_eq(err.name, "cannot-write");
		ck_assert_int_eq(count_files(), 1);
		check_reads("old", 3);
	}
	close_folder();
}
END_TEST

/* A device is written to, not replaced; here through a link, which must stay one too. */
START_TEST(file_write_to_a_device)
{
	struct rg_output out;
	struct rg_error err;
	struct stat st;

	open_folder();
	ck_assert_int_eq(symlink("/dev/full", path), 0);
	ck_assert_int_eq(rg_output_open(&out, path, 0600, &err), RG_OK);
	fprintf(out.stream, "something");
	ck_assert_int_eq(rg_output_commit(&out, &err), RG_SYSTEM);
	ck_assert_ptr_nonnull(strstr(err.message, strerror(ENOSPC)));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	ck_assert_int_eq(rg_output_open(&out, path, 0600, &err), RG_OK);
	fprintf(out.stream, "something");
	ck_assert_int_eq(rg_output_commit(&out, &err), RG_OK);
	ck_assert(lstat(path, &st) == 0 && S_ISLNK(st.st_mode));
	ck_assert(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
	ck_assert_int_ne(st.st_mode & 0777, 0600);
	close_folder();
}
END_TEST

/* A link to a file: the file it names is replaced, the link stays. */
START_TEST(file_write_through_a_link)
{
	struct rg_output out;
	struct rg_error err;
	struct stat st;

	open_folder();
	write_file("old", 3);
	ck_assert_int_eq(symlink(path, other), 0);
	ck_assert_int_eq(rg_output_open(&out, other, 0644, &err), RG_OK);
	fprintf(out.stream, "new");
	ck_assert_int_eq(rg_output_commit(&out, &err), RG_OK);
	check_reads("new", 3);
	ck_assert(lstat(other, &st) == 0 && S_ISLNK(st.st_mode));
	ck_assert_int_eq(count_files(), 2);
	close_folder();
}
END_TEST

TEST_MAIN("file", file_read_whole, file_read_compressed, file_read_damaged_zstd, file_read_pipe,
	file_read_what_is_no_file, file_write_appears_when_committed,
	file_write_abandoned_leaves_nothing, file_write_into_a_missing_folder,
	file_write_without_room, file_write_to_a_device, file_write_through_a_link)
