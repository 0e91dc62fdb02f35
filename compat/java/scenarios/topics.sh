#!/usr/bin/env bash
# kafka-topics: create, list, describe, alter, delete, and what it says when it cannot.
. "$(dirname "$0")/../../lib.sh"
topics() { run kafka-topics.sh --bootstrap-server "$BOOTSTRAP" "$@"; }
topics --create --topic $NAME-a
topics --create --topic $NAME-b --partitions 3 --replication-factor 1 --config retention.ms=3600000 --config segment.bytes=1048576
topics --create --topic $NAME-c --replica-assignment 1,1
topics --list --exclude-internal
topics --describe --topic $NAME-a
topics --describe --topic "$NAME-.*"
topics --describe --topics-with-overrides --exclude-internal
topics --describe --under-replicated-partitions
topics --describe --unavailable-partitions
topics --describe --at-min-isr-partitions --topic $NAME-a
topics --alter --topic $NAME-a --partitions 4
topics --describe --topic $NAME-a
# What is refused.
topics --create --topic $NAME-a
topics --create --topic $NAME-a --if-not-exists
topics --create --topic "bad name"
topics --create --topic $NAME-x --replication-factor 2
topics --create --topic $NAME-x --partitions 0
topics --create --topic $NAME-x --replica-assignment 7
topics --create --topic $NAME-x --config no.such.config=1
topics --create --topic $NAME-x --config retention.ms=abc
topics --create --topic $NAME-x --config segment.bytes=1
topics --create --topic $NAME-x --config cleanup.policy=shred
topics --create --topic "$(printf 'x%.0s' $(seq 250))"
topics --alter --topic $NAME-a --partitions 2
topics --alter --topic $NAME-a --partitions 4
topics --alter --topic $NAME-none --partitions 2
topics --describe --topic $NAME-none
topics --delete --topic $NAME-none
topics --delete --topic $NAME-none --if-exists
topics --delete --topic "$NAME-[abc]"
topics --list --exclude-internal
topics --create --topic $NAME.collides_
topics --create --topic $NAME.collides.
drop "$NAME.*"
