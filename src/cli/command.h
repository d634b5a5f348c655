/*
 * A command: one file in src/cmd/ that ends in one constant record; one table of them. Help,
 * usage and completion are printed from the records.
 */
#ifndef RG_CLI_COMMAND_H
#define RG_CLI_COMMAND_H

#include "src/cli/option.h"

struct rg_command;

/* What a running command has: its settings, its words, and where its failure goes. */
struct rg_context {
	const struct rg_command *command;
	struct rg_settings settings;
	char **words; /* its arguments that are no options */
	int n_words;
	struct rg_error err;
	bool found; /* what --fail-on asks for is there: the exit status says so */
};

struct rg_example {
	const char *line, *what;
};

#define RG_EXAMPLES 6

struct rg_command {
	const char *name, *arguments, *summary, *description;
	struct rg_example examples[RG_EXAMPLES]; /* ends with a NULL line */
	uint64_t options; /* beside --help */
	unsigned formats; /* mask of 1 << enum rg_format */
	int min_words, max_words; /* max -1: any number */
	bool compares; /* it looks into the snapshot of --new-since itself, and selects all */
	bool selects; /* it wants a selection: words behind the source, --from or --new-since */
	bool runs; /* words behind `--` are a command line, of any length */
	bool filters_walk; /* --type and --module say what is walked over, not what is selected */
	const struct rg_answer *answer; /* describes its JSON, or NULL */
	enum rg_code (*run)(struct rg_context *context);
};

/* The table, in the order help shows it; ends with NULL. src/cmd/table.c */
extern const struct rg_command *const rg_commands[];

/* The command called NAME, or NULL. */
const struct rg_command *rg_command_find(const char *name);

/* There is no command called WORD: say so, and which is near. */
enum rg_code rg_command_unknown(const char *word, struct rg_error *err);

/* Run the command line; returns the exit status. */
int rg_command_main(int argc, char **argv);

#endif
