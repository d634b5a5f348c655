#include "src/cli/option.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/suggest.h"
#include "src/analysis/order.h"

static const char *const formats[] = {
#define F(id, name, suffix, other) name,
	RG_FORMATS(F)
#undef F
		NULL,
};
static const char *const suffixes[][2] = {
#define F(id, name, suffix, other) { suffix, other },
	RG_FORMATS(F)
#undef F
};
static const char *const orders[] = {
	"auto",
#define O(id, name) name,
	RG_ORDERS(O)
#undef O
		NULL,
};
static const char *const edges[] = { "auto", "data", "strong", "all", NULL };

#define AT(member) offsetof(struct rg_settings, member)

const struct rg_option rg_options[RG_OPTION_COUNT] = {
	[RG_OPTION_OUTPUT] = { "output", "FILE",
		"write to FILE; its suffix picks the form of an answer", 'o', RG_TAKES_TEXT,
		AT(output), NULL },
	[RG_OPTION_FORMAT] = { "format", "FORMAT", "the form of the answer", 'f', RG_TAKES_CHOICE,
		AT(format), formats },
	[RG_OPTION_LIMIT] = { "limit", "N", "show at most N rows of each list", 'n', RG_TAKES_COUNT,
		AT(limit), NULL },
	[RG_OPTION_SORT] = { "sort", "FIELD", "sort by a field, such as size, refcount or type", 0,
		RG_TAKES_CHOICE, AT(sort), orders },
	[RG_OPTION_REVERSE] = { "reverse", NULL, "sort the other way round", 0, RG_TAKES_NOTHING,
		AT(reverse), NULL },
	[RG_OPTION_ALL] = { "all", NULL,
		"show all ways: through every holder, not the shortest of each object", 0,
		RG_TAKES_NOTHING, AT(all), NULL },
	[RG_OPTION_TREE] = { "tree", NULL, "show the dominator tree", 0, RG_TAKES_NOTHING, AT(tree),
		NULL },
	[RG_OPTION_DROPS] = { "drops", NULL,
		"show what retains much in many small things, and nowhere much", 0,
		RG_TAKES_NOTHING, AT(drops), NULL },
	[RG_OPTION_BY] = { "by", "WHAT",
		"group by type, module, generation, size, owner, referrers, via, site or "
		"traceback; "
		"or by several: type,site",
		0, RG_TAKES_TEXT, AT(by), NULL },
	[RG_OPTION_DEPTH] = { "depth", "N", "follow references N deep (3)", 'd', RG_TAKES_COUNT,
		AT(depth), NULL },
	[RG_OPTION_BREADTH] = { "breadth", "N",
		"show at most N references of one object, and how many more (10)", 'b',
		RG_TAKES_COUNT, AT(breadth), NULL },
	[RG_OPTION_TYPE] = { "type", "NAME", "only objects of this type; * is allowed", 't',
		RG_TAKES_TEXT, AT(type), NULL },
	[RG_OPTION_MODULE] = { "module", "NAME",
		"only objects of types of this module; * is allowed", 'm', RG_TAKES_TEXT,
		AT(module), NULL },
	[RG_OPTION_AVOID] = { "avoid", "SELECTION", "leave these objects out, and go round them", 0,
		RG_TAKES_TEXT, AT(avoid), NULL },
	[RG_OPTION_HIGHLIGHT] = { "highlight", "SELECTION", "mark these objects", 0, RG_TAKES_TEXT,
		AT(highlight), NULL },
	[RG_OPTION_EXTRA] = { "extra", "FIELDS",
		"show more of each object: refcount,generation,address,... (see the manual)", 'x',
		RG_TAKES_TEXT, AT(extra), NULL },
	[RG_OPTION_FROM] = { "from", "FILE",
		"select the objects that FILE lists, one a line, as --format ids writes them", 0,
		RG_TAKES_TEXT, AT(from), NULL },
	[RG_OPTION_NEW_SINCE] = { "new-since", "EARLIER",
		"compare with EARLIER, a snapshot taken before: what is new since", 0,
		RG_TAKES_TEXT, AT(new_since), NULL },
	[RG_OPTION_FRAMES] = { "frames", NULL,
		"show the whole traceback of where each was allocated, if the program traced it", 0,
		RG_TAKES_NOTHING, AT(frames), NULL },
	[RG_OPTION_EDGES] = { "edges", "POLICY",
		"follow data references, all strong ones, or guesses too: data, strong, all", 0,
		RG_TAKES_CHOICE, AT(edges), edges },
	[RG_OPTION_WEAK] = { "weak", NULL, "show weak references as well", 0, RG_TAKES_NOTHING,
		AT(weak), NULL },
	[RG_OPTION_RAW] = { "raw", NULL,
		"show every object: do not fold a __dict__ into what it belongs to", 0,
		RG_TAKES_NOTHING, AT(raw), NULL },
	[RG_OPTION_STABLE] = { "stable", NULL,
		"leave out addresses, ids, pids and times, so that two runs can be compared", 0,
		RG_TAKES_NOTHING, AT(stable), NULL },
	[RG_OPTION_NODES] = { "nodes", "N", "draw at most N nodes (60)", 0, RG_TAKES_COUNT,
		AT(nodes), NULL },
	[RG_OPTION_LAYOUT_TIME] = { "layout-time", "SECONDS",
		"try for so long to lay a picture out, before it is simplified (10)", 0,
		RG_TAKES_COUNT, AT(layout_time), NULL },
	[RG_OPTION_GRAPH] = { "graph", NULL, "add the picture's nodes and edges to the JSON", 0,
		RG_TAKES_NOTHING, AT(graph), NULL },
	[RG_OPTION_SAVE] = { "save", "FILE", "keep the capture of a pid or a core as FILE", 0,
		RG_TAKES_TEXT, AT(save), NULL },
	[RG_OPTION_NO_SAVE] = { "no-save", NULL, "keep no capture of a pid or a core", 0,
		RG_TAKES_NOTHING, AT(no_save), NULL },
	[RG_OPTION_SYSROOT] = { "sysroot", "DIR",
		"look below DIR for the binaries that a core file was written of", 0, RG_TAKES_TEXT,
		AT(sysroot), NULL },
	[RG_OPTION_AFTER] = { "after", "TIME",
		"of a process: wait so long between the first snapshot and the second: 60s, 5m", 0,
		RG_TAKES_TEXT, AT(after), NULL },
	[RG_OPTION_KNOWN] = { "known", "FILE",
		"be silent about the suspects that FILE lists, as --format known writes them", 0,
		RG_TAKES_TEXT, AT(known), NULL },
	[RG_OPTION_FAIL_ON] = { "fail-on", "WHAT",
		"exit with 1 where there is such a suspect: new, growth, cycles, garbage; or "
		"several: growth,cycles",
		0, RG_TAKES_TEXT, AT(fail_on), NULL },
	[RG_OPTION_EVERY] = { "every", "TIME", "capture so often: 500ms, 10s, 5m, 2h (10s)", 0,
		RG_TAKES_TEXT, AT(every), NULL },
	[RG_OPTION_CAPTURES] = { "count", "N", "end after N captures", 0, RG_TAKES_COUNT,
		AT(captures), NULL },
	[RG_OPTION_LASTING] = { "for", "TIME", "end after so long: 60s, 10m, 8h", 0, RG_TAKES_TEXT,
		AT(lasting), NULL },
	[RG_OPTION_UNTIL] = { "until", "CONDITION",
		"end when it holds: a selection, and what count, total or rss is more than", 0,
		RG_TAKES_TEXT, AT(until), NULL },
	[RG_OPTION_KEEP] = { "keep", "DIR", "keep every capture in DIR", 0, RG_TAKES_TEXT, AT(keep),
		NULL },
	[RG_OPTION_ON] = { "on", "WHEN",
		"of a PROGRAM: at its exit (exit), at SIGUSR2 (signal), or once it is larger "
		"than SIZE (rss=SIZE)",
		0, RG_TAKES_TEXT, AT(on), NULL },
	[RG_OPTION_NO_VALUES] = { "no-values", NULL,
		"no values: names and sizes only, in a capture and in every answer", 0,
		RG_TAKES_NOTHING, AT(no_values), NULL },
	[RG_OPTION_REDACT] = { "redact", NULL,
		"no values, and names hashed but for Python's own, to show to strangers", 0,
		RG_TAKES_NOTHING, AT(redact), NULL },
	[RG_OPTION_FORCE] = { "force", NULL,
		"capture even where memory or disk is short, or for a long stop", 0,
		RG_TAKES_NOTHING, AT(force), NULL },
	[RG_OPTION_SCHEMA] = { "schema", NULL, "print the JSON schema of the command's answer", 0,
		RG_TAKES_NOTHING, AT(schema), NULL },
	[RG_OPTION_HELP] = { "help", NULL, "show this help", 'h', RG_TAKES_NOTHING, AT(help),
		NULL },
	[RG_OPTION_VERSION] = { "version", NULL, "show version, licence and features", 'V',
		RG_TAKES_NOTHING, AT(version), NULL },
};

