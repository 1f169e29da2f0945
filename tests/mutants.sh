#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Breaks each mechanism of scenarios/features.csv in turn, in a copy of the tree, and demands that the test that is said
# to show it fails. A mutant that lives is a test that proves nothing.
#
#   tests/mutants.sh [ID..]     default: all; IDs may be prefixes: B, C1
#   B=dir                       where the copies go: $B/mutants
#   JOBS=n                      so many copies at once (default: one a core)
set -euo pipefail
export LC_ALL=C

B=${B:-build}
JOBS=${JOBS:-$(nproc)}
work=$(realpath -m "$B")/mutants
results=$work/results
mkdir -p "$work"
rm -f "$results".*

# id, suite:test and file|old|new of each row to break, by a character that no source line holds.
mutants() {     # ID..
    local where=0 id
    [ $# -gt 0 ] || set -- ''
    for id; do where="$where or id like '$id%'"; done
    sqlite3 -separator $'\x1f' :memory: '.import --csv scenarios/features.csv f' \
        "select id, test, break from f where break <> '' and ($where)"
}

# Replaces the only occurrence of a text in a file.
replace() {     # FILE OLD NEW
    perl -0777 -i -pe 'BEGIN { ($old, $new) = splice @ARGV, 0, 2 } s/\Q$old\E/$new/' "$2" "$3" "$1"
}

# A tree of its own for each worker, built once; then mutants change one file at a time.
worker() {      # NUMBER
    local tree=$work/$1 id test break file old new said
    mkdir -p "$tree"
    (cd "$tree" && rm -rf sim models scenarios tests)
    cp -a Makefile README.md sim models scenarios tests "$tree/"
    make -s -C "$tree" B=build VERSION=mutant CFLAGS=-O1 build/rxsim build/tests/check >"$tree/build.log" 2>&1 ||
        { echo "mutants: the tree itself does not build, see $tree/build.log" >&2; return 1; }
    while IFS=$'\x1f' read -r id test break; do
        file=${break%%|*} new=${break##*|} old=${break#*|} old=${old%|*}
        cp -p "$tree/$file" "$tree/original"
        replace "$tree/$file" "$old" "$new"
        said=killed
        if ! make -s -C "$tree" B=build VERSION=mutant CFLAGS=-O1 build/rxsim build/tests/check >"$tree/build.log" 2>&1; then
            said="does not compile"
        elif (cd "$tree" && RXSIM=build/rxsim RXSIM_DATA=$PWD/scenarios timeout 300 build/tests/check "${test%%:*}") \
                >"$tree/check.log" 2>&1 || ! grep -qE ":[EF]:[^:]*:${test#*:}:" "$tree/check.log"; then
            said=LIVES
        fi
        printf '%s\t%s\t%s\t%s\n' "$id" "$said" "$test" "$break" | tee -a "$results.$1"
        cp "$tree/original" "$tree/$file"
    done
}

mutants "$@" >"$work/list"
[ -s "$work/list" ] || { echo "mutants: no row of that id has a line to break" >&2; exit 2; }
for ((w = 0; w < JOBS; w++)); do
    awk -v n="$JOBS" -v w="$w" 'NR % n == w' "$work/list" | worker "$w" &
done
wait
sort "$results".* >"$work/results.tsv"
killed=$(awk -F'\t' '$2 == "killed"' "$work/results.tsv" | wc -l)
all=$(wc -l <"$work/list")
echo "$killed of $all mutants were killed by the test that is said to show the mechanism"
[ "$killed" -eq "$all" ] || { awk -F'\t' '$2 != "killed"' "$work/results.tsv"; exit 1; }
