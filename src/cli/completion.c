#include "src/cli/completion.h"

#include <stdbool.h>
#include <string.h>

#define ARGUMENTS 8 /* words of a command's arguments that are looked at */

/* --- what a word of a command line may be ------------------------------------------------- */

/* Kinds of argument, by the name that a command's usage gives them. */
static const struct kind {
	const char *usage, *kind;
} kinds[] = {
	{ "SOURCE", "source" },
	{ "PID", "pid" },
	{ "PID|CORE|--", "source" },
	{ "PID|SERIES", "source" },
	{ "SELECTION", "type" },
	{ "FROM", "type" },
	{ "TO", "type" },
	{ "COMMAND", "command" },
	{ "COMMAND|selections", "command" },
	{ "SHELL", "shell" },
};

/* Kinds of an option's value, by the name of its argument; others are free text. */
static const struct kind values[] = {
	{ "FILE", "file" },
	{ "EARLIER", "file" },
	{ "SELECTION", "type" },
	{ "NAME", "type" },
	{ "DIR", "folder" },
};

static const char *kind_of(const struct kind *table, size_t count, const char *word, size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(table[i].usage) == length && memcmp(table[i].usage, word, length) == 0)
			return table[i].kind;
	return NULL;
}

/* Print the kinds of the arguments of COMMAND, separated by blanks. */
static void put_arguments(const struct rg_command *command, FILE *out)
{
	const char *word = command->arguments;
	bool first = true;

	for (unsigned n = 0; *word && n < ARGUMENTS; n++) {
		size_t length;
		const char *kind;

		word += strspn(word, " [");
		length = strcspn(word, " ]");
		kind = kind_of(kinds, sizeof(kinds) / sizeof(kinds[0]), word, length);
		if (length && strncmp(word, "...", 3) != 0) {
			fprintf(out, "%s%s", first ? "" : " ", kind ? kind : "file");
			first = false;
		}
		word += length;
		word += strspn(word, " ]");
	}
}

static bool has_option(const struct rg_command *command, unsigned id)
{
	return (command->options | RG_OPTION(HELP)) >> id & 1;
}

static bool is_format(const struct rg_option *option)
{
	return option->offset == offsetof(struct rg_settings, format);
}

/* Print the values an option of COMMAND can take, separated by blanks. */
static void put_choices(const struct rg_command *command, const struct rg_option *option, FILE *out)
{
	bool first = true;

	for (unsigned i = 0; option->choices && option->choices[i]; i++) {
		/* of the formats those that the command has; 0 is "as the command does" */
		if (is_format(option) ? !(command->formats >> i & 1) : i == 0)
			continue;
		fprintf(out, "%s%s", first ? "" : " ", option->choices[i]);
		first = false;
	}
}

static const char *value_kind(const struct rg_option *option)
{
	const char *kind = option->argument ? kind_of(values, sizeof(values) / sizeof(values[0]),
						      option->argument, strlen(option->argument))
					    : NULL;

	return kind ? kind : "text";
}

/* TEXT for a place in single quotes, with what zsh and fish take for syntax escaped by ESCAPE. */
static void put_quoted(const char *text, const char *special, FILE *out)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (strchr(special, *text))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

/* --- bash --------------------------------------------------------------------------------- */

static void put_bash_command(const struct rg_command *command, FILE *out)
{
	fprintf(out, "    %s)\n        _refgraph_arguments='", command->name);
	put_arguments(command, out);
	fprintf(out, "'\n        _refgraph_options='");
	for (unsigned id = 0; id < RG_OPTION_COUNT; id++)
		if (has_option(command, id))
			fprintf(out, "--%s ", rg_options[id].name);
	fprintf(out, "'\n        case $2 in\n");
	for (unsigned id = 0; id < RG_OPTION_COUNT; id++) {
		const struct rg_option *option = &rg_options[id];

		if (!has_option(command, id) || !option->argument)
			continue;
		fprintf(out, "        --%s", option->name);
		if (option->letter)
			fprintf(out, "|-%c", option->letter);
		fprintf(out, ") _refgraph_value=%s _refgraph_choices='",
			option->choices ? "choice" : value_kind(option));
		put_choices(command, option, out);
		fprintf(out, "' ;;\n");
	}
	fprintf(out, "        esac ;;\n");
}

