/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The manual page, in man(7) macros, and bash's completion: both from the tables that parse and check. */
#include <string.h>

#include "models/config.h"
#include "sim/cli/commands.h"
#include "sim/cli/param_text.h"
#include "sim/lab/version.h"

/* Text as roff shows it: a backslash and a minus are themselves, and no line begins with a control character. */
static void roff(const char *text, FILE *out)
{
    bool begins = true;

    for (; *text; text++) {
        if (begins && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
        begins = *text == '\n';
    }
}

/* An entry of a list: the term in bold, then its text. */
static void entry(const char *term, const char *text, FILE *out)
{
    fputs(".TP\n\\fB", out);
    roff(term, out);
    fputs("\\fR\n", out);
    roff(text, out);
    fputc('\n', out);
}

static void manual_option(const struct option_row *o, FILE *out)
{
    char flags[80], text[512];

    print_option_flags(o, flags, sizeof flags);
    snprintf(text, sizeof text, "%s%s%s%s", o->doc, o->dflt ? " [" : "", o->dflt ? o->dflt : "", o->dflt ? "]" : "");
    entry(flags + strspn(flags, " "), text, out);
}

static void manual_command(const struct command *c, FILE *out)
{
    fputs(".SS ", out);
    fprintf(out, "rxsim %s %s\n", c->name, c->arguments);
    roff(c->about, out);
    fputc('\n', out);
    for (const struct option_row *o = c->options; o->name; o++)
        manual_option(o, out);
    fputs(".PP\nExamples:\n.nf\n", out);
    for (const char *const *e = c->examples; *e; e++) {
        fputs("    ", out);
        roff(*e, out);
        fputc('\n', out);
    }
    fputs(".fi\n", out);
}

static void manual_params(FILE *out)
{
    fputs(".SH PARAMETERS\nIn packet order; a default in brackets. "
          "`rxsim params KEY` also prints where a default comes from.\n", out);
    for (const struct model_info *const *m = rx_path; *m; m++)
        for (size_t i = 0; i < (*m)->n_params; i++) {
            const struct param *row = &(*m)->params[i];
            char dflt[PARAM_TEXT_SIZE], range[PARAM_TEXT_SIZE], text[1024];

            snprintf(text, sizeof text, "%.400s. Values: %s [%s]", row->doc, param_range(row, range),
                     param_default(row, dflt));
            entry(row->name, text, out);
        }
}

static void manual_exit_codes(FILE *out)
{
    fputs(".SH EXIT STATUS\n", out);
    for (const struct exit_row *e = exit_rows; e->meaning; e++) {
        char code[16];

        snprintf(code, sizeof code, "%d", e->code);
        entry(code, e->meaning, out);
    }
}

void print_manual(FILE *out)
{
    fputs(".TH RXSIM 1 \"\" \"rxsim ", out);
    roff(rxsim_version(), out);
    fputs("\" \"User Commands\"\n.SH NAME\nrxsim \\- simulate the Linux network receive path\n"
          ".SH SYNOPSIS\n.B rxsim\n.I COMMAND\n[arguments] [options]\n.SH DESCRIPTION\n"
          "A cycle-approximate discrete-event simulator of the way of a frame from the wire to the application's\n"
          "read: NIC, DMA, descriptor ring, interrupt moderation, NAPI and softirq, GRO, IP, TCP and UDP, socket,\n"
          "wake-up. It needs no kernel and no root. Names of parameters, counters and drop reasons are the\n"
          "kernel's.\n"
          "Data goes to standard output, messages go to standard error.\n.SH COMMANDS\n", out);
    for (const struct command *const *c = commands; *c; c++)
        manual_command(*c, out);
    manual_params(out);
    manual_exit_codes(out);
    fputs(".SH ENVIRONMENT\n", out);
    entry("RXSIM_DATA", "folder of cpus/ nics/ kernels/ machines/ workloads/ and the examples", out);
    entry("NO_COLOR", "if set and not empty: no colours unless --color always", out);
    fputs(".SH SIGNALS\n", out);
    entry("SIGINT, SIGTERM", "stop soon; what is stored stays, and the same sweep resumes. Again: stop at once", out);
    entry("SIGUSR1", "print progress on standard error", out);
    fputs(".SH SEE ALSO\n.BR ethtool (8),\n.BR sysctl (8),\n.BR nstat (8),\n.BR sqlite3 (1)\n", out);
}

/* ---- completion ---- */

static void completion_choices(const struct command *c, FILE *out)
{
    for (const struct option_row *o = c->options; o->name; o++) {
        if (o->kind != OPTION_CHOICE)
            continue;
        fprintf(out, "        %s:--%s) words='", c->name, o->name);
        for (const char *const *choice = o->choices; *choice; choice++)
            fprintf(out, "%s%s", choice == o->choices ? "" : " ", *choice);
        fputs("' ;;\n", out);
    }
}

static void completion_options(const struct command *c, FILE *out)
{
    fprintf(out, "        %s) words='", c->name);
    for (const struct option_row *o = c->options; o->name; o++)
        fprintf(out, "%s--%s", o == c->options ? "" : " ", o->name);
    fputs("' ;;\n", out);
}

void print_completion(FILE *out)
{
    fputs("# bash completion for rxsim, written by `rxsim --completion`\n"
          "_rxsim()\n{\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    local program=${COMP_WORDS[0]} words=''\n\n"
          "    COMPREPLY=()\n"
          "    if [[ $COMP_CWORD -eq 1 ]]; then\n        words='", out);
    for (const struct command *const *c = commands; *c; c++)
        fprintf(out, "%s ", (*c)->name);
    fputs("help --help --version --man --completion'\n    else\n"
          "        case ${COMP_WORDS[1]}:$previous in\n"
          "        *:--set | *:--vary | *:--find | params:params)\n"
          "            words=$(\"$program\" params --json 2>/dev/null | sed -n 's/^ *\"name\": \"\\(.*\\)\",$/\\1/p')\n"
          "            [[ $previous == params ]] ||\n"
          "                { compopt -o nospace; words=${words//$'\\n'/=$'\\n'}=; } ;;\n", out);
    for (const struct command *const *c = commands; *c; c++)
        completion_choices(*c, out);
    fputs("        *) ;;\n        esac\n    fi\n"
          "    if [[ -z $words && $current == -* ]]; then\n        case ${COMP_WORDS[1]} in\n", out);
    for (const struct command *const *c = commands; *c; c++)
        completion_options(*c, out);
    fputs("        *) ;;\n        esac\n    fi\n"
          "    if [[ -n $words ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
          "    else\n"
          "        compopt -o filenames\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
          "    fi\n}\ncomplete -F _rxsim rxsim\n", out);
}
