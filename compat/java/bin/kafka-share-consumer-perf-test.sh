#!/usr/bin/env bash
exec "$(dirname "$(readlink -f "$0")")/run-class" org.apache.kafka.tools.ShareConsumerPerformance "$@"
