#include "src/cli/command.h"

int main(int argc, char **argv)
{
	return rg_command_main(argc, argv);
}
