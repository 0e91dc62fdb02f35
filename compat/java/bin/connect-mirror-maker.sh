#!/usr/bin/env bash
# In a JVM of its own: it is meant to be stopped and killed.
unset COMPAT_TOOLHOST
exec "$(dirname "$(readlink -f "$0")")/run-class" org.apache.kafka.connect.mirror.MirrorMaker "$@"
