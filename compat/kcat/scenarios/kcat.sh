#!/usr/bin/env bash
# kcat (librdkafka in C): -P, -C, -L, -Q, -G.
. "$(dirname "$0")/../../lib.sh"
k() { kcat -b "$BOOTSTRAP" -q "$@"; }
"$COMPAT/lines" 3 | grep -v '^$' > "$WORK/lines.txt"
for codec in none gzip snappy lz4 zstd; do
  topic $NAME-$codec
  k -P -t $NAME-$codec -z $codec -X enable.idempotence=true < "$WORK/lines.txt"
  k -C -t $NAME-$codec -p 0 -o beginning -e -X check.crcs=true > "$WORK/read.txt"
  cmp "$WORK/lines.txt" "$WORK/read.txt" || fail "$codec: lines differ, or their order"
  echo "same and in order: $codec"
done
topic $NAME 2
printf 'k1:v1\nk2:v2\n:v3\n' | run kcat -b "$BOOTSTRAP" -q -P -t $NAME -p 1 -K: -H a=1 -H a=2 -H b=3 -Z
run kcat -b "$BOOTSTRAP" -q -C -t $NAME -p 1 -e -o beginning -J | sed -E 's/"ts":[0-9]+/"ts":TIME/'
run kcat -b "$BOOTSTRAP" -q -C -t $NAME -p 1 -e -o 2 -f '%p %o %k %s %h\n'
run kcat -b "$BOOTSTRAP" -q -C -t $NAME -p 1 -e -o -1 -f '%o\n'
run kcat -b "$BOOTSTRAP" -q -C -t $NAME -p 0 -e -o beginning
for time in -2 -1 1600000000000 1900000000000; do run kcat -b "$BOOTSTRAP" -Q -t $NAME:1:$time; done
run kcat -b "$BOOTSTRAP" -L -t $NAME
run kcat -b "$BOOTSTRAP" -L -t $NAME-none
# A balanced consumer, which ends at the end of all its partitions; the next goes on where it stopped.
run_sorted kcat -b "$BOOTSTRAP" -q -G $NAME-group -X auto.offset.reset=earliest -e $NAME
printf 'v4\n' | k -P -t $NAME -p 0
run_sorted kcat -b "$BOOTSTRAP" -q -G $NAME-group -X auto.offset.reset=earliest -e $NAME
run kcat -b "$BOOTSTRAP" -q -G $NAME-coop -X auto.offset.reset=earliest -X partition.assignment.strategy=cooperative-sticky -c 1 $NAME > "$WORK/coop"
tail -1 "$WORK/coop"
run_sorted kafka-consumer-groups.sh --bootstrap-server "$BOOTSTRAP" --describe --group $NAME-group
drop "$NAME.*"
