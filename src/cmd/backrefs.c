#include "src/answer/neighbours.h"
#include "src/cmd/commands.h"
#include "src/cmd/neighbours.h"

static enum rg_code run(struct rg_context *context)
{
	return rg_neighbours_run(context, true);
}

const struct rg_command rg_cmd_backrefs = {
	.name = "backrefs",
	.arguments = "SOURCE SELECTION ...",
	.summary = "who refers to objects, as a tree or a picture",
	.description =
		"Follows the references to the selected objects back, three deep, to modules, "
		"frames and "
		"threads where it meets them. Of one object at most ten referrers are shown and "
		"how many "
		"more there are; the instances of a type count as its referrers only from there. "
		"References that close a cycle are marked. Of a large selection the first three "
		"objects "
		"(--limit) are shown.",
	.examples = { { "backrefs leak.rgs @812", "as a tree" },
		{ "backrefs leak.rgs Session -o backrefs.svg", "as a picture" },
		{ "backrefs leak.rgs @812 --depth 6 --avoid frame", "deeper, round what is known" },
		{ "backrefs 4711 0x7f2a10c0 --highlight 'app.*'", "with one's own types marked" } },
	.options = RG_NEIGHBOURS_OPTIONS,
	.formats = RG_FORMATS_DRAWN | RG_FORMATS_IDS,
	.min_words = 1,
	.max_words = -1,
	.selects = true,
	.filters_walk = true,
	.answer = &rg_answer_backrefs,
	.run = run,
};
