#include "heapdump/image/coreimage.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heapdump/base/array.h"
#include "heapdump/base/hash.h"

#define PAGE 4096ull
#define TOTAL_MAX (1ull << 40) /* no heap of a TiB is read; a core that claims one lies */
#define DELETED " (deleted)" /* what the kernel puts behind the path of a file that is gone */

/* --- reading ------------------------------------------------------------------------------ */

static const struct rg_core_piece *find_piece(struct rg_coreimage *coreimage, uint64_t address)
{
	const struct rg_core_piece *pieces = coreimage->pieces;
	size_t low = 0, high = coreimage->n_pieces, last = coreimage->last;

	if (last < high && address - pieces[last].start < pieces[last].end - pieces[last].start)
		return &pieces[last];
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (pieces[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == coreimage->n_pieces || address < pieces[low].start)
		return NULL;
	coreimage->last = low;
	return &pieces[low];
}

static int open_below(const char *sysroot, const char *path)
{
	size_t length = strlen(path), tail = sizeof(DELETED) - 1;
	int fd = rg_binary_open(sysroot, path);
	char *name;

	if (fd >= 0 || length <= tail || strcmp(path + length - tail, DELETED) != 0)
		return fd;
	/* what has its name now may be the same build */
	name = strndup(path, length - tail);
	fd = name ? rg_binary_open(sysroot, name) : -1;
	free(name);
	return fd;
}

/* Keep FD open as that of BINARY; the one opened longest ago makes room. */
static void keep_open(struct rg_coreimage *coreimage, uint32_t binary, int fd)
{
	uint32_t *slot = &coreimage->open[coreimage->next_open++ % RG_CORE_OPEN];

	if (*slot < coreimage->n_binaries && coreimage->binaries[*slot].fd >= 0) {
		close(coreimage->binaries[*slot].fd);
		coreimage->binaries[*slot].fd = -1;
	}
	*slot = binary;
	coreimage->binaries[binary].fd = fd;
}

/* The descriptor of a binary that was found good; -1 when it has changed since. */
static int binary_fd(struct rg_coreimage *coreimage, uint32_t number)
{
	struct rg_core_binary *binary = &coreimage->binaries[number];
	struct stat st;
	int fd;

	if (binary->fd >= 0)
		return binary->fd;
	fd = open_below(coreimage->sysroot, binary->path);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || st.st_dev != binary->device || st.st_ino != binary->inode ||
		st.st_size != binary->size || st.st_mtim.tv_sec != binary->changed.tv_sec ||
		st.st_mtim.tv_nsec != binary->changed.tv_nsec) {
		close(fd);
		return -1;
	}
	keep_open(coreimage, number, fd);
	return fd;
}

static int64_t read_memory(void *context, uint64_t address, void *buffer, size_t length)
{
	struct rg_coreimage *coreimage = context;
	const struct rg_core_piece *piece = find_piece(coreimage, address);
	uint64_t offset;
	int64_t n;
	int fd;

	if (!piece)
		return -1;
	if (length > piece->end - address)
		length = (size_t)(piece->end - address);
	offset = piece->offset + (address - piece->start);
	fd = piece->binary == RG_CORE_ITSELF ? coreimage->core->fd
					     : binary_fd(coreimage, piece->binary);
	if (fd < 0 || offset > INT64_MAX)
		return -1;
	do
		n = pread(fd, buffer, length, (off_t)offset);
	while (n < 0 && errno == EINTR);
	/* behind the end of a file its last page in memory is zero */
	if (n > 0 && piece->binary != RG_CORE_ITSELF && (size_t)n < length && n % PAGE) {
		size_t page_end = ((size_t)n + PAGE - 1) & ~(size_t)(PAGE - 1);
		size_t rest = page_end < length ? page_end : length;

		memset((char *)buffer + n, 0, rest - (size_t)n);
		n = (int64_t)rest;
	}
	return n;
}

/* For rg_identity_read: all of it, from the core itself. */
struct at_base {
	struct rg_coreimage *coreimage;
	uint64_t base;
};

static bool read_identity(void *context, uint64_t at, void *buffer, size_t length)
{
	const struct at_base *from = context;
	uint64_t address = from->base + at;

	while (length) {
		int64_t n = rg_coreimage_holds(from->coreimage, address)
				    ? read_memory(from->coreimage, address, buffer, length)
				    : -1;

		if (n <= 0)
			return false;
		buffer = (char *)buffer + n;
		address += (uint64_t)n;
		length -= (size_t)n;
	}
	return true;
}

bool rg_coreimage_holds(struct rg_coreimage *coreimage, uint64_t address)
{
	const struct rg_core_piece *piece = find_piece(coreimage, address);

	return piece && piece->binary == RG_CORE_ITSELF;
}

/* --- binaries ----------------------------------------------------------------------------- */

