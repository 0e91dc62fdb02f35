#!/usr/bin/env bash
# Groups of the consumer protocol (KIP-848): what the tools show of them, members that come and go, offsets, a regular
# expression, and groups that change their protocol.
. "$(dirname "$0")/../../lib.sh"
# Members' ids are drawn by the clients: 22 characters.
masked() { sed -E 's/(^|[ \t])[A-Za-z0-9_-]{22}([ \t]|$)/\1MEMBER________________\2/g'; }
groups() {
  local code=0
  echo "\$ kafka-consumer-groups.sh $*"
  kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" "$@" 2>"$WORK/error" >"$WORK/shown" || code=$?
  masked < "$WORK/shown"
  ended $code
}
# Of all the groups that there may be, this scenario's own.
list() {
  echo "\$ kafka-consumer-groups.sh --list $*"
  kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --list "$@" 2>>"$WORK/stderr" |
    awk -v n="$NAME" '/^GROUP/ || index($1, n) == 1 { $1 = $1; print }'
}
# consume FILE GROUP ARG... : a member that stays until it is told to go.
consume() {
  local file=$1 group=$2; shift 2
  kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --group "$group" --from-beginning --formatter-property print.partition=false \
    --consumer-property auto.commit.interval.ms=200 "$@" > "$WORK/$file" 2>> "$WORK/stderr" &
}
modern=(--consumer-property group.protocol=consumer)
describe() { kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --describe --group "$@" 2>/dev/null; }
# state GROUP STATE MEMBERS
state() { describe "$1" --state | awk -v s="$2" -v n="$3" 'NF > 2 && $(NF-1) == s && $NF == n { found = 1 } END { exit !found }'; }
committed() { describe "$1" | awk -v t="$NAME" -v n="$2" '$2 == t { sum += $4 } END { exit sum != n }'; }
lines() { [ "$(cat "${@:2}" | wc -l)" -ge "$1" ]; }
topic $NAME 4
topic $NAME-other 2
produce() { seq "$1" "$2" | awk '{ print $1 % 16 ":" $1 }' | quietly kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --reader-property parse.key=true --reader-property key.separator=:; }
produce 1 100

consume one $NAME --topic $NAME "${modern[@]}" --consumer-property client.id=one
one=$!
wait_for 30 committed $NAME 100
groups --describe --group $NAME
groups --describe --group $NAME --state --verbose
groups --describe --group $NAME --members --verbose
list --type consumer --state
list --type classic
run kafka-groups.sh --bootstrap-server "$BOOTSTRAP" --list --group-type consumer
groups --delete --group $NAME
groups --delete-offsets --group $NAME --topic $NAME
groups --reset-offsets --group $NAME --topic $NAME --to-earliest --execute

# A second member: each has half, and both read on.
consume two $NAME --topic $NAME "${modern[@]}" --consumer-property client.id=two
two=$!
shared() { describe $NAME --members --verbose | awk -v t="$NAME" 'index($0, t "(") || index($0, t ":") { n++ } END { exit n != 2 }'; }
wait_for 60 state $NAME Stable 2
wait_for 30 shared
produce 101 200
wait_for 30 committed $NAME 200
wait_for 30 lines 200 "$WORK/one" "$WORK/two"
sort -n "$WORK/one" "$WORK/two" | sed -n '1p;$p'
kill $two; wait $two || true
wait_for 60 state $NAME Stable 1
groups --describe --group $NAME --members
kill $one; wait $one || true
wait_for 60 state $NAME Empty 0
groups --describe --group $NAME --state
groups --reset-offsets --group $NAME --topic $NAME --to-earliest --dry-run
groups --delete-offsets --group $NAME --topic $NAME:0
groups --describe --group $NAME

# A regular expression (of the client: the tool has no other).
consume re $NAME-re --include "$NAME-o.*" "${modern[@]}" --consumer-property client.id=re
re=$!
wait_for 60 state $NAME-re Stable 1
assigned() { describe $NAME-re --members --verbose | awk -v t="$NAME-other" 'index($7, t) == 1 { found = 1 } END { exit !found }'; }
wait_for 30 assigned
groups --describe --group $NAME-re --members --verbose
kill $re; wait $re || true

# A classic member, then one of the new protocol: the group goes over, and back when that one leaves.
consume classic $NAME-both --topic $NAME --consumer-property client.id=classic --consumer-property group.protocol=classic
classic=$!
wait_for 30 committed $NAME-both 200
list --type classic
consume modern $NAME-both --topic $NAME "${modern[@]}" --consumer-property client.id=modern
modern=$!
wait_for 60 state $NAME-both Stable 2
list --type consumer --state stable
produce 201 300
wait_for 60 committed $NAME-both 300
kill $modern; wait $modern || true
is_classic() { kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --list --type classic 2>/dev/null | grep -q "^$NAME-both"; }
wait_for 60 is_classic
wait_for 60 state $NAME-both Stable 1
produce 301 400
wait_for 60 committed $NAME-both 400
kill $classic; wait $classic || true
wait_for 60 state $NAME-both Empty 0
list --type classic --state

# An empty group changes its type on first use.
consume turned $NAME-both --topic $NAME "${modern[@]}" --consumer-property client.id=turned
turned=$!
wait_for 60 state $NAME-both Stable 1
groups --describe --group $NAME-both --offsets
kill $turned; wait $turned || true
wait_for 60 state $NAME-both Empty 0
for group in $NAME $NAME-re $NAME-both; do groups --delete --group $group; done
list
drop "$NAME.*"
