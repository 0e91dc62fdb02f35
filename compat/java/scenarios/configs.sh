#!/usr/bin/env bash
# kafka-configs: topics and brokers, described, altered, refused.
. "$(dirname "$0")/../../lib.sh"
topic $NAME 1 --config retention.ms=1000000
configs() { run kafka-configs.sh --bootstrap-server "$BOOTSTRAP" "$@"; }
configs --describe --entity-type topics --entity-name $NAME
configs --describe --entity-type topics --entity-name $NAME --all
configs --alter --entity-type topics --entity-name $NAME --add-config max.message.bytes=2000000,cleanup.policy=[compact,delete]
configs --describe --entity-type topics --entity-name $NAME
configs --alter --entity-type topics --entity-name $NAME --delete-config retention.ms
configs --describe --entity-type topics --entity-name $NAME
configs --alter --entity-type topics --entity-name $NAME --delete-config never.set
configs --alter --entity-type topics --entity-name $NAME --add-config no.such.config=1
configs --alter --entity-type topics --entity-name $NAME --add-config retention.ms=soon
configs --alter --entity-type topics --entity-name $NAME --add-config min.insync.replicas=0
configs --alter --entity-type topics --entity-name $NAME --add-config compression.type=rar
configs --describe --entity-type topics --entity-name $NAME-none
configs --alter --entity-type topics --entity-name $NAME-none --add-config retention.ms=1
configs --describe --entity-type brokers --entity-name 1
configs --alter --entity-type brokers --entity-name 1 --add-config log.cleaner.threads=2
configs --describe --entity-type brokers --entity-name 1
configs --alter --entity-type brokers --entity-default --add-config log.retention.ms=900000000
configs --describe --entity-type brokers --entity-default
configs --describe --entity-type brokers --entity-name 1
# The broker's default shows through in a topic that has none of its own.
kafka-configs.sh --bootstrap-server "$BOOTSTRAP" --describe --entity-type topics --entity-name $NAME --all 2>>"$WORK/stderr" | grep '^  retention.ms='
configs --alter --entity-type brokers --entity-name 1 --delete-config log.cleaner.threads
configs --alter --entity-type brokers --entity-default --delete-config log.retention.ms
configs --describe --entity-type brokers --entity-default
configs --alter --entity-type brokers --entity-name 1 --add-config node.id=2
configs --alter --entity-type brokers --entity-name 1 --add-config log.retention.ms=soon
configs --describe --entity-type brokers --entity-name 9
# Of all broker settings, those that clients and tools ask for.
kafka-configs.sh --bootstrap-server "$BOOTSTRAP" --describe --entity-type brokers --entity-name 1 --all 2>>"$WORK/stderr" |
  grep -E '^  (auto.create.topics.enable|num.partitions|default.replication.factor|min.insync.replicas|message.max.bytes|log.retention.(ms|minutes|hours)|log.segment.bytes|log.cleanup.policy|offsets.topic.(num.partitions|replication.factor)|group.(min|max).session.timeout.ms|compression.type|delete.topic.enable|node.id|process.roles)='
drop "$NAME"
