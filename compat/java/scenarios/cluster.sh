#!/usr/bin/env bash
# What describes the node: kafka-cluster, kafka-metadata-quorum, kafka-log-dirs, kafka-broker-api-versions.
. "$(dirname "$0")/../../lib.sh"
run kafka-cluster.sh cluster-id --bootstrap-server "$BOOTSTRAP"
run kafka-cluster.sh list-endpoints --bootstrap-server "$BOOTSTRAP" | sed -E 's/(127.0.0.1) +[0-9]+/\1 PORT/'
# Offsets and lags of the quorum grow all the time.
run kafka-metadata-quorum.sh --bootstrap-server "$BOOTSTRAP" describe --status | sed -E 's/(LeaderEpoch|HighWatermark|MaxFollowerLag|MaxFollowerLagTimeMs):( +)-?[0-9]+/\1:\2N/; s/:[0-9]+"/:PORT"/g'
run kafka-metadata-quorum.sh --bootstrap-server "$BOOTSTRAP" describe --replication | sed -E 's/^(1 *\t\S+\t)[0-9]+ */\1N/'
topic $NAME 2
quietly kafka-verifiable-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --max-messages 100 --message-create-time 1700000000000 --repeating-keys 10
run kafka-log-dirs.sh --bootstrap-server "$BOOTSTRAP" --describe --topic-list $NAME | sed -E 's/"(size|totalBytes|usableBytes)":[1-9][0-9]*/"\1":N/g'
run kafka-log-dirs.sh --bootstrap-server "$BOOTSTRAP" --describe --topic-list $NAME-none | sed -E 's/"(totalBytes|usableBytes)":[1-9][0-9]*/"\1":N/g'
run kafka-log-dirs.sh --bootstrap-server "$BOOTSTRAP" --describe --broker-list 9
# The APIs that this version of Klamm has, at whatever versions.
run kafka-broker-api-versions.sh --bootstrap-server "$BOOTSTRAP" > "$WORK/versions"
head -1 "$WORK/versions"; sed -n 2p "$WORK/versions" | sed -E 's/^\S+/BROKER/'; tail -1 "$WORK/versions"
grep -E '^\s(Produce|Fetch|ListOffsets|Metadata|ApiVersions|CreateTopics|DeleteTopics|CreatePartitions|DeleteRecords|DescribeTopicPartitions|DescribeCluster|DescribeConfigs|IncrementalAlterConfigs|AlterConfigs|InitProducerId|OffsetForLeaderEpoch|FindCoordinator|JoinGroup|SyncGroup|Heartbeat|LeaveGroup|OffsetCommit|OffsetFetch|OffsetDelete|DescribeGroups|ListGroups|DeleteGroups|DescribeLogDirs|DescribeQuorum)\(' "$WORK/versions"
drop "$NAME"
