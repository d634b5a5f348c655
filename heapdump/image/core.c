#include "heapdump/image/core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heapdump/base/array.h"
#include "heapdump/image/notes.h"

#define PAGE_MASK 4095ull
#define HEADER_SIZE 64
#define PROGRAM_HEADER_SIZE 56
#define SECTION_HEADER_SIZE 64
#define HEADERS_MAX (4u << 20) /* the kernel's limit of mappings is 65530 unless raised */
#define NOTES_MAX (256ull << 20) /* the kernel writes a few MiB at most */
#define KERNEL_HALF (1ull << 63)

/* --- what it is --------------------------------------------------------------------------- */

static const struct {
	const char *magic;
	size_t length;
	const char *advice;
} packers[] = {
	{ "\x28\xb5\x2f\xfd", 4, "zstd-compressed: decompress it first: zstd -d" },
	{ "\x1f\x8b", 2, "gzip-compressed: decompress it first: gzip -d" },
	{ "\xfd\x37zXZ", 5, "xz-compressed: decompress it first: xz -d" },
	{ "\x04\x22\x4d\x18", 4, "lz4-compressed: decompress it first: lz4 -d" },
	{ "BZh", 3, "bzip2-compressed: decompress it first: bzip2 -d" },
};

static const struct {
	uint16_t machine;
	const char *name;
} machines[] = {
	{ EM_386, "32-bit x86" },
	{ EM_AARCH64, "AArch64" },
	{ EM_ARM, "32-bit ARM" },
	{ EM_LOONGARCH, "LoongArch" },
	{ EM_MIPS, "MIPS" },
	{ EM_PPC64, "POWER" },
	{ EM_RISCV, "RISC-V" },
	{ EM_S390, "S/390" },
	{ EM_X86_64, "x86-64" },
};

static const char *const kinds[] = { "an ELF file of no type", "an object file", "an executable",
	"an executable or shared library" };

const char *rg_core_packer(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < sizeof(packers) / sizeof(packers[0]); i++)
		if (size >= packers[i].length &&
			memcmp(bytes, packers[i].magic, packers[i].length) == 0)
			return packers[i].advice;
	return NULL;
}

bool rg_core_probe(const char *path)
{
	char magic[SELFMAG];
	struct stat st;
	bool found;
	int fd;

	/* a pipe would wait for its writer, and what is read from it is gone */
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	found = pread(fd, magic, SELFMAG, 0) == SELFMAG && memcmp(magic, ELFMAG, SELFMAG) == 0;
	close(fd);
	return found;
}

static enum rg_code bad(struct rg_core *core, uint64_t offset, struct rg_error *err)
{
	return rg_at_file(err, core->path, offset);
}

/* LENGTH bytes at OFFSET of the file, all of them. */
static enum rg_code read_at(struct rg_core *core, uint64_t offset, void *buffer, size_t length,
	const char *what, struct rg_error *err)
{
	uint64_t left = offset < core->size ? core->size - offset : 0;
	size_t done = 0;

	if (length > left) {
		rg_fail(err, RG_BAD_DATA, "cut-core",
			"%s: cut in its %s: %llu bytes at offset %llu, expected %zu", core->path,
			what, (unsigned long long)left, (unsigned long long)offset, length);
		rg_hint(err, "write it again where there is room, with: ulimit -c unlimited");
		return bad(core, offset, err);
	}
	while (done < length) {
		ssize_t n = pread(
			core->fd, (char *)buffer + done, length - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			rg_fail(err, RG_SYSTEM, "cannot-read", "%s: its %s cannot be read: %s",
				core->path, what, n < 0 ? strerror(errno) : "it has shrunk");
			return bad(core, offset, err);
		}
		done += (size_t)n;
	}
	return RG_OK;
}

static enum rg_code refuse_machine(struct rg_core *core, uint16_t machine, struct rg_error *err)
{
	const char *name = "another machine";

	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].machine == machine)
			name = machines[i].name;
	rg_fail(err, RG_BAD_DATA, "wrong-architecture",
		"%s: an ELF file of %s (machine %u), expected a core file of x86-64", core->path,
		name, machine);
	return bad(core, 18, err);
}

