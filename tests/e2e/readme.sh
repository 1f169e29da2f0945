#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every output shown in README.md is the true one: a fenced block behind a line `<!-- output: COMMAND -->` is what
# COMMAND prints (rxsim stands for the program of this build; lines with wall-clock times are left out).
# With UPDATE=1 the blocks are written anew instead of compared.
set -euo pipefail
cd "$(dirname "$0")/../.."
rxsim=$(realpath "${RXSIM:-build/rxsim}")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/bin" && ln -s "$rxsim" "$tmp/bin/rxsim"
export PATH="$tmp/bin:$PATH" NO_COLOR=1 TMPDB="$tmp/readme.db" RXSIM_DATA="$PWD/scenarios"

# What may differ from machine to machine.
steady() { grep -vE 'of wall time|frames a second|^ran in|runs finished in|^heatmap: |^stored ' || true; }

block() {           # the output of one command, as README shows it
    bash -c "$1" 2>/dev/null | steady
}

in_block=0 command='' blocks=0
while IFS= read -r line; do
    if [ -n "$command" ] && [ "$line" = '```text' ]; then
        printf '%s\n' "$line"
        block "$command"
        in_block=1 command=''
        blocks=$((blocks + 1))
        continue
    fi
    if [ "$in_block" = 1 ]; then
        [ "$line" = '```' ] || continue
        in_block=0
    fi
    case $line in
        '<!-- output: '*' -->') command=${line#<!-- output: } command=${command% -->} ;;
        '') ;;
        *) if [ "$in_block" = 0 ]; then command=''; fi ;;
    esac
    printf '%s\n' "$line"
done < README.md > "$tmp/README.md"

[ "$blocks" -gt 0 ] || { echo 'readme: no output blocks found in README.md' >&2; exit 1; }
if [ "${UPDATE:-}" = 1 ]; then
    cp "$tmp/README.md" README.md
elif ! diff -u README.md "$tmp/README.md"; then
    echo 'readme: an output shown in README.md is no longer the true one; UPDATE=1 bash tests/e2e/readme.sh renews them' >&2
    exit 1
fi
# The times of the one-frame table add up to what the program says, to the picosecond.
table=$(sed -n '/^## One frame/,/^The article/p' README.md | grep '^|.* [nu]s |$' |
    awk -F'|' '{ gsub(/ /, "", $5); unit = $5 ~ /us$/ ? 1000000 : 1000; sub(/[nu]s$/, "", $5); sum += $5 * unit }
               END { printf "%.0f", sum }')
said=$(rxsim run scenarios/one-frame.yaml --no-store -q --json |
    sed -n '/"total": {/,/}/s/.*"mean": \([0-9.]*\).*/\1/p' | awk '{ printf "%.0f", $1 * 1000 }')
if [ "$table" != "$said" ]; then
    echo "readme: the one-frame table adds up to $table ps, the program says $said ps" >&2
    exit 1
fi
echo "  readme: $blocks outputs are the true ones, and the one-frame table adds up"
