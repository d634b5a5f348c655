#include "heapdump/image/binary.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "heapdump/base/hash.h"
#include "heapdump/image/notes.h"

#define HEADERS 64 /* program headers of a binary that are looked at; linkers make a dozen */
#define PAGE_MASK (~4095ull)

/* --- identity ----------------------------------------------------------------------------- */

/* The build-id in a segment of notes. */
static void find_id(struct rg_identity *identity, struct rg_cursor notes, unsigned align)
{
	struct rg_note note;

	while (!identity->id_length && rg_note_next(&notes, align, &note)) {
		size_t length = rg_cursor_left(&note.content);

		if (note.type != NT_GNU_BUILD_ID || strcmp(note.name, "GNU") != 0)
			continue;
		if (length > sizeof(identity->id))
			length = sizeof(identity->id);
		memcpy(identity->id, note.content.at, length);
		identity->id_length = length;
	}
}

struct rg_identity rg_identity_read(rg_identity_reader *read, void *context, bool mapped)
{
	struct rg_identity identity = { 0 };
	Elf64_Phdr headers[HEADERS];
	uint64_t first = UINT64_MAX;
	uint8_t notes[4096]; /* build-ids come early and small */
	Elf64_Ehdr eh;

	if (!read(context, 0, &eh, sizeof(eh)) || memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0)
		return identity;
	identity.elf = true;
	if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_phnum == 0 || eh.e_phnum > HEADERS ||
		!read(context, eh.e_phoff, headers, eh.e_phnum * sizeof(*headers)))
		return identity;
	identity.headers = rg_hash(headers, eh.e_phnum * sizeof(*headers)) | 1;
	for (unsigned i = 0; i < eh.e_phnum; i++)
		if (headers[i].p_type == PT_LOAD && headers[i].p_vaddr < first)
			first = headers[i].p_vaddr & PAGE_MASK;
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		const Elf64_Phdr *ph = &headers[i];
		uint64_t at = mapped ? ph->p_vaddr - first : ph->p_offset;

		if (ph->p_type == PT_NOTE && ph->p_filesz <= sizeof(notes) &&
			read(context, at, notes, ph->p_filesz))
			find_id(&identity, rg_cursor_over(notes, ph->p_filesz),
				ph->p_align == 8 ? 8 : 4);
	}
	return identity;
}

const char *rg_identity_text(const struct rg_identity *identity, char *out)
{
	strcpy(out, "none");
	for (size_t i = 0; i < identity->id_length; i++)
		snprintf(out + 2 * i, 3, "%02x", identity->id[i]);
	return out;
}

/* --- files -------------------------------------------------------------------------------- */

/* A handle of PATH that opens nothing yet: what it names may be a device. */
static int find(const char *sysroot, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	char joined[4096];
	int root, fd;

	if (!sysroot)
		return open(path, O_PATH | O_CLOEXEC);
	root = open(sysroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	close(root);
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return fd;
	/* an old kernel, or a filter that does not know the call */
	if ((size_t)snprintf(joined, sizeof(joined), "%s/%s", sysroot, path) >= sizeof(joined)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(joined, O_PATH | O_CLOEXEC);
}

int rg_binary_open(const char *sysroot, const char *path)
{
	int handle = find(sysroot, path), fd = -1;
	char self[64];
	struct stat st;

	if (handle < 0)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", handle);
	if (fstat(handle, &st) == 0 && !S_ISREG(st.st_mode))
		errno = EINVAL;
	else
		fd = open(self, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		int error = errno;

		close(handle);
		errno = error;
		return -1;
	}
	close(handle);
	return fd;
}

static bool read_file(void *context, uint64_t at, void *buffer, size_t length)
{
	return at <= INT64_MAX &&
	       pread(*(int *)context, buffer, length, (off_t)at) == (ssize_t)length;
}

struct rg_identity rg_binary_identity(int fd)
{
	return rg_identity_read(read_file, &fd, false);
}
