#!/usr/bin/env bash
# kafka-reassign-partitions on one node: generate, execute, verify, list, cancel, and what it refuses.
. "$(dirname "$0")/../../lib.sh"
topic $NAME 2
quietly kafka-verifiable-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --max-messages 100
# Without the tool's stack traces.
reassign() { run kafka-reassign-partitions.sh --bootstrap-server "$BOOTSTRAP" "$@" | grep -v "^[[:space:]]at "; }
printf '{"version":1,"topics":[{"topic":"%s"}]}' $NAME > "$WORK/topics.json"
reassign --generate --topics-to-move-json-file "$WORK/topics.json" --broker-list 1
reassign --generate --topics-to-move-json-file "$WORK/topics.json" --broker-list 7
reassign --list
plan() { printf '{"version":1,"partitions":[{"topic":"%s","partition":0,"replicas":%s,"log_dirs":%s}]}' "$1" "$2" "$3" > "$WORK/plan.json"; }
plan $NAME '[1]' '["any"]'
reassign --execute --reassignment-json-file "$WORK/plan.json"
reassign --verify --reassignment-json-file "$WORK/plan.json"
reassign --cancel --reassignment-json-file "$WORK/plan.json"
# Throttles are settings of topics and brokers, taken away by --verify.
reassign --execute --reassignment-json-file "$WORK/plan.json" --throttle 1000000
reassign --verify --reassignment-json-file "$WORK/plan.json"
run kafka-configs.sh --bootstrap-server "$BOOTSTRAP" --describe --entity-type brokers --entity-name 1
for replicas in '[7]' '[1,1]' '[]'; do
  plan $NAME "$replicas" "$(echo "$replicas" | sed -E 's/[0-9]+/"any"/g')"
  reassign --execute --reassignment-json-file "$WORK/plan.json"
done
plan $NAME-none '[1]' '["any"]'
reassign --execute --reassignment-json-file "$WORK/plan.json"
reassign --verify --reassignment-json-file "$WORK/plan.json"
drop $NAME
