#!/usr/bin/env bash
# Kafka Connect, distributed: a file to a topic to a file; an exactly-once source through kill -9 of the broker and of the worker.
. "$(dirname "$0")/../../lib.sh"
. "$COMPAT/connect.sh"
LINES=$([ "${COMPAT_SIZE:-quick}" = long ] && echo 100000 || echo 4000)
ROUNDS=$([ "${COMPAT_SIZE:-quick}" = long ] && echo 5 || echo 1)
"$COMPAT/lines" 8 > "$WORK/all"
# Numbered, so that each is there once; the end of a JSON string and what else a converter may stumble over is in the text.
head -n "$LINES" "$WORK/all" | iconv -c -f UTF-8 -t UTF-8 | tr -d '\r' | awk '{ print NR ": " $0 }' > "$WORK/lines"
connector() { # connector NAME CLASS SETTING... : creates it, waits until it runs
  local name=$1 class=$2 settings; shift 2
  settings=$(printf ',"%s"' "$@" | sed 's/=/":"/g')
  quietly rest PUT "/connectors/$name/config" "{\"name\":\"$name\",\"connector.class\":\"$class\",\"tasks.max\":\"1\"$settings}"
  wait_for 60 is_running "$name"
}
lines_in() { [ "$(wc -l < "$1")" -ge "$2" ]; }
committed() { kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic "$1" --partition 0 --offset earliest --isolation-level read_committed \
  --timeout-ms 2500 "${@:2}" > "$WORK/committed" 2>> "$WORK/stderr" || true; }
all_committed() { committed "$1"; lines_in "$WORK/committed" "$LINES"; }

worker_properties $NAME exactly.once.source.support=enabled
topic $NAME-clean 1
topic $NAME-exact 1
start_worker

# In good order: what comes out is what went in, through JSON with its schema.
cp "$WORK/lines" "$WORK/clean.in"
connector $NAME-source FileStreamSource "file=$WORK/clean.in" topic=$NAME-clean
connector $NAME-sink FileStreamSink "file=$WORK/clean.out" topics=$NAME-clean
wait_for 60 lines_in "$WORK/clean.out" "$LINES"
cmp "$WORK/lines" "$WORK/clean.out" || fail "the file that came out differs"
echo "same and in order: file, topic, file"
kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-clean --partition 0 --offset earliest --max-messages 1 --timeout-ms 10000 2>> "$WORK/stderr" | cut -c1-60
for of in configs offsets status; do run kafka-topics.sh --bootstrap-server "$BOOTSTRAP" --describe --topic $NAME-$of; done
kafka-groups.sh --bootstrap-server "$BOOTSTRAP" --list | awk '$1 ~ /^'$NAME'/ { print $1, $2, $3 }' | sort
# Markers have offsets too, so the numbers are masked.
has_offsets() { [ "$(rest GET "/connectors/$1/offsets" | grep -oE '"(kafka_offset|position)":[0-9]+' | grep -oE '[0-9]+$')" -ge "$LINES" ]; }
for one in sink source; do
  wait_for 30 has_offsets $NAME-$one
  rest GET "/connectors/$NAME-$one/offsets" | sed -E "s#$WORK#WORK#; s/\"(position|kafka_offset)\":[0-9]+/\"\1\":N/"; echo
done
quietly rest PUT /connectors/$NAME-sink/stop
is_stopped() { rest GET "/connectors/$NAME-sink/status" | grep -q '"tasks":\[\]'; }
wait_for 30 is_stopped
rest PATCH /connectors/$NAME-sink/offsets "{\"offsets\":[{\"partition\":{\"kafka_topic\":\"$NAME-clean\",\"kafka_partition\":0},\"offset\":{\"kafka_offset\":0}}]}"; echo
quietly rest PUT /connectors/$NAME-sink/resume
wait_for 30 lines_in "$WORK/clean.out" $((LINES * 2))
cmp <(cat "$WORK/lines" "$WORK/lines") "$WORK/clean.out" || fail "after the sink's offset was moved"
echo "same: all once more after the sink's offset was set to 0"
for one in sink source; do quietly rest DELETE /connectors/$NAME-$one; done

# The source writes lines and its own offset in one transaction; whatever is killed, each line is there once.
: > "$WORK/exact.in"
connector $NAME-exact FileStreamSource "file=$WORK/exact.in" topic=$NAME-exact batch.size=200 exactly.once.support=required \
  value.converter=org.apache.kafka.connect.storage.StringConverter
(split -n l/$((ROUNDS * 40)) --filter='cat; sleep 0.2' "$WORK/lines") >> "$WORK/exact.in" &
writer=$!
started() { committed $NAME-exact --max-messages 1; lines_in "$WORK/committed" 1; }
wait_for 60 started
for round in $(seq "$ROUNDS"); do
  if [ -n "${BROKER_DIR:-}" ]; then
    "$COMPAT/broker" kill "$BROKER_DIR"
    "$COMPAT/broker" start "$BROKER_DIR"
  fi
  sleep 2
  if [ $((round % 2)) = 1 ]; then kill_worker; else stop_worker; fi
  start_worker
  wait_for 60 is_running $NAME-exact
done
wait $writer
wait_for 90 all_committed $NAME-exact
cmp "$WORK/lines" "$WORK/committed" || fail "lines lost, doubled or out of order: $(diff "$WORK/lines" "$WORK/committed" | head -3)"
echo "same and in order: an exactly-once source over kills of broker and worker"
quietly rest DELETE /connectors/$NAME-exact
stop_worker
for group in $NAME connect-$NAME-sink; do quietly kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --delete --group "$group"; done
drop "$NAME.*"
