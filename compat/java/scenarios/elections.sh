#!/usr/bin/env bash
# kafka-leader-election, kafka-features, kafka-cluster, kafka-replica-verification: what they say where there is one node.
. "$(dirname "$0")/../../lib.sh"
topic $NAME 2
elect() { run kafka-leader-election.sh --bootstrap-server "$BOOTSTRAP" "$@"; }
elect --election-type preferred --topic $NAME --partition 0
elect --election-type unclean --topic $NAME --partition 1
elect --election-type preferred --all-topic-partitions
elect --election-type preferred --topic $NAME --partition 7
elect --election-type preferred --topic $NAME-none --partition 0
printf '{"partitions":[{"topic":"%s","partition":0},{"topic":"%s","partition":1}]}' $NAME $NAME > "$WORK/elections.json"
elect --election-type preferred --path-to-json-file "$WORK/elections.json" | sort

features() { run kafka-features.sh --bootstrap-server "$BOOTSTRAP" "$@" | sed -E 's/versions [0-9]+-[0-9]+/versions N-N/'; }
features describe | grep -E '^(\$|exit)|metadata.version' | sed -E 's/SupportedMinVersion: +\S+/SupportedMinVersion: N/; s/Epoch: [0-9]+/Epoch: N/'
features upgrade --feature metadata.version=99
features upgrade --feature no.such.feature=1
features upgrade --feature no.such.feature=1 --dry-run
run kafka-features.sh version-mapping
run kafka-features.sh feature-dependencies --feature transaction.version=2

run kafka-cluster.sh unregister --bootstrap-server "$BOOTSTRAP" --id 9

quietly kafka-verifiable-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --max-messages 100
# It goes on until it is stopped: a JVM of its own.
(env -u COMPAT_TOOLHOST timeout 12 kafka-replica-verification.sh --broker-list "$BOOTSTRAP" --topics-include $NAME --report-interval-ms 500 2>>"$WORK/stderr" || true) > "$WORK/verification" &
wait_for 20 grep -q 'max lag is' "$WORK/verification"
grep -m1 'max lag is' "$WORK/verification" | sed -E 's/^[^:]*: //; s/partition \S+-[0-9]+/partition P/; s/offset [0-9]+/offset N/'
drop $NAME
