/* The public writer: what is declared comes back; misuse and failing streams are told. */
#include "heapdump/heapdump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/snapshot/tape.h"

static void declare(struct heapdump *dump)
{
	uint32_t type = heapdump_type(dump, "Pair", "tiny", HEAPDUMP_TYPE_GC), thread, frame;

	heapdump_object(dump, 0x1000, type, 32, 1, HEAPDUMP_GEN_0);
	heapdump_object(dump, 0x1020, type, 32, HEAPDUMP_NO_REFCOUNT, HEAPDUMP_UNTRACKED);
	heapdump_reference(dump, 0x1000, 0x1020, HEAPDUMP_OTHER);
	heapdump_reference_named(dump, 0x1000, 0x1020, HEAPDUMP_ATTR, "head");
	heapdump_reference_named(dump, 0x1000, 0x1020, HEAPDUMP_ATTR, NULL);
	heapdump_reference_keyed(dump, 0x1000, 0x1020, HEAPDUMP_KEY, 0x1000);
	for (uint64_t i = 0; i < 1000; i++)
		heapdump_reference_indexed(dump, 0x1020, 0x1000, HEAPDUMP_ITEM, i);
	heapdump_value(dump, 0x1000, HEAPDUMP_VALUE_TEXT, "a\0b", 3);
	heapdump_root(dump, 0x1000, "globals");
	thread = heapdump_thread(dump, 42, "main");
	frame = heapdump_frame(dump, thread, "run", "tiny.c", 7);
	heapdump_root_local(dump, 0x1020, frame, "x");
	heapdump_allocation(dump, 0x1020,
		heapdump_site(dump, "tiny.c", 9,
			heapdump_site(dump, NULL, 0, HEAPDUMP_NO_SITE)));
	heapdump_fact_text(dump, "runtime", "tiny 1.0");
	heapdump_fact_number(dump, "pid", -1);
}

static void record(struct recorder *recorder)
{
	struct rg_reference_record references[1000];
	uint32_t pair = put_string(recorder, "Pair", 4), tiny = put_string(recorder, "tiny", 4);
	uint32_t head, globals, name, run, file, x, type;

	type = put_type(recorder,
		&(struct rg_type_record){ .name = pair, .module = tiny, .flags = RG_TYPE_GC });
	put_object(recorder, &(struct rg_object_record){ .address = 0x1000,
				     .size = 32,
				     .refcount = 1,
				     .type = type,
				     .flags = RG_GEN_0 });
	put_object(recorder, &(struct rg_object_record){ .address = 0x1020,
				     .size = 32,
				     .refcount = UINT32_MAX,
				     .type = type,
				     .flags = RG_GEN_UNTRACKED | RG_OBJECT_IMMORTAL });
	head = put_string(recorder, "head", 4);
	memset(references, 0, sizeof(references));
	for (int i = 0; i < 4; i++)
		references[i].target = 0x1020;
	references[0].kind = RG_KIND_OTHER;
	references[1].kind = references[2].kind = RG_KIND_ATTR;
	references[1].form = RG_LABEL_STRING;
	references[1].label = head;
	references[3].kind = RG_KIND_KEY;
	references[3].form = RG_LABEL_OBJECT;
	references[3].label = 0x1000;
	put_references(recorder, 0x1000, references, 4);
	for (uint64_t i = 0; i < 1000; i++)
		references[i] = (struct rg_reference_record){
			.target = 0x1000, .kind = RG_KIND_ITEM, .form = RG_LABEL_NEXT, .label = i
		};
	put_references(recorder, 0x1020, references, 1000);
	put_value(recorder, &(struct rg_value_record){ .address = 0x1000,
				    .text = "a\0b",
				    .length = 3,
				    .kind = RG_VALUE_STR,
				    .exact = true });
	globals = put_string(recorder, "globals", 7);
	put_root(recorder, &(struct rg_root_record){ .target = 0x1000,
				   .kind = RG_ROOT_INTERPRETER,
				   .reference = RG_KIND_OTHER,
				   .name = globals,
				   .label = RG_NO_STRING,
				   .thread = UINT32_MAX,
				   .frame = UINT32_MAX });
	name = put_string(recorder, "main", 4);
	put_thread(recorder, &(struct rg_thread_record){ .native_id = 42, .name = name });
	run = put_string(recorder, "run", 3);
	file = put_string(recorder, "tiny.c", 6);
	put_frame(recorder,
		&(struct rg_frame_record){ .thread = 0, .function = run, .file = file, .line = 7 });
	x = put_string(recorder, "x", 1);
	put_root(recorder, &(struct rg_root_record){ .target = 0x1020,
				   .kind = RG_ROOT_FRAME,
				   .reference = RG_KIND_LOCAL,
				   .name = RG_NO_STRING,
				   .label = x,
				   .thread = 0,
				   .frame = 0 });
	put_site(recorder, &(struct rg_site_record){ RG_NO_STRING, 0, RG_NO_SITE });
	put_site(recorder, &(struct rg_site_record){ file, 9, 0 });
	put_allocation(recorder, &(struct rg_allocation_record){ 0x1020, 1 });
	put_fact_text(recorder, "runtime", "tiny 1.0");
	put_fact_number(recorder, "pid", -1);
}

