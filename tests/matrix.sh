#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The same scenario and seed must give the same fingerprint whoever compiled the program and whatever it runs
# on. Builds with gcc -O0, -O2 and -O3 and with clang -O2, runs every scenario through each, and again without
# the inline shortcut and on a CPU without FMA (masked by a glibc tunable: its log and exp then give other
# last bits). Then the same sweep with one worker and with two must store the same rows.
#
#   tests/matrix.sh [SCENARIO..]      default: scenarios/*.yaml
#   B=dir                             where the builds go: $B/m/..
#   SWEEP=file, VARY='KEY=..'         the sweep (default: scenarios/demo.yaml, two rings)
set -euo pipefail
export LC_ALL=C RXSIM_DATA=$PWD/scenarios

B=${B:-build}
MAKE=${MAKE:-make}
SWEEP=${SWEEP:-scenarios/demo.yaml}
VARY=${VARY:-nic.ring.rx=64,256}
NO_FMA=glibc.cpu.hwcaps=-AVX2,-FMA,-AVX2_Usable,-FMA_Usable

for tool in gcc clang sqlite3; do
    command -v "$tool" >/dev/null || { echo "matrix: $tool is missing: make deps DEV=1" >&2; exit 3; }
done

if [ $# -eq 0 ]; then
    shopt -s nullglob
    set -- scenarios/*.yaml scenarios/bench/*.yaml scenarios/questions/*.yaml
fi
[ $# -gt 0 ] || { echo "matrix: there is no scenario to run" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

build() {       # NAME CC FLAGS
    $MAKE --no-print-directory B="$B/m/$1" SAN= CC="$2" CFLAGS="$3" all >"$work/build" 2>&1 ||
        { cat "$work/build" >&2; exit 1; }
}

fingerprint() { # NAME SCENARIO [OPTION..]
    local name=$1 scenario=$2
    shift 2
    case $scenario in */bench/*) set -- "$@" --set run.duration=3ms ;; esac     # their beginnings are enough
    "$B/m/$name/rxsim" run "$scenario" --json -q --db "$work/run.db" "$@" >"$work/json" || return 1
    sed -n 's/.*"fingerprint": *"\([0-9a-f]\{32\}\)".*/\1/p' "$work/json" | head -n 1
}

same() {        # WHAT WANTED FOUND
    if [ -z "$2" ] || [ "$2" != "$3" ]; then
        echo "  DIFFERS  $1: ${3:-no fingerprint}, wanted ${2:-one}" >&2
        bad=1
    fi
}

build gcc-O2 gcc -O2
build gcc-O0 gcc -O0
build gcc-O3 gcc -O3
build clang-O2 clang -O2

for scenario; do
    wanted=$(fingerprint gcc-O2 "$scenario" || true)
    for name in gcc-O0 gcc-O3 clang-O2; do
        same "$scenario, $name" "$wanted" "$(fingerprint $name "$scenario" || true)"
    done
    same "$scenario, again" "$wanted" "$(fingerprint gcc-O2 "$scenario" || true)"
    same "$scenario, --no-batch" "$wanted" "$(fingerprint gcc-O2 "$scenario" --no-batch || true)"
    same "$scenario, no FMA" "$wanted" "$(GLIBC_TUNABLES=$NO_FMA fingerprint gcc-O2 "$scenario" || true)"
    echo "  ${wanted:-(no fingerprint)}  $scenario"
done

# A suite of many mechanisms: every prediction, to the last digit.
predictions() { # NAME [OPTION..]
    local name=$1
    shift
    "$B/m/$name/rxsim" validate qemu --json -q "$@" | md5sum
}

wanted=$(predictions gcc-O2 -j 2)
for name in gcc-O0 gcc-O3 clang-O2; do
    same "validate qemu, $name" "$wanted" "$(predictions $name)"
done
same "validate qemu, -j 1" "$wanted" "$(predictions gcc-O2 -j 1)"
same "validate qemu, --no-batch" "$wanted" "$(predictions gcc-O2 --no-batch)"
same "validate qemu, no FMA" "$wanted" "$(GLIBC_TUNABLES=$NO_FMA predictions gcc-O2)"
echo "  ${wanted%% *}  validate qemu"

rows() {        # JOBS
    local db=$work/j$1.db
    "$B/m/gcc-O2/rxsim" sweep "$SWEEP" --vary "$VARY" --reps 2 -j "$1" -q --db "$db" >/dev/null || return 1
    sqlite3 "$db" "SELECT run_key, fingerprint FROM run ORDER BY 1;
        SELECT run_key, scope, name, value FROM counter JOIN run ON run.id = run_id ORDER BY 1, 2, 3;
        SELECT run_key, stage, lo_ns, hi_ns, n FROM latency_hist JOIN run ON run.id = run_id
            ORDER BY 1, 2, 3;"
}

if [ -e "$SWEEP" ]; then
    one=$(rows 1) two=$(rows 2)
    if [ -n "$one" ] && [ "$one" = "$two" ]; then
        echo "  $(wc -l <<<"$one") rows equal with -j 1 and -j 2  $SWEEP"
    else
        echo "  DIFFERS  $SWEEP: the rows of -j 1 and -j 2" >&2
        bad=1
    fi
else
    echo "matrix: $SWEEP is missing" >&2
    bad=1
fi

[ "$bad" = 0 ] && echo "matrix: all fingerprints are the same"
exit "$bad"
