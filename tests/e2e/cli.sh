#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The command line, from outside: exit codes, sentences, what is on stdout and what on stderr.
# usage: cli.sh [PROGRAM]   (or RXSIM=PROGRAM; default build/rxsim). One line per check; fails if any does.

set -u
program=$(realpath "${1:-${RXSIM:-build/rxsim}}")
tree=$(realpath "$(dirname "$0")/../..")
export RXSIM_DATA="$tree/scenarios" LC_ALL=C
unset NO_COLOR
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0 number=0 code=0

# run ARGUMENTS..: leaves stdout in ./out, stderr in ./err and the exit code in $code
run() {
    "$program" "$@" > out 2> err < /dev/null
    code=$?
}

report() {      # report OK|"" WHAT: prints the check's line
    number=$((number + 1))
    if [ -n "$1" ]; then
        echo "  ok $number - $2"
    else
        echo "  FAILED $number - $2 (exit code $code)"
        sed 's/^/      stdout: /' out | head -5
        sed 's/^/      stderr: /' err | head -5
        failed=$((failed + 1))
    fi
}

# expect CODE FILE PATTERN WHAT ARGUMENTS..: exit code, and an extended regular expression in out or err
expect() {
    local want=$1 file=$2 pattern=$3 what=$4 ok=
    shift 4
    run "$@"
    [ "$code" -eq "$want" ] && grep -qE -- "$pattern" "$file" && ok=yes
    report "$ok" "$what"
}

# holds WHAT COMMAND..: the command succeeds
holds() {
    local what=$1 ok=
    shift
    "$@" && ok=yes
    report "$ok" "$what"
}

json_is_valid() {
    if command -v jq > /dev/null; then jq -e . "$1" > /dev/null
    elif command -v python3 > /dev/null; then python3 -m json.tool "$1" > /dev/null
    else echo '  (no jq, no python3: JSON is not parsed)'
    fi
}

same_files() { cmp -s "$1" "$2"; }

cat > good.yaml <<'YAML'
version: 1
include: machines/server-10g.yaml
run: {duration: 2ms}
traffic: {kind: poisson, rate: 500kpps, frame: 64B}
YAML
cat > wrong.yaml <<'YAML'
version: 1
nic.ring.rig: 256
net.core.netdev_budget: 300us
nic.coalesce.rx-usecs: 10Gbps
nic.ring.rx: 99999999
YAML
cat > replay.yaml <<'YAML'
version: 1
run: {duration: 0s}
traffic: {kind: replay, file: cut.pcap, loop: 1}
YAML
cat > long.yaml <<'YAML'
version: 1
include: machines/server-10g.yaml
run: {duration: 3000s}
traffic: {kind: poisson, rate: 500kpps}
YAML

# ---- help ----
expect 0 out 'rxsim sweep demo' 'no arguments: short help with an example' 
expect 0 out '^  compare ' '--help lists the commands' --help
expect 0 out '^ +4  a sweep is incomplete' '--help has the exit codes' --help
expect 0 out 'model version [0-9]+, database schema [0-9]+' '--version names model and schema' --version
expect 0 out 'GSL .*libyaml .*SQLite .*libpcap' '--version names the libraries' --version
for command in run sweep plan compare why import show list check params counters drops features; do
    expect 0 out '^Examples' "$command --help has examples" "$command" --help
done
expect 0 out '^\.SH EXIT STATUS' '--man is a manual page' --man
expect 0 out '^complete -F _rxsim rxsim' '--completion is a script' --completion
holds 'the completion script is right bash' bash -n out

