#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How fast the simulator is, measured here and now, as one table. Times are of this machine and its other work: only
# ratios within one sitting can be compared with another's, and instructions, which repeat. What a ratio compares runs by
# turns; times are CPU time, user and system, less the start-up of the same scenario; each number is a median.
#
#   RXSIM=path      the binary (default build/rxsim)
#   BENCH=dir       where `reference` and `hold` are (default build/bench)
#   QUICK=1         a minute: fewer and shorter runs
#   LONG=1          also 10^8 and 10^9 frames: some minutes more
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C

RXSIM=${RXSIM:-build/rxsim}
BENCH=${BENCH:-build/bench}
YARDSTICKS=(yardstick-overload yardstick-linerate yardstick-moderate)
WHOLE=(linerate delivered tcp-bulk)
LOOPS=(heap slots fused)

if [ "${QUICK:-}" = 1 ]; then
    rounds=3 packets=2000000 hold=(-e 300000 -r 3)
    sweep_points='50 points' sweep_reps=2 sweep=(--vary nic.ring.rx=64:4096:10 --vary net.core.netdev_budget=16:600:5)
else
    rounds=9 packets=5000000 hold=(-e 2000000 -r 7)
    sweep_points='200 points' sweep_reps=10 sweep=(--vary nic.ring.rx=64:4096:20 --vary net.core.netdev_budget=16:600:10)
fi
reference_packets=200000        # for counting instructions; there is no start-up in them

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die() {
    echo "bench: $*" >&2
    exit 1
}

for program in "$RXSIM" "$BENCH/reference" "$BENCH/hold"; do
    [ -x "$program" ] || { echo "bench: no program at $program: make bench" >&2; exit 2; }
done

# ---- measuring ----

median() {
    sort -g | awk '{ v[NR] = $1 }
        END { if (NR == 0) exit 1; printf "%.6g\n", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# The median over the lines of a file of what awk makes of one: median_of EXPRESSION FILE
median_of() {
    awk "{ print $1 }" "$2" | median
}

number() {      # KEY FILE: the first number of that key in a JSON file
    sed -n "s/.*\"$1\": *\([0-9.eE+-]*\).*/\1/p" "$2" | head -n 1
}

# CPU seconds of a command; its output goes to $work/out.
cpu() {
    local TIMEFORMAT='%3U %3S'
    { time "$@" >"$work/out" 2>"$work/err"; } 2>"$work/time" || { cat "$work/err" >&2; die "failed: $*"; }
    awk '{ print $1 + $2 }' "$work/time"
}

wall_ms() {
    local start=${EPOCHREALTIME/./}
    "$@" >"$work/out" || die "failed: $*"
    echo $((${EPOCHREALTIME/./} - start)) | awk '{ print $1 / 1000 }'
}

peak_kib() {    # COMMAND.. -> largest resident memory; 0: no tool to ask
    if [ -x /usr/bin/time ]; then
        /usr/bin/time -f %M -o "$work/kib" "$@" >/dev/null
    elif command -v python3 >/dev/null; then
        python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@" >"$work/kib"
    else
        echo 0 >"$work/kib"
    fi
    cat "$work/kib"
}

# Sets `run`, the command that runs scenarios/bench/NAME.yaml: as long as it is measured, or as its start-up alone.
set_run() {     # NAME full|none|FRAMES
    local length=$2
    case $1.$length in
    yardstick-*.full) length=traffic.frames=$packets ;;
    yardstick-*.none) length=traffic.frames=1 ;;
    *.full) length=run.duration=1s ;;
    *.none) length=run.duration=1us ;;
    *) length=traffic.frames=$length ;;
    esac
    run=("$RXSIM" run "scenarios/bench/$1.yaml" --json -q --no-store --set "$length")
}

start_up() {    # NAME -> CPU seconds: the mean of 11, as the clock ticks in milliseconds
    local run
    set_run "$1" none
    for _ in $(seq 11); do
        cpu "${run[@]}"
    done | awk '{ sum += $1 } END { print sum / NR }'
}

