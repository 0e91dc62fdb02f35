#!/usr/bin/env bash
# tier: long
# MirrorMaker 2 in both directions between this broker and an Apache Kafka of its own: topics, records, settings and group
# offsets arrive; and, exactly once, what is written while this broker is killed (kill -9).
. "$(dirname "$0")/../../lib.sh"
LINES=$([ "${COMPAT_SIZE:-quick}" = long ] && echo 40000 || echo 4000)
HERE=$BOOTSTRAP
"$COMPAT/broker" new "$WORK/there" --kafka > "$WORK/there.env"
at_end() { "$COMPAT/broker" kill "$WORK/there"; }
THERE=$(sed -n 's/.*BOOTSTRAP=\([^ ]*\).*/\1/p' "$WORK/there.env")
at() { if [ "$1" = here ]; then echo "$HERE"; else echo "$THERE"; fi; }
other() { if [ "$1" = here ]; then echo there; else echo here; fi; }
"$COMPAT/lines" 8 > "$WORK/all"
tr -d '\r' < "$WORK/all" | awk 'NR <= '$((LINES * 2))' { print NR ": " $0 }' > "$WORK/numbered"
head -n "$LINES" "$WORK/numbered" > "$WORK/here.first"
tail -n "$LINES" "$WORK/numbered" > "$WORK/there.first"

cat > "$WORK/mirror.properties" <<PROPERTIES
clusters=here,there
here.bootstrap.servers=$HERE
there.bootstrap.servers=$THERE
here->there.enabled=true
there->here.enabled=true
here.exactly.once.source.support=enabled
there.exactly.once.source.support=enabled
dedicated.mode.enable.internal.rest=true
listeners=http://127.0.0.1:$("$COMPAT/broker" port)
topics=$NAME-.*
groups=$NAME-.*
tasks.max=1
replication.factor=1
checkpoints.topic.replication.factor=1
heartbeats.topic.replication.factor=1
offset-syncs.topic.replication.factor=1
config.storage.replication.factor=1
offset.storage.replication.factor=1
offset.storage.partitions=2
status.storage.replication.factor=1
status.storage.partitions=1
refresh.topics.interval.seconds=1
refresh.groups.interval.seconds=1
sync.topic.configs.interval.seconds=1
sync.topic.acls.enabled=false
emit.heartbeats.interval.seconds=1
emit.checkpoints.interval.seconds=1
sync.group.offsets.enabled=true
sync.group.offsets.interval.seconds=1
offset.lag.max=0
session.timeout.ms=6000
heartbeat.interval.ms=1000
scheduled.rebalance.max.delay.ms=0
reconnect.backoff.max.ms=200
PROPERTIES

make_topic() { # make_topic CLUSTER PARTITIONS CONFIG
  quietly kafka-topics.sh --bootstrap-server "$(at "$1")" --create --topic $NAME-$1 --partitions "$2" --replication-factor 1 --config "$3"
}
produce() { kafka-console-producer.sh --bootstrap-server "$(at "$1")" --topic $NAME-$1 --message-send-max-retries 1000000 2>> "$WORK/stderr"; }
consume() { # consume CLUSTER TOPIC COUNT : with the group of that topic's origin
  kafka-console-consumer.sh --bootstrap-server "$(at "$1")" --topic "$2" --group "$NAME-${2#*"$NAME"-}" --from-beginning --isolation-level read_committed \
    --max-messages "$3" --timeout-ms 20000 2>> "$WORK/stderr"
}
partition() { kcat -b "$(at "$1")" -C -q -e -t "$2" -p "$3" -o beginning -X isolation.level=read_committed 2>> "$WORK/stderr"; } # partition CLUSTER TOPIC NUMBER
count() { local p; for p in 0 1 2; do [ "$p" = 2 ] && [ "${2%here}" = "$2" ] || partition "$1" "$2" $p; done | wc -l; }
arrived() { [ "$(count "$(other "$1")" "$1.$NAME-$1")" -ge "$2" ]; }
same_partitions() { # same_partitions ORIGIN PARTITIONS
  local p
  for p in $(seq 0 $(($2 - 1))); do
    partition "$1" $NAME-$1 $p > "$WORK/origin"
    partition "$(other "$1")" "$1.$NAME-$1" $p > "$WORK/copy"
    cmp "$WORK/origin" "$WORK/copy" || fail "$1, partition $p: $(wc -l < "$WORK/origin") and $(wc -l < "$WORK/copy") records; $(diff "$WORK/origin" "$WORK/copy" | head -3)"
  done
  echo "same, each partition in order: from $1"
}
lag() { kafka-consumer-groups.sh --bootstrap-server "$(at "$1")" --describe --group "$NAME-$2" 2>> "$WORK/stderr" | awk -v topic="$3" '$2 == topic { sum += $6; n++ } END { print n ? sum : "none" }'; }
offset_sum() { kafka-consumer-groups.sh --bootstrap-server "$(at "$1")" --describe --group "$NAME-$2" 2>> "$WORK/stderr" | awk -v topic="$3" '$2 == topic { sum += $4 } END { print sum + 0 }'; }