static const char bash_functions[] =
	"# Add the lines of standard input that begin with $1 to the answers. None is ever\n"
	"# evaluated: names come from a heap.\n"
	"_refgraph_offer() {\n"
	"    local line\n"
	"    while IFS= read -r line; do\n"
	"        [[ $line == \"$1\"* ]] && COMPREPLY+=(\"$line\")\n"
	"    done\n"
	"}\n"
	"\n"
	"_refgraph_offer_kind() {\n"
	"    local kind=$1 word=$2 source=$3\n"
	"    case $kind in\n"
	"    source|pid)\n"
	"        _refgraph_offer \"$word\" < <(refgraph completion pids 2>/dev/null | cut -f1)\n"
	"        [[ $kind == pid ]] || _refgraph_files \"$word\" ;;\n"
	"    type)\n"
	"        [[ -f $source ]] &&\n"
	"            _refgraph_offer \"$word\" < <(refgraph completion types \"$source\" "
	"2>/dev/null) ;;\n"
	"    command) _refgraph_offer \"$word\" < <(printf '%s\\n' $_refgraph_commands) ;;\n"
	"    shell) _refgraph_offer \"$word\" < <(printf '%s\\n' $_refgraph_shells) ;;\n"
	"    choice) _refgraph_offer \"$word\" < <(printf '%s\\n' $_refgraph_choices) ;;\n"
	"    file) _refgraph_files \"$word\" ;;\n"
	"    folder) compopt -o filenames 2>/dev/null\n"
	"        _refgraph_offer '' < <(compgen -d -- \"$word\") ;;\n"
	"    esac\n"
	"}\n"
	"\n"
	"_refgraph_files() {\n"
	"    compopt -o filenames 2>/dev/null\n"
	"    _refgraph_offer '' < <(compgen -f -- \"$1\")\n"
	"}\n"
	"\n"
	"_refgraph() {\n"
	"    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"    local i n=0 source= kinds _refgraph_arguments _refgraph_options\n"
	"    local _refgraph_value= _refgraph_choices=\n"
	"    COMPREPLY=()\n"
	"    if ((COMP_CWORD == 1)); then\n"
	"        _refgraph_offer \"$word\" < <(printf '%s\\n' $_refgraph_commands)\n"
	"        return\n"
	"    fi\n"
	"    # --format=js comes as three words\n"
	"    [[ $word == = ]] && word=\n"
	"    [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"    _refgraph_describe \"${COMP_WORDS[1]}\" \"$before\"\n"
	"    if [[ $_refgraph_value ]]; then\n"
	"        for ((i = 2; i < COMP_CWORD; i++)); do\n"
	"            [[ -f ${COMP_WORDS[i]} ]] && source=${COMP_WORDS[i]} && break\n"
	"        done\n"
	"        _refgraph_offer_kind \"$_refgraph_value\" \"$word\" \"$source\"\n"
	"        return\n"
	"    fi\n"
	"    if [[ $word == -* ]]; then\n"
	"        _refgraph_offer \"$word\" < <(printf '%s\\n' $_refgraph_options)\n"
	"        return\n"
	"    fi\n"
	"    for ((i = 2; i < COMP_CWORD; i++)); do\n"
	"        _refgraph_value=\n"
	"        _refgraph_describe \"${COMP_WORDS[1]}\" \"${COMP_WORDS[i - 1]}\"\n"
	"        [[ ${COMP_WORDS[i]} == -* || $_refgraph_value ]] && continue\n"
	"        ((n++ == 0)) && source=${COMP_WORDS[i]}\n"
	"    done\n"
	"    kinds=($_refgraph_arguments)\n"
	"    ((n < ${#kinds[@]})) || n=$((${#kinds[@]} - 1))\n"
	"    ((n < 0)) || _refgraph_offer_kind \"${kinds[n]}\" \"$word\" \"$source\"\n"
	"}\n"
	"\n"
	"complete -F _refgraph refgraph\n";

