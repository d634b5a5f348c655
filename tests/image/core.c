/* Core files, crafted: what is read of them, and that none of their lies is believed. */
#include "heapdump/image/core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heapdump/image/coreimage.h"
#include "heapdump/image/notes.h"
#include "tests/tap.h"

#define PAGE 4096
#define BASE 0x400000ull /* where the binary is mapped: three pages, the first is in the core */
#define HEAP 0x10000000ull /* two pages, in the core */
#define STACK 0x7ffd00000000ull /* a page, in the core */
#define CORE_SIZE (5 * PAGE)

/* A folder of the test's own: every path is in it. */
static char folder[200], path[256], binary[256];

static void open_folder(void)
{
	const char *temporary = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/refgraph-core-XXXXXX", temporary ? temporary : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/core", folder);
	snprintf(binary, sizeof(binary), "%s/binary", folder);
}

static void close_folder(void)
{
	unlink(path);
	unlink(binary);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void write_file(const char *name, const void *bytes, size_t size)
{
	FILE *file = fopen(name, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
}

/* --- crafting ----------------------------------------------------------------------------- */

static size_t put_note(
	uint8_t *out, const char *name, uint32_t type, const void *content, size_t size)
{
	uint32_t head[3] = { (uint32_t)strlen(name) + 1, (uint32_t)size, type };
	size_t at = sizeof(head);

	memcpy(out, head, sizeof(head));
	memcpy(out + at, name, head[0]);
	at += (head[0] + 3) & ~3u;
	memcpy(out + at, content, size);
	return at + ((size + 3) & ~(size_t)3);
}

/* A binary of three pages with a build-id of 20 bytes ID; each other byte is its page's letter. */
static void craft_binary(uint8_t out[3 * PAGE], uint8_t id)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)out;
	Elf64_Phdr *ph = (Elf64_Phdr *)(out + sizeof(*header));
	uint8_t bytes[20];

	for (unsigned page = 0; page < 3; page++)
		memset(out + page * PAGE, 'a' + (int)page, PAGE);
	memset(out, 0, 1024);
	memcpy(header->e_ident, ELFMAG "\2\1\1", 7);
	header->e_machine = EM_X86_64;
	header->e_type = ET_DYN;
	header->e_phoff = sizeof(*header);
	header->e_phentsize = sizeof(*ph);
	header->e_phnum = 2;
	ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = 3 * PAGE };
	ph[1] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = 512, .p_vaddr = 512, .p_align = 4 };
	memset(bytes, id, sizeof(bytes));
	ph[1].p_filesz = put_note(out + 512, "GNU", NT_GNU_BUILD_ID, bytes, sizeof(bytes));
}

static size_t craft_notes(uint8_t *out, const char *file)
{
	uint64_t files[] = { 2, PAGE, BASE, BASE + PAGE, 0, BASE + PAGE, BASE + 3 * PAGE, 1 };
	uint8_t process[136] = { 0 }, status[336] = { 0 }, mapped[1024];
	size_t at = 0, length = strlen(file) + 1;

	process[24] = 0x39; /* pid 0x1239 */
	process[25] = 0x12;
	memcpy(process + 40, "sixteen letters!", 16);
	memcpy(process + 56, "python3 leak.py ", 16);
	status[12] = 6;
	memcpy(mapped, files, sizeof(files));
	memcpy(mapped + sizeof(files), file, length);
	memcpy(mapped + sizeof(files) + length, file, length);
	at += put_note(out + at, "CORE", NT_PRSTATUS, status, sizeof(status));
	at += put_note(out + at, "CORE", NT_PRPSINFO, process, sizeof(process));
	at += put_note(out + at, "LINUX", NT_FILE, "not this", 8);
	status[12] = 11;
	at += put_note(out + at, "CORE", NT_PRSTATUS, status, sizeof(status));
	at += put_note(out + at, "CORE", NT_FILE, mapped, sizeof(files) + 2 * length);
	return at;
}

