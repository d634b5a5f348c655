/*
 * Options: one constant table, from which parsing, help and completion come.
 */
#ifndef RG_CLI_OPTION_H
#define RG_CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapdump/base/error.h"

/* Forms of an answer: name, and the suffixes of FILE that -o knows it by (NULL: none). */
#define RG_FORMATS(F)                                                                              \
	F(AUTO, "auto", NULL, NULL)                                                                \
	F(TEXT, "text", ".txt", NULL)                                                              \
	F(JSON, "json", ".json", NULL)                                                             \
	F(DOT, "dot", ".dot", ".gv")                                                               \
	F(SVG, "svg", ".svg", NULL)                                                                \
	F(PNG, "png", ".png", NULL)                                                                \
	F(IDS, "ids", ".ids", NULL)                                                                \
	F(NDJSON, "ndjson", ".ndjson", ".jsonl")                                                   \
	F(GITHUB, "github", NULL, NULL)                                                            \
	F(JUNIT, "junit", ".xml", NULL)                                                            \
	F(KNOWN, "known", ".known", NULL)

enum rg_format {
#define F(id, name, suffix, other) RG_FORMAT_##id,
	RG_FORMATS(F)
#undef F
};

/* The form that the suffix of PATH names, or RG_FORMAT_AUTO. */
enum rg_format rg_format_by_suffix(const char *path);

#define RG_FORMATS_PLAIN (1u << RG_FORMAT_TEXT | 1u << RG_FORMAT_JSON)
#define RG_FORMATS_DRAWN                                                                           \
	(RG_FORMATS_PLAIN | 1u << RG_FORMAT_DOT | 1u << RG_FORMAT_SVG | 1u << RG_FORMAT_PNG)
#define RG_FORMATS_IDS (1u << RG_FORMAT_IDS)

enum rg_edges_choice { RG_CHOICE_AUTO, RG_CHOICE_DATA, RG_CHOICE_STRONG, RG_CHOICE_ALL };

/* What the command line said. */
struct rg_settings {
	int format; /* enum rg_format */
	int edges; /* enum rg_edges_choice */
	int sort; /* 0, or enum rg_order_field + 1 */
	uint64_t limit, nodes, depth, breadth, layout_time; /* 0: the command's own */
	const char *output, *save, *from, *type, *module, *avoid, *highlight, *extra, *sysroot, *on,
		*by, *after, *known, *fail_on, *new_since, *every, *lasting, *until, *keep;
	uint64_t captures; /* of --count */
	bool separated; /* the words stand behind `--` */
	bool reverse, all, tree, drops, weak, raw, stable, no_save, no_values, redact, force, graph,
		frames, schema, help, version;
};

enum rg_option_id {
	RG_OPTION_OUTPUT,
	RG_OPTION_FORMAT,
	RG_OPTION_LIMIT,
	RG_OPTION_SORT,
	RG_OPTION_REVERSE,
	RG_OPTION_ALL,
	RG_OPTION_TREE,
	RG_OPTION_DROPS,
	RG_OPTION_BY,
	RG_OPTION_KNOWN,
	RG_OPTION_FAIL_ON,
	RG_OPTION_DEPTH,
	RG_OPTION_BREADTH,
	RG_OPTION_TYPE,
	RG_OPTION_MODULE,
	RG_OPTION_AVOID,
	RG_OPTION_HIGHLIGHT,
	RG_OPTION_EXTRA,
	RG_OPTION_FROM,
	RG_OPTION_NEW_SINCE,
	RG_OPTION_FRAMES,
	RG_OPTION_EDGES,
	RG_OPTION_WEAK,
	RG_OPTION_RAW,
	RG_OPTION_STABLE,
	RG_OPTION_NODES,
	RG_OPTION_LAYOUT_TIME,
	RG_OPTION_GRAPH,
	RG_OPTION_SAVE,
	RG_OPTION_NO_SAVE,
	RG_OPTION_SYSROOT,
	RG_OPTION_AFTER,
	RG_OPTION_EVERY,
	RG_OPTION_CAPTURES,
	RG_OPTION_LASTING,
	RG_OPTION_UNTIL,
	RG_OPTION_KEEP,
	RG_OPTION_ON,
	RG_OPTION_NO_VALUES,
	RG_OPTION_REDACT,
	RG_OPTION_FORCE,
	RG_OPTION_SCHEMA,
	RG_OPTION_HELP,
	RG_OPTION_VERSION,
	RG_OPTION_COUNT,
};

enum rg_option_type { RG_TAKES_NOTHING, RG_TAKES_TEXT, RG_TAKES_COUNT, RG_TAKES_CHOICE };

struct rg_option {
	const char *name, *argument, *summary;
	char letter; /* or 0 */
	enum rg_option_type type;
	size_t offset; /* in struct rg_settings */
	const char *const *choices; /* ends with NULL; its index is the value */
};
extern const struct rg_option rg_options[RG_OPTION_COUNT];

/* A set of options, as a mask of 1 << enum rg_option_id. */
#define RG_OPTION(id) (1ull << RG_OPTION_##id)

/*
 * Parse ARGV (as main's, from the command's name on) into SETTINGS, only the options of the mask
 * ALLOWED; what is no option is moved to the end, from *FIRST_RET on. RG_USAGE names the word
 * that is off and the nearest that is meant.
 */
enum rg_code rg_options_parse(struct rg_settings *settings, uint64_t allowed, int argc, char **argv,
	int *first_ret, struct rg_error *err);

#endif
