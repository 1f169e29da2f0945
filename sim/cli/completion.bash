# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Completion for bash: commands, flags, and the names of parameters after --set, --vary and --find. Flags and
# parameters are asked of the program; commands and formats are listed here.

_rxsim()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]}
    local words=

    COMPREPLY=()
    case $previous in
    --set | --vary | --find)
        words=$("$program" params --json 2>/dev/null | grep -oE '"name": *"[^"]+"' | sed 's/.*"\([^"]*\)"$/\1/')
        mapfile -t COMPREPLY < <(compgen -S = -W "$words" -- "$current")
        compopt -o nospace
        return ;;
    --to)
        words='perfetto pcapng csv json pgfplots gnuplot' ;;
    --as)
        words='softnet_stat nstat snmp ethtool-S interrupts mpstat' ;;
    --color)
        words='always auto never' ;;
    *)
        if [[ $COMP_CWORD -eq 1 && $current != -* ]]; then
            words='run sweep compare plan why show report export import calibrate sensitivity validate params
                counters drops optimize features list check merge doctor'
        elif [[ $current == -* ]]; then
            words=$("$program" "${COMP_WORDS[1]}" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]+' | sort -u)
        else
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            compopt -o filenames
            return
        fi ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _rxsim rxsim
