#include "heapdump/image/elf.h"

#include <elf.h>

/* What is needed of one mapped file: addresses in the image. */
struct dynamic {
	uint64_t bias, symbols, strings, gnu_hash, hash;
};

/*
 * A row of a table, or NULL: where it is not aligned, as in any file that was linked, it is none.
 */
static const void *row_at(struct rg_image *image, uint64_t address, size_t size)
{
	return address & 7 ? NULL : rg_image_at(image, address, size);
}

/* What the program headers say: the load bias, and where PT_DYNAMIC is and all ends. */
struct headers {
	uint64_t bias, dynamic, end;
};

/* Read the program headers of the file mapped at BASE. */
static bool read_headers(struct rg_image *image, uint64_t base, struct headers *ret)
{
	const Elf64_Ehdr *header = row_at(image, base, sizeof(*header));
	uint64_t first = UINT64_MAX, dynamic = 0, end = 0;
	Elf64_Ehdr eh;

	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
		header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64)
		return false;
	eh = *header;
	for (unsigned i = 0; i < eh.e_phnum && i < 64; i++) {
		const Elf64_Phdr *ph = row_at(
			image, base + eh.e_phoff + i * sizeof(*ph), sizeof(*ph));

		if (!ph)
			return false;
		if (ph->p_type == PT_LOAD && ph->p_vaddr < first)
			first = ph->p_vaddr & ~4095ull;
		if (ph->p_type == PT_LOAD && ph->p_vaddr + ph->p_memsz > end)
			end = ph->p_vaddr + ph->p_memsz;
		else if (ph->p_type == PT_DYNAMIC)
			dynamic = ph->p_vaddr;
	}
	if (first == UINT64_MAX)
		return false;
	*ret = (struct headers){ base - first, dynamic, base - first + end };
	return true;
}

uint64_t rg_elf_end(struct rg_image *image, uint64_t base)
{
	struct headers headers;

	return read_headers(image, base, &headers) ? headers.end : 0;
}

static bool read_dynamic(struct rg_image *image, uint64_t base, struct dynamic *ret)
{
	struct headers headers;

	if (!read_headers(image, base, &headers) || !headers.dynamic)
		return false;
	ret->bias = headers.bias;
	for (unsigned i = 0; i < 128; i++) {
		const Elf64_Dyn *entry = row_at(
			image, ret->bias + headers.dynamic + i * sizeof(*entry), sizeof(*entry));
		uint64_t value;

		if (!entry || entry->d_tag == DT_NULL)
			break;
		/* the loader relocates these in place, except in read-only files */
		value = entry->d_un.d_ptr;
		if (value < ret->bias)
			value += ret->bias;
		if (entry->d_tag == DT_SYMTAB)
			ret->symbols = value;
		else if (entry->d_tag == DT_STRTAB)
			ret->strings = value;
		else if (entry->d_tag == DT_GNU_HASH)
			ret->gnu_hash = value;
		else if (entry->d_tag == DT_HASH)
			ret->hash = value;
	}
	return ret->symbols && ret->strings && (ret->gnu_hash || ret->hash);
}

/* The address of symbol number INDEX if it is defined and called NAME, else 0. */
static uint64_t symbol_called(
	struct rg_image *image, const struct dynamic *dyn, uint32_t index, const char *name)
{
	const Elf64_Sym *symbol = row_at(
		image, dyn->symbols + index * sizeof(*symbol), sizeof(*symbol));
	uint64_t value;
	char found[64];

	if (!symbol || symbol->st_shndx == SHN_UNDEF)
		return 0;
	value = symbol->st_value;
	if (!rg_image_string(image, dyn->strings + symbol->st_name, found, sizeof(found)) ||
		strcmp(found, name) != 0)
		return 0;
	return dyn->bias + value;
}

static uint64_t find_gnu(struct rg_image *image, const struct dynamic *dyn, const char *name)
{
	uint32_t hash = 5381, buckets = rg_image_u32(image, dyn->gnu_hash);
	uint32_t first = rg_image_u32(image, dyn->gnu_hash + 4);
	uint32_t bloom = rg_image_u32(image, dyn->gnu_hash + 8);
	uint64_t table = dyn->gnu_hash + 16 + 8ull * bloom, chain = table + 4ull * buckets;
	uint32_t index;

	if (!buckets)
		return 0;
	for (const unsigned char *c = (const unsigned char *)name; *c; c++)
		hash = hash * 33 + *c;
	index = rg_image_u32(image, table + 4ull * (hash % buckets));
	for (unsigned steps = 0; index >= first && steps < 100000; index++, steps++) {
		uint64_t at = chain + 4ull * (index - first);
		uint32_t found = rg_image_u32(image, at);

		if (!rg_image_at(image, at, sizeof(found)))
			break;
		if ((found | 1) == (hash | 1)) {
			uint64_t address = symbol_called(image, dyn, index, name);

			if (address)
				return address;
		}
		if (found & 1)
			break;
	}
	return 0;
}

static uint64_t find_sysv(struct rg_image *image, const struct dynamic *dyn, const char *name)
{
	uint32_t count = rg_image_u32(image, dyn->hash + 4);

	for (uint32_t i = 0; i < count && i < 1000000; i++) {
		uint64_t address = symbol_called(image, dyn, i, name);

		if (!rg_image_at(image, dyn->symbols + i * sizeof(Elf64_Sym), sizeof(Elf64_Sym)))
			break;
		if (address)
			return address;
	}
	return 0;
}

uint64_t rg_elf_symbol(struct rg_image *image, uint64_t base, const char *name)
{
	struct dynamic dyn = { 0 };

	if (!read_dynamic(image, base, &dyn))
		return 0;
	return dyn.gnu_hash ? find_gnu(image, &dyn, name) : find_sysv(image, &dyn, name);
}