enum rg_format rg_format_by_suffix(const char *path)
{
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		for (size_t k = 0; k < 2; k++)
			if (suffixes[i][k] && strcmp(dot, suffixes[i][k]) == 0)
				return (enum rg_format)i;
	return RG_FORMAT_AUTO;
}

/* --- parsing ------------------------------------------------------------------------------ */

static enum rg_code bad_option(uint64_t allowed, const char *word, struct rg_error *err)
{
	const char *names[RG_OPTION_COUNT], *meant;
	char name[64];
	size_t n = 0;

	for (unsigned id = 0; id < RG_OPTION_COUNT; id++)
		if (allowed >> id & 1)
			names[n++] = rg_options[id].name;
	snprintf(name, sizeof(name), "%s", word + strspn(word, "-"));
	name[strcspn(name, "=")] = '\0';
	rg_fail(err, RG_USAGE, "unknown-option", "unknown option '%s'", word);
	meant = rg_suggest(name, names, n);
	if (meant)
		return rg_hint(err, "did you mean --%s?", meant);
	return rg_hint(err, "see the options with --help");
}

/* "auto, data, strong, all" */
static const char *choice_list(const struct rg_option *option, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; option->choices[i] && used < size; i++)
		used += (size_t)snprintf(
			out + used, size - used, "%s%s", i ? ", " : "", option->choices[i]);
	return out;
}

