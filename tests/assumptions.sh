#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints, as a Markdown table, every parameter whose source is an assumption, and by how much two answers move if it
# is 20 % larger: the latency of one frame through an idle machine (scenarios/one-frame.yaml), and the frames a
# saturated core takes from its ring (scenarios/linerate.yaml, 10 ms). Needs jq.
# shellcheck disable=SC2016  # backquotes are Markdown here
set -euo pipefail
rxsim=${RXSIM:-build/rxsim}

one_frame() { "$rxsim" run scenarios/one-frame.yaml --no-store -q --json "$@" | jq '.latency_ns.total.mean'; }
core_rate() {
    "$rxsim" run scenarios/linerate.yaml --no-store -q --json --set run.duration=10ms --set run.cost_cv=0 \
        --set kernel.tick_phase=1ms --set traffic.offset=off "$@" | jq '.offered - (.drops.rx_no_desc // 0)'
}
percent() { awk -v a="$1" -v b="$2" 'BEGIN { d = (b - a) * 100 / a; if (d < 0.05 && d > -0.05) print "-"; else printf "%+.1f %%", d }'; }

latency=$(one_frame)
rate=$(core_rate)
resolved=$("$rxsim" check scenarios/linerate.yaml --resolved)

cat <<HEAD
# Assumptions

Made by \`make assumptions\`. Every parameter whose source is an assumption, its value in the machine of the examples,
and how much two answers move if it is 20 % larger: the latency of one frame through an idle machine
($(awk -v l="$latency" 'BEGIN { printf "%.1f", l / 1000 }') us), and the frames a saturated core takes in 10 ms ($rate). A dash: less than 0.05 %.

| parameter | value | source | idle frame | saturated core |
|---|---:|---|---:|---:|
HEAD
"$rxsim" params --json | jq -r '.[] | select(.source | test("assum")) | [.name, .source] | @tsv' |
while IFS=$'\t' read -r key source; do
    value=$(printf '%s\n' "$resolved" | sed -n "s|^$key: ||p" | head -n 1)
    number=${value%%[!0-9.]*}
    unit=${value#"$number"}
    if [ -z "$number" ] || [ "$number" = 0 ] || [ -z "$unit" ]; then
        printf '| `%s` | %s | %s | - | - |\n' "$key" "${value:--}" "$source"
        continue
    fi
    more=$(awk -v n="$number" 'BEGIN { printf "%.3f", n * 1.2 }')$unit
    # a file that the NIC or CPU model selects may say otherwise, so it is set last, by --set
    if moved=$(one_frame --set "$key=$more" 2>/dev/null) && slower=$(core_rate --set "$key=$more" 2>/dev/null); then
        printf '| `%s` | %s | %s | %s | %s |\n' "$key" "$value" "$source" "$(percent "$latency" "$moved")" \
            "$(percent "$rate" "$slower")"
    else
        printf '| `%s` | %s | %s | - | - |\n' "$key" "$value" "$source"
    fi
done
