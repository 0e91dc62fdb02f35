#!/usr/bin/env bash
# Kafka's own smoke test of a broker, with what 4.3.1 is expected to support.
. "$(dirname "$0")/../../lib.sh"
topic $NAME
run kafka-run-class.sh org.apache.kafka.tools.ClientCompatibilityTest --bootstrap-server "$BOOTSTRAP" --topic $NAME --offsets-for-times-supported True \
  --cluster-id-supported True --expect-record-too-large-exception False --num-cluster-nodes 1 --create-topics-supported True \
  --describe-acls-supported True --describe-configs-supported True --idempotent-producer-supported True
drop "$NAME.*"