# ---- usage: exit code 2 and what would be right ----
expect 2 err "no command 'swep' \(did you mean sweep\?\)" 'a misspelt command' swep
expect 2 err 'unknown option --jsn \(did you mean --json\?\)' 'a misspelt option' run good.yaml --jsn
expect 2 err 'SCENARIO missing' 'a missing argument' run
expect 2 err "'more.yaml' is one argument too many" 'one argument too many' run good.yaml more.yaml
expect 2 err '--reps needs N' 'an option without its value' run good.yaml --reps
expect 2 err '--reps 0: must be a whole number, 1 to' 'a number out of range' run good.yaml --reps 0
expect 2 err '--color blue: must be one of auto always never' 'a choice that is none' run good.yaml --color blue
expect 2 err '--json takes no value' 'a flag with a value' run good.yaml --json=1
expect 2 err '--vary is missing' 'a sweep of nothing' sweep good.yaml
expect 2 err 'choose one' 'two formats at once' show last --as nstat --json

# ---- scenarios: exit code 2, file:line:col, all errors at once ----
expect 2 err '^nosuch.yaml: ' 'a scenario that is not there' run nosuch.yaml
expect 2 err "wrong.yaml:2:1: .*did you mean '?nic.ring.rx" 'a misspelt key is named with its place' check wrong.yaml
expect 2 err 'wrong.yaml:3:[0-9]+: .*net.core.netdev_budget' 'a unit where none belongs' check wrong.yaml
expect 2 err 'wrong.yaml:4:[0-9]+: .*nic.coalesce.rx-usecs' 'a unit of the wrong kind' check wrong.yaml
expect 2 err 'wrong.yaml:5:[0-9]+: .*99999999' 'a value out of range' check wrong.yaml
holds 'all four at once' test "$(wc -l < err)" -ge 4
expect 2 err '--set' 'a wrong --set says so' run good.yaml --set nic.ring.rx=1us
expect 2 err '--set nic.ring.rx: must be KEY=VALUE' 'a --set without a value' run good.yaml --set nic.ring.rx
expect 2 err '--vary k=5:1:3: the lower end comes first' 'a range upside down' sweep good.yaml --vary k=5:1:3
expect 2 err 'at the point nic.ring.rx=99999999' 'a value of --vary out of range' \
    sweep good.yaml --vary nic.ring.rx=256,99999999
expect 2 err '--where .* leaves no point' 'a --where that leaves nothing' \
    sweep good.yaml --vary nic.ring.rx=256,512 --where 'nic.ring.rx>600'
expect 2 err 'no such metric \(did you mean drop_rate\?\)' 'a metric misspelt' \
    sweep good.yaml --vary nic.ring.rx=256,512 --show droprate
expect 0 out 'nothing wrong' 'a right scenario' check good.yaml
run check good.yaml --resolved
cp out resolved.yaml
run check resolved.yaml --resolved
holds 'what --resolved prints reads back to the same' same_files out resolved.yaml

# ---- input and output: exit code 3 ----
expect 3 err 'cut.pcap' 'a capture that is not there' run replay.yaml
printf '\324\303\262\241\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0\1\0\0\0\0\0\0\0\100\0\0\0\100\0\0\0abcd' > cut.pcap
expect 3 err 'cut.pcap' 'a capture that is cut off' run replay.yaml
expect 3 err 'is a folder' 'a database that is a folder' run good.yaml --db "$work"
echo 'not a database at all, but a text that is long enough to be looked at as one, or so one would think.' > text.db
cp text.db text.copy
expect 3 err 'not an rxsim database' 'a database that is a text' run good.yaml --db text.db
holds 'the text is left as it was' same_files text.db text.copy
expect 3 err 'nosuch.db' 'reading a database that is not there' list --db nosuch.db
expect 3 err 'cannot create|cannot be' 'a database where none can be' run good.yaml --db /proc/nowhere/rxsim.db
"$program" params > /dev/full 2> err
code=$?
holds 'standard output on a full disk is exit code 3' test "$code" -eq 3

# Root may write what is read-only, so root tries it as nobody, if that can reach the program.
run run good.yaml --db readonly.db -q
chmod 444 readonly.db
chmod 555 "$work"
if [ "$(id -u)" -ne 0 ]; then
    as_user=()
elif command -v setpriv > /dev/null &&
     setpriv --reuid=65534 --regid=65534 --clear-groups "$program" --version > /dev/null 2>&1; then
    as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
