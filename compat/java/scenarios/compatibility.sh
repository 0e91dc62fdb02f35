#!/usr/bin/env bash
# Kafka's own smoke test of a broker, with what 4.3.1 is expected to support.
. "$(dirname "$0")/../../lib.sh"
topic $NAME
# The test is told whether to expect ACLs; that alone is taken from the broker.
kafka-broker-api-versions.sh --bootstrap-server "$BOOTSTRAP" > "$WORK/versions" 2>> "$WORK/stderr"
acls=$(grep -q 'DescribeAcls(29): UNSUPPORTED' "$WORK/versions" && echo False || echo True)
compatibility() {
  kafka-run-class.sh org.apache.kafka.tools.ClientCompatibilityTest --bootstrap-server "$BOOTSTRAP" --topic $NAME --offsets-for-times-supported True \
    --cluster-id-supported True --expect-record-too-large-exception False --num-cluster-nodes 1 --create-topics-supported True \
    --describe-acls-supported $acls --describe-configs-supported True --idempotent-producer-supported True
}
run compatibility
# The test leaves the topic it creates.
drop newtopic
drop "$NAME.*"
