#!/usr/bin/env bash
# broker: own
# kafka-transactions in all its commands on an open, a committed, an aborted, a fenced and a hanging transaction; what read_committed
# shows meanwhile; kafka-producer-perf-test with transactions.
. "$(dirname "$0")/../../lib.sh"
needs_broker_dir
printf 'default.api.timeout.ms=1500\nrequest.timeout.ms=1000\n' > "$WORK/hasty"
topic $NAME 2

# Producer ids and times are chance; so is the width of columns and the order of a transaction's partitions. 4711 is our own.
plain() {
  awk -F'\t' '{ sub(/[ \t]+$/, "") }
    { line = ""
      for (i = 1; i <= NF; i++) {
        field = $i; gsub(/^ +| +$/, "", field)
        if ($0 ~ /^(Topic|TransactionalId|CoordinatorId|ProducerId) *\t/) heads[i] = field
        else if (heads[i] == "ProducerId" && field != 4711) field = "ID"
        else if (heads[i] ~ /LastTimestamp|StartTimeMs|DurationMs/ && field ~ /^[0-9]+$/) field = "MS"
        else if (heads[i] == "TopicPartitions") { if (split(field, two, ",") == 2 && two[1] > two[2]) field = two[2] "," two[1] }
        line = line (i > 1 ? "\t" : "") field
      }
      print line }'
}
transactions() {
  local code=0
  echo "\$ kafka-transactions.sh $*"
  kafka-transactions.sh --bootstrap-server "$BOOTSTRAP" --command-config "$WORK/config" "$@" 2>"$WORK/error" > "$WORK/out" || code=$?
  plain < "$WORK/out"
  ended $code
}
: > "$WORK/config"
committed() { kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --partition "$1" --offset earliest --isolation-level read_committed \
  --timeout-ms 1500 2>> "$WORK/stderr" | xargs echo "committed in $1:"; }
# The state's markers are written after the answer to the commit.
is() { kafka-transactions.sh --bootstrap-server "$BOOTSTRAP" describe --transactional-id "$1" | grep -qw "$2"; }
id_of() { kafka-transactions.sh --bootstrap-server "$BOOTSTRAP" describe --transactional-id "$1" | awk 'NR == 2 { print $3 }'; }

# A producer that obeys, line by line.
mkfifo "$WORK/to" "$WORK/from"
run-class klamm.compat.OpenTransaction "$BOOTSTRAP" $NAME-one 600000 < "$WORK/to" > "$WORK/from" 2>> "$WORK/stderr" &
exec {to}>"$WORK/to" {from}<"$WORK/from"
say() { local answer; echo "$*" >&$to; read -r -t 60 -u $from answer || fail "no answer to $*"; echo "$* -> $answer"; }
say init
say begin
say send $NAME 0 first
say commit
wait_for 30 is $NAME-one CompleteCommit
transactions describe --transactional-id $NAME-one
say begin
say send $NAME 0 second
say send $NAME 1 third
transactions list
transactions list --duration-filter -1
transactions list --duration-filter 100000000
transactions list --duration-filter 0
transactions list --transactional-id-pattern "$NAME.*"
transactions list --transactional-id-pattern 'other.*'
transactions list --transactional-id-pattern '['
transactions describe --transactional-id $NAME-one
transactions describe --transactional-id $NAME-none
transactions describe-producers --topic $NAME --partition 0
transactions describe-producers --topic $NAME --partition 0 --broker-id 1
transactions describe-producers --topic $NAME --partition 1
cp "$WORK/hasty" "$WORK/config"
transactions describe-producers --topic $NAME --partition 2
transactions describe-producers --topic $NAME --partition 0 --broker-id 7
: > "$WORK/config"
committed 0
committed 1
transactions find-hanging
transactions find-hanging --topic $NAME
transactions find-hanging --topic $NAME --partition 1
transactions find-hanging --broker-id 1
transactions find-hanging --topic $NAME --max-transaction-timeout 0