else
    as_user=(none)
fi
if [ "${as_user[*]:-}" != none ]; then
    text=$("${as_user[@]}" "$program" run good.yaml --db readonly.db 2>&1 > /dev/null)
    code=$?
    chmod 755 "$work"
    echo "$text" > err
    holds 'a read-only database is exit code 3' test "$code" -eq 3
    holds 'and says what to do' grep -q 'readonly.db: .*--db' err
    chmod 555 "$work"
    "${as_user[@]}" "$program" show last --db readonly.db > /dev/null 2>&1
    code=$?
    chmod 755 "$work"
    holds 'a read-only database can be read' test "$code" -eq 0
else
    chmod 755 "$work"
    echo '  (read-only database: not tried, root without another user)'
fi

# ---- run ----
expect 0 out '^  delivered +[0-9]' 'run prints where frames ended' run good.yaml --db a.db
holds 'and the fingerprint' grep -qE '^fingerprint [0-9a-f]{32}$' out
holds 'and where it is stored' grep -q 'stored as run 1 of experiment run-good in a.db' out
holds 'and on stderr what to type next' grep -q '^Next: rxsim show 1' err
run run good.yaml --db a.db -q
holds '-q says nothing on stderr' test ! -s err
run run good.yaml --no-store --json
holds 'run --json is one JSON document' json_is_valid out
missing=
for member in run scenario seed fingerprint sim_ns wall_s frames_per_wall_s offered delivered in_flight drops \
              counters latency_ns cpu_ns napi; do
    grep -qE "^  \"$member\": " out || missing="$missing $member"
done
holds "with all its members${missing:+, but$missing}" test -z "$missing"
run run good.yaml --no-store --db none.db
holds '--no-store opens no database' test ! -e none.db
expect 0 out '^Over 3 replications' '--reps prints means' run good.yaml --no-store --reps 3
holds 'with half widths' grep -qF '+- (95 %)' out
expect 0 out 'deterministic' 'where nothing varies it says deterministic' run one-frame --no-store --reps 2
holds 'and never +-0' sh -c "! grep -qF -e '+-' out"
expect 0 err 'peak memory [0-9]+ MiB' '-v prints the memory used' run good.yaml --no-store -v
run run good.yaml --no-store --color always
holds '--color always colours' grep -q "$(printf '\033')\[" out
run run good.yaml --no-store
holds 'a pipe gets no colours' sh -c "! grep -q \"$(printf '\033')\" out"
if command -v script > /dev/null; then
    TERM=xterm script -qec "$program run good.yaml --no-store" /dev/null > out < /dev/null
    holds 'a terminal gets colours' grep -q "$(printf '\033')\[1m" out
    NO_COLOR=1 TERM=xterm script -qec "$program run good.yaml --no-store" /dev/null > out < /dev/null
    holds 'NO_COLOR is obeyed' sh -c "! grep -q \"$(printf '\033')\[1m\" out"
fi
run run good.yaml --no-store --json --seed 1
sed '/wall_s/d' out > seed1
run run good.yaml --no-store --json
holds 'the seed is 1 unless said' sh -c "sed '/wall_s/d' out | cmp -s - seed1"
run run good.yaml --no-store --json --seed 2
holds 'another seed gives another fingerprint' sh -c "! grep -qF \"\$(grep fingerprint out)\" seed1"
run run good.yaml --no-store --json --no-batch
holds '--no-batch changes no result' sh -c "sed '/wall_s/d' out | cmp -s - seed1"