/* As the kernel writes it, of a process that has mapped BINARY; its build-id is all ID. */
static void craft_core(uint8_t out[CORE_SIZE], uint8_t id)
{
	uint8_t file[3 * PAGE];
	Elf64_Ehdr *header = (Elf64_Ehdr *)out;
	Elf64_Phdr *ph = (Elf64_Phdr *)(out + sizeof(*header));

	memset(out, 0, CORE_SIZE);
	memcpy(header->e_ident, ELFMAG "\2\1\1", 7);
	header->e_machine = EM_X86_64;
	header->e_type = ET_CORE;
	header->e_phoff = sizeof(*header);
	header->e_phentsize = sizeof(*ph);
	header->e_phnum = 6;
	ph[0] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = 512 };
	ph[0].p_filesz = craft_notes(out + 512, binary);
	ph[1] = (Elf64_Phdr){ PT_LOAD, PF_R, PAGE, BASE, 0, PAGE, PAGE, PAGE };
	ph[2] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, 2 * PAGE, BASE + PAGE, 0, 0, 2 * PAGE, PAGE };
	ph[3] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, 2 * PAGE, HEAP, 0, 2 * PAGE, 2 * PAGE, PAGE };
	ph[4] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, 4 * PAGE, STACK, 0, PAGE, PAGE, PAGE };
	ph[5] = (Elf64_Phdr){ PT_LOAD, PF_X, 4 * PAGE, -(10ull << 20), 0, PAGE, PAGE, PAGE };
	craft_binary(file, id);
	memcpy(out + PAGE, file, PAGE);
	memset(out + 2 * PAGE, 'h', PAGE);
	memset(out + 3 * PAGE, 'i', PAGE);
	memset(out + 4 * PAGE, 's', PAGE);
}

/* The core and its binary, as they belong together. */
static void write_both(void)
{
	uint8_t core[CORE_SIZE], file[3 * PAGE];

	craft_core(core, 7);
	craft_binary(file, 7);
	write_file(path, core, sizeof(core));
	write_file(binary, file, sizeof(file));
}

/* --- reading ------------------------------------------------------------------------------ */

struct opened {
	struct rg_core core;
	struct rg_coreimage memory;
	struct rg_error err;
};

/* What must hold of any failure: it says something about the file. */
static void check_said(const struct rg_error *err)
{
	ck_assert_str_ne(err->name, "");
	ck_assert_msg(strstr(err->message, "/core") || strstr(err->message, "memory"), "%s",
		err->message);
}

static enum rg_code open_core(struct opened *opened, const char *sysroot)
{
	enum rg_code code;

	memset(opened, 0, sizeof(*opened));
	rg_error_init(&opened->err);
	code = rg_core_open(&opened->core, path, &opened->err);
	if (!code) {
		code = rg_coreimage_init(&opened->memory, &opened->core, sysroot, &opened->err);
		if (code)
			rg_core_close(&opened->core);
	}
	if (code)
		check_said(&opened->err);
	return code;
}

static void close_core(struct opened *opened)
{
	rg_coreimage_deinit(&opened->memory);
	rg_core_close(&opened->core);
}

/* The byte at ADDRESS, or 0. */
static char byte_at(struct opened *opened, uint64_t address)
{
	return (char)rg_image_u8(&opened->memory.image, address);
}

/* Ask all over the place. */
static void ask_all(struct opened *opened)
{
	static const uint64_t places[] = { 0, BASE, HEAP, STACK, 1ull << 47, UINT64_MAX - PAGE };
	char text[100];

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		for (int64_t at = -1; at <= 3 * PAGE; at += PAGE - 1) {
			rg_image_at(&opened->memory.image, places[i] + (uint64_t)at, 16);
			rg_coreimage_binary(&opened->memory, places[i] + (uint64_t)at);
		}
	for (int state = 0; state <= RG_BINARY_DATA; state++)
		rg_coreimage_list(&opened->memory, state, text, sizeof(text));
	for (size_t i = 0; i < opened->memory.n_binaries; i++)
		rg_coreimage_describe(
			&opened->memory, &opened->memory.binaries[i], text, sizeof(text));
}