# ---- scenarios ----

# One line a round in $work/NAME: CPU seconds, frames, simulated ns, then ns a packet of each reference loop.
one_round() {   # NAME
    local name=$1 seconds loops='' run
    set_run "$name" full
    seconds=$(cpu "${run[@]}")
    cp "$work/out" "$work/$name.json"
    case $name in
    yardstick-*)
        "$BENCH/reference" -s "${name#yardstick-}" -n "$packets" >"$work/$name.reference" || die "the reference loops differ"
        loops=$(awk 'NR > 1 { printf " %s", $3 }' "$work/$name.reference")
        ;;
    esac
    echo "$seconds $(number offered "$work/$name.json") $(number sim_ns "$work/$name.json")$loops" >>"$work/$name"
}

instructions_of_loops() {       # SCENARIO -> instructions a packet, in order of LOOPS
    local loop
    for loop in "${LOOPS[@]}"; do
        valgrind --tool=callgrind --toggle-collect="run_$loop" --callgrind-out-file="$work/$loop.callgrind" \
            --log-file="$work/$loop.log" "$work/reference" -s "$1" -l "$loop" -n $reference_packets >/dev/null &
    done
    wait
    for loop in "${LOOPS[@]}"; do
        sed -n 's/^totals: *//p' "$work/$loop.callgrind" | awk -v n=$reference_packets '{ printf " %.0f", $1 / n }'
    done
}

instructions() {        # NAME -> instructions a frame, and those of the loops; dashes without valgrind
    if ! command -v valgrind >/dev/null; then
        echo '- - - -'
        return
    fi
    bash tests/bench/instructions.sh print "$1" | awk '{ printf "%.0f", $2 }'
    case $1 in
    yardstick-*) instructions_of_loops "${1#yardstick-}" ;;
    *) echo ' - - -' ;;
    esac
}

scenario_row() {        # NAME
    local name=$1 f=$work/$1 s ratios='- - -' cpu_ns
    s=$(start_up "$name")
    cpu_ns="(\$1 - $s) * 1e9 / \$2"
    case $name in
    yardstick-*) ratios="$(median_of "$cpu_ns / \$4" "$f") $(median_of "$cpu_ns / \$5" "$f") $(median_of "$cpu_ns / \$6" "$f")" ;;
    esac
    echo "$name $(median_of "1e3 / ($cpu_ns)" "$f") $(median_of "\$3 / 1e9 / (\$1 - $s)" "$f") $ratios $(instructions "$name")" |
        awk 'function f(x, digits) { return x == "-" ? x : sprintf("%." digits "f", x) }
            { printf "%-20s %10s %11s %7s %7s %7s %9s %6s %6s %6s\n", $1, f($2, 2), f($3, 2),
                     f($4, 2), f($5, 2), f($6, 1), $7, $8, $9, $10 }'
}

scenarios() {
    local name
    strip --strip-debug -o "$work/reference" "$BENCH/reference"        # as instructions.sh does
    for _ in $(seq "$rounds"); do
        for name in "${YARDSTICKS[@]}" "${WHOLE[@]}"; do
            one_round "$name"
        done
    done
    printf '%-20s %10s %11s %23s %9s %20s\n' '' 'M frames' '' 'time / time of the loop' 'instr.' 'instr. of the loop'
    printf '%-20s %10s %11s %7s %7s %7s %9s %6s %6s %6s\n' \
        'scenario' '/ s' '/ real time' "${LOOPS[@]}" '/ frame' "${LOOPS[@]}"
    for name in "${YARDSTICKS[@]}" "${WHOLE[@]}"; do
        scenario_row "$name"
    done
}

