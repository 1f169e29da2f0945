#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Where the time of a frame goes: instructions by stage, counted by valgrind in the source lines that they come from, so that
# an inlined function counts where it is written. Two lengths, so that start-up cancels.
#
#   stages.sh NAME..        scenarios/bench/NAME.yaml; default: yardstick-linerate linerate tcp-bulk
#   RXSIM=path              the binary, with debugging information of a version that valgrind reads (gcc, clang -gdwarf-4)
set -euo pipefail
export LC_ALL=C

RXSIM=${RXSIM:-build/rxsim}
[ $# -gt 0 ] || set -- yardstick-linerate linerate tcp-bulk
[ -x "$RXSIM" ] || { echo "stages: no program at $RXSIM: make" >&2; exit 2; }
command -v callgrind_annotate >/dev/null || { echo "stages: valgrind is missing: make deps DEV=1" >&2; exit 3; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

lengths() {     # NAME -> the parameter that sets its length, and two values
    case $1 in
    yardstick-*) echo traffic.frames 100000 300000 ;;
    linerate) echo run.duration 10ms 30ms ;;
    *) echo run.duration 100ms 300ms ;;
    esac
}

count() {       # NAME SETTING OUT -> OUT.by: instructions and source file; OUT.n: frames
    valgrind --tool=callgrind --callgrind-out-file="$3.callgrind" --log-file="$3.log" \
        "$RXSIM" run "scenarios/bench/$1.yaml" --json -q --no-store --set "$2" >"$3.json"
    sed -n 's/^ *"offered": *\([0-9]*\).*/\1/p' "$3.json" | head -n 1 >"$3.n"
    callgrind_annotate --auto=no --threshold=100 "$3.callgrind" 2>/dev/null |
        sed -nE 's/^ *([0-9,]+) \([ 0-9.]+%\) +(.*):[^:]+$/\1 \2/p' | tr -d , >"$3.by"
}

echo "stages of a frame, instructions:"
for name; do
    read -r key short long <<<"$(lengths "$name")"
    count "$name" "$key=$short" "$work/short" &
    count "$name" "$key=$long" "$work/long"
    wait
    echo "  $name"
    awk -v short="$(cat "$work/short.n")" -v long="$(cat "$work/long.n")" '
        function stage(file) {
            if (file ~ /(models\/(traffic|sender|wire|phy)|engine\/random)\./) return "1 traffic, wire"
            if (file ~ /models\/(nic|mac|fifo|dma|ring|coalesce|frame|rss)\./) return "2 NIC, DMA, ring"
            if (file ~ /models\/(driver|refill|skb|gro|xdp|napi)\./) return "3 driver, skb, GRO"
            if (file ~ /models\/(netif|rps|ip|netfilter|defrag)\./) return "4 netif, IP"
            if (file ~ /models\/(udp|udp_gso|tcp|tcp_.*|sock|tx)\./) return "5 transport, socket"
            if (file ~ /models\/(app|reading)\./) return "6 reader"
            if (file ~ /models\/express\./) return "7 express"
            if (file ~ /(models\/ledger|engine\/hist|engine\/hash)\./) return "8 ledger, fingerprint, histograms"
            if (file ~ /(models\/(cpu|softirq|sched|irq|horizon|host)|engine\/(event|time))\./) return "9 events, cores"
            return "all else"
        }
        { sum[stage($2)] += FILENAME ~ /long/ ? $1 : -$1; total += FILENAME ~ /long/ ? $1 : -$1 }
        END {
            for (s in sum) printf "    %-36s %7.0f\n", s, sum[s] / (long - short) | "sort"
            close("sort")
            printf "    %-36s %7.0f\n", "sum", total / (long - short)
        }' "$work/short.by" "$work/long.by"
done
