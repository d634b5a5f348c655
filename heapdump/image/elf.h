/*
 * An ELF file as it is mapped in an image: its program headers and the dynamic symbol table are
 * always in memory, so that no file has to be opened and no mount namespace matters.
 */
#ifndef RG_IMAGE_ELF_H
#define RG_IMAGE_ELF_H

#include "heapdump/image/image.h"

/*
 * The address of dynamic symbol NAME of the 64-bit x86-64 ELF file mapped at BASE, or 0. Looks
 * it up by the GNU hash table (or the System V one). Source: the ELF gABI; DT_GNU_HASH as
 * implemented by binutils and glibc.
 */
uint64_t rg_elf_symbol(struct rg_image *image, uint64_t base, const char *name);

/*
 * Where the memory that the file mapped at BASE asked for ends, its variables that begin as zeros
 * with it; 0 where no such file is there.
 */
uint64_t rg_elf_end(struct rg_image *image, uint64_t base);

#endif