START_TEST(what_is_declared_comes_back)
{
	char *data = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&data, &size);
	struct heapdump *dump = heapdump_open_stream(stream, 32);
	struct recorder recorder;
	struct rg_reader reader;
	struct rg_error err;
	struct tape tape;

	declare(dump);
	ck_assert_str_eq(heapdump_message(dump), "");
	ck_assert_int_eq(heapdump_finish(dump), HEAPDUMP_OK);
	/* too late, and without effect */
	heapdump_root(dump, 0x1000, "late");
	ck_assert_int_eq(heapdump_finish(dump), HEAPDUMP_OK);
	ck_assert_int_eq(heapdump_error(dump), HEAPDUMP_OK);
	heapdump_close(dump);
	fclose(stream);
	recorder_init(&recorder, 3);
	record(&recorder);
	recorder_finish(&recorder);
	ck_assert_int_eq(read_snapshot((uint8_t *)data, size, &reader, &tape, &err), RG_OK);
	ck_assert(reader.ended && !reader.truncated && !tape.malformed && reader.shift == 3);
	ck_assert(tape_begins(&tape, &recorder.tape, true));
	tape_deinit(&tape);
	recorder_deinit(&recorder);
	free(data);
}
END_TEST

static void unknown_type(struct heapdump *dump)
{
	heapdump_object(dump, 8, 0, 1, 1, HEAPDUMP_GEN_0);
}

static void unknown_generation(struct heapdump *dump)
{
	heapdump_object(
		dump, 8, heapdump_type(dump, "T", NULL, 0), 1, 1, (enum heapdump_generation)5);
}

static void odd_object(struct heapdump *dump)
{
	heapdump_object(dump, 9, heapdump_type(dump, "T", NULL, 0), 1, 1, HEAPDUMP_GEN_0);
}

static void odd_reference(struct heapdump *dump)
{
	heapdump_reference(dump, 8, 9, HEAPDUMP_OTHER);
}

static void odd_key(struct heapdump *dump)
{
	heapdump_reference_keyed(dump, 8, 8, HEAPDUMP_KEY, 9);
}

static void unknown_kind(struct heapdump *dump)
{
	heapdump_reference(dump, 8, 8, (enum heapdump_kind)99);
}

static void unknown_value(struct heapdump *dump)
{
	heapdump_value(dump, 8, (enum heapdump_value_kind)0, "x", 1);
}

static void odd_root(struct heapdump *dump)
{
	heapdump_root(dump, 9, NULL);
}

static void unknown_thread(struct heapdump *dump)
{
	heapdump_frame(dump, 0, NULL, NULL, 0);
}

static void unknown_frame(struct heapdump *dump)
{
	heapdump_root_local(dump, 8, 0, NULL);
}

static void unknown_caller(struct heapdump *dump)
{
	heapdump_site(dump, "x.c", 1, 0);
}

static void unknown_site(struct heapdump *dump)
{
	heapdump_allocation(dump, 8, 0);
}

