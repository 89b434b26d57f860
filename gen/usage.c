#include "usage.h"

#include <string.h>

static bool is_shown(size_t command)
{
    return cli_commands[command].summary != NULL;
}

/* "mint" of "token mint" when `group` is "token"; NULL for all others. */
static const char *member_of(const char *group, size_t command)
{
    size_t len = strlen(group);
    const char *name = cli_commands[command].name;
    return len && strncmp(name, group, len) == 0 && name[len] == ' ' ? name + len + 1 : NULL;
}

static bool is_first_word(size_t command)
{
    return is_shown(command) && !strchr(cli_commands[command].name, ' ');
}

static bool is_group(size_t command)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (member_of(cli_commands[command].name, i))
            return true;
    }
    return false;
}

/* ---- --help ---- */

static void print_option(FILE *out, const struct option_row *row)
{
    char letter[8] = "    ", left[64];
    if (row->letter)
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->argument ? "=" : "",
             row->argument ? row->argument : "");
    if (strlen(left) > 30)
        fprintf(out, "  %s\n%34s%s\n", left, "", row->help);
    else
        fprintf(out, "  %-30s  %s\n", left, row->help);
}

void usage_command(FILE *out, enum command command)
{
    const struct command_row *row = &cli_commands[command];
    fprintf(out, "Usage: apigw-gen %s %s\n", row->name, row->operands);
    if (row->summary)
        fprintf(out, "%c%s.\n", row->summary[0] - 'a' + 'A', row->summary + 1);
    if (row->more)
        fprintf(out, "%s\n", row->more);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (member_of(row->name, i))
            fprintf(out, "  %-14s  %s\n", cli_commands[i].name, cli_commands[i].summary);
    }
    fputs("\nOptions:\n", out);
    for (size_t i = 0; i < cli_option_count; i++) {
        if (cli_takes(command, &cli_options[i]))
            print_option(out, &cli_options[i]);
    }
}

void usage_all(FILE *out)
{
    fputs("Usage: apigw-gen COMMAND [OPTION]... [SPEC]...\n"
          "Compile OpenAPI documents into a static API gateway.\n\nCommands:\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (is_first_word(i))
            fprintf(out, "  %-10s  %s\n", cli_commands[i].name, cli_commands[i].summary);
    }
    fputs(
        "\nSPEC is OpenAPI 3.0, 3.1 or 3.2 in YAML or JSON, or - for standard input; several make one\n"
        "gateway. `apigw-gen COMMAND --help` tells more.\n\n"
        "Exit status: 0 fine, 1 the spec (or the token) is wrong, 2 usage, 3 the environment failed.\n",
        out);
}

/* ---- manual page ---- */

/* Text of a manual page: hyphens that may be copied, no accidental requests. */
static void roff(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void man_command(FILE *out, size_t command)
{
    const struct command_row *row = &cli_commands[command];
    fprintf(out, ".SS %s ", row->name);
    roff(out, row->operands);
    fprintf(out, "\n%c", row->summary[0] - 'a' + 'A');
    roff(out, row->summary + 1);
    fputs(".\n", out);
    if (row->more) {
        roff(out, row->more);
        fputc('\n', out);
    }
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct option_row *option = &cli_options[i];
        if (!cli_takes((enum command)command, option))
            continue;
        fputs(".TP\n\\fB", out);
        if (option->letter)
            fprintf(out, "\\-%c\\fR, \\fB", option->letter);
        fputs("\\-\\-", out);
        roff(out, option->name);
        fputs("\\fR", out);
        if (option->argument)
            fprintf(out, "=\\fI%s\\fR", option->argument);
        fputc('\n', out);
        roff(out, option->help);
        fputc('\n', out);
    }
}