# ---- sweep ----
axes=(--vary "nic.ring.rx=64,256" --vary "net.core.netdev_budget=32,64,300")
expect 0 out '^5 nic.ring.rx=256 net.core.netdev_budget=300$' 'sweep -n lists the points' sweep good.yaml "${axes[@]}" -n
holds 'and how many runs that were' grep -q '6 points, 1 replication each: 6 runs; nothing was run' err
expect 0 out '^ *5 +256 +300 ' 'sweep prints a row per point' sweep good.yaml "${axes[@]}" --db s.db -j 1
holds 'and a heatmap' grep -q 'net.core.netdev_budget ->' out
holds 'and its SVG beside the database' grep -q '</svg>' good.svg
holds 'and a query with the real name of the view' grep -q 'FROM sweep_good' err
expect 0 err '6 of 6 runs finished.*6 of them stored before' 'again: nothing is run' sweep good.yaml "${axes[@]}" --db s.db
run sweep good.yaml "${axes[@]}" --no-store --json -j 1
cp out j1
run sweep good.yaml "${axes[@]}" --no-store --json -j 4
holds 'sweep --json is one JSON document' json_is_valid out
holds 'the same for -j 1 and -j 4' same_files out j1
if command -v sqlite3 > /dev/null; then
    rows=$(sqlite3 s.db 'SELECT count(DISTINCT "nic.ring.rx" || "/" || "net.core.netdev_budget") FROM sweep_good')
    holds 'the view has a column per parameter' test "$rows" -eq 6
fi

# ---- signals: what is stored stays, the same command resumes ----
# A job in the background of a script may ignore SIGINT, and inherits that from whoever started the script. On a busy machine
# the program takes a while until it listens: shortly after it has opened its database.
signal() {      # signal NAME CODE: a long sweep, stopped
    local child tries
    set -m
    env --default-signal "$program" sweep long.yaml --vary nic.ring.rx=64,256 --db "long-$1.db" -q > out 2> err &
    child=$!
    set +m
    for ((tries = 0; tries < 300; tries++)); do
        if [ -s "long-$1.db" ]; then break; fi
        sleep 0.1
    done
    sleep 0.7
    for ((tries = 0; tries < 100; tries++)); do
        kill -USR1 $child
        sleep 0.2
        if grep -q '0 of 2 runs' err; then break; fi
    done
    kill "-$1" $child
    wait $child
    code=$?
    holds "$1 ends with $2" test "$code" -eq "$2"
    holds 'USR1 prints progress' grep -qE '% +0 of 2 runs' err
    holds 'and it says how to resume' grep -q 'resumes it' err
}
signal TERM 143
signal INT 130
"$program" list --db long-INT.db > out 2> err
code=$?
holds 'the database is whole afterwards' test "$code" -eq 0

# ---- compare, show, list ----
expect 0 out 'deterministic|single runs' 'compare of single runs says so' compare good/0 good/5 --db s.db
holds 'and which parameters differ' grep -qE '^  nic.ring.rx +64 +256$' out
run compare good/0 good/5 --db s.db --json
holds 'compare --json is one JSON document' json_is_valid out
holds 'with the parameters that differ' grep -q '"nic.ring.rx": {' out
run sweep good.yaml --vary nic.ring.rx=64,128 --reps 4 --db r.db -q
expect 0 out '^4 pairs of runs' 'compare pairs replications' compare good/0 good/1 --db r.db
expect 2 err 'nosuch' 'comparing what is not there' compare nosuch good/5 --db s.db
for layout in softnet_stat nstat snmp ethtool-S interrupts mpstat; do
    expect 0 out . "show --as $layout" show last --as "$layout" --db a.db
done
run show last --as softnet_stat --db a.db
holds 'softnet_stat has 15 columns of hex' grep -qE '^([0-9a-f]{8} ){14}[0-9a-f]{8}$' out
expect 0 out '^fingerprint ' 'show prints the stored run' show 1 --db a.db
expect 0 out '^good +sweep +6 +6 ' 'list lists' list --db s.db
run list --db s.db --json
holds 'list --json is one JSON document' json_is_valid out

# ---- timelines of all frames, query, export ----
expect 0 out '^timelines of [0-9 ]+ frames in .* bytes, .*rxsim query' 'run says what it recorded and how to ask' \
    run good.yaml --timelines full --db t.db -q
ended=$("$program" query "SELECT sum(frames) FROM ledger WHERE ordinal = 0 AND kind IN ('delivered', 'consumed', 'dropped')" \
    --db t.db | tail -1)