static void print_bash(FILE *out)
{
	fprintf(out, "# Completion of refgraph for bash; made by: refgraph completion bash\n\n"
		     "_refgraph_commands='");
	for (size_t i = 0; rg_commands[i]; i++)
		fprintf(out, "%s ", rg_commands[i]->name);
	fprintf(out, "'\n_refgraph_shells='");
	for (size_t i = 0; rg_shells[i].name; i++)
		fprintf(out, "%s ", rg_shells[i].name);
	fprintf(out, "'\n\n# What the command $1 takes, and what the option $2 does.\n"
		     "_refgraph_describe() {\n    case $1 in\n");
	for (size_t i = 0; rg_commands[i]; i++)
		put_bash_command(rg_commands[i], out);
	fprintf(out, "    esac\n}\n\n%s", bash_functions);
}

/* --- zsh ---------------------------------------------------------------------------------- */

static void put_zsh_option(
	const struct rg_command *command, const struct rg_option *option, FILE *out)
{
	if (option->letter)
		fprintf(out, " \\\n        '(-%c --%s)'{-%c%s,--%s%s}'[", option->letter,
			option->name, option->letter, option->argument ? "+" : "", option->name,
			option->argument ? "=" : "");
	else
		fprintf(out, " \\\n        '--%s%s[", option->name, option->argument ? "=" : "");
	put_quoted(option->summary, "[]", out);
	fputc(']', out);
	if (option->choices) {
		fprintf(out, ":%s:(", option->argument);
		put_choices(command, option, out);
		fputc(')', out);
	} else if (option->argument) {
		fprintf(out, ":%s:_refgraph_%s", option->argument, value_kind(option));
	}
	fputc('\'', out);
}

static void put_zsh_command(const struct rg_command *command, FILE *out)
{
	fprintf(out, "    %s)\n        arguments=(", command->name);
	put_arguments(command, out);
	fprintf(out, ")\n        _arguments -s -S");
	for (unsigned id = 0; id < RG_OPTION_COUNT; id++)
		if (has_option(command, id))
			put_zsh_option(command, &rg_options[id], out);
	fprintf(out, " \\\n        '*:argument:_refgraph_word' ;;\n");
}

static const char zsh_functions[] =
	"_refgraph_file() { _files }\n"
	"_refgraph_folder() { _files -/ }\n"
	"_refgraph_text() { _message 'a text' }\n"
	"_refgraph_command() { _describe command commands }\n"
	"_refgraph_shell() { compadd -a shells }\n"
	"\n"
	"_refgraph_pid() {\n"
	"    local -a pids\n"
	"    pids=(\"${(@f)$(refgraph completion pids 2>/dev/null | tr '\\t' ':')}\")\n"
	"    _describe process pids\n"
	"}\n"
	"\n"
	"_refgraph_source() { _refgraph_pid; _files }\n"
	"\n"
	"# The types of the snapshot that the command line names.\n"
	"_refgraph_type() {\n"
	"    local word\n"
	"    local -a types\n"
	"    for word in ${words[2,-1]}; do\n"
	"        [[ -f $word ]] || continue\n"
	"        types=(\"${(@f)$(refgraph completion types \"$word\" 2>/dev/null)}\")\n"
	"        break\n"
	"    done\n"
	"    compadd -a types\n"
	"}\n"
	"\n"
	"# The word at hand, by how many words that are no options stand before it.\n"
	"_refgraph_word() {\n"
	"    local n=${#line}\n"
	"    ((n > ${#arguments})) && n=${#arguments}\n"
	"    ((n > 0)) && _refgraph_${arguments[n]}\n"
	"}\n";

static void print_zsh(FILE *out)
{
	fprintf(out,
		"#compdef refgraph\n"
		"# Completion of refgraph for zsh; made by: refgraph completion zsh\n\n"
		"%s\n_refgraph() {\n    local context state line\n"
		"    local -a commands shells arguments\n    commands=(\n",
		zsh_functions);
	for (size_t i = 0; rg_commands[i]; i++) {
		fprintf(out, "        '%s:", rg_commands[i]->name);
		put_quoted(rg_commands[i]->summary, ":", out);
		fprintf(out, "'\n");
	}
	fprintf(out, "    )\n    shells=(");
	for (size_t i = 0; rg_shells[i].name; i++)
		fprintf(out, "%s%s", i ? " " : "", rg_shells[i].name);
	fprintf(out, ")\n    if ((CURRENT == 2)); then\n        _refgraph_command\n"
		     "        return\n    fi\n"
		     "    shift words\n    ((CURRENT--))\n    case ${words[1]} in\n");
	for (size_t i = 0; rg_commands[i]; i++)
		put_zsh_command(rg_commands[i], out);
	fprintf(out, "    esac\n}\n\n_refgraph \"$@\"\n");
}

