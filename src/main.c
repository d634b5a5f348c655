#include <malloc.h>

#include "src/cli/command.h"

/* Larger arrays are mapped each, so that what one analysis frees the next one has. */
#define MAPPED (4 << 20)

int main(int argc, char **argv)
{
	/* where the allocator does not know of it memory is as it was */
	mallopt(M_MMAP_THRESHOLD, MAPPED);
	return rg_command_main(argc, argv);
}
