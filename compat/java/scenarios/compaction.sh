#!/usr/bin/env bash
# Compaction: which records are left, by offset, key and value, and that kafka-dump-log reads what the cleaner wrote.
. "$(dirname "$0")/../../lib.sh"
needs_broker_dir
keyed() {
  quietly kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic "$1" --compression-codec "$2" --reader-property parse.key=true \
    --reader-property key.separator=: --reader-property null.marker=NULL
}
# What is there now, as offset, key and value.
left() {
  kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic "$1" --partition 0 --offset earliest --timeout-ms 3000 \
    --formatter-property print.offset=true --formatter-property print.key=true --formatter-property print.partition=false \
    2>> "$WORK/stderr" | sed -E 's/Offset://'
}
# No key comes twice before the last line, which lies in the segment that is not cleaned.
is_clean() { left "$1" > "$WORK/left" && [ -s "$WORK/left" ] && [ -z "$(head -n -1 "$WORK/left" | cut -f2 | sort | uniq -d)" ]; }
is_gone() { left "$1" > "$WORK/left" && ! grep -q "$2" "$WORK/left"; }
# A record of its own closes the segment before it.
close() { sleep 1.5; echo "$2" | keyed "$1" none; }

common=(--config cleanup.policy=compact --config segment.ms=1000 --config min.cleanable.dirty.ratio=0.001 --config segment.bytes=1048576)
topic $NAME 1 "${common[@]}"
topic $NAME-gone 1 "${common[@]}" --config delete.retention.ms=500
round=0
for codec in none gzip snappy lz4 zstd none; do
  round=$((round + 1))
  for key in $(seq 1 40); do
    if [ $(((key + round) % 9)) = 0 ]; then echo "k$key:NULL"; elif [ $(((key * 7 + round * 3) % 5)) -lt 2 ]; then echo "k$key:$codec $round of $key"; fi
  done > "$WORK/round"
  for one in $NAME $NAME-gone; do keyed $one $codec < "$WORK/round"; done
  [ $((round % 2)) = 1 ] || sleep 1.2
done
close $NAME end:1
wait_for 90 is_clean $NAME
echo "left of $NAME"; cat "$WORK/left"
cp "$WORK/left" "$WORK/kept"
close $NAME-gone end:1
wait_for 90 is_clean $NAME-gone
sleep 1
close $NAME-gone end:2
close $NAME-gone end:3
wait_for 90 is_gone $NAME-gone null
wait_for 90 is_clean $NAME-gone
echo "left of $NAME-gone"; cat "$WORK/left"
run kafka-get-offsets.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME

"$COMPAT/broker" stop "$BROKER_DIR"
for file in "$BROKER_DIR/data/$NAME-0"/*.log; do kafka-dump-log.sh --files "$file" --print-data-log --deep-iteration 2>> "$WORK/stderr"; done > "$WORK/dump"
! grep -q 'isvalid: false' "$WORK/dump" || fail "an invalid batch"
sed -nE 's/^\| offset: ([0-9]+) .* key: (\S+)( payload: (.*))?$/\1\t\2\t\4/p' "$WORK/dump" | sed -E 's/\t$/\tnull/' > "$WORK/dumped"
same "the files and what was read" "$WORK/dumped" "$WORK/kept"
grep -q 'deleteHorizonMs: OptionalLong\[' "$WORK/dump" || fail "no delete horizon"
"$COMPAT/broker" start "$BROKER_DIR"
left $NAME > "$WORK/again"
same "before and after a restart" "$WORK/again" "$WORK/kept"
drop "$NAME"; drop "$NAME-gone"