/* The identification, type and machine at the file's start. */
static enum rg_code check_kind(struct rg_core *core, const uint8_t *bytes, struct rg_error *err)
{
	struct rg_cursor cursor = rg_cursor_over(bytes + EI_NIDENT, HEADER_SIZE - EI_NIDENT);
	uint16_t type = rg_cursor_u16(&cursor), machine = rg_cursor_u16(&cursor);

	if (bytes[EI_DATA] != ELFDATA2LSB) {
		rg_fail(err, RG_BAD_DATA, "wrong-architecture",
			"%s: an ELF file of a big-endian machine, expected a core file of x86-64",
			core->path);
		return bad(core, EI_DATA, err);
	}
	if (bytes[EI_CLASS] != ELFCLASS64 && machine == EM_X86_64) {
		rg_fail(err, RG_BAD_DATA, "wrong-architecture",
			"%s: an ELF file of x32, the 32-bit form of x86-64, expected a 64-bit core",
			core->path);
		return bad(core, EI_CLASS, err);
	}
	if (machine != EM_X86_64)
		return refuse_machine(core, machine, err);
	if (type == ET_CORE)
		return RG_OK;
	rg_fail(err, RG_BAD_DATA, "not-a-core", "%s: %s, not a core file", core->path,
		type < sizeof(kinds) / sizeof(kinds[0]) ? kinds[type] : "an ELF file");
	rg_hint(err, "write a core of a running Python with: gcore PID");
	return bad(core, EI_NIDENT, err);
}

/* What does not begin as an ELF file. */
static enum rg_code refuse_other(
	struct rg_core *core, const uint8_t *bytes, size_t size, struct rg_error *err)
{
	const char *advice = rg_core_packer(bytes, size);

	if (core->size == 0)
		rg_fail(err, RG_BAD_DATA, "empty-file",
			"%s: the file is empty, expected a core file", core->path);
	else if (advice)
		rg_fail(err, RG_BAD_DATA, "compressed", "%s: %s", core->path, advice);
	else
		rg_fail(err, RG_BAD_DATA, "not-a-core", "%s: not a core file: no ELF header",
			core->path);
	return bad(core, 0, err);
}

/* --- program headers ---------------------------------------------------------------------- */

/* Where the program headers are, and how many. */
struct table {
	uint64_t offset, count;
};

static enum rg_code read_header(struct rg_core *core, struct table *table_ret, struct rg_error *err)
{
	size_t there = core->size < HEADER_SIZE ? (size_t)core->size : HEADER_SIZE;
	uint8_t bytes[HEADER_SIZE] = { 0 }, section[SECTION_HEADER_SIZE];
	uint64_t program, sections;
	struct rg_cursor cursor;
	enum rg_code code = read_at(core, 0, bytes, there, "ELF header", err);
	uint16_t entry_size;

	if (code)
		return code;
	if (there < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return refuse_other(core, bytes, there, err);
	code = read_at(core, 0, bytes, HEADER_SIZE, "ELF header", err);
	if (!code)
		code = check_kind(core, bytes, err);
	if (code)
		return code;
	cursor = rg_cursor_over(bytes + 32, HEADER_SIZE - 32);
	program = rg_cursor_u64(&cursor);
	sections = rg_cursor_u64(&cursor);
	rg_cursor_bytes(&cursor, 6); /* flags, size of this header */
	entry_size = rg_cursor_u16(&cursor);
	*table_ret = (struct table){ program, rg_cursor_u16(&cursor) };
	if (entry_size != PROGRAM_HEADER_SIZE) {
		rg_fail(err, RG_BAD_DATA, "bad-core",
			"%s: program headers of %u bytes, expected %u", core->path, entry_size,
			PROGRAM_HEADER_SIZE);
		return bad(core, 54, err);
	}
	if (table_ret->count != PN_XNUM)
		return RG_OK;
	/* more than fit the header: the first section header has the number */
	code = read_at(core, sections, section, sizeof(section), "first section header", err);
	if (code)
		return code;
	cursor = rg_cursor_over(section + 44, 4);
	table_ret->count = rg_cursor_u32(&cursor);
	return RG_OK;
}

static enum rg_code refuse_load(
	struct rg_core *core, uint64_t at, const char *why, uint64_t address, struct rg_error *err)
{
	rg_fail(err, RG_BAD_DATA, "bad-core", "%s: its segment at 0x%llx %s", core->path,
		(unsigned long long)address, why);
	return bad(core, at, err);
}

static enum rg_code add_load(
	struct rg_core *core, uint64_t at, const Elf64_Phdr *ph, struct rg_error *err)
{
	struct rg_core_load *load;
	uint64_t end, file_end, there;

