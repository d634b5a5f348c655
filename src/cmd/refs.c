#include "src/answer/neighbours.h"
#include "src/cmd/commands.h"
#include "src/cmd/neighbours.h"

static enum rg_code run(struct rg_context *context)
{
	return rg_neighbours_run(context, false);
}

const struct rg_command rg_cmd_refs = {
	.name = "refs",
	.arguments = "SOURCE SELECTION ...",
	.summary = "what objects refer to, as a tree or a picture",
	.description = "Follows the references of the selected objects, three deep, and labels "
		       "each as Python "
		       "writes it. Of one object at most ten references are shown and how many "
		       "more there are; "
		       "what a type or a module refers to is shown only from there. References "
		       "that close a "
		       "cycle are marked. Of a large selection the first three objects (--limit) "
		       "are shown.",
	.examples = { { "refs leak.rgs @812", "as a tree" },
		{ "refs leak.rgs @812 -o refs.svg", "as a picture" },
		{ "refs leak.rgs Session --depth 5 --module 'app.*'",
			"only through one's own types" },
		{ "refs 4711 0x7f2a10c0 --extra refcount,id", "with more on each node" } },
	.options = RG_NEIGHBOURS_OPTIONS,
	.formats = RG_FORMATS_DRAWN | RG_FORMATS_IDS,
	.min_words = 1,
	.max_words = -1,
	.selects = true,
	.filters_walk = true,
	.answer = &rg_answer_refs,
	.run = run,
};