/* --- fish --------------------------------------------------------------------------------- */

static void put_fish_option(
	const struct rg_command *command, const struct rg_option *option, FILE *out)
{
	fprintf(out, "complete -c refgraph -n '__fish_seen_subcommand_from %s' -l %s",
		command->name, option->name);
	if (option->letter)
		fprintf(out, " -s %c", option->letter);
	if (option->choices) {
		fprintf(out, " -x -a '");
		put_choices(command, option, out);
		fputc('\'', out);
	} else if (option->argument) {
		fprintf(out, " %s",
			strcmp(value_kind(option), "type") == 0 ? "-x -a '(__refgraph_types)'"
								: "-r");
		if (strcmp(value_kind(option), "file") == 0)
			fprintf(out, " -F");
	}
	fprintf(out, " -d '");
	put_quoted(option->summary, "", out);
	fprintf(out, "'\n");
}

/* What the words of a command may be: the first, and those behind it. */
static void put_fish_words(const struct rg_command *command, FILE *out)
{
	const char *words = command->arguments + strspn(command->arguments, "[");
	const char *seen = "__fish_seen_subcommand_from";

	if (strncmp(words, "SOURCE", 6) == 0)
		fprintf(out,
			"complete -c refgraph -n '%s %s; and not __refgraph_source' -F -k -a "
			"'(refgraph completion pids 2>/dev/null)'\n"
			"complete -c refgraph -n '%s %s; and __refgraph_source' -f -a "
			"'(__refgraph_types)'\n",
			seen, command->name, seen, command->name);
	else if (strncmp(words, "PID", 3) == 0)
		fprintf(out,
			"complete -c refgraph -n '%s %s' -F -k -a "
			"'(refgraph completion pids 2>/dev/null)'\n",
			seen, command->name);
	else if (strncmp(words, "COMMAND", 7) == 0 || strncmp(words, "SHELL", 5) == 0)
		fprintf(out, "complete -c refgraph -n '%s %s' -f -a '%s'\n", seen, command->name,
			*words == 'C' ? "$__refgraph_commands" : "$__refgraph_shells");
}

static const char fish_functions[] =
	"# The snapshot that the command line names.\n"
	"function __refgraph_source\n"
	"    for word in (commandline -opc)[3..-1]\n"
	"        if string match -qr '^[0-9]+$' -- $word; or test -f \"$word\"\n"
	"            echo $word\n"
	"            return 0\n"
	"        end\n"
	"    end\n"
	"    return 1\n"
	"end\n"
	"\n"
	"function __refgraph_types\n"
	"    set -l source (__refgraph_source)\n"
	"    test -f \"$source\"; and refgraph completion types \"$source\" 2>/dev/null\n"
	"end\n";

static void print_fish(FILE *out)
{
	fprintf(out, "# Completion of refgraph for fish; made by: refgraph completion fish\n\n"
		     "set -g __refgraph_commands");
	for (size_t i = 0; rg_commands[i]; i++)
		fprintf(out, " %s", rg_commands[i]->name);
	fprintf(out, "\nset -g __refgraph_shells");
	for (size_t i = 0; rg_shells[i].name; i++)
		fprintf(out, " %s", rg_shells[i].name);
	fprintf(out, "\n\n%s\ncomplete -c refgraph -f\n", fish_functions);
	for (size_t i = 0; rg_commands[i]; i++) {
		fprintf(out, "complete -c refgraph -n __fish_use_subcommand -a %s -d '",
			rg_commands[i]->name);
		put_quoted(rg_commands[i]->summary, "", out);
		fprintf(out, "'\n");
		put_fish_words(rg_commands[i], out);
		for (unsigned id = 0; id < RG_OPTION_COUNT; id++)
			if (has_option(rg_commands[i], id))
				put_fish_option(rg_commands[i], &rg_options[id], out);
	}
}

const struct rg_shell rg_shells[] = {
	{ "bash", print_bash },
	{ "zsh", print_zsh },
	{ "fish", print_fish },
	{ NULL, NULL },
};
