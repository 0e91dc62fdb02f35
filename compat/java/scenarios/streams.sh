#!/usr/bin/env bash
# Kafka Streams' word count over real text, with repartition and changelog topics: at least once through clean restarts of the
# application; exactly once (exactly_once_v2) through kill -9 of the broker and restarts, where OUT must hold each count of each word once.
. "$(dirname "$0")/../../lib.sh"
LINES=$([ "${COMPAT_SIZE:-quick}" = long ] && echo 20000 || echo 2500)
KILLS=$([ "${COMPAT_SIZE:-quick}" = long ] && echo 12 || echo 2)
"$COMPAT/lines" 8 > "$WORK/all"
head -n $LINES "$WORK/all" > "$WORK/lines"
tr -cs '[:alnum:]' '\n' < "$WORK/lines" | sed '/^$/d' | sort | uniq -c | awk '{ print $2 "\t" $1 }' | sort > "$WORK/expected"
WORDS=$(awk '{ sum += $2 } END { print sum }' "$WORK/expected")
[ "$WORDS" -gt "$LINES" ] || fail "$WORDS words in $LINES lines"

start_app() { # start_app GUARANTEE
  rm -f "$WORK/stdin"; mkfifo "$WORK/stdin"
  run-class klamm.compat.WordCount "$BOOTSTRAP" $NAME-$1 $NAME-$1-in $NAME-$1-out "$1" "$WORK/state" < "$WORK/stdin" > "$WORK/app" 2>> "$WORK/stderr" &
  app=$!
  exec {stdin}>"$WORK/stdin"
  wait_for 60 grep -q running "$WORK/app"
}
stop_app() {
  exec {stdin}>&-
  wait $app || fail "the application failed"
  grep -q closed "$WORK/app" || fail "the application did not close: $(cat "$WORK/app")"
}
feed() { # feed TOPIC SECONDS : the lines, spread over that time
  local n=$(($2 * 5))
  (split -n l/$n --filter='cat; sleep 0.2' "$WORK/lines") |
    kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic "$1" --message-send-max-retries 1000000 2>> "$WORK/stderr" &
  feeder=$!
}
read_out() { kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic "$1" --group "$1" --from-beginning \
  --command-property enable.auto.commit=false --isolation-level read_committed \
  --formatter-property print.key=true --timeout-ms 2000 > "$WORK/out" 2>> "$WORK/stderr" || true; }
last() { awk -F'\t' '{ count[$1] = $2 } END { for (word in count) print word "\t" count[word] }' "$WORK/out" | sort; }
all_counted() { read_out "$1"; [ "$(last | awk '{ sum += $2 } END { print sum + 0 }')" -ge "$WORDS" ]; }
consumed() { kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --describe --group "$1" | awk -v topic="$1-in" '$2 == topic { sum += $4 } END { exit sum < '$LINES' / 2 }'; }
purged() { kafka-get-offsets.sh --bootstrap-server "$BOOTSTRAP" --topic "$1" --time earliest | awk -F: '{ sum += $3 } END { exit sum == 0 }'; }
both_topics() { topic $NAME-$1-in 3; topic $NAME-$1-out 2; }

at_least_once() {
  local name=$NAME-at_least_once
  both_topics at_least_once
  start_app at_least_once
  feed $name-in 4
  wait_for 60 consumed $name
  wait_for 30 purged $name-words-repartition
  stop_app
  # What came meanwhile is counted on top of what the store holds; the second time the store comes from its changelog.
  wait $feeder || fail "the producer failed"
  rm -r "$WORK/state"
  start_app at_least_once
  wait_for 60 all_counted $name-out
  stop_app
  last > "$WORK/counted"
  quietly kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --delete --group $name-out
  same "words counted at least once, over a clean restart" "$WORK/expected" "$WORK/counted"
  for made in $name-words-repartition $name-counts-changelog; do run kafka-topics.sh --bootstrap-server "$BOOTSTRAP" --describe --topic $made; done
  is_gone() { kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --describe --group $name --state | grep -q Empty; }
  wait_for 30 is_gone
  kafka-streams-application-reset.sh --bootstrap-server "$BOOTSTRAP" --application-id $name --input-topics $name-in > "$WORK/reset" 2>> "$WORK/stderr" || fail "the reset failed"
  run kafka-topics.sh --bootstrap-server "$BOOTSTRAP" --list --topic "$name.*"
  kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --describe --group $name 2>> "$WORK/stderr" | awk '{ print $2, $3, $4 }' | sort
  quietly kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --delete --group $name
  drop "$name.*"
}

exactly_once() {
  local name=$NAME-exactly_once_v2
  rm -rf "$WORK/state"
  both_topics exactly_once_v2
  start_app exactly_once_v2
  feed $name-in $((KILLS * 4))
  for kill in $(seq "$KILLS"); do
    sleep 2
    if [ -n "${BROKER_DIR:-}" ]; then
      "$COMPAT/broker" kill "$BROKER_DIR"
      "$COMPAT/broker" start "$BROKER_DIR"
    fi
    if [ $((kill % 2)) = 0 ]; then
      stop_app
      [ $((kill % 4)) = 0 ] || rm -r "$WORK/state"
      start_app exactly_once_v2
    fi
  done
  wait $feeder || fail "the producer failed"
  wait_for 120 all_counted $name-out
  last > "$WORK/counted"
  quietly kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --delete --group $name-out
  same "words counted exactly once, over kills of the broker and restarts" "$WORK/expected" "$WORK/counted"
  awk -F'\t' '$2 != ++count[$1] { print $1 ": " $2 " where " count[$1] " was due"; bad = 1 } END { exit bad }' "$WORK/out" > "$WORK/bad" || fail "counts lost or doubled: $(head -3 "$WORK/bad")"
  echo "each count of each word once, in order"
  stop_app
  quietly kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --delete --group $name
  drop "$name.*"
}

at_least_once
exactly_once