# The same arrivals in both, so the same counts, but for the timer tick: the loops have none, and it takes a
# microsecond of every millisecond.
counts_of() {   # NAME -> of the simulator, as reference prints them
    local j=$work/$1.json
    echo "$(number delivered "$j") $(number rx_no_desc "$j") $(number UdpRcvbufErrors "$j") $(number napi_polls "$j")" \
        "$(number interrupts "$j") $(number time_squeeze "$j")" \
        "$(sed -n '/"total": *{/,$p' "$j" | sed -n 's/.*"mean": *\([0-9.eE+-]*\).*/\1/p' | head -n 1)"
}

counts() {
    local name
    printf '\n%-20s %-9s %10s %10s %9s %8s %8s %8s %9s\n' 'counts' '' delivered ring sockets polls irqs squeezes 'mean us'
    for name in "${YARDSTICKS[@]}"; do
        { counts_of "$name"; sed -n 2p "$work/$name.reference" | cut -d ' ' -f 3-; } | awk -v name="$name" '
            NR == 1 { $7 /= 1000; split($0, sim); who = "rxsim" }
            NR == 2 { sub(/^ *[^ ]+ +[^ ]+ +/, ""); $0 = $0; who = "reference"
                      for (i = 1; i <= 7; i++) if ($i > 100 && (sim[i] / $i > 1.02 || sim[i] / $i < 0.98)) differ = 1 }
            { printf "%-20s %-9s %10d %10d %9d %8d %8d %8d %9.2f\n", name, who, $1, $2, $3, $4, $5, $6, $7; name = "" }
            END { exit differ }' || die "$name: the simulator and the loops count more than 2 % apart"
    done
}

# ---- the rest ----

pending() {
    printf '\n%-20s %10s %11s %15s\n' 'pending events' 'engine ns' 'heap ns' 'engine / heap'
    "$BENCH/hold" "${hold[@]}" >"$work/hold" || die "hold failed"
    awk 'NR > 1 { printf "%-20s %10s %11s %15s\n", $1, $2, $3, $4 }' "$work/hold"
}

# ns a frame of so many frames, by so many runs; a space before, as it becomes a column.
frame_ns() {    # FRAMES RUNS START-UP
    local run
    set_run yardstick-linerate "$1"
    for _ in $(seq "$2"); do
        cpu "${run[@]}"
    done | awk -v n="$1" -v s="$3" '{ sum += $1 - s } END { printf " %.3f", sum * 1e9 / NR / n }'
}

size_row() {    # FRAMES COLUMN of $work/sizes
    local run
    set_run yardstick-linerate "$1"
    peak_kib "${run[@]}" >/dev/null
    echo "$1 $(median_of "\$$2" "$work/sizes") $(median_of "\$$2 / \$2" "$work/sizes") $(cat "$work/kib")" |
        awk '{ printf "%-20s %10.1f %11.3f %15s\n", $1 " frames", $2, $3, $4 ? sprintf("%.1f", $4 / 1024) : "-" }'
}

sizes() {
    local s long=
    s=$(start_up yardstick-linerate)
    if [ "${LONG:-}" = 1 ]; then
        long=$(frame_ns 100000000 1 "$s"; frame_ns 1000000000 1 "$s")
    fi
    for _ in 1 2 3; do
        frame_ns 100000 10 "$s"
        frame_ns 1000000 3 "$s"
        frame_ns 10000000 1 "$s"
        echo "$long"
    done >"$work/sizes"
    printf '\n%-20s %10s %11s %15s\n' 'yardstick-linerate' 'ns / frame' '/ of 10^6' 'peak MiB'
    size_row 100000 1
    size_row 1000000 2
    size_row 10000000 3
    if [ -n "$long" ]; then
        size_row 100000000 4
        size_row 1000000000 5
    fi
}