	if (__builtin_add_overflow(ph->p_vaddr, ph->p_memsz, &end) ||
		__builtin_add_overflow(ph->p_offset, ph->p_filesz, &file_end))
		return refuse_load(core, at, "is larger than memory", ph->p_vaddr, err);
	if (file_end > core->expected)
		core->expected = file_end;
	/* the vsyscall page: nobody's memory */
	if (ph->p_vaddr >= KERNEL_HALF || ph->p_memsz == 0)
		return RG_OK;
	if ((ph->p_vaddr | ph->p_memsz) & PAGE_MASK)
		return refuse_load(
			core, at, "is not made of pages of 4096 bytes", ph->p_vaddr, err);
	if (ph->p_filesz > ph->p_memsz)
		return refuse_load(core, at, "has more bytes than memory", ph->p_vaddr, err);
	load = RG_PUSH(core->loads, core->n_loads, core->loads_capacity);
	if (!load)
		return rg_nomem(err);
	there = ph->p_offset < core->size ? core->size - ph->p_offset : 0;
	*load = (struct rg_core_load){ .start = ph->p_vaddr,
		.end = end,
		.offset = ph->p_offset,
		.promised = ph->p_filesz,
		.present = (ph->p_filesz < there ? ph->p_filesz : there) & ~PAGE_MASK,
		.flags = ph->p_flags };
	return RG_OK;
}

/* Append the bytes of a segment of notes; of one that is cut, those there are. */
static enum rg_code read_notes(struct rg_core *core, const Elf64_Phdr *ph, struct rg_error *err)
{
	uint64_t there = ph->p_offset < core->size ? core->size - ph->p_offset : 0;
	uint64_t size = ph->p_filesz < there ? ph->p_filesz : there, end;
	enum rg_code code;

	if (__builtin_add_overflow(ph->p_offset, ph->p_filesz, &end))
		end = UINT64_MAX;
	if (end > core->expected)
		core->expected = end;
	if (size > NOTES_MAX - core->notes_size) {
		rg_fail(err, RG_LIMIT, "too-many-notes", "%s: more than %llu MiB of notes",
			core->path, NOTES_MAX >> 20);
		return bad(core, ph->p_offset, err);
	}
	if (!rg_array_reserve(&core->notes, &core->notes_capacity, core->notes_size + size + 1, 1))
		return rg_nomem(err);
	code = read_at(core, ph->p_offset, core->notes + core->notes_size, size, "notes", err);
	if (!code)
		core->notes_size += size;
	return code;
}

static enum rg_code read_program_headers(
	struct rg_core *core, const struct table *table, struct rg_error *err)
{
	Elf64_Phdr chunk[256];
	uint64_t room = table->offset < core->size ? core->size - table->offset : 0;
	enum rg_code code = RG_OK;