static void odd_allocation(struct heapdump *dump)
{
	heapdump_allocation(dump, 9, heapdump_site(dump, "x.c", 1, HEAPDUMP_NO_SITE));
}

START_TEST(misuse_is_told)
{
	static const struct {
		void (*misuse)(struct heapdump *dump);
		const char *said;
	} cases[] = {
		{ unknown_type, "object 0x8: there is no type 0" },
		{ unknown_generation, "object 0x8: there is no generation 5" },
		{ odd_object, "object 0x9: its id is no multiple of 8" },
		{ odd_reference, "reference from 0x8 to 0x9: an id is no multiple of 8" },
		{ odd_key, "reference from 0x8: its key 0x9 is no multiple of 8" },
		{ unknown_kind, "reference from 0x8: there is no kind 99" },
		{ unknown_value, "value of 0x8: there is no kind 0" },
		{ odd_root, "root of 0x9: the id is no multiple of 8" },
		{ unknown_thread, "frame: there is no thread 0" },
		{ unknown_frame, "root of 0x8: there is no frame 0" },
		{ unknown_caller, "site: there is no site 0 to call it" },
		{ unknown_site, "allocation of 0x8: there is no site 0" },
		{ odd_allocation, "allocation of 0x9: the id is no multiple of 8" },
	};
	FILE *stream = fopen("/dev/null", "w");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct heapdump *dump = heapdump_open_stream(stream, 8);

		cases[i].misuse(dump);
		/* the first one stays, whatever follows */
		declare(dump);
		ck_assert_int_eq(heapdump_finish(dump), HEAPDUMP_MISUSE);
		ck_assert_str_eq(heapdump_message(dump), cases[i].said);
		heapdump_close(dump);
	}
	fclose(stream);
}
END_TEST

START_TEST(no_dump_is_no_crash)
{
	declare(NULL);
	ck_assert_int_eq(heapdump_finish(NULL), HEAPDUMP_NO_MEMORY);
	ck_assert_int_ne(heapdump_message(NULL)[0], '\0');
	heapdump_close(NULL);
}
END_TEST

static int files_here(const char *folder)
{
	char command[300];
	FILE *pipe;
	int n = -1;

	snprintf(command, sizeof(command), "ls -A %s | wc -l", folder);
	pipe = popen(command, "r");
	ck_assert_int_eq(fscanf(pipe, "%d", &n), 1);
	pclose(pipe);
	return n;
}

START_TEST(a_file_appears_when_it_is_whole)
{
	char folder[] = "/tmp/heapdump-XXXXXX", path[64];
	struct heapdump *dump;
	struct stat st;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.rgs", folder);
	dump = heapdump_open(path, 8);
	declare(dump);
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(heapdump_finish(dump), HEAPDUMP_OK);
	heapdump_close(dump);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(files_here(folder), 1);
	unlink(path);
	/* one that was given up, and one that failed, leave nothing */
	dump = heapdump_open(path, 8);
	declare(dump);
	heapdump_close(dump);
	dump = heapdump_open(path, 8);
	odd_root(dump);
	ck_assert_int_eq(heapdump_finish(dump), HEAPDUMP_MISUSE);
	heapdump_close(dump);
	ck_assert_int_eq(files_here(folder), 0);
	rmdir(folder);
	errno = 0;
	ck_assert_ptr_null(heapdump_open(path, 8));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(a_full_disk_is_told)
{
	int fd = open("/dev/full", O_WRONLY);
	struct heapdump *dump = heapdump_open_fd(fd, 8);

	ck_assert_ptr_nonnull(dump);
	declare(dump);
	ck_assert_int_eq(heapdump_finish(dump), HEAPDUMP_CANNOT_WRITE);
	ck_assert_ptr_nonnull(strstr(heapdump_message(dump), "No space left"));
	heapdump_close(dump);
	/* the descriptor stays the caller's */
	ck_assert_int_eq(close(fd), 0);
	ck_assert_ptr_null(heapdump_open_fd(fd, 8));
}
END_TEST

TEST_MAIN("heapdump", what_is_declared_comes_back, misuse_is_told, no_dump_is_no_crash,
	a_file_appears_when_it_is_whole, a_full_disk_is_told)