/* A core whose every byte may lie: read or refused, nothing else. */
static void try_any(void)
{
	struct opened opened;

	if (open_core(&opened, NULL))
		return;
	ask_all(&opened);
	close_core(&opened);
}

static void expect_refused(const char *name, const char *word)
{
	struct opened opened;

	ck_assert_int_ne(open_core(&opened, NULL), RG_OK);
	ck_assert_str_eq(opened.err.name, name);
	ck_assert_msg(strstr(opened.err.message, word), "no '%s' in: %s", word, opened.err.message);
}

/* The binary is in STATE: nothing of its pages is read, the rest is, and WORD tells of it. */
static void expect_lacking(int state, const char *word)
{
	struct opened opened;
	char text[400];

	ck_assert_int_eq(open_core(&opened, NULL), RG_OK);
	ck_assert_int_eq(opened.memory.binaries[0].state, state);
	rg_coreimage_describe(&opened.memory, &opened.memory.binaries[0], text, sizeof(text));
	ck_assert_msg(strstr(text, word), "no '%s' in: %s", word, text);
	ck_assert_ptr_nonnull(strstr(text, binary));
	ck_assert_int_eq(byte_at(&opened, BASE + PAGE), 0);
	ck_assert_int_eq(byte_at(&opened, HEAP), 'h');
	close_core(&opened);
}

/* --- the tests ---------------------------------------------------------------------------- */

START_TEST(core_read_whole)
{
	struct opened opened;

	open_folder();
	write_both();
	ck_assert(rg_core_probe(path));
	ck_assert(!rg_core_probe(folder));
	ck_assert_int_eq(open_core(&opened, NULL), RG_OK);
	ck_assert_int_eq(opened.core.pid, 0x1239);
	ck_assert_int_eq(opened.core.signal, 6);
	ck_assert_uint_eq(opened.core.threads, 2);
	ck_assert_str_eq(opened.core.name, "sixteen letters!");
	ck_assert_str_eq(opened.core.command, "python3 leak.py");
	ck_assert(!rg_core_is_cut(&opened.core));
	ck_assert_uint_eq(opened.core.n_loads, 4);
	ck_assert_uint_eq(opened.core.n_mapped, 2);
	/* the core's own pages, those of the binary, and none between */
	ck_assert_int_eq(byte_at(&opened, BASE + PAGE - 1), 'a');
	ck_assert_int_eq(byte_at(&opened, BASE + PAGE), 'b');
	ck_assert_int_eq(byte_at(&opened, BASE + 3 * PAGE - 1), 'c');
	ck_assert_int_eq(byte_at(&opened, BASE + 3 * PAGE), 0);
	ck_assert_int_eq(byte_at(&opened, HEAP), 'h');
	ck_assert_int_eq(byte_at(&opened, HEAP + PAGE), 'i');
	ck_assert_int_eq(byte_at(&opened, STACK), 's');
	ck_assert_ptr_nonnull(rg_image_at(&opened.memory.image, BASE + PAGE - 8, 16));
	ck_assert(rg_coreimage_holds(&opened.memory, BASE));
	ck_assert(!rg_coreimage_holds(&opened.memory, BASE + PAGE));
	ck_assert_ptr_nonnull(rg_coreimage_binary(&opened.memory, BASE + 3 * PAGE));
	ck_assert_ptr_null(rg_coreimage_binary(&opened.memory, BASE - 1));
	close_core(&opened);
	close_core(&opened);
	close_folder();
}
END_TEST

