#!/usr/bin/env bash
# kafka-verifiable-producer and -consumer: what one acknowledges, the other reads.
. "$(dirname "$0")/../../lib.sh"
topic $NAME 3
run kafka-verifiable-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --max-messages 3000 --value-prefix 7 > "$WORK/produced"
grep -o '"name":"[a-z_]*"' "$WORK/produced" | sort | uniq -c
grep -o '"value":"[^"]*"' "$WORK/produced" | sort > "$WORK/acknowledged"
kafka-verifiable-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --group-id $NAME --max-messages 3000 --verbose > "$WORK/consumed" 2>> "$WORK/stderr"
echo "consumer: exit $?"
grep -o '"value":"[^"]*"' "$WORK/consumed" | sort > "$WORK/read"
same "values acknowledged and read" "$WORK/acknowledged" "$WORK/read"
grep -E 'startup_complete|partitions_assigned|partitions_revoked|shutdown_complete' "$WORK/consumed" | grep -o '"name":"[a-z_]*"'
sum=$(kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --describe --group $NAME 2>> "$WORK/stderr" | awk -v topic=$NAME '$2 == topic { sum += $4 } END { print sum }')
[ "$sum" = 3000 ] || fail "committed offsets sum to $sum"
run kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --delete --group $NAME
drop "$NAME"
