#include "src/cli/help.h"
#include "src/cmd/commands.h"
#include "src/emit/json.h"
#include "src/select/fields.h"

#include <string.h>

#define COLUMN 26 /* where the meaning of a field begins */

/* --- selections --------------------------------------------------------------------------- */

static const struct rg_example examples[] = {
	{ "objects leak.rgs 'type=app.* and gen=2 and size>50'", "all three hold" },
	{ "objects leak.rgs 'dict and retained>10k'", "a type is a question, too" },
	{ "types leak.rgs 'garbage or hidden'", "what is dead" },
	{ "objects leak.rgs 'value=u:* and not root'", "* is any text" },
	{ "refs leak.rgs Session --avoid 'str or not tracked'", "go round these" },
	{ "objects leak.rgs cycle --format ids > ids", "all of an answer" },
	{ "why leak.rgs 'listed and distance<5' --from ids", "some of that" },
};

static const char language[] =
	"A selection is one word, in quotes if it has blanks; several words select what\n"
	"any of them does. It is made of questions, joined by and, or, not and ( ):\n\n"
	"  TYPE                    a type's name: Session, app.cache.Session, 'app.*'\n"
	"  @812, 0x7f2a10c0        the object of this number, or at this address\n"
	"  FIELD OPERATOR VALUE    one of = != < <= > >=; texts have = and != alone\n"
	"  FLAG                    a field that stands alone\n\n"
	"A word that is not compared and no flag is a type. In a text * stands for\n"
	"anything, and \\ takes the next character as it is; with a blank or any of\n"
	"= < > ! ( ) ' \" it wants quotes, as in \"type='vector<int>'\". A SIZE is in bytes: 512,\n"
	"10k or 10kB (1000 each), 1.5MiB (1024 each). What an object does not have is in\n"
	"no comparison, not in != either.\n\n"
	"Fields:\n";

static void print_field(const struct rg_select_field *field, FILE *out)
{
	static const char *const values[] = {
		[RG_SELECT_FLAG] = "",
		[RG_SELECT_TEXT] = "TEXT",
		[RG_SELECT_COUNT] = "N",
		[RG_SELECT_BYTES] = "SIZE",
		[RG_SELECT_PLACE] = "N",
		[RG_SELECT_GENERATION] = "GEN",
	};
	const char *value = values[field->type];
	bool open = field->alone && *value;
	int at = fprintf(out, "  %s%s%s%s%s%s%s", field->name, field->other ? ", " : "",
		field->other ? field->other : "", *value ? " " : "", open ? "[" : "", value,
		open ? "]" : "");

	fprintf(out, "%*s%s\n", at < COLUMN ? COLUMN - at : 1, "", field->summary);
}

static enum rg_code print_selections(FILE *out)
{
	fputs("selections: which objects a question is about\n\n", out);
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		fprintf(out, "  refgraph %-52s # %s\n", examples[i].line, examples[i].what);
	fprintf(out, "\n%s", language);
	for (size_t i = 0; i < RG_SELECT_FIELDS; i++)
		print_field(&rg_select_fields[i], out);
	fputs("\nEach is explained in man refgraph, under Selections.\n", out);
	return RG_OK;
}

/* --- help --------------------------------------------------------------------------------- */

static enum rg_code run(struct rg_context *context)
{
	const struct rg_command *command;

	if (context->n_words == 0)
		return rg_help_overview(stdout);
	if (strcmp(context->words[0], "selections") == 0)
		return print_selections(stdout);
	command = rg_command_find(context->words[0]);
	if (!command)
		return rg_command_unknown(context->words[0], &context->err);
	if (!context->settings.schema)
		return rg_help_command(command, stdout);
	if (!command->answer)
		return rg_fail(
			&context->err, RG_USAGE, "no-schema", "%s has no JSON form", command->name);
	return rg_json_schema(command->answer, stdout, &context->err);
}

const struct rg_command rg_cmd_help = {
	.name = "help",
	.arguments = "[COMMAND|selections]",
	.summary = "how to use a command",
	.description = "Shows the commands, or examples and options of one, or how the objects of "
		       "a question are selected. With --schema the JSON schema of a command's "
		       "answer.",
	.examples = { { "help cycles", "examples and options of cycles" },
		{ "help cycles --schema", "the schema of its JSON" },
		{ "help selections", "how objects are selected" } },
	.options = RG_OPTION(SCHEMA),
	.max_words = 1,
	.run = run,
};
