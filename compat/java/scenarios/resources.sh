#!/usr/bin/env bash
# broker: own
# kafka-configs for groups, subscriptions and loggers; kafka-client-metrics; kafka-groups.
. "$(dirname "$0")/../../lib.sh"
configs() { run kafka-configs.sh --bootstrap-server "$BOOTSTRAP" "$@"; }
configs --describe --entity-type groups
configs --alter --entity-type groups --entity-name $NAME --add-config consumer.session.timeout.ms=50000
configs --describe --entity-type groups --entity-name $NAME
configs --describe --entity-type groups --entity-name $NAME --all
configs --describe --entity-type groups --entity-name $NAME-none --all
configs --describe --entity-type groups
configs --alter --entity-type groups --entity-name $NAME --add-config consumer.session.timeout.ms=1
configs --alter --entity-type groups --entity-name $NAME --add-config consumer.session.timeout.ms=60001
configs --alter --entity-type groups --entity-name $NAME --add-config share.isolation.level=dirty
configs --alter --entity-type groups --entity-name $NAME --add-config no.such.setting=1
configs --alter --entity-type groups --entity-name $NAME --delete-config consumer.session.timeout.ms
configs --describe --entity-type groups --entity-name $NAME
metrics() { run kafka-client-metrics.sh --bootstrap-server "$BOOTSTRAP" "$@"; }
metrics --list
metrics --alter --name $NAME --metrics a.,b. --interval 30000 --match client_id=x
metrics --list
metrics --describe
metrics --describe --name $NAME
metrics --describe --name $NAME-none
metrics --alter --name $NAME --interval 1
metrics --alter --name $NAME --match nokey=x
configs --describe --entity-type client-metrics
configs --alter --entity-type client-metrics --entity-name $NAME --delete-config match,metrics
configs --describe --entity-type client-metrics --entity-name $NAME --all
metrics --delete --name $NAME
metrics --list
# Loggers have other names than Kafka's, but for the root.
configs --describe --entity-type broker-loggers --entity-name 1 | grep -E '^(\$|Dyn|exit)|  root='
configs --alter --entity-type broker-loggers --entity-name 1 --add-config root=DEBUG
configs --describe --entity-type broker-loggers --entity-name 1 | grep '  root='
configs --alter --entity-type broker-loggers --entity-name 1 --add-config root=INFO
configs --describe --entity-type broker-loggers --entity-name 1 | grep '  root='
configs --alter --entity-type broker-loggers --entity-name 1 --add-config root=LOUD
configs --alter --entity-type broker-loggers --entity-name 1 --add-config no.such.logger=DEBUG
configs --alter --entity-type broker-loggers --entity-name 1 --delete-config root
configs --describe --entity-type broker-loggers --entity-name 9
topic $NAME 1
quietly kafka-verifiable-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --max-messages 10
quietly kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --group $NAME-group --from-beginning --max-messages 10
run_sorted kafka-groups.sh --bootstrap-server "$BOOTSTRAP" --list | grep -E "^(\\$|exit|GROUP)|$NAME"
run_sorted kafka-groups.sh --bootstrap-server "$BOOTSTRAP" --list --consumer | grep -E "^(\\$|exit|GROUP)|$NAME"
run kafka-groups.sh --bootstrap-server "$BOOTSTRAP" --list --protocol connect
quietly kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --delete --group $NAME-group
drop $NAME
