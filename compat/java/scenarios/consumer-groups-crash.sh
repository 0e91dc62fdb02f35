#!/usr/bin/env bash
# Members of both protocols in one group read on while the broker is killed (kill -9) and started again: each keeps its
# part, nothing is left out, and what they have committed is all that they have read.
. "$(dirname "$0")/../../lib.sh"
needs_broker_dir
topic $NAME 4
consume() {
  kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --group $NAME --topic $NAME --from-beginning \
    --consumer-property auto.commit.interval.ms=200 --consumer-property group.protocol="$1" --consumer-property client.id="$2" \
    > "$WORK/$2" 2>> "$WORK/stderr" &
}
produce() { seq "$1" "$2" | awk '{ print $1 % 16 ":" $1 }' | quietly kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --reader-property parse.key=true --reader-property key.separator=:; }
describe() { kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --describe --group $NAME "$@" 2>/dev/null; }
stable() { describe --state | awk -v n="$1" 'NF > 2 && $(NF-1) == "Stable" && $NF == n { found = 1 } END { exit !found }'; }
committed() { describe | awk -v t="$NAME" -v n="$1" '$2 == t { sum += $4 } END { exit sum != n }'; }
# Who has which partitions, by client id: nothing that differs between two runs.
parts() { describe --members --verbose | awk -v t="$NAME" '$1 == t { print $4, $5 }' | sort; }
consume classic one; one=$!
wait_for 30 stable 1
consume consumer two; two=$!
wait_for 60 stable 2
consume consumer three; three=$!
wait_for 60 stable 3
produce 1 1000
wait_for 60 committed 1000
parts > "$WORK/before"
"$COMPAT/broker" kill "$BROKER_DIR"
"$COMPAT/broker" start "$BROKER_DIR"
produce 1001 2000
wait_for 60 committed 2000
wait_for 60 stable 3
parts > "$WORK/after"
same "parts before and after the kill" "$WORK/before" "$WORK/after"
run kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --list --type consumer --state
kill $one $two $three; wait $one $two $three || true
grep -hx "[0-9]*" "$WORK/one" "$WORK/two" "$WORK/three" | sort -n -u > "$WORK/read"
seq 1 2000 > "$WORK/written"
same "lines produced over a kill -9, and consumed" "$WORK/written" "$WORK/read"
drop "$NAME"
is_empty() { describe --state | awk 'NF > 2 && $(NF-1) == "Empty" { found = 1 } END { exit !found }'; }
wait_for 60 is_empty
quietly kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --delete --group $NAME