static uint32_t add_binary(struct rg_coreimage *coreimage, const char *path)
{
	uint64_t key = rg_hash(path, strlen(path)) | 1;
	uint32_t number = rg_map_get(&coreimage->by_path, key);
	struct rg_core_binary *binary;

	if (number != RG_MAP_NONE && strcmp(coreimage->binaries[number].path, path) == 0)
		return number;
	binary = RG_PUSH(coreimage->binaries, coreimage->n_binaries, coreimage->binaries_capacity);
	if (!binary)
		return RG_MAP_NONE;
	*binary = (struct rg_core_binary){ .path = path, .fd = -1 };
	number = (uint32_t)(coreimage->n_binaries - 1);
	return rg_map_set(&coreimage->by_path, key, number) ? number : RG_MAP_NONE;
}

static enum rg_code number_binaries(struct rg_coreimage *coreimage, struct rg_error *err)
{
	const struct rg_core *core = coreimage->core;

	coreimage->binary_of = rg_array_new(core->n_mapped, sizeof(*coreimage->binary_of));
	if (!coreimage->binary_of)
		return rg_nomem(err);
	for (size_t i = 0; i < core->n_mapped; i++) {
		const struct rg_core_mapped *mapped = &core->mapped[i];
		uint32_t number = add_binary(coreimage, mapped->path);

		if (number == RG_MAP_NONE)
			return rg_nomem(err);
		coreimage->binary_of[i] = number;
		if (mapped->offset == 0 && !coreimage->binaries[number].base)
			coreimage->binaries[number].base = mapped->start;
	}
	return RG_OK;
}

void rg_coreimage_describe(const struct rg_coreimage *coreimage,
	const struct rg_core_binary *binary, char *out, size_t size)
{
	const char *root = coreimage->sysroot ? coreimage->sysroot : "";
	size_t length = strlen(binary->path), tail = sizeof(DELETED) - 1;
	bool gone = length > tail && strcmp(binary->path + length - tail, DELETED) == 0;
	int shown = (int)(gone ? length - tail : length), used;
	char needed[65], found[65];

	used = snprintf(out, size, "%.60s%.*s ", root, shown < 160 ? shown : 160, binary->path);
	if (used < 0 || (size_t)used >= size)
		return;
	rg_identity_text(&binary->needed, needed);
	rg_identity_text(&binary->found, found);
	out += used;
	size -= (size_t)used;
	if (binary->state == RG_BINARY_MISSING && binary->error == ENOENT)
		snprintf(out, size, "is not here%s, its build-id is %s",
			gone ? " (it was deleted before the core was written)" : "", needed);
	else if (binary->state == RG_BINARY_MISSING)
		snprintf(out, size, "is not here: %s; its build-id is %s", strerror(binary->error),
			needed);
	else if (!binary->found.elf)
		snprintf(out, size, "is no ELF file any more, the core was written of one");
	else if (binary->needed.id_length)
		snprintf(out, size,
			"is another build than the core was written of: its build-id is %s, "
			"the core's is %s",
			found, needed);
	else
		snprintf(out, size,
			"is another build than the core was written of: its program headers "
			"differ");
}

/* Compare what the core has of BINARY in memory with the file FD. */
static void compare(struct rg_coreimage *coreimage, struct rg_core_binary *binary, int fd)
{
	struct at_base from = { coreimage, binary->base };
	struct rg_identity disk = rg_binary_identity(fd), core = { 0 };

	if (binary->base)
		core = rg_identity_read(read_identity, &from, true);
	binary->needed = core;
	binary->found = disk;
	if (!disk.elf && !core.elf)
		binary->state = RG_BINARY_DATA;
	else if (core.elf && !disk.elf)
		binary->state = RG_BINARY_WRONG;
	else if (core.id_length)
		binary->state = core.id_length == disk.id_length &&
						memcmp(core.id, disk.id, core.id_length) == 0
					? RG_BINARY_GOOD
					: RG_BINARY_WRONG;
	/* without an id of it the program headers are all there is */
	else if (core.headers && core.headers != disk.headers)
		binary->state = RG_BINARY_WRONG;
	else
		binary->state = RG_BINARY_UNSURE;
}

/* A file that is not here: does it matter? */
static void note_missing(struct rg_coreimage *coreimage, struct rg_core_binary *binary, int error)
{
	struct at_base from = { coreimage, binary->base };

	if (binary->base)
		binary->needed = rg_identity_read(read_identity, &from, true);
	binary->error = error;
	binary->state = binary->needed.elf || binary->code || strstr(binary->path, ".so")
				? RG_BINARY_MISSING
				: RG_BINARY_DATA;
}