# 64 queues on 64 CPUs with a million flows, and the same machine and flows with one queue and its load, by turns; a queue
# has as many frames a second in both. Their start-up, a million flows, is taken off, and shown.
many_queues() {
    local name length run
    for name in many-queues many-queues-1; do
        set_run "$name" none
        for _ in 1 2 3; do
            cpu "${run[@]}"
        done | median >"$work/$name.start"
    done
    for _ in $(seq "$rounds"); do
        for name in many-queues many-queues-1; do
            length=$(case $name in many-queues) echo 20ms ;; *) echo 1280ms ;; esac)
            cpu "$RXSIM" run "scenarios/bench/$name.yaml" --json -q --no-store --set run.duration="$length"
            number offered "$work/out" >"$work/$name.frames"
        done
    done | paste - - >"$work/many"
    printf '\n%-20s %10s %11s %15s %9s\n' '10^6 flows, 64 CPUs' 'ns / frame' 'start-up s' 'peak MiB' 'instr.'
    for name in many-queues many-queues-1; do
        set_run "$name" none
        peak_kib "$RXSIM" run "scenarios/bench/$name.yaml" --json -q --no-store >/dev/null
        echo "$name $(median_of "\$$([ "$name" = many-queues ] && echo 1 || echo 2)" "$work/many") $(cat "$work/$name.start")" \
            "$(cat "$work/$name.frames") $(cat "$work/kib") $(command -v valgrind >/dev/null &&
            bash tests/bench/instructions.sh print "$name" | awk '{ printf "%.0f", $2 }')"
    done | awk '
        { ns = ($2 - $3) * 1e9 / $4
          printf "%-20s %10.0f %11.2f %15.1f %9s\n", $1 == "many-queues" ? "64 queues" : "1 queue", ns, $3, $5 / 1024, $6 }
        NR == 1 { n = ns; s = $3; m = $5; i = $6 }
        END { printf "%-20s %10.2f %11.2f %15.2f %9s\n", "64 queues / 1 queue", n / ns, s / $3, m / $5,
              $6 ? sprintf("%.2f", i / $6) : "-" }'
}

sweep_ms() {    # JOBS
    wall_ms "$RXSIM" sweep scenarios/bench/delivered.yaml --set run.duration=50ms "${sweep[@]}" --reps "$sweep_reps" \
        --no-store -q --json -j "$1"
    cp "$work/out" "$work/sweep.$1"
}

sweeps() {
    for _ in 1 2 3; do
        sweep_ms 1
        sweep_ms 2
        cmp -s "$work/sweep.1" "$work/sweep.2" || die "the sweep's results depend on -j"
    done | paste - - >"$work/sweeps"
    printf '\n%-20s %10s %11s %15s\n' "sweep, $sweep_points" '-j 1 s' '-j 2 s' '-j 2 / -j 1'
    echo "$(median_of "\$1" "$work/sweeps") $(median_of "\$2" "$work/sweeps") $(median_of "\$2 / \$1" "$work/sweeps")" |
        awk -v what="x $sweep_reps of 50 ms, 1 Mpps" '{ printf "%-20s %10.2f %11.2f %15.3f\n", what, $1 / 1e3, $2 / 1e3, $3 }'
    echo "Results of -j 1 and -j 2: the same, byte for byte."
}

start_ups() {   # LABEL COMMAND..
    local label=$1
    shift
    for _ in $(seq 21); do
        wall_ms "$@"
    done | median | awk -v what="$label" '{ printf "%-20s %10.1f\n", what, $1 }'
}

start_up_rows() {
    local run
    set_run yardstick-linerate none
    printf '\n%-20s %10s\n' 'start-up' 'wall ms'
    start_ups '--version' "$RXSIM" --version
    start_ups 'a run of one frame' "${run[@]}"
    start_ups '.. and in a database' "${run[@]/--no-store/--db=$work/start.db}"
}

echo "$("$RXSIM" --version | head -n 1), $(nproc) CPUs, load $(cut -d ' ' -f 1 /proc/loadavg) before"
echo "CPU time of this sitting, medians; what a ratio compares ran by turns. Instructions repeat, times do not."
echo
scenarios
counts
pending
sizes
many_queues
sweeps
start_up_rows
command -v valgrind >/dev/null || echo "Instructions were not counted: valgrind is missing (make deps DEV=1)."