void usage_man(FILE *out)
{
    fputs(
        ".TH APIGW\\-GEN 1 \"\" \"apigw-gen " APIGW_VERSION "\"\n"
        ".SH NAME\napigw\\-gen \\- compile OpenAPI documents into a static API gateway\n"
        ".SH SYNOPSIS\n.B apigw\\-gen\n\\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fISPEC\\fR]...\n"
        ".SH DESCRIPTION\n"
        "SPEC is OpenAPI 3.0, 3.1 or 3.2 in YAML or JSON, or \\- for standard input. Several make one "
        "gateway; conflicts between them are errors.\n"
        ".SH COMMANDS\n",
        out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (is_shown(i))
            man_command(out, i);
    }
    fputs(
        ".SH EXIT STATUS\n0 fine, 1 the spec (or the token) is wrong, 2 usage, 3 the environment failed.\n"
        ".SH ENVIRONMENT\n"
        ".TP\n.B APIGW_KIT\nThe runtime kit, when it is neither beside the program nor installed.\n"
        ".TP\n.B CC\nThe compiler that builds gateways.\n"
        ".TP\n.B NO_COLOR\nNo colours, whatever the terminal can do.\n"
        ".TP\n.B XDG_CACHE_HOME\nWhere \\fBrun\\fR keeps what it built.\n",
        out);
}

/* ---- completions ---- */

static void print_commands(FILE *out, const char *before, const char *after)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (is_first_word(i))
            fprintf(out, "%s%s%s", before, cli_commands[i].name, after);
    }
}

static void print_members(FILE *out, size_t group)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (member_of(cli_commands[group].name, i))
            fprintf(out, "%s ", member_of(cli_commands[group].name, i));
    }
}

void usage_bash(FILE *out)
{
    fputs("_apigw_gen()\n{\n    local words=\n    case \"${COMP_WORDS[*]:1:2} \" in\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (!is_shown(i))
            continue;
        if (is_group(i))
            continue;
        fprintf(out, "    \"%s \"*)\n        words='", cli_commands[i].name);
        for (size_t o = 0; o < cli_option_count; o++) {
            if (cli_takes((enum command)i, &cli_options[o]))
                fprintf(out, "--%s%s ", cli_options[o].name, cli_options[o].argument ? "=" : "");
        }
        fputs("'\n        ;;", out);
        fputc('\n', out);
    }
    fputs("    esac\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words='", out);
    print_commands(out, "", " ");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (!is_group(i))
            continue;
        fprintf(out,
                "'\n    elif [ \"$COMP_CWORD ${COMP_WORDS[1]}\" = '2 %s' ]; then\n        words='",
                cli_commands[i].name);
        print_members(out, i);
    }
    fputs("'\n    elif [[ ${COMP_WORDS[COMP_CWORD]} != -* ]]; then\n        words=\n    fi\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
          "complete -o default -F _apigw_gen apigw-gen\n",
          out);
}

/* Help within an _arguments specification. */
static void zsh_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (!strchr("[]:'", *text))
            fputc(*text, out);
    }
}

static void zsh_command(FILE *out, size_t command)
{
    fprintf(out, "\"%s \"*)\n    _arguments \\\n", cli_commands[command].name);
    for (size_t o = 0; o < cli_option_count; o++) {
        const struct option_row *option = &cli_options[o];
        if (!cli_takes((enum command)command, option))
            continue;
        fprintf(out, "        '--%s%s[", option->name, option->argument ? "=" : "");
        zsh_text(out, option->help);
        fputs("]", out);
        if (option->argument) {
            fputs(":", out);
            zsh_text(out, option->argument);
            fputs(":_files", out);
        }
        fputs("' \\\n", out);
    }
    fputs("        '*:file:_files'\n    ;;", out);
    fputc('\n', out);
}

void usage_zsh(FILE *out)
{
    fputs("#compdef apigw-gen\n\nlocal -a commands\ncommands=(\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (!is_first_word(i))
            continue;
        fprintf(out, "    '%s:", cli_commands[i].name);
        zsh_text(out, cli_commands[i].summary);
        fputs("'\n", out);
    }
    fputs(")\nif ((CURRENT == 2)); then\n    _describe command commands\n    return\nfi\n"
          "words=(${words[2,-1]})\n((CURRENT--))\ncase \"$words[1] $words[2] \" in\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (is_shown(i) && !is_group(i))
            zsh_command(out, i);
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (!is_group(i))
            continue;
        fprintf(out, "\"%s \"*)\n    compadd ", cli_commands[i].name);
        print_members(out, i);
        fputs("\n    ;;", out);
        fputc('\n', out);
    }
    fputs("esac\n", out);
}
