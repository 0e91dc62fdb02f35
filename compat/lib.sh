# For scenarios written as shell scripts; source it first. Needs BOOTSTRAP=host:port of the broker to talk to.
#
# What a scenario prints is its transcript: each command, what it wrote to stdout and its exit code. The harness compares
# that with the transcript of Apache Kafka after masking what must differ (see README.md).
set -euo pipefail
: "${BOOTSTRAP:?set BOOTSTRAP=host:port}"
COMPAT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
NAME=$(basename "$0" .sh)
WORK=$(mktemp -d -t work.XXXXXX)
PATH=$COMPAT/java/bin:$PATH
export LC_ALL=C.UTF-8

# A scenario that starts what outlives a killed process group ends it here.
at_end() { :; }

finish() {
  local code=$?
  at_end || true
  jobs -p | xargs -r kill 2>/dev/null || true
  if [ $code != 0 ] && [ -s "$WORK/stderr" ]; then tail -25 "$WORK/stderr" >&2; fi
  rm -rf "$WORK"
  exit $code
}
trap finish EXIT

# run COMMAND ARG... : prints the command, its stdout, its exit code, and of a failure the error's class.
run() {
  local code=0
  echo "\$ $*"
  "$@" 2>"$WORK/error" || code=$?
  ended $code
}

# run_sorted COMMAND ARG... : the same, lines sorted, where the order is chance.
run_sorted() {
  local code=0
  echo "\$ $*"
  "$@" 2>"$WORK/error" >"$WORK/unsorted" || code=$?
  sort "$WORK/unsorted"
  ended $code
}

ended() {
  cat "$WORK/error" >> "$WORK/stderr"
  echo "exit $1$([ "$1" = 0 ] || sed -nE 's/.*org\.apache\.kafka\.common\.errors\.(\w+).*/ \1/p' "$WORK/error" | head -1)"
}

# quietly COMMAND ARG... : for what is set-up and not compared; a failure ends the scenario.
quietly() { "$@" >"$WORK/quiet" 2>>"$WORK/stderr" || fail "$* failed: $(cat "$WORK/quiet")"; }

fail() { echo "$NAME: $*" >&2; exit 1; }

# same WHAT FILE FILE : both hold the same lines, in whatever order.
same() {
  local one two
  one=$(sort "$2" | sha256sum); two=$(sort "$3" | sha256sum)
  [ "$one" = "$two" ] || fail "$1: $2 ($(wc -l <"$2") lines) and $3 ($(wc -l <"$3") lines) differ: $(diff <(sort "$2") <(sort "$3") | head -5)"
  echo "same: $1"
}

# wait_for SECONDS COMMAND ARG... : until the command succeeds.
wait_for() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "waited in vain for $*"
    sleep 0.2
  done
}

topic() { quietly kafka-topics.sh --bootstrap-server "$BOOTSTRAP" --create --topic "$1" --partitions "${2:-1}" --replication-factor 1 "${@:3}"; }
drop() { quietly kafka-topics.sh --bootstrap-server "$BOOTSTRAP" --delete --topic "$1"; }
needs_broker_dir() { [ -n "${BROKER_DIR:-}" ] || fail "stops or looks into the broker: set BROKER_DIR (see compat/broker)"; }