START_TEST(core_binary_of_another_build)
{
	uint8_t file[3 * PAGE];

	open_folder();
	write_both();
	craft_binary(file, 8);
	write_file(binary, file, sizeof(file));
	expect_lacking(RG_BINARY_WRONG, "0808080808080808080808080808080808080808");
	expect_lacking(RG_BINARY_WRONG, "0707070707070707070707070707070707070707");
	write_file(binary, "#!/bin/sh\n", 10);
	expect_lacking(RG_BINARY_WRONG, "no ELF file");
	unlink(binary);
	expect_lacking(RG_BINARY_MISSING, "is not here, its build-id is 0707070707");
	ck_assert_int_eq(mkdir(binary, 0700), 0);
	expect_lacking(RG_BINARY_MISSING, "is not here: Invalid argument; its build-id is 0707");
	ck_assert_int_eq(rmdir(binary), 0);
	close_folder();
}
END_TEST

/* Without a build-id in the core the program headers are compared. */
START_TEST(core_without_a_build_id)
{
	uint8_t core[CORE_SIZE], file[3 * PAGE];
	struct opened opened;

	open_folder();
	write_both();
	craft_core(core, 7);
	core[PAGE + 512 + 12] = 'X';
	write_file(path, core, sizeof(core));
	ck_assert_int_eq(open_core(&opened, NULL), RG_OK);
	ck_assert_int_eq(opened.memory.binaries[0].state, RG_BINARY_UNSURE);
	ck_assert_int_eq(byte_at(&opened, BASE + PAGE), 'b');
	close_core(&opened);
	craft_binary(file, 7);
	file[64 + 40] ^= 1;
	write_file(binary, file, sizeof(file));
	expect_lacking(RG_BINARY_WRONG, "program headers differ");
	close_folder();
}
END_TEST

/* No link leads out of a sysroot, and what is there is read; a binary that ends within a page. */
START_TEST(core_sysroot)
{
	uint8_t core[CORE_SIZE], file[3 * PAGE];
	char inside[512], root[300];
	struct opened opened;

	open_folder();
	write_both();
	snprintf(root, sizeof(root), "%s/root", folder);
	ck_assert_int_eq(mkdir(root, 0700), 0);
	craft_core(core, 7);
	/* the path in the core: /binary */
	craft_notes(core + 512, "/binary");
	write_file(path, core, sizeof(core));
	snprintf(inside, sizeof(inside), "%s/binary", root);
	craft_binary(file, 7);
	write_file(inside, file, 2 * PAGE + 5);
	ck_assert_int_eq(open_core(&opened, root), RG_OK);
	ck_assert_int_eq(byte_at(&opened, BASE + PAGE), 'b');
	ck_assert_int_eq(byte_at(&opened, BASE + 2 * PAGE + 4), 'c');
	ck_assert_ptr_nonnull(rg_image_at(&opened.memory.image, BASE + 2 * PAGE + 5, 8));
	ck_assert_int_eq(byte_at(&opened, BASE + 2 * PAGE + 5), 0);
	close_core(&opened);
	unlink(inside);
	ck_assert_int_eq(symlink("../binary", inside), 0);
	ck_assert_int_eq(open_core(&opened, root), RG_OK);
	ck_assert_int_eq(opened.memory.binaries[0].state, RG_BINARY_MISSING);
	close_core(&opened);
	/* a pipe there is not waited for */
	unlink(inside);
	ck_assert_int_eq(mkfifo(inside, 0600), 0);
	ck_assert_int_eq(open_core(&opened, root), RG_OK);
	ck_assert_int_eq(opened.memory.binaries[0].error, EINVAL);
	close_core(&opened);
	unlink(inside);
	rmdir(root);
	close_folder();
}
END_TEST

/* Cut at every byte: what is there is read, and known to be a part. */
START_TEST(core_cut_at_every_byte)
{
	struct opened opened;

	open_folder();
	write_both();
	for (off_t size = CORE_SIZE - 1; size >= 0; size--) {
		ck_assert_int_eq(truncate(path, size), 0);
		if (open_core(&opened, NULL)) {
			ck_assert_int_lt(size, 2 * PAGE);
			continue;
		}
		ck_assert(rg_core_is_cut(&opened.core));
		ck_assert_int_eq(byte_at(&opened, HEAP), size >= 3 * PAGE ? 'h' : 0);
		ck_assert_int_eq(byte_at(&opened, HEAP + PAGE), size >= 4 * PAGE ? 'i' : 0);
		ck_assert_int_eq(byte_at(&opened, STACK), 0);
		ask_all(&opened);
		close_core(&opened);
	}
	expect_refused("empty-file", "empty");
	close_folder();
}
END_TEST