make_topic here 3 retention.ms=123456789
make_topic there 2 max.message.bytes=654321
for cluster in here there; do
  produce $cluster < "$WORK/$cluster.first"
  consume $cluster $NAME-$cluster $((LINES / 2)) > "$WORK/$cluster.consumed"
done
KAFKA_HEAP_OPTS=-Xmx512m connect-mirror-maker.sh "$WORK/mirror.properties" >> "$WORK/mirror.log" 2>&1 &
mirror=$!
for cluster in here there; do
  wait_for 120 arrived $cluster "$LINES"
  copy=$cluster.$NAME-$cluster to=$(other $cluster)
  same_partitions $cluster $([ $cluster = here ] && echo 3 || echo 2)
  configured() { kafka-configs.sh --bootstrap-server "$(at "$to")" --describe --entity-type topics --entity-name "$copy" | grep -qE "retention.ms=123456789|max.message.bytes=654321"; }
  wait_for 30 configured
  run kafka-topics.sh --bootstrap-server "$(at "$to")" --describe --topic "$copy"
  translated() { [ "$(offset_sum "$to" $cluster "$copy")" -gt 0 ]; }
  wait_for 60 translated
  # The other side may be behind the origin, never before it.
  [ "$(offset_sum "$to" $cluster "$copy")" -le $((LINES / 2 + 200)) ] || fail "the group's offsets are ahead: $(offset_sum "$to" $cluster "$copy")"
  consume $cluster $NAME-$cluster $((LINES / 2)) >> "$WORK/$cluster.consumed"
  same "lines consumed at $cluster" "$WORK/$cluster.first" "$WORK/$cluster.consumed"
done
caught_up() { local l; l=$(lag "$(other "$1")" "$1" "$1.$NAME-$1"); [ "$l" != none ] && [ "$l" -le 3 ]; } # a marker a partition
for cluster in here there; do
  wait_for 60 caught_up $cluster
  echo "the group of $cluster has caught up on the other side too"
done

for cluster in here there; do
  (split -n l/20 --filter='cat; sleep 0.3' "$WORK/$(other $cluster).first" | produce $cluster) &
  echo $! >> "$WORK/feeders"
done
sleep 2
if [ -n "${BROKER_DIR:-}" ]; then
  "$COMPAT/broker" kill "$BROKER_DIR"
  "$COMPAT/broker" start "$BROKER_DIR"
fi
for feeder in $(cat "$WORK/feeders"); do wait "$feeder" || fail "a producer failed"; done
for cluster in here there; do
  wait_for 120 arrived $cluster $((LINES * 2))
  same_partitions $cluster $([ $cluster = here ] && echo 3 || echo 2)
done
run kafka-topics.sh --bootstrap-server "$HERE" --list --topic 'there.*|heartbeats|mm2.*'
kill $mirror; wait $mirror || true
for group in $NAME-here $NAME-there; do quietly kafka-consumer-groups.sh --bootstrap-server "$HERE" --delete --group "$group"; done
drop "$NAME.*|there.*|heartbeats|mm2.*"