	if (table->count > HEADERS_MAX) {
		rg_fail(err, RG_LIMIT, "too-many-segments",
			"%s: %llu program headers, at most %u are read", core->path,
			(unsigned long long)table->count, HEADERS_MAX);
		return bad(core, 56, err);
	}
	if (table->count * PROGRAM_HEADER_SIZE > room) {
		rg_fail(err, RG_BAD_DATA, "cut-core",
			"%s: cut in its program headers: %llu bytes at offset %llu, expected %llu",
			core->path, (unsigned long long)room, (unsigned long long)table->offset,
			(unsigned long long)table->count * PROGRAM_HEADER_SIZE);
		rg_hint(err, "write it again where there is room, with: ulimit -c unlimited");
		return bad(core, table->offset, err);
	}
	for (uint64_t i = 0; !code && i < table->count; i++) {
		uint64_t at = table->offset + i * PROGRAM_HEADER_SIZE;
		size_t n = i % 256, rest = table->count - i < 256 ? table->count - i : 256;

		if (n == 0)
			code = read_at(core, at, chunk, rest * PROGRAM_HEADER_SIZE,
				"program headers", err);
		if (!code && chunk[n].p_type == PT_LOAD)
			code = add_load(core, at, &chunk[n], err);
		else if (!code && chunk[n].p_type == PT_NOTE)
			code = read_notes(core, &chunk[n], err);
	}
	return code;
}

/* --- notes -------------------------------------------------------------------------------- */

/* A text field of SIZE bytes that may lack its NUL and end in blanks, in OUT of SIZE + 1. */
static void take_text(struct rg_cursor *cursor, char *out, size_t size)
{
	const uint8_t *text = rg_cursor_bytes(cursor, size);
	size_t length = text ? strnlen((const char *)text, size) : 0;

	while (length && text[length - 1] == ' ')
		length--;
	if (length)
		memcpy(out, text, length);
	out[length] = '\0';
}

/* struct elf_prpsinfo of x86-64 */
static void take_process(struct rg_core *core, struct rg_cursor cursor)
{
	rg_cursor_bytes(&cursor, 24); /* state, flags, user, group */
	core->pid = (int)(rg_cursor_u32(&cursor) & INT32_MAX);
	rg_cursor_bytes(&cursor, 12); /* parent, process group, session */
	take_text(&cursor, core->name, sizeof(core->name) - 1);
	take_text(&cursor, core->command, sizeof(core->command) - 1);
}

/* struct elf_prstatus: one for each thread, first that of the one that got the signal */
static void take_thread(struct rg_core *core, struct rg_cursor cursor)
{
	uint16_t signal;

	rg_cursor_bytes(&cursor, 12); /* of siginfo */
	signal = rg_cursor_u16(&cursor);
	if (core->threads++ == 0 && signal <= 64)
		core->signal = signal;
}

static enum rg_code refuse_files(struct rg_core *core, const char *why, struct rg_error *err)
{
	rg_fail(err, RG_BAD_DATA, "bad-core", "%s: its note of mapped files (NT_FILE) %s",
		core->path, why);
	return bad(core, RG_NO_OFFSET, err);
}

/* The next NUL-terminated string, or NULL. */
static const char *take_string(struct rg_cursor *cursor)
{
	size_t left = rg_cursor_left(cursor);
	const uint8_t *end = left ? memchr(cursor->at, '\0', left) : NULL;

	if (!end) {
		rg_cursor_fail(cursor);
		return NULL;
	}
	return (const char *)rg_cursor_bytes(cursor, (uint64_t)(end - cursor->at) + 1);
}

/* NT_FILE: count and page size, then start, end and page of each, then their paths. */
static enum rg_code take_files(struct rg_core *core, struct rg_cursor cursor, struct rg_error *err)
{
	uint64_t count = rg_cursor_u64(&cursor), page = rg_cursor_u64(&cursor);
	uint64_t room = rg_cursor_left(&cursor) / 25; /* three numbers and a NUL */
	struct rg_cursor entries = cursor;

