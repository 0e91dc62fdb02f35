#!/usr/bin/env bash
# Real text through the console producer while the broker is killed (kill -9) and started again: nothing lost, nothing doubled.
. "$(dirname "$0")/../../lib.sh"
needs_broker_dir
MEGABYTES=$([ "${COMPAT_SIZE:-quick}" = long ] && echo 40 || echo 10)
"$COMPAT/lines" "$MEGABYTES" > "$WORK/lines.txt"
topic $NAME 3
# Slowed so that the kill comes in the middle.
(while IFS= read -r -N 200000 part; do printf '%s' "$part"; sleep 0.05; done; printf '%s' "$part") < "$WORK/lines.txt" |
  kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --message-send-max-retries 1000000 2>> "$WORK/stderr" &
producer=$!
reached() { [ "$(kafka-get-offsets.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME | awk -F: '{ sum += $3 } END { print sum + 0 }')" -ge 10000 ]; }
wait_for 60 reached
"$COMPAT/broker" kill "$BROKER_DIR"
kill -0 $producer || fail "the producer was done before the kill"
"$COMPAT/broker" start "$BROKER_DIR"
wait $producer || fail "the producer failed"
kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --from-beginning --group $NAME --timeout-ms 5000 > "$WORK/read.txt" 2>> "$WORK/stderr" || true
same "lines produced over a kill -9, and consumed" "$WORK/lines.txt" "$WORK/read.txt"
drop "$NAME"