expect 0 out "^$ended\$" 'timeline has the frames of the ledger' query 'SELECT count(*) FROM timeline' --db t.db
expect 0 out '^ns,frames$' 'query prints CSV where nobody looks' \
    query "SELECT * FROM timeline_quantile(1, 'total', 0.99)" --db t.db
run query 'SELECT * FROM v_run' --db t.db --json
holds 'query --json is one JSON document' json_is_valid out
expect 2 err 'syntax error' 'a mistake in SQL' query 'SELEC 1' --db t.db
expect 2 err 'change nothing' 'query changes nothing' query 'DELETE FROM run' --db t.db
expect 3 err 'no such database' 'query without a database' query 'SELECT 1' --db nosuch.db
run export 1 --to csv -o frames.csv --db t.db
holds 'export ends well and prints nothing' test "$code" -eq 0 -a ! -s out
"$program" query 'SELECT seq, flow, len, queue, cpu, t_wire, t_dma, t_irq, t_poll, t_stack, t_socket, t_app, fate
    FROM timeline' --db t.db --csv > asked.csv
holds 'and writes what the table has' same_files frames.csv asked.csv
run export 1 --to csv --db t.db
holds 'export to stdout is the same' same_files out frames.csv
holds 'nothing unfinished is left' test ! -e frames.csv.part
cp frames.csv before.csv
run export 1 --to csv --db nosuch.db -o frames.csv
holds 'an export that fails leaves the old file as it was' same_files frames.csv before.csv
expect 0 err 'no rows: runs made with .*--timelines full' 'a quantile of a run that is not there' \
    query "SELECT * FROM timeline_quantile(99, 'total', 0.99)" --db t.db
expect 0 err '^rxsim: no rows$' 'a statement without an answer' query 'SELECT 1 WHERE 0' --db t.db
expect 2 err '--to FORMAT missing; there is: csv' 'export without a format' export 1 --db t.db
expect 2 err 'must be one of csv' 'export to what there is not' export 1 --to punchcards --db t.db
expect 3 err 'could not be written' 'export to where nothing can be' export 1 --to csv -o no/such/folder --db t.db
expect 0 err 'its sampled frames' 'export of a run without timelines' export 1 --to csv --db a.db
run run good.yaml --db kept.db -q
expect 0 err '--sample is for new runs' 'a stored run keeps its sample, and that is said' \
    run good.yaml --db kept.db -q --sample 2
run run good.yaml --timelines none --db none.db -q --json
holds 'run --json says what is stored' grep -q '"timelines": {' out
expect 0 out '^0$' 'and none is none' query 'SELECT (SELECT count(*) FROM packet) + (SELECT count(*) FROM timeline)' \
    --db none.db
expect 0 out '^timelines of [0-9 ]+ frames in [0-9 ]+ bytes, [0-9.]+ a frame$' 'with --no-store they are only counted' \
    run good.yaml --timelines full --no-store -q
run sweep good.yaml --vary nic.ring.rx=64,128 --db sw.db -q
run sweep good.yaml --vary nic.ring.rx=64,128 --db sw.db -q --timelines full
expect 0 out '^2$' 'a sweep repeated with full timelines gets them' query 'SELECT count(DISTINCT run_id) FROM timeline' \
    --db sw.db
if command -v sqlite3 > /dev/null; then
    extension="$(dirname "$program")/rxsim_timeline"
    sqlite3 t.db ".load $extension" 'SELECT count(*) FROM timeline' > out 2> err
    holds 'the extension gives sqlite3 the same table' grep -qx "$ended" out
fi

