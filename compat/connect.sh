# What the Connect scenarios share: one distributed worker, started, stopped and killed. Source it after lib.sh.
REST=http://127.0.0.1:$("$COMPAT/broker" port)

# worker_properties GROUP LINE... : of a worker whose internal topics are GROUP-configs, GROUP-offsets and GROUP-status.
worker_properties() {
  local group=$1; shift
  cat > "$WORK/worker.properties" <<PROPERTIES
bootstrap.servers=$BOOTSTRAP
group.id=$group
listeners=$REST
plugin.discovery=service_load
config.storage.topic=$group-configs
offset.storage.topic=$group-offsets
status.storage.topic=$group-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.storage.partitions=3
status.storage.partitions=2
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
offset.flush.interval.ms=500
session.timeout.ms=6000
heartbeat.interval.ms=1000
scheduled.rebalance.max.delay.ms=0
reconnect.backoff.max.ms=200
PROPERTIES
  printf '%s\n' "$@" >> "$WORK/worker.properties"
}

rest() { # rest METHOD PATH [JSON] : prints the answer; fails where that is an error
  curl -sS --fail-with-body --max-time 60 -X "$1" -H 'Content-Type: application/json' ${3:+-d "$3"} "$REST$2"
}
answers() { rest GET /connectors; }
is_running() { [ "$(rest GET "/connectors/$1/status" | grep -o '"state":"RUNNING"' | wc -l)" = 2 ]; } # the connector and its one task

start_worker() {
  KAFKA_HEAP_OPTS=-Xmx384m connect-distributed.sh "$WORK/worker.properties" >> "$WORK/worker.log" 2>&1 &
  worker=$!
  wait_for 90 answers
}
stop_worker() { kill $worker; wait $worker || [ $? = 143 ] || fail "the worker failed: $(tail -5 "$WORK/worker.log")"; }
kill_worker() { kill -KILL $worker; wait $worker 2>/dev/null || true; }
