#!/usr/bin/env bash
# The perf tools run to their end and account for every record. Their figures are masked here; `make bench` prints them.
. "$(dirname "$0")/../../lib.sh"
RECORDS=$([ "${COMPAT_SIZE:-quick}" = long ] && echo 500000 || echo 50000)
numbers() { sed -E "s/\\b$RECORDS\\b/ALL/g; s/-?[0-9]+(\.[0-9]+)?(E-?[0-9]+)?/N/g"; }
topic $NAME 2
kafka-producer-perf-test.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --num-records $RECORDS --record-size 200 --throughput -1 2>> "$WORK/stderr" | tail -1 | numbers
kafka-consumer-perf-test.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --num-records $RECORDS --timeout 20000 > "$WORK/read" 2>> "$WORK/stderr"
head -1 "$WORK/read"; awk -F', ' 'END { exit $5 < '$RECORDS' }' "$WORK/read" || fail "consumed too few: $(cat "$WORK/read")"
sum=$(kafka-get-offsets.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME | awk -F: '{ sum += $3 } END { print sum }')
[ "$sum" = $RECORDS ] || fail "the offsets sum to $sum"
for acks in 1 all; do
  kafka-e2e-latency.sh "$BOOTSTRAP" $NAME-latency 200 $acks 100 > "$WORK/e2e" 2>> "$WORK/stderr" || fail "e2e latency, acks $acks"
  grep -vE '^[0-9]+\s' "$WORK/e2e" | numbers
done
drop "$NAME.*"