/* Each byte, and each number of 2, 4 and 8 bytes, of headers and notes in turn. */
START_TEST(core_with_lying_fields)
{
	static const uint64_t lies[] = { 0, 1, 2, 0xffff, PAGE - 1, PAGE, BASE, HEAP, CORE_SIZE,
		0x7fffffff, 0xffffffff, 1ull << 32, 1ull << 47, INT64_MAX, 1ull << 63,
		UINT64_MAX - PAGE + 1, UINT64_MAX };
	uint8_t core[CORE_SIZE], spoilt[CORE_SIZE];

	open_folder();
	write_both();
	craft_core(core, 7);
	for (size_t at = 0; at + 8 < 512 + 1300; at += at < 512 ? 2 : 4)
		for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++)
			for (size_t size = 2; size <= 8; size *= 2) {
				int fd;

				if (at % size)
					continue;
				memcpy(spoilt, core, sizeof(spoilt));
				memcpy(spoilt + at, &lies[i], size);
				fd = open(path, O_WRONLY);
				ck_assert_int_eq(
					pwrite(fd, spoilt, 2 * PAGE, 0), (ssize_t)(2 * PAGE));
				close(fd);
				try_any();
			}
	close_folder();
}
END_TEST

/* Random damage of the headers, the notes and the binary's first page in memory. */
START_TEST(core_with_random_damage)
{
	uint8_t core[CORE_SIZE];

	open_folder();
	write_both();
	FOR_SEEDS(seed, 3000)
	{
		uint64_t state = seed;

		craft_core(core, 7);
		for (uint32_t n = 1 + random_below(&state, 6); n; n--) {
			static const uint32_t parts[] = { 400, 1800, PAGE + 600 };
			uint32_t at = random_below(&state, parts[random_below(&state, 3)]);
			uint64_t value = random_number(&state);

			memcpy(core + at, &value, 1u << random_below(&state, 4));
		}
		write_file(path, core, sizeof(core));
		try_any();
	}
	close_folder();
}
END_TEST

static void spoil(size_t at, uint64_t value, size_t size, const char *name, const char *word)
{
	uint8_t core[CORE_SIZE];

	craft_core(core, 7);
	memcpy(core + at, &value, size);
	write_file(path, core, sizeof(core));
	expect_refused(name, word);
}

START_TEST(core_refused_by_name)
{
	size_t load = 64 + 3 * 56; /* of the heap */

	open_folder();
	write_both();
	spoil(4, 1, 1, "wrong-architecture", "x32");
	spoil(5, 2, 1, "wrong-architecture", "big-endian");
	spoil(16, ET_EXEC, 2, "not-a-core", "an executable");
	spoil(16, ET_DYN, 2, "not-a-core", "shared library");
	spoil(16, 99, 2, "not-a-core", "an ELF file");
	spoil(18, EM_AARCH64, 2, "wrong-architecture", "AArch64");
	spoil(18, 999, 2, "wrong-architecture", "machine 999");
	spoil(32, CORE_SIZE - 8, 8, "cut-core", "program headers");
	spoil(54, 32, 2, "bad-core", "program headers of 32 bytes");
	spoil(56, 60000, 2, "cut-core", "program headers");
	spoil(load + 16, BASE + 2 * PAGE, 8, "bad-core", "overlaps");
	spoil(load + 16, HEAP + 1, 8, "bad-core", "pages of 4096");
	spoil(load + 32, 3 * PAGE, 8, "bad-core", "more bytes than memory");
	spoil(load + 40, UINT64_MAX - PAGE, 8, "bad-core", "larger than memory");
	spoil(0, 0, 4, "not-a-core", "no ELF header");
	spoil(0, 0xfd2fb528, 4, "compressed", "zstd -d");
	spoil(0, 0x8b1f, 2, "compressed", "gzip -d");
	close_folder();
}
END_TEST