# ---- the tables of meaning ----
expect 0 out 'models/ring.c' 'params KEY says which file models it' params nic.ring.rx
expect 0 out '^nic.ring.refill_batch ' 'params PREFIX lists' params nic.ring
expect 2 err 'did you mean nic.ring.rx\?' 'a parameter misspelt' params nic.rig.rx
expect 0 out '^\| parameter \|' 'params --markdown' params --markdown
expect 0 out 'softnet_stat column 3' 'counters NAME' counters time_squeeze
expect 2 err 'did you mean time_squeeze\?' 'a counter misspelt' counters time_sqeeze
expect 0 out 'you would not see' 'drops NAME says what does not move' drops CPU_BACKLOG
expect 2 err 'did you mean CPU_BACKLOG\?' 'a drop reason misspelt' drops CPU_BAKLOG
# ---- import ----

expect 0 out 'nic.ring.rx: 512 .*# ethtool-g: RX 512' 'import host says where each line comes from' \
    import host "$tree/tests/data/host/ixgbe" --interval 10
expect 0 err 'Next: rxsim check host.yaml' 'import -o writes a file' import host "$tree/tests/data/host/ixgbe" -o host.yaml
expect 0 out 'nothing wrong' 'that is a scenario' check host.yaml
expect 3 err 'cannot be read' 'import of a folder that is not there' import host nosuch
expect 2 err 'host DIR and pcap FILE' 'import of something else' import cow x
expect 0 out 'packets of .* bytes on average' 'import pcap summarises a capture' import pcap "$RXSIM_DATA/captures/mixed.pcap.gz"
run import --print-collector
holds 'the collector is a shell script' sh -n out

# ---- why ----

run run saturated --set run.duration=2ms --db why.db -q
expect 0 out '^1. rx_no_desc: ' 'why names where frames died' why last --db why.db -q
holds 'and a knob that does nothing' grep -q 'net.core.netdev_budget 300 -> 1200' out
expect 0 out '^1. rx_no_desc: ' 'why --no-what-if runs nothing' why last --db why.db --no-what-if
expect 0 out 'socket to application' 'why --slowest shows where the time went' why last --db why.db --slowest
expect 0 out 'udp 10.0.0.1:9000' 'why --flow shows its books' why last --db why.db --flow 10.0.0.1:9000
expect 0 out 'time_squeeze +effect' 'why --counter explains that one' why last --db why.db --counter time_squeeze -q
expect 2 err 'did you mean time_squeeze' 'a counter misspelt' why last --db why.db --counter time_sqeeze
expect 2 err 'not in the sample' 'a frame that was not kept' why last --db why.db --packet 999999999
run why last --db why.db --json -q
holds 'why --json is one JSON document' json_is_valid out

# ---- plan ----

expect 0 out 'largest traffic.rate that meets drops=0 is' 'plan finds the largest load' \
    plan linerate --find traffic.rate=1Mpps:8Mpps --goal drops=0 --resolution 20 --reps 2 --set run.duration=2ms --db p.db -q
expect 0 out 'capacity' 'plan stores the edge and what lies beyond it' list --db p.db
expect 0 out 'smallest net.core.netdev_budget that meets time_squeeze=0 is 65' 'plan finds that the budget binds at 64' \
    plan saturated --find net.core.netdev_budget=16:1200 --goal time_squeeze=0 --reps 1 --set run.duration=2ms --no-store -q
expect 1 out 'nic.ring.rx is not what it takes' 'plan says when a knob is not the answer' \
    plan microburst --find nic.ring.rx=64:4096 --goal drops=0 --reps 1 --no-store -q
expect 2 err 'did you mean p9' 'a goal misspelt' plan linerate --find traffic.rate=1Mpps:2Mpps --goal 'p98<1us'
expect 2 err 'the same unit' 'a range in two units' plan linerate --find traffic.rate=1Mpps:2Gbps --goal drops=0
expect 2 err '--find is missing' 'plan without a range' plan linerate --goal drops=0
run plan saturated --find net.core.netdev_budget=32:128 --goal time_squeeze=0 --reps 1 --set run.duration=1ms --no-store -q --json
holds 'plan --json is one JSON document' json_is_valid out

for table in params counters drops features; do
    run $table --json
    holds "$table --json is one JSON document" json_is_valid out
done

echo "  $((number - failed)) of $number checks of the command line passed"
[ "$failed" -eq 0 ]
