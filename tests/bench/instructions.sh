#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Instructions per frame, counted by valgrind: a cost that repeats on a busy machine. Each scenario runs at two lengths,
# so that start-up cancels; environment and load move the result by less than 0.01 %.
#
#   instructions.sh check         holds them against instructions.csv: more than 3 % off, up or down, is an error. What
#                                 another compiler or other flags made is printed and not judged
#   instructions.sh record        writes instructions.csv anew
#   instructions.sh print NAME..  prints NAME and number for scenarios/bench/NAME.yaml
#
#   RXSIM=path, CFLAGS=flags      the binary, and how it was compiled; by what, it says itself
set -euo pipefail
export LC_ALL=C

RXSIM=${RXSIM:-build/rxsim}
CFLAGS=${CFLAGS:--O3 -g}
TABLE=tests/bench/instructions.csv
JUDGED=(yardstick-linerate yardstick-overload linerate tcp-bulk)
TOLERANCE=3                     # percent: beyond what the place of code and data does, below what a change worth a look does

case ${1:-} in
check | record | print) ;;
*) echo "Usage: instructions.sh check | record | print NAME.." >&2; exit 2 ;;
esac
[ -x "$RXSIM" ] || { echo "instructions: no program at $RXSIM: make" >&2; exit 2; }
command -v valgrind >/dev/null || { echo "instructions: valgrind is missing: make deps DEV=1" >&2; exit 3; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The compilers name themselves in the program: GCC alone, or also clang beside the GCC of the start-up files.
compiler=$(readelf -p .comment "$RXSIM" | sed -n 's/^ *\[[^]]*\] *//p' | sort | paste -sd + -)
compiler="${compiler:-unknown} $CFLAGS"
compiler=${compiler//,/;}       # it becomes a field of the table

# Valgrind gives up on debugging information that is newer than itself, so the copy it runs has none.
strip --strip-debug -o "$work/rxsim" "$RXSIM"

# Some 200,000 frames and twice as many, so that caches and pools have their size in both.
lengths() {     # NAME -> the parameter that sets its length, and two values
    case $1 in
    yardstick-*) echo traffic.frames 200000 400000 ;;
    linerate) echo run.duration 15ms 30ms ;;
    many-queues) echo run.duration 6ms 12ms ;;
    many-queues-1) echo run.duration 384ms 768ms ;;
    *) echo run.duration 200ms 400ms ;;
    esac
}

# Addresses without randomness where that is allowed: hash tables and alignment are then the same each time.
fixed=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
    fixed=(setarch "$(uname -m)" -R)
fi

count() {       # NAME SETTING -> instructions and frames, in $work/NAME.SETTING
    local out=$work/$1.$2
    "${fixed[@]}" valgrind --tool=callgrind --callgrind-out-file="$out.callgrind" --log-file="$out.log" \
        "$work/rxsim" run "scenarios/bench/$1.yaml" --json -q --no-store --set "$2" >"$out.json" || return 1
    echo "$(sed -n 's/^totals: *//p' "$out.callgrind")" \
        "$(sed -n 's/^ *"offered": *\([0-9]*\).*/\1/p' "$out.json" | head -n 1)" >"$out"
}

measure() {     # NAME -> instructions per frame
    local key short long other
    read -r key short long <<<"$(lengths "$1")"
    count "$1" "$key=$long" &
    other=$!
    count "$1" "$key=$short" || { echo "instructions: $1 did not run" >&2; return 1; }
    wait "$other" || { echo "instructions: $1 did not run" >&2; return 1; }
    cat "$work/$1.$key=$short" "$work/$1.$key=$long" | awk -v name="$1" '
        NR == 1 { i = $1; n = $2 }
        NR == 2 && $2 > n { printf "%.1f\n", ($1 - i) / ($2 - n); ok = 1 }
        END { if (!ok) { print "instructions: no counts for " name > "/dev/stderr"; exit 1 } }'
}

print() {
    local name number
    for name; do
        number=$(measure "$name")
        echo "$name $number"
    done
}

record() {
    echo scenario,instructions_per_frame,compiler >"$work/table"
    print "${JUDGED[@]}" >"$work/numbers"
    awk -v compiler="$compiler" '{ print $1 "," $2 "," compiler }' "$work/numbers" >>"$work/table"
    cp "$work/table" "$TABLE"
    cat "$TABLE"
}

check() {
    local name recorded by number bad=0
    printf '%-20s %9s %9s %8s\n' scenario recorded measured change
    for name in "${JUDGED[@]}"; do
        IFS=, read -r _ recorded by <<<"$(grep "^$name," "$TABLE" || true)"
        [ -n "${recorded:-}" ] || { echo "instructions: $name is not in $TABLE: make bench-record" >&2; bad=1; continue; }
        number=$(measure "$name")
        awk -v name="$name" -v r="$recorded" -v m="$number" -v t=$TOLERANCE -v same="$([ "$by" = "$compiler" ] && echo 1)" '
            BEGIN {
                change = (m - r) * 100 / r
                off = change > t || change < -t
                printf "%-20s %9.1f %9.1f %+6.1f %%", name, r, m, change
                verdict = change > 0 ? "more than " t " % dearer" : "cheaper: record it"
                if (!same) verdict = "recorded with another compiler: not judged"
                print off || !same ? "  " verdict : ""
                exit off && same
            }' || bad=1
    done
    [ "$bad" = 0 ] || echo "instructions: not as recorded. If the change is meant: make bench-record, and say why in the commit" >&2
    return "$bad"
}

"$@"
