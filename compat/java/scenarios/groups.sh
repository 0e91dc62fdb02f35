#!/usr/bin/env bash
# kafka-consumer-groups and kafka-groups: with a member, without, offsets reset and deleted.
. "$(dirname "$0")/../../lib.sh"
groups() { run kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" "$@"; }
topic $NAME 2
topic $NAME-other 1
printf 'a:1\nb:2\nc:3\nd:4\ne:5\nf:6\n' | quietly kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --reader-property parse.key=true --reader-property key.separator=:
printf '1\n2\n3\n' | quietly kafka-console-producer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME-other
groups --describe --group $NAME-none
groups --describe --group $NAME-none --state
groups --describe --group $NAME-none --members
groups --delete --group $NAME-none

# A member that stays until it is told to go.
kafka-console-consumer.sh --bootstrap-server "$BOOTSTRAP" --topic $NAME --group $NAME --from-beginning --consumer-property client.id=member \
  --consumer-property auto.commit.interval.ms=200 > "$WORK/read" 2>> "$WORK/stderr" &
member=$!
committed() { kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --describe --group $NAME | awk -v t=$NAME '$2 == t { sum += $4 } END { exit sum != 6 }'; }
wait_for 30 committed
groups --describe --group $NAME
groups --describe --group $NAME --members --verbose
groups --describe --group $NAME --state
groups --list
groups --list --state
groups --list --type
groups --list --state stable
run kafka-groups.sh --bootstrap-server "$BOOTSTRAP" --list
run kafka-groups.sh --bootstrap-server "$BOOTSTRAP" --list --group-type classic
run kafka-groups.sh --bootstrap-server "$BOOTSTRAP" --list --consumer
groups --delete --group $NAME
groups --reset-offsets --group $NAME --topic $NAME --to-earliest --execute
groups --delete-offsets --group $NAME --topic $NAME
kill $member; wait $member || true
sort "$WORK/read"

is_empty() { kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --describe --group $NAME --state | grep -q Empty; }
wait_for 30 is_empty
groups --describe --group $NAME --state
groups --describe --group $NAME
groups --describe --group $NAME --members
for to in --to-earliest --to-latest "--to-offset 1" "--to-offset 99" "--shift-by -1" "--by-duration P1D" "--to-datetime 2099-01-01T00:00:00.000" --to-current; do
  groups --reset-offsets --group $NAME --topic $NAME $to --dry-run
done
groups --reset-offsets --group $NAME --topic $NAME:0 --to-offset 1 --execute
groups --describe --group $NAME --offsets
groups --reset-offsets --group $NAME --all-topics --to-earliest --execute
groups --reset-offsets --group $NAME --topic $NAME --to-latest --export --dry-run
# A group that only ever commits: offsets are set before anyone joined.
groups --reset-offsets --group $NAME-new --topic $NAME-other --to-earliest --execute
groups --describe --group $NAME-new
run_sorted kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --list
run_sorted kafka-groups.sh --bootstrap-server "$BOOTSTRAP" --list
groups --delete-offsets --group $NAME --topic $NAME:0
groups --describe --group $NAME
groups --delete-offsets --group $NAME --topic $NAME-other
groups --delete-offsets --group $NAME --topic $NAME-none
groups --delete --group $NAME
groups --delete --group $NAME-new
groups --describe --group $NAME
groups --list
drop "$NAME.*"