# The tool may abort one partition's part of a transaction that the coordinator holds open: the producer is not told.
transactions abort --topic $NAME --partition 1 --start-offset 17
transactions abort --topic $NAME --partition 1
transactions abort --topic $NAME --partition 1 --start-offset 0
transactions describe-producers --topic $NAME --partition 1
say commit
wait_for 30 is $NAME-one CompleteCommit
transactions list --transactional-id-pattern "$NAME.*"
committed 0
committed 1
say begin
say send $NAME 0 fourth
say abort
wait_for 30 is $NAME-one CompleteAbort
committed 0

# The coordinator aborts, and the producer is fenced.
say begin
say send $NAME 0 fifth
transactions forceTerminateTransaction --transactionalId $NAME-one
transactions describe --transactional-id $NAME-one
say send $NAME 0 sixth
say commit
transactions forceTerminateTransaction --transactionalId $NAME-none
committed 0

# Data of which the coordinator does not know is refused.
id=$(id_of $NAME-one)
say hang $NAME-one $NAME 0 "$id" 9 late | sed "s/ $id 9 / ID 9 /"
say hang $NAME-none $NAME 0 4711 0 foreign
exec {to}>&-

# A hanging transaction: its coordinator has lost what it knew.
printf '%s\n' init begin "send $NAME 0 hanging" | run-class klamm.compat.OpenTransaction "$BOOTSTRAP" $NAME-three 600000 2>> "$WORK/stderr"
"$COMPAT/broker" stop "$BROKER_DIR"
rm -r "$BROKER_DIR"/data/__transaction_state-*
"$COMPAT/broker" start "$BROKER_DIR"
no_more() { kafka-transactions.sh --bootstrap-server "$BOOTSTRAP" list | wc -l | grep -qx 1; }
wait_for 30 no_more
transactions list
transactions describe-producers --topic $NAME --partition 0
transactions find-hanging --topic $NAME
transactions find-hanging --topic $NAME --max-transaction-timeout 0
transactions find-hanging --broker-id 1 --max-transaction-timeout 0
printf '%s\n' init begin "send $NAME 0 after" commit | run-class klamm.compat.OpenTransaction "$BOOTSTRAP" $NAME-two 2>> "$WORK/stderr"
wait_for 30 is $NAME-two CompleteCommit
committed 0
offset=$(kafka-transactions.sh --bootstrap-server "$BOOTSTRAP" find-hanging --topic $NAME --max-transaction-timeout 0 | awk 'NR == 2 { print $6 }')
transactions abort --topic $NAME --partition 0 --start-offset "$offset"
transactions describe-producers --topic $NAME --partition 0
transactions find-hanging --topic $NAME --max-transaction-timeout 0
committed 0
drop "$NAME"

# The perf tool: transactions of 100 ms; each record is there once, and committed.
RECORDS=$([ "${COMPAT_SIZE:-quick}" = long ] && echo 300000 || echo 20000)
topic $NAME-perf 2
kafka-producer-perf-test.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-perf --num-records $RECORDS --payload-monotonic --throughput $((RECORDS / 2)) \
  --transactional-id $NAME-perf --transaction-duration-ms 100 2>> "$WORK/stderr" > "$WORK/perf" || fail "the perf test failed"
tail -1 "$WORK/perf" | sed -E "s/\\b$RECORDS\\b/ALL/g; s/-?[0-9]+(\.[0-9]+)?/N/g"
kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-perf --group $NAME-perf --from-beginning --isolation-level read_committed --max-messages $RECORDS \
  --timeout-ms 15000 2>> "$WORK/stderr" > "$WORK/read" || fail "the consumer failed"
seq 0 $((RECORDS - 1)) > "$WORK/sent"
same "records of the perf test, read committed" "$WORK/sent" "$WORK/read"
# More offsets than records: markers.
[ "$(kafka-get-offsets.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-perf | awk -F: '{ sum += $3 } END { print sum }')" -gt $((RECORDS + 10)) ] || fail "fewer than five transactions"
is $NAME-perf CompleteCommit || fail "$(kafka-transactions.sh --bootstrap-server "$BOOTSTRAP" describe --transactional-id $NAME-perf)"
quietly kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --delete --group $NAME-perf
drop "$NAME-perf"