static enum rg_code set_choice(
	int *value, const struct rg_option *option, const char *word, struct rg_error *err)
{
	size_t n = 0;
	const char *meant;
	char names[200];

	for (; option->choices[n]; n++)
		if (strcmp(option->choices[n], word) == 0) {
			*value = (int)n;
			return RG_OK;
		}
	rg_fail(err, RG_USAGE, "bad-value", "--%s: '%s' is not one of its values", option->name,
		word);
	meant = rg_suggest(word, option->choices, n);
	if (meant)
		return rg_hint(err, "did you mean --%s=%s?", option->name, meant);
	return rg_hint(err, "it takes one of: %s", choice_list(option, names, sizeof(names)));
}

static enum rg_code set_option(struct rg_settings *settings, const struct rg_option *option,
	const char *word, struct rg_error *err)
{
	void *member = (char *)settings + option->offset;
	char *end;

	switch (option->type) {
	case RG_TAKES_NOTHING:
		*(bool *)member = true;
		return RG_OK;
	case RG_TAKES_TEXT:
		*(const char **)member = word;
		return RG_OK;
	case RG_TAKES_CHOICE:
		return set_choice(member, option, word, err);
	case RG_TAKES_COUNT:
		errno = 0;
		*(uint64_t *)member = strtoull(word, &end, 10);
		if (errno || end == word || *end || *word == '-' || *(uint64_t *)member == 0) {
			rg_fail(err, RG_USAGE, "bad-number", "--%s: '%s' is not a number from 1 on",
				option->name, word);
			return rg_hint(err, "as in: --%s 20", option->name);
		}
		return RG_OK;
	}
	return RG_OK;
}

static enum rg_code missing_value(const char *word, struct rg_error *err)
{
	char names[200];

	rg_fail(err, RG_USAGE, "missing-value", "option '%s' wants a value", word);
	for (int id = 0; id < RG_OPTION_COUNT; id++) {
		const struct rg_option *option = &rg_options[id];
		bool meant = word[1] == '-' ? strcmp(word + 2, option->name) == 0
					    : option->letter && word[1] == option->letter;

		if (meant && option->choices)
			return rg_hint(err, "it takes one of: %s",
				choice_list(option, names, sizeof(names)));
		if (meant && option->argument)
			return rg_hint(err, "as in: %s %s", word, option->argument);
	}
	return RG_USAGE;
}

enum rg_code rg_options_parse(struct rg_settings *settings, uint64_t allowed, int argc, char **argv,
	int *first_ret, struct rg_error *err)
{
	struct option longs[RG_OPTION_COUNT + 1] = { 0 };
	char letters[3 * RG_OPTION_COUNT + 2] = ":";
	size_t n = 0, used = 1;
	int found;

	for (int id = 0; id < RG_OPTION_COUNT; id++) {
		const struct rg_option *option = &rg_options[id];

		if (!(allowed >> id & 1))
			continue;
		longs[n++] = (struct option){ option->name,
			option->argument ? required_argument : no_argument, NULL, 256 + id };
		if (option->letter) {
			letters[used++] = option->letter;
			if (option->argument)
				letters[used++] = ':';
		}
	}
	optind = 0;
	opterr = 0;
	while ((found = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct rg_option *option = NULL;
		enum rg_code code;

		if (found == ':')
			return missing_value(argv[optind - 1], err);
		for (int id = 0; id < RG_OPTION_COUNT; id++)
			if ((allowed >> id & 1) &&
				(found == 256 + id || found == rg_options[id].letter))
				option = &rg_options[id];
		if (found == '?' || !option) {
			char letter[3] = { '-', (char)optopt, 0 };

			return bad_option(
				allowed, optopt && optopt < 256 ? letter : argv[optind - 1], err);
		}
		code = set_option(settings, option, optarg, err);
		if (code)
			return code;
	}
	settings->separated = optind > 1 && strcmp(argv[optind - 1], "--") == 0;
	*first_ret = optind;
	return RG_OK;
}
