#include "src/cli/help.h"
#include "src/cmd/commands.h"
#include "src/emit/json.h"

static enum rg_code run(struct rg_context *context)
{
	const struct rg_command *command;

	if (context->n_words == 0)
		return rg_help_overview(stdout);
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
	.arguments = "[COMMAND]",
	.summary = "how to use a command",
	.description = "Shows the commands, or examples and options of one. With --schema the JSON "
		       "schema of its answer.",
	.examples = { { "help cycles", "examples and options of cycles" },
		{ "help cycles --schema", "the schema of its JSON" } },
	.options = RG_OPTION(SCHEMA),
	.max_words = 1,
	.run = run,
};
