#!/usr/bin/env bash
# kafka-server-start.sh [-daemon] server.properties [--override key=value]...
if [ $# -lt 1 ]; then
  echo "USAGE: $0 [-daemon] server.properties [--override property=value]*"
  exit 1
fi
if [ "$1" = "-daemon" ]; then
  shift
  nohup klamm --defaults /etc/kafka/docker/server.properties "$@" > /tmp/kafkaServer.out 2>&1 < /dev/null &
  exit 0
fi
exec klamm --defaults /etc/kafka/docker/server.properties "$@"
