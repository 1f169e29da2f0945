#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How fast the simulator is, measured here and now. Wall times are of this machine and its other load: compare
# only within one sitting. Instructions per frame are repeatable (reliable to about one in a thousand) where
# valgrind is installed.
#
#   RXSIM=path      the binary (default build/rxsim)
#   SCENARIO=file   default scenarios/bench/linerate.yaml: 64-byte frames at 10 Gbit/s line rate
#   RUNS=n          default 5
set -euo pipefail
export LC_ALL=C

RXSIM=${RXSIM:-build/rxsim}
SCENARIO=${SCENARIO:-scenarios/bench/linerate.yaml}
RUNS=${RUNS:-5}
LINE_RATE=14880952              # 10 Gbit/s / (84 B * 8): minimum frames with preamble and gap

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

[ -x "$RXSIM" ] || { echo "bench: no program at $RXSIM: make" >&2; exit 2; }
[ -r "$SCENARIO" ] || { echo "bench: no scenario at $SCENARIO" >&2; exit 2; }

number() {      # KEY: the first number of that key in the JSON on stdin
    grep -oE "\"$1\": *[0-9.eE+-]+" | head -n 1 | sed 's/.*: *//'
}

median() {
    sort -g | awk '{ v[NR] = $1 }
        END { if (NR == 0) exit 1; printf "%.3f\n", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

for _ in $(seq "$RUNS"); do
    "$RXSIM" run "$SCENARIO" --json -q --db "$work/bench.db" | number frames_per_wall_s
done >"$work/speed"
[ "$(wc -l <"$work/speed")" = "$RUNS" ] || { echo "bench: a run gave no frames_per_wall_s" >&2; exit 1; }
median <"$work/speed" | awk -v n="$RUNS" -v line=$LINE_RATE -v s="$SCENARIO" '{
    printf "speed           %.2f M frames/s, median of %d  (%s)\n", $1 / 1e6, n, s
    printf "                %.2f x real time of 14.88 M/s\n", $1 / line }'

# Two lengths, so that what start-up and storage cost once cancels.
instructions() {        # DURATION -> instructions and frames
    valgrind --tool=callgrind --callgrind-out-file="$work/callgrind" --log-file="$work/log" \
        "$RXSIM" run "$SCENARIO" --json -q --db "$work/c$1.db" --set "run.duration=$1" >"$work/json"
    echo "$(sed -n 's/^\(summary\|totals\): *\([0-9]*\).*/\2/p' "$work/callgrind" | head -n 1)" \
        "$(number offered <"$work/json")"
}
if command -v valgrind >/dev/null; then
    { instructions 2ms; instructions 4ms; } >"$work/ir"
    awk 'NR == 1 { i = $1; n = $2 }
         NR == 2 && $2 > n { printf "instructions    %.0f per frame\n", ($1 - i) / ($2 - n); ok = 1 }
         END { exit !ok }' "$work/ir" || { echo "bench: callgrind gave no counts" >&2; exit 1; }
else
    echo "instructions    not measured: valgrind is not installed"
fi

for _ in $(seq 21); do
    start=${EPOCHREALTIME/./}
    "$RXSIM" --version >/dev/null
    echo $((${EPOCHREALTIME/./} - start))
done | median | awk '{ printf "start-up        %.1f ms for --version, median of 21\n", $1 / 1000 }'

if [ -x /usr/bin/time ]; then
    /usr/bin/time -f %M -o "$work/kib" "$RXSIM" run "$SCENARIO" --json -q --db "$work/memory.db" >/dev/null
elif command -v python3 >/dev/null; then
    python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' \
        "$RXSIM" run "$SCENARIO" --json -q --db "$work/memory.db" >"$work/kib"
fi
if [ -s "$work/kib" ]; then
    awk '{ printf "peak memory     %.1f MiB\n", $1 / 1024 }' "$work/kib"
else
    echo "peak memory     not measured: neither /usr/bin/time nor python3 is installed"
fi