static void look_at(struct rg_coreimage *coreimage, uint32_t number)
{
	struct rg_core_binary *binary = &coreimage->binaries[number];
	struct stat st;
	int fd;

	if (binary->path[0] != '/') {
		binary->state = RG_BINARY_DATA;
		return;
	}
	fd = open_below(coreimage->sysroot, binary->path);
	if (fd < 0 || fstat(fd, &st) < 0) {
		note_missing(coreimage, binary, errno);
		if (fd >= 0)
			close(fd);
		return;
	}
	compare(coreimage, binary, fd);
	if (binary->state > RG_BINARY_UNSURE) {
		close(fd);
		return;
	}
	binary->device = st.st_dev;
	binary->inode = st.st_ino;
	binary->size = st.st_size;
	binary->changed = st.st_mtim;
	keep_open(coreimage, number, fd);
}

const struct rg_core_binary *rg_coreimage_binary(
	const struct rg_coreimage *coreimage, uint64_t address)
{
	size_t low = 0, high = coreimage->core->n_mapped;

	/* the last one that begins at or before ADDRESS: its .bss follows it without a name */
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (coreimage->core->mapped[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &coreimage->binaries[coreimage->binary_of[low - 1]] : NULL;
}

size_t rg_coreimage_list(const struct rg_coreimage *coreimage, int state, char *out, size_t size)
{
	size_t found = 0, named = 0, used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < coreimage->n_binaries; i++) {
		const struct rg_core_binary *binary = &coreimage->binaries[i];
		size_t length = strlen(binary->path);

		if ((int)binary->state != state)
			continue;
		/* room for "and 4194304 more" is kept */
		if (named == found++ && used + length + 24 < size) {
			used += (size_t)snprintf(
				out + used, size - used, "%s%s", named ? ", " : "", binary->path);
			named++;
		}
	}
	if (named && named < found)
		snprintf(out + used, size - used, " and %zu more", found - named);
	return found;
}

/* --- the pieces of memory ----------------------------------------------------------------- */

/* A run of memory with one header, one file, or both. */
struct span {
	uint64_t start, end;
	const struct rg_core_load *load;
	const struct rg_core_mapped *mapped;
	uint32_t binary;
};

/* The next span from AT on. I and J are the first header and the first file not yet past. */
static bool next_span(
	const struct rg_coreimage *coreimage, size_t *i, size_t *j, uint64_t at, struct span *ret)
{
	const struct rg_core *core = coreimage->core;
	const struct rg_core_load *load;
	const struct rg_core_mapped *mapped;
	uint64_t start = UINT64_MAX, end = UINT64_MAX;

	while (*i < core->n_loads && core->loads[*i].end <= at)
		++*i;
	while (*j < core->n_mapped && core->mapped[*j].end <= at)
		++*j;
	load = *i < core->n_loads ? &core->loads[*i] : NULL;
	mapped = *j < core->n_mapped ? &core->mapped[*j] : NULL;
	if (!load && !mapped)
		return false;
	if (load)
		start = load->start;
	if (mapped && mapped->start < start)
		start = mapped->start;
	if (start < at)
		start = at;
	if (load)
		end = load->start > start ? load->start : load->end;
	if (mapped && mapped->start > start && mapped->start < end)
		end = mapped->start;
	else if (mapped && mapped->start <= start && mapped->end < end)
		end = mapped->end;
	*ret = (struct span){ start, end, load && load->start <= start ? load : NULL,
		mapped && mapped->start <= start ? mapped : NULL, RG_CORE_ITSELF };
	if (ret->mapped)
		ret->binary = coreimage->binary_of[*j];
	return true;
}

/* The parts of SPAN: up to *HELD_RET it is in the core, from *FILE_RET on it may be in its file. */
static void split(const struct span *span, uint64_t *held_ret, uint64_t *file_ret)
{
	uint64_t held = span->start, file = span->start;

	if (span->load) {
		held = span->load->start + span->load->present;
		file = span->load->start + span->load->promised;
	}
	/* what a cut core lacks was changed by the process: no file has it */
	file = (file + PAGE - 1) & ~(PAGE - 1);
	*held_ret = held < span->start ? span->start : held < span->end ? held : span->end;
	*file_ret = file < span->start ? span->start : file < span->end ? file : span->end;
	if (!span->mapped || (span->load && !(span->load->flags & (PF_R | PF_X))))
		*file_ret = span->end;
}

static enum rg_code add_piece(
	struct rg_coreimage *coreimage, const struct rg_core_piece *piece, struct rg_error *err)
{
	struct rg_core_piece *slot;

	if (piece->start == piece->end)
		return RG_OK;
	coreimage->total += piece->end - piece->start;
	if (piece->end - piece->start > TOTAL_MAX || coreimage->total > TOTAL_MAX) {
		rg_fail(err, RG_LIMIT, "too-much-memory", "%s: more than %llu GiB of memory",
			coreimage->core->path, TOTAL_MAX >> 30);
		return rg_at_file(err, coreimage->core->path, RG_NO_OFFSET);
	}
	slot = RG_PUSH(coreimage->pieces, coreimage->n_pieces, coreimage->pieces_capacity);
	if (!slot)
		return rg_nomem(err);
	*slot = *piece;
	return RG_OK;
}

/* The core's own pieces; and which binaries must be had for the rest. */
static enum rg_code add_held(struct rg_coreimage *coreimage, struct rg_error *err)
{
	enum rg_code code = RG_OK;
	struct span span = { 0 };
	size_t i = 0, j = 0;

	while (!code && next_span(coreimage, &i, &j, span.end, &span)) {
		struct rg_core_piece piece = { .start = span.start, .binary = RG_CORE_ITSELF };
		uint64_t from_file;

		split(&span, &piece.end, &from_file);
		if (span.load)
			piece.offset = span.load->offset + (span.start - span.load->start);
		code = add_piece(coreimage, &piece, err);
		if (from_file < span.end)
			coreimage->binaries[span.binary].wanted = true;
		if (span.mapped && span.load && span.load->flags & PF_X)
			coreimage->binaries[span.binary].code = true;
	}
	return code;
}

static enum rg_code add_mapping(struct rg_coreimage *coreimage, const struct span *span,
	const struct rg_core_piece *piece, struct rg_error *err)
{
	struct rg_mapping mapping = { .start = piece->start,
		.end = piece->end,
		.readable = true,
		.writable = span->load && span->load->flags & PF_W,
		.executable = span->load && span->load->flags & PF_X,
		.path = "" };

	if (piece->start == piece->end)
		return RG_OK;
	if (span->mapped) {
		mapping.path = (char *)span->mapped->path;
		mapping.offset = span->mapped->offset + (piece->start - span->mapped->start);
	}
	return rg_image_add_mapping(&coreimage->image, &mapping, err);
}

/* All pieces, now that it is known which binaries can be had; and the image's mappings. */
static enum rg_code add_all(struct rg_coreimage *coreimage, struct rg_error *err)
{
	enum rg_code code = RG_OK;
	struct span span = { 0 };
	size_t i = 0, j = 0;

	coreimage->n_pieces = coreimage->last = 0;
	coreimage->total = 0;
	while (!code && next_span(coreimage, &i, &j, span.end, &span)) {
		struct rg_core_piece held = { .start = span.start, .binary = RG_CORE_ITSELF };
		struct rg_core_piece file = { .end = span.end, .binary = span.binary };

		split(&span, &held.end, &file.start);
		if (span.load)
			held.offset = span.load->offset + (span.start - span.load->start);
		code = add_piece(coreimage, &held, err);
		if (!code)
			code = add_mapping(coreimage, &span, &held, err);
		if (code || file.start == file.end ||
			coreimage->binaries[span.binary].state > RG_BINARY_UNSURE)
			continue;
		file.offset = span.mapped->offset + (file.start - span.mapped->start);
		code = add_piece(coreimage, &file, err);
		if (!code)
			code = add_mapping(coreimage, &span, &file, err);
	}
	return code;
}

enum rg_code rg_coreimage_init(struct rg_coreimage *coreimage, struct rg_core *core,
	const char *sysroot, struct rg_error *err)
{
	enum rg_code code;

	memset(coreimage, 0, sizeof(*coreimage));
	coreimage->core = core;
	coreimage->sysroot = sysroot;
	memset(coreimage->open, 0xff, sizeof(coreimage->open));
	rg_image_init(&coreimage->image, read_memory, coreimage);
	code = number_binaries(coreimage, err);
	if (!code)
		code = add_held(coreimage, err);
	for (uint32_t i = 0; !code && i < coreimage->n_binaries; i++)
		if (coreimage->binaries[i].wanted)
			look_at(coreimage, i);
	if (!code)
		code = add_all(coreimage, err);
	if (!code && coreimage->n_pieces == 0) {
		rg_fail(err, RG_BAD_DATA, "no-memory", "%s: a core without memory", core->path);
		code = rg_at_file(err, core->path, RG_NO_OFFSET);
	}
	if (!code)
		code = rg_image_seal(&coreimage->image, err);
	if (code)
		rg_coreimage_deinit(coreimage);
	return code;
}

void rg_coreimage_deinit(struct rg_coreimage *coreimage)
{
	if (!coreimage->core)
		return;
	rg_image_deinit(&coreimage->image);
	for (size_t i = 0; i < coreimage->n_binaries; i++)
		if (coreimage->binaries[i].fd >= 0)
			close(coreimage->binaries[i].fd);
	free(coreimage->pieces);
	free(coreimage->binaries);
	free(coreimage->binary_of);
	rg_map_deinit(&coreimage->by_path);
	memset(coreimage, 0, sizeof(*coreimage));
}
