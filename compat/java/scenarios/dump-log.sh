#!/usr/bin/env bash
# kafka-dump-log reads the segment files after the broker has stopped.
. "$(dirname "$0")/../../lib.sh"
needs_broker_dir
# Keys are fixed and each batch holds one record, so that the files do not depend on timing.
topic $NAME 1 --config segment.bytes=1048576
for codec in none gzip snappy lz4 zstd; do
  echo "$codec:value of $codec" | quietly kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --compression-codec $codec \
    --reader-property parse.key=true --reader-property key.separator=: --producer-property enable.idempotence=false
done
"$COMPAT/lines" 3 | quietly kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME
kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --partition 0 --offset earliest --timeout-ms 5000 2>> "$WORK/stderr" > "$WORK/read" || true
"$COMPAT/broker" stop "$BROKER_DIR"
first=$BROKER_DIR/data/$NAME-0/00000000000000000000.log
run kafka-dump-log.sh --files "$first" --print-data-log > "$WORK/dump"
# Up to the batches of the text, whose bounds are chance.
sed -E '/offset: 5 /,$d; /baseOffset: 5 /,$d; s/(CreateTime|crc|size): ?\S+/\1/g; s|/\S*/data|DATA|' "$WORK/dump"; tail -1 "$WORK/dump"
# Deep iteration over all segments gives back every payload, in order.
for file in "$BROKER_DIR/data/$NAME-0"/*.log; do kafka-dump-log.sh --files "$file" --print-data-log --deep-iteration 2>> "$WORK/stderr"; done > "$WORK/dump"
sed -nE 's/^\| offset: .* payload: //p' "$WORK/dump" > "$WORK/payloads"
cmp "$WORK/payloads" "$WORK/read" || fail "the files' payloads are not what was read"
[ "$(ls "$BROKER_DIR/data/$NAME-0"/*.log | wc -l)" -ge 3 ] || fail "3 MB in segments of 1 MiB are in $(ls "$BROKER_DIR/data/$NAME-0"/*.log | wc -l) files"
! grep -q 'isvalid: false' "$WORK/dump" || fail "an invalid batch"
"$COMPAT/broker" start "$BROKER_DIR"
run kafka-get-offsets.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --time earliest
kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --partition 0 --offset earliest --max-messages "$(wc -l < "$WORK/read")" --timeout-ms 8000 2>> "$WORK/stderr" > "$WORK/again"
cmp "$WORK/read" "$WORK/again" || fail "a restart changed what is read"
echo "same after a restart"
drop "$NAME"