/* Many segments of the same bytes would make a large memory of a small file. */
START_TEST(core_with_shared_bytes)
{
	uint8_t core[CORE_SIZE];
	Elf64_Phdr *heap = (Elf64_Phdr *)(core + 64) + 3;

	open_folder();
	write_both();
	craft_core(core, 7);
	heap->p_offset = 0;
	heap->p_filesz = heap->p_memsz = 4 * PAGE;
	write_file(path, core, sizeof(core));
	expect_refused("bad-core", "shares bytes");
	close_folder();
}
END_TEST

/* The number of program headers in the first section header, where 65535 is too few. */
START_TEST(core_with_many_segments)
{
	uint8_t core[CORE_SIZE];
	uint64_t sections = CORE_SIZE - 64;
	uint32_t count = 6;
	struct opened opened;

	open_folder();
	write_both();
	for (int turn = 0; turn < 3; turn++) {
		craft_core(core, 7);
		memset(core + 56, 0xff, 2);
		memcpy(core + 40, &sections, 8);
		memcpy(core + sections + 44, &count, 4);
		write_file(path, core, sizeof(core));
		if (turn == 0) {
			ck_assert_int_eq(open_core(&opened, NULL), RG_OK);
			ck_assert_int_eq(byte_at(&opened, HEAP), 'h');
			close_core(&opened);
			count = 1 << 20;
		} else if (turn == 1) {
			expect_refused("cut-core", "program headers");
			count = UINT32_MAX;
		} else {
			expect_refused("too-many-segments", "4294967295");
		}
	}
	sections = CORE_SIZE - 8;
	memset(core + 40, 0xff, 8);
	write_file(path, core, sizeof(core));
	expect_refused("cut-core", "section header");
	close_folder();
}
END_TEST

/* As gcore writes it: what is not changed of a file stands in NT_FILE alone. */
START_TEST(core_of_gcore)
{
	uint8_t core[CORE_SIZE];
	struct opened opened;

	open_folder();
	write_both();
	craft_core(core, 7);
	memset(core + 64 + 2 * 56, 0, 56);
	write_file(path, core, sizeof(core));
	ck_assert_int_eq(open_core(&opened, NULL), RG_OK);
	ck_assert_int_eq(byte_at(&opened, BASE + PAGE), 'b');
	ck_assert_int_eq(byte_at(&opened, BASE + 3 * PAGE - 1), 'c');
	ck_assert_int_eq(byte_at(&opened, HEAP), 'h');
	close_core(&opened);
	close_folder();
}
END_TEST

/* notes_at_the_end: a cursor at its end gave notes without end. */
START_TEST(notes_at_the_end)
{
	uint8_t bytes[64];
	size_t size = put_note(bytes, "CORE", 3, "12345", 5);

	for (size_t length = 0; length <= size; length++) {
		struct rg_cursor cursor = rg_cursor_over(bytes, length);
		struct rg_note note;
		bool whole = length >= size - 3;

		ck_assert_int_eq(rg_note_next(&cursor, 4, &note), whole);
		ck_assert(!whole || (note.type == 3 && strcmp(note.name, "CORE") == 0));
		ck_assert(!whole || rg_cursor_left(&note.content) == 5);
		ck_assert(!rg_note_next(&cursor, 4, &note));
	}
}
END_TEST

TEST_MAIN("core", core_read_whole, core_binary_of_another_build, core_without_a_build_id,
	core_sysroot, core_cut_at_every_byte, core_with_lying_fields, core_with_random_damage,
	core_refused_by_name, core_with_shared_bytes, core_with_many_segments, core_of_gcore,
	notes_at_the_end)
