#!/usr/bin/env bash
# Java consumers come and go in a group: eager, cooperative, static. Their events, and who owns how much.
. "$(dirname "$0")/../../lib.sh"
topic $NAME 4
quietly kafka-verifiable-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --max-messages 400

# join NAME GROUP OPTION... : a member in the background; its events are in $WORK/NAME, its process id in $pid_NAME.
join() {
  echo "client.id=$1" > "$WORK/$1.properties"
  kafka-verifiable-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --group-id "$2" --command-config "$WORK/$1.properties" "${@:3}" \
    > "$WORK/$1" 2>> "$WORK/stderr" &
  declare -g "pid_$1=$!"
}
leave() { local pid=pid_$1; kill "${!pid}"; wait "${!pid}" || true; }
members() { kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --describe --group "$1" --members 2>> "$WORK/stderr" | awk -v group="$1" '$1 == group { print $(NF - 1), $NF }' | sort; }
own() { [ "$(members "$1")" = "$2" ]; }
owning() { wait_for 40 own "$1" "$2"; echo "$1:"; members "$1"; }
events() { grep -oE '"name":"partitions_(assigned|revoked)"' "$WORK/$1" | cut -d'"' -f4 | uniq; }

for strategy in RangeAssignor CooperativeStickyAssignor; do
  group=$NAME-$strategy
  join one $group --assignment-strategy org.apache.kafka.clients.consumer.$strategy
  owning $group "one 4"
  join two $group --assignment-strategy org.apache.kafka.clients.consumer.$strategy
  owning $group $'one 2\ntwo 2'
  leave one
  owning $group "two 4"
  leave two
  run kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --describe --group $group --state
  for member in one two; do echo "events of $member:"; events $member; done
done

# A static member that comes back within its session keeps its partitions, and nobody is disturbed.
group=$NAME-static
join one $group --group-instance-id instance-one --session-timeout 30000
owning $group "one 4"
join two $group --group-instance-id instance-two --session-timeout 30000
owning $group $'one 2\ntwo 2'
leave two
owning $group $'one 2\ntwo 2'
join two $group --group-instance-id instance-two --session-timeout 30000
assigned() { grep -q partitions_assigned "$WORK/$1"; }
wait_for 40 assigned two
run_sorted kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --describe --group $group --members --verbose
echo "events of one:"; events one
# Another with the same instance id takes its place, and the first ends with an error.
join three $group --group-instance-id instance-two --session-timeout 30000
wait_for 40 assigned three
code=0; wait $pid_two || code=$?; echo "two ended: exit $code"
echo "$group:"; members $group
leave one; leave three
drop "$NAME"
