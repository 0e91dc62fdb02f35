#!/usr/bin/env bash
# kafka-get-offsets at each kind of time, before and after kafka-delete-records.
. "$(dirname "$0")/../../lib.sh"
topic $NAME 2
offsets() { run kafka-get-offsets.sh --bootstrap-server "$BOOTSTRAP" "$@"; }
offsets --topic $NAME
# Each record's time is given, so that times can be asked for.
quietly kafka-verifiable-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --max-messages 200 --message-create-time 1700000000000 --repeating-keys 10
for time in latest earliest max-timestamp -1 -2 -3 -4 -5 -6; do offsets --topic $NAME --time $time; done
offsets --topic $NAME --time 1699999999999
offsets --topic $NAME --time 1900000000000
offsets --topic-partitions "$NAME:0" --time earliest
offsets --topic-partitions "$NAME:1-2,$NAME:0"
offsets --topic "$NAME-none"
offsets --topic $NAME --partitions 0
delete() { echo "$1" > "$WORK/delete.json"; run kafka-delete-records.sh --bootstrap-server "$BOOTSTRAP" --offset-json-file "$WORK/delete.json"; }
delete '{"version":1,"partitions":[{"topic":"'$NAME'","partition":0,"offset":10}]}'
offsets --topic $NAME --time earliest
delete '{"version":1,"partitions":[{"topic":"'$NAME'","partition":0,"offset":5}]}'
delete '{"version":1,"partitions":[{"topic":"'$NAME'","partition":0,"offset":100000}]}'
delete '{"version":1,"partitions":[{"topic":"'$NAME'","partition":1,"offset":-1}]}'
offsets --topic $NAME --time earliest
offsets --topic $NAME --time latest
# Reading from before the start goes on at the start.
run kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --partition 0 --offset 0 --max-messages 1 --timeout-ms 8000 \
  --formatter-property print.offset=true --consumer-property auto.offset.reset=earliest
drop "$NAME"