	if (count > room)
		return refuse_files(core, "is shorter than its entries", err);
	rg_cursor_bytes(&cursor, count * 24);
	for (uint64_t i = 0; i < count; i++) {
		struct rg_core_mapped mapped = { .start = rg_cursor_u64(&entries) };
		struct rg_core_mapped *slot;
		bool too_large;

		mapped.end = rg_cursor_u64(&entries);
		too_large = __builtin_mul_overflow(rg_cursor_u64(&entries), page, &mapped.offset);
		mapped.path = take_string(&cursor);
		if (!mapped.path)
			return refuse_files(core, "has a path without end", err);
		if (too_large || mapped.end < mapped.start ||
			(mapped.start | mapped.end | mapped.offset) & PAGE_MASK)
			return refuse_files(core, "has an entry that is no mapping", err);
		if (mapped.start == mapped.end || mapped.start >= KERNEL_HALF)
			continue;
		slot = RG_PUSH(core->mapped, core->n_mapped, core->mapped_capacity);
		if (!slot)
			return rg_nomem(err);
		*slot = mapped;
	}
	return RG_OK;
}

static enum rg_code take_notes(struct rg_core *core, struct rg_error *err)
{
	struct rg_cursor cursor = rg_cursor_over(core->notes, core->notes_size);
	struct rg_note note;
	enum rg_code code = RG_OK;

	while (!code && rg_note_next(&cursor, 4, &note)) {
		if (strcmp(note.name, "CORE") != 0)
			continue;
		if (note.type == NT_PRPSINFO)
			take_process(core, note.content);
		else if (note.type == NT_PRSTATUS)
			take_thread(core, note.content);
		else if (note.type == NT_FILE)
			code = take_files(core, note.content, err);
	}
	return code;
}

/* --- order -------------------------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
	/* both structures begin with their start */
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static enum rg_code sort_loads(struct rg_core *core, struct rg_error *err)
{
	uint64_t total = 0;

	if (core->n_loads)
		qsort(core->loads, core->n_loads, sizeof(*core->loads), by_start);
	for (size_t i = 0; i < core->n_loads; i++) {
		const struct rg_core_load *load = &core->loads[i];

		if (i && load->start < load[-1].end)
			return refuse_load(
				core, RG_NO_OFFSET, "overlaps the one before it", load->start, err);
		total += load->present;
		if (total > core->size)
			return refuse_load(core, load->offset,
				"shares bytes of the file with others", load->start, err);
	}
	return RG_OK;
}

static enum rg_code sort_mapped(struct rg_core *core, struct rg_error *err)
{
	if (core->n_mapped)
		qsort(core->mapped, core->n_mapped, sizeof(*core->mapped), by_start);
	for (size_t i = 1; i < core->n_mapped; i++)
		if (core->mapped[i].start < core->mapped[i - 1].end)
			return refuse_files(core, "has two files in one place", err);
	return RG_OK;
}

enum rg_code rg_core_open(struct rg_core *core, const char *path, struct rg_error *err)
{
	struct table table;
	enum rg_code code;
	struct stat st;

	*core = (struct rg_core){ .path = path,
		.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
	if (core->fd < 0 || fstat(core->fd, &st) < 0) {
		rg_fail(err, RG_SYSTEM, "cannot-open", "%s: %s", path, strerror(errno));
		code = bad(core, RG_NO_OFFSET, err);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		rg_fail(err, RG_BAD_DATA, "not-a-core", "%s: not a regular file, expected a core",
			path);
		code = bad(core, RG_NO_OFFSET, err);
		goto out;
	}
	core->size = (uint64_t)st.st_size;
	core->written = st.st_mtime;
	code = read_header(core, &table, err);
	if (!code)
		code = read_program_headers(core, &table, err);
	if (!code)
		code = take_notes(core, err);
	if (!code)
		code = sort_loads(core, err);
	if (!code)
		code = sort_mapped(core, err);
out:
	if (code)
		rg_core_close(core);
	return code;
}

void rg_core_close(struct rg_core *core)
{
	/* a zeroed one has no path, and its descriptor is not its own */
	if (core->path && core->fd >= 0)
		close(core->fd);
	free(core->loads);
	free(core->mapped);
	free(core->notes);
	memset(core, 0, sizeof(*core));
}
