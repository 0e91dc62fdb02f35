#!/usr/bin/env bash
# Keys, headers (duplicates too), nulls and timestamps through the console tools, and where reading starts and stops.
. "$(dirname "$0")/../../lib.sh"
topic $NAME
printf 'h1:a,h1:b,h2:\tk1\tv1\nNULL\tk2\tNULL\nh:x\tNULL\tv3\n' > "$WORK/in"
run kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --reader-property parse.headers=true --reader-property parse.key=true \
  --reader-property null.marker=NULL < "$WORK/in"
read_all() {
  run kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --partition 0 --max-messages "$1" --timeout-ms 8000 \
    --formatter-property print.timestamp=true --formatter-property print.key=true --formatter-property print.headers=true \
    --formatter-property print.partition=true --formatter-property print.offset=true --formatter-property print.epoch=true \
    --formatter-property null.literal=NULL "${@:2}"
}
read_all 3 --offset earliest
read_all 1 --offset 2
# Past the end: the policy decides, and nothing comes.
run kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --partition 0 --offset latest --timeout-ms 1500
run kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --group $NAME-g --timeout-ms 1500 --consumer-property auto.offset.reset=none
run kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --isolation-level read_committed --from-beginning --max-messages 3 --timeout-ms 8000
# LogAppendTime and a topic's own compression.
topic $NAME-append 1 --config message.timestamp.type=LogAppendTime --config compression.type=zstd
seq 100 | quietly kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-append
run kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-append --from-beginning --max-messages 2 --timeout-ms 8000 --formatter-property print.timestamp=true
# Too large for the topic.
topic $NAME-small 1 --config max.message.bytes=1000
head -c 3000 /dev/zero | tr '\0' x > "$WORK/large"; echo >> "$WORK/large"
run kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-small < "$WORK/large"
run kafka-get-offsets.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-small
# Acks 0, 1 and all.
topic $NAME-acks
for acks in 0 1 all; do
  echo "acks $acks" | run kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-acks --producer-property acks=$acks --producer-property enable.idempotence=false
done
run kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-acks --from-beginning --max-messages 3 --timeout-ms 8000
# A topic made by writing to it.
echo made | run kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-auto
run kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-auto --from-beginning --max-messages 1 --timeout-ms 8000
# Topics by pattern.
run_sorted kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --include "$NAME-a.*o" --from-beginning --max-messages 1 --timeout-ms 8000
drop "$NAME.*"
