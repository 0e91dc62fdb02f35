#!/usr/bin/env bash
# The four commands of the README with megabytes of real text: what goes in comes out.
. "$(dirname "$0")/../../lib.sh"
MEGABYTES=$([ "${COMPAT_SIZE:-quick}" = long ] && echo 64 || echo 12)
"$COMPAT/lines" "$MEGABYTES" > "$WORK/lines.txt"

run kafka-topics.sh --bootstrap-server "$BOOTSTRAP" --create --topic $NAME --partitions 3
kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME < "$WORK/lines.txt"
echo "produced: exit $?"
kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --from-beginning --group $NAME --timeout-ms 8000 \
  --max-messages "$(wc -l < "$WORK/lines.txt")" > "$WORK/read.txt" 2>> "$WORK/stderr"
same "lines produced and consumed" "$WORK/lines.txt" "$WORK/read.txt"
# How the lines fall on partitions is the producer's chance; their sum is not.
kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --describe --group $NAME 2>> "$WORK/stderr" > "$WORK/described"
sed -E 's/ +[0-9]+ +[0-9]+ +0 / CURRENT END 0 /' "$WORK/described"
sum=$(awk -v topic=$NAME '$2 == topic { sum += $4 } END { print sum }' "$WORK/described")
[ "$sum" = "$(wc -l < "$WORK/lines.txt")" ] || fail "committed offsets sum to $sum"

for codec in gzip snappy lz4 zstd; do
  topic $NAME-$codec
  head -c 2000000 "$WORK/lines.txt" | head -n -1 > "$WORK/part.txt"
  kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-$codec --compression-codec $codec < "$WORK/part.txt"
  kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-$codec --partition 0 --offset earliest --timeout-ms 8000 \
    --max-messages "$(wc -l < "$WORK/part.txt")" > "$WORK/read.txt" 2>> "$WORK/stderr"
  cmp "$WORK/part.txt" "$WORK/read.txt" || fail "$codec: lines differ, or their order"
  echo "same and in order: $codec"
done
drop "$NAME.*"
